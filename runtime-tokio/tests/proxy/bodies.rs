//! Request bodies and large bodies, in both directions.

use std::io::Write;
use std::thread;
use std::time::Duration;

use crate::wire::{Wire, before, field, next, origin, origin_by_hand};

const BIG: usize = 32 << 20;
/// More than the buffers of all sockets on the way can hold, however the system tunes them.
const MUCH: usize = 256 << 20;

#[test]
fn fwd_54_55_request_bodies_of_every_framing() {
    let (origin, wires) = origin_by_hand();
    let (_proxy, mut client) = before(origin);
    client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello");
    let mut wire = next(&wires);
    assert_eq!(field(&wire.head(), "content-length"), Some("5"));
    assert_eq!(wire.exactly(5), "hello");
    wire.send("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1");
    assert_eq!(client.response().1, "1");

    client.send("PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n");
    assert_eq!(field(&wire.head(), "transfer-encoding"), Some("chunked"));
    assert_eq!(wire.until("abc\r\n"), "3\r\nabc\r\n");
    client.send("2\r\nde\r\n0\r\nT: x\r\n\r\n");
    assert_eq!(wire.until("0\r\n\r\n"), "2\r\nde\r\n0\r\n\r\n");
    wire.send("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n2");
    assert_eq!(client.response().1, "2");

    client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n");
    assert_eq!(field(&wire.head(), "content-length"), Some("0"));
    wire.send("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n3");
    assert_eq!(client.response().1, "3");
}

#[test]
fn fwd_53_the_body_is_asked_for_when_the_origin_is_there() {
    let (origin, wires) = origin_by_hand();
    let (_proxy, mut client) = before(origin);
    client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
    assert_eq!(client.head(), "HTTP/1.1 100 Continue\r\n\r\n");
    client.send("hi");
    let mut wire = next(&wires);
    wire.head();
    assert_eq!(wire.exactly(2), "hi");
    wire.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    assert_eq!(client.response().1, "ok");
}

#[test]
fn fwd_58_an_early_answer_is_passed_on_and_ends_the_connection() {
    let (origin, wires) = origin_by_hand();
    let (_proxy, mut client) = before(origin);
    client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\npart");
    let mut wire = next(&wires);
    wire.head();
    wire.exactly(4);
    wire.send("HTTP/1.1 413 Too Much\r\nContent-Length: 3\r\n\r\nno!");
    let (head, body) = client.response();
    assert!(head.starts_with("HTTP/1.1 413 Too Much\r\n"), "{head}");
    assert_eq!((field(&head, "connection"), &body[..]), (Some("close"), "no!"));
    assert!(client.is_closed());
    assert!(wire.is_closed(), "and is not used for another request");
}

#[test]
fn fwd_58_an_answer_is_read_even_if_the_origin_takes_no_more_of_the_request() {
    let (origin, wires) = origin_by_hand();
    let (_proxy, mut client) = before(origin);
    client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10000000\r\n\r\n");
    let mut wire = next(&wires);
    wire.head();
    wire.send("HTTP/1.1 400 No\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno");
    wire.half_close();
    let (head, body) = client.response();
    assert!(head.starts_with("HTTP/1.1 400 No\r\n"), "{head}");
    assert_eq!(body, "no");
}

#[test]
fn fwd_58_both_bodies_at_once() {
    let (origin, wires) = origin_by_hand();
    let (_proxy, mut client) = before(origin);
    client.send("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n");
    let mut wire = next(&wires);
    wire.head();
    wire.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    client.head();
    for _ in 0..3 {
        client.send("4\r\nping\r\n");
        assert_eq!(wire.until("ping\r\n"), "4\r\nping\r\n");
        wire.send("4\r\npong\r\n");
        assert_eq!(client.until("pong\r\n"), "4\r\npong\r\n");
    }
}

#[test]
fn fwd_51_75_big_bodies_pass_in_both_directions() {
    let addr = origin(|mut wire| {
        wire.head();
        let mut digest = Digest::default();
        digest.read(&mut wire, BIG);
        wire.send(format!(
            "HTTP/1.1 200 OK\r\nContent-Length: {BIG}\r\nX-Sum: {}\r\n\r\n",
            digest.0
        ));
        send_big(&mut wire);
    });
    let (_proxy, mut client) = before(addr);
    client.send(format!("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: {BIG}\r\n\r\n"));
    send_big(&mut client);
    let head = client.head();
    let mut digest = Digest::default();
    digest.read(&mut client, BIG);
    assert_eq!(field(&head, "x-sum"), Some(&digest.0.to_string()[..]));
}

#[test]
fn fwd_51_a_slow_origin_holds_back_the_client() {
    let (origin, wires) = origin_by_hand();
    let (_proxy, mut client) = before(origin);
    client.send(format!("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: {}\r\n\r\n", 1 << 30));
    let mut wire = next(&wires);
    wire.head();
    // Nobody reads at the origin: only what fits into the sockets' buffers is taken.
    assert!(taken_until_blocked(&mut client) < MUCH, "the proxy does not buffer the body");
}

#[test]
fn fwd_75_a_slow_client_holds_back_the_origin() {
    let (origin, wires) = origin_by_hand();
    let (_proxy, mut client) = before(origin);
    client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    let mut wire = next(&wires);
    wire.head();
    wire.send(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", 1 << 30));
    assert!(taken_until_blocked(&mut wire) < MUCH, "the proxy does not buffer the body");
}

/// Writes until nothing is taken for a while; returns how many bytes were.
fn taken_until_blocked(wire: &mut Wire) -> usize {
    wire.stream.set_write_timeout(Some(Duration::from_millis(300))).unwrap();
    let (block, mut taken) = (vec![b'x'; 64 << 10], 0);
    while taken < MUCH {
        match wire.stream.write(&block) {
            Ok(count) => taken += count,
            Err(_) => break,
        }
    }
    taken
}

fn send_big(wire: &mut Wire) {
    let mut stream = wire.stream.try_clone().unwrap();
    thread::spawn(move || {
        for block in 0..BIG >> 16 {
            let letter = b'a' + u8::try_from(block % 26).unwrap();
            if stream.write_all(&vec![letter; 1 << 16]).is_err() {
                return;
            }
        }
    });
}

#[derive(Default)]
struct Digest(u64);

impl Digest {
    fn read(&mut self, wire: &mut Wire, mut count: usize) {
        while count > 0 {
            let block = wire.some();
            assert!(!block.is_empty(), "closed with {count} bytes to come");
            count -= block.len();
            for byte in block {
                self.0 = self.0.wrapping_mul(31).wrapping_add(u64::from(byte));
            }
        }
    }
}
