//! The client's side of a WebSocket.

use std::io;

use super::socket::{Answers, first_line};
use crate::frame::Frame;

/// The request for a WebSocket.
pub fn handshake(path: &str) -> String {
    format!(
        "GET {path} HTTP/1.1\r\nHost: bench\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
}

/// What a server says: the answer to the handshake, then a frame for every message.
#[derive(Default)]
pub struct Frames {
    open: bool,
    input: Vec<u8>,
}

impl Answers for Frames {
    fn advance(&mut self, data: &[u8]) -> io::Result<usize> {
        self.input.extend_from_slice(data);
        let (mut at, mut count) = (0, 0);
        if !self.open {
            let Some(end) = self.input.windows(4).position(|four| four == b"\r\n\r\n") else {
                return Ok(0);
            };
            if !self.input.starts_with(b"HTTP/1.1 101 ") {
                return Err(io::Error::other(format!("no WebSocket: {}", first_line(&self.input))));
            }
            self.open = true;
            (at, count) = (end + 4, 1);
        }
        while let Some(frame) = Frame::first(&self.input[at..]) {
            at += frame.size();
            count += 1;
        }
        self.input.drain(..at);
        Ok(count)
    }
}
