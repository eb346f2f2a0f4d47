//! What is sent on a silent stream: `Grip-Keep-Alive`, and its twin in JSON (KEEP-1 to KEEP-4).

use base64::Engine as _;
use bytes::Bytes;

use super::HeaderError;
use super::params::{Params, first, utf8};
use crate::ground::Span;
use crate::json::{self, Json, Misfit, Object, choice};

/// `Grip-Keep-Alive`.
#[derive(Clone, PartialEq, Debug)]
pub struct KeepAlive {
    /// The bytes to send; never none.
    pub data: Bytes,
    /// What restarts the timer.
    pub mode: KeepAliveMode,
    /// The time between; at least one second (KEEP-3).
    pub timeout: Span,
}

/// What restarts the keep-alive timer (KEEP-4).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum KeepAliveMode {
    /// Every delivered item.
    Idle,
    /// Nothing but the timer itself.
    Interval,
}

const TIMEOUT: Span = Span::from_secs(55);
const TIMEOUT_MIN: Span = Span::from_secs(1);

impl KeepAlive {
    /// Reads the header's value; an empty one says nothing.
    pub(super) fn from_header(value: &[u8]) -> Result<Option<Self>, HeaderError> {
        if value.trim_ascii().is_empty() {
            return Ok(None);
        }
        let (first, rest) = first(value);
        let params = Params::parse(utf8(rest)?)?;
        let data = match params.value("format").unwrap_or("raw") {
            "raw" => Bytes::copy_from_slice(first),
            "cstring" => cstring(first)?.into(),
            "base64" => json::BASE64.decode(first).map_err(|_| HeaderError::NotBase64)?.into(),
            _ => return Err(HeaderError::UnknownFormat),
        };
        let mode = match params.value("mode").unwrap_or("idle") {
            "idle" => KeepAliveMode::Idle,
            "interval" => KeepAliveMode::Interval,
            _ => return Err(HeaderError::UnknownMode),
        };
        let timeout = params.timeout()?;
        Self::new(data, mode, timeout).ok_or(HeaderError::NoData).map(Some)
    }

    /// Reads `hold.keep-alive`; without content nothing is sent (INS-7).
    pub(super) fn from_json(value: Json<'_>) -> Result<Option<Self>, Misfit> {
        let modes = [("idle", KeepAliveMode::Idle), ("interval", KeepAliveMode::Interval)];
        let mut keep_alive = Object::of(value)?;
        let data = match keep_alive.take("content-bin", json::base64)? {
            Some(data) => data,
            None => keep_alive.take("content", json::text)?.unwrap_or_default(),
        };
        let mode = keep_alive.take("mode", |mode| choice(mode, &modes))?;
        let timeout = keep_alive.take("timeout", json::seconds)?;
        Ok(Self::new(data, mode.unwrap_or(KeepAliveMode::Idle), timeout))
    }

    fn new(data: Bytes, mode: KeepAliveMode, timeout: Option<Span>) -> Option<Self> {
        let timeout = timeout.unwrap_or(TIMEOUT).max(TIMEOUT_MIN);
        (!data.is_empty()).then_some(Self { data, mode, timeout })
    }
}

/// Undoes the escapes `\\`, `\r`, `\n` and `\xHH` (KEEP-2).
fn cstring(text: &[u8]) -> Result<Vec<u8>, HeaderError> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte != b'\\' {
            out.push(byte);
            continue;
        }
        let (byte, after) = escape(rest).ok_or(HeaderError::BadEscape)?;
        out.push(byte);
        rest = after;
    }
    Ok(out)
}

/// The byte that an escape stands for, and what follows it; `text` begins after the backslash.
fn escape(text: &[u8]) -> Option<(u8, &[u8])> {
    match text {
        [b'\\', rest @ ..] => Some((b'\\', rest)),
        [b'r', rest @ ..] => Some((b'\r', rest)),
        [b'n', rest @ ..] => Some((b'\n', rest)),
        [b'x', high, low, rest @ ..] => Some((nibble(*high)? << 4 | nibble(*low)?, rest)),
        _ => None,
    }
}

fn nibble(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::KeepAliveMode::{Idle, Interval};
    use super::*;

    #[test]
    fn keep_2_and_3_header_form() {
        let cases: [(&[u8], &[u8], KeepAliveMode, u64); 12] = [
            (b"x", b"x", Idle, 55),
            (b" a b ; timeout=20", b"a b", Idle, 20),
            (b"a, b", b"a, b", Idle, 55),
            (b"\"", b"\"", Idle, 55),
            (b"\xff; mode=interval", b"\xff", Interval, 55),
            (b"x; timeout=0", b"x", Idle, 1),
            (b"x; TimeOut=+2; MODE=idle; Format=raw", b"x", Idle, 2),
            (b"\\q; format=raw", b"\\q", Idle, 55),
            (b"\\r\\n\\\\\\x00\\xfFz; format=cstring", b"\r\n\\\0\xffz", Idle, 55),
            (b"aGk=; format=base64", b"hi", Idle, 55),
            (b"aGk; format=\"base64\"; timeout=\"3\"", b"hi", Idle, 3),
            (b"x; unknown=1", b"x", Idle, 55),
        ];
        for (value, data, mode, secs) in cases {
            let expected =
                KeepAlive { data: Bytes::from_static(data), mode, timeout: Span::from_secs(secs) };
            let value_text = value.escape_ascii();
            assert_eq!(KeepAlive::from_header(value), Ok(Some(expected)), "{value_text}");
        }
        assert_eq!(KeepAlive::from_header(b" "), Ok(None));
    }

    #[test]
    fn keep_1_refused() {
        let cases: [(&[u8], HeaderError); 15] = [
            (b"; timeout=5", HeaderError::NoData),
            (b"x; mode=Idle", HeaderError::UnknownMode),
            (b"x; mode=", HeaderError::UnknownMode),
            (b"x; format=hex", HeaderError::UnknownFormat),
            (b"x; timeout=", HeaderError::NotDecimal),
            (b"x; timeout=-1", HeaderError::NotDecimal),
            (b"x; timeout=1.5", HeaderError::NotDecimal),
            (b"x; timeout=\"5", HeaderError::OpenQuote),
            (b"x; mode=\xff", HeaderError::NotUtf8),
            (b"\\; format=cstring", HeaderError::BadEscape),
            (b"\\q; format=cstring", HeaderError::BadEscape),
            (b"\\x1; format=cstring", HeaderError::BadEscape),
            (b"\\x+1; format=cstring", HeaderError::BadEscape),
            (b"a*k=; format=base64", HeaderError::NotBase64),
            (b"=; format=base64", HeaderError::NotBase64),
        ];
        for (value, why) in cases {
            assert_eq!(KeepAlive::from_header(value), Err(why), "{}", value.escape_ascii());
        }
    }

    #[test]
    fn ins_7_json_form() {
        let cases = [
            (json!({"content": "\n"}), Some(("\n", Idle, 55))),
            (json!({"content": "x", "content-bin": "aGk="}), Some(("hi", Idle, 55))),
            (json!({"content": "x", "mode": "interval"}), Some(("x", Interval, 55))),
            (json!({"content": "x", "timeout": "0"}), Some(("x", Idle, 1))),
            (json!({"timeout": 3}), None),
            (json!({"content": ""}), None),
        ];
        for (value, expected) in cases {
            let keep_alive =
                KeepAlive::from_json(value.clone().into()).expect("every case is well-formed");
            let read = keep_alive.map(|it| (it.data, it.mode, it.timeout.as_secs()));
            let expected = expected.map(|(data, mode, secs)| (Bytes::from(data), mode, secs));
            assert_eq!(read, expected, "{value}");
        }
    }

    #[test]
    fn ins_1_json_form_refused() {
        let cases = [
            (json!(null), "not an object"),
            (json!({"content": 1}), "content: not a string"),
            (json!({"content-bin": "*"}), "content-bin: not base64"),
            (json!({"content": "x", "timeout": null}), "timeout: not a number"),
            (json!({"content": "x", "timeout": -1}), "timeout: not a whole number of 0 or more"),
            (json!({"content": "x", "mode": "x"}), "mode: not one of idle, interval"),
        ];
        for (value, expected) in cases {
            let misfit = KeepAlive::from_json(value.into()).expect_err("every case is one");
            assert_eq!(misfit.to_string(), expected);
        }
    }
}
