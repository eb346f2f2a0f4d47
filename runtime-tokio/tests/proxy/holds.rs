//! Held requests: long-polling and streaming, and what is published to them.

use std::time::{Duration, Instant};

use holdfast_core::ground::Span;

use crate::wire::{
    Wire, answering, before, client, field, next, nobody, origin_by_hand, proxy, proxy_with,
    publish,
};

const GET: &str = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
const POLL: &str = "HTTP/1.1 200 OK\r\nGrip-Hold: response\r\nGrip-Channel: c\r\n\
                    Content-Type: text/plain\r\nContent-Length: 8\r\n\r\nnothing\n";
const STREAM: &str = "HTTP/1.1 200 OK\r\nGrip-Hold: stream\r\nGrip-Channel: c\r\n\
                      Content-Length: 5\r\n\r\nopen\n";

/// Time enough for what must not happen.
const A_WHILE: Duration = Duration::from_millis(200);

#[test]
fn resp_1_a_long_poll_is_answered_by_an_item_and_the_connection_goes_on() {
    let (proxy, mut client) = before(answering(POLL));
    for answer in ["one", "two"] {
        client.send(GET);
        assert!(client.is_silent(A_WHILE), "held");
        publish(&proxy, &format!(r#"{{"channel": "c", "http-response": {{"body": "{answer}"}}}}"#));
        let (head, body) = client.response();
        assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
        assert_eq!(field(&head, "content-type"), Some("text/plain"));
        assert_eq!(field(&head, "grip-hold"), None);
        assert_eq!(body, answer);
    }
}

#[test]
fn resp_2_a_long_poll_times_out_with_the_origins_body() {
    let (origin, wires) = origin_by_hand();
    let proxy = proxy_with(&format!("* {origin}"), |settings| {
        settings.core.limits.hold_timeout_min = Span::from_millis(500);
        settings.core.limits.hold_timeout = Span::from_millis(500);
    });
    let mut client = client(&proxy);
    let asked = Instant::now();
    client.send(GET);
    let mut wire = next(&wires);
    wire.head();
    wire.send(POLL);
    assert_eq!(client.response().1, "nothing\n");
    assert!(asked.elapsed() >= Duration::from_millis(500));
}

#[test]
fn strm_1_a_stream_gets_its_first_body_then_items_then_its_end() {
    let (proxy, mut client) = before(answering(STREAM));
    client.send(GET);
    assert_eq!(field(&client.head(), "transfer-encoding"), Some("chunked"));
    assert_eq!(client.until("open\n\r\n"), "5\r\nopen\n\r\n");
    publish(&proxy, r#"{"channel": "c", "http-stream": {"content": "abc"}}"#);
    assert_eq!(client.until("abc\r\n"), "3\r\nabc\r\n");
    publish(&proxy, r#"{"channel": "c", "http-stream": {"action": "close"}}"#);
    assert_eq!(client.until("0\r\n\r\n"), "0\r\n\r\n");
    client.send(GET);
    client.head();
    assert_eq!(client.until("open\n\r\n"), "5\r\nopen\n\r\n", "the connection goes on");
}

#[test]
fn strm_1_an_http_1_0_client_gets_a_stream_as_it_is() {
    let (proxy, mut client) = before(answering(STREAM));
    client.send("GET / HTTP/1.0\r\nHost: h\r\n\r\n");
    assert_eq!(field(&client.head(), "connection"), Some("close"));
    assert_eq!(client.until("open\n"), "open\n");
    publish(&proxy, r#"{"channel": "c", "http-stream": {"content": "abc"}}"#);
    assert_eq!(client.until("abc"), "abc");
    publish(&proxy, r#"{"channel": "c", "http-stream": {"action": "close"}}"#);
    assert_eq!(client.rest(), "");
}

#[test]
fn fwd_73_a_stream_begins_while_its_first_body_is_still_coming() {
    let (origin, wires) = origin_by_hand();
    let (proxy, mut client) = before(origin);
    client.send(GET);
    let mut wire = next(&wires);
    wire.head();
    wire.send("HTTP/1.1 200 OK\r\nGrip-Hold: stream\r\nGrip-Channel: c\r\n\r\n");
    let long = "x".repeat(200_000);
    wire.send(&long);
    client.head();
    let mut got = 0;
    while got < long.len() {
        let size = client.until("\r\n");
        let size = usize::from_str_radix(size.trim_end(), 16).unwrap();
        assert_eq!(client.exactly(size + 2), format!("{}\r\n", &long[..size]));
        got += size;
    }
    publish(&proxy, r#"{"channel": "c", "http-stream": {"content": "later"}}"#);
    assert!(client.is_silent(A_WHILE), "STRM-4: items wait for the end of the first body");
    wire.send("end");
    drop(wire);
    assert_eq!(client.until("later\r\n"), "3\r\nend\r\n5\r\nlater\r\n");
}

#[test]
fn many_streams_on_all_shards_get_every_item_in_order() {
    let routes = format!("* {}", answering(STREAM));
    let proxy = proxy_with(&routes, |settings| settings.workers = 3);
    let mut clients: Vec<Wire> = (0..40).map(|_| client(&proxy)).collect();
    for client in &mut clients {
        client.send(GET);
        client.until("open\n\r\n");
    }
    for number in 0..20 {
        publish(
            &proxy,
            &format!(r#"{{"channel": "c", "http-stream": {{"content": "<{number}>"}}}}"#),
        );
    }
    for client in &mut clients {
        let body = client.until("<19>\r\n");
        let items: Vec<_> = body.split("\r\n").filter(|line| line.starts_with('<')).collect();
        let expected: Vec<_> = (0..20).map(|number| format!("<{number}>")).collect();
        assert_eq!(items, expected);
    }
}

#[test]
fn a_connection_to_the_origin_is_not_kept_busy_by_a_hold() {
    let (origin, wires) = origin_by_hand();
    let (proxy, mut held) = before(origin);
    held.send(GET);
    let mut wire = next(&wires);
    wire.head();
    wire.send(STREAM);
    held.until("open\n\r\n");
    let mut other = client(&proxy);
    other.send("GET /other HTTP/1.1\r\nHost: h\r\n\r\n");
    assert!(wire.head().starts_with("GET /other "));
}

#[test]
fn strm_6_a_client_that_does_not_read_is_cut_and_others_are_not() {
    let proxy = proxy_with(&format!("* {}", answering(STREAM)), |settings| {
        settings.core.limits.backlog_bytes = 100_000;
    });
    let (mut slow, mut quick) = (client(&proxy), client(&proxy));
    for client in [&mut slow, &mut quick] {
        client.send(GET);
        client.until("open\n\r\n");
    }
    let item =
        format!(r#"{{"channel": "c", "http-stream": {{"content": "{}"}}}}"#, "y".repeat(500_000));
    for _ in 0..20 {
        publish(&proxy, &item);
        quick.exactly("7a120\r\n".len() + 500_000 + 2);
    }
    let rest = slow.rest();
    assert!(rest.len() < 10_000_000, "cut");
    assert!(!rest.ends_with("0\r\n\r\n"), "and not cleanly ended");
}

#[test]
fn fwd_57_a_client_that_leaves_is_forgotten() {
    let (origin, wires) = origin_by_hand();
    let (proxy, mut waiting) = before(origin);
    waiting.send(GET);
    let mut wire = next(&wires);
    wire.head();
    drop(waiting);
    assert!(wire.is_closed(), "the request to the origin is given up");
    let mut held = client(&proxy);
    held.send(GET);
    let mut wire = next(&wires);
    wire.head();
    wire.send(STREAM);
    held.until("open\n\r\n");
    let closing = Instant::now();
    held.half_close();
    assert!(held.is_closed(), "nobody waits with its own side closed");
    assert!(closing.elapsed() < Duration::from_millis(500), "and no grace is given");
}

#[test]
fn a_held_client_that_sends_too_far_ahead_is_not_held_any_longer() {
    let (origin, wires) = origin_by_hand();
    let (_proxy, mut held) = before(origin);
    held.send(GET);
    let mut wire = next(&wires);
    wire.head();
    wire.send(STREAM);
    held.until("open\n\r\n");
    held.send("GET /next HTTP/1.1\r\nHost: h\r\n\r\n".repeat(1000));
    assert!(held.is_closed(), "its leaving could not be seen behind all that");
}

#[test]
fn fwd_57_a_half_closed_client_is_served_for_a_moment() {
    let (origin, wires) = origin_by_hand();
    let (_proxy, mut client) = before(origin);
    client.send(GET);
    client.half_close();
    let mut wire = next(&wires);
    wire.head();
    wire.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    assert_eq!(client.response().1, "ok");
    assert!(client.is_closed());
}

#[test]
fn route_70_the_test_target_holds_without_any_origin() {
    let proxy = proxy("* test");
    let mut client = client(&proxy);
    client.send("GET /stream HTTP/1.1\r\nHost: h\r\n\r\n");
    client.until("[stream opened]\n\r\n");
    publish(&proxy, r#"{"channel": "test", "http-stream": {"content": "x"}}"#);
    assert_eq!(client.until("x\r\n"), "1\r\nx\r\n");
}

#[test]
fn route_54_a_new_configuration_is_for_new_requests() {
    let (proxy, mut client) = before(answering(STREAM));
    client.send(GET);
    client.until("open\n\r\n");
    let routes = format!("* {}", nobody());
    let loaded = holdfast_core::route::parse_routes(&routes, &mut |_| Err(String::new()));
    proxy.reconfigure(holdfast_core::engine::Config { routes: loaded.table, ..Default::default() });
    let deadline = Instant::now() + crate::wire::PATIENCE;
    loop {
        let mut other = crate::wire::client(&proxy);
        other.send(GET);
        if other.head().starts_with("HTTP/1.1 502 ") {
            break;
        }
        assert!(Instant::now() < deadline, "the new route is used");
    }
    publish(&proxy, r#"{"channel": "c", "http-stream": {"content": "still"}}"#);
    assert_eq!(client.until("still\r\n"), "5\r\nstill\r\n");
}
