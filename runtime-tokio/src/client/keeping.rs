//! The body of a request that the engine has not let go of: kept as it passes, in case that the request must
//! be sent once more (ACT-4).

use bytes::Bytes;
use holdfast_core::message::BodySize;

use super::conn::Conn;

/// What is kept of a body.
#[derive(Debug, Default)]
pub(super) enum Kept {
    /// No byte has come, or it need not be kept any more.
    #[default]
    Nothing,
    /// What has come.
    Part(Vec<u8>),
    /// All of it.
    Whole(Bytes),
    /// It is larger than what is kept.
    TooLarge,
}

impl Conn {
    /// Keeps a piece, as long as the engine may ask for it.
    pub(super) fn keep(&self, data: &[u8], limit: usize) {
        if self.is_engaged() {
            self.kept.borrow_mut().add(data, self.request_size(), limit);
        }
    }

    /// The whole body of the request under way, if it was kept.
    pub(crate) fn kept_body(&self) -> Option<Bytes> {
        if !(self.is_engaged() && self.has_read_request()) {
            return None;
        }
        match &*self.kept.borrow() {
            Kept::Nothing => Some(Bytes::new()),
            Kept::Whole(body) => Some(body.clone()),
            Kept::Part(_) | Kept::TooLarge => None,
        }
    }

    /// Nobody will ask for the body any more.
    pub(crate) fn forget_body(&self) {
        self.kept.take();
    }
}

impl Kept {
    fn add(&mut self, data: &[u8], announced: BodySize, limit: usize) {
        let length = match announced {
            BodySize::Known(length) => usize::try_from(length).unwrap_or(usize::MAX),
            BodySize::Unknown | BodySize::Empty => data.len(),
        };
        match self {
            Self::Nothing if length <= limit => {
                let mut part = Vec::with_capacity(length);
                part.extend_from_slice(data);
                *self = Self::Part(part);
            }
            Self::Part(part) if data.len() <= limit.saturating_sub(part.len()) => {
                part.extend_from_slice(data);
            }
            Self::Nothing | Self::Part(_) => *self = Self::TooLarge,
            Self::Whole(_) | Self::TooLarge => {}
        }
    }

    /// The body is complete.
    pub(super) fn complete(&mut self) {
        if let Self::Part(part) = self {
            *self = Self::Whole(std::mem::take(part).into_boxed_slice().into());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(pieces: &[&str], announced: BodySize, limit: usize) -> Kept {
        let mut kept = Kept::default();
        for piece in pieces {
            kept.add(piece.as_bytes(), announced, limit);
        }
        kept.complete();
        kept
    }

    #[test]
    fn act_4_a_body_is_kept_up_to_the_limit() {
        for size in [BodySize::Unknown, BodySize::Known(5)] {
            assert!(matches!(kept(&["ab", "cde"], size, 5), Kept::Whole(body) if body == "abcde"));
            assert!(matches!(kept(&["ab", "cde"], size, 4), Kept::TooLarge));
        }
    }

    #[test]
    fn act_4_of_a_body_that_is_announced_too_large_nothing_is_kept() {
        assert!(matches!(kept(&["ab"], BodySize::Known(5), 4), Kept::TooLarge));
        assert!(matches!(kept(&[], BodySize::Unknown, 4), Kept::Nothing));
    }
}
