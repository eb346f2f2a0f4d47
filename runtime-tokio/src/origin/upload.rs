//! The request on its way to the origin: bytes rendered and not yet taken.

use holdfast_core::engine::{BodySource, Outgoing};

use crate::client::Conn;

/// Bytes for an origin's socket. They are kept until the next come, so that a request can be sent a second time
/// as long as nothing of it is forgotten (FWD-87).
#[derive(Debug)]
pub(super) struct Upward {
    bytes: Vec<u8>,
    at: usize,
    forgotten: bool,
}

/// How far the request is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Upload {
    /// The client's body is passed on.
    Body,
    /// All is rendered; what waits is the last.
    Last,
    /// The origin has it.
    Done,
    /// The origin takes no more of it. It may answer all the same (FWD-58).
    Refused,
}

impl Upload {
    /// Where sending `request` begins.
    pub(super) fn from(request: &Outgoing, conn: &Conn) -> Self {
        match request.body {
            BodySource::Empty => Self::Done,
            BodySource::Bytes(_) => Self::Last,
            BodySource::Client if conn.has_read_request() => Self::Last,
            BodySource::Client => Self::Body,
        }
    }
}

/// Room for the head of most requests, so that the buffer need not grow field by field.
const HEAD: usize = 512;

impl Default for Upward {
    fn default() -> Self {
        Self { bytes: Vec::with_capacity(HEAD), at: 0, forgotten: false }
    }
}

impl Upward {
    /// Renders more.
    pub(super) fn render<T>(&mut self, with: impl FnOnce(&mut Vec<u8>) -> T) -> T {
        if self.at > 0 && self.is_empty() {
            self.bytes.clear();
            self.at = 0;
            self.forgotten = true;
        }
        with(&mut self.bytes)
    }

    pub(super) fn waiting(&self) -> &[u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.at >= self.bytes.len()
    }

    /// The origin's socket took `count` bytes.
    pub(super) fn advance(&mut self, count: usize) {
        self.at += count;
    }

    /// Whether nothing was taken yet.
    pub(super) fn is_untouched(&self) -> bool {
        self.at == 0 && !self.forgotten
    }

    /// Whether the whole request is still here.
    pub(super) fn is_whole(&self) -> bool {
        !self.forgotten
    }

    /// Starts from the beginning.
    pub(super) fn rewind(&mut self) {
        self.at = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fwd_87_a_request_can_be_repeated_until_a_part_is_forgotten() {
        let mut up = Upward::default();
        up.render(|out| out.extend_from_slice(b"head"));
        assert!(up.is_untouched());
        up.advance(2);
        up.render(|out| out.extend_from_slice(b"body"));
        assert_eq!(up.waiting(), b"adbody");
        up.advance(6);
        assert!(up.is_empty() && up.is_whole() && !up.is_untouched());
        up.rewind();
        assert_eq!(up.waiting(), b"headbody");
        up.advance(8);
        up.render(|out| out.extend_from_slice(b"more"));
        assert_eq!(up.waiting(), b"more");
        assert!(!up.is_whole());
    }
}
