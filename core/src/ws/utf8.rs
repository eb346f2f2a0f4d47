//! UTF-8, checked as it arrives (RFC 6455 section 8.1).

/// A check that remembers a character that is not complete yet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Utf8 {
    partial: [u8; 4],
    len: u8,
}

/// Something is not UTF-8.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Invalid;

impl Utf8 {
    /// Before the first byte.
    pub(super) const fn new() -> Self {
        Self { partial: [0; 4], len: 0 }
    }

    /// Takes the next bytes. A byte that nothing can follow to make a character is seen at once.
    pub(super) fn push(&mut self, mut data: &[u8]) -> Result<(), Invalid> {
        while let (true, Some((byte, rest))) = (self.len > 0, data.split_first()) {
            self.complete(*byte)?;
            data = rest;
        }
        match core::str::from_utf8(data) {
            Ok(_) => Ok(()),
            Err(error) if error.error_len().is_some() => Err(Invalid),
            Err(error) => {
                data.iter().skip(error.valid_up_to()).try_for_each(|byte| self.keep(*byte))
            }
        }
    }

    /// Whether the text may end here: no character is incomplete.
    pub(super) const fn is_complete(&self) -> bool {
        self.len == 0
    }

    /// Takes the next byte of the incomplete character.
    fn complete(&mut self, byte: u8) -> Result<(), Invalid> {
        self.keep(byte)?;
        let character = self.partial.get(..usize::from(self.len)).unwrap_or_default();
        match core::str::from_utf8(character) {
            Ok(_) => self.len = 0,
            Err(error) if error.error_len().is_some() => return Err(Invalid),
            Err(_) => {}
        }
        Ok(())
    }

    fn keep(&mut self, byte: u8) -> Result<(), Invalid> {
        *self.partial.get_mut(usize::from(self.len)).ok_or(Invalid)? = byte;
        self.len += 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ws_27_text_is_checked_across_pieces() {
        let text =
            "a\u{80}é\u{7ff}\u{800}€\u{d7ff}\u{e000}\u{ffff}\u{10000}😀\u{10ffff}z".as_bytes();
        for first in 0..text.len() {
            for second in first..text.len() {
                let mut utf8 = Utf8::new();
                for piece in [&text[..first], &text[first..second], &text[second..]] {
                    assert_eq!(utf8.push(piece), Ok(()), "{first} {second}");
                }
                assert!(utf8.is_complete());
            }
        }
    }

    #[test]
    fn ws_27_bad_text_is_seen_at_the_first_byte_that_cannot_be_right() {
        let cases: [(&[u8], usize); 9] = [
            (b"a\x80", 1),
            (b"\xc0\x80", 0),
            (b"\xc3(", 1),
            (b"\xe0\x80\x80", 1),
            (b"\xed\xa0\x80", 1),
            (b"\xe2\x82(", 2),
            (b"\xf0\x80\x80\x80", 1),
            (b"\xf4\x90\x80\x80", 1),
            (b"ab\xff", 2),
        ];
        for (text, at) in cases {
            let mut utf8 = Utf8::new();
            let bad = text.chunks(1).position(|byte| utf8.push(byte).is_err());
            assert_eq!(bad, Some(at), "{text:x?}");
            assert_eq!(Utf8::new().push(text), Err(Invalid), "{text:x?}");
        }
    }

    #[test]
    fn ws_27_a_text_does_not_end_within_a_character() {
        for cut in 1..4 {
            let mut utf8 = Utf8::new();
            assert_eq!(utf8.push(&"😀".as_bytes()[..cut]), Ok(()));
            assert!(!utf8.is_complete());
        }
    }
}
