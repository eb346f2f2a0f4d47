//! The benchmark's own backend: one thread, one epoll loop, answers made in advance.
//!
//! | request | answer |
//! |---|---|
//! | `GET /plain/N` | N bytes |
//! | `GET /stream/CHANNEL` | a stream hold on CHANNEL, empty first body |
//! | `GET /poll/CHANNEL` | a response hold on CHANNEL |
//! | `POST /woh/CHANNEL` | WebSocket-over-HTTP: a subscription to CHANNEL |
//! | `POST /woh/echo` | WebSocket-over-HTTP: the same events |
//! | `GET /native/` | a WebSocket that echoes |

mod answers;

use std::collections::HashMap;
use std::io::{ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::frame::Frame;
use crate::sys::{prefer_this_thread, wait};
use answers::{Answers, Request};
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};

const LISTENER: Token = Token(usize::MAX);

/// A running origin.
pub struct Origin {
    /// Where it listens.
    pub addr: SocketAddr,
    /// How many requests it has answered.
    pub answered: Arc<AtomicU64>,
}

/// Starts the origin on a thread of this process.
pub fn start() -> std::io::Result<Origin> {
    let mut listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0)))?;
    let addr = listener.local_addr()?;
    let answered = Arc::new(AtomicU64::new(0));
    let counter = answered.clone();
    let poll = Poll::new()?;
    poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
    std::thread::spawn(move || {
        prefer_this_thread();
        serve(poll, &listener, &counter).expect("the origin's loop runs");
    });
    Ok(Origin { addr, answered })
}

struct Conn {
    stream: TcpStream,
    upgraded: bool,
    input: Vec<u8>,
    output: Option<(Arc<[u8]>, usize)>,
}

fn serve(mut poll: Poll, listener: &TcpListener, answered: &AtomicU64) -> std::io::Result<()> {
    let (mut events, mut conns) = (Events::with_capacity(1024), HashMap::new());
    let (mut answers, mut next) = (Answers::default(), 0);
    loop {
        wait(&mut poll, &mut events, None)?;
        for event in &events {
            if event.token() == LISTENER {
                while let Ok((mut stream, _)) = listener.accept() {
                    stream.set_nodelay(true)?;
                    let interest = Interest::READABLE | Interest::WRITABLE;
                    poll.registry().register(&mut stream, Token(next), interest)?;
                    conns.insert(next, Conn::new(stream));
                    next += 1;
                }
            } else if let Some(conn) = conns.get_mut(&event.token().0)
                && !conn.progress(&mut answers, answered)
            {
                conns.remove(&event.token().0);
            }
        }
    }
}

impl Conn {
    fn new(stream: TcpStream) -> Self {
        Self { stream, upgraded: false, input: Vec::new(), output: None }
    }

    /// Reads, answers and writes as far as the socket allows; false when it is done for.
    fn progress(&mut self, answers: &mut Answers, answered: &AtomicU64) -> bool {
        loop {
            match self.flush() {
                Err(_) => return false,
                Ok(false) => return true,
                Ok(true) => {}
            }
            if let Some(data) = self.answer(answers) {
                self.output = Some((data, 0));
                answered.fetch_add(1, Ordering::Relaxed);
                continue;
            }
            let mut buffer = [0; 16 << 10];
            match self.stream.read(&mut buffer) {
                Ok(0) => return false,
                Ok(count) => self.input.extend_from_slice(&buffer[..count]),
                Err(error) => return error.kind() == ErrorKind::WouldBlock,
            }
        }
    }

    /// What is said to the first request, or to all the messages, that were received.
    fn answer(&mut self, answers: &mut Answers) -> Option<Arc<[u8]>> {
        if !self.upgraded {
            let answer = answers.to(&Request::take(&mut self.input)?);
            self.upgraded = answer.upgraded;
            return Some(answer.data);
        }
        let (mut at, mut echo) = (0, Vec::new());
        while let Some(frame) = Frame::first(&self.input[at..]) {
            frame.echo(&self.input[at..], &mut echo);
            at += frame.size();
        }
        self.input.drain(..at);
        (at > 0).then(|| echo.into())
    }

    /// Whether everything is written.
    fn flush(&mut self) -> std::io::Result<bool> {
        while let Some((data, at)) = &mut self.output {
            match self.stream.write(&data[*at..]) {
                Ok(count) => *at += count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(error) => return Err(error),
            }
            if *at == data.len() {
                self.output = None;
            }
        }
        Ok(true)
    }
}
