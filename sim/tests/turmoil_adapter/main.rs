//! The real adapter on a simulated network: clients and backends that share no code with it (hyper and
//! tokio-tungstenite), links with latency, partitions and crashes, all of it from one seed.

mod breaks;
mod crashes;
mod holds;
mod native;
mod over_http;
mod peer;
mod stage;
mod stopping;
mod storms;
