//! The origin's end of a WebSocket.

use std::future::poll_fn;
use std::io;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use holdfast_core::engine::SocketFrame;
use holdfast_core::ground::ConnId;
use holdfast_core::ws::{Close, Decoder, Role, Sender, Violation};
use tokio::task::spawn_local;

use crate::client::{Conn, Outbox};
use crate::frames::decode;
use crate::intake::{Intake, poll_read};
use crate::net::TcpStream;
use crate::shard::Shard;
use crate::stats::Stat;

/// Origins that are parted from at once; others are just cut.
const PARTINGS: usize = 1024;

/// A connection to an origin that has accepted an upgrade. Without frames under way it holds no data.
pub(crate) struct Backend {
    stream: TcpStream,
    inbox: Intake,
    outbox: Outbox,
    decoder: Decoder,
    sender: Sender,
    write: Write,
    /// It broke the protocol.
    at_fault: bool,
}

/// When frames are written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Write {
    Now,
    /// When this changes: more of them are coming.
    Later,
}

/// What came of reading.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Came {
    /// Perhaps frames.
    Frames,
    /// Perhaps frames, and then the end.
    Gone,
}

impl Backend {
    /// What goes on where HTTP has ended. `inbox` is what was read beyond its end.
    pub(super) fn new(stream: TcpStream, inbox: Intake) -> Self {
        Self {
            stream,
            inbox,
            outbox: Outbox::default(),
            decoder: Decoder::new(Role::Client),
            sender: Sender::new(),
            write: Write::Now,
            at_fault: false,
        }
    }

    /// Sends a frame; pending if it has to wait.
    pub(crate) fn send(&mut self, frame: &SocketFrame, mask: [u8; 4]) -> Poll<()> {
        let mut out = Vec::new();
        frame.encode(&mut self.sender, Some(mask), &mut out);
        let waited = self.is_behind();
        self.outbox.push(Bytes::from(out));
        if !waited {
            self.try_flush();
        }
        if self.is_behind() { Poll::Pending } else { Poll::Ready(()) }
    }

    /// From now on, writes frames at once, or not.
    pub(crate) fn write(&mut self, write: Write) {
        self.write = write;
        self.try_flush();
    }

    fn try_flush(&mut self) {
        if self.write == Write::Now {
            // If this fails, the next read says so.
            let _ = self.outbox.try_flush(&self.stream);
        }
    }

    /// Whether something waits to be taken.
    pub(crate) fn is_behind(&self) -> bool {
        !self.outbox.is_empty()
    }

    /// Writes what waits, as far as the origin takes it.
    pub(crate) fn poll_flush(
        &mut self,
        cx: &mut Context<'_>,
        conn: &Conn,
        shard: &Shard,
    ) -> io::Result<()> {
        match self.outbox.poll_flush(cx, &mut self.stream, || conn.progress(shard)) {
            Poll::Ready(flushed) => flushed,
            Poll::Pending => Ok(()),
        }
    }

    /// Reads once.
    pub(crate) fn poll_frames(
        &mut self,
        cx: &mut Context<'_>,
        conn: ConnId,
        shard: &Shard,
        frames: &mut Vec<SocketFrame>,
    ) -> Poll<Came> {
        let decoder = &mut self.decoder;
        let take = |input: &mut [u8]| decode(decoder, input, frames);
        let scratch = &mut *shard.scratch.borrow_mut();
        match ready!(self.inbox.poll_digest(cx, &mut self.stream, scratch, take)) {
            Ok(Some(kept_to)) => Poll::Ready(self.judge(kept_to, conn, shard)),
            Ok(None) | Err(_) => Poll::Ready(Came::Gone),
        }
    }

    /// Takes what was read before.
    pub(crate) fn digest(
        &mut self,
        conn: ConnId,
        shard: &Shard,
        frames: &mut Vec<SocketFrame>,
    ) -> Came {
        let decoder = &mut self.decoder;
        let kept_to = self.inbox.digest(|input| decode(decoder, input, frames));
        self.judge(kept_to, conn, shard)
    }

    /// An origin that breaks the protocol is told so, and left.
    fn judge(&mut self, kept_to: Result<(), Violation>, conn: ConnId, shard: &Shard) -> Came {
        let Err(violation) = kept_to else { return Came::Frames };
        self.at_fault = true;
        shard.stats.bump(Stat::OriginBadFrame);
        tracing::info!(
            shard = shard.number(),
            %conn,
            "an origin broke the WebSocket protocol: {violation}"
        );
        let _ = self.send(&SocketFrame::Close(Close::new(violation.code())), shard.mask());
        Came::Gone
    }

    /// Writes what waits, then waits for the origin to close.
    async fn part(mut self, shard: &Shard) {
        let flushed = poll_fn(|cx| self.outbox.poll_flush(cx, &mut self.stream, || {})).await;
        // Who has sent its close, and now ours, has nothing to add.
        if flushed.is_err()
            || !self.sender.is_closed()
            || (self.decoder.is_over() && !self.at_fault)
        {
            return;
        }
        poll_fn(|cx| {
            let scratch = &mut *shard.scratch.borrow_mut();
            while let Ok([_, ..]) = ready!(poll_read(cx, &mut self.stream, scratch)) {}
            Poll::Ready(())
        })
        .await;
    }
}

impl Shard {
    /// Lets go of an origin. If it was sent a close frame, it has some time to answer and close (WS-34); whatever it
    /// sends means nothing any more.
    pub(crate) fn part_from(&self, backend: Box<Backend>) {
        if !backend.is_behind() && !backend.sender.is_closed() {
            return;
        }
        if self.partings.get() >= PARTINGS {
            return self.stats.bump(Stat::PartingCut);
        }
        self.partings.set(self.partings.get() + 1);
        let shard = self.share();
        let patience = Duration::from_nanos(self.limits().close_timeout.as_nanos());
        spawn_local(async move {
            let _ = tokio::time::timeout(patience, backend.part(&shard)).await;
            shard.partings.set(shard.partings.get() - 1);
        });
    }
}
