//! Streams: how they begin, what comes of a client that is slow, and how they end.

use bytes::Bytes;

use super::holds::Past;
use super::{Action, Actions, CallRead, Engine};
use crate::channel::Kind;
use crate::exchange::{
    Asked, Body, Change, Exchange, Guide, Next, Refusal, Source, Streaming, Trail, Work, Wrapping,
};
use crate::grip::{Hold as HoldMode, Instruct};
use crate::ground::{ConnId, Count, Time};
use crate::hold::{Timer, Waiting};
use crate::message::ResponseHead;
use crate::socket::Input;

impl Engine {
    /// Begins a stream: head out, subscribed, its first body still to come (STRM-4). False if it is refused
    /// instead.
    #[expect(clippy::too_many_arguments, reason = "all of it is what a stream consists of")]
    pub(super) fn open(
        &mut self,
        now: Time,
        conn: ConnId,
        asked: &Asked,
        instruct: Instruct,
        source: Source,
        past: Past,
        out: &mut Actions,
    ) -> bool {
        let place = asked.place();
        let Instruct { hold, channels, meta, mut links, response } = instruct;
        self.spread(&mut links);
        let kind = if links.next.is_some() { Kind::Session } else { Kind::Stream };
        let held = hold.is_some().then_some(kind);
        let (subs, session, filter) = self.take_up(conn, &place, held, (channels, meta), out);
        let change = match filter {
            Ok(filter) => filter.map(Change::Filter),
            Err(why) => {
                self.leave(now, subs, out);
                self.settle_past(now, &place, past, out);
                self.refuse(conn, &Refusal::Filter(why), asked, out);
                return false;
            }
        };
        let url = asked.url();
        let next = links.next.and_then(|next| {
            Some(Next { url: url.resolve(&next.url).ok()?, timeout: next.timeout, since: now })
        });
        let (gone, wanted) = match past {
            Past::None => (links.gone.and_then(|gone| url.resolve(&gone.url).ok()), false),
            Past::Held(held) => {
                self.leave(now, held.subs, out);
                (held.gone.map(|gone| *gone), held.again)
            }
        };
        let again = self.conflicts(&session, out) || wanted;
        let timer = match &hold {
            Some(HoldMode::Stream { keep_alive: Some(keep_alive) }) => {
                Some(Box::new(Timer::start(keep_alive.clone(), now, &mut self.rng)))
            }
            _ => None,
        };
        let guide = Guide {
            session,
            trail: Trail { page: url.clone(), place, next, gone },
            holds: hold.is_some(),
            work: Work::Body(Body { source, change, begun: true, paused: false }),
            waiting: Waiting::default(),
            again,
            wanted: Time::ZERO,
            lagging: false,
        };
        let stream = Streaming { subs, backlog: 0, timer, guide: Some(Box::new(guide)) };
        self.exchanges.insert(conn, Exchange::Streaming(stream));
        self.rearm(conn);
        out.list.push(Action::Begin { conn, head: asked.dress_head(response.head) });
        true
    }

    /// Begins to pass an answer on as it comes, as the client wants it.
    pub(super) fn pass_on(
        &mut self,
        conn: ConnId,
        asked: &Asked,
        head: ResponseHead,
        source: Source,
        out: &mut Actions,
    ) {
        let (head, start, change) = match asked.wrap(&head) {
            Some(Wrapping { head, start, body }) => (head, start, Some(Change::Script(body))),
            None => (asked.dress_head(head), Bytes::new(), None),
        };
        let stream = Streaming::passing(asked, source, change);
        self.exchanges.insert(conn, Exchange::Streaming(stream));
        self.rearm(conn);
        out.list.push(Action::Begin { conn, head });
        if !start.is_empty() {
            out.list.push(Action::Write { conn, data: start });
        }
    }

    /// Bytes wait for a client, or have gone.
    pub(super) fn backlog(&mut self, now: Time, conn: ConnId, bytes: u64, out: &mut Actions) {
        let limit = self.config.limits.backlog_bytes;
        if let Some(&Exchange::Socket(id)) = self.exchanges.get(conn) {
            return self.feed(now, id, Input::Backlog(bytes), out);
        }
        let Some(Exchange::Streaming(stream)) = self.exchanges.get_mut(conn) else {
            return self.counters.bump(Count::StaleEvent);
        };
        stream.backlog = bytes;
        if bytes > limit {
            match &mut stream.guide {
                Some(guide) if guide.recovers() => guide.lagging = true,
                _ => return self.cut(now, conn, out),
            }
        }
        if bytes == 0 {
            self.caught_up(now, conn, out);
        }
    }

    /// The client has taken all there was: what it missed meanwhile is fetched, and a body goes on.
    fn caught_up(&mut self, now: Time, conn: ConnId, out: &mut Actions) {
        let Some(guide) = self.guide(conn) else { return };
        let lagged = core::mem::take(&mut guide.lagging);
        if let Work::Body(body) = &mut guide.work
            && core::mem::take(&mut body.paused)
            && let Source::Call(call) = body.source
        {
            self.read_call(now, call, CallRead::Piece, out);
        }
        if lagged {
            self.recover(conn);
        }
    }

    /// Ends a stream properly.
    pub(super) fn finish(&mut self, now: Time, conn: ConnId, out: &mut Actions) {
        self.end_stream(now, conn, out);
        out.list.push(Action::Finish { conn });
    }

    /// Ends a stream whose client does not keep up: cut, not cleanly ended, so that it can tell.
    pub(super) fn cut(&mut self, now: Time, conn: ConnId, out: &mut Actions) {
        self.counters.bump(Count::SlowClient);
        tracing::warn!(shard = self.shard.0, %conn, "stream cut: its client is too slow");
        self.drop_source(conn, out);
        self.abort(now, conn, out);
    }

    /// Ends a stream because of what a backend did: aborted, so that the client can tell it from a proper end
    /// (STRM-9). In debug mode the reason is shown.
    pub(super) fn break_off(&mut self, now: Time, conn: ConnId, why: &str, out: &mut Actions) {
        self.counters.bump(Count::BrokenOff);
        tracing::info!(shard = self.shard.0, %conn, "stream broken off: {why}");
        if self.guide(conn).is_some_and(|guide| guide.trail.place.debug) {
            out.list.push(Action::Write { conn, data: format!("\n\n{why}\n").into() });
        }
        self.drop_source(conn, out);
        self.abort(now, conn, out);
    }

    /// Ends an exchange whose response has begun and cannot be completed.
    pub(super) fn abort(&mut self, now: Time, conn: ConnId, out: &mut Actions) {
        self.forget(now, conn, out);
        out.list.push(Action::Abort { conn });
    }

    /// Gives up the answer to the client's own request, if it is still being passed on.
    fn drop_source(&self, conn: ConnId, out: &mut Actions) {
        if let Some(Exchange::Streaming(stream)) = self.exchanges.get(conn)
            && let Some(Source::Client(_)) = stream.source()
        {
            out.list.push(Action::DropOrigin { conn });
        }
    }

    /// Drops all that is known of a stream, and says goodbye.
    pub(super) fn end_stream(&mut self, now: Time, conn: ConnId, out: &mut Actions) {
        self.wheel.disarm(conn.slot);
        let Some(Exchange::Streaming(stream)) = self.exchanges.remove(conn) else { return };
        self.leave(now, stream.subs, out);
        let Some(guide) = stream.guide else { return };
        match guide.work {
            Work::Body(Body { source: Source::Call(call), .. }) | Work::Asked { call, .. } => {
                self.leave_call(conn, call, out);
            }
            Work::Filter(filtering) => {
                if let Some(call) = filtering.call {
                    self.drop_call(call, out);
                }
            }
            Work::Body(_) | Work::Idle | Work::Queued { .. } | Work::Later { .. } => {}
        }
        self.farewell(now, &guide.trail.place, guide.trail.gone.as_ref(), out);
    }

    /// What is to be minded of a stream, if anything.
    pub(super) fn guide(&mut self, conn: ConnId) -> Option<&mut Guide> {
        match self.exchanges.get_mut(conn)? {
            Exchange::Streaming(stream) => stream.guide.as_deref_mut(),
            _ => None,
        }
    }
}
