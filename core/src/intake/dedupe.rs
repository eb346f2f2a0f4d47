//! Which items went out a short while ago (SEQ-1).

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::sync::Arc;

use crate::ground::{Limits, Seed, SeededSet, Span, Time};

/// Remembers the ids of items, by channel, for a time and up to a number.
#[derive(Debug)]
pub struct Dedupe {
    ttl: Span,
    capacity: usize,
    seen: SeededSet<Arc<str>>,
    order: VecDeque<(Time, Arc<str>)>,
    /// The key that is being looked for; kept for its memory.
    key: String,
}

impl Dedupe {
    /// A memory with the `id_ttl` and `id_cache` of `limits`; with an `id_ttl` of zero it remembers nothing.
    pub fn new(limits: &Limits, seed: Seed) -> Self {
        Self {
            ttl: limits.id_ttl,
            capacity: limits.id_cache,
            seen: SeededSet::with_hasher(seed.hasher()),
            order: VecDeque::new(),
            key: String::new(),
        }
    }

    /// Whether the id is remembered on the channel.
    pub fn knows(&mut self, now: Time, channel: &str, id: &str) -> bool {
        if self.ttl == Span::ZERO {
            return false;
        }
        while self.order.front().is_some_and(|(since, _)| now.since(*since) >= self.ttl) {
            self.forget_first();
        }
        self.set_key(channel, id);
        self.seen.contains(self.key.as_str())
    }

    /// Remembers the id from `now` on; says whether it was new.
    pub fn admit(&mut self, now: Time, channel: &str, id: &str) -> bool {
        if self.knows(now, channel, id) {
            return false;
        }
        if self.ttl == Span::ZERO || self.capacity == 0 {
            return true;
        }
        while self.order.len() >= self.capacity {
            self.forget_first();
        }
        let key: Arc<str> = self.key.as_str().into();
        self.order.push_back((now, key.clone()));
        self.seen.insert(key);
        true
    }

    fn forget_first(&mut self) {
        if let Some((_, key)) = self.order.pop_front() {
            self.seen.remove(&key);
        }
        if self.order.is_empty() {
            // A past peak keeps no memory.
            self.order.shrink_to(KEPT);
            self.seen.shrink_to(KEPT);
        }
    }

    /// The length keeps apart what otherwise would read the same.
    fn set_key(&mut self, channel: &str, id: &str) {
        self.key.clear();
        // Writing to a string does not fail.
        let _ = write!(self.key, "{}:{channel}{id}", channel.len());
    }
}

/// Ids for which there is room even when none is remembered.
const KEPT: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn at(secs: u64) -> Time {
        Time::ZERO + Span::from_secs(secs)
    }

    fn dedupe(limits: Limits) -> Dedupe {
        Dedupe::new(&limits, Seed(1))
    }

    #[test]
    fn seq_1_an_id_is_a_duplicate_on_its_channel_until_its_time_is_over() {
        let mut dedupe = dedupe(Limits { id_ttl: Span::from_secs(60), ..Limits::default() });
        assert!(dedupe.admit(at(0), "a", "1"));
        assert!(dedupe.admit(at(0), "b", "1"), "another channel");
        assert!(dedupe.admit(at(0), "a1", ""), "another channel and id that read the same");
        assert!(!dedupe.admit(at(59), "a", "1"));
        assert!(
            !dedupe.knows(at(59), "a", "2") && dedupe.admit(at(59), "a", "2"),
            "only asked for"
        );
        assert!(dedupe.admit(at(60), "a", "1"));
    }

    #[test]
    fn the_memory_is_bounded() {
        let limits = Limits { id_ttl: Span::from_secs(60), id_cache: 2, ..Limits::default() };
        let mut dedupe = dedupe(limits);
        for id in ["1", "2", "3"] {
            assert!(dedupe.admit(at(0), "a", id));
        }
        assert!(!dedupe.admit(at(0), "a", "3"));
        assert!(dedupe.admit(at(0), "a", "1"), "the oldest was forgotten first");
    }

    #[test]
    fn ids_whose_time_is_over_keep_no_room() {
        const MANY: usize = 10 * KEPT;
        let limits = Limits { id_ttl: Span::from_secs(60), id_cache: MANY, ..Limits::default() };
        let mut dedupe = dedupe(limits);
        for id in 0..MANY {
            assert!(dedupe.admit(at(0), "a", &id.to_string()));
        }
        assert!(dedupe.seen.capacity() >= MANY);
        assert!(!dedupe.knows(at(60), "a", "0"));
        assert!(dedupe.seen.capacity() <= 2 * KEPT && dedupe.order.capacity() <= 2 * KEPT);
    }

    #[test]
    fn off_remembers_nothing() {
        let mut dedupe = dedupe(Limits::default());
        assert!(dedupe.admit(at(0), "a", "1") && dedupe.admit(at(0), "a", "1"));
    }
}
