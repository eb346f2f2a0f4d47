//! What we send, frame by frame.

use bytes::Bytes;

use super::{CONTROL_MAX, Close, HEADER_MAX, Header, Kind, Mask, Opcode};

/// One direction of a connection, written. It keeps messages apart and falls silent after its close frame.
///
/// Towards a backend each frame is masked with four random bytes of its own; towards a client none is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Sender(State);

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
enum State {
    #[default]
    Between,
    Within,
    Closed,
}

impl Sender {
    /// A connection on which nothing was sent.
    pub const fn new() -> Self {
        Self(State::Between)
    }

    /// Whether a message may begin now; a rendered one may be written as it is.
    pub fn is_between_messages(self) -> bool {
        self.0 == State::Between
    }

    /// Whether the close frame was sent.
    pub fn is_closed(self) -> bool {
        self.0 == State::Closed
    }

    /// Appends a fragment: the first of a message of this kind, or the next of the one under way.
    pub fn fragment(
        &mut self,
        kind: Kind,
        payload: &[u8],
        last: bool,
        mask: Option<[u8; 4]>,
        out: &mut Vec<u8>,
    ) {
        let opcode = match self.0 {
            State::Between => kind.into(),
            State::Within => Opcode::Continuation,
            State::Closed => return,
        };
        self.0 = if last { State::Between } else { State::Within };
        write(opcode, last, payload, mask, out);
    }

    /// Appends a ping. A payload that is too long is cut.
    pub fn ping(self, payload: &[u8], mask: Option<[u8; 4]>, out: &mut Vec<u8>) {
        self.control(Opcode::Ping, payload, mask, out);
    }

    /// Appends a pong. A payload that is too long is cut.
    pub fn pong(self, payload: &[u8], mask: Option<[u8; 4]>, out: &mut Vec<u8>) {
        self.control(Opcode::Pong, payload, mask, out);
    }

    /// Appends a close frame, the last of this direction (WS-31 to WS-33).
    pub fn close(&mut self, close: &Close, mask: Option<[u8; 4]>, out: &mut Vec<u8>) {
        let mut payload = Vec::new();
        close.write(&mut payload);
        self.control(Opcode::Close, &payload, mask, out);
        self.0 = State::Closed;
    }

    fn control(self, opcode: Opcode, payload: &[u8], mask: Option<[u8; 4]>, out: &mut Vec<u8>) {
        if !self.is_closed() {
            let payload = payload.get(..CONTROL_MAX).unwrap_or(payload);
            write(opcode, true, payload, mask, out);
        }
    }
}

/// A whole message in one frame for clients: rendered once, it can be written to thousands of connections.
pub fn render(kind: Kind, payload: &[u8]) -> Bytes {
    let mut out = Vec::with_capacity(HEADER_MAX + payload.len());
    write(kind.into(), true, payload, None, &mut out);
    out.into()
}

fn write(opcode: Opcode, fin: bool, payload: &[u8], mask: Option<[u8; 4]>, out: &mut Vec<u8>) {
    Header::new(opcode, fin, mask, payload.len() as u64).write(out);
    let start = out.len();
    out.extend_from_slice(payload);
    if let (Some(key), Some(copy)) = (mask, out.get_mut(start..)) {
        Mask::new(key).apply(copy);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ws::CloseCode;

    #[test]
    fn a_message_in_fragments_with_a_ping_between() {
        let (mut sender, mut out) = (Sender::new(), Vec::new());
        sender.fragment(Kind::Binary, b"ab", false, None, &mut out);
        assert!(!sender.is_between_messages());
        sender.ping(b"p", None, &mut out);
        sender.fragment(Kind::Binary, b"", false, None, &mut out);
        sender.fragment(Kind::Binary, b"c", true, None, &mut out);
        assert!(sender.is_between_messages());
        sender.fragment(Kind::Text, b"", true, None, &mut out);
        sender.pong(b"", None, &mut out);
        assert_eq!(out, b"\x02\x02ab\x89\x01p\x00\x00\x80\x01c\x81\x00\x8a\x00");
    }

    #[test]
    fn nat_2_frames_to_a_backend_are_masked() {
        let (mut sender, mut out) = (Sender::new(), b"before".to_vec());
        let mask = Some([0x37, 0xfa, 0x21, 0x3d]);
        sender.fragment(Kind::Text, b"Hello", true, mask, &mut out);
        assert_eq!(out, b"before\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58");
    }

    #[test]
    fn nothing_follows_a_close_frame() {
        let (mut sender, mut out) = (Sender::new(), Vec::new());
        sender.close(&Close::new(CloseCode::GOING_AWAY), None, &mut out);
        assert!(sender.is_closed() && !sender.is_between_messages());
        sender.fragment(Kind::Text, b"x", true, None, &mut out);
        sender.ping(b"x", None, &mut out);
        sender.pong(b"x", None, &mut out);
        sender.close(&Close::default(), None, &mut out);
        assert_eq!(out, b"\x88\x02\x03\xe9");
    }

    #[test]
    fn control_frames_keep_to_their_size() {
        let mut out = Vec::new();
        Sender::new().ping(&[b'x'; 126], None, &mut out);
        assert_eq!((out.len(), &out[..2]), (2 + 125, &b"\x89\x7d"[..]));
        out.clear();
        let reason = "é".repeat(70);
        let close = Close { code: Some(CloseCode::NORMAL), reason };
        Sender::new().close(&close, None, &mut out);
        assert_eq!((out.len(), &out[..4]), (2 + 124, &b"\x88\x7c\x03\xe8"[..]));
    }

    #[test]
    fn a_rendered_message_is_what_a_fragment_would_be() {
        for len in [0, 125, 126, 0xffff, 0x1_0000] {
            let payload = vec![7; len];
            let mut out = Vec::new();
            Sender::new().fragment(Kind::Binary, &payload, true, None, &mut out);
            assert_eq!(render(Kind::Binary, &payload), out);
        }
    }
}
