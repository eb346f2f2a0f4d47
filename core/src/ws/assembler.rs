//! Whole messages, for those who need them whole.

use std::borrow::Cow;

use super::{Kind, Piece, Violation};

/// Joins the pieces of messages. Between messages, and while messages come in one piece, it holds nothing.
#[derive(Debug, Default)]
pub struct Assembler {
    held: Vec<u8>,
}

/// A whole message.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Message<'a> {
    /// What it is.
    pub kind: Kind,
    /// Its bytes.
    pub payload: Cow<'a, [u8]>,
}

impl Assembler {
    /// One that holds nothing.
    pub const fn new() -> Self {
        Self { held: Vec::new() }
    }

    /// Takes the next piece; gives the message that ends with it. A message has at most `limit` bytes.
    ///
    /// # Errors
    /// [`Violation::TooLarge`]: the message has more. What was held of it is dropped.
    pub fn push<'a>(
        &mut self,
        piece: Piece<'a>,
        limit: usize,
    ) -> Result<Option<Message<'a>>, Violation> {
        if piece.payload.len() > limit.saturating_sub(self.held.len()) {
            self.held = Vec::new();
            return Err(Violation::TooLarge);
        }
        let payload = match (piece.last, self.held.is_empty()) {
            (true, true) => Cow::Borrowed(piece.payload),
            (last, _) => {
                self.held.extend_from_slice(piece.payload);
                if !last {
                    return Ok(None);
                }
                Cow::Owned(core::mem::take(&mut self.held))
            }
        };
        Ok(Some(Message { kind: piece.kind, payload }))
    }

    /// How many bytes of an incomplete message are held.
    pub fn held(&self) -> usize {
        self.held.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_become_messages() {
        let mut assembler = Assembler::new();
        assert_eq!(push(&mut assembler, "whole", true), Ok(Some("whole".to_owned())));
        assert_eq!(push(&mut assembler, "a", false), Ok(None));
        assert_eq!(push(&mut assembler, "bc", false), Ok(None));
        assert_eq!(assembler.held(), 3);
        assert_eq!(push(&mut assembler, "", true), Ok(Some("abc".to_owned())));
        assert_eq!((assembler.held(), assembler.held.capacity()), (0, 0), "nothing while idle");
    }

    #[test]
    fn ws_22_an_empty_message_is_one() {
        assert_eq!(push(&mut Assembler::new(), "", true), Ok(Some(String::new())));
    }

    #[test]
    fn num_4_a_message_has_a_limit() {
        let mut assembler = Assembler::new();
        assert_eq!(push(&mut assembler, "12345", true), Ok(Some("12345".to_owned())));
        assert_eq!(push(&mut assembler, "123456", true), Err(Violation::TooLarge));
        assert_eq!(push(&mut assembler, "123", false), Ok(None));
        assert_eq!(push(&mut assembler, "45", false), Ok(None));
        assert_eq!(push(&mut assembler, "6", false), Err(Violation::TooLarge));
        assert_eq!((assembler.held(), assembler.held.capacity()), (0, 0));
        assert_eq!(Violation::TooLarge.code().get(), 1009);
    }

    fn push(
        assembler: &mut Assembler,
        text: &str,
        last: bool,
    ) -> Result<Option<String>, Violation> {
        let first = assembler.held() == 0;
        let piece = Piece { kind: Kind::Text, first, last, payload: text.as_bytes() };
        let message = assembler.push(piece, 5)?;
        Ok(message.map(|message| String::from_utf8_lossy(&message.payload).into_owned()))
    }
}
