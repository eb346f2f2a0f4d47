//! A client's request on its way to an origin, up to the head of the answer.

use std::task::{Context, Poll};

use holdfast_core::engine::{BodySource, Event, Outgoing};
use holdfast_core::http1::ResponseError;
use holdfast_core::message::BodySize;

use super::hop::{Answer, Hop};
use super::link::Link;
use super::upload::Upload;
use crate::client::{Conn, Left, Part, Wait};
use crate::shard::Shard;

/// Client bytes that have been read already are sent together with the head, up to this many.
const GATHER: usize = 64 << 10;

/// A request under way.
pub(super) struct Attempt<'a> {
    pub(super) request: &'a Outgoing,
    pub(super) hop: Hop,
}

/// What a request is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Purpose {
    /// An answer.
    Exchange,
    /// A WebSocket.
    Upgrade,
}

/// What came of waiting for an answer.
pub(super) enum Heard {
    Head(Answer),
    CalledOff,
    /// The pooled connection was dead; the request can be sent once more.
    Stale,
    Broken,
}

impl<'a> Attempt<'a> {
    pub(super) fn new(link: Link, conn: &Conn, request: &'a Outgoing, purpose: Purpose) -> Self {
        if purpose == Purpose::Upgrade {
            return Self { request, hop: Hop::upgrade(link, &request.head) };
        }
        let size = match &request.body {
            BodySource::Client => conn.request_size(),
            BodySource::Empty => BodySize::Empty,
            BodySource::Bytes(body) => BodySize::Known(body.len() as u64),
        };
        let upload = Upload::from(request, conn);
        let mut hop = Hop::new(link, &request.head, size, upload);
        if let BodySource::Bytes(body) = &request.body {
            hop.send_all(body);
        }
        Self { request, hop }
    }

    /// Sends the same request over another connection.
    pub(super) fn begin_again(&mut self, link: Link, conn: &Conn) {
        self.hop.begin_again(link, Upload::from(self.request, conn));
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
        match self.hop.poll_head(cx, shard) {
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
        match self.hop.upload {
            Upload::Body if self.hop.up.is_empty() => Wait::Body,
            Upload::Body | Upload::Last | Upload::Refused => Wait::Origin,
            Upload::Done => Wait::Nothing,
        }
    }

    fn failed(&self, shard: &Shard, conn: &Conn, error: ResponseError) -> Heard {
        if self.hop.is_stale(&self.request.head.method) {
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
            let waiting = self.hop.up.waiting().len();
            if self.hop.upload == Upload::Body && conn.has_input() && waiting < GATHER {
                let _ = self.poll_body(cx, shard, conn)?;
            }
            if !self.hop.up.is_empty() {
                match self.hop.poll_write(cx) {
                    Poll::Ready(()) => conn.progress(shard),
                    Poll::Pending => return Ok(()),
                }
                continue;
            }
            match self.hop.upload {
                Upload::Body => match self.poll_body(cx, shard, conn)? {
                    Poll::Ready(()) => {}
                    Poll::Pending => return Ok(()),
                },
                Upload::Last => {
                    self.hop.upload = Upload::Done;
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

    fn poll_body(
        &mut self,
        cx: &mut Context<'_>,
        shard: &Shard,
        conn: &Conn,
    ) -> Result<Poll<()>, Left> {
        let Hop { wire, up, upload, .. } = &mut self.hop;
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
}
