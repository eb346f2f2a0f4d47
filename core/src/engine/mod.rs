//! L4, the face of a shard: events in, actions out.
//!
//! The contract:
//! 1. time never goes back;
//! 2. every call of [`Engine::handle`] returns all of its output in `out`;
//! 3. nothing is pending between calls except what [`Engine::deadline`] names, and after
//!    [`Event::Deadline`] at that time it has moved;
//! 4. a [`ConnId`](crate::ground::ConnId) may carry its next request, or be reused, only after the action
//!    that ends its exchange, or after [`Event::Gone`];
//! 5. an event for an unknown or stale id is counted and ignored;
//! 6. there is no action for an exchange after its last one.

mod action;
mod alarms;
mod audit;
mod backends;
mod bodies;
mod calls;
mod config;
mod deliver;
mod dispatch;
mod event;
mod farewell;
mod filters;
mod holds;
mod messages;
mod pace;
mod pages;
mod recovery;
mod retries;
#[cfg(test)]
mod room;
mod shared;
mod socket;
mod sockets;
mod stop;
mod streams;

use std::sync::Arc;

use thiserror::Error;

pub use action::{
    Action, Actions, BodySource, CallBody, CallRead, CallRequest, FanoutShape, Outgoing,
};
pub use config::Config;
pub use event::{ClientGone, Event, OriginFault, Request};
pub use socket::{Connect, SocketAction, SocketEvent, SocketFrame};

use bodies::Piece;
use calls::Calls;
use filters::Questions;
use pace::Pacing;
use recovery::Recoveries;
use sockets::Sockets;

use crate::channel::{Index, LastIds, Linger};
use crate::exchange::Exchange;
use crate::ground::{Counters, Rng, Seed, ShardId, Span, Table, Time, UnixTime, Wheel};

/// Slots of the tables that are kept when no exchange is under way; what a peak leaves beyond is given back.
const KEPT_SLOTS: usize = 1024;

/// One shard: every exchange, subscription and timer of its connections.
///
/// ```
/// use std::sync::Arc;
/// use holdfast_core::engine::{Action, Actions, Config, Engine, Event, Request};
/// use holdfast_core::ground::{ConnId, Seed, ShardId, Time, UnixTime};
/// use holdfast_core::message::{BodySize, Fields, RequestHead, Version};
///
/// let config = Arc::new(Config::default());
/// let mut engine = Engine::new(config, ShardId(0), Seed(1), UnixTime(1_790_000_000));
/// let head = RequestHead {
///     method: http::Method::GET,
///     target: "/".into(),
///     version: Version::Http11,
///     fields: Fields::from_iter([("Host", "example.com")]),
/// };
/// let request = Request { head, body: BodySize::Empty, peer: None, secure: false };
/// let (conn, mut out) = (ConnId { slot: 0, generation: 0 }, Actions::new());
/// engine.handle(Time::ZERO, Event::Request { conn, request }, &mut out);
/// // There is no route yet, so the one thing to do is to answer 502.
/// assert!(matches!(&out.list[..], [Action::Respond { response, .. }] if response.head.status == 502));
/// ```
#[derive(Debug)]
pub struct Engine {
    config: Arc<Config>,
    shard: ShardId,
    wall: UnixTime,
    rng: Rng,
    exchanges: Table<Exchange>,
    index: Index,
    last: LastIds,
    wheel: Wheel,
    calls: Calls,
    recoveries: Recoveries,
    questions: Questions,
    sockets: Sockets,
    pacing: Pacing,
    counters: Counters,
    draining: bool,
    /// The time of the call that is under way.
    now: Time,
    /// Reused by `expire`; empty between calls.
    due: Vec<u32>,
}

/// A broken invariant, found by [`Engine::audit`].
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[error("{0}")]
pub struct Violation(pub String);

/// Why the engine wants to be called at a time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reason {
    /// A timer of an exchange: a hold, a keep-alive, or the wait for an origin.
    Exchange,
    /// A timer of a WebSocket.
    Socket,
    /// A call has lasted too long.
    Call,
    /// A recovery or a filter's question has its turn.
    Turn,
    /// A channel has lingered long enough.
    Linger,
    /// Deliveries that wait for the rate may leave.
    Pace,
}

impl Engine {
    /// An engine with nothing under way. `wall` is the wall-clock time at [`Time::ZERO`].
    pub fn new(config: Arc<Config>, shard: ShardId, seed: Seed, wall: UnixTime) -> Self {
        let mut rng = Rng::new(seed);
        Self {
            config,
            shard,
            wall,
            index: Index::new(rng.fork()),
            last: LastIds::new(rng.fork()),
            rng,
            exchanges: Table::new(),
            wheel: Wheel::new(),
            calls: Calls::default(),
            recoveries: Recoveries::default(),
            questions: Questions::default(),
            sockets: Sockets::default(),
            pacing: Pacing::default(),
            counters: Counters::default(),
            draining: false,
            now: Time::ZERO,
            due: Vec::new(),
        }
    }

    /// Takes one event and appends everything that must be done to `out`.
    pub fn handle(&mut self, now: Time, event: Event, out: &mut Actions) {
        self.now = now;
        match event {
            Event::Request { conn, request } => self.request(now, conn, request, out),
            Event::Upgrade { conn, request, accept } => {
                self.upgrade(now, conn, request, accept, out);
            }
            Event::Socket { conn, event } => self.socket_event(now, conn, event, out),
            Event::Sent { conn } => self.sent(now, conn),
            Event::OriginHead { conn, head, .. } => self.origin_head(now, conn, head, out),
            Event::OriginData { conn, data, end } => {
                self.origin_data(now, conn, Piece { data, end }, out)
            }
            Event::OriginFailed { conn, fault } => self.origin_failed(now, conn, fault, out),
            Event::Gone { conn, .. } => self.gone(now, conn, out),
            Event::Backlog { conn, bytes } => self.backlog(now, conn, bytes, out),
            Event::Released(release) => self.released(now, release, out),
            Event::CallHead { call, head, body } => self.call_head(now, call, head, body, out),
            Event::CallData { call, data, end } => {
                self.call_data(now, call, Piece { data, end }, out)
            }
            Event::CallFailed { call, fault } => self.call_failed(now, call, fault.into(), out),
            Event::Reconfigure(config) => self.config = config,
            Event::Drain => self.drain(now, out),
            Event::Deadline => self.expire(now, out),
        }
        self.deliver_paced(now, out);
        self.take_turns(now, out);
        if self.exchanges.is_empty() && self.exchanges.slots() > KEPT_SLOTS {
            self.exchanges.shrink();
            self.wheel.shrink();
            self.due.shrink_to(KEPT_SLOTS);
            self.recoveries.give_back();
        }
    }

    /// When [`Event::Deadline`] is due, and why.
    pub fn deadline(&self) -> Option<(Time, Reason)> {
        let mut first = None;
        // Asked after every event, so nothing is copied but what is earlier.
        let mut consider = |at: Option<Time>, why| {
            if let Some(at) = at
                && first.is_none_or(|(earlier, _)| at < earlier)
            {
                first = Some((at, why));
            }
        };
        consider(self.wheel.next(), Reason::Exchange);
        consider(self.sockets_due(), Reason::Socket);
        consider(self.calls.deadline(), Reason::Call);
        consider(self.recovery_turn(), Reason::Turn);
        consider(self.question_turn(), Reason::Turn);
        consider(self.index.deadline(), Reason::Linger);
        consider(self.pacing.next(), Reason::Pace);
        first
    }

    /// What was counted so far.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// How many exchanges are under way.
    pub fn exchanges(&self) -> usize {
        self.exchanges.len()
    }

    /// How many WebSockets there are, those included whose clients are gone and whose backends are being told.
    pub fn sockets(&self) -> usize {
        self.sockets.iter().count()
    }

    /// How many subscriptions there are on `channel`.
    pub fn subscribers(&self, channel: &str) -> usize {
        self.index.find(channel).map_or(0, |channel| self.index.len(channel))
    }

    fn wall(&self, now: Time) -> UnixTime {
        self.wall + now.since(Time::ZERO)
    }

    fn linger(&self) -> Linger {
        let limits = &self.config.limits;
        Linger { span: limits.subscription_linger, channels: limits.lingering_channels }
    }

    fn arm(&mut self, conn: crate::ground::ConnId, now: Time, span: Span) {
        self.wheel.arm(conn.slot, now + span);
    }
}
