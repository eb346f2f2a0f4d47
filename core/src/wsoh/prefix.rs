//! What a GRIP-enabled backend's messages are for: the proxy, the client, or nobody (NAT-6, NAT-8).

use bytes::{Bytes, BytesMut};
use thiserror::Error;

use crate::ws::Kind;

/// A part of a data message.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Piece {
    /// The kind of the message.
    pub kind: Kind,
    /// Whether the message begins with it.
    pub first: bool,
    /// The bytes; may be empty.
    pub payload: Bytes,
    /// Whether the message ends with it.
    pub last: bool,
}

/// What a piece turns out to be.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Sorted {
    /// For the client, without the prefix.
    Data(Piece),
    /// A whole control message, without its `c:`.
    Control(Bytes),
    /// A message for nobody has begun; its pieces are discarded.
    Discarded,
    /// Not known yet, or part of a message that is collected or discarded.
    Nothing,
}

/// A control message is longer than the limit.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
#[error("a control message is longer than {0} bytes")]
pub struct ControlTooLong(pub usize);

/// Sorts messages by how they begin, in whatever pieces they come.
#[derive(Debug)]
pub struct Sorter {
    prefix: Bytes,
    state: State,
}

/// Where the current message stands.
#[derive(Debug)]
enum State {
    /// Too little of it is there: fewer bytes than the prefix or `c:` has.
    Deciding(BytesMut),
    /// It goes to the client; `begun` once a piece of it went.
    Passing {
        begun: bool,
    },
    Discarding,
    Collecting(BytesMut),
}

/// How a message begins.
#[derive(PartialEq, Eq, Debug)]
enum Beginning {
    Control,
    Data,
    Neither,
}

/// What begins a control message, in text.
const CONTROL: &[u8] = b"c:";

impl Sorter {
    /// A sorter for data that begins with `prefix` (NAT-4).
    pub fn new(prefix: Bytes) -> Self {
        Self { prefix, state: State::Deciding(BytesMut::new()) }
    }

    /// Takes the next piece. A control message may have `max` bytes after its `c:`. After an error the
    /// sorter is of no more use.
    pub fn sort(&mut self, piece: Piece, max: usize) -> Result<Sorted, ControlTooLong> {
        let (kind, last) = (piece.kind, piece.last);
        let sorted = match &mut self.state {
            State::Deciding(begun) => {
                let payload = join(begun, piece.payload);
                self.decide(kind, payload, last)
            }
            State::Passing { .. } => self.pass(kind, piece.payload, last),
            State::Discarding => Sorted::Nothing,
            State::Collecting(collected) => {
                collected.extend_from_slice(&piece.payload);
                Sorted::Nothing
            }
        };
        if let State::Collecting(collected) = &self.state
            && collected.len() > max
        {
            return Err(ControlTooLong(max));
        }
        Ok(if last { self.finish(sorted) } else { sorted })
    }

    /// Sorts a whole message.
    pub fn sort_whole(
        &mut self,
        kind: Kind,
        payload: Bytes,
        max: usize,
    ) -> Result<Sorted, ControlTooLong> {
        self.sort(Piece { kind, first: true, payload, last: true }, max)
    }

    fn decide(&mut self, kind: Kind, payload: Bytes, last: bool) -> Sorted {
        match self.beginning(kind, &payload, last) {
            None => {
                self.state = State::Deciding(payload.into());
                Sorted::Nothing
            }
            Some(Beginning::Control) => {
                self.state = State::Collecting(payload.slice(CONTROL.len()..).into());
                Sorted::Nothing
            }
            Some(Beginning::Data) => {
                self.state = State::Passing { begun: false };
                self.pass(kind, payload.slice(self.prefix.len()..), last)
            }
            Some(Beginning::Neither) => {
                self.state = State::Discarding;
                Sorted::Discarded
            }
        }
    }

    /// What a message is that begins so; `None`: it depends on what follows. `c:` comes before the prefix.
    fn beginning(&self, kind: Kind, begun: &[u8], whole: bool) -> Option<Beginning> {
        if kind == Kind::Text {
            if begun.starts_with(CONTROL) {
                return Some(Beginning::Control);
            }
            if !whole && CONTROL.starts_with(begun) {
                return None;
            }
        }
        if begun.starts_with(&self.prefix) {
            return Some(Beginning::Data);
        }
        let open = !whole && self.prefix.starts_with(begun);
        (!open).then_some(Beginning::Neither)
    }

    /// Lets a piece through, if it says anything: bytes, or that the message ends.
    fn pass(&mut self, kind: Kind, payload: Bytes, last: bool) -> Sorted {
        let State::Passing { begun } = &mut self.state else { return Sorted::Nothing };
        if payload.is_empty() && !last {
            return Sorted::Nothing;
        }
        let first = !core::mem::replace(begun, true);
        Sorted::Data(Piece { kind, first, payload, last })
    }

    /// The message is complete.
    fn finish(&mut self, sorted: Sorted) -> Sorted {
        match core::mem::replace(&mut self.state, State::Deciding(BytesMut::new())) {
            State::Collecting(control) => Sorted::Control(control.freeze()),
            _ => sorted,
        }
    }
}

/// `begun` with `more` behind it; without a copy if nothing has begun.
fn join(begun: &mut BytesMut, more: Bytes) -> Bytes {
    if begun.is_empty() {
        return more;
    }
    begun.extend_from_slice(&more);
    core::mem::take(begun).freeze()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAX: usize = 20;

    fn piece(kind: Kind, payload: &str, last: bool) -> Piece {
        Piece { kind, first: true, payload: payload.to_owned().into(), last }
    }

    fn sorted(prefix: &'static str, kind: Kind, payload: &str) -> Sorted {
        let whole = piece(kind, payload, true);
        Sorter::new(prefix.into()).sort(whole, MAX).expect("no case is too long")
    }

    #[test]
    fn nat_6_the_beginning_decides() {
        let data = |kind, payload| Sorted::Data(piece(kind, payload, true));
        use Kind::{Binary, Text};
        let cases = [
            ("m:", Text, "m:hello", data(Text, "hello")),
            ("m:", Text, "m:", data(Text, "")),
            ("m:", Binary, "m:x", data(Binary, "x")),
            ("m:", Text, "c:{}", Sorted::Control("{}".into())),
            ("m:", Text, "c:", Sorted::Control(Bytes::new())),
            ("m:", Binary, "c:{}", Sorted::Discarded),
            ("m:", Text, "hello", Sorted::Discarded),
            ("m:", Text, "m", Sorted::Discarded),
            ("m:", Text, "", Sorted::Discarded),
            ("c:", Text, "c:x", Sorted::Control("x".into())),
            ("c:", Binary, "c:x", data(Binary, "x")),
            ("", Text, "", data(Text, "")),
            ("", Text, "c", data(Text, "c")),
            ("", Text, "x", data(Text, "x")),
            ("", Text, "c:x", Sorted::Control("x".into())),
            ("", Binary, "c:x", data(Binary, "c:x")),
        ];
        for (prefix, kind, payload, expected) in cases {
            assert_eq!(sorted(prefix, kind, payload), expected, "{prefix:?} {payload:?}");
        }
    }

    #[test]
    fn nat_8_pieces_pass_as_they_come_once_it_is_clear_where_to() {
        let mut sorter = Sorter::new("abc".into());
        let mut sort =
            |payload, last| sorter.sort(piece(Kind::Text, payload, last), MAX).expect("it is data");
        assert_eq!(sort("a", false), Sorted::Nothing);
        assert_eq!(sort("b", false), Sorted::Nothing);
        assert_eq!(sort("cd", false), Sorted::Data(piece(Kind::Text, "d", false)));
        let rest = |payload, last| {
            Sorted::Data(Piece { first: false, ..piece(Kind::Text, payload, last) })
        };
        assert_eq!(sort("c:e", false), rest("c:e", false));
        assert_eq!(sort("", true), rest("", true));
        assert_eq!(sort("abX", false), Sorted::Discarded);
        assert_eq!(sort("abc", true), Sorted::Nothing);
        assert_eq!(sort("abc", false), Sorted::Nothing);
        assert_eq!(sort("", true), Sorted::Data(piece(Kind::Text, "", true)));
    }

    #[test]
    fn nat_8_a_control_message_has_a_limit() {
        let mut sorter = Sorter::new("m:".into());
        let long = "x".repeat(MAX);
        let mut sort = |payload: &str, last| sorter.sort(piece(Kind::Text, payload, last), MAX);
        assert_eq!(sort("c", false), Ok(Sorted::Nothing));
        assert_eq!(sort(":", false), Ok(Sorted::Nothing));
        assert_eq!(sort(&long, true), Ok(Sorted::Control(long.clone().into())));
        assert_eq!(sort(&format!("c:{long}"), false), Ok(Sorted::Nothing));
        assert_eq!(sort("x", true), Err(ControlTooLong(MAX)));
    }
}
