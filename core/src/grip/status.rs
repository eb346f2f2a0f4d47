//! `Grip-Status`: the status that the client sees in place of the response's own (HOLD-2).

use bytes::Bytes;
use http::StatusCode;

use super::HeaderError;
use crate::message::{ResponseHead, decimal, final_status, is_field_text};

/// A status code, and a reason if one was given.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Status {
    pub(super) code: StatusCode,
    pub(super) reason: Option<Bytes>,
}

impl Status {
    /// Reads `code` or `code reason`; an empty value says nothing.
    pub(super) fn from_header(value: &Bytes) -> Result<Option<Self>, HeaderError> {
        let text = value.trim_ascii();
        if text.is_empty() {
            return Ok(None);
        }
        let end = text.iter().position(u8::is_ascii_whitespace).unwrap_or(text.len());
        let (code, reason) = text.split_at(end);
        let code = decimal(code).and_then(final_status).ok_or(HeaderError::NotAStatus)?;
        let reason = reason.trim_ascii();
        if !is_field_text(reason) {
            return Err(HeaderError::NotFieldText);
        }
        let reason = (!reason.is_empty()).then(|| value.slice_ref(reason));
        Ok(Some(Self { code, reason }))
    }

    /// A head with this status and no fields.
    pub(super) fn into_head(self) -> ResponseHead {
        let head = ResponseHead::new(self.code);
        match self.reason {
            Some(reason) => ResponseHead { reason, ..head },
            None => head,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hold_2() {
        let cases = [
            ("404", "404 Not Found"),
            ("404 No Way", "404 No Way"),
            ("  201 \t Yo ", "201 Yo"),
            ("299", "299 Undefined Reason"),
            ("+304", "304 Not Modified"),
        ];
        for (value, expected) in cases {
            let status = Status::from_header(&Bytes::from(value)).ok().flatten();
            let head = status.map(Status::into_head).expect("every case is a status");
            let line = format!("{} {}", head.status.as_str(), head.reason.escape_ascii());
            assert_eq!(line, expected, "{value:?}");
        }
        assert_eq!(Status::from_header(&Bytes::from(" ")), Ok(None));
    }

    #[test]
    fn hold_2_refused() {
        for value in ["0", "99", "101", "199", "600", "1000", "-1", "abc", "200.5", "200x OK"] {
            let read = Status::from_header(&Bytes::from(value));
            assert_eq!(read, Err(HeaderError::NotAStatus), "{value}");
        }
        for value in ["200 a\rb", "200 a\nb", "200 a\0b"] {
            let read = Status::from_header(&Bytes::from(value));
            assert_eq!(read, Err(HeaderError::NotFieldText), "{value:?}");
        }
    }
}
