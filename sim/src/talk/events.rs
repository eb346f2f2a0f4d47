//! Bodies of WebSocket-over-HTTP, as backends write and read them: strictly, and without the
//! proxy's codec.

use super::{Word, close_content, read_close};

/// One event.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Event {
    Open,
    Word(Word),
    Disconnect,
    /// One of which nobody knows anything.
    Unknown,
}

/// A body of these events.
pub(crate) fn write_events(events: &[Event]) -> Vec<u8> {
    let mut body = Vec::new();
    for event in events {
        let (name, content) = match event {
            Event::Open => ("OPEN", None),
            Event::Disconnect => ("DISCONNECT", None),
            Event::Unknown => ("NOVELTY", Some(b"what?".to_vec())),
            Event::Word(Word::Text(data)) => ("TEXT", Some(data.clone())),
            Event::Word(Word::Binary(data)) => ("BINARY", Some(data.clone())),
            Event::Word(Word::Ping(data)) => ("PING", some(data)),
            Event::Word(Word::Pong(data)) => ("PONG", some(data)),
            Event::Word(Word::Close(code, reason)) => {
                ("CLOSE", code.map(|code| close_content(Some(code), reason)))
            }
        };
        body.extend_from_slice(name.as_bytes());
        if let Some(content) = content {
            body.extend_from_slice(format!(" {:x}\r\n", content.len()).as_bytes());
            body.extend_from_slice(&content);
        }
        body.extend_from_slice(b"\r\n");
    }
    body
}

fn some(data: &[u8]) -> Option<Vec<u8>> {
    (!data.is_empty()).then(|| data.to_vec())
}

/// The events of a whole body.
pub(crate) fn read_events(mut body: &[u8]) -> Result<Vec<Event>, String> {
    let mut events = Vec::new();
    while !body.is_empty() {
        let line = until_line_end(&mut body)?;
        let line = core::str::from_utf8(line).map_err(|_| "a line that is no text")?;
        let (name, size) = line.split_once(' ').map_or((line, None), |(n, size)| (n, Some(size)));
        let content = match size {
            None => &b""[..],
            Some(size) => {
                let len = usize::from_str_radix(size, 16).map_err(|_| format!("size {size:?}"))?;
                let (content, rest) = body.split_at_checked(len).ok_or("short content")?;
                body = rest;
                match until_line_end(&mut body)? {
                    [] => content,
                    more => return Err(format!("{} behind content", more.escape_ascii())),
                }
            }
        };
        let data = content.to_vec();
        events.push(match name {
            "OPEN" => Event::Open,
            "DISCONNECT" => Event::Disconnect,
            "TEXT" => Event::Word(Word::Text(data)),
            "BINARY" => Event::Word(Word::Binary(data)),
            "PING" => Event::Word(Word::Ping(data)),
            "PONG" => Event::Word(Word::Pong(data)),
            "CLOSE" => Event::Word(read_close(content)?),
            _ => Event::Unknown,
        });
    }
    Ok(events)
}

fn until_line_end<'a>(body: &mut &'a [u8]) -> Result<&'a [u8], String> {
    let end = body.windows(2).position(|two| two == b"\r\n").ok_or("a line without end")?;
    let (line, rest) = body.split_at(end);
    *body = &rest[2..];
    Ok(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_read_back() {
        let events = [
            Event::Open,
            Event::Word(Word::Text(b"a\r\nb".to_vec())),
            Event::Word(Word::Binary(Vec::new())),
            Event::Word(Word::Ping(Vec::new())),
            Event::Word(Word::Pong(b"x".to_vec())),
            Event::Unknown,
            Event::Word(Word::Close(None, String::new())),
            Event::Word(Word::Close(Some(4000), "why".to_owned())),
            Event::Disconnect,
        ];
        assert_eq!(read_events(&write_events(&events)), Ok(events.to_vec()));
        assert_eq!(write_events(&events[1..2]), b"TEXT 4\r\na\r\nb\r\n");
    }

    #[test]
    fn what_is_no_body_is_an_error() {
        for body in ["OPEN", "TEXT 5\r\nabc\r\n", "TEXT x\r\n\r\n", "TEXT 1\r\nabc\r\n"] {
            assert!(read_events(body.as_bytes()).is_err(), "{body}");
        }
    }
}
