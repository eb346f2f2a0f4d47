//! The proxy on real sockets: scripted clients on one side, scripted origins on the other.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

mod bodies;
mod clients;
mod faults;
mod holds;
mod plain;
mod process;
mod publish;
mod scripts;
mod stopping;
mod websocket;
mod websockets_ending;
mod websockets_native;
mod websockets_over_http;
mod websockets_publish;
mod wire;
