//! The HTTP/1.1 wire: whatever comes, in whatever pieces, means one thing, and the machines always move on.

use bytes::Bytes;
use holdfast_core::ground::Limits;
use holdfast_core::http1::{Client, ClientEvent, RequestError, ResponseError, Server, ServerEvent};
use holdfast_core::message::{BodySize, Fields, RequestHead, ResponseHead, Version};
use http::{Method, StatusCode};

/// More bytes than this are no other case, only a slower one.
const INPUT_MAX: usize = 4096;

/// A byte that says how to cut, and what a client sends: the same whole, in two pieces, in small ones.
pub fn server(data: &[u8]) {
    let Some((&cut, input)) = split(data) else { return };
    let whole = served(&[input]);
    for pieces in cuts(input, cut) {
        assert_eq!(served(&pieces), whole);
    }
}

/// A byte that says how to cut and what was asked, and what an origin sends.
pub fn client(data: &[u8]) {
    let Some((&cut, input)) = split(data) else { return };
    let method = if cut % 2 == 0 { Method::GET } else { Method::HEAD };
    let whole = heard(&[input], &method);
    for pieces in cuts(input, cut) {
        assert_eq!(heard(&pieces, &method), whole);
    }
}

/// What is read of a client's message can be sent to an origin, and is then read the same again.
pub fn relay(data: &[u8]) {
    let seen = served(&[data.get(..INPUT_MAX).unwrap_or(data)]);
    let mut seen = seen.into_iter();
    while let Some(event) = seen.next() {
        let Seen::Request(head, size, _) = event else { continue };
        let body = match (size, seen.next()) {
            (BodySize::Empty | BodySize::Known(0), _) => Vec::new(),
            (_, Some(Seen::Data(body))) if seen.next() == Some(Seen::End) => body,
            (_, Some(Seen::End)) => Vec::new(),
            _ => return,
        };
        let mut sent = Vec::new();
        let mut client = Client::new();
        client.request(&head, size, &mut sent);
        client.send(&body, &mut sent);
        client.finish(&mut sent);
        check_again(&head, &body, &sent);
    }
}

/// What a side has seen, data joined.
#[derive(Debug, PartialEq, Eq)]
enum Seen {
    Request(RequestHead, BodySize, bool),
    Response(ResponseHead, BodySize, bool),
    Data(Vec<u8>),
    End,
    Refused(RequestError),
    Broken(ResponseError),
    Closed(Result<(), ResponseError>),
}

/// What a server makes of it that answers each request when it is complete.
fn served(pieces: &[&[u8]]) -> Vec<Seen> {
    let (mut server, mut seen, mut kept) = (Server::new(), Vec::new(), Vec::new());
    for piece in pieces {
        kept.extend_from_slice(piece);
        loop {
            let received = match server.receive(&kept, &limits()) {
                Ok(received) => received,
                Err(error) => {
                    seen.push(Seen::Refused(error));
                    assert!(!answer(&mut server));
                    return seen;
                }
            };
            assert!(received.consumed <= kept.len());
            let moves = received.event.is_some() || received.consumed > 0;
            let complete = match received.event {
                None => false,
                Some(ServerEvent::Head { head, body, expects_continue }) => {
                    check_fields(&head.fields);
                    seen.push(Seen::Request(head, body, expects_continue));
                    matches!(body, BodySize::Empty | BodySize::Known(0))
                }
                Some(ServerEvent::Data(data)) => {
                    join(&mut seen, data);
                    false
                }
                Some(ServerEvent::End) => {
                    seen.push(Seen::End);
                    true
                }
            };
            kept.drain(..received.consumed);
            if complete && !answer(&mut server) {
                return seen;
            }
            if !moves {
                break;
            }
        }
        assert!(kept.len() < limits().head_bytes, "what is kept is part of a head");
    }
    seen.push(Seen::Closed(Ok(())));
    seen
}

/// What a client makes of it that has asked once.
fn heard(pieces: &[&[u8]], method: &Method) -> Vec<Seen> {
    let (mut client, mut seen, mut kept) = (Client::new(), Vec::new(), Vec::new());
    let (method, fields) = (method.clone(), Fields::new());
    let head = RequestHead { method, target: Bytes::from("/"), version: Version::Http11, fields };
    client.request(&head, BodySize::Empty, &mut Vec::new());
    for piece in pieces {
        kept.extend_from_slice(piece);
        loop {
            let received = match client.receive(&kept, &limits()) {
                Ok(received) => received,
                Err(error) => {
                    seen.push(Seen::Broken(error));
                    assert!(!client.is_reusable());
                    return seen;
                }
            };
            assert!(received.consumed <= kept.len());
            let moves = received.event.is_some() || received.consumed > 0;
            let complete = match received.event {
                None => false,
                Some(ClientEvent::Head { head, body, complete }) => {
                    check_fields(&head.fields);
                    assert!(!head.status.is_informational());
                    seen.push(Seen::Response(head, body, complete));
                    complete
                }
                Some(ClientEvent::Data(data)) => {
                    join(&mut seen, data);
                    false
                }
                Some(ClientEvent::End) => {
                    seen.push(Seen::End);
                    true
                }
            };
            kept.drain(..received.consumed);
            if complete {
                return seen;
            }
            if !moves {
                break;
            }
        }
        assert!(kept.len() < limits().head_bytes, "what is kept is part of a head");
    }
    seen.push(Seen::Closed(client.closed()));
    assert!(!client.is_reusable());
    seen
}

fn answer(server: &mut Server) -> bool {
    let mut out = Vec::new();
    server.respond(&ResponseHead::new(StatusCode::OK), BodySize::Known(0), &mut out);
    server.finish(&mut out);
    let next = server.next_request();
    let text = String::from_utf8_lossy(&out);
    assert!(next || text.contains("\r\nConnection: close\r\n"), "a close is announced: {text}");
    next
}

fn check_again(head: &RequestHead, body: &[u8], sent: &[u8]) {
    let roomy = Limits { head_bytes: usize::MAX, ..Limits::default() };
    let (mut server, mut rest, mut again) = (Server::new(), sent, Vec::new());
    loop {
        let received = server.receive(rest, &roomy).expect("what we write can be read");
        rest = rest.get(received.consumed..).unwrap_or_default();
        match received.event {
            Some(ServerEvent::Head { head: read, .. }) => {
                assert_eq!((&read.method, &read.target), (&head.method, &head.target));
                let mut expected = head.fields.clone();
                expected.retain(|field| !field.is("Connection") && !field.is("Keep-Alive"));
                assert_eq!(read.fields, expected);
            }
            Some(ServerEvent::Data(data)) => again.extend_from_slice(data),
            Some(ServerEvent::End) => {}
            None => break,
        }
    }
    assert_eq!((&again[..], rest), (body, &b""[..]));
}

fn check_fields(fields: &Fields) {
    for field in fields {
        assert!(!field.is("Content-Length") && !field.is("Transfer-Encoding"));
        assert!(!field.name.is_empty() && field.name.is_ascii());
        assert!(!field.value.iter().any(|byte| b"\r\n\0".contains(byte)));
        assert_eq!(field.value.trim_ascii(), field.value);
    }
}

fn join(seen: &mut Vec<Seen>, data: &[u8]) {
    assert!(!data.is_empty());
    match seen.last_mut() {
        Some(Seen::Data(before)) => before.extend_from_slice(data),
        _ => seen.push(Seen::Data(data.to_vec())),
    }
}

fn split(data: &[u8]) -> Option<(&u8, &[u8])> {
    data.get(..INPUT_MAX).unwrap_or(data).split_first()
}

/// In two somewhere, and in pieces of one size.
fn cuts(input: &[u8], cut: u8) -> [Vec<&[u8]>; 2] {
    let (one, two) = input.split_at(input.len() * usize::from(cut) / 256);
    [vec![one, two], input.chunks(1 + usize::from(cut % 16)).collect()]
}

/// So small that inputs reach them.
fn limits() -> Limits {
    Limits { head_bytes: 200, head_fields: 6, ..Limits::default() }
}
