//! How WebSockets end when nobody wants them to: at a stop, by silence, and by breaking the rules.

use std::time::{Duration, Instant};

use holdfast_core::ground::Span;

use tokio_tungstenite::tungstenite::Message;

use crate::websocket::{
    Backend, accepted, ask, close, closed, hear, is_over, joined, native, subscription,
};
use crate::wire::{next, origin_by_hand, proxy, proxy_with};

#[test]
fn ops_20_a_stop_tells_clients_and_backends() {
    let mut backend = Backend::new();
    let (origin, wires) = origin_by_hand();
    let proxy = proxy_with(
        &format!("* {origin}\n*,path_beg=/woh {},over_http", backend.addr),
        |settings| {
            settings.drain_timeout = Duration::from_secs(5);
            settings.core.limits.drain_spread = Span::from_millis(100);
        },
    );
    let (mut client, mut native) = joined(&proxy, &wires, None);
    let over_http = ask(&proxy, "/woh");
    assert_eq!(backend.asked().events, "OPEN\r\n");
    backend.answer("OPEN\r\n");
    let mut over_http = accepted(over_http);
    let begun = Instant::now();
    let stopping = std::thread::spawn(move || proxy.stop());
    assert_eq!(closed(&mut client), (1001, String::new()));
    assert_eq!(closed(&mut native), (1001, String::new()));
    assert_eq!(closed(&mut over_http), (1001, String::new()));
    assert_eq!(backend.asked().events, "DISCONNECT\r\n");
    assert!(!stopping.is_finished(), "the answer is waited for");
    backend.answer("");
    stopping.join().unwrap().unwrap();
    assert!(begun.elapsed() < Duration::from_secs(4), "nothing had to be cut");
}

#[test]
fn ops_20_a_stop_waits_for_nobody_for_ever() {
    let mut backend = Backend::new();
    let proxy = proxy(&format!("* {},over_http", backend.addr));
    let mut silent = backend.accept(&proxy, &subscription("c"));
    let begun = Instant::now();
    proxy.stop().unwrap();
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
    assert_eq!(backend.asked().events, "DISCONNECT\r\n");
    assert!(is_over(&mut silent));
}

#[test]
fn ws_34_a_close_that_is_not_answered_ends_in_time() {
    let (origin, wires) = origin_by_hand();
    let proxy = proxy_with(&format!("* {origin}"), |settings| {
        settings.core.limits.close_timeout = Span::from_millis(300);
    });
    let mut client = ask(&proxy, "/ws");
    let mut backend = native(next(&wires), None);
    client.head();
    close(&mut backend, 4000, "");
    assert_eq!(client.some(), b"\x88\x02\x0f\xa0");
    let asked = Instant::now();
    assert!(client.is_closed());
    assert!(asked.elapsed() >= Duration::from_millis(200));
    assert_eq!(closed(&mut backend), (4000, String::new()), "the backend is answered all the same");

    let (mut client, backend) = joined(&proxy, &wires, None);
    close(&mut client, 4001, "me");
    assert_eq!(closed(&mut client), (4001, "me".to_owned()), "the backend says nothing");
    drop(backend);
}

#[test]
fn ws_26_ws_27_a_client_that_breaks_the_rules_is_told_and_the_backend_too() {
    let mut backend = Backend::new();
    let proxy = proxy(&format!("* {},over_http", backend.addr));
    let masked = |head: &[u8], payload: &[u8]| [head, &[0; 4], payload].concat();
    let cases: [(Vec<u8>, u16); 6] = [
        (b"\x81\x01x".to_vec(), 1002),
        (masked(b"\xc1\x81", b"x"), 1002),
        (masked(b"\x83\x81", b"x"), 1002),
        (masked(b"\x80\x81", b"x"), 1002),
        (masked(b"\x81\x81", b"\xff"), 1007),
        (masked(b"\x88\x81", b"x"), 1002),
    ];
    for (bytes, code) in cases {
        let mut client = ask(&proxy, "/ws");
        backend.expect("OPEN\r\n", "OPEN\r\n");
        client.head();
        client.send(&bytes);
        let frame = client.some();
        assert_eq!(frame.get(..1), Some(&b"\x88"[..]), "{bytes:x?}");
        assert_eq!(frame.get(2..4), Some(&code.to_be_bytes()[..]), "{bytes:x?}");
        backend.expect("DISCONNECT\r\n", "");
    }
}

#[test]
fn ws_27_text_of_any_kind_passes_where_it_is_not_checked() {
    let (origin, wires) = origin_by_hand();
    let proxy = proxy_with(&format!("* {origin}"), |settings| settings.check_utf8 = false);
    let mut client = ask(&proxy, "/ws");
    let mut backend = native(next(&wires), None);
    client.head();
    client.send(b"\x81\x81\0\0\0\0\xff");
    assert!(backend.read().is_err(), "tungstenite does not take it, but there it is");
    client.send(b"\x82\x81\0\0\0\0x");
}

#[test]
fn ws_25_a_ping_between_the_fragments_of_a_message_is_legal() {
    let mut backend = Backend::new();
    let proxy = proxy(&format!("* {},over_http", backend.addr));
    let mut client = ask(&proxy, "/ws");
    backend.expect("OPEN\r\n", "OPEN\r\n");
    client.head();
    client.send(b"\x01\x81\0\0\0\0a\x89\x81\0\0\0\0p\x80\x81\0\0\0\0b");
    assert_eq!(client.some(), b"\x8a\x01p");
    backend.expect("TEXT 2\r\nab\r\n", "");
}

#[test]
fn ws_53_who_answers_pings_stays_and_who_is_silent_is_closed() {
    let mut backend = Backend::new();
    let proxy = proxy_with(&format!("* {},over_http", backend.addr), |settings| {
        settings.core.limits.socket_ping_interval = Some(Span::from_secs(1));
        settings.core.limits.socket_idle_timeout = Span::from_millis(2500);
    });
    let mut there = backend.accept(&proxy, "");
    let mut silent = ask(&proxy, "/ws");
    backend.expect("OPEN\r\n", "OPEN\r\n");
    silent.head();
    for _ in 0..3 {
        assert!(matches!(hear(&mut there), Message::Ping(_)));
    }
    assert_eq!(silent.some(), b"\x89\x08holdfast\x88\x02\x03\xe9");
    assert_eq!(backend.asked().events, "CLOSE\r\n", "and the pongs are nothing to it");
}
