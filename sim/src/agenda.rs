//! What will happen, in the order of its time; what happens at one time, in the order of its
//! planning.

use std::collections::BTreeMap;

use holdfast_core::ground::Time;

/// A queue of things to come.
#[derive(Debug)]
pub(crate) struct Agenda<T> {
    queue: BTreeMap<(Time, u64), T>,
    planned: u64,
}

impl<T> Agenda<T> {
    pub(crate) fn new() -> Self {
        Self { queue: BTreeMap::new(), planned: 0 }
    }

    /// Plans `what` for `at`. Nothing that is planned is taken back: whoever is woken looks whether
    /// there is still anything to do.
    pub(crate) fn plan(&mut self, at: Time, what: T) {
        self.queue.insert((at, self.planned), what);
        self.planned += 1;
    }

    /// The next thing, if it happens by `until`.
    pub(crate) fn next(&mut self, until: Time) -> Option<(Time, T)> {
        let entry = self.queue.first_entry()?;
        let (at, _) = *entry.key();
        (at <= until).then(|| (at, entry.remove()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comes_by_time_and_then_by_planning() {
        let mut agenda = Agenda::new();
        for (at, what) in [(5, 'c'), (1, 'a'), (5, 'd'), (2, 'b'), (9, 'e')] {
            agenda.plan(Time::from_nanos(at), what);
        }
        let until = Time::from_nanos(5);
        let order: String = core::iter::from_fn(|| agenda.next(until)).map(|(_, w)| w).collect();
        assert_eq!(order, "abcd");
    }
}
