//! Bytes mean the same however they arrive: in one piece, in two, or one by one.

use bytes::Bytes;
use holdfast_core::ground::Limits;
use holdfast_core::http1::{
    Client, ClientEvent, Received, RequestError, ResponseError, Server, ServerEvent,
};
use holdfast_core::message::{BodySize, RequestHead, ResponseHead, Version};
use http::{Method, StatusCode};
use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any, prop_assert_eq, prop_oneof, proptest};
use proptest::sample::select;

/// What clients send: good, bad and unfinished.
const REQUESTS: [&[u8]; 22] = [
    b"GET / HTTP/1.1\r\nHost: h\r\n\r\n",
    b"\r\n\r\nGET /a?b HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET /c HTTP/1.0\r\n\r\nGET /d",
    b"GET /1 HTTP/1.1\r\n\r\nHEAD /2 HTTP/1.1\r\nX: \xe9\r\n\r\nPOST /3 HTTP/1.1\r\n\r\n",
    b"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhelloGET / HTTP/1.1\r\n\r\n",
    b"POST / HTTP/1.1\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\nhel",
    b"POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\nGET / HTTP/1.1\r\nConnection: close\r\n\r\nGET",
    b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n00a;x=\"y\"\r\n0123456789\r\n0\r\n\r\nG",
    b"PUT / HTTP/1.1\r\nTransfer-Encoding: Chunked\r\n\r\n1\r\na\r\n0 ; x\r\nA: b\r\nC: d\r\n\r\nGET / HTTP/1.1\r\n\r\n",
    b"PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n",
    b"PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\nabc\n0\n\n",
    b"PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n100000000\r\n",
    b"PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1 1\r\na\r\n",
    b"PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n",
    b"PUT / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n",
    b"PUT / HTTP/1.1\r\nContent-Length: +1\r\n\r\n",
    b"GET / HTTP/1.1\nHost: h\n\n",
    b"GET / HTTX HTTP/1.1\r\n\r\n",
    b"GET / HTTP/2.0\r\n\r\n",
    b"GET /<> HTTP/1.1\r\nBad Name: x\r\n\r\n",
    b"GET /<> HTTP/1.1\r\nA: b\n\r\n",
    b"\x16\x03\x01\x02\x00\x01",
    b"GET /0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567 HTTP/1.1\r\n",
];

/// What origins send to the requests that [`heard`] makes: a GET, then a HEAD.
const RESPONSES: [&[u8]; 16] = [
    b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhelloHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nT: t\r\n\r\nsurplus",
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nA: b\r\n\r\nHTTP/1.1 204 None\r\n\r\nHTTP/1.1 404 N\xf6\r\n\r\n",
    b"HTTP/1.0 200 OK\r\n\r\nto the end",
    b"HTTP/1.0 200\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\nHTTP/1.0 304 \r\n\r\n",
    b"HTTP/1.1 200 OK\nA: b\nTransfer-Encoding: chunked\n\n1\r\na\r\n0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n1\r\na\r\n0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na",
    b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\na",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello0",
    b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel",
    b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
    b"HTTP/1.2 200 OK\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nX: 0123456789012345678901234567890123456789012345678901234567890123456789\r\n\r\n",
];

#[test]
fn every_split_of_a_request_is_the_whole() {
    for input in REQUESTS {
        every_split(input, served);
    }
}

#[test]
fn every_split_of_a_response_is_the_whole() {
    for input in RESPONSES {
        every_split(input, heard);
    }
}

proptest! {
    #[test]
    fn any_split_of_requests_is_the_whole(input in requests(), sizes in vec(1..40usize, 1..8)) {
        prop_assert_eq!(served(&[&input]), served(&pieces(&input, &sizes)));
    }

    #[test]
    fn any_split_of_responses_is_the_whole(input in responses(), sizes in vec(1..40usize, 1..8)) {
        prop_assert_eq!(heard(&[&input]), heard(&pieces(&input, &sizes)));
    }
}

/// What a side has seen: whatever it was, data that came in pieces joined.
#[derive(Debug, PartialEq, Eq)]
enum Seen {
    Request(RequestHead, BodySize, bool),
    Response(ResponseHead, BodySize, bool),
    Data(Vec<u8>),
    End,
    Answered {
        goes_on: bool,
    },
    Refused(RequestError),
    Broken(ResponseError),
    /// The peer closed here, with this much unread.
    Closed(Result<(), ResponseError>, usize),
}

/// A server that answers each request as soon as it is complete.
fn served(pieces: &[&[u8]]) -> Vec<Seen> {
    let (mut server, mut seen, mut kept) = (Server::new(), Vec::new(), Vec::new());
    for piece in pieces {
        kept.extend_from_slice(piece);
        loop {
            let received = match server.receive(&kept, &limits()) {
                Ok(received) => received,
                Err(error) => {
                    seen.push(Seen::Refused(error));
                    assert!(!answer(&mut server), "no request follows a broken one");
                    return seen;
                }
            };
            let Received { consumed, event } = received;
            let complete = match event {
                None => false,
                Some(ServerEvent::Head { head, body, expects_continue }) => {
                    seen.push(Seen::Request(head, body, expects_continue));
                    matches!(body, BodySize::Empty | BodySize::Known(0))
                }
                Some(ServerEvent::Data(data)) => {
                    see_data(&mut seen, data);
                    kept.drain(..consumed);
                    continue;
                }
                Some(ServerEvent::End) => {
                    seen.push(Seen::End);
                    true
                }
            };
            kept.drain(..consumed);
            if complete {
                let goes_on = answer(&mut server);
                seen.push(Seen::Answered { goes_on });
                if !goes_on {
                    return seen;
                }
            } else if consumed == 0 {
                break;
            }
        }
    }
    seen.push(Seen::Closed(Ok(()), kept.len()));
    seen
}

fn answer(server: &mut Server) -> bool {
    let mut out = Vec::new();
    server.respond(&ResponseHead::new(StatusCode::OK), BodySize::Known(0), &mut out);
    server.finish(&mut out);
    server.next_request()
}

/// A client that asks with GET and, if it can, once more with HEAD.
fn heard(pieces: &[&[u8]]) -> Vec<Seen> {
    let (mut client, mut seen, mut kept) = (Client::new(), Vec::new(), Vec::new());
    let mut questions = [Method::HEAD].into_iter();
    client.request(&question(Method::GET), BodySize::Empty, &mut Vec::new());
    for piece in pieces {
        kept.extend_from_slice(piece);
        loop {
            let (consumed, complete) = match client.receive(&kept, &limits()) {
                Ok(Received { consumed, event }) => (consumed, see(event, &mut seen)),
                Err(error) => {
                    seen.push(Seen::Broken(error));
                    return seen;
                }
            };
            kept.drain(..consumed);
            match complete {
                Some(true) => {
                    seen.push(Seen::Answered { goes_on: client.is_reusable() });
                    match questions.next() {
                        Some(method) if client.is_reusable() => {
                            client.request(&question(method), BodySize::Empty, &mut Vec::new());
                        }
                        _ => return seen,
                    }
                }
                Some(false) => {}
                None if consumed == 0 => break,
                None => {}
            }
        }
    }
    seen.push(Seen::Closed(client.closed(), kept.len()));
    seen
}

/// Whether there was an event, and whether the response is complete with it.
fn see(event: Option<ClientEvent<'_>>, seen: &mut Vec<Seen>) -> Option<bool> {
    match event? {
        ClientEvent::Head { head, body, complete } => {
            seen.push(Seen::Response(head, body, complete));
            Some(complete)
        }
        ClientEvent::Data(data) => {
            see_data(seen, data);
            Some(false)
        }
        ClientEvent::End => {
            seen.push(Seen::End);
            Some(true)
        }
    }
}

fn see_data(seen: &mut Vec<Seen>, data: &[u8]) {
    assert!(!data.is_empty(), "data is never nothing");
    match seen.last_mut() {
        Some(Seen::Data(before)) => before.extend_from_slice(data),
        _ => seen.push(Seen::Data(data.to_vec())),
    }
}

fn question(method: Method) -> RequestHead {
    let fields = [("Host", "h")].into_iter().collect();
    RequestHead { method, target: Bytes::from("/"), version: Version::Http11, fields }
}

/// So small that some of the messages are too large.
fn limits() -> Limits {
    Limits { head_bytes: 90, head_fields: 4, ..Limits::default() }
}

fn every_split(input: &[u8], run: fn(&[&[u8]]) -> Vec<Seen>) {
    let whole = run(&[input]);
    let shown = String::from_utf8_lossy(input);
    for at in 0..=input.len() {
        let (one, two) = input.split_at(at);
        assert_eq!(run(&[one, two]), whole, "split at {at}: {shown:?}");
    }
    assert_eq!(run(&pieces(input, &[1])), whole, "byte by byte: {shown:?}");
}

/// `input` cut into pieces of these sizes, over and over.
fn pieces<'a>(mut input: &'a [u8], sizes: &[usize]) -> Vec<&'a [u8]> {
    let mut pieces = Vec::new();
    for size in sizes.iter().cycle() {
        let (piece, rest) = input.split_at(input.len().min(*size));
        pieces.push(piece);
        input = rest;
        if input.is_empty() {
            break;
        }
    }
    pieces
}

fn requests() -> impl Strategy<Value = Vec<u8>> {
    messages(&REQUESTS)
}

fn responses() -> impl Strategy<Value = Vec<u8>> {
    messages(&RESPONSES)
}

/// Messages one after the other with a few bytes replaced, left out or added, or lines of their kind at
/// random.
fn messages(known: &'static [&'static [u8]]) -> impl Strategy<Value = Vec<u8>> {
    const LINES: [&str; 16] = [
        "GET / HTTP/1.1\r\n",
        "POST /x HTTP/1.0\r\n",
        "HTTP/1.1 200 OK\r\n",
        "HTTP/1.0 204\r\n",
        "Content-Length: 3\r\n",
        "content-length: 3\r\n",
        "Transfer-Encoding: chunked\r\n",
        "Connection: keep-alive\r\n",
        "Connection: close\r\n",
        "A:\r\n",
        "\r\n",
        "\r\n",
        "abc",
        "3\r\nabc\r\n",
        "0\r\n\r\n",
        "3;\r\n",
    ];
    let lines = vec(select(&LINES[..]), 1..16).prop_map(|lines| lines.concat().into_bytes());
    let whole = vec(select(known), 1..3).prop_map(|messages| messages.concat());
    let edit = prop_oneof![
        any::<u8>().prop_map(|byte| vec![byte]),
        select(&b"\r\n :;,0"[..]).prop_map(|byte| vec![byte]),
        Just(vec![]),
    ];
    let edits = vec((any::<proptest::sample::Index>(), 0..2usize, edit), 0..4);
    (prop_oneof![lines, whole], edits).prop_map(|(mut input, edits)| {
        for (at, removed, added) in edits {
            let at = at.index(input.len() + 1);
            let end = input.len().min(at + removed);
            input.splice(at..end, added);
        }
        input
    })
}
