//! One client socket: what is still to be written, and a response parser that keeps no bodies.

use std::io::{self, ErrorKind, Read, Write};
use std::net::SocketAddr;

use mio::net::TcpStream;
use mio::{Interest, Poll, Token};

/// A connection of the generator.
pub struct Socket {
    pub stream: TcpStream,
    output: Vec<u8>,
    written: usize,
}

impl Socket {
    /// Connects without waiting and watches the socket under `token`.
    pub fn open(addr: SocketAddr, poll: &Poll, token: usize) -> io::Result<Self> {
        let mut stream = TcpStream::connect(addr)?;
        let interest = Interest::READABLE | Interest::WRITABLE;
        poll.registry().register(&mut stream, Token(token), interest)?;
        Ok(Self { stream, output: Vec::new(), written: 0 })
    }

    /// Puts a request in line.
    pub fn send(&mut self, request: &[u8]) -> io::Result<()> {
        self.output.extend_from_slice(request);
        self.flush()
    }

    /// Writes as far as the socket allows.
    pub fn flush(&mut self) -> io::Result<()> {
        while self.written < self.output.len() {
            match self.stream.write(&self.output[self.written..]) {
                Ok(count) => self.written += count,
                Err(error) if is_not_yet(&error) => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        self.output.clear();
        self.written = 0;
        Ok(())
    }

    /// Reads once; `None` when there is nothing now, zero at the end.
    pub fn read(&mut self, buffer: &mut [u8]) -> io::Result<Option<usize>> {
        match self.stream.read(buffer) {
            Ok(count) => Ok(Some(count)),
            Err(error) if is_not_yet(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

fn is_not_yet(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::NotConnected)
}

/// The first line of an answer, to be told that it is not what was hoped for.
pub fn first_line(answer: &[u8]) -> String {
    let line = answer.split(|byte| *byte == b'\r').next().unwrap_or_default();
    String::from_utf8_lossy(line).into_owned()
}

/// Reads what a server answers, and counts the answers.
pub trait Answers: Default {
    /// Takes bytes; returns how many answers were completed.
    fn advance(&mut self, data: &[u8]) -> io::Result<usize>;
}

/// Where a response stands: it has a `Content-Length`, and its body is only counted.
#[derive(Clone, Debug)]
pub enum Response {
    Head(Vec<u8>),
    Body(usize),
}

impl Default for Response {
    fn default() -> Self {
        Self::Head(Vec::new())
    }
}

impl Answers for Response {
    fn advance(&mut self, mut data: &[u8]) -> io::Result<usize> {
        let mut complete = 0;
        while !data.is_empty() {
            match self {
                Self::Body(left) => {
                    let taken = data.len().min(*left);
                    *left -= taken;
                    data = &data[taken..];
                }
                Self::Head(head) => {
                    let old = head.len();
                    head.extend_from_slice(data);
                    let from = old.saturating_sub(3);
                    let Some(end) = head[from..].windows(4).position(|w| w == b"\r\n\r\n") else {
                        return Ok(complete);
                    };
                    let end = from + end + 4;
                    data = &data[end - old..];
                    *self = Self::Body(content_length(&head[..end]));
                }
            }
            if let Self::Body(0) = self {
                complete += 1;
                *self = Self::default();
            }
        }
        Ok(complete)
    }
}

fn content_length(head: &[u8]) -> usize {
    let text = String::from_utf8_lossy(head).to_ascii_lowercase();
    let value = text.lines().find_map(|line| line.strip_prefix("content-length:"));
    value.and_then(|value| value.trim().parse().ok()).unwrap_or(0)
}
