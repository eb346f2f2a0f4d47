//! The first part of an HTTP/1 message: its start line and its header fields, as they were sent.

use std::fmt;

use crate::case::{Outcome, ensure, wrong};

/// A message head. Text is read byte for character, so nothing is lost or repaired.
#[derive(Clone, Debug)]
pub(crate) struct Head {
    /// The request line or status line.
    pub(crate) start: String,
    /// Names and values in the order they came.
    pub(crate) fields: Vec<(String, String)>,
}

impl Head {
    /// Reads a head that ends with an empty line.
    pub(crate) fn parse(raw: &[u8]) -> Outcome<Self> {
        let text: String = raw.iter().map(|&byte| char::from(byte)).collect();
        let mut lines = text.split("\r\n");
        let start = lines.next().unwrap_or_default().to_owned();
        let mut fields = Vec::new();
        for line in lines.filter(|line| !line.is_empty()) {
            match line.split_once(':') {
                Some((name, value)) => fields.push((name.to_owned(), value.trim().to_owned())),
                None => return wrong(format_args!("a header line without a colon: {line:?}")),
            }
        }
        Ok(Self { start, fields })
    }

    /// The word at this place of the start line, or nothing.
    pub(crate) fn word(&self, place: usize) -> &str {
        self.start.splitn(3, ' ').nth(place).unwrap_or_default()
    }

    /// All values of a field, in order.
    pub(crate) fn all(&self, name: &str) -> Vec<&str> {
        let same = |(field, _): &&(String, String)| field.eq_ignore_ascii_case(name);
        self.fields.iter().filter(same).map(|(_, value)| &**value).collect()
    }

    /// The first value of a field.
    pub(crate) fn first(&self, name: &str) -> Option<&str> {
        self.all(name).first().copied()
    }

    /// Whether a list field names this token, in any case.
    pub(crate) fn lists(&self, name: &str, token: &str) -> bool {
        self.all(name)
            .iter()
            .flat_map(|value| value.split(','))
            .any(|found| found.trim().eq_ignore_ascii_case(token))
    }

    /// Requires exactly one field of this name, with this value.
    pub(crate) fn has(&self, name: &str, value: &str) -> Outcome<&Self> {
        let found = self.all(name);
        ensure(found == [value], format_args!("{name} should be {value:?}, is {found:?}"))?;
        Ok(self)
    }

    /// Requires that there is no field of this name.
    pub(crate) fn lacks(&self, name: &str) -> Outcome<&Self> {
        let found = self.all(name);
        ensure(found.is_empty(), format_args!("{name} should be absent, is {found:?}"))?;
        Ok(self)
    }

    /// Requires that no field name starts with this, in any case.
    pub(crate) fn lacks_any(&self, prefix: &str) -> Outcome<&Self> {
        let begins = |name: &str| {
            name.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
        };
        match self.fields.iter().find(|(name, _)| begins(name)) {
            Some((name, value)) => wrong(format_args!("{name}: {value} should be absent")),
            None => Ok(self),
        }
    }
}

impl fmt::Display for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.start)
    }
}

#[cfg(test)]
mod tests {
    use super::Head;

    #[test]
    fn fields_keep_order_spelling_and_odd_bytes() {
        let head =
            Head::parse(b"GET / HTTP/1.1\r\nX-A: 1\r\nx-b:\xe9\r\nx-a: 2\r\n\r\n").expect("head");
        assert_eq!(head.all("X-A"), ["1", "2"]);
        assert_eq!(head.first("X-B"), Some("\u{e9}"));
        assert_eq!(head.word(1), "/");
        assert!(head.has("X-A", "1").is_err(), "two fields are not one");
        assert!(head.lacks_any("X-").is_err());
    }
}
