//! Clients that are slow, silent or too many.

use std::time::Duration;

use crate::wire::{client, next, origin_by_hand, proxy_with};

#[test]
fn lim_20_a_silent_client_and_a_trickled_head_are_closed_without_an_answer() {
    let proxy = proxy_with("* test", |settings| {
        settings.client_idle_timeout = Duration::from_secs(1);
    });
    let mut silent = client(&proxy);
    let mut trickle = client(&proxy);
    for byte in b"GET / HTT" {
        // The proxy may have closed it by now; that is what is tested.
        let _ = std::io::Write::write(&mut trickle.stream, &[*byte]);
        std::thread::sleep(Duration::from_millis(300));
    }
    assert_eq!(silent.rest(), "");
    assert_eq!(trickle.rest(), "");
    let mut kept = client(&proxy);
    kept.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    kept.response();
    assert_eq!(kept.rest(), "", "an idle connection is closed as well");
}

#[test]
fn lim_21_a_stalled_request_body_is_408() {
    let (origin, wires) = origin_by_hand();
    let proxy = proxy_with(&format!("* {origin}"), |settings| {
        settings.client_idle_timeout = Duration::from_secs(1);
    });
    let mut client = client(&proxy);
    client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nhalf");
    let mut wire = next(&wires);
    wire.head();
    assert_eq!(wire.exactly(4), "half");
    assert!(client.head().starts_with("HTTP/1.1 408 "));
    client.rest();
    assert!(wire.is_closed(), "the origin is not left waiting");
}

#[test]
fn fwd_54_a_broken_request_body_is_400() {
    let (origin, wires) = origin_by_hand();
    let proxy = proxy_with(&format!("* {origin}"), |_| {});
    let mut client = client(&proxy);
    client.send("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
    let mut wire = next(&wires);
    wire.head();
    wire.until("abc\r\n");
    client.send("nonsense\r\n");
    assert!(client.head().starts_with("HTTP/1.1 400 "));
    client.rest();
    assert!(wire.is_closed());
}

#[test]
fn lim_26_a_client_that_does_not_read_is_cut() {
    let (origin, wires) = origin_by_hand();
    let proxy = proxy_with(&format!("* {origin}"), |settings| {
        settings.client_idle_timeout = Duration::from_secs(1);
    });
    let mut client = client(&proxy);
    client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    let mut wire = next(&wires);
    wire.head();
    let block = vec![b'x'; 1 << 20];
    wire.send("HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n");
    while std::io::Write::write_all(&mut wire.stream, &block).is_ok() {}
    assert!(client.rest().len() < 1_000_000_000, "and the origin is let go");
}

#[test]
fn lim_10_beyond_the_limit_clients_are_told_so() {
    let proxy = proxy_with("* test", |settings| {
        settings.client_maxconn = 2;
    });
    let mut first = client(&proxy);
    let second = client(&proxy);
    first.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    first.response();
    let mut third = client(&proxy);
    third.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    let (head, body) = third.response();
    assert!(head.starts_with("HTTP/1.1 503 "), "{head}");
    assert_eq!(body, "Too many connections.\n");
    assert!(third.is_closed());
    drop(second);
    std::thread::sleep(Duration::from_millis(100));
    let mut fourth = client(&proxy);
    fourth.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    assert!(fourth.head().starts_with("HTTP/1.1 200 "));
}
