//! Clients of which nothing is heard (WS-53). Nothing is done when something comes or goes; when the time has
//! come, it is looked back.

use crate::ground::{Limits, Span, Time};

/// What the proxy's own pings carry. Pongs with it are not for the backend.
pub(super) const PING: &[u8] = b"holdfast";

/// How long a client has been silent.
#[derive(Debug)]
pub(super) struct Quiet {
    heard: Time,
    /// Whether it was asked for a sign of life since.
    pinged: bool,
    look: Time,
}

/// What is to be done about a client.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Silence {
    Fine,
    /// It shall show that it is there.
    Ping,
    TooLong,
}

impl Quiet {
    /// Begins at `now`.
    pub(super) fn start(now: Time, limits: &Limits) -> Self {
        let first = limits.socket_ping_interval.map_or(limits.socket_idle_timeout, |interval| {
            interval.min(limits.socket_idle_timeout)
        });
        Self { heard: now, pinged: false, look: now + first }
    }

    /// When to look.
    pub(super) const fn look_at(&self) -> Time {
        self.look
    }

    /// The client sent something.
    pub(super) fn heard(&mut self, now: Time) {
        (self.heard, self.pinged) = (now, false);
    }

    /// Looks at `now` at a client to which something was last sent at `sent`. With `mute` it has no ping, for it
    /// has more to take than that.
    pub(super) fn look(&mut self, now: Time, sent: Time, mute: bool, limits: &Limits) -> Silence {
        if now < self.look {
            return Silence::Fine;
        }
        let idle = self.heard.max(sent) + limits.socket_idle_timeout;
        let sign = limits.socket_ping_interval.map(|interval| self.sign(interval));
        if idle <= now || (self.pinged && sign.is_some_and(|sign| sign <= now)) {
            return Silence::TooLong;
        }
        let asks = !mute && sign.is_some_and(|sign| sign <= now);
        self.pinged |= asks;
        let next = limits.socket_ping_interval.map_or(idle, |interval| self.sign(interval));
        // Never at once again, though a mute client be overdue.
        self.look = idle.min(next.max(now + Span::from_secs(1)));
        if asks { Silence::Ping } else { Silence::Fine }
    }

    /// When the client must have given a sign of life.
    fn sign(&self, interval: Span) -> Time {
        let once = self.heard + interval;
        if self.pinged { once + interval } else { once }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Time {
        Time::ZERO + Span::from_secs(seconds)
    }

    fn limits(idle: u64, ping: Option<u64>) -> Limits {
        Limits {
            socket_idle_timeout: Span::from_secs(idle),
            socket_ping_interval: ping.map(Span::from_secs),
            ..Limits::default()
        }
    }

    /// Wakes whenever asked to until something is done.
    fn next(quiet: &mut Quiet, sent: Time, mute: bool, limits: &Limits) -> (Time, Silence) {
        loop {
            let now = quiet.look_at();
            match quiet.look(now, sent, mute, limits) {
                Silence::Fine => assert!(now < quiet.look_at()),
                silence => return (now, silence),
            }
        }
    }

    #[test]
    fn ws_53_either_way_counts() {
        let limits = limits(100, None);
        let mut quiet = Quiet::start(at(0), &limits);
        assert_eq!(next(&mut quiet, at(0), false, &limits), (at(100), Silence::TooLong));
        assert_eq!(next(&mut quiet, at(60), false, &limits), (at(160), Silence::TooLong));
        quiet.heard(at(150));
        assert_eq!(next(&mut quiet, at(60), false, &limits), (at(250), Silence::TooLong));
    }

    #[test]
    fn ws_53_a_client_that_does_not_answer_a_ping_is_gone() {
        let limits = limits(100, Some(10));
        let mut quiet = Quiet::start(at(0), &limits);
        assert_eq!(next(&mut quiet, at(0), false, &limits), (at(10), Silence::Ping));
        quiet.heard(at(12));
        assert_eq!(next(&mut quiet, at(0), false, &limits), (at(22), Silence::Ping));
        assert_eq!(next(&mut quiet, at(30), false, &limits), (at(32), Silence::TooLong));
    }

    #[test]
    fn ws_53_a_client_that_has_enough_to_take_is_not_pinged() {
        let limits = limits(100, Some(10));
        let mut quiet = Quiet::start(at(0), &limits);
        assert_eq!(next(&mut quiet, at(5), true, &limits), (at(105), Silence::TooLong));
    }
}
