//! How long is waited for what. Nobody keeps a timer: a connection notes since when it has waited, and the
//! sweep of its shard, once a second, looks whether that is too long.

use std::time::Duration;

use holdfast_core::ground::{Span, Time};

use crate::clock::span;

/// What a connection waits for, if the adapter sets the bound.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Wait {
    /// Nothing, or something whose time the engine keeps.
    Nothing,
    /// A request (LIM-20). Bytes of it are no progress, so that a trickle ends as well.
    Request,
    /// The client to go on with its request body (LIM-21).
    Body,
    /// The client to take what is written (LIM-26).
    Taking,
    /// The origin to take or send something (LIM-23).
    Origin,
    /// Anything to happen for a client that has closed its side (FWD-57).
    HalfClosed,
    /// The client to close after the last response.
    Close,
}

/// The bounds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    pub(crate) client: Duration,
    pub(crate) origin: Span,
}

/// A client that has closed its side is served as long as something flows, and this long in silence.
const HALF_CLOSED: Span = Span::from_secs(1);
const CLOSE: Span = Span::from_secs(2);

impl Patience {
    /// How long `wait` may last.
    pub(crate) fn of(&self, wait: Wait) -> Option<Span> {
        match wait {
            Wait::Nothing => None,
            Wait::Request | Wait::Body | Wait::Taking => Some(span(self.client)),
            Wait::Origin => Some(self.origin),
            Wait::HalfClosed => Some(HALF_CLOSED),
            Wait::Close => Some(CLOSE),
        }
    }
}

/// The wait of one connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Waiting {
    pub(crate) what: Wait,
    pub(crate) since: Time,
    /// The sweep has found that it lasted too long.
    pub(crate) overdue: bool,
}

impl Waiting {
    pub(crate) const NOT: Self = Self { what: Wait::Nothing, since: Time::ZERO, overdue: false };

    pub(crate) fn from(what: Wait, since: Time) -> Self {
        Self { what, since, overdue: false }
    }
}
