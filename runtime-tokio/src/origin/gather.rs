//! Body bytes of an answer, gathered for the engine.

use bytes::Bytes;
use holdfast_core::message::BodySize;

/// The most that is reserved because a length was announced.
const RESERVED: u64 = 64 << 10;

/// What was read, and how much is wanted.
#[derive(Debug)]
pub(super) struct Gather {
    amount: Amount,
    data: Vec<u8>,
}

#[derive(Clone, Copy, Debug)]
enum Amount {
    /// All of it, if it is no more than this many bytes.
    Whole(usize),
    /// Whatever there is.
    Piece,
}

impl Gather {
    /// For the whole body, of which more than `limit` bytes are too much.
    pub(super) fn whole(limit: usize, announced: BodySize) -> Self {
        let reserved = match announced {
            BodySize::Known(length) => usize::try_from(length.min(RESERVED)).unwrap_or(0),
            BodySize::Empty | BodySize::Unknown => 0,
        };
        Self { amount: Amount::Whole(limit), data: Vec::with_capacity(reserved.min(limit)) }
    }

    /// For the next piece of it.
    pub(super) fn piece() -> Self {
        Self { amount: Amount::Piece, data: Vec::new() }
    }

    pub(super) fn take(&mut self, data: &[u8]) {
        let room = match self.amount {
            // One byte too many is enough to show that there are too many.
            Amount::Whole(limit) => limit.saturating_add(1).saturating_sub(self.data.len()),
            Amount::Piece => data.len(),
        };
        self.data.extend_from_slice(data.get(..room).unwrap_or(data));
    }

    /// Whether nothing more need be read.
    pub(super) fn is_enough(&self) -> bool {
        match self.amount {
            Amount::Whole(_) => self.is_too_much(),
            Amount::Piece => !self.data.is_empty(),
        }
    }

    /// Whether the body is longer than was wanted of it.
    pub(super) fn is_too_much(&self) -> bool {
        matches!(self.amount, Amount::Whole(limit) if self.data.len() > limit)
    }

    /// What was gathered, which begins anew.
    pub(super) fn take_data(&mut self) -> Bytes {
        std::mem::take(&mut self.data).into()
    }
}
