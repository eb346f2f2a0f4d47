//! How many clients there are, on all shards together.

use std::sync::atomic::{AtomicUsize, Ordering};

/// The clients of a proxy, and how many there may be (LIM-10).
#[derive(Debug)]
pub(crate) struct Crowd {
    most: usize,
    clients: AtomicUsize,
}

impl Crowd {
    pub(crate) fn new(most: usize) -> Self {
        Self { most, clients: AtomicUsize::new(0) }
    }

    /// Lets one more in, if there is room.
    pub(super) fn enter(&self) -> bool {
        // A count and nothing else: no other memory depends on it.
        let enter = |clients| (clients < self.most).then_some(clients + 1);
        self.clients.fetch_update(Ordering::Relaxed, Ordering::Relaxed, enter).is_ok()
    }

    /// One has left.
    pub(super) fn leave(&self) {
        self.clients.fetch_sub(1, Ordering::Relaxed);
    }
}
