//! HTTP/1 messages as the peers read them: strictly, and without the proxy's codec.

/// Which messages are read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    Requests,
    Responses,
}

/// A part of a message.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Part {
    Head(Head),
    Data(Vec<u8>),
    End,
}

/// The first line and the fields, names in lower case.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Head {
    pub(crate) line: String,
    pub(crate) fields: Vec<(String, String)>,
}

/// Reads messages from bytes that come in pieces.
#[derive(Debug)]
pub(crate) struct Reader {
    kind: Kind,
    input: Vec<u8>,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    Head,
    /// This much is to come.
    Length(u64),
    ChunkSize,
    Chunk(u64),
    ChunkEnd,
    LastChunk,
    /// Until the connection is closed.
    Close,
}

impl Reader {
    pub(crate) fn new(kind: Kind) -> Self {
        Self { kind, input: Vec::new(), state: State::Head }
    }

    pub(crate) fn take(&mut self, bytes: &[u8]) {
        self.input.extend_from_slice(bytes);
    }

    /// The next part. `bodiless` says that the next head is all of its message.
    pub(crate) fn next(&mut self, bodiless: bool) -> Result<Option<Part>, String> {
        match self.state {
            State::Head => self.head(bodiless),
            State::Length(0) => Ok(self.end()),
            State::Length(left) => Ok(self.data(left, State::Length)),
            State::Chunk(0) => {
                self.state = State::ChunkEnd;
                self.next(bodiless)
            }
            State::Chunk(left) => Ok(self.data(left, State::Chunk)),
            State::Close => Ok(self.data(u64::MAX, |_| State::Close)),
            State::ChunkSize | State::ChunkEnd | State::LastChunk => {
                let Some(line) = self.line() else { return Ok(None) };
                self.state = match (self.state, line.as_str()) {
                    (State::ChunkEnd, "") => State::ChunkSize,
                    (State::LastChunk, "") => return Ok(self.end()),
                    (State::ChunkSize, "0") => State::LastChunk,
                    (State::ChunkSize, size) => {
                        let size = u64::from_str_radix(size, 16);
                        State::Chunk(size.map_err(|_| format!("chunk of size {line:?}"))?)
                    }
                    _ => return Err(format!("{line:?} in {:?}", self.state)),
                };
                self.next(bodiless)
            }
        }
    }

    /// The connection was closed; whether the message is complete by that.
    pub(crate) fn ends_by_close(&self) -> bool {
        self.state == State::Close
    }

    /// Whether nothing of a message has come.
    pub(crate) fn is_at_rest(&self) -> bool {
        self.state == State::Head && self.input.is_empty()
    }

    fn head(&mut self, bodiless: bool) -> Result<Option<Part>, String> {
        let Some(end) = self.input.windows(4).position(|four| four == b"\r\n\r\n") else {
            return Ok(None);
        };
        let text = String::from_utf8_lossy(&self.input[..end]).into_owned();
        self.input.drain(..end + 4);
        let head = Head::parse(&text)?;
        if self.kind == Kind::Responses && head.line.starts_with("HTTP/1.1 1") {
            return self.head(bodiless);
        }
        self.state = head.framing(self.kind)?;
        if bodiless {
            self.state = State::Length(0);
        }
        Ok(Some(Part::Head(head)))
    }

    fn data(&mut self, left: u64, then: impl Fn(u64) -> State) -> Option<Part> {
        let len = self.input.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        if len == 0 {
            return None;
        }
        self.state = then(left - len as u64);
        Some(Part::Data(self.input.drain(..len).collect()))
    }

    fn end(&mut self) -> Option<Part> {
        self.state = State::Head;
        Some(Part::End)
    }

    fn line(&mut self) -> Option<String> {
        let end = self.input.windows(2).position(|two| two == b"\r\n")?;
        let line = String::from_utf8_lossy(&self.input[..end]).into_owned();
        self.input.drain(..end + 2);
        Some(line)
    }
}

impl Head {
    fn parse(text: &str) -> Result<Self, String> {
        let mut lines = text.split("\r\n");
        let line = lines.next().unwrap_or_default().to_owned();
        let field = |line: &str| {
            let (name, value) = line.split_once(':').ok_or_else(|| format!("field {line:?}"))?;
            Ok::<_, String>((name.to_ascii_lowercase(), value.trim().to_owned()))
        };
        Ok(Self { line, fields: lines.map(field).collect::<Result<_, _>>()? })
    }

    /// The word at `index` of the first line.
    pub(crate) fn word(&self, index: usize) -> &str {
        self.line.split(' ').nth(index).unwrap_or_default()
    }

    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    fn framing(&self, kind: Kind) -> Result<State, String> {
        match (self.field("transfer-encoding"), self.field("content-length")) {
            (Some("chunked"), None) => Ok(State::ChunkSize),
            (None, Some(length)) => {
                let length = length.parse().map_err(|_| format!("length {length:?}"))?;
                Ok(State::Length(length))
            }
            (None, None) if kind == Kind::Requests => Ok(State::Length(0)),
            (None, None) => Ok(State::Close),
            both => Err(format!("framed by {both:?}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(kind: Kind, text: &[u8], step: usize) -> Vec<Part> {
        let (mut reader, mut parts) = (Reader::new(kind), Vec::new());
        for bytes in text.chunks(step) {
            reader.take(bytes);
            while let Some(part) = reader.next(false).expect("good messages") {
                match (parts.last_mut(), part) {
                    (Some(Part::Data(data)), Part::Data(more)) => data.extend(more),
                    (_, part) => parts.push(part),
                }
            }
        }
        parts
    }

    #[test]
    fn messages_are_the_same_in_whatever_pieces_they_come() {
        let text =
            b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\
            3\r\nabc\r\na\r\n0123456789\r\n0\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi";
        for step in 1..text.len() {
            let parts = parts(Kind::Responses, text, step);
            let bodies: Vec<_> =
                parts.iter().filter(|part| !matches!(part, Part::Head(_))).collect();
            let (first, second) = (b"abc0123456789".to_vec(), b"hi".to_vec());
            let expected = [Part::Data(first), Part::End, Part::Data(second), Part::End];
            assert_eq!(bodies, expected.iter().collect::<Vec<_>>(), "{step}");
        }
    }

    #[test]
    fn ambiguous_framing_is_an_error() {
        let mut reader = Reader::new(Kind::Responses);
        reader.take(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n");
        assert!(reader.next(false).is_err());
    }
}
