//! The WebSocket wire: whatever comes, in whatever pieces, means one thing; and handshakes.

use bytes::Bytes;
use holdfast_core::message::{BodySize, RequestHead, ResponseHead, Version};
use holdfast_core::ws::{
    Assembler, CONTROL_MAX, Challenge, Close, CloseCode, Decoder, Event, HEADER_MAX, Kind, Message,
    Received, Role, Sender, Upgrade, Violation, grip_element, grip_prefix,
};
use http::{Method, StatusCode};

use crate::grip::message;

/// More bytes than this are no other case, only a slower one.
const INPUT_MAX: usize = 4096;

/// Bytes of a message that are too many.
const MESSAGE_MAX: usize = 300;

/// A byte that says which end we are and how to cut, and what the peer sends: the same whole and in small
/// pieces. What was read can be written, and is then read the same again.
pub fn frames(data: &[u8]) {
    let data = data.get(..INPUT_MAX).unwrap_or(data);
    let Some((&first, input)) = data.split_first() else { return };
    let role = if first % 2 == 0 { Role::Server } else { Role::Client };
    let size = 1 + usize::from(first / 2);
    let (seen, end) = read(role, &[input]);
    let (pieces, pieces_end) = read(role, &input.chunks(size).collect::<Vec<_>>());
    assert_eq!(pieces, seen);
    // A message can be too large in its first piece and no text in a later one.
    let kind = |end: Option<Violation>| match end {
        Some(Violation::TooLarge) => Some(Violation::Text),
        end => end,
    };
    assert_eq!(kind(pieces_end), kind(end));
    let again = read(role, &[&write(role, &seen, size)]);
    assert_eq!(again, (seen.into_iter().map(sendable).collect(), None));
}

/// Lines of fields: as a client's upgrade, and as a backend's answer.
pub fn handshake(data: &[u8]) {
    let (fields, _) = message(data.get(..INPUT_MAX).unwrap_or(data));
    let head = RequestHead {
        method: Method::GET,
        target: Bytes::from("/"),
        version: Version::Http11,
        fields: fields.clone(),
    };
    match Upgrade::of(&head, BodySize::Empty) {
        Upgrade::None => assert!(!fields.has_token("Upgrade", "websocket")),
        Upgrade::Invalid(response) => assert!(matches!(response.head.status.as_u16(), 400 | 426)),
        Upgrade::Valid(accept) => {
            let granted = accept.grant(&fields, None);
            assert_eq!(granted.fields.all("Sec-WebSocket-Accept").count(), 1);
            assert!(!granted.fields.has("Sec-WebSocket-Extensions"));
        }
    }
    let challenge = Challenge::new([7; 16]);
    let mut request = fields.clone();
    challenge.pose(&mut request, true);
    let forwarded = RequestHead { fields: request, ..head };
    let Upgrade::Valid(accept) = Upgrade::of(&forwarded, BodySize::Empty) else {
        panic!("what we ask is an upgrade");
    };
    assert_eq!(challenge.check(&accept.grant(&fields, None)), Ok(()));
    check_grip(&ResponseHead { fields, ..ResponseHead::new(StatusCode::SWITCHING_PROTOCOLS) });
}

/// The element that is passed down says the same alone as it does among others.
fn check_grip(answer: &ResponseHead) {
    let prefix = grip_prefix(&answer.fields);
    let element = grip_element(&answer.fields);
    assert_eq!(prefix.is_some(), element.is_some());
    if let Some(element) = element {
        let alone = [("Sec-WebSocket-Extensions", element)].into_iter().collect();
        assert_eq!(grip_prefix(&alone), prefix);
    }
}

/// Something that a peer said.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Said {
    Message(Message<'static>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Close(Close),
}

fn read(role: Role, pieces: &[&[u8]]) -> (Vec<Said>, Option<Violation>) {
    let (mut decoder, mut assembler) = (Decoder::new(role), Assembler::new());
    let (mut kept, mut seen) = (Vec::new(), Vec::new());
    for piece in pieces {
        kept.extend_from_slice(piece);
        loop {
            let Received { consumed, event } = match decoder.receive(&mut kept) {
                Ok(received) => received,
                Err(violation) => return (seen, Some(violation)),
            };
            let more = event.is_some();
            match event.map(|event| see(event, &mut assembler)) {
                Some(Err(violation)) => return (seen, Some(violation)),
                Some(Ok(said)) => seen.extend(said),
                None => {}
            }
            kept.drain(..consumed);
            if !more {
                break;
            }
        }
        assert!(kept.len() < HEADER_MAX + CONTROL_MAX, "what is kept is part of a frame");
    }
    (seen, None)
}

/// What is sent for it: a reason is not sent without a code.
fn sendable(said: Said) -> Said {
    match said {
        Said::Close(Close { code: None, reason }) if !reason.is_empty() => {
            Said::Close(Close { code: Some(CloseCode::NORMAL), reason })
        }
        said => said,
    }
}

fn see(event: Event<'_>, assembler: &mut Assembler) -> Result<Option<Said>, Violation> {
    Ok(match event {
        Event::Data(piece) => {
            assert!(piece.last || !piece.payload.is_empty());
            let message = assembler.push(piece, MESSAGE_MAX)?;
            message.map(|Message { kind, payload }| {
                assert!(kind == Kind::Binary || core::str::from_utf8(&payload).is_ok());
                Said::Message(Message { kind, payload: payload.into_owned().into() })
            })
        }
        Event::Ping(payload) => Some(Said::Ping(payload.to_vec())),
        Event::Pong(payload) => Some(Said::Pong(payload.to_vec())),
        Event::Close(close) => Some(Said::Close(close)),
    })
}

/// As a peer of a `role` end sends it, messages in fragments of `size` bytes.
fn write(role: Role, said: &[Said], size: usize) -> Vec<u8> {
    let (mut sender, mut out) = (Sender::new(), Vec::new());
    let mask = (role == Role::Server).then_some([1, 2, 3, 4]);
    for said in said {
        match said {
            Said::Message(Message { kind, payload }) => {
                for piece in payload.chunks(size) {
                    sender.fragment(*kind, piece, false, mask, &mut out);
                }
                sender.fragment(*kind, b"", true, mask, &mut out);
            }
            Said::Ping(payload) => sender.ping(payload, mask, &mut out),
            Said::Pong(payload) => sender.pong(payload, mask, &mut out),
            Said::Close(close) => sender.close(close, mask, &mut out),
        }
    }
    out
}
