//! Start and stop.

use std::net::TcpListener;
use std::thread;
use std::time::{Duration, Instant};

use holdfast::StartError;

use crate::wire::{answering, before, field, next, origin_by_hand, proxy};

const GET: &str = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";

#[test]
fn ctrl_15_an_address_in_use_fails_the_start_and_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = taken.local_addr().unwrap();
    let error = crate::wire::start("* test", |settings| settings.listeners = vec![addr]);
    assert!(matches!(error, Err(StartError::Bind { key: "http_port", .. })));
    let error = crate::wire::start("* test", |settings| {
        settings.publish.as_mut().unwrap().addr = addr;
    });
    let error = error.unwrap_err().to_string();
    assert!(error.starts_with(&format!("push_in_http_port: cannot listen on {addr}: ")), "{error}");
}

#[test]
fn two_proxies_never_share_a_port() {
    let first = proxy("* test");
    let addr = first.http_addrs()[0];
    let second = crate::wire::start("* test", |settings| settings.listeners = vec![addr]);
    assert!(matches!(second, Err(StartError::Bind { .. })));
}

#[test]
fn holds_end_properly_at_a_stop() {
    let stream = "HTTP/1.1 200 OK\r\nGrip-Hold: stream\r\nGrip-Channel: c\r\n\
                  Content-Length: 5\r\n\r\nopen\n";
    let (proxy, mut held) = before(answering(stream));
    held.send(GET);
    held.until("open\n\r\n");
    let mut idle = crate::wire::client(&proxy);
    let begun = Instant::now();
    proxy.stop().unwrap();
    assert!(begun.elapsed() < Duration::from_secs(1), "nothing had to be cut");
    assert_eq!(held.rest(), "0\r\n\r\n");
    assert_eq!(idle.rest(), "");
}

#[test]
fn what_is_under_way_is_finished_at_a_stop() {
    let (origin, wires) = origin_by_hand();
    let (proxy, mut client) = before(origin);
    let addr = proxy.http_addrs()[0];
    client.send(GET);
    let mut wire = next(&wires);
    wire.head();
    let stopping = thread::spawn(move || proxy.stop());
    thread::sleep(Duration::from_millis(200));
    assert!(std::net::TcpStream::connect(addr).is_err(), "nobody is let in any more");
    wire.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    let (head, body) = client.response();
    assert_eq!((field(&head, "connection"), &body[..]), (Some("close"), "ok"));
    stopping.join().unwrap().unwrap();
}

#[test]
fn what_does_not_finish_is_cut_at_a_stop() {
    let (origin, wires) = origin_by_hand();
    let (proxy, mut client) = before(origin);
    client.send(GET);
    let mut wire = next(&wires);
    wire.head();
    proxy.stop().unwrap();
    assert!(client.is_closed());
    assert!(wire.is_closed());
}

#[test]
fn a_proxy_that_is_dropped_stops() {
    let (proxy, mut client) = before(answering("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"));
    client.send(GET);
    client.response();
    drop(proxy);
    assert!(client.is_closed());
}
