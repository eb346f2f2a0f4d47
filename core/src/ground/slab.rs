//! Generational stores: [`Slab`] mints ids, [`Table`] is indexed by ids that somebody else minted.

use super::ConnId;

/// A store that hands out [`ConnId`]s and recognises stale ones.
#[derive(Debug)]
pub struct Slab<T> {
    entries: Vec<(u32, Option<T>)>,
    free: Vec<u32>,
    /// The generation of a slot's first tenant: above all that `shrink` has forgotten.
    first: u32,
}

impl<T> Default for Slab<T> {
    fn default() -> Self {
        Self { entries: Vec::new(), free: Vec::new(), first: 0 }
    }
}

impl<T> Slab<T> {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many entries are in use.
    pub fn len(&self) -> usize {
        self.entries.len() - self.free.len()
    }

    /// Whether no entry is in use.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many slots there are, used or not.
    pub fn slots(&self) -> usize {
        self.entries.len()
    }

    /// Stores what `make` builds for the id it will live under.
    ///
    /// # Panics
    /// After 2^32 entries at once, which is far above any configured connection limit.
    pub fn insert_with(&mut self, make: impl FnOnce(ConnId) -> T) -> ConnId {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.entries.push((self.first, None));
            u32::try_from(self.entries.len() - 1).expect("fewer than 2^32 connections")
        });
        let entry = &mut self.entries[slot as usize];
        let id = ConnId { slot, generation: entry.0 };
        entry.1 = Some(make(id));
        id
    }

    /// The live entry of `id`.
    pub fn get(&self, id: ConnId) -> Option<&T> {
        let (generation, value) = self.entries.get(id.slot as usize)?;
        value.as_ref().filter(|_| *generation == id.generation)
    }

    /// The live entry of `id`, to change it.
    pub fn get_mut(&mut self, id: ConnId) -> Option<&mut T> {
        let (generation, value) = self.entries.get_mut(id.slot as usize)?;
        value.as_mut().filter(|_| *generation == id.generation)
    }

    /// The id that lives in `slot` now.
    pub fn tenant(&self, slot: u32) -> Option<ConnId> {
        let (generation, value) = self.entries.get(slot as usize)?;
        value.as_ref().map(|_| ConnId { slot, generation: *generation })
    }

    /// Takes the entry out; its id is stale from now on.
    pub fn remove(&mut self, id: ConnId) -> Option<T> {
        let (generation, value) = self.entries.get_mut(id.slot as usize)?;
        if *generation != id.generation {
            return None;
        }
        let value = value.take()?;
        *generation = generation.wrapping_add(1);
        self.free.push(id.slot);
        Some(value)
    }

    /// All live entries in slot order.
    pub fn iter(&self) -> impl Iterator<Item = (ConnId, &T)> {
        (0..).zip(&self.entries).filter_map(|(slot, (generation, value))| {
            Some((ConnId { slot, generation: *generation }, value.as_ref()?))
        })
    }

    /// Gives back memory that a past peak left behind, as far as live slots allow.
    pub fn shrink(&mut self) {
        while let Some((generation, None)) = self.entries.last() {
            self.first = self.first.max(*generation);
            self.entries.pop();
        }
        let end = self.entries.len();
        self.free.retain(|&slot| (slot as usize) < end);
        self.entries.shrink_to_fit();
        self.free.shrink_to_fit();
    }
}

/// A store under ids that the caller minted.
#[derive(Debug)]
pub struct Table<T> {
    entries: Vec<Option<(u32, T)>>,
    len: usize,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self { entries: Vec::new(), len: 0 }
    }
}

impl<T> Table<T> {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many entries are in use.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether no entry is in use.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// How many slots there is room for, used or not.
    pub fn slots(&self) -> usize {
        self.entries.len()
    }

    /// Puts `value` under `id` and returns what lay in that slot, under whatever generation.
    pub fn insert(&mut self, id: ConnId, value: T) -> Option<T> {
        let slot = id.slot as usize;
        if self.entries.len() <= slot {
            self.entries.resize_with(slot + 1, || None);
        }
        let old = self.entries[slot].replace((id.generation, value));
        self.len += usize::from(old.is_none());
        old.map(|(_, value)| value)
    }

    /// The entry of `id`.
    pub fn get(&self, id: ConnId) -> Option<&T> {
        match self.entries.get(id.slot as usize)? {
            Some((generation, value)) if *generation == id.generation => Some(value),
            _ => None,
        }
    }

    /// The entry of `id`, to change it.
    pub fn get_mut(&mut self, id: ConnId) -> Option<&mut T> {
        match self.entries.get_mut(id.slot as usize)? {
            Some((generation, value)) if *generation == id.generation => Some(value),
            _ => None,
        }
    }

    /// The id that lives in `slot` now.
    pub fn tenant(&self, slot: u32) -> Option<ConnId> {
        let (generation, _) = self.entries.get(slot as usize)?.as_ref()?;
        Some(ConnId { slot, generation: *generation })
    }

    /// Takes the entry of `id` out.
    pub fn remove(&mut self, id: ConnId) -> Option<T> {
        self.get(id)?;
        self.len -= 1;
        self.entries[id.slot as usize].take().map(|(_, value)| value)
    }

    /// All live entries in slot order.
    pub fn iter(&self) -> impl Iterator<Item = (ConnId, &T)> {
        (0..).zip(&self.entries).filter_map(|(slot, entry)| {
            let (generation, value) = entry.as_ref()?;
            Some((ConnId { slot, generation: *generation }, value))
        })
    }

    /// Gives back memory that a past peak left behind, as far as live slots allow.
    pub fn shrink(&mut self) {
        while matches!(self.entries.last(), Some(None)) {
            self.entries.pop();
        }
        self.entries.shrink_to_fit();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_removed_id_is_stale_for_good() {
        let mut slab = Slab::new();
        let a = slab.insert_with(|_| 'a');
        assert_eq!(slab.remove(a), Some('a'));
        let b = slab.insert_with(|_| 'b');
        assert_eq!(b.slot, a.slot);
        assert_eq!((slab.get(a), slab.get(b)), (None, Some(&'b')));
        assert_eq!((slab.tenant(b.slot), slab.tenant(9)), (Some(b), None));
        assert_eq!(slab.remove(a), None);
        assert_eq!(slab.len(), 1);
    }

    #[test]
    fn a_table_tells_generations_apart() {
        let mut table = Table::new();
        let old = ConnId { slot: 3, generation: 0 };
        let new = ConnId { slot: 3, generation: 1 };
        assert_eq!(table.insert(old, 'a'), None);
        assert_eq!(table.get(new), None);
        assert_eq!(table.insert(new, 'b'), Some('a'));
        assert_eq!(table.remove(old), None);
        assert_eq!(table.tenant(3), Some(new));
        assert_eq!(table.remove(new), Some('b'));
        assert!(table.is_empty());
    }

    #[test]
    fn shrinking_keeps_live_entries() {
        let mut slab = Slab::new();
        let first = slab.insert_with(|_| 0);
        let rest: Vec<_> = (1..100).map(|n| slab.insert_with(|_| n)).collect();
        for id in rest {
            slab.remove(id);
        }
        slab.shrink();
        assert_eq!(slab.get(first), Some(&0));
        let again = slab.insert_with(|_| 1);
        assert_eq!(slab.get(again), Some(&1));
        assert_eq!((again.slot, again.generation), (1, 1), "an id from before stays stale");
    }
}
