//! Hash tables whose hash nobody outside can foretell, and which are still the same in every run with one seed.

use std::collections::{HashMap, HashSet};

use foldhash::SharedSeed;
use foldhash::quality::SeedableRandomState;

use super::{Rng, Seed};

/// A hash map with a hash of its own.
pub type SeededMap<K, V> = HashMap<K, V, SeedableRandomState>;

/// A hash set with a hash of its own.
pub type SeededSet<K> = HashSet<K, SeedableRandomState>;

static SHARED: SharedSeed = SharedSeed::from_u64(0x686f_6c64_6661_7374);

impl Seed {
    /// The hash that belongs to the seed.
    pub fn hasher(self) -> SeedableRandomState {
        SeedableRandomState::with_seed(Rng::new(self).next_u64(), &SHARED)
    }
}
