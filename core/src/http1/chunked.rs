//! The chunked transfer coding (RFC 9112 section 7.1).

use super::{RequestError, ResponseError};

/// The end of a chunked body, without trailers.
pub const LAST_CHUNK: &[u8] = b"0\r\n\r\n";

/// Bytes of blanks and extensions of one chunk, and of all trailers, that are read and dropped (FWD-54,
/// FWD-70) before it is too much.
const EXTRA_BYTES_MAX: u16 = 8192;

/// Digits of a chunk's size, leading zeros included.
const DIGITS_MAX: u8 = 16;

/// Appends what stands before `len` bytes of chunk data. `len` must not be zero.
pub fn chunk_prefix(len: usize, out: &mut Vec<u8>) {
    let digits = (usize::BITS - len.leading_zeros()).div_ceil(4);
    for at in (0..digits).rev() {
        out.push(b"0123456789abcdef"[(len >> (4 * at)) & 15]);
    }
    out.extend_from_slice(b"\r\n");
}

/// What stands after the data of a chunk.
pub const fn chunk_suffix() -> &'static [u8] {
    b"\r\n"
}

/// A decoder that takes its input in pieces of any size and keeps none of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Chunked {
    /// Before the first digit of a chunk's size.
    Size,
    /// Within the size: what it is so far, and how many digits that took.
    Digits(u32, u8),
    /// Within blanks behind the size; how many there were.
    Blank(u32, u16),
    /// Within extensions behind the size; how long they are so far.
    Extension(u32, u16),
    /// After the CR behind the size.
    SizeLf(u32),
    /// This much of the data is to come; never zero.
    Data(u32),
    /// After the data.
    DataCr,
    /// After the data and its CR.
    DataLf,
    /// At the start of a line of the trailer section; bytes of it so far.
    Trailer(u16),
    /// Within such a line.
    TrailerLine(u16),
    /// After the CR of such a line.
    TrailerLf(u16),
    /// After the CR of the last, empty line.
    EndLf,
    /// Complete.
    End,
}

/// How a body breaks the coding.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum ChunkError {
    Malformed,
    TooLarge,
    Extra,
}

impl Chunked {
    /// Takes one byte that is not data.
    pub(super) fn step(self, byte: u8) -> Result<Self, ChunkError> {
        let next = match self {
            Self::Size => Self::Digits(digit(byte)?, 1),
            Self::Digits(size, count) => match byte {
                b'\r' => Self::SizeLf(size),
                b' ' | b'\t' => Self::Blank(size, 1),
                b';' => Self::Extension(size, 1),
                _ => append(size, count, digit(byte)?)?,
            },
            Self::Blank(size, bytes) => match byte {
                b'\r' => Self::SizeLf(size),
                b' ' | b'\t' => Self::Blank(size, extra(bytes)?),
                b';' => Self::Extension(size, extra(bytes)?),
                _ => return Err(ChunkError::Malformed),
            },
            Self::Extension(size, _) if byte == b'\r' => Self::SizeLf(size),
            Self::Extension(size, bytes) => Self::Extension(size, extra_text(bytes, byte)?),
            Self::SizeLf(0) => expect(byte, b'\n', Self::Trailer(0))?,
            Self::SizeLf(size) => expect(byte, b'\n', Self::Data(size))?,
            Self::DataCr => expect(byte, b'\r', Self::DataLf)?,
            Self::DataLf => expect(byte, b'\n', Self::Size)?,
            Self::Trailer(_) if byte == b'\r' => Self::EndLf,
            Self::TrailerLine(bytes) if byte == b'\r' => Self::TrailerLf(bytes),
            Self::Trailer(bytes) | Self::TrailerLine(bytes) => {
                Self::TrailerLine(extra_text(bytes, byte)?)
            }
            Self::TrailerLf(bytes) => expect(byte, b'\n', Self::Trailer(extra(bytes)?))?,
            Self::EndLf => expect(byte, b'\n', Self::End)?,
            Self::Data(_) | Self::End => return Err(ChunkError::Malformed),
        };
        Ok(next)
    }

    /// After `len` of the `left` bytes of data.
    pub(super) fn took(left: u32, len: u32) -> Self {
        match left - len {
            0 => Self::DataCr,
            left => Self::Data(left),
        }
    }
}

impl From<ChunkError> for RequestError {
    fn from(error: ChunkError) -> Self {
        match error {
            ChunkError::Malformed => Self::Chunk,
            ChunkError::TooLarge => Self::ChunkTooLarge,
            ChunkError::Extra => Self::ChunkExtra,
        }
    }
}

impl From<ChunkError> for ResponseError {
    fn from(_: ChunkError) -> Self {
        Self::Chunk
    }
}

fn append(size: u32, count: u8, digit: u32) -> Result<Chunked, ChunkError> {
    let size = size.checked_mul(16).filter(|_| count < DIGITS_MAX).ok_or(ChunkError::TooLarge)?;
    Ok(Chunked::Digits(size | digit, count + 1))
}

fn extra(bytes: u16) -> Result<u16, ChunkError> {
    if bytes < EXTRA_BYTES_MAX { Ok(bytes + 1) } else { Err(ChunkError::Extra) }
}

fn extra_text(bytes: u16, byte: u8) -> Result<u16, ChunkError> {
    let is_text = byte == b'\t' || !byte.is_ascii_control();
    if is_text { extra(bytes) } else { Err(ChunkError::Malformed) }
}

fn expect(byte: u8, expected: u8, next: Chunked) -> Result<Chunked, ChunkError> {
    if byte == expected { Ok(next) } else { Err(ChunkError::Malformed) }
}

fn digit(byte: u8) -> Result<u32, ChunkError> {
    char::from(byte).to_digit(16).ok_or(ChunkError::Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunk_prefixes_are_hexadecimal() {
        for len in [1, 9, 15, 16, 255, 256, 0x00ab_cdef, usize::MAX] {
            let mut out = Vec::new();
            chunk_prefix(len, &mut out);
            assert_eq!(out, format!("{len:x}\r\n").into_bytes());
        }
    }

    #[test]
    fn lim_7_sizes_up_to_32_bits() {
        assert_eq!(walk("ffffFFFF\r\n"), Ok(Chunked::Data(u32::MAX)));
        assert_eq!(walk("0000000000000010\r\n"), Ok(Chunked::Data(16)));
        assert_eq!(walk("100000000"), Err(ChunkError::TooLarge));
        assert_eq!(walk("00000000000000010"), Err(ChunkError::TooLarge));
    }

    #[test]
    fn fwd_54_extensions_and_trailers_are_passed_over() {
        assert_eq!(walk("5;a=\"b\"; c\r\n"), Ok(Chunked::Data(5)));
        assert_eq!(walk("5 \t;a\r\n"), Ok(Chunked::Data(5)));
        assert_eq!(walk("5  \r\n"), Ok(Chunked::Data(5)));
        assert_eq!(walk("0\r\nA: b\r\nC: d\r\n\r\n"), Ok(Chunked::End));
        assert_eq!(walk("0;x\r\n\r\n"), Ok(Chunked::End));
        let most = usize::from(EXTRA_BYTES_MAX);
        assert_eq!(walk(&format!("5{}\r\n", ";".repeat(most))), Ok(Chunked::Data(5)));
        assert_eq!(walk(&format!("5{}", ";".repeat(most + 1))), Err(ChunkError::Extra));
        assert_eq!(walk(&format!("5{}", " ".repeat(most + 1))), Err(ChunkError::Extra));
        assert_eq!(walk(&format!("0\r\n{}\r\n\r\n", "a".repeat(most - 1))), Ok(Chunked::End));
        assert_eq!(walk(&format!("0\r\n{}", "a".repeat(most + 1))), Err(ChunkError::Extra));
        assert_eq!(walk(&format!("0\r\n{}", "a\r\n".repeat(most))), Err(ChunkError::Extra));
    }

    #[test]
    fn lim_30_broken_chunk_lines() {
        let broken = [
            "\r\n",
            " 5\r\n",
            "g\r\n",
            "-1\r\n",
            "+1\r\n",
            "0x5\r\n",
            "5\n",
            "5\r\r",
            "5;a\n",
            "5;\0\r\n",
            "5 5\r\n",
            "5 a\r\n",
            "5,\r\n",
            "0\r\n\n",
            "0\r\nA: b\n",
            "0\r\n\r\r",
            "0\r\nA\r\r",
            "0\r\n\0",
            "0\r\n\r\n0",
        ];
        for text in broken {
            assert_eq!(walk(text), Err(ChunkError::Malformed), "{text:?}");
        }
    }

    fn walk(text: &str) -> Result<Chunked, ChunkError> {
        text.bytes().try_fold(Chunked::Size, Chunked::step)
    }
}
