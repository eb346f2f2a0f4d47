//! How a message body is marked off, and taking it out of a stream of bytes.

use super::{head::Head, wire::find};
use crate::case::{Outcome, wrong};

/// How the end of a body is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    /// There is no body.
    Empty,
    /// This many bytes.
    Length(u64),
    /// Chunks, the last of them empty.
    Chunked,
    /// All until the connection ends.
    UntilClose,
}

/// A body on its way in.
#[derive(Debug)]
pub(crate) struct Body {
    /// How its end is told.
    pub(crate) framing: Framing,
    left: Left,
}

/// What is still to come.
#[derive(Clone, Copy, Debug)]
enum Left {
    Bytes(u64),
    ChunkSize,
    ChunkEnd,
    Trailer,
    Unknown,
    Nothing,
}

impl Framing {
    /// How the body of a request with this head is marked off.
    pub(crate) fn of_request(head: &Head) -> Outcome<Self> {
        match Self::announced(head)? {
            Some(framing) => Ok(framing),
            None => Ok(Framing::Empty),
        }
    }

    /// How the body of a response with this head is marked off.
    pub(crate) fn of_response(head: &Head, to_head_request: bool) -> Outcome<Self> {
        let status = head.word(1);
        if to_head_request || status.starts_with('1') || status == "204" || status == "304" {
            return Ok(Framing::Empty);
        }
        Ok(Self::announced(head)?.unwrap_or(Framing::UntilClose))
    }

    /// What the length fields say; contradictions are wrong, since no reader could rely on them.
    fn announced(head: &Head) -> Outcome<Option<Self>> {
        let (coded, lengths) = (head.all("Transfer-Encoding"), head.all("Content-Length"));
        match (&coded[..], &lengths[..]) {
            ([], []) => Ok(None),
            ([one], []) if one.eq_ignore_ascii_case("chunked") => Ok(Some(Framing::Chunked)),
            ([], [one]) => match one.parse() {
                Ok(length) => Ok(Some(Framing::Length(length))),
                Err(_) => wrong(format_args!("a Content-Length of {one:?}")),
            },
            _ => wrong(format_args!(
                "unclear framing: Transfer-Encoding {coded:?}, Content-Length {lengths:?}"
            )),
        }
    }
}

impl Body {
    /// A body of which nothing has been taken yet.
    pub(crate) fn new(framing: Framing) -> Self {
        let left = match framing {
            Framing::Empty | Framing::Length(0) => Left::Nothing,
            Framing::Length(length) => Left::Bytes(length),
            Framing::Chunked => Left::ChunkSize,
            Framing::UntilClose => Left::Unknown,
        };
        Self { framing, left }
    }

    /// Whether the body is complete as far as its framing tells.
    pub(crate) fn is_done(&self) -> bool {
        matches!(self.left, Left::Nothing)
    }

    /// Whether the end of the connection is a proper end of this body.
    pub(crate) fn may_end_now(&self) -> bool {
        matches!(self.left, Left::Nothing | Left::Unknown)
    }

    /// Moves what belongs to the body out of `buffer` and appends its content to `out`.
    pub(crate) fn take(&mut self, buffer: &mut Vec<u8>, out: &mut Vec<u8>) -> Outcome {
        while let Some(next) = self.step(buffer, out)? {
            self.left = next;
        }
        Ok(())
    }

    /// One step, or nothing if more bytes are needed first.
    fn step(&self, buffer: &mut Vec<u8>, out: &mut Vec<u8>) -> Outcome<Option<Left>> {
        Ok(match self.left {
            Left::Nothing => None,
            Left::Unknown => {
                out.append(buffer);
                None
            }
            Left::Bytes(_) if buffer.is_empty() => None,
            Left::Bytes(left) => {
                let count = left.min(buffer.len() as u64);
                out.extend(buffer.drain(..count as usize));
                Some(match (left - count, self.framing) {
                    (0, Framing::Chunked) => Left::ChunkEnd,
                    (0, _) => Left::Nothing,
                    (left, _) => Left::Bytes(left),
                })
            }
            Left::ChunkSize => match line(buffer) {
                None => None,
                Some(text) => Some(chunk(&text)?),
            },
            Left::ChunkEnd => match line(buffer) {
                None => None,
                Some(text) if text.is_empty() => Some(Left::ChunkSize),
                Some(text) => return wrong(format_args!("{text:?} where a chunk should end")),
            },
            Left::Trailer => line(buffer).map(|text| match text.is_empty() {
                true => Left::Nothing,
                false => Left::Trailer,
            }),
        })
    }
}

/// Takes a line out of the buffer, if a whole one is there.
fn line(buffer: &mut Vec<u8>) -> Option<String> {
    let end = find(buffer, b"\r\n")?;
    let text = String::from_utf8_lossy(&buffer[..end]).into_owned();
    buffer.drain(..end + 2);
    Some(text)
}

/// What follows a chunk's size line.
fn chunk(text: &str) -> Outcome<Left> {
    let size = text.split(';').next().unwrap_or_default().trim();
    match u64::from_str_radix(size, 16) {
        Ok(0) => Ok(Left::Trailer),
        Ok(size) => Ok(Left::Bytes(size)),
        Err(_) => wrong(format_args!("a chunk size of {text:?}")),
    }
}

#[cfg(test)]
mod tests {
    use super::{Body, Framing};

    #[test]
    fn chunks_are_taken_whatever_the_cuts() {
        let wire = b"3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nX: y\r\n\r\nrest";
        for cut in 0..wire.len() {
            let (mut body, mut out) = (Body::new(Framing::Chunked), Vec::new());
            let mut buffer = wire[..cut].to_vec();
            body.take(&mut buffer, &mut out).expect("first part");
            buffer.extend(&wire[cut..]);
            body.take(&mut buffer, &mut out).expect("second part");
            assert!(body.is_done());
            assert_eq!((&out[..], &buffer[..]), (&b"abcde"[..], &b"rest"[..]), "cut at {cut}");
        }
    }

    #[test]
    fn broken_chunks_are_told() {
        for bad in [&b"zz\r\n"[..], b"1\r\naXX\r\n"] {
            let (mut body, mut out) = (Body::new(Framing::Chunked), Vec::new());
            assert!(body.take(&mut bad.to_vec(), &mut out).is_err());
        }
    }

    #[test]
    fn a_cut_is_no_end() {
        let (mut body, mut out) = (Body::new(Framing::Length(3)), Vec::new());
        body.take(&mut b"ab".to_vec(), &mut out).expect("part");
        assert!(!body.may_end_now());
    }
}
