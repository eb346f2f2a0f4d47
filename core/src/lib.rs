//! The core of Holdfast: a GRIP proxy without its sockets.
//!
//! Everything a GRIP proxy decides is decided here, as pure state machines: events in, actions out. There
//! is no socket, thread, clock, environment or system randomness, and nothing async; time, seed and
//! configuration are arguments. So the same code runs under tokio in production, in a deterministic
//! simulator, under a fuzzer, or in a runtime of your own.
//!
//! # The two machines
//!
//! [`engine::Engine`] is one shard: it owns every exchange (one client request, or one WebSocket), the
//! subscription lists and the timers of its connections, and the calls that it makes of origins itself: retries,
//! pages, questions of filters, requests of WebSockets. [`hub::Hub`] is the intake of a process: it takes published
//! items, puts them in order, and releases each to all shards in that order.
//!
//! ```text
//!   client ──bytes──▶ http1::Server ──Request──▶ ┌────────┐ ──Forward──▶ http1::Client ──bytes──▶ origin
//!          ◀─bytes──  ws::Decoder   ◀─Respond──  │ Engine │ ◀─OriginHead─               ◀─bytes──
//!                     (adapter)     ◀─Fanout───  │        │ ──Call─────▶ (adapter)
//!                                   ──Socket───▶ └────────┘ ◀─CallData──
//!                                                  │    ▲
//!                                         Interest ▼    │ Released
//!   publisher ──▶ publish::parse_items ──Publish──▶ ┌────────┐
//!                                                   │  Hub   │
//!                                                   └────────┘
//! ```
//!
//! A plain request costs the engine two calls and two actions, and no byte of a body enters it. A publish
//! to N streams or WebSockets is one walk over a list and one `Fanout` action.
//!
//! # Layers
//!
//! Each layer knows only those above it in this list; a test reads the `use` lines and fails on any other
//! edge.
//!
//! | layer | modules | what |
//! |---|---|---|
//! | ground | [`ground`] | time, ids, stores, the timer wheel, limits, counters |
//! | words | [`message`], [`json`] | HTTP messages and JSON as plain data |
//! | language | [`http1`], [`ws`], [`grip`], [`publish`], [`route`], [`forward`], [`filter`], [`wsoh`] | what is on the wire and in the files |
//! | bookkeeping | [`channel`] | who is subscribed to what; bounded queues |
//! | machines | [`exchange`], [`hold`], [`socket`], [`intake`] | one request; one hold; one WebSocket; what is published, put in order |
//! | faces | [`engine`], [`hub`] | a shard; the intake |
//!
//! # Faults
//!
//! What a client, an origin or a publisher does wrong is a typed error, named for whoever is at fault, and
//! becomes an action. Nothing that a peer sends can panic or grow memory without a bound; whatever is
//! dropped is counted ([`ground::Count`]). A broken invariant of our own panics where assertions are on,
//! and elsewhere costs the one exchange it concerns.
//!
//! Ids such as `RESP-4` or `FWD-65` in the documentation name requirements of the conformance suite.

// A loop over a hash table has an order that differs from run to run; `clippy.toml` bans the methods.
#![warn(clippy::iter_over_hash_type)]

pub mod channel;
pub mod engine;
pub mod exchange;
pub mod filter;
pub mod forward;
pub mod grip;
pub mod ground;
pub mod hold;
pub mod http1;
pub mod hub;
pub mod intake;
pub mod json;
pub mod message;
pub mod publish;
pub mod route;
pub mod socket;
pub mod ws;
pub mod wsoh;
