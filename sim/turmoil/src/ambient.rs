//! The surroundings of a proxy in a simulation: its wall clock, and chance that can be had again.

use std::cell::RefCell;

use holdfast_core::ground::{Rng, Seed, UnixTime};

thread_local! {
    static CHANCE: RefCell<Option<Rng>> = const { RefCell::new(None) };
}

/// Whatever is left to chance in this thread follows from `seed` now.
pub(crate) fn sow(seed: u64) {
    CHANCE.replace(Some(Rng::new(Seed(seed))));
}

/// The wall-clock time of the simulation.
pub(crate) fn wall() -> UnixTime {
    UnixTime(turmoil::since_epoch().map_or(0, |since| since.as_secs()))
}

/// A seed for jitter and hashes.
pub(crate) fn seed() -> Seed {
    CHANCE.with_borrow_mut(|chance| Seed(chance.as_mut().map_or(0, Rng::next_u64)))
}
