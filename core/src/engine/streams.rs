//! Streams: how they begin, how bodies are passed on to them, and how they end.

use bytes::Bytes;

use super::holds::Past;
use super::{Action, Actions, CallRead, Engine};
use crate::channel::Kind;
use crate::exchange::{
    Asked, Body, Change, Exchange, Guide, Next, Refusal, Source, Streaming, Trail, Work, Wrapping,
};
use crate::grip::{Hold as HoldMode, Instruct};
use crate::ground::{CallId, ConnId, Count, Time};
use crate::hold::{Standing, Timer, Waiting};
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
        let Instruct { hold, channels, meta, links, response } = instruct;
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
            work: Work::Body(Body { source, change, begun: false, paused: false }),
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

    /// A piece of the body that is passed on.
    pub(super) fn body(
        &mut self,
        now: Time,
        conn: ConnId,
        data: Bytes,
        end: bool,
        out: &mut Actions,
    ) {
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
        data: Bytes,
        end: bool,
        out: &mut Actions,
    ) {
        if end {
            self.calls.remove(call);
        }
        self.body(now, conn, data, end, out);
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
