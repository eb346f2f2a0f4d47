//! Origins that are not there, silent, or break off.

use std::time::Duration;

use holdfast_core::ground::Span;

use crate::wire::{before, client, field, next, nobody, origin, origin_by_hand, proxy, proxy_with};

const GET: &str = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";

#[test]
fn route_47_nobody_there_is_502_and_the_client_may_go_on() {
    let (_proxy, mut client) = before(nobody());
    for _ in 0..2 {
        client.send(GET);
        let (head, body) = client.response();
        assert!(head.starts_with("HTTP/1.1 502 "), "{head}");
        assert_eq!(body, "Error while proxying to origin.\n");
    }
}

#[test]
fn route_46_a_name_that_does_not_resolve_is_502() {
    let proxy = proxy("* nowhere.invalid:80");
    let mut client = client(&proxy);
    client.send(GET);
    assert!(client.head().starts_with("HTTP/1.1 502 "));
}

#[test]
fn route_45_48_the_next_target_gets_the_whole_request() {
    let (origin, wires) = origin_by_hand();
    let proxy = proxy(&format!("* {} {origin}", nobody()));
    let mut client = client(&proxy);
    client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nhello");
    let mut wire = next(&wires);
    wire.head();
    client.send("world");
    assert_eq!(wire.exactly(10), "helloworld");
    wire.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    assert_eq!(client.response().1, "ok");
}

#[test]
fn route_43_an_untrusted_target_is_not_reached_at_a_private_address() {
    let (origin, wires) = origin_by_hand();
    let localhost = format!("localhost:{}", origin.port());
    // FWD-86: nor over a connection that a trusted one has left behind.
    let proxy = proxy(&format!("a {localhost}\nb {localhost},untrusted\nc {origin},untrusted"));
    let mut client = client(&proxy);
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    let mut wire = next(&wires);
    wire.head();
    wire.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    assert_eq!(client.response().1, "ok");
    for host in ["b", "c"] {
        client.send(format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n"));
        assert!(client.response().0.starts_with("HTTP/1.1 502 "));
    }
    assert!(wires.try_recv().is_err());
}

#[test]
fn fwd_91_an_origin_that_closes_without_an_answer_is_502() {
    let (_proxy, mut client) = before(origin(|mut wire| drop(wire.head())));
    client.send(GET);
    assert!(client.head().starts_with("HTTP/1.1 502 "));
}

#[test]
fn fwd_91_an_answer_that_is_no_http_is_502() {
    let (_proxy, mut client) = before(origin(|mut wire| {
        wire.head();
        wire.send("SSH-2.0-OpenSSH_9.0\r\n\r\n");
    }));
    client.send(GET);
    assert!(client.head().starts_with("HTTP/1.1 502 "));
}

#[test]
fn lim_22_a_silent_origin_is_given_up() {
    let (origin, wires) = origin_by_hand();
    let proxy = proxy_with(&format!("* {origin}"), |settings| {
        settings.core.limits.origin_timeout = Span::from_secs(1);
    });
    let mut client = client(&proxy);
    client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nhi");
    let mut wire = next(&wires);
    wire.head();
    assert_eq!(wire.exactly(2), "hi");
    assert!(client.head().starts_with("HTTP/1.1 502 "));
    assert!(wire.is_closed());
}

#[test]
fn lim_23_an_origin_that_stops_in_mid_answer_is_given_up() {
    let (origin, wires) = origin_by_hand();
    let proxy = proxy_with(&format!("* {origin}"), |settings| {
        settings.core.limits.origin_timeout = Span::from_secs(1);
    });
    let mut client = client(&proxy);
    client.send(GET);
    let mut wire = next(&wires);
    wire.head();
    wire.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
    client.head();
    assert_eq!(client.rest(), "half");
    assert!(wire.is_closed());
}

#[test]
fn fwd_71_a_body_cut_short_never_looks_complete() {
    for (version, head, sent) in [
        ("1.1", "Content-Length: 10", "half"),
        ("1.1", "Transfer-Encoding: chunked", "4\r\nhalf\r\n"),
        ("1.0", "Content-Length: 10", "half"),
    ] {
        let (_proxy, mut client) = before(origin(move |mut wire| {
            wire.head();
            wire.send(format!("HTTP/1.1 200 OK\r\n{head}\r\n\r\n{sent}"));
        }));
        client.send(format!("GET / HTTP/{version}\r\nHost: h\r\n\r\n"));
        client.head();
        assert_eq!(client.rest(), sent, "what came is delivered, and no end of the body with it");
    }
}

#[test]
fn fwd_71_where_only_the_close_ends_the_body_a_reset_tells_that_it_was_cut() {
    let (origin, wires) = origin_by_hand();
    let (_proxy, mut client) = before(origin);
    client.send("GET / HTTP/1.0\r\nHost: h\r\n\r\n");
    let mut wire = next(&wires);
    wire.head();
    wire.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n");
    client.head();
    assert_eq!(client.exactly(4), "half");
    drop(wire);
    let error = std::io::Read::read(&mut client.stream, &mut [0]).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
}

#[test]
fn fwd_71_a_chunked_body_that_breaks_its_framing_is_cut_too() {
    let (_proxy, mut client) = before(origin(|mut wire| {
        wire.head();
        wire.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\nzz\r\n");
        wire.is_silent(Duration::from_secs(5));
    }));
    client.send(GET);
    client.head();
    assert_eq!(client.rest(), "4\r\nhalf\r\n");
}

#[test]
fn fwd_87_a_pooled_connection_that_died_is_replaced() {
    let (origin, wires) = origin_by_hand();
    let (_proxy, mut client) = before(origin);
    client.send(GET);
    let mut wire = next(&wires);
    wire.head();
    wire.send("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1");
    client.response();
    // The origin reads the next request and closes without a word.
    client.send(GET);
    wire.head();
    drop(wire);
    let mut wire = next(&wires);
    wire.head();
    wire.send("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n2");
    assert_eq!(client.response().1, "2");
    // FWD-85: a connection that is seen to be closed is not used at all, whatever the method.
    drop(wire);
    std::thread::sleep(Duration::from_millis(100));
    client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nhi");
    let mut wire = next(&wires);
    wire.head();
    assert_eq!(wire.exactly(2), "hi");
    wire.send("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n3");
    assert_eq!(client.response().1, "3");
}

#[test]
fn fwd_87_what_may_have_been_done_is_not_done_twice() {
    let (origin, wires) = origin_by_hand();
    let (_proxy, mut client) = before(origin);
    client.send(GET);
    let mut wire = next(&wires);
    wire.head();
    wire.send("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1");
    client.response();
    client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nhi");
    wire.head();
    drop(wire);
    let (head, _) = client.response();
    assert!(head.starts_with("HTTP/1.1 502 "), "{head}");
    assert_eq!(field(&head, "connection"), None, "FWD-90: the request was read");
    assert!(wires.try_recv().is_err());
}
