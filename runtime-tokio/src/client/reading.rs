//! Reading from a client.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use holdfast_core::engine::Request;
use holdfast_core::ground::Limits;
use holdfast_core::http1::{Received, RequestError, Server, ServerEvent};
use holdfast_core::message::BodySize;
use tokio::io::AsyncWrite;

use super::conn::{Conn, RequestBody, Side, Stage};
use super::patience::Wait;
use super::{Close, Left, Why};
use crate::intake::poll_read;
use crate::shard::Shard;
use crate::stats::Stat;

/// A part of a request body.
pub(crate) enum Part<'a> {
    Data(&'a [u8]),
    End,
}

type Head = Option<Result<Request, RequestError>>;

impl Conn {
    /// Waits for the next request.
    pub(super) fn next_request(
        &self,
        shard: &Shard,
    ) -> impl Future<Output = Result<Request, Close>> {
        self.set_stage(Stage::Resting);
        // What the engine wanted last may have been for an origin that was done already.
        self.take_order();
        self.wait(shard, Wait::Nothing);
        self.drive(move |cx| {
            let polled = self.poll_request(cx, shard);
            self.wait(shard, if polled.is_pending() { Wait::Request } else { Wait::Nothing });
            polled
        })
    }

    fn poll_request(&self, cx: &mut Context<'_>, shard: &Shard) -> Poll<Result<Request, Close>> {
        if self.is_overdue(Wait::Request) {
            shard.stats.bump(Stat::Idle);
            return Poll::Ready(Err(Close::Now));
        }
        if shard.is_draining() && self.is_at_rest() {
            return Poll::Ready(Err(Close::Now));
        }
        let limits = shard.limits();
        let mut inbox = self.inbox.borrow_mut();
        let mut head: Head = match inbox.is_empty() {
            true => None,
            false => inbox.digest(|input| self.head(input, &limits)),
        };
        while head.is_none() {
            let (stream, scratch) =
                (&mut *self.stream.borrow_mut(), &mut *shard.scratch.borrow_mut());
            let take = |input: &mut [u8]| self.head(input, &limits);
            head = match ready!(inbox.poll_digest(cx, stream, scratch, take)) {
                Ok(Some(head)) => head,
                Ok(None) | Err(_) => return Poll::Ready(Err(Close::Now)),
            };
        }
        let head = head.unwrap_or(Err(RequestError::Malformed));
        Poll::Ready(head.map_err(|error| self.unreadable(shard, error)))
    }

    /// Reads a head.
    fn head(&self, input: &[u8], limits: &Limits) -> (usize, Head) {
        let received = self.wire.borrow_mut().receive(input, limits);
        let Received { consumed, event } = match received {
            Ok(received) => received,
            Err(error) => return (input.len(), Some(Err(error))),
        };
        let Some(ServerEvent::Head { head, body, expects_continue }) = event else {
            return (consumed, None);
        };
        self.request_size.set(body);
        self.body.set(match body {
            BodySize::Empty | BodySize::Known(0) => RequestBody::Complete,
            _ if expects_continue => RequestBody::Expecting,
            _ => RequestBody::Coming,
        });
        (consumed, Some(Ok(Request { head, body, peer: self.peer, secure: false })))
    }

    /// Answers what cannot be read.
    fn unreadable(&self, shard: &Shard, error: RequestError) -> Close {
        shard.stats.bump(Stat::BadRequest);
        tracing::debug!(shard = shard.number(), conn = %self.id, "request refused: {error}");
        shard.render(|out| self.refuse(error.status(), &error.to_string(), out));
        Close::Linger
    }

    /// Reads some of the request body and hands it to `sink`.
    pub(crate) fn poll_body(
        &self,
        cx: &mut Context<'_>,
        shard: &Shard,
        mut sink: impl FnMut(Part<'_>),
    ) -> Poll<Result<(), Left>> {
        let limits = shard.limits();
        let mut inbox = self.inbox.borrow_mut();
        if inbox.digest(|input| self.decode(input, &limits, &mut sink))? {
            return Poll::Ready(Ok(()));
        }
        if self.body.get() == RequestBody::Expecting {
            self.body.set(RequestBody::Coming);
            if self.stage() == Stage::Asked {
                self.write(Server::CONTINUE);
            }
        }
        let (stream, scratch) = (&mut *self.stream.borrow_mut(), &mut *shard.scratch.borrow_mut());
        let take = |input: &mut [u8]| self.decode(input, &limits, &mut sink);
        match ready!(inbox.poll_digest(cx, stream, scratch, take)) {
            Ok(Some(decoded)) => {
                self.progress(shard);
                Poll::Ready(decoded.map(drop))
            }
            Ok(None) | Err(_) => {
                self.side.set(Side::Lost);
                Poll::Ready(Err(Left(Why::Gone)))
            }
        }
    }

    /// Hands the parts in `input` to `sink`, and says whether there were any.
    fn decode(
        &self,
        input: &[u8],
        limits: &Limits,
        sink: &mut impl FnMut(Part<'_>),
    ) -> (usize, Result<bool, Left>) {
        let mut wire = self.wire.borrow_mut();
        let (mut at, mut any) = (0, false);
        while self.body.get() != RequestBody::Complete {
            let received = wire.receive(input.get(at..).unwrap_or_default(), limits);
            let Received { consumed, event } = match received {
                Ok(received) => received,
                Err(error) => return (at, Err(Left(Why::BadBody(error)))),
            };
            at += consumed;
            match event {
                Some(ServerEvent::Data(data)) => {
                    self.keep(data, limits.kept_body_bytes);
                    sink(Part::Data(data));
                }
                Some(ServerEvent::End) => {
                    self.body.set(RequestBody::Complete);
                    sink(Part::End);
                }
                Some(ServerEvent::Head { .. }) | None => break,
            }
            any = true;
        }
        (at, Ok(any))
    }

    /// Notices that a client leaves whose request is complete, and keeps what it sends ahead, up to the
    /// size of a head; beyond that it is no longer listened to, and a hold ends.
    pub(crate) fn watch(&self, cx: &mut Context<'_>, shard: &Shard) {
        let limit = shard.limits().head_bytes;
        let mut inbox = self.inbox.borrow_mut();
        let (stream, scratch) = (&mut *self.stream.borrow_mut(), &mut *shard.scratch.borrow_mut());
        while self.side.get() == Side::Open && inbox.len() < limit {
            let room = limit - inbox.len();
            let scratch = scratch.get_mut(..room).unwrap_or_default();
            match inbox.poll_keep(cx, stream, scratch) {
                Poll::Ready(Ok(0)) => self.side.set(Side::HalfClosed),
                Poll::Ready(Ok(_)) => {}
                Poll::Ready(Err(_)) => self.side.set(Side::Lost),
                Poll::Pending => return,
            }
        }
    }

    /// Closes so that the client can read the response: a close with unread bytes would reset the
    /// connection, and take from it what it has not read yet.
    pub(super) async fn linger(&self, shard: &Shard) {
        let shut = poll_fn(|cx| Pin::new(&mut *self.stream.borrow_mut()).poll_shutdown(cx)).await;
        if shut.is_err() {
            return;
        }
        self.inbox.borrow_mut().clear();
        self.drive(|cx| {
            self.wait(shard, Wait::Close);
            let mut scratch = shard.scratch.borrow_mut();
            while !self.is_overdue(Wait::Close) {
                match ready!(poll_read(cx, &mut self.stream.borrow_mut(), &mut scratch)) {
                    Ok([_, ..]) => {}
                    Ok([]) | Err(_) => break,
                }
            }
            Poll::Ready(())
        })
        .await;
    }
}
