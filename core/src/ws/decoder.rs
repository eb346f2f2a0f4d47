//! What a peer sends, frame by frame and piece by piece (RFC 6455 sections 5.4 and 5.5).

use super::utf8::Utf8;
use super::{Close, Header, Kind, Mask, Opcode, Reserved, Role, Violation};

/// One direction of a connection, read. A few dozen bytes; holds no data.
///
/// ```text
///   header ──▶ payload ──┐      data, in pieces
///     ▲ └──────◀─────────┘
///     ├──▶ ping, pong           whole, also between two fragments of a message
///     └──▶ close, violation ──▶ over: whatever follows is dropped
/// ```
#[derive(Debug)]
pub struct Decoder {
    reading: Reading,
    message: Option<Open>,
    role: Role,
    checks_text: bool,
}

const _: () = assert!(size_of::<Decoder>() <= 32, "one for each connection");

/// What a call of [`Decoder::receive`] made of its input.
#[derive(Debug, PartialEq, Eq)]
pub struct Received<'a> {
    /// How many bytes of the input are done with; drop them before the next call.
    pub consumed: usize,
    /// What they meant; `None`: more bytes are needed.
    pub event: Option<Event<'a>>,
}

/// What a peer has sent.
#[derive(Debug, PartialEq, Eq)]
pub enum Event<'a> {
    /// A part of a message.
    Data(Piece<'a>),
    /// A ping with this payload.
    Ping(&'a [u8]),
    /// A pong with this payload.
    Pong(&'a [u8]),
    /// The peer sends no more.
    Close(Close),
}

/// A part of a message, cut by fragments and by reads alike. An empty one is only given where the message
/// ends with it (WS-22).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Piece<'a> {
    /// What the message is.
    pub kind: Kind,
    /// Whether the message begins with it.
    pub first: bool,
    /// Whether the message ends with it.
    pub last: bool,
    /// The bytes.
    pub payload: &'a [u8],
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Reading {
    Header,
    Payload(Payload),
    Over,
}

/// What is to come of a data frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Payload {
    left: u64,
    mask: Mask,
    fin: bool,
}

/// A message that has begun.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Open {
    kind: Kind,
    /// Whether a piece of it was given out.
    given: bool,
    utf8: Utf8,
}

impl Decoder {
    /// A connection of which we are the `role` end and nothing has been read. Text is checked to be UTF-8.
    pub const fn new(role: Role) -> Self {
        Self { reading: Reading::Header, message: None, role, checks_text: true }
    }

    /// The same, but text passes whatever it is (WS-27).
    pub const fn unchecked(role: Role) -> Self {
        Self { checks_text: false, ..Self::new(role) }
    }

    /// Reads from `input`, unmasking it where it lies. Of an incomplete header or control frame nothing is
    /// consumed, and the caller keeps it (fewer than [`super::CONTROL_MAX`] + 6 bytes). Data is given out as
    /// it comes. Call it until there is no event.
    ///
    /// After a close frame, and after a violation, whatever comes is consumed and means nothing.
    ///
    /// # Errors
    /// What the peer did wrong.
    pub fn receive<'a>(&mut self, input: &'a mut [u8]) -> Result<Received<'a>, Violation> {
        let received = self.read(input);
        if received.is_err() {
            self.reading = Reading::Over;
        }
        received
    }

    /// Whether the peer has closed or broken the protocol: nothing more will come of it.
    pub fn is_over(&self) -> bool {
        self.reading == Reading::Over
    }

    fn read<'a>(&mut self, input: &'a mut [u8]) -> Result<Received<'a>, Violation> {
        let mut consumed = 0;
        let mut rest = input;
        loop {
            match self.reading {
                Reading::Over => {
                    return Ok(Received { consumed: consumed + rest.len(), event: None });
                }
                Reading::Payload(payload) if payload.left > 0 || payload.fin => {
                    return self.payload(payload, rest, consumed);
                }
                Reading::Payload(_) => self.reading = Reading::Header,
                Reading::Header => {
                    let header = Header::read(rest, self.role, Reserved::NONE)?;
                    let Some((header, len)) = header else {
                        return Ok(Received { consumed, event: None });
                    };
                    if header.opcode.is_control() {
                        return self.control(header, len, rest, consumed);
                    }
                    self.begin(header)?;
                    consumed += len;
                    rest = rest.split_at_mut_checked(len).unwrap_or_default().1;
                }
            }
        }
    }

    /// A data frame begins.
    fn begin(&mut self, header: Header) -> Result<(), Violation> {
        let kind = match (header.opcode, self.message) {
            (Opcode::Continuation, Some(_)) => None,
            (Opcode::Continuation, None) => return Err(Violation::Stray),
            (_, Some(_)) => return Err(Violation::Nested),
            (Opcode::Text, None) => Some(Kind::Text),
            (_, None) => Some(Kind::Binary),
        };
        if let Some(kind) = kind {
            self.message = Some(Open { kind, given: false, utf8: Utf8::new() });
        }
        let mask = Mask::new(header.mask.unwrap_or_default());
        self.reading = Reading::Payload(Payload { left: header.len, mask, fin: header.fin });
        Ok(())
    }

    /// The next bytes of a data frame are at the beginning of `rest`.
    fn payload<'a>(
        &mut self,
        payload: Payload,
        rest: &'a mut [u8],
        before: usize,
    ) -> Result<Received<'a>, Violation> {
        let Payload { left, mut mask, fin } = payload;
        let len = usize::try_from(left).unwrap_or(usize::MAX).min(rest.len());
        if len == 0 && left > 0 {
            return Ok(Received { consumed: before, event: None });
        }
        let data = rest.split_at_mut_checked(len).unwrap_or_default().0;
        if self.role == Role::Server {
            mask.apply(data);
        }
        let left = left - len as u64;
        let last = fin && left == 0;
        self.reading = match left {
            0 => Reading::Header,
            left => Reading::Payload(Payload { left, mask, fin }),
        };
        let mut open = self.message.take().ok_or(Violation::Stray)?;
        if open.kind == Kind::Text && self.checks_text {
            open.utf8.push(data).map_err(|_| Violation::Text)?;
            if last && !open.utf8.is_complete() {
                return Err(Violation::Text);
            }
        }
        let piece = Piece { kind: open.kind, first: !open.given, last, payload: data };
        self.message = (!last).then_some(Open { given: true, ..open });
        Ok(Received { consumed: before + len, event: Some(Event::Data(piece)) })
    }

    /// A control frame, with a header of `len` bytes, is at the beginning of `rest`.
    fn control<'a>(
        &mut self,
        header: Header,
        len: usize,
        rest: &'a mut [u8],
        before: usize,
    ) -> Result<Received<'a>, Violation> {
        let end = len + usize::try_from(header.len).map_err(|_| Violation::ControlTooLong)?;
        let Some(payload) = rest.get_mut(len..end) else {
            return Ok(Received { consumed: before, event: None });
        };
        Mask::new(header.mask.unwrap_or_default()).apply(payload);
        let event = match header.opcode {
            Opcode::Ping => Event::Ping(payload),
            Opcode::Pong => Event::Pong(payload),
            _ => {
                let close = Close::read(payload, self.role)?;
                self.reading = Reading::Over;
                Event::Close(close)
            }
        };
        Ok(Received { consumed: before + end, event: Some(event) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ws::CloseCode;

    #[test]
    fn ws_20_data_is_given_out_as_it_comes() {
        let mut decoder = Decoder::new(Role::Client);
        let mut read = |input: &[u8]| run(&mut decoder, input);
        assert_eq!(read(b"\x02\x05ab"), (vec!["binary (ab".to_owned()], 0));
        assert_eq!(read(b"c"), (vec!["binary c".to_owned()], 0));
        assert_eq!(read(b"de\x80"), (vec!["binary de".to_owned()], 1));
        assert_eq!(read(b"\x80\x01f\x81"), (vec!["binary f)".to_owned()], 1));
        assert_eq!(read(b"\x81\x01g"), (vec!["text (g)".to_owned()], 0));
    }

    #[test]
    fn ws_21_a_frame_of_any_size_passes() {
        let mut decoder = Decoder::new(Role::Client);
        let mut header = Vec::new();
        Header::new(Opcode::Binary, true, None, u64::MAX >> 1).write(&mut header);
        assert_eq!(run(&mut decoder, &header), (vec![], 0));
        assert_eq!(run(&mut decoder, b"x"), (vec!["binary (x".to_owned()], 0));
        assert_eq!(run(&mut decoder, b"y"), (vec!["binary y".to_owned()], 0));
    }

    #[test]
    fn ws_22_an_empty_message_is_one() {
        let mut decoder = Decoder::new(Role::Client);
        let (events, _) = run(&mut decoder, b"\x81\x00\x01\x00\x00\x00\x80\x00\x01\x00\x80\x01a");
        assert_eq!(events, ["text ()", "text ()", "text (a)"]);
    }

    #[test]
    fn ws_23_payloads_of_pings_and_pongs_are_kept() {
        let mut decoder = Decoder::new(Role::Server);
        let (events, kept) = run(&mut decoder, b"\x89\x83\x01\x01\x01\x01`cb\x8a\x80\0\0\0\0");
        assert_eq!((&events[..], kept), (&["ping abc".to_owned(), "pong ".to_owned()][..], 0));
    }

    #[test]
    fn ws_25_a_ping_between_two_fragments() {
        let mut decoder = Decoder::new(Role::Client);
        let (events, _) = run(&mut decoder, b"\x01\x01\xc3\x89\x01p\x80\x01\xa9");
        assert_eq!(events, ["text (\u{fffd}", "ping p", "text \u{fffd})"]);
    }

    #[test]
    fn ws_26_fragments_out_of_order() {
        let broken = [
            (&b"\x80\x01a"[..], Violation::Stray),
            (b"\x81\x01a\x80\x01b", Violation::Stray),
            (b"\x01\x01a\x81\x01b", Violation::Nested),
            (b"\x01\x00\x02\x00", Violation::Nested),
            (b"\x01\x01a\x80\x01b\x00\x01c", Violation::Stray),
        ];
        for (input, expected) in broken {
            assert_eq!(violation(Role::Client, input), Some(expected), "{input:x?}");
        }
    }

    #[test]
    fn ws_27_text_is_utf_8_across_fragments() {
        let broken: [&[u8]; 5] = [
            b"\x81\x01\xff",
            b"\x81\x01\xc3",
            b"\x01\x01\xc3\x80\x01(",
            b"\x01\x02\xed\xa0",
            b"\x01\x01\xc3\x80\x00",
        ];
        for input in broken {
            assert_eq!(violation(Role::Client, input), Some(Violation::Text), "{input:x?}");
            let mut unchecked = Decoder::unchecked(Role::Client);
            assert!(unchecked.receive(&mut input.to_vec()).is_ok());
        }
        let good: [&[u8]; 2] = [b"\x01\x01\xc3\x00\x00\x80\x01\xa9", b"\x82\x01\xff"];
        for input in good {
            assert_eq!(violation(Role::Client, input), None, "{input:x?}");
        }
        assert_eq!(Violation::Text.code(), CloseCode::INVALID_PAYLOAD);
    }

    #[test]
    fn ws_28_a_close_is_the_end() {
        let mut decoder = Decoder::new(Role::Client);
        assert!(!decoder.is_over());
        let (events, kept) = run(&mut decoder, b"\x01\x01a\x88\x05\x0f\xa1why\x81\x01bX");
        assert_eq!(
            (&events[..], kept),
            (&["text (a".to_owned(), "close 4001 why".to_owned()][..], 0)
        );
        assert!(decoder.is_over());
    }

    #[test]
    fn ws_26_nothing_is_read_after_a_violation() {
        let mut decoder = Decoder::new(Role::Client);
        assert_eq!(decoder.receive(&mut b"\x83\x00".to_vec()), Err(Violation::Opcode(3)));
        assert!(decoder.is_over());
        assert_eq!(run(&mut decoder, b"\x81\x01a\x83\x00"), (vec![], 0));
    }

    /// What the decoder makes of `input`, and how much of it is to be kept. Parentheses mark the beginning
    /// and the end of a message.
    fn run(decoder: &mut Decoder, input: &[u8]) -> (Vec<String>, usize) {
        let (mut input, mut events) = (input.to_vec(), Vec::new());
        loop {
            let Received { consumed, event } = decoder.receive(&mut input).expect("good");
            let Some(event) = event else { return (events, input.len() - consumed) };
            events.push(show(event));
            input.drain(..consumed);
        }
    }

    fn show(event: Event<'_>) -> String {
        match event {
            Event::Data(Piece { kind, first, last, payload }) => {
                let kind = format!("{kind:?}").to_lowercase();
                let (open, close) = (if first { "(" } else { "" }, if last { ")" } else { "" });
                format!("{kind} {open}{}{close}", String::from_utf8_lossy(payload))
            }
            Event::Ping(payload) => format!("ping {}", String::from_utf8_lossy(payload)),
            Event::Pong(payload) => format!("pong {}", String::from_utf8_lossy(payload)),
            Event::Close(Close { code, reason }) => {
                format!("close {} {reason}", code.map_or(0, CloseCode::get))
            }
        }
    }

    fn violation(role: Role, input: &[u8]) -> Option<Violation> {
        let (mut decoder, mut input) = (Decoder::new(role), input.to_vec());
        loop {
            match decoder.receive(&mut input) {
                Err(violation) => return Some(violation),
                Ok(Received { event: None, .. }) => return None,
                Ok(Received { consumed, .. }) => drop(input.drain(..consumed)),
            }
        }
    }
}
