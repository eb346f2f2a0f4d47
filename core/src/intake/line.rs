//! A queue that may be left early.

use std::collections::BTreeMap;

/// Things in the order in which they came.
#[derive(Debug)]
pub(super) struct Line<T> {
    next: u64,
    places: BTreeMap<u64, T>,
}

/// A place in a line. It is never given away twice.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Place(u64);

impl<T> Default for Line<T> {
    fn default() -> Self {
        Self { next: 0, places: BTreeMap::new() }
    }
}

impl<T> Line<T> {
    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    /// Stands at the end.
    pub(super) fn join(&mut self, who: T) -> Place {
        let place = self.next;
        self.next += 1;
        self.places.insert(place, who);
        Place(place)
    }

    /// Gives a place up.
    pub(super) fn leave(&mut self, Place(place): Place) -> Option<T> {
        self.places.remove(&place)
    }

    /// Who stands at the front.
    pub(super) fn first(&self) -> Option<&T> {
        self.places.first_key_value().map(|(_, who)| who)
    }

    /// Takes out who stands at the front.
    pub(super) fn pop(&mut self) -> Option<T> {
        self.places.pop_first().map(|(_, who)| who)
    }
}
