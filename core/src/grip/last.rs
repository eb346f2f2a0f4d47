//! `Grip-Last`: where a session is on a channel, as the backend is told (NEXT-4, REC-1).
//!
//! `NAME; last-id=POSITION`, bare wherever that is unambiguous. A name or position that would break the
//! list goes in double quotes, where `\x` is `x`.

use std::borrow::Cow;

use super::HeaderError;
use super::params::{Params, split, unquote, unquoted, utf8};
use crate::message::is_field_text;

/// A channel and the position on it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Last<'a> {
    /// The channel, without the route's prefix.
    pub channel: Cow<'a, str>,
    /// The id of the last item there.
    pub id: Cow<'a, str>,
}

impl<'a> Last<'a> {
    /// The position `id` on `channel`.
    pub fn new(channel: &'a str, id: &'a str) -> Self {
        Self { channel: channel.into(), id: id.into() }
    }

    /// As a header's value. `None` if the name or the position has a control character: no header can carry
    /// that, and the backend is told nothing of this channel.
    pub fn write(&self) -> Option<String> {
        let value = format!("{}; last-id={}", printed(&self.channel), printed(&self.id));
        is_field_text(value.as_bytes()).then_some(value)
    }

    /// Reads a value, which is a list: several lines may have been joined.
    pub fn parse(value: &'a [u8]) -> Result<Vec<Self>, HeaderError> {
        split(utf8(value)?, b',').map(|element| Self::read(element?)).collect()
    }

    fn read(element: &'a str) -> Result<Self, HeaderError> {
        let end = unquoted(element, b';').ok_or(HeaderError::OpenQuote)?;
        let (name, rest) = element.split_at(end);
        let name = name.trim_ascii();
        let channel = match name.strip_prefix('"') {
            Some(quoted) => Cow::Owned(unquote(quoted)?),
            None => Cow::Borrowed(name),
        };
        let params = Params::parse(rest)?;
        let id = params.value("last-id").unwrap_or_default().to_owned();
        Ok(Self { channel, id: id.into() })
    }
}

/// Text that reads back as it is: bare, or quoted where it must be.
fn printed(text: &str) -> Cow<'_, str> {
    if !text.contains([',', ';', '"']) && text.trim_ascii() == text {
        return text.into();
    }
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn next_4_plain_names_are_bare() {
        let cases = [
            ("feed", "3", "feed; last-id=3"),
            ("a b", "x=1", "a b; last-id=x=1"),
            ("é\\%41", "", "é\\%41; last-id="),
            ("", "1", "; last-id=1"),
        ];
        for (channel, id, expected) in cases {
            assert_eq!(Last::new(channel, id).write().as_deref(), Some(expected));
        }
    }

    #[test]
    fn w_34_names_that_would_break_the_list_are_quoted() {
        let cases = [
            ("a;b", "1,2", r#""a;b"; last-id="1,2""#),
            ("a,b", "\"", r#""a,b"; last-id="\"""#),
            ("\"a\\b\"", "1", r#""\"a\\b\""; last-id=1"#),
            (" a", "1 ", r#"" a"; last-id="1 ""#),
        ];
        for (channel, id, expected) in cases {
            let last = Last::new(channel, id);
            assert_eq!(last.write().as_deref(), Some(expected));
            assert_eq!(Last::parse(expected.as_bytes()), Ok(vec![last]));
        }
    }

    #[test]
    fn ins_9_what_no_header_can_carry_is_not_said() {
        for (channel, id) in [("a\r\nX: 1", "1"), ("a", "1\n"), ("a\0", ""), ("a", "\x7f")] {
            assert_eq!(Last::new(channel, id).write(), None);
        }
    }

    #[test]
    fn parm_4_refused() {
        for (value, why) in [
            (&b"\"a; last-id=1"[..], HeaderError::OpenQuote),
            (b"\"a\"b; last-id=1", HeaderError::AfterQuote),
            (b"a; last-id=\"1", HeaderError::OpenQuote),
            (b"\xff", HeaderError::NotUtf8),
        ] {
            assert_eq!(Last::parse(value), Err(why), "{}", value.escape_ascii());
        }
    }
}
