//! What is published to WebSockets.

use tokio_tungstenite::tungstenite::protocol::frame::{
    Frame,
    coding::{Data, OpCode},
};
use tokio_tungstenite::tungstenite::{Bytes, Message};

use crate::websocket::{
    Backend, Socket, closed, event, hear, hear_text, is_silent, item, joined, say, subscribe,
    subscription,
};
use crate::wire::{origin_by_hand, proxy, proxy_with, publish};

fn ws(message: &str) -> String {
    format!(r#"{{"channel": "c", "formats": {{"ws-message": {message}}}}}"#)
}

#[test]
fn wpub_20_a_burst_arrives_whole_and_in_order() {
    let mut backend = Backend::new();
    let (origin, wires) = origin_by_hand();
    let proxy =
        proxy(&format!("* {origin}\n*,path_beg=/woh {},over_http,replace_beg=/ws", backend.addr));
    let (mut client, mut native) = joined(&proxy, &wires, Some("grip"));
    say(&mut native, subscribe("c"));
    say(&mut native, "m:ready");
    assert_eq!(hear_text(&mut client), "ready");
    let over_http = crate::websocket::ask(&proxy, "/woh");
    assert_eq!(backend.asked().events, "OPEN\r\n");
    let events = format!("OPEN\r\n{}", subscription("c"));
    backend.answer_with("Sec-WebSocket-Extensions: grip\r\n", &events);
    let mut over_http = crate::websocket::accepted(over_http);
    for (count, size) in
        [(100, 10), (100, 100), (100, 1000), (20, 5000), (5, 20_000), (3, 100_000), (3000, 20)]
    {
        let content = |at: usize| format!("{at} {}", "x".repeat(size - 5));
        let items: Vec<_> = (0..count).map(|at| item(&content(at))).collect();
        publish(&proxy, &items.join(","));
        for at in 0..count {
            assert!(hear_text(&mut client) == content(at), "{count} of {size}: {at}");
            assert!(hear_text(&mut over_http) == content(at), "{count} of {size}: {at}");
        }
    }
    for at in 0..50 {
        publish(&proxy, &item(&at.to_string()));
    }
    for at in 0..50 {
        assert_eq!(hear_text(&mut client), at.to_string());
    }
}

#[test]
fn wpub_20_a_client_that_does_not_read_is_closed_and_others_are_not() {
    let mut backend = Backend::new();
    let proxy = proxy_with(&format!("* {},over_http", backend.addr), |settings| {
        settings.core.limits.socket_backlog_bytes = 100_000;
    });
    let mut slow = backend.accept(&proxy, &subscription("c"));
    let mut quick = backend.accept(&proxy, &subscription("c"));
    let large = "y".repeat(500_000);
    for _ in 0..20 {
        publish(&proxy, &item(&large));
        assert!(hear_text(&mut quick) == large);
    }
    let mut count = 0;
    let code = loop {
        match hear(&mut slow) {
            Message::Text(text) => assert!(text.len() == large.len()),
            Message::Close(close) => break close.map(|close| close.code.into()),
            other => panic!("{other:?}"),
        }
        count += 1;
    };
    assert!((1..20).contains(&count), "{count} were sent before");
    assert_eq!(code, Some(1008));
    publish(&proxy, &item("still"));
    assert_eq!(hear_text(&mut quick), "still");
}

#[test]
fn wpub_1_wpub_2_all_kinds_arrive() {
    let mut backend = Backend::new();
    let proxy = proxy(&format!("* {},over_http", backend.addr));
    let mut client = backend.accept(&proxy, &subscription("c"));
    let cases = [
        (r#"{"content": ""}"#, Message::text("")),
        (r#"{"content": "c:as it is"}"#, Message::text("c:as it is")),
        (r#"{"content-bin": "AP8="}"#, Message::binary(vec![0, 255])),
        (r#"{"type": "text", "content-bin": "eA=="}"#, Message::text("x")),
        (r#"{"type": "binary", "content": "x"}"#, Message::binary(&b"x"[..])),
        (r#"{"type": "ping"}"#, Message::Ping(Bytes::new())),
        (r#"{"type": "pong", "content": "x"}"#, Message::Pong(Bytes::from_static(b"x"))),
    ];
    for (message, expected) in cases {
        publish(&proxy, &ws(message));
        assert_eq!(hear(&mut client), expected, "{message}");
    }
}

#[test]
fn wpub_4_wpub_5_actions_work() {
    let mut backend = Backend::new();
    let proxy = proxy(&format!("* {},over_http", backend.addr));
    let mut client = backend.accept(&proxy, &subscription("c"));
    publish(&proxy, &ws(r#"{"action": "refresh"}"#));
    backend.expect("", &event("m:fresh"));
    assert_eq!(hear_text(&mut client), "fresh");
    publish(&proxy, &ws(r#"{"action": "hint"}"#));
    assert!(is_silent(&mut client));
    let close = ws(r#"{"action": "close", "code": 4005, "reason": "over"}"#);
    publish(&proxy, &format!("{},{close},{}", item("last"), item("too late")));
    assert_eq!(hear_text(&mut client), "last");
    assert_eq!(closed(&mut client), (4005, "over".to_owned()));
    backend.expect("CLOSE\r\n", "");
    let mut client = backend.accept(&proxy, &subscription("c"));
    publish(&proxy, &ws(r#"{"action": "close"}"#));
    assert_eq!(closed(&mut client), (1000, String::new()));
    backend.expect("CLOSE\r\n", "");
}

#[test]
fn wpub_9_an_item_never_lands_inside_a_message() {
    let (origin, wires) = origin_by_hand();
    let proxy = proxy(&format!("* {origin},sub=c"));
    let (mut client, mut backend) = joined(&proxy, &wires, None);
    let piece = |data: &'static str, opcode, last| {
        let opcode = OpCode::Data(opcode);
        Message::Frame(Frame::message(Bytes::from_static(data.as_bytes()), opcode, last))
    };
    backend.send(piece("one ", Data::Text, false)).unwrap();
    backend.send(Message::Ping(Bytes::new())).unwrap();
    assert_eq!(hear(&mut client), Message::Ping(Bytes::new()), "the first piece is there");
    publish(&proxy, &format!("{},{}", item("published"), item("too")));
    assert!(is_silent(&mut client));
    backend.send(piece("message", Data::Continue, true)).unwrap();
    assert_eq!(hear_text(&mut client), "one message");
    assert_eq!(hear_text(&mut client), "published");
    assert_eq!(hear_text(&mut client), "too");
}

#[test]
fn many_sockets_on_all_shards_get_every_item_in_order() {
    let mut backend = Backend::new();
    let proxy = proxy_with(&format!("* {},over_http", backend.addr), |settings| {
        settings.workers = 3;
    });
    let mut clients: Vec<Socket> = (0..40)
        .map(|_| {
            // Each shard has connections of its own to the backend.
            backend.hang_up();
            backend.accept(&proxy, &subscription("c"))
        })
        .collect();
    for at in 0..100 {
        publish(&proxy, &item(&at.to_string()));
    }
    for client in &mut clients {
        for at in 0..100 {
            assert_eq!(hear_text(client), at.to_string());
        }
    }
}

#[test]
fn ctl_40_a_keep_alive_of_the_backend_reaches_a_quiet_client() {
    let mut backend = Backend::new();
    let proxy = proxy(&format!("* {},over_http", backend.addr));
    let control = r#"c:{"type": "keep-alive", "content": "alive", "timeout": 1}"#;
    let mut client = backend.accept(&proxy, &event(control));
    for _ in 0..2 {
        assert_eq!(hear_text(&mut client), "alive");
    }
    assert!(backend.is_silent(), "it is between proxy and client");
}
