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

/// One request that an engine itself makes of an origin, minted by the engine.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallId {
    /// Index into the tables of the adapter and of the engine.
    pub slot: u32,
    /// Which tenant of the slot is meant.
    pub generation: u32,
}

/// One WebSocket of a shard. It may outlive the client's connection, until its backend knows.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct SocketId {
    /// Index into the engine's table.
    pub slot: u32,
    /// Which tenant of the slot is meant.
    pub generation: u32,
}

/// A publisher's wish to hear how many holds one item reached, minted by whoever takes publishes in.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ReceiptId(pub u64);

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

impl fmt::Display for CallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "call {}.{}", self.slot, self.generation)
    }
}

impl fmt::Debug for CallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
