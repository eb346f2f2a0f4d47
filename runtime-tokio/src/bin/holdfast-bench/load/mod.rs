//! The load generator: raw sockets on one epoll loop, no client library.

mod held;
mod latency;
mod plain;
mod polls;
mod publisher;
mod socket;

pub use held::{Held, Received};
pub use latency::Latencies;
pub use plain::{download, plain};
pub use polls::{cycles, open_and_close};
pub use publisher::{Publisher, unicast};
