//! WebSocket frames, as much of them as a load generator and its backend need: whole messages in one frame.

/// What a frame begins with: the last one of a message, which is text.
const TEXT: u8 = 0x81;
const LENGTH: u8 = 0x7f;
const MASKED: u8 = 0x80;
/// Any key will do, there is nobody to hide from.
const MASK: [u8; 4] = [7, 77, 177, 222];

/// A frame in the bytes that were received.
pub struct Frame {
    first: u8,
    masked: bool,
    head: usize,
    length: usize,
}

impl Frame {
    /// The frame that `data` begins with, if all of it is there.
    pub fn first(data: &[u8]) -> Option<Self> {
        let (&first, &second) = (data.first()?, data.get(1)?);
        let (size, length) = match second & LENGTH {
            126 => (4, usize::from(u16::from_be_bytes(data.get(2..4)?.try_into().ok()?))),
            127 => {
                (10, usize::try_from(u64::from_be_bytes(data.get(2..10)?.try_into().ok()?)).ok()?)
            }
            short => (2, usize::from(short)),
        };
        let masked = second & MASKED != 0;
        let frame = Self { first, masked, head: size + 4 * usize::from(masked), length };
        (data.len() >= frame.size()).then_some(frame)
    }

    /// How many bytes it takes.
    pub fn size(&self) -> usize {
        self.head + self.length
    }

    /// Appends the frame that says the same without a mask. `data` is what it was found in.
    pub fn echo(&self, data: &[u8], out: &mut Vec<u8>) {
        let payload = &data[self.head..self.size()];
        header(self.first, 0, self.length, out);
        if self.masked {
            let mask = &data[self.head - 4..self.head];
            out.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
        } else {
            out.extend_from_slice(payload);
        }
    }
}

/// A text message of a client.
pub fn text(payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(payload.len() + 14);
    header(TEXT, MASKED, payload.len(), &mut out);
    out.extend(MASK);
    out.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    out
}

fn header(first: u8, masked: u8, length: usize, out: &mut Vec<u8>) {
    out.push(first);
    match (u8::try_from(length), u16::try_from(length)) {
        (Ok(short @ ..=125), _) => out.push(masked | short),
        (_, Ok(long)) => {
            out.push(masked | 126);
            out.extend(long.to_be_bytes());
        }
        _ => {
            out.push(masked | 127);
            out.extend((length as u64).to_be_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_masked_message_comes_back_bare() {
        for length in [0, 1, 125, 126, 65_535, 65_536] {
            let said = vec![b'x'; length];
            let frame = text(&said);
            assert!(Frame::first(&frame[..frame.len() - 1]).is_none());
            let mut echo = Vec::new();
            Frame::first(&frame).expect("a whole frame").echo(&frame, &mut echo);
            let bare = Frame::first(&echo).expect("a whole frame");
            assert!(!bare.masked);
            assert_eq!(
                (bare.first, &echo[bare.head..], bare.size()),
                (TEXT, &said[..], echo.len())
            );
        }
    }
}
