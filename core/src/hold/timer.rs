//! The keep-alive of one stream (KEEP-3 to KEEP-6).

use bytes::Bytes;

use crate::grip::{KeepAlive, KeepAliveMode};
use crate::ground::{Rng, Span, Time};

/// When to send what on a silent stream.
#[derive(Debug)]
pub struct Timer {
    keep_alive: KeepAlive,
    /// When it was started or last fired.
    since: Time,
    /// How long it runs this time, jitter included.
    span: Span,
}

impl Timer {
    /// A timer that begins to run.
    pub fn start(keep_alive: KeepAlive, now: Time, rng: &mut Rng) -> Self {
        let mut timer = Self { keep_alive, since: now, span: Span::ZERO };
        timer.restart(now, rng);
        timer
    }

    /// Something else is to be sent from now on. A timer of the same length runs on (KEEP-5, KEEP-6).
    pub fn replace(&mut self, keep_alive: KeepAlive, now: Time, rng: &mut Rng) {
        let before = core::mem::replace(&mut self.keep_alive, keep_alive);
        if before.timeout != self.keep_alive.timeout {
            self.restart(now, rng);
        }
    }

    /// When it has to be looked at.
    pub fn due(&self) -> Time {
        self.since + self.span
    }

    /// Looks at the timer; `delivered` is when any channel of the stream last had an item. Says what is to be
    /// sent, if its time has come.
    ///
    /// Deliveries do not touch the timer: it looks back when it wakes. So a fan-out need not visit the
    /// timers of its receivers.
    pub fn wake(&mut self, now: Time, delivered: Time, rng: &mut Rng) -> Option<Bytes> {
        if self.keep_alive.mode == KeepAliveMode::Idle {
            self.since = self.since.max(delivered);
        }
        if self.due() > now {
            return None;
        }
        self.restart(now, rng);
        Some(self.keep_alive.data.clone())
    }

    /// Runs for the timeout less up to a tenth, so that streams begun together do not stay together.
    pub fn restart(&mut self, now: Time, rng: &mut Rng) {
        let timeout = self.keep_alive.timeout.max(Span::from_secs(1));
        let jitter = rng.below(timeout.as_nanos() / 10);
        (self.since, self.span) = (now, timeout - Span::from_nanos(jitter));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ground::Seed;

    fn timer(mode: KeepAliveMode, rng: &mut Rng) -> Timer {
        let keep_alive =
            KeepAlive { data: Bytes::from_static(b"\n"), mode, timeout: Span::from_secs(20) };
        Timer::start(keep_alive, at(100), rng)
    }

    fn at(secs: u64) -> Time {
        Time::ZERO + Span::from_secs(secs)
    }

    #[test]
    fn keep_3_fires_within_the_last_tenth_of_the_timeout() {
        let mut rng = Rng::new(Seed(3));
        let mut timer = timer(KeepAliveMode::Idle, &mut rng);
        let first = timer.due();
        assert!(at(118) <= first && first <= at(120), "{first:?}");
        assert_eq!(timer.wake(first, Time::ZERO, &mut rng).as_deref(), Some(&b"\n"[..]));
        assert!(first + Span::from_secs(18) <= timer.due());
    }

    #[test]
    fn keep_4_an_item_restarts_an_idle_timer_and_no_interval_timer() {
        for (mode, sends) in [(KeepAliveMode::Idle, false), (KeepAliveMode::Interval, true)] {
            let mut rng = Rng::new(Seed(3));
            let mut timer = timer(mode, &mut rng);
            let first = timer.due();
            assert_eq!(timer.wake(first, at(110), &mut rng).is_some(), sends, "{mode:?}");
            if mode == KeepAliveMode::Idle {
                assert!(at(128) <= timer.due() && timer.due() <= at(130));
            }
        }
    }
}
