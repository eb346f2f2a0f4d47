//! WebSocket frames as bytes, the forbidden ones included. The header is read and written by tungstenite, so
//! that it is not our own idea of the format that judges the proxy.

use std::io::Cursor;

use tungstenite::protocol::frame::{FrameHeader, coding::OpCode};

use super::events::Kind;
use crate::case::{Outcome, wrong};

/// One frame.
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    /// Whether it ends a message.
    pub(crate) fin: bool,
    /// The three reserved bits, in the place they have in the first byte.
    pub(crate) rsv: u8,
    /// What it is: [`CONTINUE`], or the code of a [`Kind`].
    pub(crate) opcode: u8,
    /// The mask, where there is one.
    pub(crate) mask: Option<[u8; 4]>,
    /// The content, unmasked.
    pub(crate) payload: Vec<u8>,
}

/// The code of a frame that goes on with a message.
pub(crate) const CONTINUE: u8 = 0;

/// Each kind that has a frame, and its code.
const CODES: [(Kind, u8); 5] =
    [(Kind::Text, 1), (Kind::Binary, 2), (Kind::Close, 8), (Kind::Ping, 9), (Kind::Pong, 10)];

/// How clients of the suite mask.
const MASK: [u8; 4] = [0x5a, 0x01, 0xfe, 0x33];

impl Frame {
    /// A whole message or signal. Kinds without a frame go as one that no peer accepts.
    pub(crate) fn new(kind: Kind, payload: impl AsRef<[u8]>) -> Self {
        let opcode = CODES.iter().find(|(known, _)| *known == kind).map_or(15, |(_, code)| *code);
        Self { fin: true, rsv: 0, opcode, mask: None, payload: payload.as_ref().to_vec() }
    }

    /// The next part of a message that was begun.
    pub(crate) fn more(payload: impl AsRef<[u8]>) -> Self {
        Self { opcode: CONTINUE, ..Self::new(Kind::Text, payload) }
    }

    /// The same frame, but more of its message follows.
    pub(crate) fn unfinished(self) -> Self {
        Self { fin: false, ..self }
    }

    /// The same frame, masked as clients do.
    pub(crate) fn masked(self) -> Self {
        Self { mask: Some(MASK), ..self }
    }

    /// The frame as it goes out.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let header = FrameHeader {
            is_final: self.fin,
            rsv1: self.rsv & 0x40 != 0,
            rsv2: self.rsv & 0x20 != 0,
            rsv3: self.rsv & 0x10 != 0,
            opcode: OpCode::from(self.opcode),
            mask: self.mask,
        };
        let mut out = Vec::new();
        // Writing to a vector cannot fail.
        let _ = header.format(self.payload.len() as u64, &mut out);
        let start = out.len();
        out.extend(&self.payload);
        apply(self.mask, &mut out[start..]);
        out
    }

    /// Takes a frame out of the buffer, if a whole one is there.
    pub(crate) fn take(buffer: &mut Vec<u8>) -> Outcome<Option<Self>> {
        let mut cursor = Cursor::new(&buffer[..]);
        let (header, length) = match FrameHeader::parse(&mut cursor) {
            Ok(Some(parsed)) => parsed,
            Ok(None) => return Ok(None),
            Err(error) => return wrong(format_args!("no WebSocket frame: {error}")),
        };
        let start = cursor.position() as usize;
        let Some(end) = usize::try_from(length).ok().and_then(|n| n.checked_add(start)) else {
            return wrong(format_args!("a frame of {length} bytes"));
        };
        if buffer.len() < end {
            return Ok(None);
        }
        let mut payload: Vec<u8> = buffer.drain(..end).skip(start).collect();
        apply(header.mask, &mut payload);
        let bit = |set: bool, bit: u8| if set { bit } else { 0 };
        let rsv = bit(header.rsv1, 0x40) | bit(header.rsv2, 0x20) | bit(header.rsv3, 0x10);
        let opcode = header.opcode.into();
        Ok(Some(Self { fin: header.is_final, rsv, opcode, mask: header.mask, payload }))
    }

    /// What it is, unless it goes on with a message.
    pub(crate) fn kind(&self) -> Option<Kind> {
        CODES.iter().find(|(_, code)| *code == self.opcode).map(|(kind, _)| *kind)
    }

    /// Whether it stands between messages or their parts.
    pub(crate) fn is_control(&self) -> bool {
        self.opcode >= 8
    }
}

fn apply(mask: Option<[u8; 4]>, payload: &mut [u8]) {
    for (byte, key) in payload.iter_mut().zip(mask.iter().flatten().cycle()) {
        *byte ^= key;
    }
}

#[cfg(test)]
mod tests {
    use super::{Frame, Kind};

    #[test]
    fn frames_are_written_and_read() {
        // The examples of RFC 6455, section 5.7.
        assert_eq!(Frame::new(Kind::Text, "Hello").bytes(), b"\x81\x05Hello");
        let begun = Frame::new(Kind::Text, "Hel").unfinished().bytes();
        assert_eq!(
            (begun, Frame::more("lo").bytes()),
            (b"\x01\x03Hel".into(), b"\x80\x02lo".into())
        );
        let mut wire = b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58rest".to_vec();
        let frame = Frame::take(&mut wire).expect("legal").expect("whole");
        assert_eq!((frame.kind(), &frame.payload[..]), (Some(Kind::Text), &b"Hello"[..]));
        assert_eq!((frame.mask.is_some(), &wire[..]), (true, &b"rest"[..]));
    }

    #[test]
    fn a_part_of_a_frame_is_left() {
        let whole = Frame { rsv: 0x30, ..Frame::new(Kind::Ping, "x".repeat(200)) }.masked().bytes();
        for cut in 0..whole.len() {
            let mut buffer = whole[..cut].to_vec();
            assert!(Frame::take(&mut buffer).expect("legal").is_none());
            assert_eq!(buffer.len(), cut);
        }
        let frame = Frame::take(&mut whole.clone()).expect("legal").expect("whole");
        assert_eq!((frame.rsv, frame.payload.len()), (0x30, 200));
    }
}
