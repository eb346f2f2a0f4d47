//! Holdfast, a GRIP reverse proxy, as a library: the [core](holdfast_core) on tokio.
//!
//! ```text
//!             clients                                          publishers
//!                │ kernel spreads (SO_REUSEPORT)                   │ HTTP
//!      ┌─────────┴─────────┐                               ┌───────┴───────┐
//!  ┌───┴────────────┐ ┌────┴───────────┐                   │      hub      │ own thread
//!  │    shard 0     │ │    shard 1     │  … a core each    │ publish API   │
//!  │ client tasks   │ │                │                   │ Hub machine   │
//!  │   │ events     │ │                │ ◄─────────────────┤ one pump      │
//!  │ driver, Engine │ │                │   items, in the   └───────────────┘
//!  │   │ orders     │ │                │   same order for
//!  │ origin pool    │ │                │   every shard
//!  └───┬────────────┘ └────┬───────────┘
//!      └─────────┬─────────┘
//!             origins
//! ```
//!
//! A shard is one thread with everything that its clients need: listeners, a task for each connection, the
//! [`Engine`](holdfast_core::engine::Engine), a pool of origin connections, one timer. Nothing in it is locked, and
//! nothing but published items and changes of the configuration reaches it from outside.
//!
//! A **plain request** is read by its task, goes through the engine as two events (the request's head, the
//! answer's head), and its bodies are passed on between two sockets by that same task. A **held request** leaves
//! the origin's connection to others; its task sleeps, and all that is left is a socket, a small future, a slot
//! in the shard's table and the hold in the engine. A **published item** comes from the hub to every shard;
//! the engine says who gets what, and the driver writes it to the sockets from where it stands. No task wakes
//! for it, unless its socket would block.
//!
//! A **WebSocket** stays with the task of its connection, which reads frames now, and those of the origin as well if
//! that speaks WebSocket; the engine hears of every frame, and the driver writes what it says. A **call**, a request
//! that the engine makes of an origin itself, is a task of its own: a message for an origin behind
//! WebSocket-over-HTTP is one.

pub mod allocator;
pub mod config;
pub mod demo;

mod ambient;
mod client;
mod clock;
mod driver;
mod frames;
mod hub;
mod intake;
mod net;
mod origin;
mod plan;
mod proxy;
mod publish;
mod run;
mod shard;
mod stats;
#[cfg(test)]
mod testing;

pub use plan::StartError;
pub use proxy::Proxy;
pub use run::{Occasion, run_with};
