//! Which channels anybody wants, and which are wanted since a short while (REC-5).

use std::collections::BTreeSet;
use std::sync::Arc;

use super::KEPT_CHANNELS;
use super::line::{Line, Place};
use crate::ground::{Limits, Seed, SeededMap, ShardId, Span, Time};

/// The channels that are wanted on any shard. As many as the shards say.
#[derive(Debug)]
pub struct Interest {
    /// How long after the first interest a channel is due; `None`: never.
    delay: Option<Span>,
    /// How long those that are due next to each other are collected.
    collect: Span,
    channels: SeededMap<Arc<str>, Wanted>,
    /// The channels that are not due yet, by when they are.
    fresh: Line<(Time, Arc<str>)>,
}

#[derive(Debug, Default)]
struct Wanted {
    by: Vec<ShardId>,
    fresh: Option<Place>,
}

/// What a shard's word changes for the whole process.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Turn {
    /// The first shard wants the channel.
    Gained,
    /// No shard wants it any more.
    Lost,
}

impl Interest {
    /// Nothing is wanted.
    pub fn new(limits: &Limits, seed: Seed) -> Self {
        Self {
            delay: limits.first_subscription_delay,
            collect: limits.recovery_collect,
            channels: SeededMap::with_hasher(seed.hasher()),
            fresh: Line::default(),
        }
    }

    /// A shard wants a channel, or does so no more. What it has said before it may say again.
    pub fn set(
        &mut self,
        now: Time,
        shard: ShardId,
        channel: &Arc<str>,
        wanted: bool,
    ) -> Option<Turn> {
        match wanted {
            true => self.want(now, shard, channel),
            false => self.leave(shard, channel),
        }
    }

    /// When `due` has something to say next.
    pub fn deadline(&self) -> Option<Time> {
        self.fresh.first().map(|(at, _)| *at + self.collect)
    }

    /// The channels that are wanted since the delay, once the first of them has waited for the others: a hold
    /// begins on all of its channels at once, or nearly so, and shall ask once (REC-3, REC-4).
    pub fn due(&mut self, now: Time) -> Option<BTreeSet<Arc<str>>> {
        self.deadline().filter(|at| *at <= now)?;
        let mut due = BTreeSet::new();
        while self.fresh.first().is_some_and(|(at, _)| *at <= now) {
            let Some((_, channel)) = self.fresh.pop() else { break };
            if let Some(wanted) = self.channels.get_mut(&channel) {
                wanted.fresh = None;
            }
            due.insert(channel);
        }
        Some(due)
    }

    fn want(&mut self, now: Time, shard: ShardId, channel: &Arc<str>) -> Option<Turn> {
        let wanted = self.channels.entry(channel.clone()).or_default();
        if wanted.by.contains(&shard) {
            return None;
        }
        wanted.by.push(shard);
        if wanted.by.len() > 1 {
            return None;
        }
        wanted.fresh = self.delay.map(|delay| self.fresh.join((now + delay, channel.clone())));
        Some(Turn::Gained)
    }

    fn leave(&mut self, shard: ShardId, channel: &Arc<str>) -> Option<Turn> {
        let wanted = self.channels.get_mut(channel)?;
        wanted.by.retain(|by| *by != shard);
        if !wanted.by.is_empty() {
            return None;
        }
        let fresh = wanted.fresh;
        self.channels.remove(channel);
        if let Some(place) = fresh {
            self.fresh.leave(place);
        }
        if self.channels.is_empty() {
            self.channels.shrink_to(KEPT_CHANNELS);
        }
        Some(Turn::Lost)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Time {
        Time::ZERO + Span::from_millis(millis)
    }

    #[test]
    fn seq_8_the_first_and_the_last_shard_make_the_difference() {
        let mut interest = Interest::new(&Limits::default(), Seed(1));
        let a = Arc::from("a");
        let mut set = |shard, wanted| interest.set(at(0), ShardId(shard), &a, wanted);
        assert_eq!(set(0, false), None, "never wanted");
        assert_eq!(set(0, true), Some(Turn::Gained));
        assert_eq!(set(0, true), None, "said before");
        assert_eq!(set(1, true), None);
        assert_eq!(set(0, false), None);
        assert_eq!(set(0, false), None, "said before");
        assert_eq!(set(1, false), Some(Turn::Lost));
        assert!(interest.channels.is_empty() && interest.fresh.len() == 0);
    }

    fn set<const N: usize>(channels: [&Arc<str>; N]) -> Option<BTreeSet<Arc<str>>> {
        Some(channels.into_iter().cloned().collect())
    }

    #[test]
    fn rec_5_a_channel_is_due_once_and_only_if_it_is_still_wanted() {
        let mut interest = Interest::new(&Limits::default(), Seed(1));
        let [a, b]: [Arc<str>; 2] = [Arc::from("a"), Arc::from("b")];
        interest.set(at(0), ShardId(0), &a, true);
        interest.set(at(1), ShardId(0), &b, true);
        interest.set(at(2), ShardId(0), &a, false);
        assert_eq!(interest.deadline(), Some(at(1101)));
        assert_eq!(interest.due(at(1100)), None);
        assert_eq!(interest.due(at(1101)), set([&b]));
        assert_eq!((interest.due(at(5000)), interest.deadline()), (None, None));
        interest.set(at(6000), ShardId(1), &b, true);
        assert_eq!(interest.deadline(), None, "another shard is not the first");
        interest.set(at(6000), ShardId(0), &a, true);
        assert_eq!(interest.deadline(), Some(at(7100)), "the first again");
    }

    #[test]
    fn rec_3_what_is_due_within_a_tenth_of_a_second_is_due_together() {
        let mut interest = Interest::new(&Limits::default(), Seed(1));
        let [a, b, c]: [Arc<str>; 3] = [Arc::from("a"), Arc::from("b"), Arc::from("c")];
        for (millis, channel) in [(0, &a), (100, &b), (101, &c)] {
            interest.set(at(millis), ShardId(0), channel, true);
        }
        assert_eq!(interest.due(at(1099)), None);
        assert_eq!(interest.due(at(1100)), set([&a, &b]));
        assert_eq!(interest.deadline(), Some(at(1201)));
        assert_eq!(interest.due(at(1201)), set([&c]));
    }

    #[test]
    fn channels_that_nobody_wants_any_more_keep_no_room() {
        const MANY: usize = 10 * KEPT_CHANNELS;
        let mut interest = Interest::new(&Limits::default(), Seed(1));
        for wanted in [true, false] {
            for channel in 0..MANY {
                interest.set(at(0), ShardId(0), &channel.to_string().into(), wanted);
            }
            assert_eq!(interest.channels.capacity() >= MANY, wanted);
        }
        assert!(interest.channels.capacity() <= 2 * KEPT_CHANNELS);
    }

    #[test]
    fn rec_5_off_means_never_due() {
        let limits = Limits { first_subscription_delay: None, ..Limits::default() };
        let mut interest = Interest::new(&limits, Seed(1));
        assert_eq!(interest.set(at(0), ShardId(0), &Arc::from("a"), true), Some(Turn::Gained));
        assert_eq!((interest.deadline(), interest.due(at(5000))), (None, None));
    }
}
