//! Which items were published a short while ago (SEQ-1).

use std::collections::{BTreeMap, VecDeque};

use crate::ground::{Limits, Span, Time};

/// Remembers the ids of released items, by channel, for a time and up to a number.
#[derive(Debug)]
pub struct Dedupe {
    ttl: Span,
    capacity: usize,
    seen: BTreeMap<(String, String), Time>,
    order: VecDeque<(Time, (String, String))>,
}

impl Dedupe {
    /// A memory with the `id_ttl` and `id_cache` of `limits`; with an `id_ttl` of zero it remembers nothing.
    pub fn new(limits: &Limits) -> Self {
        Self {
            ttl: limits.id_ttl,
            capacity: limits.id_cache,
            seen: BTreeMap::new(),
            order: VecDeque::new(),
        }
    }

    /// Whether the id is new on the channel; if so it is remembered from `now` on.
    pub fn admit(&mut self, now: Time, channel: &str, id: &str) -> bool {
        if self.ttl == Span::ZERO {
            return true;
        }
        self.forget(now);
        let key = (channel.to_owned(), id.to_owned());
        if self.seen.contains_key(&key) {
            return false;
        }
        self.order.push_back((now, key.clone()));
        self.seen.insert(key, now);
        true
    }

    fn forget(&mut self, now: Time) {
        while let Some((since, key)) = self.order.front() {
            if now.since(*since) < self.ttl && self.seen.len() < self.capacity {
                break;
            }
            self.seen.remove(key);
            self.order.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(secs: u64) -> Time {
        Time::ZERO + Span::from_secs(secs)
    }

    #[test]
    fn seq_1_an_id_is_a_duplicate_on_its_channel_until_its_time_is_over() {
        let mut dedupe = Dedupe::new(&Limits { id_ttl: Span::from_secs(60), ..Limits::default() });
        assert!(dedupe.admit(at(0), "a", "1"));
        assert!(dedupe.admit(at(0), "b", "1"), "another channel");
        assert!(!dedupe.admit(at(59), "a", "1"));
        assert!(dedupe.admit(at(60), "a", "1"));
    }

    #[test]
    fn the_memory_is_bounded() {
        let limits = Limits { id_ttl: Span::from_secs(60), id_cache: 2, ..Limits::default() };
        let mut dedupe = Dedupe::new(&limits);
        for id in ["1", "2", "3"] {
            assert!(dedupe.admit(at(0), "a", id));
        }
        assert!(!dedupe.admit(at(0), "a", "3"));
        assert!(dedupe.admit(at(0), "a", "1"), "the oldest was forgotten first");
    }

    #[test]
    fn off_remembers_nothing() {
        let mut dedupe = Dedupe::new(&Limits::default());
        assert!(dedupe.admit(at(0), "a", "1") && dedupe.admit(at(0), "a", "1"));
    }
}
