//! tungstenite reads the same bytes: both see the same messages and refuse the same frames.
//!
//! Where the two differ, and why that is right:
//! - A length that is not in its shortest form: we refuse it, as RFC 6455 section 5.2 asks.
//! - A close code that may not be on the wire: tungstenite reports 1002 in its place where a client breaks
//!   the protocol for us; a backend's code is put right by the rules of GRIP (WS-31).
//! - Code 1014: tungstenite does not know this entry of the registry.

use std::io::{self, Cursor, Read, Write};

use holdfast_core::ws::{Close, CloseCode, Role, Violation};
use proptest::collection::vec;
use proptest::prelude::{Strategy, any, prop_assert_eq, prop_oneof, proptest};
use proptest::sample::{Index, select};
use tungstenite::protocol::{CloseFrame, Role as TheirRole};
use tungstenite::{Error, Message, WebSocket};

use crate::seen::{Said, read, write};
use crate::split::{role, said};

proptest! {
    #[test]
    fn both_read_what_we_write(
        role in role(),
        said in vec(said(), 0..6),
        size in 1..300usize,
        ping in any::<bool>(),
    ) {
        let bytes = write(role, &said, size, ping);
        prop_assert_eq!(ours(role, &bytes), theirs(role, &bytes));
    }

    #[test]
    fn both_refuse_the_same_frames(role in role(), frames in vec(frame(), 0..8)) {
        let bytes: Vec<u8> = frames.iter().flat_map(|frame| frame.bytes(role)).collect();
        prop_assert_eq!(ours(role, &bytes), theirs(role, &bytes));
    }

    #[test]
    fn both_refuse_one_bad_frame_among_good_ones(
        role in role(),
        said in vec(said(), 0..4),
        bad in frame(),
        at in any::<Index>(),
    ) {
        let mut parts: Vec<_> = said.iter().map(|it| write(role, std::slice::from_ref(it), 50, true)).collect();
        parts.insert(at.index(parts.len() + 1), bad.bytes(role));
        let bytes = parts.concat();
        prop_assert_eq!(ours(role, &bytes), theirs(role, &bytes));
    }

    #[test]
    fn we_read_what_they_write(role in role(), said in vec(said(), 0..6)) {
        let mut socket = WebSocket::from_raw_socket(Wire::default(), their_role(other(role)), None);
        for said in &said {
            if socket.send(message(said)).is_err() {
                break;
            }
        }
        let bytes = &socket.get_ref().written;
        let end = said.iter().position(|said| matches!(said, Said::Close(_)));
        let expected = &said[..end.map_or(said.len(), |end| end + 1)];
        prop_assert_eq!(&read(role, &[bytes]).said, expected);
    }
}

#[test]
fn known_differences_are_real() {
    let long = b"\x82\x7e\x00\x01a";
    assert_eq!(read(Role::Client, &[long]).violation, Some(Violation::Length));
    assert_eq!(theirs(Role::Client, long), (vec![Said::Binary(b"a".to_vec())], false));
    let mut close = b"\x88\x82\0\0\0\0\x03\xe7".to_vec();
    assert_eq!(read(Role::Server, &[&close]).violation, Some(Violation::CloseCode(999)));
    close[6..].copy_from_slice(b"\x03\xf6");
    let code = CloseCode::BAD_GATEWAY;
    assert_eq!(read(Role::Server, &[&close]).said, [Said::Close(Close::new(code))]);
    let expected = Said::Close(Close::new(CloseCode::PROTOCOL_ERROR));
    assert_eq!(theirs(Role::Server, &close), (vec![expected], false));
}

/// What was said until the connection closed, and whether it was broken off.
type Outcome = (Vec<Said>, bool);

fn ours(role: Role, bytes: &[u8]) -> Outcome {
    let seen = read(role, &[bytes]);
    (seen.said, seen.violation.is_some())
}

fn theirs(role: Role, bytes: &[u8]) -> Outcome {
    let wire = Wire { input: Cursor::new(bytes.to_vec()), written: Vec::new() };
    let mut socket = WebSocket::from_raw_socket(wire, their_role(role), None);
    let mut said = Vec::new();
    loop {
        match socket.read() {
            Ok(Message::Text(text)) => said.push(Said::Text(text.as_bytes().to_vec())),
            Ok(Message::Binary(data)) => said.push(Said::Binary(data.to_vec())),
            Ok(Message::Ping(data)) => said.push(Said::Ping(data.to_vec())),
            Ok(Message::Pong(data)) => said.push(Said::Pong(data.to_vec())),
            Ok(Message::Close(frame)) => {
                said.push(Said::Close(frame.map_or_else(Close::default, close)));
                return (said, false);
            }
            Ok(Message::Frame(_)) => panic!("a raw frame was read"),
            Err(Error::Protocol(
                tungstenite::error::ProtocolError::ResetWithoutClosingHandshake,
            )) => return (said, false),
            Err(Error::Protocol(_) | Error::Utf8(_) | Error::Capacity(_)) => return (said, true),
            Err(error) => panic!("{error}"),
        }
    }
}

fn close(frame: CloseFrame) -> Close {
    let is_replaced = frame.reason.as_str() == "Protocol violation";
    let reason = if is_replaced { String::new() } else { frame.reason.as_str().to_owned() };
    Close { code: CloseCode::new(u16::from(frame.code).into()), reason }
}

fn message(said: &Said) -> Message {
    match said {
        Said::Text(text) => Message::text(String::from_utf8_lossy(text).into_owned()),
        Said::Binary(data) => Message::binary(data.clone()),
        Said::Ping(data) => Message::Ping(data.clone().into()),
        Said::Pong(data) => Message::Pong(data.clone().into()),
        Said::Close(close) => Message::Close(close.code.map(|code| CloseFrame {
            code: code.get().into(),
            reason: close.reason.as_str().into(),
        })),
    }
}

fn other(role: Role) -> Role {
    match role {
        Role::Server => Role::Client,
        Role::Client => Role::Server,
    }
}

fn their_role(role: Role) -> TheirRole {
    match role {
        Role::Server => TheirRole::Server,
        Role::Client => TheirRole::Client,
    }
}

/// A frame of any bits, complete and with its length in the shortest form.
#[derive(Clone, Debug)]
struct Frame {
    first: u8,
    wrong_mask: bool,
    payload: Vec<u8>,
}

impl Frame {
    /// As a peer of a `role` end sends it.
    fn bytes(&self, role: Role) -> Vec<u8> {
        let masked = (role == Role::Server) != self.wrong_mask;
        let mask_bit = if masked { 0x80 } else { 0 };
        let mut out = vec![self.first];
        match self.payload.len() {
            len @ 0..126 => out.push(mask_bit | len as u8),
            len => {
                out.push(mask_bit | 126);
                out.extend_from_slice(&(len as u16).to_be_bytes());
            }
        }
        let key = if masked { [1, 2, 3, 4] } else { [0; 4] };
        if masked {
            out.extend_from_slice(&key);
        }
        out.extend(self.payload.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key));
        out
    }
}

/// Frames that make some sense more often than chance would have it. Close codes are good ones.
fn frame() -> impl Strategy<Value = Frame> {
    let usual = select(vec![0x81, 0x82, 0x01, 0x02, 0x00, 0x80, 0x89, 0x8a, 0x88]);
    let first = prop_oneof![8 => usual, 1 => any::<u8>()];
    let payload = prop_oneof![
        6 => ".{0,20}".prop_map(String::into_bytes),
        2 => vec(any::<u8>(), 0..8),
        1 => vec(any::<u8>(), 120..140),
    ];
    let wrong_mask = prop_oneof![30 => proptest::strategy::Just(false), 1 => any::<bool>()];
    (first, wrong_mask, payload).prop_map(|(first, wrong_mask, mut payload)| {
        if let (8, [high, low, ..]) = (first & 15, &mut payload[..]) {
            [*high, *low] = 1000u16.to_be_bytes();
        }
        Frame { first, wrong_mask, payload }
    })
}

/// A connection that has these bytes to read, takes whatever is written, and then is closed by its peer.
#[derive(Default)]
struct Wire {
    input: Cursor<Vec<u8>>,
    written: Vec<u8>,
}

impl Read for Wire {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.input.read(buffer)
    }
}

impl Write for Wire {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        self.written.extend_from_slice(data);
        Ok(data.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
