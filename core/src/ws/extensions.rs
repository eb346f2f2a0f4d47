//! `Sec-WebSocket-Extensions` (RFC 6455 section 9.1), and the one extension that is ours: `grip`.

use std::borrow::Cow;

use bytes::Bytes;

use super::upgrade::EXTENSIONS;
use crate::message::{Fields, is_field_text, is_token};

/// What the messages for the client begin with, on a connection that speaks GRIP (NAT-6).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Prefix(Bytes);

impl Prefix {
    /// The prefix of who names none.
    pub const DEFAULT: Self = Self(Bytes::from_static(b"m:"));

    /// The bytes; may be none.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Whether the backend that answers with these fields speaks GRIP (NAT-3), and its prefix (NAT-4). An element
/// that breaks the grammar counts as absent; a `message-prefix` without a value is the empty prefix.
pub fn grip_prefix(fields: &Fields) -> Option<Prefix> {
    let prefix = grip(fields)?.1.value("message-prefix");
    Some(prefix.map_or(Prefix::DEFAULT, |value| Prefix(Bytes::copy_from_slice(&value))))
}

/// The backend's `grip` element as it stands, for a trusted client that does the work itself (NAT-10).
pub fn grip_element(fields: &Fields) -> Option<Bytes> {
    grip(fields).map(|(element, _)| Bytes::copy_from_slice(element))
}

/// Whether the backend begins to name a prefix and then does not: perhaps it does not mean the empty one (NAT-4).
pub fn lacks_prefix(fields: &Fields) -> bool {
    let params = grip(fields).into_iter().flat_map(|(element, _)| split(element, b';'));
    params.map(|param| before(b'=', param)).any(|(name, rest)| {
        name.eq_ignore_ascii_case(b"message-prefix") && rest.trim_ascii() == b"="
    })
}

/// Whether every element can be read (WS-2).
pub(super) fn are_valid(fields: &Fields) -> bool {
    elements(fields).all(|element| Extension::parse(element).is_some())
}

/// The first `grip` element, as text and read.
fn grip(fields: &Fields) -> Option<(&[u8], Extension<'_>)> {
    elements(fields)
        .filter_map(|element| Some((element, Extension::parse(element)?)))
        .find(|(_, extension)| extension.name.eq_ignore_ascii_case(b"grip"))
}

fn elements(fields: &Fields) -> impl Iterator<Item = &[u8]> {
    fields.all(EXTENSIONS).flat_map(|value| split(value, b','))
}

/// One element: `name; parameter; parameter=token; parameter="quoted"`.
struct Extension<'a> {
    name: &'a [u8],
    params: Vec<Param<'a>>,
}

struct Param<'a> {
    name: &'a [u8],
    value: Cow<'a, [u8]>,
}

impl<'a> Extension<'a> {
    fn parse(element: &'a [u8]) -> Option<Self> {
        let (name, rest) = before(b';', element);
        let params = split(rest, b';').map(Param::parse).collect::<Option<_>>()?;
        is_token(name).then_some(Self { name, params })
    }

    /// The value of the first parameter called `name`.
    fn value(self, name: &str) -> Option<Cow<'a, [u8]>> {
        let mut params = self.params.into_iter();
        params.find(|it| it.name.eq_ignore_ascii_case(name.as_bytes())).map(|it| it.value)
    }
}

impl<'a> Param<'a> {
    fn parse(text: &'a [u8]) -> Option<Self> {
        let (name, rest) = before(b'=', text);
        let value = value(rest.get(1..).unwrap_or_default().trim_ascii())?;
        is_token(name).then_some(Self { name, value })
    }
}

/// What of `text` stands before the first `mark`, trimmed, and the rest.
fn before(mark: u8, text: &[u8]) -> (&[u8], &[u8]) {
    let end = text.iter().position(|&byte| byte == mark).unwrap_or(text.len());
    let (first, rest) = text.split_at(end);
    (first.trim_ascii(), rest)
}

/// A value: a token or nothing, or what stands in quotes, where `\x` is `x`.
fn value(text: &[u8]) -> Option<Cow<'_, [u8]>> {
    let Some(quoted) = text.strip_prefix(b"\"") else {
        return (text.is_empty() || is_token(text)).then_some(Cow::Borrowed(text));
    };
    let mut out = Vec::with_capacity(quoted.len());
    let mut bytes = quoted.iter();
    loop {
        match *bytes.next()? {
            b'\\' => out.push(*bytes.next()?),
            b'"' if bytes.as_slice().is_empty() => break,
            b'"' => return None,
            byte => out.push(byte),
        }
    }
    is_field_text(&out).then_some(Cow::Owned(out))
}

/// The pieces of `text` between the separators outside of quotes, trimmed, the empty ones left out. A quote that does not close reaches
/// to the end, where its piece is found bad.
fn split(text: &[u8], separator: u8) -> impl Iterator<Item = &[u8]> {
    let (mut quoted, mut escaped) = (false, false);
    let pieces = text.split(move |&byte| {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            _ => {}
        }
        byte == separator && !quoted
    });
    pieces.map(<[u8]>::trim_ascii).filter(|piece| !piece.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nat_3_an_element_called_grip() {
        let grip: [&[&str]; 7] = [
            &["grip"],
            &["GRIP"],
            &["permessage-deflate", "x; y=1 , grip"],
            &["x; y=\"a,b\", grip; z"],
            &["x y", "grip"],
            &["x y, grip;"],
            &["x; y=\"1\", grip"],
        ];
        for values in grip {
            assert_eq!(grip_prefix(&fields(values)), Some(Prefix::DEFAULT), "{values:?}");
        }
        let none: [&[&str]; 7] = [
            &[],
            &[""],
            &["gripe"],
            &["x; grip"],
            &["x; y=\"a, grip\""],
            &["x; y=\"a, grip"],
            &["grip a, \"grip\""],
        ];
        for values in none {
            assert_eq!(grip_prefix(&fields(values)), None, "{values:?}");
        }
    }

    #[test]
    fn nat_4_message_prefix() {
        let cases = [
            ("grip", Some("m:")),
            ("grip; other=x", Some("m:")),
            ("grip; message-prefix=d", Some("d")),
            ("grip;Message-Prefix = d", Some("d")),
            ("grip; message-prefix=\"d:\"", Some("d:")),
            ("grip; message-prefix=\"a,b;c\"", Some("a,b;c")),
            (r#"grip; message-prefix="a\"b\\c\d""#, Some("a\"b\\cd")),
            ("grip; message-prefix=\"\"", Some("")),
            ("grip; message-prefix=", Some("")),
            ("grip; message-prefix", Some("")),
            ("grip; message-prefix=a; message-prefix=b", Some("a")),
            ("grip; message-prefix=a, grip; message-prefix=b", Some("a")),
            ("grip; message-prefix=a b", None),
            ("grip; message-prefix=\"a", None),
            ("grip; message-prefix=\"a\\", None),
            ("grip; message-prefix=\"a\"b", None),
            ("grip; message-prefix=\"a\0b\"", None),
            ("grip; =a", None),
        ];
        for (value, expected) in cases {
            let prefix = grip_prefix(&fields(&[value]));
            let bytes = prefix.as_ref().map(Prefix::as_bytes);
            assert_eq!(bytes, expected.map(str::as_bytes), "{value}");
            assert_eq!(lacks_prefix(&fields(&[value])), value.ends_with("prefix="), "{value}");
        }
    }

    #[test]
    fn nat_10_the_element_is_there_as_it_stands() {
        let answer = fields(&["x", "y , Grip ; message-prefix=\"a,b\" , z"]);
        let element = grip_element(&answer).expect("there is one");
        assert_eq!(element, "Grip ; message-prefix=\"a,b\"");
        assert_eq!(grip_prefix(&fields(&["x"])), None);
    }

    #[test]
    fn ws_2_offers_that_can_be_read() {
        for good in ["", ",", "a", "a, b", "a; b; c=d; e=\"f, g\"", "permessage-deflate; x=15"] {
            assert!(are_valid(&fields(&[good])), "{good}");
        }
        for bad in ["a b", "a; b c", "\"a\"", ";a", "a; =b", "a; b=\"c", "a, ;", "a=b", "é"] {
            assert!(!are_valid(&fields(&["x", bad])), "{bad}");
        }
    }

    fn fields(values: &[&'static str]) -> Fields {
        values.iter().map(|value| ("sec-websocket-extensions", *value)).collect()
    }
}
