//! Requests that have nothing to do with GRIP.

use std::time::Duration;

use crate::wire::{answering, before, field, next, origin_by_hand, proxy};

const GET: &str = "GET /a?b=c HTTP/1.1\r\nHost: example.com\r\n\r\n";

#[test]
fn fwd_60_64_status_reason_and_fields_pass_and_both_connections_live_on() {
    let (origin, wires) = origin_by_hand();
    let (_proxy, mut client) = before(origin);
    client.send("GET /a?b=c HTTP/1.1\r\nHost: example.com\r\nX-One: 1\r\nX-One: 2\r\n\r\n");
    let mut wire = next(&wires);
    let request = wire.head();
    assert!(request.starts_with("GET /a?b=c HTTP/1.1\r\n"), "{request}");
    assert_eq!(field(&request, "host"), Some("example.com"));
    assert!(request.contains("X-One: 1\r\nX-One: 2\r\n"), "{request}");
    assert_eq!(field(&request, "content-length"), None);
    wire.send(
        "HTTP/1.1 299 So So\r\nSet-Cookie: a\r\nSet-Cookie: b\r\nContent-Length: 3\r\n\r\nabc",
    );
    let (head, body) = client.response();
    assert!(head.starts_with("HTTP/1.1 299 So So\r\n"), "{head}");
    assert!(head.contains("Set-Cookie: a\r\nSet-Cookie: b\r\n"), "{head}");
    assert_eq!(body, "abc");
    // FWD-80, FWD-85: the same two connections carry the next request.
    client.send(GET);
    wire.head();
    wire.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    assert_eq!(client.response().1, "ok");
    assert!(wires.try_recv().is_err(), "no second connection to the origin");
}

#[test]
fn fwd_65_every_framing_of_an_origin() {
    let (origin, wires) = origin_by_hand();
    let (_proxy, mut client) = before(origin);
    client.send(GET);
    let mut wire = next(&wires);
    wire.head();
    wire.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
    let head = client.head();
    assert_eq!(field(&head, "transfer-encoding"), Some("chunked"));
    // FWD-75: what has come does not wait for the rest.
    assert_eq!(client.until("abc\r\n"), "3\r\nabc\r\n");
    wire.send("2\r\nde\r\n0\r\nX-Trailer: t\r\n\r\n");
    assert_eq!(client.until("0\r\n\r\n"), "2\r\nde\r\n0\r\n\r\n");
    client.send(GET);
    wire.head();
    wire.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    assert_eq!(client.response().1, "");
    client.send(GET);
    wire.head();
    wire.send("HTTP/1.0 200 OK\r\n\r\nto the end");
    drop(wire);
    let head = client.head();
    assert_eq!(field(&head, "transfer-encoding"), Some("chunked"));
    assert_eq!(client.until("0\r\n\r\n"), "a\r\nto the end\r\n0\r\n\r\n");
    client.send(GET);
    next(&wires).send("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n!");
    assert_eq!(client.response().1, "!");
}

#[test]
fn fwd_68_head_204_and_304_have_no_body() {
    let (origin, wires) = origin_by_hand();
    let (_proxy, mut client) = before(origin);
    client.send("HEAD / HTTP/1.1\r\nHost: h\r\n\r\n");
    let mut wire = next(&wires);
    assert!(wire.head().starts_with("HEAD "));
    wire.send("HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n");
    assert_eq!(field(&client.head(), "content-length"), Some("1234"));
    for status in ["204 No Content", "304 Not Modified"] {
        client.send(GET);
        wire.head();
        wire.send(format!("HTTP/1.1 {status}\r\nETag: x\r\n\r\n"));
        let head = client.head();
        assert!(head.starts_with(&format!("HTTP/1.1 {status}\r\n")), "{head}");
        assert_eq!(field(&head, "transfer-encoding"), None);
    }
    client.send(GET);
    wire.head();
    wire.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    assert_eq!(client.response().1, "ok", "nothing was out of step");
}

#[test]
fn fwd_69_interim_responses_are_swallowed() {
    let response = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n\
                    HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    let (_proxy, mut client) = before(answering(response));
    for _ in 0..2 {
        client.send(GET);
        let (head, body) = client.response();
        assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
        assert_eq!(body, "ok");
    }
}

#[test]
fn fwd_69_a_connection_with_surplus_bytes_carries_no_other_request() {
    let (origin, wires) = origin_by_hand();
    let (_proxy, mut client) = before(origin);
    for surplus in ["HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil", ""] {
        client.send(GET);
        let mut wire = next(&wires);
        wire.head();
        wire.send(format!("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood{surplus}"));
        assert_eq!(client.response().1, "good");
        if !surplus.is_empty() {
            assert!(wire.is_closed());
        }
    }
}

#[test]
fn fwd_81_pipelined_requests_are_answered_in_order() {
    let (origin, wires) = origin_by_hand();
    let (_proxy, mut client) = before(origin);
    client.send("GET /1 HTTP/1.1\r\nHost: h\r\n\r\nGET /2 HTTP/1.1\r\nHost: h\r\n\r\nGET /3 HT");
    let mut wire = next(&wires);
    for answer in ["1", "2", "3"] {
        let request = wire.head();
        assert!(request.starts_with(&format!("GET /{answer} ")), "{request}");
        if answer == "2" {
            client.send("TP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
        }
        wire.send(format!("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n{answer}"));
        let (head, body) = client.response();
        assert_eq!(body, answer);
        assert_eq!(field(&head, "connection"), (answer == "3").then_some("close"));
    }
    assert!(client.is_closed());
}

#[test]
fn fwd_67_80_http_1_0_clients() {
    let (origin, wires) = origin_by_hand();
    let (proxy, mut client) = before(origin);
    client.send("GET / HTTP/1.0\r\nHost: h\r\nConnection: keep-alive\r\n\r\n");
    let mut wire = next(&wires);
    assert!(wire.head().starts_with("GET / HTTP/1.1\r\n"));
    wire.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    let (head, body) = client.response();
    assert!(head.starts_with("HTTP/1.0 200 OK\r\n"), "{head}");
    assert_eq!((field(&head, "connection"), &body[..]), (Some("keep-alive"), "ok"));
    client.send("GET / HTTP/1.0\r\nHost: h\r\nConnection: keep-alive\r\n\r\n");
    wire.head();
    wire.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n");
    let head = client.head();
    assert_eq!(field(&head, "connection"), Some("close"));
    assert_eq!(field(&head, "transfer-encoding"), None);
    assert_eq!(client.rest(), "abc");
    let mut client = crate::wire::client(&proxy);
    client.send("GET / HTTP/1.0\r\nHost: h\r\n\r\n");
    wire.head();
    wire.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    assert_eq!(field(&client.head(), "connection"), Some("close"));
    assert_eq!(client.rest(), "ok");
}

#[test]
fn lim_31_what_cannot_be_read_is_answered_and_the_connection_closed() {
    let proxy = proxy("* test");
    for (bytes, status) in [
        ("GET / HTTP/1.1\r\nHost : h\r\n\r\n", "400"),
        ("GET / HTTP/2.0\r\n\r\n", "505"),
        (
            "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
            "400",
        ),
        ("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip\r\n\r\n", "501"),
    ] {
        let mut client = crate::wire::client(&proxy);
        client.send(bytes);
        let (head, body) = client.response();
        assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{head}");
        assert_eq!(field(&head, "connection"), Some("close"));
        assert!(body.ends_with('\n'));
        assert!(client.is_closed());
    }
    let mut client = crate::wire::client(&proxy);
    client.send(format!("GET / HTTP/1.1\r\nHost: h\r\nX: {}\r\n\r\n", "x".repeat(20_000)));
    assert!(client.head().starts_with("HTTP/1.1 431 "), "LIM-1");
}

#[test]
fn a_head_may_come_byte_by_byte() {
    let (_proxy, mut client) = before(answering("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"));
    for byte in GET.as_bytes() {
        client.send([*byte]);
        std::thread::sleep(Duration::from_micros(200));
    }
    assert_eq!(client.response().1, "ok");
}
