//! WebSockets whose backend speaks WebSocket-over-HTTP.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use tokio_tungstenite::tungstenite::{Bytes, Message};

use crate::websocket::{
    Backend, accepted, ask, ask_with, close, closed, event, hear, hear_text, is_silent,
    is_told_of_failure, item, say, subscription,
};
use crate::wire::{Wire, field, nobody, proxy, publish};

fn before(backend: &Backend) -> holdfast::Proxy {
    proxy(&format!("* {},over_http", backend.addr))
}

#[test]
fn woh_1_woh_30_requests_carry_what_the_backend_needs() {
    let mut backend = Backend::new();
    let proxy = before(&backend);
    let fields =
        "Cookie: x=1\r\nMeta-Forged: 1\r\nAccept: text/html\r\nSec-WebSocket-Protocol: p\r\n";
    let client = ask_with(&proxy, "/ws?x=1", fields);
    let first = backend.asked();
    assert_eq!(first.events, "OPEN\r\n");
    let always = [
        ("content-type", Some("application/websocket-events")),
        ("accept", Some("application/websocket-events")),
        ("sec-websocket-extensions", Some("grip")),
        ("cookie", Some("x=1")),
        ("sec-websocket-protocol", Some("p")),
        ("meta-forged", None),
        ("upgrade", None),
        ("content-bytes-replayed", None),
    ];
    let check = |head: &str| {
        assert!(head.starts_with("POST /ws?x=1 HTTP/1.1\r\n"), "{head}");
        for (name, value) in always {
            assert_eq!(field(head, name), value, "{name}");
        }
    };
    check(&first.head);
    assert_eq!(field(&first.head, "meta-user"), None);
    let private = "Set-Meta-User: alice\r\nSec-WebSocket-Protocol: p\r\nX-Own: 1\r\n\
                   Content-Bytes-Accepted: 0\r\n";
    backend.answer_with(private, "OPEN\r\n");
    let mut client = client;
    let head = client.head();
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    for name in ["content-type", "content-length", "set-meta-user", "content-bytes-accepted"] {
        assert_eq!(field(&head, name), None, "WOH-13: {name}");
    }
    assert_eq!(field(&head, "x-own"), Some("1"));
    assert_eq!(field(&head, "sec-websocket-protocol"), Some("p"));
    // A masked text frame of one byte.
    client.send(b"\x81\x81\0\0\0\0x");
    let second = backend.asked();
    check(&second.head);
    assert_eq!(second.events, "TEXT 1\r\nx\r\n");
    assert_eq!(field(&second.head, "meta-user"), Some("alice"));
    let id = field(&first.head, "connection-id").unwrap();
    assert_eq!(field(&second.head, "connection-id"), Some(id));
    assert_eq!(id.len(), 36);
}

#[test]
fn ws_10_woh_14_what_is_no_acceptance_is_an_answer() {
    let mut backend = Backend::new();
    let proxy = before(&backend);
    let events = "Content-Type: application/websocket-events\r\nContent-Length";
    let cases = [
        (
            "HTTP/1.1 403 No\r\nSet-Meta-A: b\r\nContent-Length: 3\r\n\r\nno\n".to_owned(),
            "403",
            "no\n",
        ),
        (
            "HTTP/1.1 404 No\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nno\n\r\n0\r\n\r\n"
                .to_owned(),
            "404",
            "no\n",
        ),
        ("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nyes".to_owned(), "502", ""),
        (format!("HTTP/1.1 200 OK\r\n{events}: 0\r\n\r\n"), "502", ""),
        (format!("HTTP/1.1 200 OK\r\n{events}: 7\r\n\r\nCLOSE\r\n"), "502", ""),
        (format!("HTTP/1.1 200 OK\r\n{events}: 7\r\n\r\nnothing"), "502", ""),
    ];
    for (answer, status, body) in cases {
        let mut client = ask(&proxy, "/ws");
        backend.asked();
        backend.send(&answer);
        let (head, got) = client.response();
        assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{head}");
        assert_eq!(field(&head, "set-meta-a"), None);
        assert!(status == "502" || got == body, "{got}");
    }
    let unreachable = crate::wire::proxy(&format!("* {},over_http", nobody()));
    let (head, body) = ask(&unreachable, "/ws").response();
    assert!(head.starts_with("HTTP/1.1 502 Bad Gateway\r\n"), "{head}");
    assert_eq!(body, "Error while proxying to origin.\n");
}

#[test]
fn woh_7_woh_18_what_comes_meanwhile_goes_together_and_in_order() {
    let mut backend = Backend::new();
    let proxy = before(&backend);
    let mut client = backend.accept(&proxy, "TEXT 5\r\nm:one\r\nBINARY 3\r\nm:2\r\n");
    assert_eq!(hear_text(&mut client), "one");
    assert_eq!(hear(&mut client), Message::binary(&b"2"[..]));
    say(&mut client, "a");
    assert_eq!(backend.asked().events, event("a"));
    say(&mut client, "");
    client.send(Message::binary(&b"b"[..])).unwrap();
    say(&mut client, "c");
    assert!(backend.is_silent(), "one request at a time");
    backend.answer("TEXT 4\r\nm:to\r\n");
    assert_eq!(hear_text(&mut client), "to");
    let events = backend.asked().events;
    assert_eq!(events, "TEXT 0\r\n\r\nBINARY 1\r\nb\r\nTEXT 1\r\nc\r\n");
    backend.answer("");
    assert!(is_silent(&mut client));
}

#[test]
fn ctl_4_a_subscription_is_there_before_the_101() {
    let mut backend = Backend::new();
    let proxy = before(&backend);
    for _ in 0..20 {
        let mut client = backend.accept(&proxy, &subscription("c"));
        publish(&proxy, &item("news"));
        assert_eq!(hear_text(&mut client), "news");
        drop(client);
        backend.expect("DISCONNECT\r\n", "");
    }
}

#[test]
fn ws_24_pings_are_answered_and_do_not_reach_the_backend() {
    let mut backend = Backend::new();
    let proxy = before(&backend);
    let mut client = backend.accept(&proxy, "");
    client.send(Message::Ping(Bytes::from_static(b"x"))).unwrap();
    assert_eq!(hear(&mut client), Message::Pong(Bytes::from_static(b"x")));
    assert!(backend.is_silent());
}

#[test]
fn woh_46_woh_47_a_client_closes_and_always_gets_an_answer() {
    let mut backend = Backend::new();
    let proxy = before(&backend);
    // Codes that are text on the wire: 0x0fa0 is not, 0x0f21 is 3873, 0x0f22 is 3874.
    for (answer, expected) in [
        ("", (3873, "bye".to_owned())),
        ("TEXT 3\r\nm:z\r\nCLOSE 4\r\n\u{f}\"ok\r\n", (3874, "ok".to_owned())),
        ("TEXT 3\r\nm:z\r\nCLOSE\r\n", (1000, String::new())),
    ] {
        let mut client = backend.accept(&proxy, "");
        say(&mut client, "last");
        assert_eq!(backend.asked().events, event("last"));
        close(&mut client, 3873, "bye");
        backend.answer("");
        backend.expect("CLOSE 5\r\n\u{f}!bye\r\n", answer);
        if !answer.is_empty() {
            assert_eq!(hear_text(&mut client), "z");
        }
        assert_eq!(closed(&mut client), expected);
    }
}

#[test]
fn woh_48_a_backend_closes_and_hears_the_answer_or_the_silence() {
    let mut backend = Backend::new();
    let proxy = before(&backend);
    for leaves in [false, true] {
        let mut client = backend.accept(&proxy, "");
        say(&mut client, "x");
        backend.expect(&event("x"), "TEXT 6\r\nm:last\r\nCLOSE 4\r\n\u{f}!no\r\nTEXT 1\r\nx\r\n");
        assert_eq!(hear_text(&mut client), "last");
        if leaves {
            drop(client);
            backend.expect("DISCONNECT\r\n", "");
        } else {
            assert_eq!(closed(&mut client), (3873, "no".to_owned()));
            backend.expect("CLOSE 4\r\n\u{f}!no\r\n", "");
        }
    }
}

#[test]
fn woh_50_a_client_that_is_gone_is_reported() {
    let mut backend = Backend::new();
    let proxy = before(&backend);
    let client = backend.accept(&proxy, "");
    drop(client);
    backend.expect("DISCONNECT\r\n", "");
    let mut client = ask(&proxy, "/ws");
    client.half_close();
    assert!(client.is_closed());
    backend.expect("OPEN\r\n", "OPEN\r\n");
    backend.expect("DISCONNECT\r\n", "");
}

#[test]
fn ctl_30_a_detached_backend_gets_a_close_and_nothing_more() {
    let mut backend = Backend::new();
    let proxy = before(&backend);
    let detach = event(r#"c:{"type": "detach"}"#);
    let mut client = backend.accept(&proxy, &format!("{}{detach}", subscription("c")));
    backend.expect("CLOSE\r\n", "");
    publish(&proxy, &item("news"));
    assert_eq!(hear_text(&mut client), "news");
    say(&mut client, "to nobody");
    assert!(backend.is_silent());
    close(&mut client, 4003, "bye");
    assert_eq!(closed(&mut client), (4003, "bye".to_owned()));
    assert!(backend.is_silent());
}

#[test]
fn woh_45_large_messages_pass_and_too_large_ones_close() {
    let mut backend = Backend::new();
    let proxy = before(&backend);
    let mut client = backend.accept(&proxy, "");
    let large = "x".repeat(900_000);
    say(&mut client, large.clone());
    assert!(backend.asked().events == event(&large));
    backend.answer(&event(&format!("m:{large}")));
    assert!(hear_text(&mut client) == large);
    say(&mut client, "x".repeat(2_000_000));
    assert_eq!(closed(&mut client), (1009, String::new()));
    backend.expect("DISCONNECT\r\n", "");
}

#[test]
fn woh_42_a_backend_that_fails_ends_the_client_and_is_told_so() {
    for answer in [
        "HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 0\r\n\r\n",
    ] {
        let mut backend = Backend::new();
        let proxy = before(&backend);
        let mut client = backend.accept(&proxy, "");
        say(&mut client, "x");
        assert_eq!(backend.asked().events, event("x"));
        backend.send(answer);
        assert_eq!(closed(&mut client), (1011, String::new()));
        backend.expect("DISCONNECT\r\n", "");
    }
}

#[test]
fn woh_43_a_kept_connection_that_breaks_is_replaced_once() {
    let mut backend = Backend::new();
    let proxy = before(&backend);
    let mut client = backend.accept(&proxy, "");
    say(&mut client, "x");
    assert_eq!(backend.asked().events, event("x"));
    backend.hang_up();
    backend.expect(&event("x"), "TEXT 3\r\nm:y\r\n");
    assert_eq!(hear_text(&mut client), "y");
}

#[test]
fn woh_41_woh_44_a_backend_that_is_back_gets_what_waited() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    let proxy = proxy(&format!("* {addr},over_http"));
    let opening = ask(&proxy, "/ws");
    let mut wire = Wire::new(listener.accept().unwrap().0);
    wire.until("OPEN\r\n");
    let success = "HTTP/1.1 200 OK\r\nContent-Type: application/websocket-events\r\n\
                   Sec-WebSocket-Extensions: grip\r\nConnection: close\r\n";
    let events = format!("OPEN\r\n{}", subscription("c"));
    wire.send(format!("{success}Content-Length: {}\r\n\r\n{events}", events.len()));
    drop((wire, listener));
    let mut client = accepted(opening);
    let asked = Instant::now();
    say(&mut client, "a");
    say(&mut client, "b");
    publish(&proxy, &item("meanwhile"));
    assert_eq!(hear_text(&mut client), "meanwhile");
    std::thread::sleep(Duration::from_millis(300));
    let listener = TcpListener::bind(addr).unwrap();
    let mut wire = Wire::new(listener.accept().unwrap().0);
    assert!(asked.elapsed() >= Duration::from_secs(1), "the first wait is a second at least");
    wire.until("\r\n\r\nTEXT 1\r\na\r\n");
    let answer = event("m:c");
    wire.send(format!("{success}Content-Length: {}\r\n\r\n{answer}", answer.len()));
    assert_eq!(hear_text(&mut client), "c");
    let mut wire = Wire::new(listener.accept().unwrap().0);
    wire.until("\r\n\r\nTEXT 1\r\nb\r\n");
    drop(wire);
    assert!(is_told_of_failure(&mut client));
}
