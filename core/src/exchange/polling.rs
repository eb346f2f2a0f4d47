//! A long-poll: a response hold, with the request that can be asked again (REC-1).

use super::{Asked, Filtering};
use crate::forward::RequestUrl;
use crate::ground::{CallId, Time};
use crate::hold::ResponseHold;

/// A request in response hold.
#[derive(Debug)]
pub struct Polling {
    /// The request.
    pub asked: Asked,
    /// What it waits for.
    pub hold: ResponseHold,
    /// Whether it is being asked again. Items are taken all the same (REC-8).
    pub retry: Retry,
    /// How many retries in a row have failed.
    pub failures: u32,
    /// The item that a filter asks about, and those behind it.
    pub filtering: Option<Box<Filtering>>,
    /// Whom to tell when the request is over; as the first instruct says (GONE-1).
    pub gone: Option<Box<RequestUrl>>,
}

const _: () = assert!(size_of::<Polling>() <= 256, "one for each long-poll");

/// How far the repetition of a request is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Retry {
    /// Nothing is wrong.
    Idle,
    /// It is wanted, and waits for its turn.
    Queued,
    /// It is at the backend.
    Called {
        /// The call.
        call: CallId,
        /// Whether another one is wanted after it (REC-4).
        again: bool,
    },
    /// The backend could not be reached; this is when to try again.
    Later(Time),
}

impl Polling {
    /// When it has to be looked at.
    pub fn due(&self) -> Time {
        match self.retry {
            Retry::Later(at) => at.min(self.hold.deadline()),
            Retry::Idle | Retry::Queued | Retry::Called { .. } => self.hold.deadline(),
        }
    }
}
