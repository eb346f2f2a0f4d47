//! What waits for one hold, in order and bounded by bytes.

use std::collections::VecDeque;

use bytes::Bytes;

/// Pieces of data that cannot be written yet.
#[derive(Debug, Default)]
pub struct Queue {
    pieces: VecDeque<Bytes>,
    bytes: u64,
}

/// The queue has no room for a piece; nothing was queued.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Full;

impl Queue {
    /// Appends a piece unless more than `limit` bytes would wait.
    pub fn push(&mut self, data: Bytes, limit: u64) -> Result<(), Full> {
        let bytes = self.bytes.saturating_add(data.len() as u64);
        if bytes > limit {
            return Err(Full);
        }
        self.bytes = bytes;
        self.pieces.push_back(data);
        Ok(())
    }

    /// Everything, in order.
    pub fn into_pieces(self) -> impl Iterator<Item = Bytes> {
        self.pieces.into_iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_queue_refuses_and_keeps_what_it_has() {
        let mut queue = Queue::default();
        assert_eq!(queue.push(Bytes::from_static(b"abc"), 4), Ok(()));
        assert_eq!(queue.push(Bytes::from_static(b"de"), 4), Err(Full));
        assert_eq!(queue.push(Bytes::from_static(b"f"), 4), Ok(()));
        assert_eq!(queue.into_pieces().collect::<Vec<_>>(), ["abc", "f"]);
    }
}
