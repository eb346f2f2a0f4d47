//! What stands before the payload of a frame (RFC 6455 section 5.2).

use super::{Kind, Role, Violation};

/// Bytes of the longest header.
pub const HEADER_MAX: usize = 14;

/// Bytes of the longest payload of a control frame.
pub const CONTROL_MAX: usize = 125;

/// The header of a frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Header {
    /// What the frame is.
    pub opcode: Opcode,
    /// Whether it is the last of its message.
    pub fin: bool,
    /// The reserved bits that are set.
    pub reserved: Reserved,
    /// The masking key.
    pub mask: Option<[u8; 4]>,
    /// Bytes of the payload.
    pub len: u64,
}

/// What a frame is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Opcode {
    /// Continues a message.
    Continuation,
    /// Begins a text.
    Text,
    /// Begins a binary message.
    Binary,
    /// Ends what its sender sends.
    Close,
    /// Asks for a pong.
    Ping,
    /// Answers a ping.
    Pong,
}

/// A set of the bits that are reserved for extensions.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Reserved(u8);

impl Header {
    /// The header of an unextended frame.
    pub const fn new(opcode: Opcode, fin: bool, mask: Option<[u8; 4]>, len: u64) -> Self {
        Self { opcode, fin, reserved: Reserved::NONE, mask, len }
    }

    /// Reads the header at the beginning of `input` and says how long it is; `None` while it is incomplete.
    /// What is wrong with its first two bytes is seen without the rest.
    ///
    /// # Errors
    /// The peer of us, who are `role`, may not send this, or not this if only the reserved bits in `allowed`
    /// are in use.
    pub fn read(
        input: &[u8],
        role: Role,
        allowed: Reserved,
    ) -> Result<Option<(Self, usize)>, Violation> {
        let Some((&[first, second], rest)) = input.split_first_chunk() else { return Ok(None) };
        let header = Self::begin(first, second, role, allowed)?;
        let Some((len, rest)) = length(header.len, rest)? else { return Ok(None) };
        let (mask, rest) = match header.mask {
            None => (None, rest),
            Some(_) => {
                let Some((key, rest)) = rest.split_first_chunk() else { return Ok(None) };
                (Some(*key), rest)
            }
        };
        Ok(Some((Self { mask, len, ..header }, input.len() - rest.len())))
    }

    /// Appends the header.
    pub fn write(&self, out: &mut Vec<u8>) {
        let masked = if self.mask.is_some() { MASKED } else { 0 };
        let fin = if self.fin { FIN } else { 0 };
        out.push(fin | self.reserved.0 | self.opcode.bits());
        match (u8::try_from(self.len), u16::try_from(self.len)) {
            (Ok(len), _) if len < LENGTH_16 => out.push(masked | len),
            (_, Ok(len)) => {
                out.push(masked | LENGTH_16);
                out.extend_from_slice(&len.to_be_bytes());
            }
            _ => {
                out.push(masked | LENGTH_64);
                out.extend_from_slice(&self.len.to_be_bytes());
            }
        }
        out.extend_from_slice(self.mask.as_ref().map(<[u8; 4]>::as_slice).unwrap_or_default());
    }

    /// What the first two bytes say: `len` is what stands where short lengths do, and of a masking key only
    /// that there will be one.
    fn begin(first: u8, second: u8, role: Role, allowed: Reserved) -> Result<Self, Violation> {
        let opcode = Opcode::from_bits(first & OPCODE)?;
        let header = Self {
            opcode,
            fin: first & FIN != 0,
            reserved: Reserved(first & RESERVED),
            mask: (second & MASKED != 0).then_some([0; 4]),
            len: (second & !MASKED).into(),
        };
        match (role, header.mask) {
            _ if header.reserved.0 & !allowed.0 != 0 => Err(Violation::Reserved),
            (Role::Server, None) => Err(Violation::Unmasked),
            (Role::Client, Some(_)) => Err(Violation::Masked),
            _ if opcode.is_control() && !header.fin => Err(Violation::ControlFragmented),
            _ if opcode.is_control() && header.len > CONTROL_MAX as u64 => {
                Err(Violation::ControlTooLong)
            }
            _ => Ok(header),
        }
    }
}

impl Opcode {
    /// Whether frames of this kind may stand between those of a message.
    pub const fn is_control(self) -> bool {
        matches!(self, Self::Close | Self::Ping | Self::Pong)
    }

    const fn bits(self) -> u8 {
        match self {
            Self::Continuation => 0,
            Self::Text => 1,
            Self::Binary => 2,
            Self::Close => 8,
            Self::Ping => 9,
            Self::Pong => 10,
        }
    }

    const fn from_bits(bits: u8) -> Result<Self, Violation> {
        match bits {
            0 => Ok(Self::Continuation),
            1 => Ok(Self::Text),
            2 => Ok(Self::Binary),
            8 => Ok(Self::Close),
            9 => Ok(Self::Ping),
            10 => Ok(Self::Pong),
            bits => Err(Violation::Opcode(bits)),
        }
    }
}

impl From<Kind> for Opcode {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Text => Self::Text,
            Kind::Binary => Self::Binary,
        }
    }
}

impl Reserved {
    /// No bit.
    pub const NONE: Self = Self(0);
    /// The first: marks a compressed message.
    pub const RSV1: Self = Self(0x40);
}

const FIN: u8 = 0x80;
const RESERVED: u8 = 0x70;
const OPCODE: u8 = 0x0f;
const MASKED: u8 = 0x80;

/// Stands in place of a length that follows in 16 bits.
const LENGTH_16: u8 = 126;

/// Stands in place of a length that follows in 64 bits.
const LENGTH_64: u8 = 127;

/// The length of the payload and what follows it, given what stands in the second byte.
fn length(short: u64, rest: &[u8]) -> Result<Option<(u64, &[u8])>, Violation> {
    let (len, rest, range) = match u8::try_from(short) {
        Ok(LENGTH_16) => match rest.split_first_chunk() {
            Some((len, rest)) => (u16::from_be_bytes(*len).into(), rest, 126..=0xffff),
            None => return Ok(None),
        },
        Ok(LENGTH_64) => match rest.split_first_chunk() {
            Some((len, rest)) => (u64::from_be_bytes(*len), rest, 0x1_0000..=u64::MAX >> 1),
            None => return Ok(None),
        },
        _ => return Ok(Some((short, rest))),
    };
    if range.contains(&len) { Ok(Some((len, rest))) } else { Err(Violation::Length) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Opcode::{Binary, Close, Continuation, Ping, Pong, Text};

    #[test]
    fn headers_are_read_as_they_were_written() {
        let lens = [0, 1, 125, 126, 127, 255, 256, 0xffff, 0x1_0000, u64::MAX >> 1];
        for opcode in [Continuation, Text, Binary, Close, Ping, Pong] {
            for (mask, role) in [(None, Role::Client), (Some([1, 2, 3, 4]), Role::Server)] {
                for len in lens.into_iter().filter(|len| !opcode.is_control() || *len <= 125) {
                    let header = Header::new(opcode, true, mask, len);
                    let mut out = Vec::new();
                    header.write(&mut out);
                    assert!(out.len() <= HEADER_MAX);
                    for cut in 0..out.len() {
                        assert_eq!(read(&out[..cut], role), Ok(None), "{header:?}");
                    }
                    let len = out.len();
                    out.push(b'x');
                    assert_eq!(read(&out, role), Ok(Some((header, len))));
                }
            }
        }
    }

    #[test]
    fn lengths_take_the_shortest_form() {
        let cases: [(&[u8], _); 5] = [
            (b"\x82\x7e\x00\x7d", Err(Violation::Length)),
            (b"\x82\x7f\0\0\0\0\0\0\xff\xff", Err(Violation::Length)),
            (b"\x82\x7f\x80\0\0\0\0\0\0\0", Err(Violation::Length)),
            (b"\x82\x7e\x00\x7e", Ok(126)),
            (b"\x82\x7f\0\0\0\0\0\x01\0\0", Ok(0x1_0000)),
        ];
        for (input, expected) in cases {
            let len = read(input, Role::Client).map(|read| read.expect("complete").0.len);
            assert_eq!(len, expected, "{input:x?}");
        }
    }

    #[test]
    fn ws_26_ws_27_two_bytes_are_enough_to_refuse() {
        let cases = [
            ([0x83, 0x80], Violation::Opcode(3)),
            ([0x87, 0x80], Violation::Opcode(7)),
            ([0x8b, 0x80], Violation::Opcode(11)),
            ([0x8f, 0x80], Violation::Opcode(15)),
            ([0xc1, 0x80], Violation::Reserved),
            ([0xa1, 0x80], Violation::Reserved),
            ([0x91, 0x80], Violation::Reserved),
            ([0x81, 0x00], Violation::Unmasked),
            ([0x09, 0x80], Violation::ControlFragmented),
            ([0x89, 0xfe], Violation::ControlTooLong),
            ([0x88, 0xff], Violation::ControlTooLong),
        ];
        for (input, expected) in cases {
            assert_eq!(read(&input, Role::Server), Err(expected), "{input:x?}");
            assert_eq!(expected.code().get(), 1002);
        }
        assert_eq!(read(&[0x81, 0x80], Role::Client), Err(Violation::Masked));
    }

    #[test]
    fn reserved_bits_pass_if_they_are_in_use() {
        let allowing = |bits| Header::read(&[0xc1, 0x00], Role::Client, bits);
        let (header, _) = allowing(Reserved::RSV1).expect("allowed").expect("complete");
        assert_eq!(header.reserved, Reserved::RSV1);
        let mut out = Vec::new();
        header.write(&mut out);
        assert_eq!(out, [0xc1, 0x00]);
        assert_eq!(allowing(Reserved::NONE), Err(Violation::Reserved));
    }

    fn read(input: &[u8], role: Role) -> Result<Option<(Header, usize)>, Violation> {
        Header::read(input, role, Reserved::NONE)
    }
}
