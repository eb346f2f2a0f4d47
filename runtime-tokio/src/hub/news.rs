//! What shards tell the hub. A shard never waits to be heard, and what it has not been heard of is bounded.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use holdfast_core::ground::ReceiptId;
use tokio::sync::Notify;

/// Wrong last ids that the hub has not heard of yet. Those beyond it are lost: whoever meets one of them says so
/// again.
const FORGETS: usize = 1 << 16;

/// What one shard has said since it was last listened to.
#[derive(Debug)]
pub(crate) struct Mailbox {
    news: Mutex<News>,
    /// The hub's, and the same for all shards.
    bell: Arc<Notify>,
}

/// News of one shard.
#[derive(Debug, Default)]
pub(crate) struct News {
    /// Channels whose interest differs from what the hub knows. So they are never more than the channels that
    /// are wanted here or were when the hub last heard.
    pub(crate) interest: BTreeMap<Arc<str>, bool>,
    /// Last ids that are wrong, the last word for each channel.
    pub(crate) forget: BTreeMap<Arc<str>, Box<str>>,
    /// One for each item with a receipt that the hub has sent here, so never more than it has sent.
    pub(crate) reached: Vec<(ReceiptId, u32)>,
}

impl Mailbox {
    pub(crate) fn new(bell: Arc<Notify>) -> Self {
        Self { news: Mutex::default(), bell }
    }

    /// A channel is wanted on the shard, or no more.
    pub(crate) fn interest(&self, channel: Arc<str>, wanted: bool) {
        self.post(|news| match news.interest.remove(&channel) {
            // The hub has not heard of the turn before, and this one undoes it.
            Some(before) if before != wanted => {}
            _ => drop(news.interest.insert(channel, wanted)),
        });
    }

    /// The last id of a channel is wrong. Returns whether there was room to say so.
    pub(crate) fn forget(&self, channel: Arc<str>, id: Box<str>) -> bool {
        self.post(|news| {
            let has_room = news.forget.len() < FORGETS || news.forget.contains_key(&channel);
            if has_room {
                news.forget.insert(channel, id);
            }
            has_room
        })
    }

    /// An item has reached so many holds.
    pub(crate) fn reached(&self, receipt: ReceiptId, holds: u32) {
        self.post(|news| news.reached.push((receipt, holds)));
    }

    /// Takes what has been said.
    pub(crate) fn take(&self) -> News {
        std::mem::take(&mut *self.open())
    }

    /// Adds to the news. The bell rings for the first only: the hub takes all there is.
    fn post<T>(&self, add: impl FnOnce(&mut News) -> T) -> T {
        let mut news = self.open();
        let was_empty = news.is_empty();
        let added = add(&mut news);
        let rings = was_empty && !news.is_empty();
        drop(news);
        if rings {
            self.bell.notify_one();
        }
        added
    }

    /// News are whole after every change, whoever panicked.
    fn open(&self) -> MutexGuard<'_, News> {
        self.news.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl News {
    fn is_empty(&self) -> bool {
        self.interest.is_empty() && self.forget.is_empty() && self.reached.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;

    use super::*;

    fn mailbox() -> Mailbox {
        Mailbox::new(Arc::new(Notify::new()))
    }

    #[test]
    fn seq_8_a_turn_and_its_opposite_are_no_news() {
        let mailbox = mailbox();
        mailbox.interest("a".into(), true);
        mailbox.interest("b".into(), true);
        mailbox.interest("a".into(), false);
        let news = mailbox.take().interest;
        assert_eq!(news.into_iter().collect::<Vec<_>>(), [("b".into(), true)]);
        mailbox.interest("b".into(), false);
        assert_eq!(mailbox.take().interest.len(), 1);
        assert!(mailbox.take().is_empty());
    }

    #[test]
    fn rel_1_wrong_ids_are_bounded_and_the_last_word_for_a_channel_counts() {
        let mailbox = mailbox();
        for number in 0..FORGETS {
            assert!(mailbox.forget(number.to_string().into(), "1".into()));
        }
        assert!(!mailbox.forget("more".into(), "1".into()));
        assert!(mailbox.forget("0".into(), "2".into()));
        let news = mailbox.take();
        assert_eq!(news.forget.len(), FORGETS);
        assert_eq!(news.forget.get("0").map(|id| &**id), Some("2"));
        assert!(mailbox.forget("more".into(), "1".into()));
    }

    #[tokio::test]
    async fn the_bell_rings_once_for_all_that_is_in_the_box() {
        let bell = Arc::new(Notify::new());
        let mailbox = Mailbox::new(bell.clone());
        mailbox.reached(ReceiptId(1), 2);
        mailbox.reached(ReceiptId(2), 0);
        bell.notified().await;
        assert_eq!(mailbox.take().reached, [(ReceiptId(1), 2), (ReceiptId(2), 0)]);
        let mut ring = std::pin::pin!(bell.notified());
        let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
        assert!(ring.as_mut().poll(&mut cx).is_pending());
    }
}
