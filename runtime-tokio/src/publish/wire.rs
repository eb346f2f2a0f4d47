//! One publisher's connection: requests in, answers out, one after the other (CTRL-10, CTRL-12).

use std::io;
use std::time::Duration;

use holdfast_core::ground::Limits;
use holdfast_core::http1::{Received, RequestError, Server, ServerEvent};
use holdfast_core::message::{BodySize, RequestHead, ResponseHead};
use thiserror::Error;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::net::TcpStream;

/// Bytes for which there is room before each read.
const ROOM: usize = 4096;
/// A buffer above this is given back when it is empty.
const KEPT: usize = 64 << 10;

pub(super) struct Wire {
    stream: TcpStream,
    server: Server,
    limits: Limits,
    patience: Duration,
    /// What was read; up to `taken` it is understood.
    inbox: Vec<u8>,
    taken: usize,
    outbox: Vec<u8>,
}

/// A request up to its body.
pub(super) struct Asked {
    pub(super) head: RequestHead,
    pub(super) body: BodySize,
    /// The publisher waits for a word before it sends the body.
    pub(super) expects_continue: bool,
}

/// Why there is no request, or no body.
#[derive(Debug, Error)]
pub(super) enum Fault {
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error("closed")]
    Closed,
    #[error(transparent)]
    Wrong(#[from] RequestError),
    #[error("body too large")]
    TooLarge,
    #[error("came too slowly")]
    Slow,
}

impl Wire {
    /// `limits` bound the heads, `patience` is for each head, each body and each answer.
    pub(super) fn new(stream: TcpStream, limits: Limits, patience: Duration) -> Self {
        let server = Server::new();
        Self { stream, server, limits, patience, inbox: Vec::new(), taken: 0, outbox: Vec::new() }
    }

    /// The next request; `None` if there is none any more.
    pub(super) async fn ask(&mut self) -> Result<Option<Asked>, Fault> {
        match tokio::time::timeout(self.patience, self.read_head()).await {
            Ok(Ok(asked)) => Ok(Some(asked)),
            Ok(Err(Fault::Closed)) => Ok(None),
            Ok(Err(fault)) => Err(fault),
            Err(_) if self.rest().is_empty() => Ok(None),
            Err(_) => Err(Fault::Slow),
        }
    }

    /// The body of a request, of which `most` bytes are taken.
    pub(super) async fn body(&mut self, asked: &Asked, most: usize) -> Result<Vec<u8>, Fault> {
        match asked.body {
            BodySize::Empty | BodySize::Known(0) => return Ok(Vec::new()),
            BodySize::Known(length) if length > most as u64 => return Err(Fault::TooLarge),
            BodySize::Known(_) | BodySize::Unknown => {}
        }
        let patience = self.patience;
        let reading = async {
            if asked.expects_continue {
                self.stream.write_all(Server::CONTINUE).await?;
            }
            self.read_body(most).await
        };
        tokio::time::timeout(patience, reading).await.map_err(|_| Fault::Slow)?
    }

    /// Answers. Says whether there may be another request.
    pub(super) async fn answer(&mut self, head: &ResponseHead, body: &[u8]) -> io::Result<bool> {
        self.outbox.clear();
        self.server.respond(head, BodySize::Known(body.len() as u64), &mut self.outbox);
        self.server.send(body, &mut self.outbox);
        self.server.finish(&mut self.outbox);
        let writing = self.stream.write_all(&self.outbox);
        tokio::time::timeout(self.patience, writing).await??;
        Ok(self.server.next_request())
    }

    /// There will be no request after this one.
    pub(super) fn close_after(&mut self) {
        self.server.close_after();
    }

    pub(super) fn into_stream(self) -> TcpStream {
        self.stream
    }

    async fn read_head(&mut self) -> Result<Asked, Fault> {
        loop {
            let input = self.inbox.get(self.taken..).unwrap_or_default();
            match self.server.receive(input, &self.limits) {
                Ok(Received {
                    consumed,
                    event: Some(ServerEvent::Head { head, body, expects_continue }),
                }) => {
                    self.taken += consumed;
                    return Ok(Asked { head, body, expects_continue });
                }
                Ok(_) => self.fill().await?,
                Err(RequestError::LineEnd) => {
                    if !self.mend_line_ends() {
                        return Err(RequestError::LineEnd.into());
                    }
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    async fn read_body(&mut self, most: usize) -> Result<Vec<u8>, Fault> {
        let mut body = Vec::new();
        loop {
            let input = self.inbox.get(self.taken..).unwrap_or_default();
            let Received { consumed, event } = self.server.receive(input, &self.limits)?;
            match event {
                Some(ServerEvent::Data(data)) if body.len() + data.len() > most => {
                    return Err(Fault::TooLarge);
                }
                Some(ServerEvent::Data(data)) => body.extend_from_slice(data),
                Some(ServerEvent::End) => {
                    self.taken += consumed;
                    return Ok(body);
                }
                Some(ServerEvent::Head { .. }) => {}
                None => {
                    self.taken += consumed;
                    self.fill().await?;
                    continue;
                }
            }
            self.taken += consumed;
        }
    }

    fn rest(&self) -> &[u8] {
        self.inbox.get(self.taken..).unwrap_or_default()
    }

    /// Reads once.
    async fn fill(&mut self) -> Result<(), Fault> {
        if self.taken >= self.inbox.len() {
            self.inbox.clear();
            self.inbox.shrink_to(KEPT);
        } else {
            self.inbox.drain(..self.taken);
        }
        self.taken = 0;
        self.inbox.reserve(ROOM);
        match self.stream.read_buf(&mut self.inbox).await? {
            0 => Err(Fault::Closed),
            _ => Ok(()),
        }
    }

    /// Publishers may end the lines of a head with a bare LF (CTRL-12), which nobody else may: so it is not known
    /// where heads are read. Says whether there was one to mend.
    fn mend_line_ends(&mut self) -> bool {
        let mut mended = Vec::with_capacity(self.rest().len() * 2);
        let mut rest = self.rest();
        while let Some(at) = rest.iter().position(|&byte| byte == b'\n') {
            let (line, after) = rest.split_at(at + 1);
            let text = line.strip_suffix(b"\n").unwrap_or(line);
            let text = text.strip_suffix(b"\r").unwrap_or(text);
            mended.extend_from_slice(text);
            mended.extend_from_slice(b"\r\n");
            rest = after;
            if text.is_empty() {
                break;
            }
        }
        mended.extend_from_slice(rest);
        let is_mended = mended.len() > self.rest().len();
        self.inbox = mended;
        self.taken = 0;
        is_mended
    }
}
