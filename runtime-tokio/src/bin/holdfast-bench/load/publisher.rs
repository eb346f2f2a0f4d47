//! Publishers: one publish at a time, or many under way.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use mio::{Events, Poll};

use super::held::{Held, Received, message};
use super::socket::{Answers, Response, Socket};
use crate::peer::{Hold, Running};
use crate::sys::wait;

/// A publisher with one publish at a time; it connects anew when the server closes (Pushpin does).
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

    /// Connects, unless it is connected.
    pub fn ready(&mut self) -> io::Result<&mut TcpStream> {
        match &mut self.stream {
            Some(stream) => Ok(stream),
            none => {
                let stream = TcpStream::connect(self.addr)?;
                stream.set_nodelay(true)?;
                Ok(none.insert(stream))
            }
        }
    }

    /// Publishes one message; the answer is to be waited for.
    pub fn publish(&mut self, server: &Running, channel: &str) -> io::Result<()> {
        let request = server.publish_request(self.hold, channel, &message());
        self.ready()?.write_all(request.as_bytes())
    }

    /// Waits until what was published is accepted. Some servers say so when they have written it to everybody; who
    /// waits before it reads what arrives is not woken for that, which is a gift to such a server.
    pub fn accepted(&mut self) -> io::Result<()> {
        let Some(mut stream) = self.stream.take() else { return Ok(()) };
        let (mut response, mut buffer) = (Response::default(), [0; 4096]);
        loop {
            let count = stream.read(&mut buffer)?;
            if count == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if response.advance(&buffer[..count])? > 0 {
                let said = String::from_utf8_lossy(&buffer[..count]);
                self.stream = (!said.contains("Connection: close")).then_some(stream);
                return Ok(());
            }
        }
    }
}

/// A publisher that waits for nothing; it connects anew when the server closes (Pushpin does).
pub struct Poster {
    addr: SocketAddr,
    token: usize,
    socket: Socket,
    response: Response,
}

impl Poster {
    /// A publisher whose socket is watched under `token`.
    pub fn open(server: &Running, poll: &Poll, token: usize) -> io::Result<Self> {
        let (addr, response) = (server.publish, Response::default());
        Ok(Self { addr, token, socket: Socket::open(addr, poll, token)?, response })
    }

    /// Publishes.
    pub fn send(&mut self, request: &str) -> io::Result<()> {
        self.socket.send(request.as_bytes())
    }

    /// Sees what the server says: how many publishes it has accepted. `None` while it says nothing.
    pub fn accepted(&mut self, poll: &Poll, buffer: &mut [u8]) -> io::Result<Option<usize>> {
        self.socket.flush()?;
        let Ok(Some(count)) = self.socket.read(buffer) else { return Ok(None) };
        let done = self.response.advance(&buffer[..count])?;
        let said = || String::from_utf8_lossy(&buffer[..count]);
        let closes = count == 0 || (done > 0 && said().contains("Connection: close"));
        if closes {
            self.response = Response::default();
            self.socket = Socket::open(self.addr, poll, self.token)?;
        }
        Ok((closes || done > 0).then_some(done))
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
    let mut posters = Vec::with_capacity(under_way);
    let (mut next, mut accepted, mut received) = (0, 0, Received::default());
    let mut buffer = [0; 4096];
    let mut request = || {
        next += 1;
        server.publish_request(Hold::Stream, &format!("c{}", next % channels), &message())
    };
    for token in 0..under_way {
        let mut poster = Poster::open(server, &poll, token)?;
        poster.send(&request())?;
        posters.push(poster);
    }
    let begin = Instant::now();
    while begin.elapsed() < span {
        wait(&mut poll, &mut events, Some(Duration::from_millis(1)))?;
        for event in &events {
            let poster = &mut posters[event.token().0];
            if let Some(some) = poster.accepted(&poll, &mut buffer)? {
                accepted += some;
                poster.send(&request())?;
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
