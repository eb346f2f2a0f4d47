//! What a proxy finds in its surroundings beside the network: the wall clock, and chance.

use std::hash::{BuildHasher, RandomState};
use std::time::{SystemTime, UNIX_EPOCH};

use holdfast_core::ground::{Seed, UnixTime};

/// The wall-clock time; zero if the system's clock stands before 1970.
pub(crate) fn wall() -> UnixTime {
    UnixTime(SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()))
}

/// A seed that nobody can foretell, for jitter and hashes.
pub(crate) fn seed() -> Seed {
    Seed(RandomState::new().hash_one(std::process::id()))
}
