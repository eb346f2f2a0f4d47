//! Publishers: one at a time, or many under way.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use mio::{Events, Poll};

use super::held::{Held, Received, message};
use super::socket::{Answers, Response, Socket};
use crate::peer::{Hold, Running};
use crate::sys::wait;

/// A publisher that waits for each answer; it connects anew when the server closes (Pushpin does).
pub struct Publisher {
    addr: SocketAddr,
    hold: Hold,
    stream: Option<TcpStream>,
}

impl Publisher {
    /// A publisher to what a server holds.
    pub fn new(server: &Running, hold: Hold) -> Self {
        Self { addr: server.publish, hold, stream: None }
    }

    /// Publishes one message and waits until it is accepted.
    pub fn publish(&mut self, server: &Running, channel: &str) -> io::Result<()> {
        let request = server.publish_request(self.hold, channel, &message());
        if let Some(stream) = self.stream.take()
            && self.exchange(stream, &request).is_ok()
        {
            return Ok(());
        }
        let stream = TcpStream::connect(self.addr)?;
        stream.set_nodelay(true)?;
        self.exchange(stream, &request)
    }

    fn exchange(&mut self, mut stream: TcpStream, request: &str) -> io::Result<()> {
        stream.write_all(request.as_bytes())?;
        let (mut response, mut buffer) = (Response::default(), [0; 4096]);
        loop {
            let count = stream.read(&mut buffer)?;
            if count == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if response.advance(&buffer[..count])? > 0 {
                let closes =
                    String::from_utf8_lossy(&buffer[..count]).contains("Connection: close");
                self.stream = (!closes).then_some(stream);
                return Ok(());
            }
        }
    }
}

/// Publishes for `span` with `under_way` requests at a time, to one of `channels` channels each, while
/// `held` has one subscriber a channel. Returns delivered messages a second, how many publishes were
/// accepted, and what arrived. A server that accepts more than it delivers gains nothing by it.
pub fn unicast(
    server: &Running,
    held: &mut Held,
    channels: usize,
    under_way: usize,
    span: Duration,
) -> io::Result<(f64, usize, Received)> {
    let (mut poll, mut events) = (Poll::new()?, Events::with_capacity(256));
    let mut conns = Vec::with_capacity(under_way);
    let (mut next, mut accepted, mut received) = (0, 0, Received::default());
    let mut buffer = [0; 4096];
    let mut request = || {
        next += 1;
        server.publish_request(Hold::Stream, &format!("c{}", next % channels), &message())
    };
    for token in 0..under_way {
        let mut socket = Socket::open(server.publish, &poll, token)?;
        socket.send(request().as_bytes())?;
        conns.push((socket, Response::default()));
    }
    let begin = Instant::now();
    while begin.elapsed() < span {
        wait(&mut poll, &mut events, Some(Duration::from_millis(1)))?;
        for event in &events {
            let token = event.token().0;
            let (socket, response) = &mut conns[token];
            socket.flush()?;
            while let Ok(Some(count)) = socket.read(&mut buffer) {
                let done = response.advance(&buffer[..count])?;
                accepted += done;
                let closes = count == 0
                    || (done > 0
                        && String::from_utf8_lossy(&buffer[..count]).contains("Connection: close"));
                if closes {
                    *response = Response::default();
                    *socket = Socket::open(server.publish, &poll, token)?;
                }
                if closes || done > 0 {
                    socket.send(request().as_bytes())?;
                }
                if closes {
                    break;
                }
            }
        }
        received.add(held.turn(Duration::ZERO)?);
    }
    let mut last = begin.elapsed();
    while received.messages < accepted && begin.elapsed() < last + Duration::from_secs(1) {
        let some = held.turn(Duration::from_millis(20))?;
        if some.messages > 0 {
            last = begin.elapsed();
        }
        received.add(some);
    }
    Ok((received.messages as f64 / last.as_secs_f64(), accepted, received))
}
