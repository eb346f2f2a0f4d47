//! A rate with some room for bursts.

use super::{Span, Time};

/// Lets so many things a second happen, and after a pause a burst of them at once.
#[derive(Debug, Default)]
pub struct Pace {
    /// When everything that was let pass so far would have passed at an even rate.
    until: Time,
}

impl Pace {
    /// Takes one turn if there is one: `per_second` a second, up to `burst` at once. A rate of zero lets
    /// nothing pass.
    pub fn take(&mut self, now: Time, per_second: u32, burst: u32) -> bool {
        let open = self.next(now, per_second, burst) <= now;
        if open {
            self.until = self.until.max(now) + interval(per_second);
        }
        open
    }

    /// When the next turn is; not after `now` if at once.
    pub fn next(&self, now: Time, per_second: u32, burst: u32) -> Time {
        if per_second == 0 {
            return Time::from_nanos(u64::MAX);
        }
        let ahead = interval(per_second).as_nanos().saturating_mul(burst.saturating_sub(1).into());
        Time::from_nanos(self.until.max(now).as_nanos().saturating_sub(ahead))
    }
}

fn interval(per_second: u32) -> Span {
    Span::from_nanos(1_000_000_000 / u64::from(per_second.max(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_and_then_the_rate() {
        let mut pace = Pace::default();
        let mut now = Time::ZERO + Span::from_secs(5);
        let passed = |pace: &mut Pace, now| (0..100).filter(|_| pace.take(now, 10, 3)).count();
        assert_eq!(passed(&mut pace, now), 3);
        assert_eq!(pace.next(now, 10, 3), now + Span::from_millis(100));
        now = now + Span::from_millis(200);
        assert_eq!(passed(&mut pace, now), 2);
        now = now + Span::from_secs(60);
        assert_eq!(passed(&mut pace, now), 3);
        assert!(!pace.take(now, 0, 3));
    }
}
