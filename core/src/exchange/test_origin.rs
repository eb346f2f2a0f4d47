//! The built-in test origin: enough of a backend to see holds at work (ROUTE-70, ROUTE-71).

use bytes::Bytes;
use http::StatusCode;

use crate::message::{RequestHead, Response, ResponseHead};
use crate::route::{Connect, Route, Target};

/// What the test origin says to a request, if that is the target; `what` is one of those below.
pub fn ask<T>(
    (route, target): (&Route, &Target),
    request: impl FnOnce() -> RequestHead,
    what: fn(&[u8], &[u8]) -> T,
) -> Option<T> {
    (target.connect == Connect::Test).then(|| what(&request().target, route.path_beg.as_bytes()))
}

/// The answer to a request for `target`; a route's `path_beg` is not part of the resource's name.
pub fn answer(target: &[u8], path_beg: &[u8]) -> Response {
    let (path, query) = resource(target, path_beg);
    match path {
        b"" => text("Hello from the Holdfast test handler!\n"),
        b"/response" => hold("response", query, "nothing for now\n"),
        b"/stream" => hold("stream", query, "[stream opened]\n"),
        _ => missing(),
    }
}

/// The channels of the echo at `/ws`; or the refusal of any other WebSocket (WS-16).
pub fn socket(target: &[u8], path_beg: &[u8]) -> Result<Vec<String>, Response> {
    let (path, query) = resource(target, path_beg);
    match path {
        b"/ws" => Ok(channels(query)
            .into_iter()
            .map(|channel| String::from_utf8_lossy(&channel).into_owned())
            .collect()),
        _ => Err(missing()),
    }
}

/// The resource's name, and the query.
fn resource<'a>(target: &'a [u8], path_beg: &[u8]) -> (&'a [u8], &'a [u8]) {
    let (path, query) = match target.iter().position(|&byte| byte == b'?') {
        Some(at) => (&target[..at], &target[at + 1..]),
        None => (target, &b""[..]),
    };
    let prefix = path_beg.strip_suffix(b"/").unwrap_or(path_beg);
    let path = path.strip_prefix(prefix).unwrap_or(path);
    (path.strip_suffix(b"/").unwrap_or(path), query)
}

fn missing() -> Response {
    Response::text(StatusCode::NOT_FOUND, "no such test resource")
}

/// What `channel` says in the query, else `test`.
fn channels(query: &[u8]) -> Vec<Vec<u8>> {
    let named = query.split(|&byte| byte == b'&').filter_map(|pair| pair.strip_prefix(b"channel="));
    let channels: Vec<_> = named.map(percent_decoded).collect();
    if channels.is_empty() { vec![b"test".to_vec()] } else { channels }
}

fn text(body: &'static str) -> Response {
    let mut head = ResponseHead::new(StatusCode::OK);
    head.fields.push(&b"Content-Type"[..], &b"text/plain"[..]);
    Response { head, body: Bytes::from_static(body.as_bytes()) }
}

fn hold(mode: &'static str, query: &[u8], body: &'static str) -> Response {
    let mut response = text(body);
    let fields = &mut response.head.fields;
    fields.push(&b"Grip-Hold"[..], mode);
    for channel in channels(query) {
        fields.push(&b"Grip-Channel"[..], channel);
    }
    response
}

fn percent_decoded(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&byte, tail)) = rest.split_first() {
        let (decoded, after) = match (byte, tail) {
            (b'%', [high, low, after @ ..]) => match (hex(*high), hex(*low)) {
                (Some(high), Some(low)) => (high << 4 | low, after),
                _ => (byte, tail),
            },
            _ => (byte, tail),
        };
        out.push(decoded);
        rest = after;
    }
    out
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn route_71_resources() {
        assert_eq!(answer(b"/", b"").head.status, 200);
        assert_eq!(answer(b"/nope", b"").head.status, 404);
        let held = answer(b"/x/response?channel=a%20b&channel=c", b"/x/");
        assert_eq!(held.head.fields.first("grip-hold").expect("a hold"), "response");
        assert_eq!(held.head.fields.all("grip-channel").collect::<Vec<_>>(), ["a b", "c"]);
        let stream = answer(b"/stream/", b"");
        assert_eq!(stream.head.fields.first("grip-channel").expect("a channel"), "test");
    }
}
