//! Items that wait for a session which is busy with something else (NEXT-8, STRM-4, FILT-14).

use std::collections::VecDeque;
use std::sync::Arc;

use crate::channel::Full;
use crate::publish::Item;

/// Items in the order in which they came, bounded by what they weigh.
#[derive(Debug, Default)]
pub struct Waiting {
    items: VecDeque<Arc<Item>>,
    bytes: u64,
}

impl Waiting {
    /// Appends an item that weighs `bytes`, unless more than `limit` would wait.
    pub fn push(&mut self, item: Arc<Item>, bytes: u64, limit: u64) -> Result<(), Full> {
        // What an item costs beside its content.
        const ENTRY: u64 = 64;
        let bytes = self.bytes.saturating_add(bytes).saturating_add(ENTRY);
        if bytes > limit {
            return Err(Full);
        }
        self.bytes = bytes;
        self.items.push_back(item);
        Ok(())
    }

    /// Everything, in order; nothing waits afterwards.
    pub fn take(&mut self) -> VecDeque<Arc<Item>> {
        self.bytes = 0;
        core::mem::take(&mut self.items)
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }
}
