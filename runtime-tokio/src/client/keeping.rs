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
    Bytes(Vec<u8>),
    /// It is larger than what is kept.
    TooLarge,
}

impl Conn {
    /// Keeps a piece, as long as the engine may ask for it.
    pub(super) fn keep(&self, data: &[u8], limit: usize) {
        if self.is_engaged() {
            let kept = self.kept.take();
            self.kept.set(kept.with(data, self.request_size(), limit));
        }
    }

    /// The whole body of the request under way, if it was kept.
    pub(crate) fn kept_body(&self) -> Option<Bytes> {
        if !(self.is_engaged() && self.has_read_request()) {
            return None;
        }
        let kept = self.kept.take();
        let body = kept.body();
        self.kept.set(kept);
        body
    }

    /// Nobody will ask for the body any more.
    pub(crate) fn forget_body(&self) {
        self.kept.take();
    }
}

impl Kept {
    /// With one more piece.
    fn with(self, data: &[u8], announced: BodySize, limit: usize) -> Self {
        let length = match announced {
            BodySize::Known(length) => usize::try_from(length).unwrap_or(usize::MAX),
            BodySize::Unknown | BodySize::Empty => data.len(),
        };
        let mut bytes = match self {
            Self::Nothing if length <= limit => Vec::with_capacity(length),
            Self::Bytes(bytes) if data.len() <= limit.saturating_sub(bytes.len()) => bytes,
            Self::Nothing | Self::Bytes(_) | Self::TooLarge => return Self::TooLarge,
        };
        bytes.extend_from_slice(data);
        Self::Bytes(bytes)
    }

    /// The body, once it is complete.
    fn body(&self) -> Option<Bytes> {
        match self {
            Self::Nothing => Some(Bytes::new()),
            Self::Bytes(bytes) => Some(Bytes::copy_from_slice(bytes)),
            Self::TooLarge => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(pieces: &[&str], announced: BodySize, limit: usize) -> Option<Bytes> {
        let with = |kept: Kept, piece: &&str| kept.with(piece.as_bytes(), announced, limit);
        pieces.iter().fold(Kept::default(), with).body()
    }

    #[test]
    fn act_4_a_body_is_kept_up_to_the_limit() {
        for size in [BodySize::Unknown, BodySize::Known(5)] {
            assert_eq!(kept(&["ab", "cde"], size, 5).as_deref(), Some(&b"abcde"[..]));
            assert_eq!(kept(&["ab", "cde"], size, 4), None);
            assert_eq!(kept(&["ab", "cde", "f"], size, 4), None);
        }
    }

    #[test]
    fn act_4_of_a_body_that_is_announced_too_large_nothing_is_kept() {
        assert_eq!(kept(&["ab"], BodySize::Known(5), 4), None);
        assert_eq!(kept(&[], BodySize::Unknown, 4), Some(Bytes::new()));
    }
}
