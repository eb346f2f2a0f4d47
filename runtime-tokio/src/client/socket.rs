//! A client's WebSocket: after the upgrade, frames come and go on the connection instead of HTTP.
//!
//! The same task reads the client and, if there is one, the origin's end; neither while the other has not taken
//! what came before. The driver writes to both from where it stands.

use std::task::{Context, Poll, ready};

use holdfast_core::engine::{Event, SocketEvent, SocketFrame};
use holdfast_core::message::ResponseHead;
use holdfast_core::ws::{Close, Decoder, Role, Sender, Violation};

use super::conn::{Conn, Side, Stage};
use super::patience::Wait;
use super::{Left, Why};
use crate::frames::decode;
use crate::origin::{Backend, Came, Write};
use crate::shard::Shard;

/// What a connection has beside the rest when it is a WebSocket, or may become one. It holds no data.
pub(crate) struct Socket {
    decoder: Decoder,
    sender: Sender,
    reading: Reading,
    backend: Option<Box<Backend>>,
}

/// Whether the engine wants to hear the client.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Reading {
    On,
    Paused,
}

impl Socket {
    fn new(shard: &Shard) -> Self {
        let decoder = match shard.checks_utf8() {
            true => Decoder::new(Role::Server),
            false => Decoder::unchecked(Role::Server),
        };
        Self { decoder, sender: Sender::new(), reading: Reading::On, backend: None }
    }
}

/// What the driver does.
impl Conn {
    /// Accepts the upgrade.
    pub(crate) fn accept(&self, head: &ResponseHead, shard: &Shard, out: &mut Vec<u8>) {
        self.wire.borrow_mut().switch(head, out);
        self.write(out);
        self.socket.borrow_mut().get_or_insert_with(|| Box::new(Socket::new(shard)));
        self.set_stage(Stage::Socket);
        self.wake();
    }

    /// Sends to the client.
    pub(crate) fn send(&self, frame: &SocketFrame, out: &mut Vec<u8>) {
        if let Some(socket) = &mut *self.socket.borrow_mut() {
            frame.encode(&mut socket.sender, None, out);
        }
        self.write(out);
    }

    /// Reads the client no longer.
    pub(crate) fn pause(&self) {
        self.set_reading(Reading::Paused);
    }

    /// Reads the client again.
    pub(crate) fn resume(&self) {
        self.set_reading(Reading::On);
        self.wake();
    }

    fn set_reading(&self, reading: Reading) {
        if let Some(socket) = &mut *self.socket.borrow_mut() {
            socket.reading = reading;
        }
    }

    /// Sends to the origin.
    pub(crate) fn send_origin(&self, frame: &SocketFrame, shard: &Shard) {
        let mut socket = self.socket.borrow_mut();
        let Some(backend) = socket.as_mut().and_then(|socket| socket.backend.as_mut()) else {
            return;
        };
        let sent = backend.send(frame, shard.mask());
        drop(socket);
        if sent.is_pending() {
            self.wake();
        }
    }

    /// The origin has accepted the upgrade.
    pub(crate) fn join(&self, backend: Backend, shard: &Shard) {
        let mut socket = self.socket.borrow_mut();
        let socket = socket.get_or_insert_with(|| Box::new(Socket::new(shard)));
        socket.backend = Some(Box::new(backend));
    }

    /// Lets go of the origin's end; says whether there was one.
    pub(crate) fn part_from_backend(&self, shard: &Shard) -> bool {
        let backend = self.socket.borrow_mut().as_mut().and_then(|socket| socket.backend.take());
        backend.map(|backend| shard.part_from(backend)).is_some()
    }

    /// Tells a client what it did wrong.
    pub(super) fn close_for(&self, violation: Violation, out: &mut Vec<u8>) {
        self.send(&SocketFrame::Close(Close::new(violation.code())), out);
    }
}

/// What the task does.
impl Conn {
    /// Serves the WebSocket until the engine ends it.
    pub(super) fn converse(&self, shard: &Shard) -> impl Future<Output = Result<(), Left>> {
        self.drive(move |cx| self.poll_converse(cx, shard))
    }

    fn poll_converse(&self, cx: &mut Context<'_>, shard: &Shard) -> Poll<Result<(), Left>> {
        loop {
            self.tend(cx, shard)?;
            if self.stage() != Stage::Socket {
                return Poll::Ready(Ok(()));
            }
            let client = self.poll_client(cx, shard)?;
            let was_behind = self.is_backend_behind();
            // In any case: it may have been given something to take, or to go on with.
            let backend = self.poll_backend(cx, shard);
            let caught_up = was_behind && !self.is_backend_behind();
            if client.is_pending() && backend.is_pending() && !caught_up {
                break;
            }
        }
        self.wait(shard, if self.is_backend_behind() { Wait::Origin } else { Wait::Nothing });
        Poll::Pending
    }

    /// Takes what came right behind the handshakes.
    pub(super) fn hear_early(&self, shard: &Shard) -> Result<(), Left> {
        let mut frames = Vec::new();
        let heard = self.with_socket(|socket| {
            let decoder = &mut socket.decoder;
            self.inbox.borrow_mut().digest(|input| decode(decoder, input, &mut frames))
        });
        self.report(shard, &mut frames, SocketEvent::Frame);
        if let Some(Err(violation)) = heard {
            return Err(Left(Why::BadFrame(violation)));
        }
        let came = self.with_backend(|backend| backend.digest(self.id, shard, &mut frames));
        if let Some(came) = came {
            self.origin_came(shard, came, &mut frames);
        }
        Ok(())
    }

    /// Reads the client once, unless it must wait.
    fn poll_client(&self, cx: &mut Context<'_>, shard: &Shard) -> Poll<Result<(), Left>> {
        let mut frames = Vec::new();
        let read = self.with_socket(|socket| {
            if socket.reading == Reading::Paused
                || socket.is_backend_behind()
                || self.is_far_behind(shard)
            {
                return Poll::Pending;
            }
            let (stream, scratch) =
                (&mut *self.stream.borrow_mut(), &mut *shard.scratch.borrow_mut());
            let take = |input: &mut [u8]| decode(&mut socket.decoder, input, &mut frames);
            self.inbox.borrow_mut().poll_digest(cx, stream, scratch, take)
        });
        match ready!(read.unwrap_or(Poll::Pending)) {
            Ok(Some(kept_to)) => {
                self.report(shard, &mut frames, SocketEvent::Frame);
                Poll::Ready(kept_to.map_err(|violation| Left(Why::BadFrame(violation))))
            }
            Ok(None) | Err(_) => {
                self.side.set(Side::Lost);
                Poll::Ready(Err(Left(Why::Gone)))
            }
        }
    }

    /// Writes to the origin what waits for it and reads it once, unless the client must take something first.
    fn poll_backend(&self, cx: &mut Context<'_>, shard: &Shard) -> Poll<()> {
        let mut frames = Vec::new();
        let came = self.with_backend(|backend| {
            if self.is_overdue(Wait::Origin) || backend.poll_flush(cx, self, shard).is_err() {
                return Poll::Ready(Came::Gone);
            }
            if self.has_backlog() {
                return Poll::Pending;
            }
            backend.poll_frames(cx, self.id, shard, &mut frames)
        });
        let came = ready!(came.unwrap_or(Poll::Pending));
        self.origin_came(shard, came, &mut frames);
        Poll::Ready(())
    }

    fn origin_came(&self, shard: &Shard, came: Came, frames: &mut Vec<SocketFrame>) {
        self.report(shard, frames, SocketEvent::OriginFrame);
        if came == Came::Gone {
            self.part_from_backend(shard);
            self.tell(shard, SocketEvent::OriginClosed);
        }
    }

    /// Tells of frames. If they came together, what they lead to leaves together, either way.
    fn report(
        &self,
        shard: &Shard,
        frames: &mut Vec<SocketFrame>,
        event: impl Fn(SocketFrame) -> SocketEvent,
    ) {
        let are_many = frames.len() > 1;
        if are_many {
            self.in_line.set(true);
            self.with_backend(|backend| backend.write(Write::Later));
        }
        for frame in frames.drain(..) {
            self.tell(shard, event(frame));
        }
        if are_many {
            self.write_in_turn(shard);
            self.with_backend(|backend| backend.write(Write::Now));
        }
    }

    fn tell(&self, shard: &Shard, event: SocketEvent) {
        // What was told before may have ended it.
        if self.is_engaged() {
            shard.tell(Event::Socket { conn: self.id, event });
        }
    }

    /// Whether the client takes so little that whatever answers it, be it pongs, must have an end.
    fn is_far_behind(&self, shard: &Shard) -> bool {
        let waiting = self.outbox.borrow().len();
        waiting > 0 && waiting >= shard.limits().backlog_bytes
    }

    fn is_backend_behind(&self) -> bool {
        self.with_socket(|socket| socket.is_backend_behind()).unwrap_or(false)
    }

    fn with_socket<T>(&self, with: impl FnOnce(&mut Socket) -> T) -> Option<T> {
        self.socket.borrow_mut().as_deref_mut().map(with)
    }

    fn with_backend<T>(&self, with: impl FnOnce(&mut Backend) -> T) -> Option<T> {
        self.with_socket(|socket| socket.backend.as_deref_mut().map(with)).flatten()
    }
}

impl Socket {
    /// Whether the origin has not taken yet what the client sent.
    fn is_backend_behind(&self) -> bool {
        self.backend.as_ref().is_some_and(|backend| backend.is_behind())
    }
}

#[cfg(test)]
mod tests;
