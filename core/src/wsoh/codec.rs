//! Events: the bodies of requests and responses (WOH-3 to WOH-5, WOH-16, WOH-17).

use bytes::{Buf as _, BufMut as _, Bytes, BytesMut};
use thiserror::Error;

/// One event.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum WsEvent {
    /// The connection begins.
    Open,
    /// A whole text message.
    Text(Bytes),
    /// A whole binary message.
    Binary(Bytes),
    /// A ping, of at most 125 bytes.
    Ping(Bytes),
    /// A pong, of at most 125 bytes.
    Pong(Bytes),
    /// A close, with code and reason if there is a code.
    Close(Option<(u16, Bytes)>),
    /// The connection is gone.
    Disconnect,
    /// Something that this version does not know; it is skipped.
    Other,
}

/// Why a body is not a list of events.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum EventsError {
    /// An event's first line has no end.
    #[error("a line does not end in CRLF")]
    OpenLine,
    /// A size is not plain hexadecimal.
    #[error("a size is not hexadecimal")]
    BadSize,
    /// The body ends before the content does.
    #[error("content is shorter than its size")]
    ShortContent,
    /// Content and the next event run into each other.
    #[error("content does not end in CRLF")]
    OpenContent,
    /// A ping or pong does not fit in a frame.
    #[error("a ping or pong is longer than 125 bytes")]
    LongControl,
    /// There are more events than the limit.
    #[error("more than {0} events")]
    TooMany(usize),
}

/// Bytes that a control frame holds (RFC 6455 5.5).
const CONTROL_MAX: usize = 125;

/// Appends events to a body. [`WsEvent::Other`] is nothing that could be sent.
pub fn encode<'a>(events: impl IntoIterator<Item = &'a WsEvent>, out: &mut BytesMut) {
    for event in events {
        match event {
            WsEvent::Open => out.extend_from_slice(b"OPEN\r\n"),
            WsEvent::Text(content) => put(out, "TEXT", &[content]),
            WsEvent::Binary(content) => put(out, "BINARY", &[content]),
            WsEvent::Ping(content) => put_control(out, "PING", content),
            WsEvent::Pong(content) => put_control(out, "PONG", content),
            WsEvent::Close(None) => out.extend_from_slice(b"CLOSE\r\n"),
            WsEvent::Close(Some((code, reason))) => {
                put(out, "CLOSE", &[&code.to_be_bytes(), reason]);
            }
            WsEvent::Disconnect => out.extend_from_slice(b"DISCONNECT\r\n"),
            WsEvent::Other => {}
        }
    }
}

/// A message says its size even if that is 0 (WOH-5).
fn put(out: &mut BytesMut, name: &str, parts: &[&[u8]]) {
    let size: usize = parts.iter().map(|part| part.len()).sum();
    out.reserve(name.len() + HEX_MAX + CRLF.len() * 2 + 1 + size);
    out.put_slice(name.as_bytes());
    out.put_u8(b' ');
    put_hex(out, size);
    out.put_slice(CRLF);
    parts.iter().for_each(|part| out.put_slice(part));
    out.put_slice(CRLF);
}

/// A ping or pong has content only if there is some (WOH-4).
fn put_control(out: &mut BytesMut, name: &str, content: &[u8]) {
    match content.is_empty() {
        true => [name.as_bytes(), CRLF].iter().for_each(|part| out.extend_from_slice(part)),
        false => put(out, name, &[content]),
    }
}

fn put_hex(out: &mut BytesMut, size: usize) {
    let digits = (size.checked_ilog2().unwrap_or(0) / 4 + 1) as usize;
    for at in (0..digits).rev() {
        let digit = (size >> (at * 4)) & 15;
        out.put_u8(b"0123456789abcdef"[digit]);
    }
}

/// Digits of the largest size.
const HEX_MAX: usize = 16;

const CRLF: &[u8] = b"\r\n";

/// Reads a whole body of at most `max` events. Contents are slices of it.
pub fn decode(mut body: Bytes, max: usize) -> Result<Vec<WsEvent>, EventsError> {
    let mut events = Vec::new();
    while !body.is_empty() {
        if events.len() == max {
            return Err(EventsError::TooMany(max));
        }
        events.push(take_event(&mut body)?);
    }
    Ok(events)
}

fn take_event(body: &mut Bytes) -> Result<WsEvent, EventsError> {
    let end = body.windows(2).position(|pair| pair == CRLF).ok_or(EventsError::OpenLine)?;
    let line = body.split_to(end);
    body.advance(CRLF.len());
    let mut words = line.splitn(2, |&byte| byte == b' ');
    let name = words.next().unwrap_or_default();
    let content = match words.next() {
        Some(size) => take_content(body, size)?,
        None => Bytes::new(),
    };
    event(name, content)
}

/// The content after a line, and the line end behind it, which the last event of a body may lack.
fn take_content(body: &mut Bytes, size: &[u8]) -> Result<Bytes, EventsError> {
    let size = hex(size).ok_or(EventsError::BadSize)?;
    if size > body.len() {
        return Err(EventsError::ShortContent);
    }
    let content = body.split_to(size);
    if body.starts_with(CRLF) {
        body.advance(CRLF.len());
    } else if !body.is_empty() {
        return Err(EventsError::OpenContent);
    }
    Ok(content)
}

fn event(name: &[u8], content: Bytes) -> Result<WsEvent, EventsError> {
    Ok(match name {
        b"OPEN" => WsEvent::Open,
        b"TEXT" => WsEvent::Text(content),
        b"BINARY" => WsEvent::Binary(content),
        b"PING" | b"PONG" if content.len() > CONTROL_MAX => return Err(EventsError::LongControl),
        b"PING" => WsEvent::Ping(content),
        b"PONG" => WsEvent::Pong(content),
        b"CLOSE" => WsEvent::Close(close(content)),
        b"DISCONNECT" => WsEvent::Disconnect,
        _ => WsEvent::Other,
    })
}

/// Code and reason; a single byte is no code (WS-30).
fn close(content: Bytes) -> Option<(u16, Bytes)> {
    let (code, _) = content.split_first_chunk::<2>()?;
    Some((u16::from_be_bytes(*code), content.slice(2..)))
}

/// Hexadecimal digits in any case and nothing else (WOH-17).
fn hex(text: &[u8]) -> Option<usize> {
    if !text.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    usize::from_str_radix(core::str::from_utf8(text).ok()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(events: &[WsEvent]) -> String {
        let mut out = BytesMut::new();
        encode(events, &mut out);
        String::from_utf8(out.to_vec()).expect("the contents are ASCII")
    }

    fn decoded(body: &'static [u8]) -> Result<Vec<WsEvent>, EventsError> {
        decode(Bytes::from_static(body), 9)
    }

    fn text(content: &'static str) -> WsEvent {
        WsEvent::Text(content.into())
    }

    #[test]
    fn woh_4_how_events_are_written() {
        let cases = [
            (WsEvent::Open, "OPEN\r\n"),
            (text("hello"), "TEXT 5\r\nhello\r\n"),
            (WsEvent::Binary("0123456789".into()), "BINARY a\r\n0123456789\r\n"),
            (WsEvent::Ping("hi".into()), "PING 2\r\nhi\r\n"),
            (WsEvent::Ping(Bytes::new()), "PING\r\n"),
            (WsEvent::Pong(Bytes::new()), "PONG\r\n"),
            (WsEvent::Close(None), "CLOSE\r\n"),
            (WsEvent::Close(Some((0x4142, "bye".into()))), "CLOSE 5\r\nABbye\r\n"),
            (WsEvent::Close(Some((0x4142, Bytes::new()))), "CLOSE 2\r\nAB\r\n"),
            (WsEvent::Disconnect, "DISCONNECT\r\n"),
        ];
        for (event, expected) in cases {
            assert_eq!(encoded(core::slice::from_ref(&event)), expected);
            assert_eq!(decode(expected.into(), 9), Ok(vec![event]));
        }
    }

    #[test]
    fn woh_3_sizes_are_lower_case_hexadecimal() {
        for (size, expected) in [(15, "f"), (16, "10"), (0xabc, "abc"), (0x1_0000, "10000")] {
            let body = encoded(&[WsEvent::Text(vec![b'x'; size].into())]);
            assert!(body.starts_with(&format!("TEXT {expected}\r\nx")), "{size}");
        }
    }

    #[test]
    fn woh_5_an_empty_message_says_its_size() {
        assert_eq!(encoded(&[text("")]), "TEXT 0\r\n\r\n");
        assert_eq!(encoded(&[WsEvent::Binary(Bytes::new())]), "BINARY 0\r\n\r\n");
    }

    #[test]
    fn woh_16_what_is_let_pass() {
        assert_eq!(decoded(b"TEXT\r\n"), Ok(vec![text("")]));
        assert_eq!(
            decoded(b"OPEN 3\r\nabc\r\nTEXT 1\r\nx\r\n"),
            Ok(vec![WsEvent::Open, text("x")])
        );
        assert_eq!(decoded(b"CLOSE 1\r\nx\r\n"), Ok(vec![WsEvent::Close(None)]));
        assert_eq!(decoded(b"open\r\n\r\nNEW 2\r\n\r\n\r\n"), Ok(vec![WsEvent::Other; 3]));
        assert_eq!(decoded(b""), Ok(vec![]));
    }

    #[test]
    fn woh_17_sizes_are_strict_and_the_last_line_end_is_not() {
        assert_eq!(decoded(b"TEXT A\r\n0123456789"), Ok(vec![text("0123456789")]));
        let cases: [(&[u8], EventsError); 10] = [
            (b"TEXT 0x1\r\na\r\n", EventsError::BadSize),
            (b"TEXT -1\r\na\r\n", EventsError::BadSize),
            (b"TEXT +1\r\na\r\n", EventsError::BadSize),
            (b"TEXT \r\n", EventsError::BadSize),
            (b"TEXT 1 \r\na\r\n", EventsError::BadSize),
            (b"TEXT fffffffffffffffff\r\na\r\n", EventsError::BadSize),
            (b"TEXT 3\r\nab", EventsError::ShortContent),
            (b"TEXT 1\r\nab\r\n", EventsError::OpenContent),
            (b"OPEN\n", EventsError::OpenLine),
            (b"OPEN\r\nTEXT 1", EventsError::OpenLine),
        ];
        for (body, error) in cases {
            assert_eq!(decoded(body), Err(error), "{}", String::from_utf8_lossy(body));
        }
    }

    #[test]
    fn what_the_client_could_not_be_sent_is_refused() {
        let ping = |size| format!("PING {size:x}\r\n{}\r\n", "x".repeat(size)).into();
        assert!(decode(ping(125), 9).is_ok());
        assert_eq!(decode(ping(126), 9), Err(EventsError::LongControl));
        assert_eq!(decoded(b"A\r\n").map(|it| it.len()), Ok(1));
        assert_eq!(decode("A\r\n".repeat(10).into(), 9), Err(EventsError::TooMany(9)));
    }
}
