//! The clock of a shard: the only place where the core's time comes from.

use std::time::Duration;

use holdfast_core::ground::{Span, Time};
use tokio::time::Instant;

/// Counts from its own start.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    zero: Instant,
}

impl Clock {
    pub(crate) fn start() -> Self {
        Self { zero: Instant::now() }
    }

    pub(crate) fn now(self) -> Time {
        Time::ZERO + span(self.zero.elapsed())
    }

    /// The instant that the core calls `time`.
    pub(crate) fn instant(self, time: Time) -> Instant {
        self.zero + Duration::from_nanos(time.as_nanos())
    }
}

pub(crate) fn span(duration: Duration) -> Span {
    Span::from_nanos(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX))
}
