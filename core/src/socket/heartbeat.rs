//! What is sent to a client again and again (CTL-40 to CTL-46).

use crate::ground::{Rng, Span, Time};
use crate::wsoh::{Heartbeat, HeartbeatMode, Message};

/// The heartbeat of one client.
#[derive(Debug)]
pub(super) struct Beating {
    heartbeat: Heartbeat,
    timeout: Span,
    due: Time,
    /// The timeout, less what makes it early.
    span: Span,
}

impl Beating {
    /// Starts at `now`; its timeout is the usual one if the backend does not say.
    pub(super) fn start(heartbeat: Heartbeat, usual: Span, now: Time, rng: &mut Rng) -> Self {
        let timeout = heartbeat.timeout.unwrap_or(usual).max(Span::from_secs(1));
        let mut beating = Self { heartbeat, timeout, due: now, span: Span::ZERO };
        beating.restart(now, rng);
        beating
    }

    /// When to wake it.
    pub(super) const fn due(&self) -> Time {
        self.due
    }

    /// What is to be sent at `now`, if anything; something was last sent at `sent`. Sending does not touch the
    /// timer: it looks back when it wakes.
    pub(super) fn wake(&mut self, now: Time, sent: Time, rng: &mut Rng) -> Option<&Message> {
        if self.heartbeat.mode == HeartbeatMode::Idle {
            self.due = self.due.max(sent + self.span);
        }
        if self.due > now {
            return None;
        }
        self.restart(now, rng);
        Some(&self.heartbeat.message)
    }

    /// Up to a second early (NUM-13), so that clients who came together do not stay together.
    fn restart(&mut self, now: Time, rng: &mut Rng) {
        let early = (self.timeout.as_nanos() / 2).min(Span::from_secs(1).as_nanos());
        self.span = self.timeout - Span::from_nanos(rng.below(early));
        self.due = now + self.span;
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::ground::Seed;
    use crate::publish::WsType;

    fn at(millis: u64) -> Time {
        Time::ZERO + Span::from_millis(millis)
    }

    fn beating(mode: HeartbeatMode, rng: &mut Rng) -> Beating {
        let message = Message { kind: WsType::Text, payload: Bytes::from_static(b"x") };
        let heartbeat = Heartbeat { message, mode, timeout: None };
        Beating::start(heartbeat, Span::from_secs(5), at(0), rng)
    }

    #[test]
    fn num_13_ctl_40_ctl_41_only_an_idle_heartbeat_looks_at_what_was_sent() {
        for (mode, beats) in [(HeartbeatMode::Idle, false), (HeartbeatMode::Interval, true)] {
            let mut rng = Rng::new(Seed(1));
            let mut beating = beating(mode, &mut rng);
            let due = beating.due();
            assert!(at(4000) <= due && due <= at(5000), "{due:?}");
            assert_eq!(beating.wake(due, at(3000), &mut rng).is_some(), beats, "{mode:?}");
            let next = beating.due();
            match mode {
                HeartbeatMode::Idle => assert!(at(7000) <= next && next <= at(8000)),
                HeartbeatMode::Interval => assert!(at(8000) <= next && next <= at(10_000)),
            }
        }
    }
}
