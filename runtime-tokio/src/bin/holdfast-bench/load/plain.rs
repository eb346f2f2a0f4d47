//! Plain requests over kept-alive connections, each sent when the one before is answered.

use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use mio::{Events, Poll};

use super::Latencies;
use super::socket::{Response, Socket};
use crate::sys::wait;

/// What came of it.
#[derive(Debug)]
pub struct Plain {
    /// Requests a second.
    pub rate: f64,
    /// Their times.
    pub latencies: Latencies,
}

struct Conn {
    socket: Socket,
    response: Response,
    sent: Instant,
}

/// Asks for `path` on `count` connections for `span`.
pub fn plain(addr: SocketAddr, path: &str, count: usize, span: Duration) -> io::Result<Plain> {
    let request = format!("GET {path} HTTP/1.1\r\nHost: bench\r\n\r\n");
    let (mut poll, mut events) = (Poll::new()?, Events::with_capacity(1024));
    let mut conns = Vec::with_capacity(count);
    for token in 0..count {
        let mut socket = Socket::open(addr, &poll, token)?;
        socket.send(request.as_bytes())?;
        conns.push(Conn { socket, response: Response::default(), sent: Instant::now() });
    }
    let (mut buffer, mut latencies) = (vec![0; 256 << 10], Latencies::default());
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
                if conn.response.advance(&buffer[..read]) > 0 {
                    if begin.elapsed() > warm {
                        latencies.add(conn.sent.elapsed());
                    }
                    conn.sent = Instant::now();
                    conn.socket.send(request.as_bytes())?;
                }
                if read < buffer.len() {
                    break;
                }
            }
        }
    }
    Ok(Plain { rate: latencies.len() as f64 / (span - warm).as_secs_f64(), latencies })
}

/// Downloads `size` bytes once; returns bytes a second.
pub fn download(addr: SocketAddr, size: usize) -> io::Result<f64> {
    use std::io::{Read, Write};
    let mut stream = std::net::TcpStream::connect(addr)?;
    stream.write_all(format!("GET /plain/{size} HTTP/1.1\r\nHost: bench\r\n\r\n").as_bytes())?;
    let (mut buffer, mut response, begin) = (vec![0; 1 << 20], Response::default(), Instant::now());
    loop {
        let count = stream.read(&mut buffer)?;
        if count == 0 {
            return Err(io::Error::other("the download was cut short"));
        }
        if response.advance(&buffer[..count]) > 0 {
            return Ok(size as f64 / begin.elapsed().as_secs_f64());
        }
    }
}
