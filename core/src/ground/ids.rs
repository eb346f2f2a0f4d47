//! Typed ids. The caller mints connection ids; both sides index their tables with them.

use core::fmt;

/// One client connection of a shard, and at any moment the one exchange that runs on it.
///
/// The slot may be reused by another connection; the generation then differs, so a late event for the
/// old one is recognised as stale.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnId {
    /// Index into the tables of the adapter and of the engine.
    pub slot: u32,
    /// Which tenant of the slot is meant.
    pub generation: u32,
}

/// One engine of a process.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ShardId(pub u16);

impl fmt::Display for ConnId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.slot, self.generation)
    }
}

impl fmt::Debug for ConnId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
