//! Bodies that are passed on to streams as they come, and what follows them: the hold with the items that have
//! waited, the next page, or the end.

use bytes::Bytes;

use super::{Action, Actions, CallRead, Engine};
use crate::exchange::{Body, Exchange, Guide, Refusal, Source, Work};
use crate::ground::{CallId, ConnId, Count, Time};
use crate::hold::Standing;

/// What has come of a body; perhaps the end of it.
#[derive(Debug)]
pub(super) struct Piece {
    pub(super) data: Bytes,
    pub(super) end: bool,
}

impl Engine {
    /// A piece of the body that is passed on.
    pub(super) fn body(&mut self, now: Time, conn: ConnId, piece: Piece, out: &mut Actions) {
        let Piece { data, end } = piece;
        let Some(Exchange::Streaming(stream)) = self.exchanges.get_mut(conn) else { return };
        let flows = stream.flows();
        let Some(Work::Body(body)) = stream.guide.as_mut().map(|guide| &mut guide.work) else {
            return;
        };
        let data = match &mut body.change {
            None => data,
            Some(change) => match change.feed(data) {
                Ok(data) => data,
                Err(why) => {
                    return self.break_off(now, conn, &Refusal::Filter(why).to_string(), out);
                }
            },
        };
        if !data.is_empty() {
            body.begun = true;
            out.list.push(Action::Write { conn, data });
        }
        if end {
            return self.complete(now, conn, out);
        }
        match body.source {
            Source::Client(_) => {
                body.source = Source::Client(now + self.config.limits.origin_timeout);
                self.rearm(conn);
            }
            Source::Call(call) if flows => self.read_call(now, call, CallRead::Piece, out),
            Source::Call(call) => {
                body.paused = true;
                self.rest_call(call);
            }
            Source::Complete => {}
        }
    }

    /// A piece of the answer to a call that one client gets.
    pub(super) fn piece(
        &mut self,
        now: Time,
        call: CallId,
        conn: ConnId,
        piece: Piece,
        out: &mut Actions,
    ) {
        if piece.end {
            self.calls.remove(call);
        }
        self.body(now, conn, piece, out);
    }

    /// A body is complete: the hold begins, or the next page is fetched, or the response is over.
    fn complete(&mut self, now: Time, conn: ConnId, out: &mut Actions) {
        let Some(guide) = self.guide(conn) else { return };
        let work = core::mem::replace(&mut guide.work, Work::Idle);
        let (holds, goes_on) = (guide.holds, guide.trail.next.is_some());
        let Work::Body(Body { change, begun, .. }) = work else { return };
        if let Some(change) = change {
            match change.finish() {
                Ok(data) if data.is_empty() => {}
                Ok(data) => out.list.push(Action::Write { conn, data }),
                Err(why) => {
                    return self.break_off(now, conn, &Refusal::Filter(why).to_string(), out);
                }
            }
        }
        match (holds, goes_on) {
            _ if self.draining => self.finish(now, conn, out),
            (true, _) => self.begin_hold(now, conn, begun, out),
            (false, true) => self.fetch(now, conn, 0, true, out),
            (false, false) => self.finish(now, conn, out),
        }
    }

    /// The client waits for items from now on; `begun` if the body before was not empty (KEEP-5).
    fn begin_hold(&mut self, now: Time, conn: ConnId, begun: bool, out: &mut Actions) {
        self.counters.bump(Count::HoldsBegun);
        let rng = &mut self.rng;
        let Some(Exchange::Streaming(stream)) = self.exchanges.get_mut(conn) else { return };
        if begun && let Some(timer) = &mut stream.timer {
            timer.restart(now, rng);
        }
        if stream.guide.as_ref().is_some_and(|guide| guide.lagging && !guide.recovers()) {
            return self.cut(now, conn, out);
        }
        if let Some(next) = stream.guide.as_mut().and_then(|guide| guide.trail.next.as_mut()) {
            next.since = now;
        }
        self.join(now, conn, out);
        self.settle_down(now, conn, out);
    }

    /// Looks at what has waited for a body: of a channel with a position, what the body does not contain yet
    /// (NEXT-8).
    fn join(&mut self, now: Time, conn: ConnId, out: &mut Actions) {
        let Some(guide) = self.guide(conn) else { return };
        let waiting = guide.waiting.take();
        let mut joined: Vec<String> = Vec::new();
        let mut before: Vec<String> = Vec::new();
        for item in waiting {
            let Some(guide) = self.guide(conn) else { return };
            if !guide.session.is_on(&item.channel) {
                continue;
            }
            let follows = guide.session.standing_of(&item) == Standing::Next;
            if follows && !joined.contains(&item.channel) {
                joined.push(item.channel.clone());
            }
            if joined.contains(&item.channel) {
                self.offer_stream(now, conn, &item, false, out);
            } else {
                before.push(item.channel.clone());
                self.counters.bump(Count::KnownItem);
            }
        }
        // Of these channels nothing fits: the body is newer, or something is missing in between.
        before.retain(|channel| !joined.contains(channel));
        for channel in before {
            let doubtful = |guide: &Guide| guide.session.is_reliable_on(&channel);
            if self.guide(conn).is_some_and(|guide| doubtful(guide))
                && self.contradicts(conn, &channel, out)
            {
                self.recover(conn);
            }
        }
    }

    /// After work: what else is wanted is done, and what is not needed any more is dropped.
    pub(super) fn settle_down(&mut self, now: Time, conn: ConnId, out: &mut Actions) {
        let Some(guide) = self.guide(conn) else { return };
        if !matches!(guide.work, Work::Idle) {
            return self.rearm(conn);
        }
        if core::mem::take(&mut guide.again) {
            self.recover(conn);
        }
        let Some(guide) = self.guide(conn) else { return };
        if !matches!(guide.work, Work::Idle) {
            return self.rearm(conn);
        }
        if guide.is_spent() && guide.waiting.is_empty() {
            if let Some(Exchange::Streaming(stream)) = self.exchanges.get_mut(conn) {
                stream.guide = None;
            }
        } else if !guide.waiting.is_empty() {
            self.catch_up(now, conn, out);
        }
        self.rearm(conn);
    }

    /// Looks at what has waited for something else than a body.
    fn catch_up(&mut self, now: Time, conn: ConnId, out: &mut Actions) {
        let Some(guide) = self.guide(conn) else { return };
        for item in guide.waiting.take() {
            self.offer_stream(now, conn, &item, false, out);
        }
        if self.guide(conn).is_some_and(|guide| matches!(guide.work, Work::Idle) && guide.again) {
            self.settle_down(now, conn, out);
        }
    }
}
