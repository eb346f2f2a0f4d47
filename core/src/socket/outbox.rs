//! What waits because the backend is in the middle of a message (WPUB-9, CTL-52).

use std::collections::VecDeque;

use crate::ground::Time;
use crate::ws::Close;
use crate::wsoh::Message;

/// Messages for the client in order, and the close that ends them.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    messages: VecDeque<Message>,
    bytes: u64,
    close: Option<Pending>,
}

/// A close that waits, and until when at most.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) close: Close,
    pub(super) until: Time,
}

/// What a message costs beside its payload, so that empty ones have a limit as well.
const OVERHEAD: u64 = 64;

impl Outbox {
    /// Appends a message; what comes after a close is not taken.
    pub(super) fn push(&mut self, message: Message) {
        if self.close.is_none() {
            self.bytes = self.bytes.saturating_add(OVERHEAD + message.payload.len() as u64);
            self.messages.push_back(message);
        }
    }

    /// Ends the list.
    pub(super) fn close(&mut self, pending: Pending) {
        self.close.get_or_insert(pending);
    }

    /// Bytes that wait, as far as the limit is concerned.
    pub(super) const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// When the close must wait no longer.
    pub(super) fn until(&self) -> Option<Time> {
        self.close.as_ref().map(|pending| pending.until)
    }

    /// Everything.
    pub(super) fn into_parts(self) -> (impl Iterator<Item = Message>, Option<Close>) {
        (self.messages.into_iter(), self.close.map(|pending| pending.close))
    }
}
