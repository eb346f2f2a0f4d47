//! Bodies: decoded as they arrive, framed as they are sent.

use super::chunked::{ChunkError, Chunked, LAST_CHUNK, chunk_prefix, chunk_suffix};

/// How a body that arrives ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Decoder {
    /// After this many bytes more.
    Length(u64),
    /// With its last chunk.
    Chunked(Chunked),
    /// With the connection.
    Close,
}

/// What a decoder made of its input.
#[derive(PartialEq, Eq, Debug)]
pub(super) enum Piece<'a> {
    Data(&'a [u8]),
    End,
    More,
}

impl Decoder {
    pub(super) const CHUNKED: Self = Self::Chunked(Chunked::Size);

    /// Takes input up to the end of a piece of data or of the body; says how much.
    pub(super) fn decode<'a>(&mut self, input: &'a [u8]) -> Result<(usize, Piece<'a>), ChunkError> {
        match self {
            Self::Length(0) => Ok((0, Piece::End)),
            Self::Length(left) => {
                let (data, _) = split(input, *left);
                *left -= data.len() as u64;
                Ok((data.len(), piece(data)))
            }
            Self::Close => Ok((input.len(), piece(input))),
            Self::Chunked(state) => chunked(state, input),
        }
    }
}

fn piece(data: &[u8]) -> Piece<'_> {
    if data.is_empty() { Piece::More } else { Piece::Data(data) }
}

fn chunked<'a>(state: &mut Chunked, input: &'a [u8]) -> Result<(usize, Piece<'a>), ChunkError> {
    let mut now = *state;
    for (at, &byte) in input.iter().enumerate() {
        if let Chunked::Data(left) = now {
            let (_, rest) = input.split_at(at);
            let (data, _) = split(rest, u64::from(left));
            *state = Chunked::took(left, u32::try_from(data.len()).unwrap_or(left));
            return Ok((at + data.len(), Piece::Data(data)));
        }
        now = now.step(byte)?;
        if matches!(now, Chunked::End) {
            *state = now;
            return Ok((at + 1, Piece::End));
        }
    }
    *state = now;
    Ok((input.len(), Piece::More))
}

/// The first `count` bytes, or all there are, and the others.
fn split(bytes: &[u8], count: u64) -> (&[u8], &[u8]) {
    bytes.split_at(usize::try_from(count).map_or(bytes.len(), |count| count.min(bytes.len())))
}

/// How body bytes are framed on the way out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sending {
    /// No body is allowed or wanted.
    Nothing,
    /// As they are.
    Plain,
    /// Each piece as a chunk.
    Chunked,
}

/// A message on the way out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Encoder {
    /// Not begun.
    Idle,
    /// No body follows.
    Nothing,
    /// This much is left of what was announced.
    Length(u64),
    /// Each piece is a chunk.
    Chunked,
    /// The end of the connection will be the end of the body.
    Close,
    /// Ended as announced.
    Whole,
    /// Ended before its announced length.
    Short,
}

impl Encoder {
    pub(super) fn sending(self) -> Sending {
        match self {
            Self::Length(_) | Self::Close => Sending::Plain,
            Self::Chunked => Sending::Chunked,
            Self::Idle | Self::Nothing | Self::Whole | Self::Short => Sending::Nothing,
        }
    }

    /// Appends body bytes; returns how many were taken.
    pub(super) fn send(&mut self, data: &[u8], out: &mut Vec<u8>) -> usize {
        if let Some(data) = self.pass(data) {
            out.extend_from_slice(data);
            return data.len();
        }
        if *self != Self::Chunked {
            return 0;
        }
        // An empty chunk would be the last one.
        if !data.is_empty() {
            chunk_prefix(data.len(), out);
            out.extend_from_slice(data);
            out.extend_from_slice(chunk_suffix());
        }
        data.len()
    }

    /// Body bytes that can go out as they are: those of `data` that still belong to the body. `None` if they
    /// need framing, or there is no body.
    pub(super) fn pass<'a>(&mut self, data: &'a [u8]) -> Option<&'a [u8]> {
        match self {
            Self::Length(left) => {
                let (data, _) = split(data, *left);
                *left -= data.len() as u64;
                Some(data)
            }
            Self::Close => Some(data),
            Self::Chunked | Self::Idle | Self::Nothing | Self::Whole | Self::Short => None,
        }
    }

    /// Ends what has begun, and appends what shows it.
    pub(super) fn finish(&mut self, out: &mut Vec<u8>) {
        *self = match *self {
            Self::Idle | Self::Whole | Self::Short => return,
            Self::Length(1..) => Self::Short,
            Self::Length(0) | Self::Nothing | Self::Close => Self::Whole,
            Self::Chunked => {
                out.extend_from_slice(LAST_CHUNK);
                Self::Whole
            }
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_are_decoded_to_their_end_and_no_further() {
        let mut decoder = Decoder::CHUNKED;
        let mut input = &b"3\r\nabc\r\n2;x\r\nde\r\n0\r\nT: t\r\n\r\nGET /"[..];
        let mut seen = Vec::new();
        loop {
            let (consumed, piece) = decoder.decode(input).expect("good");
            input = &input[consumed..];
            match piece {
                Piece::Data(data) => seen.push(data),
                Piece::End => break,
                Piece::More => panic!("all is there"),
            }
        }
        assert_eq!(seen, [&b"abc"[..], b"de"]);
        assert_eq!(input, b"GET /");
    }

    #[test]
    fn lim_30_chunk_data_ends_in_crlf() {
        for behind in ["d", "\n", "\rx", "\r\r"] {
            let mut decoder = Decoder::CHUNKED;
            let input = format!("3\r\nabc{behind}");
            assert_eq!(decoder.decode(input.as_bytes()), Ok((6, Piece::Data(b"abc"))));
            for _ in 0..2 {
                let broken = decoder.decode(behind.as_bytes());
                assert_eq!(broken, Err(ChunkError::Malformed), "{behind:?}, and so it stays");
            }
        }
    }

    #[test]
    fn an_end_needs_no_further_input() {
        let mut decoder = Decoder::Length(3);
        assert_eq!(decoder.decode(b"abcd"), Ok((3, Piece::Data(b"abc"))));
        assert_eq!(decoder.decode(b""), Ok((0, Piece::End)));
        assert_eq!(Decoder::Length(1).decode(b""), Ok((0, Piece::More)));
    }

    #[test]
    fn a_length_is_kept_to() {
        let (mut encoder, mut out) = (Encoder::Length(3), Vec::new());
        assert_eq!(encoder.send(b"ab", &mut out), 2);
        assert_eq!(encoder.send(b"cd", &mut out), 1);
        assert_eq!(encoder.send(b"ef", &mut out), 0);
        encoder.finish(&mut out);
        assert_eq!((encoder, &out[..]), (Encoder::Whole, &b"abc"[..]));
    }

    #[test]
    fn fwd_71_short_stays_short() {
        let (mut encoder, mut out) = (Encoder::Length(3), Vec::new());
        encoder.send(b"ab", &mut out);
        encoder.finish(&mut out);
        encoder.finish(&mut out);
        assert_eq!(encoder, Encoder::Short);
    }

    #[test]
    fn no_piece_ends_chunks_but_the_end() {
        let (mut encoder, mut out) = (Encoder::Chunked, Vec::new());
        encoder.send(b"abc", &mut out);
        encoder.send(b"", &mut out);
        encoder.finish(&mut out);
        encoder.finish(&mut out);
        assert_eq!(out, b"3\r\nabc\r\n0\r\n\r\n");
    }
}
