//! A deterministic simulator: the core of Holdfast in a virtual world that does it no favours.
//!
//! A world ([`run`]) has the shards of one proxy, its hub, clients, origins and publishers. Time is
//! virtual, links tear what is written into pieces, are slow, stall and break, clients leave and
//! do not read, origins are silent and lie; all of it drawn from one seed ([`Options::of`]), so
//! that a run can be had again. The engine, the hub, the HTTP/1.1 codec and the language of routes,
//! instructs and items are the real ones; the adapter that drives them and the peers, who speak
//! HTTP with code of their own, are the simulator's.
//!
//! Half of the worlds have WebSockets as well, with backends that speak WebSocket or
//! WebSocket-over-HTTP, crash, and take only a part of what they are offered.
//!
//! Ledgers watch, one a property: each request gets its one answer, items arrive in order and none
//! is lost without a word, holds end in time, nothing is left of those who leave, and so on. What a
//! WebSocket's client says reaches its backend once and in order, what its backend says and what is
//! published reaches the client, subscriptions are what the backend asked for, every close comes to
//! its end, and every backend hears that its client has gone. That
//! they notice anything at all is shown by breaking the rules on purpose ([`Sabotage`]).
//!
//! What a shard was told is recorded ([`Trace`]): a list of events with their times that replays on
//! any build.
//!
//! ```
//! let outcome = holdfast_sim::run(&holdfast_sim::Options::of(1));
//! assert_eq!(outcome.failure, None);
//! assert_eq!(outcome.traces[0].replay(), outcome.traces[0].digest);
//! ```

mod actor;
mod adapter;
mod agenda;
mod dice;
mod hub;
mod journal;
mod oracle;
mod sabotage;
mod saboteur;
mod scene;
mod script;
mod swarm;
mod talk;
mod tally;
mod trace;
mod wire;
mod world;

pub use oracle::Failure;
pub use sabotage::Sabotage;
pub use swarm::{
    ACTS, Clientele, ITEMS, Journals, KINDS, Options, Origins, Publishing, SAYINGS, Sockets,
};
pub use tally::Tally;
pub use trace::{Digest, Trace};
pub use wire::Weather;
pub use world::{Outcome, run};
