//! One request on one connection, up to the head of the answer.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use holdfast_core::engine::{BodySource, Event, Outgoing};
use holdfast_core::ground::Limits;
use holdfast_core::http1::{Client, ClientEvent, Received, ResponseError};
use holdfast_core::message::{BodySize, ResponseHead};
use tokio::io::AsyncWrite;
use tokio::net::TcpStream;

use super::link::Link;
use super::upload::{Upload, Upward};
use crate::client::{Conn, Left, Part, Wait};
use crate::intake::Intake;
use crate::shard::Shard;

/// Client bytes that have been read already are sent together with the head, up to this many.
const GATHER: usize = 64 << 10;

/// A request under way.
pub(super) struct Attempt<'a> {
    request: &'a Outgoing,
    link: Link,
    wire: Client,
    up: Upward,
    upload: Upload,
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

/// What came of waiting for an answer.
pub(super) enum Heard {
    Head(Answer),
    CalledOff,
    /// The pooled connection was dead; the request can be sent once more.
    Stale,
    Broken,
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

impl<'a> Attempt<'a> {
    pub(super) fn new(link: Link, conn: &Conn, request: &'a Outgoing) -> Self {
        let size = match request.body {
            BodySource::Client => conn.request_size(),
            BodySource::Empty => BodySize::Empty,
        };
        let (mut wire, mut up) = (Client::new(), Upward::default());
        up.render(|out| wire.request(&request.head, size, out));
        let (intake, progress) = (Intake::default(), Progress::Silent);
        Self { request, link, wire, up, upload: Upload::from(request, conn), intake, progress }
    }

    /// Sends the same request over another connection.
    pub(super) fn begin_again(&mut self, link: Link, conn: &Conn) {
        self.link = link;
        self.up.rewind();
        self.upload = Upload::from(self.request, conn);
    }

    /// Sends the request and waits for the head of the answer.
    pub(super) async fn hear(&mut self, shard: &Shard, conn: &Conn) -> Result<Heard, Left> {
        conn.drive(|cx| self.poll_hear(cx, shard, conn)).await
    }

    fn poll_hear(
        &mut self,
        cx: &mut Context<'_>,
        shard: &Shard,
        conn: &Conn,
    ) -> Poll<Result<Heard, Left>> {
        conn.tend(cx, shard)?;
        if conn.is_called_off() {
            return Poll::Ready(Ok(Heard::CalledOff));
        }
        self.poll_upload(cx, shard, conn)?;
        match self.poll_head(cx, shard) {
            Poll::Ready(Ok(answer)) => return Poll::Ready(Ok(Heard::Head(answer))),
            Poll::Ready(Err(error)) => return Poll::Ready(Ok(self.failed(shard, conn, error))),
            Poll::Pending => {}
        }
        if conn.is_overdue(Wait::Origin) {
            return Poll::Ready(Ok(Heard::Broken));
        }
        conn.wait(shard, self.awaited());
        Poll::Pending
    }

    /// What to wait for before the answer. Once the origin has the request, the engine keeps the time.
    fn awaited(&self) -> Wait {
        match self.upload {
            Upload::Body if self.up.is_empty() => Wait::Body,
            Upload::Body | Upload::Last | Upload::Refused => Wait::Origin,
            Upload::Done => Wait::Nothing,
        }
    }

    fn failed(&self, shard: &Shard, conn: &Conn, error: ResponseError) -> Heard {
        let harmless = self.up.is_untouched() || self.request.head.method.is_idempotent();
        if self.link.reused && self.progress == Progress::Silent && self.up.is_whole() && harmless {
            return Heard::Stale;
        }
        tracing::debug!(shard = shard.number(), conn = %conn.id, "{}: {error}", self.request.target);
        Heard::Broken
    }

    /// Passes the request on as far as the origin takes it and the client gives it, and watches the client
    /// once it has given all.
    pub(super) fn poll_upload(
        &mut self,
        cx: &mut Context<'_>,
        shard: &Shard,
        conn: &Conn,
    ) -> Result<(), Left> {
        loop {
            if self.upload == Upload::Body && conn.has_input() && self.up.waiting().len() < GATHER {
                let _ = self.poll_body(cx, shard, conn)?;
            }
            if !self.up.is_empty() {
                let stream = Pin::new(&mut self.link.stream);
                match stream.poll_write(cx, self.up.waiting()) {
                    Poll::Ready(Ok(count)) => {
                        self.up.advance(count);
                        conn.progress(shard);
                    }
                    Poll::Ready(Err(_)) => self.refuse(),
                    Poll::Pending => return Ok(()),
                }
                continue;
            }
            match self.upload {
                Upload::Body => match self.poll_body(cx, shard, conn)? {
                    Poll::Ready(()) => {}
                    Poll::Pending => return Ok(()),
                },
                Upload::Last => {
                    self.upload = Upload::Done;
                    if conn.is_engaged() {
                        shard.tell(Event::Sent { conn: conn.id });
                    }
                }
                Upload::Done | Upload::Refused => {
                    return conn.watch_if_read(cx, shard);
                }
            }
        }
    }

    fn refuse(&mut self) {
        self.upload = Upload::Refused;
        // Nothing of it will be written to this connection any more, but perhaps to another.
        while !self.up.is_empty() {
            self.up.advance(self.up.waiting().len());
        }
    }

    fn poll_body(
        &mut self,
        cx: &mut Context<'_>,
        shard: &Shard,
        conn: &Conn,
    ) -> Result<Poll<()>, Left> {
        let Self { wire, up, upload, .. } = self;
        let polled = conn.poll_body(cx, shard, |part| match part {
            Part::Data(data) => {
                up.render(|out| wire.send(data, out));
            }
            Part::End => {
                up.render(|out| wire.finish(out));
                *upload = Upload::Last;
            }
        });
        match polled {
            Poll::Ready(read) => read.map(Poll::Ready),
            Poll::Pending => Ok(Poll::Pending),
        }
    }

    fn poll_head(
        &mut self,
        cx: &mut Context<'_>,
        shard: &Shard,
    ) -> Poll<Result<Answer, ResponseError>> {
        let limits = shard.limits();
        loop {
            let wire = &mut self.wire;
            let take = |input: &[u8]| head(wire, input, &limits);
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
        let mut decode = |input: &[u8]| decode(wire, input, &limits, take);
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

    /// The connection, if it can carry another request (FWD-69).
    pub(super) fn into_reusable(self) -> Option<TcpStream> {
        let over = self.progress == Progress::Complete && self.upload == Upload::Done;
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
