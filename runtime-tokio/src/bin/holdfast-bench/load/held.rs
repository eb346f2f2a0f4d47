//! Many held connections, and what arrives on them.

use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use mio::{Events, Poll};

use super::Latencies;
use super::socket::{Socket, first_line};
use crate::clock;
use crate::peer::Hold;
use crate::sys::wait;

/// Ends every message, and appears nowhere else in what a server sends.
pub const MARK: u8 = b'~';
/// Begins the time of sending in a message.
const STAMP: u8 = b'^';

/// Connections that wait.
pub struct Held {
    poll: Poll,
    events: Events,
    hold: Hold,
    conns: Vec<Conn>,
    buffer: Vec<u8>,
}

struct Conn {
    socket: Socket,
    begun: bool,
    stamp: Option<u64>,
}

/// What the generator does while nothing arrives.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Between {
    /// It looks again and again, on a core that nobody else needs. So a server does not pay for waking it: clients of
    /// the world are on machines of their own.
    Watch,
    /// It leaves the core to others.
    Sleep,
}

impl Between {
    fn nap(self) -> Duration {
        match self {
            Self::Watch => Duration::ZERO,
            Self::Sleep => Duration::from_millis(20),
        }
    }
}

/// What arrived.
#[derive(Debug, Default)]
pub struct Received {
    /// Messages.
    pub messages: usize,
    /// Connections whose response has begun.
    pub begun: usize,
    /// Time from publish to arrival.
    pub latencies: Latencies,
}

impl Held {
    /// Opens `count` connections, `request(n)` on each, a few at a time. It waits until every response has
    /// begun, but for long-polls, which say nothing until an item comes.
    pub fn open(
        addr: SocketAddr,
        count: usize,
        hold: Hold,
        request: impl Fn(usize) -> String,
    ) -> io::Result<Self> {
        let mut held = Self {
            poll: Poll::new()?,
            events: Events::with_capacity(4096),
            hold,
            conns: Vec::with_capacity(count),
            buffer: vec![0; 64 << 10],
        };
        let begins = hold != Hold::Poll;
        let (mut begun, deadline) = (0, Instant::now() + Duration::from_secs(120));
        while held.conns.len() < count || (begins && begun < count) {
            if Instant::now() > deadline {
                return Err(io::Error::other(format!("only {begun} of {count} were held")));
            }
            while held.conns.len() < count && (!begins || held.conns.len() < begun + 64) {
                let token = held.conns.len();
                let mut socket = Socket::open(addr, &held.poll, token)?;
                socket.send(request(token).as_bytes())?;
                held.conns.push(Conn { socket, begun: false, stamp: None });
                if !begins && token % 64 == 63 {
                    break;
                }
            }
            begun += held.turn(Duration::from_millis(5))?.begun;
        }
        Ok(held)
    }

    /// How many connections there are.
    pub fn len(&self) -> usize {
        self.conns.len()
    }

    /// Collects messages until there are `expected`, or nothing has come for `patience`.
    pub fn collect(
        &mut self,
        expected: usize,
        patience: Duration,
        between: Between,
    ) -> io::Result<Received> {
        let (mut all, mut last) = (Received::default(), Instant::now());
        while all.messages < expected && last.elapsed() < patience {
            let some = self.turn(between.nap())?;
            if some.messages > 0 {
                last = Instant::now();
            }
            all.add(some);
        }
        Ok(all)
    }

    /// Takes what has arrived by now, waiting for it for `patience` at most.
    pub fn turn(&mut self, patience: Duration) -> io::Result<Received> {
        let mut received = Received::default();
        wait(&mut self.poll, &mut self.events, Some(patience))?;
        for event in &self.events {
            let conn = &mut self.conns[event.token().0];
            conn.socket.flush()?;
            while let Some(count) = conn.socket.read(&mut self.buffer)? {
                if count == 0 {
                    return Err(io::Error::other("the server closed a held connection"));
                }
                if !conn.begun {
                    conn.begin(self.hold, &self.buffer[..count])?;
                    received.begun += 1;
                }
                conn.scan(&self.buffer[..count], &mut received);
                if count < self.buffer.len() {
                    break;
                }
            }
        }
        Ok(received)
    }
}

impl Conn {
    fn begin(&mut self, hold: Hold, data: &[u8]) -> io::Result<()> {
        self.begun = match hold {
            Hold::Stream | Hold::Poll => data.starts_with(b"HTTP/1.1 200 "),
            Hold::Socket => data.starts_with(b"HTTP/1.1 101 "),
        };
        match self.begun {
            true => Ok(()),
            false => Err(io::Error::other(format!("not held: {}", first_line(data)))),
        }
    }

    fn scan(&mut self, data: &[u8], received: &mut Received) {
        for &byte in data {
            match byte {
                STAMP => self.stamp = Some(0),
                MARK => {
                    received.messages += 1;
                    if let Some(sent) = self.stamp.take() {
                        received.latencies.add(clock::since(sent));
                    }
                }
                b'0'..=b'9' => {
                    if let Some(stamp) = &mut self.stamp {
                        *stamp = stamp.wrapping_mul(10).wrapping_add(u64::from(byte - b'0'));
                    }
                }
                _ => {}
            }
        }
    }
}

impl Received {
    /// Adds what came later.
    pub fn add(&mut self, other: Self) {
        self.messages += other.messages;
        self.begun += other.begun;
        self.latencies.extend(other.latencies);
    }
}

/// A message of about 100 bytes that carries the time of sending.
pub fn message() -> String {
    let head = format!("^{:019}", clock::now());
    format!("{head}{}~", "m".repeat(100 - head.len() - 1))
}
