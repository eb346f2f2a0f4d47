//! What a head says to the wire rather than to its reader: how long the body is and whether the connection
//! goes on (RFC 9112 sections 6 and 9.3, FWD-56, FWD-76, LIM-30).

use super::{RequestError, ResponseError};
use crate::message::{Fields, Version};

/// How the end of a body is marked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Framing {
    /// Not at all.
    Unsaid,
    /// `Content-Length`.
    Length(u64),
    /// `Transfer-Encoding: chunked`.
    Chunked,
}

/// What the fields noted so far say.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Said {
    length: Length,
    coding: Coding,
    close: bool,
    keep_alive: bool,
    /// `Expect: 100-continue`.
    pub(super) expects_continue: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Length {
    Unsaid,
    Bytes(u64),
    /// No number, or different ones.
    Bad,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Coding {
    Unsaid,
    Chunked,
    /// Chunked, but more than once, or with empty elements around it.
    Garbled,
    /// Something that is not chunked is among it.
    Other,
}

impl Said {
    pub(super) const NOTHING: Self = Self {
        length: Length::Unsaid,
        coding: Coding::Unsaid,
        close: false,
        keep_alive: false,
        expects_continue: false,
    };

    /// Notes a field, and says whether it frames the body: such a field is no part of the message.
    pub(super) fn note(&mut self, name: &[u8], value: &[u8]) -> bool {
        match name.len() {
            6 if name.eq_ignore_ascii_case(b"Expect") => {
                self.expects_continue |= has_token(value, b"100-continue");
                false
            }
            10 if name.eq_ignore_ascii_case(b"Connection") => {
                self.close |= has_token(value, b"close");
                self.keep_alive |= has_token(value, b"keep-alive");
                false
            }
            14 if name.eq_ignore_ascii_case(b"Content-Length") => {
                self.length = self.length.and(value);
                true
            }
            17 if name.eq_ignore_ascii_case(b"Transfer-Encoding") => {
                self.coding = self.coding.and(value);
                true
            }
            _ => false,
        }
    }

    /// How a request is framed. Whatever two readers could understand in two ways is refused.
    pub(super) fn of_request(&self, version: Version) -> Result<Framing, RequestError> {
        match (self.coding, self.length) {
            (Coding::Unsaid, Length::Unsaid) => Ok(Framing::Unsaid),
            (Coding::Unsaid, Length::Bytes(length)) => Ok(Framing::Length(length)),
            (Coding::Unsaid, Length::Bad) => Err(RequestError::Length),
            (_, Length::Bytes(_) | Length::Bad) => Err(RequestError::Framing),
            _ if version == Version::Http10 => Err(RequestError::Framing),
            (Coding::Chunked, Length::Unsaid) => Ok(Framing::Chunked),
            (Coding::Garbled, Length::Unsaid) => Err(RequestError::Framing),
            (Coding::Other, Length::Unsaid) => Err(RequestError::Coding),
        }
    }

    /// How a response is framed. Chunked wins over a length, whatever that is (FWD-76).
    pub(super) fn of_response(&self) -> Result<Framing, ResponseError> {
        match (self.coding, self.length) {
            (Coding::Chunked, _) => Ok(Framing::Chunked),
            (Coding::Unsaid, Length::Unsaid) => Ok(Framing::Unsaid),
            (Coding::Unsaid, Length::Bytes(length)) => Ok(Framing::Length(length)),
            (Coding::Garbled | Coding::Other, _) | (_, Length::Bad) => Err(ResponseError::Framing),
        }
    }

    /// Whether the sender wants to keep the connection (FWD-80). What HTTP/1.0 means by a transfer coding
    /// is anyone's guess, so nothing that follows it can be trusted (RFC 9112 section 6.1).
    pub(super) fn persists(&self, version: Version) -> bool {
        match version {
            Version::Http11 => !self.close,
            Version::Http10 => self.keep_alive && !self.close && self.coding == Coding::Unsaid,
        }
    }
}

impl Length {
    /// Together with another field line. Only digits make a number; the same number again changes nothing.
    fn and(self, value: &[u8]) -> Self {
        match (self, number(value)) {
            (Self::Unsaid, Some(length)) => Self::Bytes(length),
            (Self::Bytes(before), Some(length)) if before == length => self,
            _ => Self::Bad,
        }
    }
}

impl Coding {
    /// Together with another field line.
    fn and(self, value: &[u8]) -> Self {
        let is_chunked = |token: &[u8]| token.eq_ignore_ascii_case(b"chunked");
        match self {
            Self::Unsaid if is_chunked(value) => Self::Chunked,
            Self::Unsaid | Self::Chunked | Self::Garbled if tokens(value).all(is_chunked) => {
                Self::Garbled
            }
            _ => Self::Other,
        }
    }
}

/// Appends what announces the body.
pub(super) fn write(framing: Framing, out: &mut Vec<u8>) {
    match framing {
        Framing::Unsaid => {}
        Framing::Length(length) => write_length(length, out),
        Framing::Chunked => write_field(b"Transfer-Encoding", b"chunked", out),
    }
}

/// Appends a field line.
pub(super) fn write_field(name: &[u8], value: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(name);
    out.extend_from_slice(b": ");
    out.extend_from_slice(value);
    out.extend_from_slice(b"\r\n");
}

/// Appends all fields but those that are the wire's own business.
pub(super) fn write_fields(fields: &Fields, out: &mut Vec<u8>) {
    const OWN: [&str; 4] = ["Connection", "Keep-Alive", "Transfer-Encoding", "Content-Length"];
    for field in fields {
        if !OWN.iter().any(|name| field.is(name)) {
            write_field(&field.name, &field.value, out);
        }
    }
}

fn write_length(length: u64, out: &mut Vec<u8>) {
    let mut digits = [0; 20];
    let (mut at, mut rest) = (digits.len(), length);
    loop {
        at -= 1;
        digits[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    write_field(b"Content-Length", &digits[at..], out);
}

fn number(value: &[u8]) -> Option<u64> {
    let digit = |byte: &u8| char::from(*byte).to_digit(10).map(u64::from);
    let all =
        value.iter().try_fold(0u64, |sum, byte| sum.checked_mul(10)?.checked_add(digit(byte)?));
    all.filter(|_| !value.is_empty())
}

fn tokens(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    let elements = value.split(|&byte| byte == b',').map(<[u8]>::trim_ascii);
    elements.filter(|token| !token.is_empty())
}

fn has_token(value: &[u8], token: &[u8]) -> bool {
    tokens(value).any(|found| found.eq_ignore_ascii_case(token))
}

#[cfg(test)]
mod tests {
    use super::*;
    use Version::{Http10, Http11};

    #[test]
    fn lim_30_lengths_are_digits_and_agree() {
        let cases: [(&[&str], _); 15] = [
            (&["3"], Ok(Framing::Length(3))),
            (&["03"], Ok(Framing::Length(3))),
            (&["0"], Ok(Framing::Length(0))),
            (&["18446744073709551615"], Ok(Framing::Length(u64::MAX))),
            (&["3", "3"], Ok(Framing::Length(3))),
            (&["3", "4"], Err(RequestError::Length)),
            (&["3", "3", "x"], Err(RequestError::Length)),
            (&["3, 3"], Err(RequestError::Length)),
            (&["+3"], Err(RequestError::Length)),
            (&["-3"], Err(RequestError::Length)),
            (&["0x3"], Err(RequestError::Length)),
            (&["3 3"], Err(RequestError::Length)),
            (&["3.0"], Err(RequestError::Length)),
            (&[""], Err(RequestError::Length)),
            (&["18446744073709551616"], Err(RequestError::Length)),
        ];
        for (lengths, expected) in cases {
            let said = said(lengths.iter().map(|length| ("content-LENGTH", *length)));
            assert_eq!(said.of_request(Http11), expected, "{lengths:?}");
            let as_response = expected.map_err(|_| ResponseError::Framing);
            assert_eq!(said.of_response(), as_response, "FWD-76 {lengths:?}");
        }
    }

    #[test]
    fn lim_30_only_chunked_is_a_coding() {
        let cases: [(&[&str], _); 11] = [
            (&["chunked"], Ok(Framing::Chunked)),
            (&["Chunked"], Ok(Framing::Chunked)),
            (&["chunked", "chunked"], Err(RequestError::Framing)),
            (&["chunked, chunked"], Err(RequestError::Framing)),
            (&["chunked,"], Err(RequestError::Framing)),
            (&[""], Err(RequestError::Framing)),
            (&["gzip, chunked"], Err(RequestError::Coding)),
            (&["gzip", "chunked"], Err(RequestError::Coding)),
            (&["chunked", "identity"], Err(RequestError::Coding)),
            (&["chunked;q=1"], Err(RequestError::Coding)),
            (&["xchunked"], Err(RequestError::Coding)),
        ];
        for (codings, expected) in cases {
            let said = said(codings.iter().map(|coding| ("Transfer-Encoding", *coding)));
            assert_eq!(said.of_request(Http11), expected, "{codings:?}");
            assert_eq!(said.of_request(Http10), Err(RequestError::Framing), "{codings:?}");
            let as_response = expected.map_err(|_| ResponseError::Framing);
            assert_eq!(said.of_response(), as_response, "FWD-76 {codings:?}");
        }
    }

    #[test]
    fn fwd_56_fwd_76_length_beside_a_coding() {
        for length in ["3", "x"] {
            let both = said([("Transfer-Encoding", "chunked"), ("Content-Length", length)]);
            assert_eq!(both.of_request(Http11), Err(RequestError::Framing));
            assert_eq!(both.of_response(), Ok(Framing::Chunked));
        }
        let other = said([("Content-Length", "3"), ("Transfer-Encoding", "gzip")]);
        assert_eq!(other.of_request(Http11), Err(RequestError::Framing));
        assert_eq!(other.of_response(), Err(ResponseError::Framing));
    }

    #[test]
    fn fwd_80_persistence() {
        let cases: [(&[&str], _, _); 6] = [
            (&[], true, false),
            (&["Close"], false, false),
            (&["upgrade , CLOSE"], false, false),
            (&["Keep-Alive"], true, true),
            (&["keep-alive", "close"], false, false),
            (&["closed"], true, false),
        ];
        for (values, http11, http10) in cases {
            let said = said(values.iter().map(|value| ("Connection", *value)));
            assert_eq!(
                (said.persists(Http11), said.persists(Http10)),
                (http11, http10),
                "{values:?}"
            );
        }
        let chunked = said([("Connection", "keep-alive"), ("Transfer-Encoding", "chunked")]);
        assert_eq!((chunked.persists(Http11), chunked.persists(Http10)), (true, false));
    }

    #[test]
    fn fwd_53_expectations_match_in_any_case() {
        assert!(said([("expect", "100-Continue")]).expects_continue);
        assert!(!said([("Expect", "200-ok")]).expects_continue);
    }

    #[test]
    fn fwd_55_lengths_are_written_in_full() {
        for length in [0, 7, 10, 1234, u64::MAX] {
            let mut out = Vec::new();
            write(Framing::Length(length), &mut out);
            assert_eq!(out, format!("Content-Length: {length}\r\n").into_bytes());
        }
    }

    fn said<'a>(fields: impl IntoIterator<Item = (&'a str, &'a str)>) -> Said {
        let mut said = Said::NOTHING;
        for (name, value) in fields {
            said.note(name.as_bytes(), value.as_bytes());
        }
        said
    }
}
