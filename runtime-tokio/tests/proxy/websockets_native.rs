//! WebSockets whose backend speaks WebSocket itself.

use std::thread;

use tokio_tungstenite::tungstenite::{Bytes, Message};

use crate::websocket::{
    A_WHILE, Socket, ask, ask_with, close, closed, hear, hear_text, is_over, is_told_of_failure,
    item, joined, say, subscribe,
};
use crate::wire::{field, next, nobody, origin_by_hand, proxy, publish};

#[test]
fn ws_6_ws_7_ws_9_an_upgrade_and_its_acceptance_pass_through() {
    let (origin, wires) = origin_by_hand();
    let proxy = proxy(&format!("* {origin}"));
    let fields = "Sec-WebSocket-Protocol: a, b\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\
                  Cookie: x=1\r\nOrigin: http://o\r\nGrip-Sig: none\r\n";
    let mut client = ask_with(&proxy, "/ws?x=1", fields);
    let mut wire = next(&wires);
    let asked = wire.head();
    assert!(asked.starts_with("GET /ws?x=1 HTTP/1.1\r\n"), "{asked}");
    let expected = [
        ("cookie", Some("x=1")),
        ("origin", Some("http://o")),
        ("sec-websocket-protocol", Some("a, b")),
        ("sec-websocket-extensions", Some("grip")),
        ("grip-sig", None),
    ];
    for (name, value) in expected {
        assert_eq!(field(&asked, name), value, "{name}");
    }
    let key = field(&asked, "sec-websocket-key").unwrap();
    let accept = tokio_tungstenite::tungstenite::handshake::derive_accept_key(key.as_bytes());
    wire.send(format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {accept}\r\nSec-WebSocket-Protocol: b\r\nX-Own: 1\r\n\
         Sec-WebSocket-Extensions: grip\r\n\r\n"
    ));
    let head = client.head();
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    let expected = [
        ("sec-websocket-protocol", Some("b")),
        ("x-own", Some("1")),
        ("sec-websocket-extensions", None),
        ("sec-websocket-accept", Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")),
    ];
    for (name, value) in expected {
        assert_eq!(field(&head, name), value, "{name}");
    }
}

#[test]
fn ws_10_ws_11_a_rejection_is_relayed_with_a_length() {
    let (origin, wires) = origin_by_hand();
    let proxy = proxy(&format!("* {origin}"));
    let long = "x".repeat(100_000);
    let chunked = "HTTP/1.1 403 No\r\nX-Why: 1\r\nTransfer-Encoding: chunked\r\n\r\n\
                   3\r\nnot\r\n4\r\n you\r\n0\r\n\r\n";
    let cases = [
        (chunked.to_owned(), "HTTP/1.1 403 No\r\n", "not you".to_owned()),
        (
            format!("HTTP/1.1 401 Who\r\nX-Why: 1\r\nConnection: close\r\n\r\n{long}"),
            "HTTP/1.1 401 Who\r\n",
            long.clone(),
        ),
        (
            format!("HTTP/1.1 500 Oh\r\nX-Why: 1\r\nContent-Length: 200000\r\n\r\n{long}{long}"),
            "HTTP/1.1 500 Oh\r\n",
            long.clone(),
        ),
        (
            "HTTP/1.1 302 There\r\nX-Why: 1\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n"
                .to_owned(),
            "HTTP/1.1 302 There\r\n",
            String::new(),
        ),
    ];
    for (answer, start, body) in cases {
        let mut client = ask(&proxy, "/ws");
        let mut wire = next(&wires);
        wire.head();
        wire.send(&answer);
        drop(wire);
        let (head, got) = client.response();
        assert!(head.starts_with(start), "{head}");
        assert_eq!(field(&head, "x-why"), Some("1"));
        assert!(got == body, "{} bytes instead of {}", got.len(), body.len());
    }
}

#[test]
fn ws_12_ws_13_the_second_target_is_tried_and_then_no_other() {
    let (origin, wires) = origin_by_hand();
    let at_second = proxy(&format!("* {} {origin}", nobody()));
    let (mut client, mut backend) = joined(&at_second, &wires, None);
    say(&mut backend, "here");
    assert_eq!(hear_text(&mut client), "here");

    let at_none = proxy(&format!("* {} {}", nobody(), nobody()));
    let (head, body) = ask(&at_none, "/ws").response();
    assert!(head.starts_with("HTTP/1.1 502 Bad Gateway\r\n"), "{head}");
    assert_eq!(body, "Error while proxying to origin.\n");
}

#[test]
fn ws_20_ws_23_frames_pass_both_ways_in_order() {
    let (origin, wires) = origin_by_hand();
    let proxy = proxy(&format!("* {origin}"));
    let (mut client, mut backend) = joined(&proxy, &wires, None);
    let frames = [
        Message::text("c:text"),
        Message::text(""),
        Message::binary(vec![0, 159, 146]),
        Message::Ping(Bytes::from_static(b"ping")),
        Message::Pong(Bytes::from_static(b"pong")),
        Message::text("é".repeat(5000)),
    ];
    for frame in &frames {
        client.send(frame.clone()).unwrap();
        backend.send(frame.clone()).unwrap();
    }
    for end in [&mut client, &mut backend] {
        for frame in &frames {
            assert_eq!(&hear(end), frame);
        }
        // tungstenite itself answers the ping.
        end.flush().unwrap();
    }
    assert_eq!(hear(&mut client), Message::Pong(Bytes::from_static(b"ping")));
    assert_eq!(hear(&mut backend), Message::Pong(Bytes::from_static(b"ping")));
}

#[test]
fn nat_6_nat_8_a_grip_backend_is_heard_by_prefix() {
    let (origin, wires) = origin_by_hand();
    let proxy = proxy(&format!("* {origin}"));
    let (mut client, mut backend) = joined(&proxy, &wires, Some(r#"grip; message-prefix="d:""#));
    say(&mut backend, "c:no json");
    say(&mut backend, "oops");
    say(&mut backend, format!("m:{}", "x".repeat(300_000)));
    say(&mut backend, "d:text");
    backend.send(Message::binary(&b"d:binary"[..])).unwrap();
    say(&mut backend, "d:");
    let long = "y".repeat(300_000);
    say(&mut backend, format!("d:{long}"));
    assert_eq!(hear_text(&mut client), "text");
    assert_eq!(hear(&mut client), Message::binary(&b"binary"[..]));
    assert_eq!(hear_text(&mut client), "");
    assert_eq!(hear_text(&mut client), long);
    say(&mut client, "c:{}");
    assert_eq!(hear_text(&mut backend), "c:{}");
}

#[test]
fn ctl_4_ctl_10_what_is_published_after_the_acceptance_arrives() {
    let (origin, wires) = origin_by_hand();
    let proxy = proxy(&format!("*,prefix=p- {origin}"));
    for _ in 0..20 {
        let (mut client, mut backend) = joined(&proxy, &wires, Some("grip"));
        say(&mut backend, subscribe("c"));
        say(&mut backend, "m:ready");
        assert_eq!(hear_text(&mut client), "ready");
        publish(&proxy, &item("news").replace(r#""c""#, r#""p-c""#));
        assert_eq!(hear_text(&mut client), "news");
        say(&mut backend, r#"c:{"type": "unsubscribe", "channel": "c"}"#);
        say(&mut backend, "m:left");
        assert_eq!(hear_text(&mut client), "left");
        publish(&proxy, &item("news").replace(r#""c""#, r#""p-c""#));
        say(&mut backend, "m:next");
        assert_eq!(hear_text(&mut client), "next");
    }
}

#[test]
fn ws_28_ws_29_closes_pass_with_code_and_reason() {
    let (origin, wires) = origin_by_hand();
    let proxy = proxy(&format!("* {origin}"));
    let (mut client, mut backend) = joined(&proxy, &wires, None);
    close(&mut client, 4001, "bye");
    assert_eq!(closed(&mut backend), (4001, "bye".to_owned()));
    assert_eq!(closed(&mut client), (4001, "bye".to_owned()));

    let (mut client, mut backend) = joined(&proxy, &wires, None);
    say(&mut backend, "last");
    close(&mut backend, 4002, "enough");
    assert_eq!(hear_text(&mut client), "last");
    assert_eq!(closed(&mut client), (4002, "enough".to_owned()));
    assert_eq!(closed(&mut backend), (4002, "enough".to_owned()));
}

#[test]
fn ws_35_ws_36_whoever_is_gone_is_noticed_at_the_other_end() {
    let (origin, wires) = origin_by_hand();
    let proxy = proxy(&format!("* {origin}"));
    let (client, mut backend) = joined(&proxy, &wires, None);
    drop(client);
    assert!(is_over(&mut backend));

    let (mut client, mut backend) = joined(&proxy, &wires, None);
    say(&mut backend, "last");
    drop(backend);
    assert_eq!(hear_text(&mut client), "last");
    assert!(is_told_of_failure(&mut client));
}

#[test]
fn ctl_30_ctl_31_a_detached_client_lives_on() {
    let (origin, wires) = origin_by_hand();
    let proxy = proxy(&format!("* {origin}"));
    let (mut client, mut backend) = joined(&proxy, &wires, Some("grip"));
    say(&mut backend, subscribe("c"));
    say(&mut backend, r#"c:{"type": "detach"}"#);
    say(&mut backend, "m:too late");
    assert_eq!(closed(&mut backend), (1000, String::new()));
    publish(&proxy, &item("news"));
    assert_eq!(hear_text(&mut client), "news");
    say(&mut client, "to nobody");
    client.send(Message::Ping(Bytes::from_static(b"x"))).unwrap();
    assert_eq!(hear(&mut client), Message::Pong(Bytes::from_static(b"x")));
    close(&mut client, 4003, "bye");
    assert_eq!(closed(&mut client), (4003, "bye".to_owned()));
}

#[test]
fn ws_21_ws_50_a_slow_end_slows_the_other_and_nothing_is_lost() {
    let (origin, wires) = origin_by_hand();
    let proxy = proxy(&format!("* {origin}"));
    let (client, backend) = joined(&proxy, &wires, None);
    let (backend, client) = flow(backend, client);
    flow(client, backend);
}

/// Sends much to an end that does not read for a while; gives both back.
fn flow(mut from: Socket, mut to: Socket) -> (Socket, Socket) {
    const SIZE: usize = 1 << 20;
    let sending = thread::spawn(move || {
        for at in 0..40 {
            from.send(Message::binary(vec![at; SIZE])).unwrap();
        }
        from
    });
    thread::sleep(A_WHILE * 2);
    assert!(!sending.is_finished(), "what is not read waits where it comes from");
    for at in 0..40 {
        let Message::Binary(data) = hear(&mut to) else { panic!("no data") };
        assert!(data.len() == SIZE && data.iter().all(|byte| *byte == at));
    }
    (sending.join().unwrap(), to)
}

#[test]
fn ws_21_one_large_message_comes_back_whole() {
    let (origin, wires) = origin_by_hand();
    let proxy = proxy(&format!("* {origin}"));
    let (mut client, mut backend) = joined(&proxy, &wires, None);
    let large: Bytes = (0..8_000_000).map(|at| (at % 251) as u8).collect();
    let echoing = thread::spawn(move || {
        let message = hear(&mut backend);
        backend.send(message).unwrap();
        backend
    });
    client.send(Message::Binary(large.clone())).unwrap();
    assert!(hear(&mut client) == Message::Binary(large));
    echoing.join().unwrap();
}
