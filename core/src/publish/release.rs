//! What the intake hands to every shard, in one order.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::Item;

/// One step of the order in which all shards learn of what was published.
#[derive(Clone, PartialEq, Debug)]
pub enum Release {
    /// An item goes out.
    Item {
        /// The item.
        item: Arc<Item>,
        /// Whether it is part of its channel's sequence, so that its id is the channel's last id from now on
        /// (SEQ-2, SEQ-3).
        sequenced: bool,
    },
    /// The last id of this channel is not known any more (SEQ-8, REL-1).
    Forget {
        /// The channel.
        channel: Arc<str>,
    },
    /// Whoever may have missed something asks again.
    Recover(Scope),
}

/// Whom a recovery concerns.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Scope {
    /// Every hold, and no last id is known any more (REC-7).
    All,
    /// Holds with a position on one of these channels, which got their first subscription a while ago (REC-5,
    /// REC-6). A hold on several of them has missed no more than one answer tells.
    Channels(Arc<BTreeSet<Arc<str>>>),
}
