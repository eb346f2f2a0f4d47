//! What the intake says.

use std::sync::Arc;

use crate::ground::{Count, Counters, ReceiptId};
use crate::publish::{Item, Release};

/// What the intake must do.
#[derive(Clone, PartialEq, Debug)]
pub enum HubAction {
    /// Tell every shard, in this order.
    Release(Release),
    /// An item that somebody wants to hear of will not be released.
    Dropped {
        /// Which item.
        receipt: ReceiptId,
        /// Why.
        why: Count,
    },
}

/// Where the machines put what must be done, and count what they refuse.
#[derive(Debug)]
pub struct Out<'a> {
    /// What must be done, in order.
    pub actions: &'a mut Vec<HubAction>,
    /// What was counted.
    pub counters: &'a mut Counters,
}

impl Out<'_> {
    /// An item goes out.
    pub fn item(&mut self, item: Arc<Item>, sequenced: bool) {
        self.release(Release::Item { item, sequenced });
    }

    /// Something is to be told to every shard.
    pub fn release(&mut self, release: Release) {
        self.actions.push(HubAction::Release(release));
    }

    /// An item does not go out.
    pub fn drop(&mut self, item: &Item, why: Count) {
        self.counters.bump(why);
        let why_name = why.name();
        tracing::info!(channel = item.channel, id = item.id, why = why_name, "item dropped");
        self.actions.extend(item.receipt.map(|receipt| HubAction::Dropped { receipt, why }));
    }

    /// An item goes out although the one before it has not.
    pub fn early(&mut self, item: &Item, why: Count) {
        self.counters.bump(why);
        let (channel, id, prev_id) = (&item.channel, &item.id, &item.prev_id);
        tracing::info!(channel, id, prev_id, why = why.name(), "item released out of order");
    }
}
