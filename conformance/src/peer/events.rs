//! What passes over a WebSocket, and its form in the bodies of WebSocket-over-HTTP.

use std::fmt;

use super::wire::find;
use crate::case::{Outcome, wrong};

/// The content type of such bodies.
pub(crate) const EVENTS: &str = "application/websocket-events";

/// What an event is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The connection is wanted, or granted. It has no frame.
    Open,
    /// A message of text.
    Text,
    /// A message of bytes.
    Binary,
    /// A question whether the peer is there.
    Ping,
    /// The answer to it.
    Pong,
    /// The end, with or without a code.
    Close,
    /// The end without a word. It has no frame.
    Disconnect,
}

/// One message or signal.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Event {
    /// What it is.
    pub(crate) kind: Kind,
    /// What it carries. Where that is nothing, a body may say so in two ways, which mean the same.
    pub(crate) content: Vec<u8>,
}

/// How much of the content is told when an event is not the one expected, in bytes.
const SHOWN: usize = 100;

/// All kinds, and their names in bodies.
const NAMES: [(&str, Kind); 7] = [
    ("OPEN", Kind::Open),
    ("TEXT", Kind::Text),
    ("BINARY", Kind::Binary),
    ("PING", Kind::Ping),
    ("PONG", Kind::Pong),
    ("CLOSE", Kind::Close),
    ("DISCONNECT", Kind::Disconnect),
];

/// An event with this content.
pub(crate) fn event(kind: Kind, content: impl AsRef<[u8]>) -> Event {
    Event { kind, content: content.as_ref().to_vec() }
}

/// A message of text.
pub(crate) fn text(content: impl AsRef<[u8]>) -> Event {
    event(Kind::Text, content)
}

/// A message of bytes.
pub(crate) fn binary(content: impl AsRef<[u8]>) -> Event {
    event(Kind::Binary, content)
}

/// A ping.
pub(crate) fn ping(content: impl AsRef<[u8]>) -> Event {
    event(Kind::Ping, content)
}

/// A pong.
pub(crate) fn pong(content: impl AsRef<[u8]>) -> Event {
    event(Kind::Pong, content)
}

/// A close with a code and a reason.
pub(crate) fn close(code: u16, reason: &str) -> Event {
    event(Kind::Close, [&code.to_be_bytes(), reason.as_bytes()].concat())
}

/// A close that says nothing.
pub(crate) fn bare_close() -> Event {
    event(Kind::Close, "")
}

/// The first event of a connection.
pub(crate) fn open() -> Event {
    event(Kind::Open, "")
}

/// A body with these events.
pub(crate) fn encode(events: &[Event]) -> Vec<u8> {
    let mut out = Vec::new();
    for event in events {
        let name = NAMES.iter().find(|(_, kind)| *kind == event.kind).map_or("", |(name, _)| name);
        let bare = event.content.is_empty() && !matches!(event.kind, Kind::Text | Kind::Binary);
        match bare {
            true => out.extend(format!("{name}\r\n").bytes()),
            false => {
                out.extend(format!("{name} {:x}\r\n", event.content.len()).bytes());
                out.extend(&event.content);
                out.extend(b"\r\n");
            }
        }
    }
    out
}

/// The events of a body that a proxy sent. Nothing that the grammar does not allow is let through.
pub(crate) fn parse(body: &[u8]) -> Outcome<Vec<Event>> {
    let (mut events, mut rest) = (Vec::new(), body);
    while !rest.is_empty() {
        let shown = String::from_utf8_lossy(rest).into_owned();
        let Some((event, after)) = first(rest) else {
            return wrong(format_args!("{shown:.200?} is no list of events"));
        };
        events.push(event);
        rest = after;
    }
    Ok(events)
}

/// The first event, and what is behind it.
fn first(body: &[u8]) -> Option<(Event, &[u8])> {
    let end = find(body, b"\r\n")?;
    let line = str::from_utf8(&body[..end]).ok()?;
    let rest = &body[end + 2..];
    let (name, size) = match line.split_once(' ') {
        Some((name, size)) => (name, Some(size)),
        None => (line, None),
    };
    let kind = NAMES.iter().find(|(known, _)| *known == name)?.1;
    let Some(size) = size else { return Some((event(kind, ""), rest)) };
    let is_plain = size.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    let size = usize::from_str_radix(size, 16).ok().filter(|_| is_plain)?;
    let (content, rest) = rest.split_at_checked(size)?;
    Some((event(kind, content), rest.strip_prefix(b"\r\n")?))
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.kind, &*self.content) {
            (Kind::Close, [high, low, reason @ ..]) => {
                let code = u16::from_be_bytes([*high, *low]);
                write!(f, "Close {code} {:?}", String::from_utf8_lossy(reason))
            }
            (kind, content) => {
                let start = &content[..content.len().min(SHOWN)];
                let more = if start.len() < content.len() { "..." } else { "" };
                let start = String::from_utf8_lossy(start);
                write!(f, "{kind:?} of {}: {start:?}{more}", content.len())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Kind, bare_close, binary, close, encode, event, open, parse, ping, text};

    #[test]
    fn events_are_written_and_read() {
        let events = [
            open(),
            text("hello"),
            binary([0, 13, 10]),
            ping(""),
            close(4000, "bye"),
            bare_close(),
        ];
        let body = b"OPEN\r\nTEXT 5\r\nhello\r\nBINARY 3\r\n\0\r\n\r\nPING\r\nCLOSE 5\r\n\x0f\xa0bye\r\nCLOSE\r\n";
        assert_eq!(encode(&events), body);
        assert_eq!(parse(body).expect("events"), events);
        assert_eq!(parse(b"TEXT\r\n").expect("empty"), [text("")]);
        assert_eq!(parse(b"DISCONNECT\r\n").expect("end"), [event(Kind::Disconnect, "")]);
    }

    #[test]
    fn what_the_grammar_lacks_is_refused() {
        for bad in [
            &b"TEXT 1\nx\r\n"[..],
            b"TEXT 0x1\r\nx\r\n",
            b"TEXT A\r\n0123456789\r\n",
            b"TEXT 2\r\nx\r\n",
            b"TEXT 1\r\nxx\r\n",
            b"TEXT 1\r\nx",
            b"text 1\r\nx\r\n",
            b"OPEN",
        ] {
            assert!(parse(bad).is_err(), "{:?}", String::from_utf8_lossy(bad));
        }
    }
}
