//! The grammar of heads: httparse, and stricter rules on top of it (LIM-30).
//!
//! Not a byte beyond `Limits::head_bytes` is looked at, so that a head means the same however it arrives.
//! Empty lines before a head are skipped; they count as part of it. Lines of a request must end in CRLF;
//! an origin may end them in a bare LF, since all that reads its head is this.

use core::mem::MaybeUninit;

use bytes::Bytes;
use http::{Method, StatusCode};
use httparse::{Header, ParserConfig, Status};

use super::framing::Said;
use super::{RequestError, ResponseError};
use crate::ground::Limits;
use crate::message::{Fields, RequestHead, ResponseHead, Version};

/// No limit allows more fields than this.
const FIELDS_MAX: usize = 256;

/// Room in the list of a response's fields for those that are added on the way. A request is written anew on its
/// way, and what was read of it may be kept for long.
const FIELDS_ADDED: usize = 8;

/// A head, and what it says to the wire.
pub(super) struct Read<H> {
    pub(super) head: H,
    pub(super) version: Version,
    pub(super) said: Said,
    pub(super) len: usize,
}

/// Reads a request head; `None` while it is incomplete.
pub(super) fn request(
    input: &[u8],
    limits: &Limits,
) -> Result<Option<Read<RequestHead>>, RequestError> {
    let input = within(input, limits.head_bytes);
    let mut headers = [const { MaybeUninit::uninit() }; FIELDS_MAX];
    let mut parsed = httparse::Request::new(&mut []);
    let room = room(&mut headers, limits.head_fields);
    let len = match parsed.parse_with_uninit_headers(input, room) {
        Ok(Status::Complete(len)) => len,
        Ok(Status::Partial) if input.len() < limits.head_bytes => return Ok(None),
        Ok(Status::Partial) if parsed.method.is_some() && parsed.path.is_none() => {
            return Err(RequestError::TargetTooLong);
        }
        Ok(Status::Partial) => return Err(RequestError::HeadTooLarge),
        Err(httparse::Error::TooManyHeaders) => return Err(RequestError::TooManyFields),
        Err(httparse::Error::Version) => return Err(version_error(input)),
        Err(_) => return Err(RequestError::Malformed),
    };
    let text = within(input, len);
    let (Some(method), Some(target), Some(minor)) = (parsed.method, parsed.path, parsed.version)
    else {
        return Err(RequestError::Malformed);
    };
    if !target.bytes().all(is_target_byte) {
        return Err(RequestError::Target);
    }
    if has_bare_lf(text) {
        return Err(RequestError::LineEnd);
    }
    let (copy, version) = (Bytes::copy_from_slice(text), version(minor));
    let (fields, said) = fields(&copy, text, parsed.headers, 0);
    let method = Method::from_bytes(method.as_bytes()).map_err(|_| RequestError::Malformed)?;
    let target = slice(&copy, text, target.as_bytes());
    let head = RequestHead { method, target, version, fields };
    Ok(Some(Read { head, version, said, len }))
}

/// Reads a response head; `None` while it is incomplete.
pub(super) fn response(
    input: &[u8],
    limits: &Limits,
) -> Result<Option<Read<ResponseHead>>, ResponseError> {
    let input = within(input, limits.head_bytes);
    let mut headers = [const { MaybeUninit::uninit() }; FIELDS_MAX];
    let mut parsed = httparse::Response::new(&mut []);
    let room = room(&mut headers, limits.head_fields);
    let config = ParserConfig::default();
    let len = match config.parse_response_with_uninit_headers(&mut parsed, input, room) {
        Ok(Status::Complete(len)) => len,
        Ok(Status::Partial) if input.len() < limits.head_bytes => return Ok(None),
        Ok(Status::Partial) => return Err(ResponseError::HeadTooLarge),
        Err(httparse::Error::TooManyHeaders) => return Err(ResponseError::TooManyFields),
        Err(_) => return Err(ResponseError::Malformed),
    };
    let text = within(input, len);
    let (Some(code), Some(minor)) = (parsed.code, parsed.version) else {
        return Err(ResponseError::Malformed);
    };
    let status = StatusCode::from_u16(code).map_err(|_| ResponseError::Malformed)?;
    let (copy, version) = (Bytes::copy_from_slice(text), version(minor));
    let (fields, said) = fields(&copy, text, parsed.headers, FIELDS_ADDED);
    let head = ResponseHead { status, reason: slice(&copy, text, reason(text)), fields };
    Ok(Some(Read { head, version, said, len }))
}

fn within(input: &[u8], limit: usize) -> &[u8] {
    input.get(..limit).unwrap_or(input)
}

fn room<T>(headers: &mut [T], limit: usize) -> &mut [T] {
    let len = headers.len().min(limit);
    headers.split_at_mut(len).0
}

fn version(minor: u8) -> Version {
    if minor == 0 { Version::Http10 } else { Version::Http11 }
}

/// The fields but for those that frame the body, with room for `added` more, and what all of them say.
fn fields(copy: &Bytes, text: &[u8], headers: &[Header<'_>], added: usize) -> (Fields, Said) {
    let (mut fields, mut said) = (Fields::with_capacity(headers.len() + added), Said::NOTHING);
    for header in headers {
        if !said.note(header.name.as_bytes(), header.value) {
            let name = slice(copy, text, header.name.as_bytes());
            fields.push(name, slice(copy, text, header.value));
        }
    }
    (fields, said)
}

/// What corresponds in `copy` to `part` of `text`.
fn slice(copy: &Bytes, text: &[u8], part: &[u8]) -> Bytes {
    let start = part.as_ptr().addr().wrapping_sub(text.as_ptr().addr());
    let range = start..start.wrapping_add(part.len());
    match copy.get(range.clone()) {
        Some(_) => copy.slice(range),
        None => Bytes::copy_from_slice(part),
    }
}

/// The reason phrase of a head that httparse found good. It gives none itself that is not ASCII.
fn reason(text: &[u8]) -> &[u8] {
    const BEFORE: usize = "HTTP/1.1 200 ".len();
    let start = text.iter().position(|byte| !matches!(byte, b'\r' | b'\n')).unwrap_or_default();
    let line = text.get(start..).unwrap_or_default();
    let line = line.split(|&byte| byte == b'\n').next().unwrap_or_default();
    line.strip_suffix(b"\r").unwrap_or(line).get(BEFORE..).unwrap_or_default()
}

/// Printable ASCII but for what LIM-30 bans from targets.
fn is_target_byte(byte: u8) -> bool {
    byte.is_ascii_graphic() && !br#"<>"{}^`|"#.contains(&byte)
}

/// Counts, where it could stop at the first, because that compiles to far faster code.
fn has_bare_lf(head: &[u8]) -> bool {
    let pairs = head.iter().zip(head.iter().skip(1));
    let bare = pairs.filter(|&(&before, &byte)| byte == b'\n' && before != b'\r').count();
    bare > 0 || head.first() == Some(&b'\n')
}

/// A version that exists but is not ours, or no request line at all.
fn version_error(input: &[u8]) -> RequestError {
    let mut words = input.split(|&byte| byte == b' ');
    match words.nth(2) {
        Some(word) if word.starts_with(b"HTTP/") => RequestError::Version,
        _ => RequestError::Malformed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lim_30_names_values_and_targets_stay_exact() {
        let input = b"\r\n\r\nGET /a\\b?c=[%zz]'~ HTTP/1.0\r\nhOST:h\r\nX-A:\t\x80\xe9 \xff\t \r\nEmpty:\r\n\r\nmore";
        let read = read_request(input).expect("good").expect("complete");
        assert_eq!(read.len, input.len() - 4);
        assert_eq!(read.head.method, Method::GET);
        assert_eq!(read.head.target, "/a\\b?c=[%zz]'~");
        assert_eq!(read.head.version, Version::Http10);
        let expected: Fields =
            [(&b"hOST"[..], &b"h"[..]), (b"X-A", b"\x80\xe9 \xff"), (b"Empty", b"")]
                .into_iter()
                .collect();
        assert_eq!(read.head.fields, expected);
    }

    #[test]
    fn lim_30_malformed_requests() {
        let cases: [(&str, RequestError); 27] = [
            ("GET / HTTP/1.1\nHost: h\r\n\r\n", RequestError::LineEnd),
            ("GET / HTTP/1.1\r\nHost: h\n\r\n", RequestError::LineEnd),
            ("GET / HTTP/1.1\r\nHost: h\r\n\n", RequestError::LineEnd),
            ("\nGET / HTTP/1.1\r\n\r\n", RequestError::LineEnd),
            ("\rGET / HTTP/1.1\r\n\r\n", RequestError::Malformed),
            ("GET / HTTP/1.1\r\nA: b\r\n c\r\n\r\n", RequestError::Malformed),
            ("GET / HTTP/1.1\r\nA : b\r\n\r\n", RequestError::Malformed),
            ("GET / HTTP/1.1\r\n A: b\r\n\r\n", RequestError::Malformed),
            ("GET / HTTP/1.1\r\n: b\r\n\r\n", RequestError::Malformed),
            ("GET / HTTP/1.1\r\nA\r\n\r\n", RequestError::Malformed),
            ("GET / HTTP/1.1\r\nA(: b\r\n\r\n", RequestError::Malformed),
            ("GET / HTTP/1.1\r\nÄ: b\r\n\r\n", RequestError::Malformed),
            ("GET / HTTP/1.1\r\nA: b\0c\r\n\r\n", RequestError::Malformed),
            ("GET / HTTP/1.1\r\nA: b\rc\r\n\r\n", RequestError::Malformed),
            ("GET / HTTP/1.1\r\nA: b\x7f\r\n\r\n", RequestError::Malformed),
            ("GET  / HTTP/1.1\r\n\r\n", RequestError::Malformed),
            ("GET /  HTTP/1.1\r\n\r\n", RequestError::Malformed),
            ("GET / HTTP/1.1 \r\n\r\n", RequestError::Malformed),
            ("GET / x HTTP/1.1\r\n\r\n", RequestError::Malformed),
            ("GET /\r\n\r\n", RequestError::Malformed),
            ("G@T / HTTP/1.1\r\n\r\n", RequestError::Malformed),
            ("GET /\x01 HTTP/1.1\r\n\r\n", RequestError::Malformed),
            ("GET /é HTTP/1.1\r\n\r\n", RequestError::Target),
            ("GET / http/1.1\r\n\r\n", RequestError::Malformed),
            ("GET / HTTP/1.5\r\n\r\n", RequestError::Version),
            ("GET / HTTP/2.0\r\n\r\n", RequestError::Version),
            ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", RequestError::Version),
        ];
        for (input, expected) in cases {
            let read = read_request(input.as_bytes()).map(|read| read.map(|read| read.head));
            assert_eq!(read, Err(expected), "{input:?}");
        }
        for byte in r#"<>"{}^`|"#.chars() {
            let input = format!("GET /?{byte} HTTP/1.1\r\n\r\n");
            let read = read_request(input.as_bytes()).map(|read| read.map(|read| read.head));
            assert_eq!(read, Err(RequestError::Target), "{byte}");
        }
    }

    #[test]
    fn lim_1_a_head_of_exactly_the_limit_fits() {
        let head = b"GET / HTTP/1.1\r\nA: b\r\n\r\n";
        let read = |head_bytes, input: &[u8]| {
            let limits = Limits { head_bytes, ..Limits::default() };
            request(input, &limits).map(|read| read.map(|read| read.len))
        };
        let followed = [&head[..], b"and more"].concat();
        assert_eq!(read(head.len(), head), Ok(Some(head.len())));
        assert_eq!(read(head.len(), &followed), Ok(Some(head.len())));
        assert_eq!(read(head.len() - 1, head), Err(RequestError::HeadTooLarge));
        assert_eq!(read(head.len() - 1, &followed), Err(RequestError::HeadTooLarge));
        assert_eq!(read(head.len(), &head[..head.len() - 1]), Ok(None));
        assert_eq!(read(6, b"GET /aa HTTP/1.1\r\n\r\n"), Err(RequestError::TargetTooLong));
        assert_eq!(read(6, b"GETGETGET /"), Err(RequestError::HeadTooLarge));
        assert_eq!(read(6, b"\r\n\r\n\r\n\r\n"), Err(RequestError::HeadTooLarge));
    }

    #[test]
    fn lim_2_lim_5_fields_are_counted() {
        let of = |fields: usize| format!("{}\r\n", "A: b\r\n".repeat(fields));
        for (limit, enough, too_many) in [(3, 3, 4), (100, 100, 101), (1000, 256, 257)] {
            let limits = Limits { head_fields: limit, head_bytes: 1 << 16, ..Limits::default() };
            let request = |fields| {
                request(format!("GET / HTTP/1.1\r\n{}", of(fields)).as_bytes(), &limits)
                    .map(|read| read.map(|read| read.head.fields.len()))
            };
            let response = |fields| {
                response(format!("HTTP/1.1 200 OK\r\n{}", of(fields)).as_bytes(), &limits)
                    .map(|read| read.map(|read| read.head.fields.len()))
            };
            assert_eq!(request(enough), Ok(Some(enough)));
            assert_eq!(request(too_many), Err(RequestError::TooManyFields));
            assert_eq!(response(enough), Ok(Some(enough)));
            assert_eq!(response(too_many), Err(ResponseError::TooManyFields));
        }
    }

    #[test]
    fn fwd_60_reason_phrases_stay_exact() {
        let cases: [(&[u8], &[u8]); 6] = [
            (b"HTTP/1.1 200 OK\r\n\r\n", b"OK"),
            (b"HTTP/1.1 404 Nicht da: \xfcber\r\n\r\n", b"Nicht da: \xfcber"),
            (b"HTTP/1.0 299 \r\n\r\n", b""),
            (b"HTTP/1.1 200\r\n\r\n", b""),
            (b"HTTP/1.1 200 two  words \nA: b\n\n", b"two  words "),
            (b"\r\nHTTP/1.1 200 late\r\n\r\n", b"late"),
        ];
        for (input, reason) in cases {
            let read = response(input, &Limits::default()).expect("good").expect("complete");
            assert_eq!(read.head.reason, reason);
        }
    }

    #[test]
    fn lim_5_malformed_responses() {
        let limits = Limits { head_bytes: 64, ..Limits::default() };
        let cases: [(&[u8], ResponseError); 8] = [
            (b"HTTP/1.1 20 OK\r\n\r\n", ResponseError::Malformed),
            (b"HTTP/1.1 099 OK\r\n\r\n", ResponseError::Malformed),
            (b"HTTP/2.0 200 OK\r\n\r\n", ResponseError::Malformed),
            (b"ICY 200 OK\r\n\r\n", ResponseError::Malformed),
            (b"HTTP/1.1 200 O\0K\r\n\r\n", ResponseError::Malformed),
            (b"HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n", ResponseError::Malformed),
            (b"HTTP/1.1 200 OK\r\nA : b\r\n\r\n", ResponseError::Malformed),
            (&[b'\n'; 64], ResponseError::HeadTooLarge),
        ];
        for (input, expected) in cases {
            let read = response(input, &limits).map(|read| read.map(|read| read.head));
            assert_eq!(read, Err(expected), "{input:?}");
        }
    }

    fn read_request(input: &[u8]) -> Result<Option<Read<RequestHead>>, RequestError> {
        request(input, &Limits::default())
    }
}
