//! The allocator of the binaries, and what it needs to give memory back after a burst.

use tikv_jemalloc_ctl::{Access, AsName, Error};

/// For `#[global_allocator]`. Its own threads give back what has been free for some ten seconds, where the system's
/// allocator keeps most of it.
pub use tikv_jemallocator::Jemalloc;

const CACHE: &str = "thread.tcache.enabled\0";

/// Empties the calling thread's cache of free memory, for [`Settings::upkeep`](crate::config::Settings::upkeep).
///
/// The cache holds a few hundred pieces of each size. After a burst each may be the last of its page, and keep that
/// from being given back for as long as the thread has nothing to do: up to two megabytes a thread.
/// It has an effect only where [`Jemalloc`] is the global allocator.
pub fn empty_cache() {
    if let Err(error) = renew_cache() {
        tracing::warn!("the allocator does not empty its cache: {error}");
    }
}

/// A cache is emptied by doing without it; the command that only empties has no safe binding.
fn renew_cache() -> Result<(), Error> {
    let cache = CACHE.name();
    let was_enabled = cache.update(false)?;
    if was_enabled { cache.write(true) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cache_is_as_it_was_after_it_was_emptied() {
        for is_enabled in [true, false] {
            CACHE.name().write(is_enabled).expect("a cache");
            empty_cache();
            let after: bool = CACHE.name().read().expect("a cache");
            assert_eq!(after, is_enabled);
        }
    }
}
