//! What becomes of items whose publishers want to know (CTRL-16).
//!
//! A receipt is opened for all items of one request. The hub notes what it drops, and each shard how many holds
//! an item has reached there. Whoever opened the receipt reads it when it is complete, or when the time is over,
//! and the book forgets it.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use holdfast_core::ground::{Count, ReceiptId};
use holdfast_core::publish::Item;
use tokio::sync::Notify;

/// The receipts that are open.
#[derive(Debug)]
pub(crate) struct Book {
    shards: usize,
    next: Cell<u64>,
    /// By the id of the first item; the ids of one request follow each other.
    open: RefCell<BTreeMap<u64, Rc<Sheet>>>,
}

/// The open receipt of one request.
#[derive(Debug)]
pub(crate) struct Receipt {
    book: Rc<Book>,
    first: u64,
    sheet: Rc<Sheet>,
}

/// What became of an item.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Fate {
    /// It has been taken by so many holds.
    Reached(u64),
    /// It was not released.
    Dropped(Count),
    /// It waits for the one before it, or for a shard that has much to do.
    Waiting,
}

#[derive(Debug)]
struct Sheet {
    items: RefCell<Vec<Line>>,
    /// Items that are not decided yet.
    undecided: Cell<usize>,
    complete: Notify,
}

#[derive(Clone, Copy, Debug)]
struct Line {
    fate: Fate,
    /// Holds on the shards that have answered.
    holds: u64,
    /// Shards that have not.
    shards: usize,
}

impl Book {
    pub(crate) fn new(shards: usize) -> Self {
        Self { shards, next: Cell::new(0), open: RefCell::default() }
    }

    /// Opens a receipt for `items` and marks them with it.
    pub(crate) fn open(self: &Rc<Self>, items: &mut [Item]) -> Receipt {
        let first = self.next.get();
        for (item, id) in items.iter_mut().zip(first..) {
            item.receipt = Some(ReceiptId(id));
        }
        self.next.set(first + items.len() as u64);
        let line = Line { fate: Fate::Waiting, holds: 0, shards: self.shards };
        let sheet = Rc::new(Sheet {
            items: RefCell::new(vec![line; items.len()]),
            undecided: Cell::new(items.len()),
            complete: Notify::new(),
        });
        if !items.is_empty() {
            self.open.borrow_mut().insert(first, sheet.clone());
        }
        Receipt { book: self.clone(), first, sheet }
    }

    /// The hub will not release an item.
    pub(crate) fn dropped(&self, receipt: ReceiptId, why: Count) {
        self.note(receipt, |line| line.fate = Fate::Dropped(why));
    }

    /// An item has reached so many holds on one more shard.
    pub(crate) fn reached(&self, receipt: ReceiptId, holds: u32) {
        self.note(receipt, |line| {
            line.holds += u64::from(holds);
            line.shards = line.shards.saturating_sub(1);
            if line.shards == 0 {
                line.fate = Fate::Reached(line.holds);
            }
        });
    }

    /// Writes on the sheet of an item, if somebody still wants to read it.
    fn note(&self, ReceiptId(id): ReceiptId, write: impl FnOnce(&mut Line)) {
        let open = self.open.borrow();
        let Some((first, sheet)) = open.range(..=id).next_back() else { return };
        let mut items = sheet.items.borrow_mut();
        let at = usize::try_from(id - first).ok();
        let Some(line) = at.and_then(|at| items.get_mut(at)) else { return };
        if line.fate != Fate::Waiting {
            return;
        }
        write(line);
        if line.fate != Fate::Waiting {
            sheet.undecided.set(sheet.undecided.get().saturating_sub(1));
            if sheet.undecided.get() == 0 {
                sheet.complete.notify_one();
            }
        }
    }
}

impl Receipt {
    /// What became of each item, as far as it is known when all is known or the time is over.
    pub(crate) async fn read(self, patience: Duration) -> Vec<Fate> {
        if self.sheet.undecided.get() > 0 {
            // When the time is over, what is known is said.
            let _ = tokio::time::timeout(patience, self.sheet.complete.notified()).await;
        }
        self.sheet.items.borrow().iter().map(|line| line.fate).collect()
    }
}

impl Drop for Receipt {
    fn drop(&mut self) {
        self.book.open.borrow_mut().remove(&self.first);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn items(count: usize) -> Vec<Item> {
        vec![Item::default(); count]
    }

    #[tokio::test]
    async fn ctrl_16_a_receipt_is_complete_when_every_shard_has_answered_for_every_item() {
        let book = Rc::new(Book::new(2));
        let (mut earlier, mut three, mut none) = (items(1), items(3), items(0));
        let other = book.open(&mut earlier);
        let receipt = book.open(&mut three);
        let empty = book.open(&mut none);
        assert_eq!(three[2].receipt, Some(ReceiptId(3)));
        for (id, holds) in [(1, 2), (3, 0), (3, 0), (1, 3), (99, 1)] {
            book.reached(ReceiptId(id), holds);
        }
        book.dropped(ReceiptId(2), Count::DuplicateItem);
        let fates = receipt.read(Duration::MAX).await;
        let expected = [Fate::Reached(5), Fate::Dropped(Count::DuplicateItem), Fate::Reached(0)];
        assert_eq!(fates, expected);
        assert_eq!(empty.read(Duration::MAX).await, []);
        assert_eq!(other.read(Duration::ZERO).await, [Fate::Waiting]);
        assert!(book.open.borrow().is_empty());
        book.reached(ReceiptId(1), 1);
    }

    #[tokio::test]
    async fn ctrl_16_when_the_time_is_over_what_is_known_is_said() {
        let book = Rc::new(Book::new(2));
        let receipt = book.open(&mut items(2));
        book.reached(ReceiptId(0), 1);
        book.dropped(ReceiptId(1), Count::Unwanted);
        let fates = receipt.read(Duration::ZERO).await;
        assert_eq!(fates, [Fate::Waiting, Fate::Dropped(Count::Unwanted)]);
    }
}
