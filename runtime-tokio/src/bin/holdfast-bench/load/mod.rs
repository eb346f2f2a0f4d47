//! The load generator: raw sockets on one epoll loop, no client library.

mod download;
mod held;
mod latency;
mod polls;
mod publisher;
mod socket;
mod turns;
mod web_socket;

pub use download::download;
pub use held::{Between, Held, Received};
pub use latency::Latencies;
pub use polls::{cycles, open_and_close};
pub use publisher::{Publisher, unicast};
pub use turns::{Turns, echo, plain};
pub use web_socket::handshake;
