//! What a connection carries, whole messages and control frames, and how it ends.

use holdfast_core::ws::{
    Assembler, Close, Decoder, Event, HEADER_MAX, Kind, Received, Role, Sender, Violation,
};

/// Something that a peer said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Said {
    Text(Vec<u8>),
    Binary(Vec<u8>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Close(Close),
}

/// What was read of a connection.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) said: Vec<Said>,
    pub(crate) violation: Option<Violation>,
}

/// What our decoder makes of bytes that arrive in these pieces.
pub(crate) fn read(role: Role, pieces: &[&[u8]]) -> Seen {
    let (mut decoder, mut assembler) = (Decoder::new(role), Assembler::new());
    let (mut kept, mut said) = (Vec::new(), Vec::new());
    for piece in pieces {
        kept.extend_from_slice(piece);
        loop {
            let Received { consumed, event } = match decoder.receive(&mut kept) {
                Ok(received) => received,
                Err(violation) => return Seen { said, violation: Some(violation) },
            };
            let more = event.is_some();
            said.extend(event.and_then(|event| see(event, &mut assembler)));
            kept.drain(..consumed);
            if !more {
                break;
            }
        }
        assert!(kept.len() < HEADER_MAX + 125, "what is kept is part of a frame");
    }
    Seen { said, violation: None }
}

fn see(event: Event<'_>, assembler: &mut Assembler) -> Option<Said> {
    Some(match event {
        Event::Data(piece) => {
            assert_eq!(piece.first, assembler.held() == 0, "no piece but the last is empty");
            let message = assembler.push(piece, usize::MAX).expect("no limit")?;
            match message.kind {
                Kind::Text => Said::Text(message.payload.into_owned()),
                Kind::Binary => Said::Binary(message.payload.into_owned()),
            }
        }
        Event::Ping(payload) => Said::Ping(payload.to_vec()),
        Event::Pong(payload) => Said::Pong(payload.to_vec()),
        Event::Close(close) => Said::Close(close),
    })
}

/// How a peer of a `role` end would say it, messages in fragments of `size` bytes with pings between them.
pub(crate) fn write(role: Role, said: &[Said], size: usize, ping: bool) -> Vec<u8> {
    let (mut sender, mut out, mut masks) = (Sender::new(), Vec::new(), 0x9e37_79b9u32);
    let mut mask = || {
        masks = masks.wrapping_mul(0x0019_660d).wrapping_add(0x3c6e_f35f);
        (role == Role::Server).then(|| masks.to_be_bytes())
    };
    for said in said {
        match said {
            Said::Text(payload) | Said::Binary(payload) => {
                let kind = match said {
                    Said::Text(_) => Kind::Text,
                    _ => Kind::Binary,
                };
                let mut rest = &payload[..];
                loop {
                    let (piece, after) = rest.split_at(size.min(rest.len()));
                    sender.fragment(kind, piece, after.is_empty(), mask(), &mut out);
                    rest = after;
                    if rest.is_empty() {
                        break;
                    }
                    if ping {
                        sender.ping(b"between", mask(), &mut out);
                    }
                }
            }
            Said::Ping(payload) => sender.ping(payload, mask(), &mut out),
            Said::Pong(payload) => sender.pong(payload, mask(), &mut out),
            Said::Close(close) => sender.close(close, mask(), &mut out),
        }
    }
    out
}
