//! The body of an answer: passed through, collected, or streamed into a hold.

use std::ops::ControlFlow;
use std::task::{Context, Poll};

use holdfast_core::engine::{Event, OriginFault};
use holdfast_core::message::{BodySize, ResponseHead};

use super::attempt::Attempt;
use super::gather::Gather;
use super::hop::Piece;
use crate::client::{Conn, Left, Wait};
use crate::shard::Shard;
use crate::stats::Stat;

/// Where the body goes.
trait Sink {
    /// What is waited for while nothing comes. For what the engine has asked for, it keeps the time itself.
    const WAIT: Wait;

    /// Bytes came.
    fn take(&mut self, data: &[u8]);

    /// All that had come was taken.
    fn settle(&mut self, piece: Piece) -> ControlFlow<()>;
}

impl Attempt<'_> {
    /// Passes the answer through.
    pub(super) async fn relay(
        &mut self,
        shard: &Shard,
        conn: &Conn,
        head: ResponseHead,
        size: BodySize,
    ) -> Result<(), Left> {
        let mut relay = Relay { shard, conn, out: shard.lend() };
        conn.render_head(&head, size, shard.persist(), &mut relay.out);
        drop(head);
        if !self.hop.has_piece() {
            // The head does not wait for the body.
            let _ = relay.settle(Piece::More);
        }
        self.pump(shard, conn, relay).await
    }

    /// Reads the body whole, and hands it to the engine.
    pub(super) async fn collect(
        &mut self,
        shard: &Shard,
        conn: &Conn,
        limit: usize,
    ) -> Result<(), Left> {
        let body = Gather::whole(limit, BodySize::Unknown);
        self.pump(shard, conn, Collect { shard, conn, body }).await
    }

    /// Hands the body to the engine as it comes.
    pub(super) async fn stream(&mut self, shard: &Shard, conn: &Conn) -> Result<(), Left> {
        self.pump(shard, conn, Stream { shard, conn, data: Gather::piece() }).await
    }

    /// Reads the body until its end, but never while something waits for the client to take it.
    async fn pump<S: Sink>(&mut self, shard: &Shard, conn: &Conn, mut sink: S) -> Result<(), Left> {
        conn.drive(|cx| self.poll_pump(cx, shard, conn, &mut sink)).await
    }

    fn poll_pump<S: Sink>(
        &mut self,
        cx: &mut Context<'_>,
        shard: &Shard,
        conn: &Conn,
        sink: &mut S,
    ) -> Poll<Result<(), Left>> {
        loop {
            conn.tend(cx, shard)?;
            if conn.is_called_off() {
                return Poll::Ready(Ok(()));
            }
            if conn.has_backlog() {
                break;
            }
            let Poll::Ready(piece) = self.hop.poll_piece(cx, shard, &mut |data| sink.take(data))
            else {
                break;
            };
            conn.progress(shard);
            if sink.settle(piece).is_break() {
                return Poll::Ready(Ok(()));
            }
        }
        self.poll_upload(cx, shard, conn)?;
        if conn.is_overdue(Wait::Origin) {
            let _ = sink.settle(Piece::Cut);
            return Poll::Ready(Ok(()));
        }
        conn.wait(shard, S::WAIT);
        Poll::Pending
    }
}

struct Relay<'a> {
    shard: &'a Shard,
    conn: &'a Conn,
    /// Rendered, to be written together; lent for as long as there is something in it.
    out: Vec<u8>,
}

impl Sink for Relay<'_> {
    const WAIT: Wait = Wait::Origin;

    fn take(&mut self, data: &[u8]) {
        if self.out.is_empty() && self.conn.pass(data) {
            return;
        }
        if self.out.capacity() == 0 {
            self.out = self.shard.lend();
        }
        self.conn.render_data(data, &mut self.out);
    }

    fn settle(&mut self, piece: Piece) -> ControlFlow<()> {
        let mut out = std::mem::take(&mut self.out);
        let flow = match piece {
            Piece::More => {
                self.conn.write(&out);
                ControlFlow::Continue(())
            }
            Piece::End => {
                self.conn.end(&mut out);
                ControlFlow::Break(())
            }
            Piece::Cut => {
                self.shard.stats.bump(Stat::Truncated);
                tracing::info!(
                    shard = self.shard.number(),
                    conn = %self.conn.id,
                    "the origin's response was cut short"
                );
                self.conn.write(&out);
                self.conn.cut_short();
                ControlFlow::Break(())
            }
        };
        self.shard.give_back(out);
        flow
    }
}

struct Collect<'a> {
    shard: &'a Shard,
    conn: &'a Conn,
    body: Gather,
}

impl Sink for Collect<'_> {
    const WAIT: Wait = Wait::Nothing;

    fn take(&mut self, data: &[u8]) {
        self.body.take(data);
    }

    fn settle(&mut self, piece: Piece) -> ControlFlow<()> {
        let conn = self.conn.id;
        let too_long = self.body.is_too_much();
        if piece == Piece::More && !too_long {
            return ControlFlow::Continue(());
        }
        if piece == Piece::Cut && !too_long {
            self.shard.tell(Event::OriginFailed { conn, fault: OriginFault::Broken });
        } else {
            let data = self.body.take_data();
            self.shard.tell(Event::OriginData { conn, data, end: piece == Piece::End });
        }
        ControlFlow::Break(())
    }
}

struct Stream<'a> {
    shard: &'a Shard,
    conn: &'a Conn,
    data: Gather,
}

impl Sink for Stream<'_> {
    const WAIT: Wait = Wait::Nothing;

    fn take(&mut self, data: &[u8]) {
        self.data.take(data);
    }

    fn settle(&mut self, piece: Piece) -> ControlFlow<()> {
        let conn = self.conn.id;
        let data = self.data.take_data();
        let end = piece == Piece::End;
        if end || !data.is_empty() {
            self.shard.tell(Event::OriginData { conn, data, end });
        }
        match piece {
            Piece::More => return ControlFlow::Continue(()),
            Piece::End => {}
            Piece::Cut => {
                self.shard.tell(Event::OriginFailed { conn, fault: OriginFault::Broken });
            }
        }
        ControlFlow::Break(())
    }
}
