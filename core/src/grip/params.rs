//! The grammar of GRIP header values: `first; name=value; name="quoted value"`, one or a list
//! (PARM-1 to PARM-6).

use std::borrow::Cow;

use super::HeaderError;
use crate::ground::Span;
use crate::message::decimal;

/// A header value as text.
pub(super) fn utf8(value: &[u8]) -> Result<&str, HeaderError> {
    core::str::from_utf8(value).map_err(|_| HeaderError::NotUtf8)
}

/// A header value as text; what is no UTF-8 is Latin-1, in which Node and WSGI servers write their headers (CHAN-2).
pub(super) fn utf8_or_latin1(value: &[u8]) -> Cow<'_, str> {
    match core::str::from_utf8(value) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => value.iter().copied().map(char::from).collect(),
    }
}

/// The pieces of `text` between the separators that are not in quotes: trimmed, the empty ones left out.
/// Fails once, at a quote that does not close.
pub(super) fn split(text: &str, separator: u8) -> impl Iterator<Item = Result<&str, HeaderError>> {
    let mut rest = Some(text);
    let pieces = core::iter::from_fn(move || {
        let Some(end) = unquoted(rest?, separator) else {
            rest = None;
            return Some(Err(HeaderError::OpenQuote));
        };
        let (piece, after) = rest?.split_at(end);
        rest = after.get(1..);
        Some(Ok(piece.trim_ascii()))
    });
    pieces.filter(|piece| piece.is_err() || piece.is_ok_and(|piece| !piece.is_empty()))
}

/// The part of an element before its first `;`, trimmed and otherwise literal (PARM-2), and the rest.
pub(super) fn first(element: &[u8]) -> (&[u8], &[u8]) {
    let end = element.iter().position(|&byte| byte == b';').unwrap_or(element.len());
    let (first, rest) = element.split_at(end);
    (first.trim_ascii(), rest.get(1..).unwrap_or_default())
}

/// A parameter of an element, or a pair of `Grip-Set-Meta`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Param<'a> {
    name: &'a str,
    pub(super) value: Cow<'a, str>,
}

impl<'a> Param<'a> {
    /// Reads `name`, `name=value` or `name="value"`; in quotes `\x` is `x`.
    pub(super) fn parse(text: &'a str) -> Result<Self, HeaderError> {
        let (name, value) = text.split_once('=').unwrap_or((text, ""));
        let (name, value) = (name.trim_ascii(), value.trim_ascii());
        let value = match value.strip_prefix('"') {
            Some(quoted) => Cow::Owned(unquote(quoted)?),
            None => Cow::Borrowed(value),
        };
        Ok(Self { name, value })
    }

    /// Whether the parameter is called `name`, in any case (PARM-3).
    pub(super) fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }

    pub(super) fn into_pair(self) -> (String, String) {
        (self.name.to_owned(), self.value.into_owned())
    }
}

/// The parameters of an element, in order.
pub(super) struct Params<'a>(Vec<Param<'a>>);

impl<'a> Params<'a> {
    pub(super) fn parse(text: &'a str) -> Result<Self, HeaderError> {
        split(text, b';').map(|piece| Param::parse(piece?)).collect::<Result<_, _>>().map(Self)
    }

    /// The value of the first parameter called `name`.
    pub(super) fn value(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    /// The values of all parameters called `name`.
    pub(super) fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0.iter().filter(move |param| param.is(name)).map(|param| &*param.value)
    }

    /// The parameter `timeout`.
    pub(super) fn timeout(&self) -> Result<Option<Span>, HeaderError> {
        self.value("timeout").map(|text| seconds(text.as_bytes())).transpose()
    }
}

/// A number of seconds (PARM-6).
pub(super) fn seconds(text: &[u8]) -> Result<Span, HeaderError> {
    decimal(text).map(Span::from_secs).ok_or(HeaderError::NotDecimal)
}

/// Where the first `separator` outside quotes stands, else the end; `None` if a quote does not close.
pub(super) fn unquoted(text: &str, separator: u8) -> Option<usize> {
    let mut bytes = text.bytes().enumerate();
    let mut quoted = false;
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'\\' if quoted => {
                bytes.next()?;
            }
            b'"' => quoted = !quoted,
            _ if byte == separator && !quoted => return Some(at),
            _ => {}
        }
    }
    (!quoted).then_some(text.len())
}

/// What stands in quotes; `text` begins after the opening one.
pub(super) fn unquote(text: &str) -> Result<String, HeaderError> {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    loop {
        match chars.next().ok_or(HeaderError::OpenQuote)? {
            '\\' => out.push(chars.next().ok_or(HeaderError::OpenQuote)?),
            '"' if chars.as_str().is_empty() => return Ok(out),
            '"' => return Err(HeaderError::AfterQuote),
            char => out.push(char),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(text: &str) -> Result<Vec<&str>, HeaderError> {
        split(text, b',').collect()
    }

    #[test]
    fn parm_1_commas_split_outside_quotes() {
        let cases: [(&str, &[&str]); 8] = [
            ("", &[]),
            (" , ,", &[]),
            ("a", &["a"]),
            ("a, b ,c", &["a", "b", "c"]),
            ("\"a,b\",c", &["\"a,b\"", "c"]),
            ("a; x=\"1,2\", b", &["a; x=\"1,2\"", "b"]),
            (r#"a; x="1\",2", b"#, &[r#"a; x="1\",2""#, "b"]),
            ("é,\\,x", &["é", "\\", "x"]),
        ];
        for (text, expected) in cases {
            assert_eq!(pieces(text).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn parm_4_an_open_quote_is_an_error() {
        for text in ["\"", "a, \"b", "a; x=\"1", r#"a; x="1\""#, r#"""#] {
            assert_eq!(pieces(text), Err(HeaderError::OpenQuote), "{text}");
        }
    }

    #[test]
    fn parm_2_first_is_literal() {
        let cases: [(&str, &str, &str); 4] = [
            ("a", "a", ""),
            (" a b ; x=1; y", "a b", " x=1; y"),
            ("\"a;b\"", "\"a", "b\""),
            (";x", "", "x"),
        ];
        for (text, expected, rest) in cases {
            assert_eq!(first(text.as_bytes()), (expected.as_bytes(), rest.as_bytes()), "{text}");
        }
    }

    #[test]
    fn parm_2_params() {
        let params = Params::parse(r#" Mode=Idle ; filter = "a;\"b\\" ;; flag; Filter=c=d"#)
            .expect("every parameter is well-formed");
        assert_eq!(params.value("mode"), Some("Idle"));
        assert_eq!(params.value("flag"), Some(""));
        assert_eq!(params.value("none"), None);
        assert_eq!(params.all("filter").collect::<Vec<_>>(), ["a;\"b\\", "c=d"]);
        for (text, why) in [
            ("a=\"b\"c", HeaderError::AfterQuote),
            ("a=\"b", HeaderError::OpenQuote),
            ("a=\"b\\", HeaderError::OpenQuote),
        ] {
            assert_eq!(Params::parse(text).err(), Some(why), "{text}");
        }
    }
}
