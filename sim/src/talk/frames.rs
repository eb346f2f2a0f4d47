//! WebSocket frames as the peers write and read them: strictly, and without the proxy's codec.

use super::{Word, close_content, read_close};

/// Reads words from bytes that come in pieces.
#[derive(Debug)]
pub(crate) struct FrameReader {
    input: Vec<u8>,
    /// Whether the other end must mask what it sends.
    masked: bool,
    /// The message that has begun; whether it is text.
    message: Option<(bool, Vec<u8>)>,
    closed: bool,
}

struct Frame {
    last: bool,
    opcode: u8,
    payload: Vec<u8>,
}

impl FrameReader {
    pub(crate) fn new(masked: bool) -> Self {
        Self { input: Vec::new(), masked, message: None, closed: false }
    }

    pub(crate) fn take(&mut self, bytes: &[u8]) {
        self.input.extend_from_slice(bytes);
    }

    /// The next word. Nothing may follow a close.
    pub(crate) fn next(&mut self) -> Result<Option<Word>, String> {
        while let Some(Frame { last, opcode, payload }) = self.frame()? {
            if self.closed {
                return Err(format!("a frame of type {opcode} behind the close"));
            }
            if opcode >= 8 && (!last || payload.len() > 125) {
                return Err(format!("a bad control frame of type {opcode}"));
            }
            match (opcode, &mut self.message) {
                (0, Some((_, message))) => message.extend_from_slice(&payload),
                (1 | 2, empty @ None) => *empty = Some((opcode == 1, payload)),
                (8, _) => {
                    self.closed = true;
                    return read_close(&payload).map(Some);
                }
                (9, _) => return Ok(Some(Word::Ping(payload))),
                (10, _) => return Ok(Some(Word::Pong(payload))),
                (_, message) => return Err(format!("type {opcode} within {message:?}")),
            }
            if last && let Some((text, message)) = self.message.take() {
                return Ok(Some(if text { Word::Text(message) } else { Word::Binary(message) }));
            }
        }
        Ok(None)
    }

    fn frame(&mut self) -> Result<Option<Frame>, String> {
        let &[first, second, ..] = &self.input[..] else { return Ok(None) };
        let (wide, len) = match second & 0x7f {
            126 => (2, None),
            127 => (8, None),
            len => (0, Some(u64::from(len))),
        };
        let mask = if self.masked { 4 } else { 0 };
        let Some(header) = self.input.get(2..2 + wide + mask) else { return Ok(None) };
        let long = header[..wide].iter().fold(0, |len, &byte| len << 8 | u64::from(byte));
        let (len, key) = (len.unwrap_or(long) as usize, header[wide..].to_vec());
        let begin = 2 + wide + mask;
        if first & 0x70 != 0 || (second & 0x80 != 0) != self.masked {
            return Err(format!("a frame that begins with {first:x} {second:x}"));
        }
        if self.input.len() < begin + len {
            return Ok(None);
        }
        let mut payload = self.input[begin..begin + len].to_vec();
        self.input.drain(..begin + len);
        apply(&key, &mut payload);
        Ok(Some(Frame { last: first & 0x80 != 0, opcode: first & 0xf, payload }))
    }
}

/// A word in frames; a message in so many pieces. All of them masked by `key` if there is one.
pub(crate) fn write_frames(word: &Word, pieces: usize, key: Option<[u8; 4]>) -> Vec<Vec<u8>> {
    let (opcode, payload) = match word {
        Word::Text(data) => (1, data.clone()),
        Word::Binary(data) => (2, data.clone()),
        Word::Ping(data) => (9, data.clone()),
        Word::Pong(data) => (10, data.clone()),
        Word::Close(code, reason) => (8, close_content(*code, reason)),
    };
    let pieces = if opcode < 8 { pieces.clamp(1, payload.len().max(1)) } else { 1 };
    let size = payload.len().div_ceil(pieces).max(1);
    let mut chunks: Vec<_> = payload.chunks(size).collect();
    if chunks.is_empty() {
        chunks.push(b"");
    }
    let last = chunks.len() - 1;
    let frame = |(at, chunk): (usize, &&[u8])| {
        let opcode = if at == 0 { opcode } else { 0 };
        write_frame(opcode, at == last, chunk, key)
    };
    chunks.iter().enumerate().map(frame).collect()
}

fn write_frame(opcode: u8, last: bool, payload: &[u8], key: Option<[u8; 4]>) -> Vec<u8> {
    let mut frame = vec![opcode | if last { 0x80 } else { 0 }];
    let masked = if key.is_some() { 0x80 } else { 0 };
    match payload.len() {
        len @ 0..=125 => frame.push(masked | len as u8),
        len @ 126..=0xffff => {
            frame.push(masked | 126);
            frame.extend_from_slice(&(len as u16).to_be_bytes());
        }
        len => {
            frame.push(masked | 127);
            frame.extend_from_slice(&(len as u64).to_be_bytes());
        }
    }
    let mut payload = payload.to_vec();
    if let Some(key) = key {
        frame.extend_from_slice(&key);
        apply(&key, &mut payload);
    }
    frame.extend_from_slice(&payload);
    frame
}

fn apply(key: &[u8], payload: &mut [u8]) {
    for (byte, mask) in payload.iter_mut().zip(key.iter().cycle()) {
        *byte ^= mask;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words() -> Vec<Word> {
        vec![
            Word::Text(b"hello".to_vec()),
            Word::Binary(Vec::new()),
            Word::Ping(b"p".to_vec()),
            Word::Binary(vec![7; 300]),
            Word::Pong(Vec::new()),
            Word::Text(vec![b'x'; 70_000]),
            Word::Close(Some(1000), "bye".to_owned()),
        ]
    }

    #[test]
    fn words_are_the_same_in_whatever_pieces_they_come() {
        for (key, pieces) in [(None, 1), (Some([1, 2, 3, 4]), 1), (Some([0, 0, 9, 0]), 3)] {
            let bytes: Vec<u8> =
                words().iter().flat_map(|word| write_frames(word, pieces, key).concat()).collect();
            let (mut reader, mut heard) = (FrameReader::new(key.is_some()), Vec::new());
            for piece in bytes.chunks(7) {
                reader.take(piece);
                while let Some(word) = reader.next().expect("good frames") {
                    heard.push(word);
                }
            }
            assert_eq!(heard, words());
        }
    }

    #[test]
    fn what_breaks_the_protocol_is_an_error() {
        let after_close = [&b"\x88\x00"[..], b"\x81\x00"].concat();
        for bytes in [&b"\x80\x00"[..], b"\xc1\x00", b"\x81\x80\0\0\0\0", b"\x09\x00", &after_close]
        {
            let mut reader = FrameReader::new(false);
            reader.take(bytes);
            let read = |reader: &mut FrameReader| reader.next().and_then(|_| reader.next());
            assert!(read(&mut reader).is_err(), "{}", bytes.escape_ascii());
        }
    }
}
