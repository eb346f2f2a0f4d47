//! hyper as a second opinion: the same bytes give it and us the same message, or we are the stricter ones
//! for a reason that is listed here.

use std::cell::RefCell;
use std::convert::Infallible;
use std::future::Future;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use holdfast_core::ground::Limits;
use holdfast_core::http1::{Client, ClientEvent, RequestError, ResponseError, Server, ServerEvent};
use holdfast_core::message::{BodySize, Fields, RequestHead, Version};
use http::{HeaderMap, Method, Request, Response};
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper::ext::ReasonPhrase;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use proptest::collection::vec;
use proptest::prelude::{Strategy, any, prop_assert, prop_oneof, proptest};
use proptest::sample::{Index, select};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

/// What we make of an input that hyper reads, or does not.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Verdict<E> {
    /// Both read the same message.
    Same,
    /// Neither reads a message.
    Neither(Option<E>),
    /// Only hyper does.
    Stricter(E),
    /// Only we do.
    Laxer,
}

use Verdict::{Laxer, Neither, Same, Stricter};

const REQUESTS: [(&[u8], Verdict<RequestError>); 50] = [
    (b"GET / HTTP/1.1\r\nHost: h\r\n\r\n", Same),
    (b"GET /a?b=[c]'~%zz HTTP/1.0\r\n\r\n", Same),
    (b"\r\n\r\nGET / HTTP/1.1\r\n\r\n", Same),
    (b"OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n", Same),
    (b"GET http://h/x?y HTTP/1.1\r\nHost: h\r\n\r\n", Same),
    (b"BREW-IT /pot HTTP/1.1\r\n\r\n", Same),
    (b"GET / HTTP/1.1\r\nA: 1\r\nb: 2\r\na: 3\r\nEmpty:\r\nX:\t\x80\xff \r\n\r\n", Same),
    (b"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello", Same),
    (b"POST / HTTP/1.0\r\nContent-Length: 5\r\n\r\nhello", Same),
    (b"POST / HTTP/1.1\r\nContent-Length:  05\t\r\n\r\nhello", Same),
    (b"POST / HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello", Same),
    (b"GET / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello", Same),
    (b"POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n", Same),
    (b"POST / HTTP/1.1\r\nTransfer-Encoding: CHUNKED\r\n\r\n5\r\nhello\r\n0\r\n\r\n", Same),
    (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n00A;x=y\r\n0123456789\r\n0;z\r\n\r\n", Same),
    (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1 \t;x\r\na\r\n1  \r\nb\r\n0\r\nT: t\r\n\r\n", Same),
    (b"POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nok", Same),
    // What neither reads.
    (b"", Neither(None)),
    (b"GET / HTTP/1.1\r\nHost: h\r\n", Neither(None)),
    (b"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhell", Neither(None)),
    (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", Neither(None)),
    (b"GET / HTTP/1.1\r\nA : b\r\n\r\n", Neither(Some(RequestError::Malformed))),
    (b"GET / HTTP/1.1\r\nA: b\r\n c\r\n\r\n", Neither(Some(RequestError::Malformed))),
    (b"GET / HTTP/1.1\r\nA: b\0\r\n\r\n", Neither(Some(RequestError::Malformed))),
    (b"GET  / HTTP/1.1\r\n\r\n", Neither(Some(RequestError::Malformed))),
    (b"GET / HTTP/1.5\r\n\r\n", Neither(Some(RequestError::Version))),
    (b"GET /< HTTP/1.1\r\n\r\n", Neither(Some(RequestError::Target))),
    (b"POST / HTTP/1.1\r\nContent-Length: +5\r\n\r\nhello", Neither(Some(RequestError::Length))),
    (b"POST / HTTP/1.1\r\nContent-Length: 5, 5\r\n\r\nhello", Neither(Some(RequestError::Length))),
    (b"POST / HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!", Neither(Some(RequestError::Length))),
    (b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", Neither(Some(RequestError::Framing))),
    (b"POST / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n", Neither(Some(RequestError::Coding))),
    (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\nhello\r\n0\r\n\r\n", Neither(Some(RequestError::Chunk))),
    (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5 5\r\nhello\r\n0\r\n\r\n", Neither(Some(RequestError::Chunk))),
    (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello!\r\n0\r\n\r\n", Neither(Some(RequestError::Chunk))),
    (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0x5\r\nhello\r\n0\r\n\r\n", Neither(Some(RequestError::Chunk))),
    (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5;a\nhello\r\n0\r\n\r\n", Neither(Some(RequestError::Chunk))),
    // A bare LF ends no line of a request head (LIM-30).
    (b"GET / HTTP/1.1\nHost: h\n\n", Stricter(RequestError::LineEnd)),
    (b"\nGET / HTTP/1.1\r\n\r\n", Stricter(RequestError::LineEnd)),
    // Targets are kept to what LIM-30 lets pass.
    (b"GET /a|b HTTP/1.1\r\n\r\n", Stricter(RequestError::Target)),
    (b"GET /?{} HTTP/1.1\r\n\r\n", Stricter(RequestError::Target)),
    (b"GET /\xc3\xa9 HTTP/1.1\r\n\r\n", Stricter(RequestError::Target)),
    // No message has two lengths (FWD-56), and chunked comes once and alone (LIM-30).
    (b"POST / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", Stricter(RequestError::Framing)),
    (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", Stricter(RequestError::Framing)),
    (b"POST / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", Stricter(RequestError::Coding)),
    // Sizes have at most 16 digits and 32 bits (LIM-7), and extensions are text.
    (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n00000000000000005\r\nhello\r\n0\r\n\r\n", Stricter(RequestError::ChunkTooLarge)),
    (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5;\0\r\nhello\r\n0\r\n\r\n", Stricter(RequestError::Chunk)),
    // Trailers are dropped whatever they are (FWD-54).
    (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nnot a field\r\n\r\n", Laxer),
    // A target is whatever the router makes of it.
    (b"GET /a\\b HTTP/1.1\r\n\r\n", Same),
    (b"GET a/b HTTP/1.1\r\n\r\n", Laxer),
];

const RESPONSES: [(&[u8], Verdict<ResponseError>); 33] = [
    (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", Same),
    (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello and more", Same),
    (b"HTTP/1.0 200 OK\r\n\r\nto the end", Same),
    (b"HTTP/1.1 200 OK\r\n\r\nto the end", Same),
    (b"HTTP/1.1 299\r\nContent-Length: 0\r\n\r\n", Same),
    (b"HTTP/1.1 404 Not  here \r\nA: 1\r\nSet-Cookie: a\r\nSet-Cookie: b\r\nContent-Length: 0\r\n\r\n", Same),
    (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;x\r\nhello\r\n0\r\nT: t\r\n\r\n", Same),
    (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n5\r\nhello\r\n0\r\n\r\n", Same),
    (b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc", Same),
    (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nA: b\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", Same),
    (b"HTTP/1.1 204 No Content\r\nA: b\r\n\r\n", Same),
    (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", Same),
    (b"HTTP/1.1 200 OK\nA: b\nContent-Length: 3\n\nabc", Same),
    (b"HTTP/1.1 999 Odd\r\nContent-Length: 0\r\n\r\n", Same),
    // What neither reads.
    (b"", Neither(Some(ResponseError::Truncated))),
    (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n", Neither(Some(ResponseError::Truncated))),
    (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell", Neither(Some(ResponseError::Truncated))),
    (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", Neither(Some(ResponseError::Truncated))),
    (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\nhello\n0\n\n", Neither(Some(ResponseError::Chunk))),
    (b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", Neither(Some(ResponseError::Framing))),
    (b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", Neither(Some(ResponseError::Framing))),
    (b"HTTP/2.0 200 OK\r\n\r\n", Neither(Some(ResponseError::Malformed))),
    (b"HTTP/1.1 2000 OK\r\n\r\n", Neither(Some(ResponseError::Malformed))),
    (b"HTTP/1.1 200 OK\r\nA : b\r\n\r\n", Neither(Some(ResponseError::Malformed))),
    (b"HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n", Neither(Some(ResponseError::Malformed))),
    // A body in a coding that is not chunked has no known end (FWD-76).
    (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nabc", Stricter(ResponseError::Framing)),
    (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", Stricter(ResponseError::Framing)),
    (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", Stricter(ResponseError::Framing)),
    (b"HTTP/1.1 200 OK\r\nContent-Length: 3, 3\r\n\r\nabc", Stricter(ResponseError::Framing)),
    // No line of a chunked body ends in a bare LF (LIM-30), not even an empty one among the trailers.
    (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\nT: t\r\n\r\n", Stricter(ResponseError::Chunk)),
    // Nobody asked to switch (FWD-69).
    (b"HTTP/1.1 101 Switching Protocols\r\n\r\n", Stricter(ResponseError::Interim)),
    // Reason phrases above ASCII stay (FWD-60), which hyper leaves out.
    (b"HTTP/1.1 200 \xfcber\r\nContent-Length: 0\r\n\r\n", Same),
    // HTTP/1.0 and chunked: read as chunked and the connection given up (RFC 9112 section 6.1).
    (b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", Laxer),
];

#[test]
fn known_requests_are_judged_as_listed() {
    for (input, expected) in REQUESTS {
        let verdict = judge(we_serve(input), hyper_serves(input));
        assert_eq!(verdict, Ok(expected), "{:?}", String::from_utf8_lossy(input));
    }
}

#[test]
fn known_responses_are_judged_as_listed() {
    for (input, expected) in RESPONSES {
        let verdict = judge(we_hear(input, &Method::GET), hyper_hears(input, Method::GET));
        assert_eq!(verdict, Ok(expected), "{:?}", String::from_utf8_lossy(input));
    }
}

#[test]
fn fwd_68_responses_to_head_have_no_body() {
    for input in [
        &b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"[..],
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n",
    ] {
        let verdict = judge(we_hear(input, &Method::HEAD), hyper_hears(input, Method::HEAD));
        assert_eq!(verdict, Ok(Same), "{:?}", String::from_utf8_lossy(input));
    }
}

proptest! {
    #[test]
    fn requests_are_judged_alike(input in garbled(&REQUESTS)) {
        let odd = |told: Told| is_odd_target(&input) || is_odd_trailer(&input, &told, hyper_serves);
        let laxer = || we_serve(&input).is_ok_and(odd);
        let verdict = judge(we_serve(&input), hyper_serves(&input));
        let fine = match &verdict {
            Ok(verdict) => is_listed(*verdict, &REQUESTS, laxer),
            Err(both) => {
                let (ours, theirs) = &**both;
                let rest = |told: &Told| (told.fields.clone(), told.body.clone());
                is_odd_target(&input) && rest(ours) == rest(theirs)
            }
        };
        prop_assert!(fine, "{verdict:?}: {:?}", String::from_utf8_lossy(&input));
    }

    #[test]
    fn responses_are_judged_alike(input in garbled(&RESPONSES)) {
        let hyper_hears = |input: &[u8]| hyper_hears(input, Method::GET);
        let odd = |told: Told| is_odd_version(&input) || is_odd_trailer(&input, &told, hyper_hears);
        let ours = || we_hear(&input, &Method::GET);
        let laxer = || ours().is_ok_and(odd);
        let verdict = judge(ours(), hyper_hears(&input));
        let fine = verdict.as_ref().is_ok_and(|verdict| is_listed(*verdict, &RESPONSES, laxer));
        prop_assert!(fine, "{verdict:?}: {:?}", String::from_utf8_lossy(&input));
    }
}

fn is_listed<E: Copy + PartialEq>(
    verdict: Verdict<E>,
    known: &[(&[u8], Verdict<E>)],
    laxer: impl FnOnce() -> bool,
) -> bool {
    match verdict {
        Same | Neither(_) => true,
        Stricter(_) => known.iter().any(|(_, listed)| *listed == verdict),
        Laxer => laxer(),
    }
}

/// A message, told so that both sides can tell it.
#[derive(Debug, PartialEq, Eq)]
struct Told {
    line: String,
    fields: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
}

/// The error is two different messages.
fn judge<E: Copy>(
    ours: Result<Told, Option<E>>,
    theirs: Option<Told>,
) -> Result<Verdict<E>, Box<(Told, Told)>> {
    match (ours, theirs) {
        (Ok(ours), Some(theirs)) if ours == theirs => Ok(Same),
        (Ok(ours), Some(theirs)) => Err(Box::new((ours, theirs))),
        (Ok(_), None) => Ok(Laxer),
        (Err(Some(error)), Some(_)) => Ok(Stricter(error)),
        (Err(error), None) => Ok(Neither(error)),
        (Err(None), Some(theirs)) => {
            let nothing = Told { line: String::new(), fields: vec![], body: vec![] };
            Err(Box::new((nothing, theirs)))
        }
    }
}

fn we_serve(mut input: &[u8]) -> Result<Told, Option<RequestError>> {
    let (mut server, mut told) = (Server::new(), None);
    loop {
        let received = server.receive(input, &Limits::default()).map_err(Some)?;
        input = &input[received.consumed..];
        match (received.event, &mut told) {
            (Some(ServerEvent::Head { head, body, .. }), told) => {
                let (method, target) = (&head.method, String::from_utf8_lossy(&head.target));
                let line = format!("{method} {target} {:?}", head.version);
                let head = Told { line, fields: tell(&head.fields), body: vec![] };
                if matches!(body, BodySize::Empty | BodySize::Known(0)) {
                    return Ok(head);
                }
                *told = Some(head);
            }
            (Some(ServerEvent::Data(data)), Some(told)) => told.body.extend_from_slice(data),
            (Some(ServerEvent::End), told) => return told.take().ok_or(None),
            (Some(ServerEvent::Data(_)), None) | (None, _) => return Err(None),
        }
    }
}

fn we_hear(mut input: &[u8], method: &Method) -> Result<Told, Option<ResponseError>> {
    let (mut client, mut told) = (Client::new(), None);
    let (method, fields) = (method.clone(), [("Host", "h")].into_iter().collect());
    let version = Version::Http11;
    let head = RequestHead { method, target: Bytes::from("/"), version, fields };
    client.request(&head, BodySize::Empty, &mut Vec::new());
    loop {
        let received = client.receive(input, &Limits::default()).map_err(Some)?;
        input = &input[received.consumed..];
        match (received.event, &mut told) {
            (Some(ClientEvent::Head { head, complete, .. }), told) => {
                let reason = if head.reason.is_ascii() { &head.reason[..] } else { b"" };
                let line = format!("{} {}", head.status.as_u16(), String::from_utf8_lossy(reason));
                let head = Told { line, fields: tell(&head.fields), body: vec![] };
                if complete {
                    return Ok(head);
                }
                *told = Some(head);
            }
            (Some(ClientEvent::Data(data)), Some(told)) => told.body.extend_from_slice(data),
            (Some(ClientEvent::End), told) => return told.take().ok_or(None),
            (None, told) if received.consumed == 0 => {
                client.closed().map_err(Some)?;
                return told.take().ok_or(None);
            }
            (Some(ClientEvent::Data(_)), None) | (None, _) => {}
        }
    }
}

fn hyper_serves(input: &[u8]) -> Option<Told> {
    let seen = Rc::new(RefCell::new(None));
    let service = service_fn(|request: Request<Incoming>| {
        let seen = seen.clone();
        async move {
            let (parts, body) = request.into_parts();
            let version = match parts.version {
                http::Version::HTTP_10 => Version::Http10,
                _ => Version::Http11,
            };
            let line = format!("{} {} {version:?}", parts.method, parts.uri);
            let fields = tell_map(&parts.headers);
            if let Ok(body) = body.collect().await {
                let told = Told { line, fields, body: body.to_bytes().to_vec() };
                seen.borrow_mut().get_or_insert(told);
            }
            Ok::<_, Infallible>(Response::new(Empty::<Bytes>::new()))
        }
    });
    run(async {
        let (mut near, far) = duplex(1 << 16);
        near.write_all(input).await.expect("there is room");
        near.shutdown().await.expect("it is open");
        // How it ends is of no interest: what counts is what the service was given.
        let serving = hyper::server::conn::http1::Builder::new()
            .half_close(true)
            .serve_connection(TokioIo::new(far), service);
        let _ = serving.await;
    });
    seen.take()
}

fn hyper_hears(input: &[u8], method: Method) -> Option<Told> {
    run(async {
        let (near, far) = duplex(1 << 16);
        let handshake = hyper::client::conn::http1::handshake(TokioIo::new(near)).await;
        let (mut sender, connection) = handshake.ok()?;
        let request = Request::builder().method(method).uri("/").header("Host", "h");
        let request = request.body(Empty::<Bytes>::new()).ok()?;
        let asking = async {
            let (parts, body) = sender.send_request(request).await.ok()?.into_parts();
            let reason = match parts.extensions.get::<ReasonPhrase>() {
                Some(reason) => String::from_utf8_lossy(reason.as_bytes()).into_owned(),
                None => parts.status.canonical_reason().unwrap_or_default().to_owned(),
            };
            let body = body.collect().await.ok()?.to_bytes().to_vec();
            let line = format!("{} {reason}", parts.status.as_u16());
            Some(Told { line, fields: tell_map(&parts.headers), body })
        };
        let (told, _, ()) = tokio::join!(asking, connection, answer(far, input));
        told
    })
}

/// Waits for a request without body, and answers with `input` to the end.
async fn answer(mut far: DuplexStream, input: &[u8]) {
    let mut asked = Vec::new();
    while !asked.ends_with(b"\r\n\r\n") {
        if far.read_buf(&mut asked).await.is_ok_and(|count| count > 0) {
            continue;
        }
        return;
    }
    // It may have heard enough before the end.
    let _ = far.write_all(input).await;
    let _ = far.shutdown().await;
}

/// Two that wait for each other for ever are a failure too.
fn run<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    runtime.expect("a runtime").block_on(async {
        tokio::time::timeout(Duration::from_secs(20), future).await.expect("it ends")
    })
}

/// hyper spells names in lower case and groups them, and has the framing fields still in.
fn tell(fields: &Fields) -> Vec<(String, Vec<u8>)> {
    let spell = |name: &[u8]| String::from_utf8_lossy(name).to_lowercase();
    let mut told: Vec<_> =
        fields.iter().map(|field| (spell(&field.name), field.value.to_vec())).collect();
    told.sort_by(|(one, _), (two, _)| one.cmp(two));
    told
}

fn tell_map(map: &HeaderMap) -> Vec<(String, Vec<u8>)> {
    let framing = |name: &str| matches!(name, "content-length" | "transfer-encoding");
    let mut told: Vec<_> = map
        .iter()
        .filter(|(name, _)| !framing(name.as_str()))
        .map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec()))
        .collect();
    told.sort_by(|(one, _), (two, _)| one.cmp(two));
    told
}

/// hyper wants a target to be one of the known forms of a URI, tidies it and cuts off a fragment; we leave
/// that to the router.
fn is_odd_target(input: &[u8]) -> bool {
    let target = input.split(|&byte| byte == b' ').nth(1).unwrap_or_default();
    !target.starts_with(b"/") || target.contains(&b'#')
}

/// hyper wants trailers to be fields: without some lines at the end it reads what we read with them.
fn is_odd_trailer(input: &[u8], ours: &Told, theirs: impl Fn(&[u8]) -> Option<Told>) -> bool {
    let line_ends = input.windows(2).enumerate().filter(|(_, pair)| pair == b"\r\n");
    line_ends
        .map(|(at, _)| [&input[..at], b"\r\n\r\n"].concat())
        .any(|cut| theirs(&cut).as_ref() == Some(ours))
}

/// hyper reads no transfer coding on HTTP/1.0.
fn is_odd_version(input: &[u8]) -> bool {
    input.windows(8).find(|word| word.starts_with(b"HTTP/1.")) == Some(b"HTTP/1.0")
}

/// A listed message with a few bytes replaced, left out or added, and perhaps another field.
fn garbled<E: Copy + std::fmt::Debug + 'static>(
    known: &'static [(&'static [u8], Verdict<E>)],
) -> impl Strategy<Value = Vec<u8>> {
    const FIELDS: [&str; 8] = [
        "",
        "Content-Length: 5\r\n",
        "content-length: 5\r\n",
        "Transfer-Encoding: chunked\r\n",
        "Connection: close\r\n",
        "A: b\r\n",
        "X-\u{e9}: y\r\n",
        "Expect: 100-continue\r\n",
    ];
    let byte = prop_oneof![any::<u8>(), select(&b"\r\n\t :;,05aG"[..])];
    let edits = vec((any::<Index>(), 0..2usize, vec(byte, 0..2)), 0..3);
    (select(known), select(&FIELDS[..]), edits).prop_map(|((input, _), field, edits)| {
        let mut input = input.to_vec();
        if let Some(at) = input.windows(2).skip(4).position(|pair| pair == b"\r\n") {
            input.splice(at + 6..at + 6, field.bytes());
        }
        for (at, removed, added) in edits {
            let at = at.index(input.len() + 1);
            let end = input.len().min(at + removed);
            input.splice(at..end, added);
        }
        input
    })
}
