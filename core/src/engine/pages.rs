//! Next pages of streams: asking for one, trying again where it cannot be had, and going on with what it says
//! (NEXT-1 to NEXT-13).

use bytes::Bytes;

use super::bodies::Piece;
use super::calls::{Owner, Phase};
use super::shared::{PageKey, is_shareable};
use super::{Actions, CallBody, CallRead, Engine};
use crate::channel::{Kind, Subscriptions};
use crate::exchange::{Body, Change, Exchange, Next, Refusal, Source, Work};
use crate::filter::BodyFilter;
use crate::grip::{
    Hold as HoldMode, Instruct, InstructError, KeepAlive, Links, is_json, parse_head, parse_whole,
};
use crate::ground::{CallId, ConnId, Count, Span, Time};
use crate::hold::{Session, Timer};
use crate::message::ResponseHead;

/// A failed fetch of a response that is no hold is repeated so many times (NEXT-9).
const FAILURES_MAX: u32 = 6;

impl Engine {
    /// Asks for the next page of a stream, or joins those who have asked for the same; `alone` if it is known
    /// that everybody's is different.
    pub(super) fn fetch(
        &mut self,
        now: Time,
        conn: ConnId,
        failures: u32,
        alone: bool,
        out: &mut Actions,
    ) {
        let config = self.config.clone();
        let Some(guide) = self.guide(conn) else { return };
        let Some(next) = &guide.trail.next else { return };
        let key = PageKey::of(guide, next);
        let errand = guide.trail.place.page(&next.url, guide.session.lasts(), &config.policy);
        if !alone && self.join_call(conn, failures, &key) {
            return;
        }
        let errand = match errand {
            Ok(errand) => errand,
            Err(why) => {
                tracing::warn!(shard = self.shard.0, %conn, "next link not followed: {why}");
                self.set_asked(conn, None, failures);
                return self.page_failed(now, conn, out);
            }
        };
        let owner = Owner::Page(key.clone(), vec![conn]);
        let call = self.plan_call(now, errand, CallBody::Bytes(Bytes::new()), owner);
        if !alone {
            self.calls.pages.insert(key, call);
        }
        self.set_asked(conn, Some(call), failures);
        if let Some(guide) = self.guide(conn) {
            // Whatever was wanted before is what this page brings.
            guide.again = false;
        }
        self.counters.bump(Count::Pages);
        self.send_call(now, call, out);
    }

    pub(super) fn set_asked(&mut self, conn: ConnId, call: Option<CallId>, failures: u32) {
        if let Some(guide) = self.guide(conn) {
            guide.work = match call {
                Some(call) => Work::Asked { call, failures },
                None => Work::Later { at: Time::ZERO, failures },
            };
        }
    }

    /// The answer to a page's call begins: it is read whole if several want it, or if it must be.
    pub(super) fn page_head(
        &mut self,
        now: Time,
        call: CallId,
        head: ResponseHead,
        out: &mut Actions,
    ) {
        if !head.status.is_success() {
            tracing::info!(shard = self.shard.0, "a page has status {}", head.status);
            return self.page_useless(now, call, out);
        }
        let limits = self.config.limits.clone();
        let readers = self.readers(call);
        let shared = readers.len() > 1 && is_shareable(&head);
        if !shared {
            self.scatter(call, &readers);
        }
        if is_json(&head) {
            return self.whole(now, call, head, limits.instruct_bytes, out);
        }
        if shared {
            return self.whole(now, call, head, limits.shared_page_bytes, out);
        }
        match read_page(&head, Bytes::new(), &limits) {
            Ok(instruct) => {
                if let Some(known) = self.calls.get_mut(call) {
                    known.phase = Phase::Page(Some(Box::new(instruct)));
                }
                self.read_call(now, call, CallRead::Piece, out);
            }
            Err(why) => self.page_invalid(now, call, &why, out),
        }
    }

    /// A page is complete that is read whole, or it is too long for that.
    pub(super) fn page_whole(&mut self, now: Time, call: CallId, piece: Piece, out: &mut Actions) {
        let Piece { data, end } = piece;
        let Some(answered) = self.calls.remove(call) else { return };
        let (Owner::Page(_, readers), Phase::Whole(head)) = (answered.owner, answered.phase) else {
            return;
        };
        if !end && !is_json(&head) {
            // Too long to be kept for all: each gets its own, as fast as its client takes it.
            return self.requeue(&readers);
        }
        let limits = self.config.limits.clone();
        let mut page = match end {
            true => read_page(&head, data, &limits),
            false => Err(Refusal::TooLarge("a next page".to_owned())),
        };
        if let Ok(instruct) = &mut page {
            // The same for all, so that they can share the next one too.
            self.spread(&mut instruct.links);
        }
        self.counters.add(Count::PagesShared, (readers.len() as u64).saturating_sub(1));
        for conn in readers {
            match &page {
                Ok(instruct) => {
                    let mut instruct = instruct.clone();
                    let body = core::mem::take(&mut instruct.response.body);
                    if self.adopt(now, conn, instruct, Source::Complete, out) {
                        self.body(now, conn, Piece { data: body, end: true }, out);
                    }
                }
                Err(why) => self.break_off(now, conn, &why.to_string(), out),
            }
        }
    }

    /// A piece of a page that is passed on as it comes. Only with the first is what the head says done: until
    /// then the page can be asked for again.
    pub(super) fn page_piece(
        &mut self,
        now: Time,
        call: CallId,
        conn: ConnId,
        piece: Piece,
        out: &mut Actions,
    ) {
        let Some(known) = self.calls.get_mut(call) else { return };
        if let Phase::Page(instruct) = &mut known.phase {
            let Some(mut instruct) = instruct.take() else { return };
            known.phase = Phase::Pieces;
            if piece.end {
                self.calls.remove(call);
            }
            self.spread(&mut instruct.links);
            if !self.adopt(now, conn, *instruct, Source::Call(call), out) {
                return;
            }
        }
        self.piece(now, call, conn, piece, out);
    }

    /// Lengthens the time after which a silent stream follows its link by up to a tenth, so that streams that
    /// began together do not ask together (NEXT-6).
    pub(super) fn spread(&mut self, links: &mut Links) {
        if let Some(next) = &mut links.next {
            let least = next.timeout.max(Span::from_millis(100));
            next.timeout = least + Span::from_nanos(self.rng.below(least.as_nanos() / 10));
        }
    }

    /// A page could not be had. If nothing was made of it yet it is tried again: for a hold, which is as good
    /// as before, for as long as it takes (NEXT-9).
    pub(super) fn page_failed(&mut self, now: Time, conn: ConnId, out: &mut Actions) {
        self.counters.bump(Count::RecoveryFailed);
        let Some(guide) = self.guide(conn) else { return };
        let holds = guide.holds;
        let failures = match &guide.work {
            Work::Asked { failures, .. } | Work::Later { failures, .. } => failures + 1,
            _ => return self.break_off(now, conn, "a page ended before its end", out),
        };
        if !holds && failures >= FAILURES_MAX {
            return self.break_off(now, conn, "the next page cannot be had", out);
        }
        let at = now + self.back_off(failures - 1);
        if let Some(guide) = self.guide(conn) {
            guide.work = Work::Later { at, failures };
            self.rearm(conn);
        }
    }

    /// Does what a page says: its hold takes the place of the one before (NEXT-2, NEXT-7). False if the stream
    /// ends instead.
    fn adopt(
        &mut self,
        now: Time,
        conn: ConnId,
        instruct: Instruct,
        source: Source,
        out: &mut Actions,
    ) -> bool {
        let Some(Exchange::Streaming(stream)) = self.exchanges.get_mut(conn) else { return false };
        let Some(guide) = stream.guide.as_deref_mut() else { return false };
        let place = guide.trail.place.clone();
        if let Some(next) = guide.trail.next.take() {
            guide.trail.page = next.url;
        }
        let Instruct { hold, channels, meta, links, .. } = instruct;
        let page = guide.trail.page.clone();
        let checked = match (&hold, &links.next) {
            (Some(HoldMode::Response { .. }), _) => {
                Err("a page asks for a response hold".to_owned())
            }
            (Some(_), None) if channels.iter().any(|channel| channel.prev_id.is_some()) => {
                Err("a page has prev-id and no next link".to_owned())
            }
            (_, None) => Ok(None),
            (_, Some(next)) => match page.resolve(&next.url) {
                Ok(url) => Ok(Some(Next { url, timeout: next.timeout, since: now })),
                Err(why) => Err(format!("Grip-Link: {why}")),
            },
        };
        let next = match checked {
            Ok(next) => next,
            Err(why) => {
                self.break_off(now, conn, &why, out);
                return false;
            }
        };
        let keep_alive = match &hold {
            Some(HoldMode::Stream { keep_alive }) => keep_alive.clone(),
            _ => None,
        };
        self.replace_timer(now, conn, keep_alive);
        let kind = if next.is_some() { Kind::Session } else { Kind::Stream };
        let held = hold.is_some().then_some(kind);
        let (subs, session, filter) = self.take_up(conn, &place, held, (channels, meta), out);
        self.turn_page(now, conn, (subs, session), out);
        let filter = match filter {
            Ok(filter) => filter,
            Err(why) => {
                self.break_off(now, conn, &Refusal::Filter(why).to_string(), out);
                return false;
            }
        };
        self.begin_page(conn, hold.is_some(), next, source, filter);
        true
    }

    /// Puts the new subscriptions in the place of the old. A channel that was not subscribed before has had no
    /// chance to miss anything unnoticed but in the meantime (REL-1).
    fn turn_page(
        &mut self,
        now: Time,
        conn: ConnId,
        (subs, session): (Subscriptions, Session),
        out: &mut Actions,
    ) {
        let Some(Exchange::Streaming(stream)) = self.exchanges.get_mut(conn) else { return };
        let old = core::mem::replace(&mut stream.subs, subs);
        let Some(guide) = stream.guide.as_deref_mut() else { return };
        let before = core::mem::replace(&mut guide.session, session);
        let new: Vec<_> = guide.session.tracks().iter().map(|track| track.name.clone()).collect();
        self.leave(now, old, out);
        for name in new.iter().filter(|name| !before.is_on(name)) {
            if self.contradicts(conn, name, out)
                && let Some(guide) = self.guide(conn)
            {
                guide.again = true;
            }
        }
    }

    fn replace_timer(&mut self, now: Time, conn: ConnId, keep_alive: Option<KeepAlive>) {
        let rng = &mut self.rng;
        let Some(Exchange::Streaming(stream)) = self.exchanges.get_mut(conn) else { return };
        match (keep_alive, &mut stream.timer) {
            (None, timer) => *timer = None,
            (Some(keep_alive), Some(timer)) => timer.replace(keep_alive, now, rng),
            (Some(keep_alive), timer) => {
                *timer = Some(Box::new(Timer::start(keep_alive, now, rng)))
            }
        }
    }

    fn begin_page(
        &mut self,
        conn: ConnId,
        holds: bool,
        next: Option<Next>,
        source: Source,
        filter: Option<BodyFilter>,
    ) {
        if let Some(guide) = self.guide(conn) {
            guide.holds = holds;
            guide.trail.next = next;
            let change = filter.map(Change::Filter);
            guide.work = Work::Body(Body { source, change, begun: false, paused: false });
        }
    }

    fn page_useless(&mut self, now: Time, call: CallId, out: &mut Actions) {
        let Some(dropped) = self.drop_call(call, out) else { return };
        if let Owner::Page(_, readers) = dropped.owner {
            for conn in readers {
                self.page_failed(now, conn, out);
            }
        }
    }

    fn page_invalid(&mut self, now: Time, call: CallId, why: &Refusal, out: &mut Actions) {
        let Some(dropped) = self.drop_call(call, out) else { return };
        if let Owner::Page(_, readers) = dropped.owner {
            for conn in readers {
                self.break_off(now, conn, &why.to_string(), out);
            }
        }
    }
}

/// What a page says; one without instructions says that it is the last (NEXT-1).
fn read_page(
    head: &ResponseHead,
    body: Bytes,
    limits: &crate::ground::Limits,
) -> Result<Instruct, Refusal> {
    let read = |head: &ResponseHead, body| -> Result<Instruct, InstructError> {
        if is_json(head) {
            return parse_whole(head, body, limits);
        }
        let mut instruct = parse_head(head, limits)?;
        instruct.response.body = body;
        Ok(instruct)
    };
    read(head, body).map_err(Refusal::Invalid)
}
