//! The last id of each channel: what the next item in its sequence must follow.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::ground::{Seed, SeededMap};

/// Remembers the last id of up to so many channels; the one that was set longest ago is forgotten first.
#[derive(Debug)]
pub struct LastIds {
    ids: SeededMap<Arc<str>, (u64, Box<str>)>,
    by_age: BTreeMap<u64, Arc<str>>,
    clock: u64,
}

impl LastIds {
    /// No ids. The seed makes the hash of channel names unpredictable to publishers.
    pub fn new(seed: Seed) -> Self {
        let ids = SeededMap::with_hasher(seed.hasher());
        Self { ids, by_age: BTreeMap::new(), clock: 0 }
    }

    /// The last id of `channel`, if it is known.
    pub fn get(&self, channel: &str) -> Option<&str> {
        self.ids.get(channel).map(|(_, id)| &**id)
    }

    /// Sets the last id of `channel`. Returns false if another channel had to be forgotten for it.
    pub fn set(&mut self, channel: &str, id: &str, capacity: usize) -> bool {
        self.clock += 1;
        if let Some((age, last)) = self.ids.get_mut(channel) {
            let name = self.by_age.remove(age);
            self.by_age.extend(name.map(|name| (self.clock, name)));
            (*age, *last) = (self.clock, id.into());
            return true;
        }
        let room = self.ids.len() < capacity;
        if !room && let Some((_, oldest)) = self.by_age.pop_first() {
            self.ids.remove(&oldest);
        }
        let name: Arc<str> = channel.into();
        self.by_age.insert(self.clock, name.clone());
        self.ids.insert(name, (self.clock, id.into()));
        room
    }

    /// Forgets the last id of `channel`, and says what it was.
    pub fn forget(&mut self, channel: &str) -> Option<Box<str>> {
        let (age, id) = self.ids.remove(channel)?;
        self.by_age.remove(&age);
        Some(id)
    }

    /// Forgets all.
    pub fn clear(&mut self) {
        self.ids.clear();
        self.by_age.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seq_8_the_least_recent_is_forgotten_first() {
        let mut last = LastIds::new(Seed(1));
        assert!(last.set("a", "1", 2) && last.set("b", "1", 2) && last.set("a", "2", 2));
        assert!(!last.set("c", "1", 2), "one is forgotten");
        assert_eq!((last.get("a"), last.get("b"), last.get("c")), (Some("2"), None, Some("1")));
        assert_eq!(last.forget("a").as_deref(), Some("2"));
        assert_eq!(last.get("a"), None);
        last.clear();
        assert_eq!(last.get("c"), None);
    }
}
