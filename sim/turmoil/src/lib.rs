//! The adapter of Holdfast, from the very files that the binary is made of, on the simulated network of
//! [turmoil]. Three modules are other ones: the network, what comes from the surroundings, and the proxy, whose parts
//! are tasks of one host instead of threads.
//!
//! It is a package of its own because a feature of the real one would be switched on for everybody who builds the
//! workspace as a whole: thus the real one knows nothing of it.

// The unit tests in those files are run where they belong, in tokio's net.
#![cfg(not(test))]

mod ambient;
mod net;
mod proxy;

#[path = "../../../runtime-tokio/src/client/mod.rs"]
mod client;
#[path = "../../../runtime-tokio/src/clock.rs"]
mod clock;
#[path = "../../../runtime-tokio/src/config/mod.rs"]
pub mod config;
#[path = "../../../runtime-tokio/src/driver.rs"]
mod driver;
#[path = "../../../runtime-tokio/src/frames.rs"]
mod frames;
#[path = "../../../runtime-tokio/src/hub/mod.rs"]
mod hub;
#[path = "../../../runtime-tokio/src/intake.rs"]
mod intake;
#[path = "../../../runtime-tokio/src/origin/mod.rs"]
mod origin;
#[path = "../../../runtime-tokio/src/plan.rs"]
mod plan;
#[path = "../../../runtime-tokio/src/publish/mod.rs"]
mod publish;
#[path = "../../../runtime-tokio/src/shard/mod.rs"]
mod shard;
#[path = "../../../runtime-tokio/src/stats.rs"]
mod stats;

pub use plan::StartError;
pub use proxy::Proxy;
