//! Turns over kept-alive connections: each request or message is sent when the one before is answered.

use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use mio::{Events, Poll};

use super::Latencies;
use super::socket::{Answers, Response, Socket};
use super::web_socket::{Frames, handshake};
use crate::{frame, sys::wait};

/// What came of it.
#[derive(Debug)]
pub struct Turns {
    /// Turns a second.
    pub rate: f64,
    /// Their times.
    pub latencies: Latencies,
    /// All of them, with those of the time to warm up.
    pub count: usize,
}

/// Asks for `path` on `count` connections for `span`.
pub fn plain(addr: SocketAddr, path: &str, count: usize, span: Duration) -> io::Result<Turns> {
    let request = format!("GET {path} HTTP/1.1\r\nHost: bench\r\n\r\n").into_bytes();
    turns::<Response>(addr, count, span, Lines { first: &request, next: &request })
}

/// Says 100 bytes on `count` WebSockets and waits for the echo, for `span`.
pub fn echo(addr: SocketAddr, path: &str, count: usize, span: Duration) -> io::Result<Turns> {
    let (first, next) = (handshake(path).into_bytes(), frame::text(&[b'e'; 100]));
    turns::<Frames>(addr, count, span, Lines { first: &first, next: &next })
}

/// What a connection says at first, and after every answer.
struct Lines<'a> {
    first: &'a [u8],
    next: &'a [u8],
}

struct Conn<A> {
    socket: Socket,
    answers: A,
    sent: Instant,
}

fn turns<A: Answers>(
    addr: SocketAddr,
    count: usize,
    span: Duration,
    lines: Lines<'_>,
) -> io::Result<Turns> {
    let (mut poll, mut events) = (Poll::new()?, Events::with_capacity(1024));
    let mut conns = Vec::with_capacity(count);
    for token in 0..count {
        let mut socket = Socket::open(addr, &poll, token)?;
        socket.send(lines.first)?;
        conns.push(Conn { socket, answers: A::default(), sent: Instant::now() });
    }
    let (mut buffer, mut latencies, mut count) = (vec![0; 256 << 10], Latencies::default(), 0);
    // The first tenth warms up.
    let (begin, warm) = (Instant::now(), span / 10);
    while begin.elapsed() < span {
        wait(&mut poll, &mut events, Some(Duration::from_millis(100)))?;
        for event in &events {
            let conn = &mut conns[event.token().0];
            conn.socket.flush()?;
            while let Some(read) = conn.socket.read(&mut buffer)? {
                if read == 0 {
                    return Err(io::Error::other("the server closed a kept-alive connection"));
                }
                if conn.answers.advance(&buffer[..read])? > 0 {
                    count += 1;
                    if begin.elapsed() > warm {
                        latencies.add(conn.sent.elapsed());
                    }
                    conn.sent = Instant::now();
                    conn.socket.send(lines.next)?;
                }
                if read < buffer.len() {
                    break;
                }
            }
        }
    }
    let rate = latencies.len() as f64 / (span - warm).as_secs_f64();
    Ok(Turns { rate, latencies, count })
}
