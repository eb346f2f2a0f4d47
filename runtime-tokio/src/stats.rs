//! What the adapter counts beside the core: connections, and everything that it refuses, cuts or tries again.

use std::cell::Cell;

use holdfast_core::ground::Counters;

macro_rules! stats {
    ($($(#[$doc:meta])+ $name:ident = $text:literal,)+) => {
        /// What is counted.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub(crate) enum Stat { $($(#[$doc])+ $name,)+ }

        const NAMES: &[&str] = &[$($text,)+];
    };
}

stats! {
    /// Client connections accepted.
    Accepted = "client_accepted",
    /// Clients turned away because there were too many (LIM-10).
    Refused = "client_refused",
    /// Clients turned away even without an answer, because too many were being turned away.
    RefusedUnheard = "client_refused_unheard",
    /// Times that no connection could be accepted.
    AcceptFailed = "accept_failed",
    /// Requests that could not be read.
    BadRequest = "client_bad_request",
    /// Idle connections closed (LIM-20).
    Idle = "client_idle_closed",
    /// Requests whose body came too slowly (LIM-21).
    SlowBody = "client_slow_body",
    /// Clients that took nothing for too long (LIM-26).
    Stalled = "client_stalled",
    /// Held clients that sent more ahead than is kept for one.
    TooFarAhead = "client_too_far_ahead",
    /// Clients that broke the protocol of their WebSocket.
    BadFrame = "client_bad_frame",
    /// Clients that left while a request was under way.
    Left = "client_left",
    /// Connections that outlived the time to drain and were cut.
    DrainCut = "drain_cut",
    /// Requests sent once more because a pooled connection was dead (FWD-87).
    Retried = "origin_retried",
    /// Responses cut because the origin's was (FWD-71) or came to a halt (LIM-23).
    Truncated = "origin_truncated",
    /// Wrong last ids of which the hub was not told, because it had not listened for too long.
    ForgetLost = "forget_lost",
    /// Origins that broke the protocol of a WebSocket.
    OriginBadFrame = "origin_bad_frame",
    /// Origins of WebSockets cut without time to answer the close, because too many had it.
    PartingCut = "origin_parting_cut",
    /// Idle origin connections closed for want of room.
    PoolFull = "origin_pool_full",
}

/// One number a [`Stat`].
#[derive(Default)]
pub(crate) struct Stats([Cell<u64>; NAMES.len()]);

impl Stats {
    pub(crate) fn bump(&self, what: Stat) {
        let cell = &self.0[what as usize];
        cell.set(cell.get() + 1);
    }

    /// What has been counted at all, as one line for the log.
    pub(crate) fn line(&self) -> String {
        line(NAMES.iter().copied().zip(self.0.iter().map(Cell::get)))
    }
}

/// What the core has counted at all, as one line for the log.
pub(crate) fn counted(counters: &Counters) -> String {
    line(counters.iter().map(|(what, count)| (what.name(), count)))
}

fn line(counts: impl Iterator<Item = (&'static str, u64)>) -> String {
    let counted = counts.filter(|(_, count)| *count > 0);
    let words: Vec<_> = counted.map(|(name, count)| format!("{name}={count}")).collect();
    words.join(" ")
}
