//! One request and its answer on one connection to an origin, whoever asks for it.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use holdfast_core::engine::OriginFault;
use holdfast_core::ground::Limits;
use holdfast_core::http1::{Client, ClientEvent, Received, ResponseError};
use holdfast_core::message::{BodySize, RequestHead, ResponseHead};
use http::Method;
use tokio::io::AsyncWrite;

use super::link::Link;
use super::socket::Backend;
use super::upload::{Upload, Upward};
use crate::intake::Intake;
use crate::net::TcpStream;
use crate::shard::Shard;

/// A request under way, and its answer.
pub(super) struct Hop {
    link: Link,
    pub(super) wire: Client,
    pub(super) up: Upward,
    pub(super) upload: Upload,
    intake: Intake,
    progress: Progress,
}

/// How far the answer is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Progress {
    /// Not a byte has come.
    Silent,
    /// It has begun.
    Begun,
    /// It is complete.
    Complete,
}

/// The head of an answer.
pub(super) struct Answer {
    pub(super) head: ResponseHead,
    pub(super) body: BodySize,
    complete: bool,
}

/// What came of reading some of the body.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Piece {
    /// It goes on.
    More,
    /// It is complete.
    End,
    /// It never will be.
    Cut,
}

impl Hop {
    /// Renders the head of a request, to be sent over `link`.
    pub(super) fn new(link: Link, head: &RequestHead, size: BodySize, upload: Upload) -> Self {
        let (mut wire, mut up) = (Client::new(), Upward::default());
        up.render(|out| wire.request(head, size, out));
        Self { link, wire, up, upload, intake: Intake::default(), progress: Progress::Silent }
    }

    /// Renders the head of a request for another protocol, to be sent over `link`.
    pub(super) fn upgrade(link: Link, head: &RequestHead) -> Self {
        let (mut wire, mut up) = (Client::new(), Upward::default());
        up.render(|out| wire.upgrade(head, out));
        let (upload, intake) = (Upload::Done, Intake::default());
        Self { link, wire, up, upload, intake, progress: Progress::Silent }
    }

    /// Sends the same request over another connection.
    pub(super) fn begin_again(&mut self, link: Link, upload: Upload) {
        self.link = link;
        self.up.rewind();
        self.upload = upload;
    }

    /// Whether a failure is that of a pooled connection which was dead, so that the request can be sent once
    /// more (FWD-87).
    pub(super) fn is_stale(&self, method: &Method) -> bool {
        let harmless = self.up.is_untouched() || method.is_idempotent();
        self.fault() == OriginFault::Stale && self.up.is_whole() && harmless
    }

    /// How a call has failed to which no answer came.
    pub(super) fn fault(&self) -> OriginFault {
        match self.progress {
            Progress::Silent if self.link.reused => OriginFault::Stale,
            Progress::Silent if self.upload != Upload::Done => OriginFault::Unsent,
            _ => OriginFault::Broken,
        }
    }

    /// Writes some of what waits to be sent. An origin that takes no more of it may answer all the same
    /// (FWD-58).
    pub(super) fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let stream = Pin::new(&mut self.link.stream);
        match ready!(stream.poll_write(cx, self.up.waiting())) {
            Ok(count) => self.up.advance(count),
            Err(_) => {
                self.upload = Upload::Refused;
                // Nothing of it will be written to this connection any more, but perhaps to another.
                self.up.advance(self.up.waiting().len());
            }
        }
        Poll::Ready(())
    }

    /// Renders a whole body behind the head.
    pub(super) fn send_all(&mut self, body: &[u8]) {
        self.up.render(|out| {
            self.wire.send(body, out);
            self.wire.finish(out);
        });
    }

    /// Writes the rest of a request that is all rendered, as far as the origin takes it.
    pub(super) fn poll_send(&mut self, cx: &mut Context<'_>) {
        while !self.up.is_empty() {
            if self.poll_write(cx).is_pending() {
                return;
            }
        }
        if self.upload == Upload::Last {
            self.upload = Upload::Done;
        }
    }

    /// Waits for the head of the answer.
    pub(super) fn poll_head(
        &mut self,
        cx: &mut Context<'_>,
        shard: &Shard,
    ) -> Poll<Result<Answer, ResponseError>> {
        let limits = shard.limits();
        loop {
            let wire = &mut self.wire;
            let take = |input: &mut [u8]| head(wire, input, &limits);
            let scratch = &mut *shard.scratch.borrow_mut();
            match ready!(self.intake.poll_digest(cx, &mut self.link.stream, scratch, take)) {
                Ok(Some(head)) => {
                    self.progress = Progress::Begun;
                    if let Some(answer) = head? {
                        if answer.complete {
                            self.progress = Progress::Complete;
                        }
                        return Poll::Ready(Ok(answer));
                    }
                }
                Ok(None) | Err(_) => return Poll::Ready(Err(ResponseError::Truncated)),
            }
        }
    }

    /// Whether reading the body will give something at once.
    pub(super) fn has_piece(&self) -> bool {
        self.progress == Progress::Complete || !self.intake.is_empty()
    }

    /// Reads some of the body and hands it to `take`.
    pub(super) fn poll_piece(
        &mut self,
        cx: &mut Context<'_>,
        shard: &Shard,
        take: &mut impl FnMut(&[u8]),
    ) -> Poll<Piece> {
        if self.progress == Progress::Complete {
            return Poll::Ready(Piece::End);
        }
        let (limits, wire) = (shard.limits(), &mut self.wire);
        let mut decode = |input: &mut [u8]| decode(wire, input, &limits, take);
        let piece = if self.intake.is_empty() {
            let scratch = &mut *shard.scratch.borrow_mut();
            let stream = &mut self.link.stream;
            match ready!(self.intake.poll_digest(cx, stream, scratch, &mut decode)) {
                Ok(Some(piece)) => piece,
                Ok(None) => self.wire.closed().map_or(Piece::Cut, |()| Piece::End),
                Err(_) => Piece::Cut,
            }
        } else {
            self.intake.digest(decode)
        };
        if piece == Piece::End {
            self.progress = Progress::Complete;
        }
        Poll::Ready(piece)
    }

    /// The connection, if it now carries a WebSocket.
    pub(super) fn into_backend(self) -> Backend {
        Backend::new(self.link.stream, self.intake)
    }

    /// The connection, if it can carry another request (FWD-69).
    pub(super) fn into_reusable(self) -> Option<TcpStream> {
        let over = self.progress == Progress::Complete
            && self.upload == Upload::Done
            && self.up.is_empty();
        let clean = self.intake.is_empty() && self.wire.is_reusable();
        (over && clean).then_some(self.link.stream)
    }
}

type Head = Result<Option<Answer>, ResponseError>;

/// Reads a head, and past interim ones.
fn head(wire: &mut Client, input: &[u8], limits: &Limits) -> (usize, Head) {
    let mut at = 0;
    loop {
        let Received { consumed, event } =
            match wire.receive(input.get(at..).unwrap_or_default(), limits) {
                Ok(received) => received,
                Err(error) => return (at, Err(error)),
            };
        at += consumed;
        match event {
            Some(ClientEvent::Head { head, body, complete }) => {
                return (at, Ok(Some(Answer { head, body, complete })));
            }
            Some(_) => {}
            None if consumed > 0 => {}
            None => return (at, Ok(None)),
        }
    }
}

/// Reads all there is of a body.
fn decode(
    wire: &mut Client,
    input: &[u8],
    limits: &Limits,
    take: &mut impl FnMut(&[u8]),
) -> (usize, Piece) {
    let mut at = 0;
    loop {
        let Ok(Received { consumed, event }) =
            wire.receive(input.get(at..).unwrap_or_default(), limits)
        else {
            return (at, Piece::Cut);
        };
        at += consumed;
        match event {
            Some(ClientEvent::Data(data)) => take(data),
            Some(ClientEvent::End) => return (at, Piece::End),
            Some(ClientEvent::Head { .. }) => return (at, Piece::Cut),
            None if consumed > 0 => {}
            None => return (at, Piece::More),
        }
    }
}
