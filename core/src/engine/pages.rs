//! Next pages of streams: asking for one, sharing it where it is the same for all, and going on with what it
//! says (NEXT-1 to NEXT-13).

use std::sync::Arc;

use bytes::Bytes;

use super::calls::{Owner, Phase};
use super::{Actions, CallBody, CallRead, Engine};
use crate::channel::{Kind, Subscriptions};
use crate::exchange::{Body, Change, Exchange, Guide, Next, Refusal, Source, Work};
use crate::filter::BodyFilter;
use crate::grip::{
    Hold as HoldMode, Instruct, InstructError, KeepAlive, is_json, parse_head, parse_whole,
};
use crate::ground::{CallId, ConnId, Count, Time};
use crate::hold::{Session, Timer};
use crate::message::ResponseHead;
use crate::route::Route;

/// Pages that may be one: asked for by the same URL and positions on the same route (NEXT-12).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct PageKey {
    url: (bool, String, Bytes),
    positions: Vec<String>,
    /// The route by its place in memory: only whether it is the same matters.
    route: usize,
    /// Whether it is on the origin that the client asked, and so may be for the route's own targets.
    at_home: bool,
}

/// A failed fetch of a response that is no hold is repeated so many times (NEXT-9).
const FAILURES_MAX: u32 = 6;

impl PageKey {
    fn of(guide: &Guide, next: &Next) -> Self {
        let mut positions: Vec<_> = guide.session.lasts().filter_map(|last| last.write()).collect();
        positions.sort_unstable();
        let url = (next.url.secure, next.url.authority.clone(), next.url.path_and_query.clone());
        let place = &guide.trail.place;
        let at_home = next.url.is_same_origin(&place.url);
        Self { url, positions, route: address(&place.route), at_home }
    }
}

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

    /// Whether a recovery of this stream would join a call that is under way.
    pub(super) fn joins(&self, conn: ConnId) -> bool {
        let Some(Exchange::Streaming(stream)) = self.exchanges.get(conn) else { return false };
        let Some(guide) = &stream.guide else { return false };
        let next = guide.trail.next.as_ref();
        next.is_some_and(|next| self.calls.pages.contains_key(&PageKey::of(guide, next)))
    }

    fn join_call(&mut self, conn: ConnId, failures: u32, key: &PageKey) -> bool {
        let Some(&call) = self.calls.pages.get(key) else { return false };
        let Some(known) = self.calls.get_mut(call) else { return false };
        let Owner::Page(_, readers) = &mut known.owner else { return false };
        readers.push(conn);
        let since = known.since;
        self.set_asked(conn, Some(call), failures);
        if let Some(guide) = self.guide(conn) {
            // The backend may have answered before there was what this session misses.
            guide.again = since < guide.wanted;
        }
        true
    }

    fn set_asked(&mut self, conn: ConnId, call: Option<CallId>, failures: u32) {
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
    pub(super) fn page_whole(
        &mut self,
        now: Time,
        call: CallId,
        data: Bytes,
        end: bool,
        out: &mut Actions,
    ) {
        let Some(answered) = self.calls.remove(call) else { return };
        let (Owner::Page(_, readers), Phase::Whole(head)) = (answered.owner, answered.phase) else {
            return;
        };
        if !end && !is_json(&head) {
            // Too long to be kept for all: each gets its own, as fast as its client takes it.
            return self.requeue(&readers);
        }
        let limits = self.config.limits.clone();
        let page = match end {
            true => read_page(&head, data, &limits),
            false => Err(Refusal::TooLarge("a next page".to_owned())),
        };
        self.counters.add(Count::PagesShared, (readers.len() as u64).saturating_sub(1));
        for conn in readers {
            match &page {
                Ok(instruct) => {
                    let mut instruct = instruct.clone();
                    let body = core::mem::take(&mut instruct.response.body);
                    if self.adopt(now, conn, instruct, Source::Complete, out) {
                        self.body(now, conn, body, true, out);
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
        data: Bytes,
        end: bool,
        out: &mut Actions,
    ) {
        let Some(known) = self.calls.get_mut(call) else { return };
        if let Phase::Page(instruct) = &mut known.phase {
            let Some(instruct) = instruct.take() else { return };
            known.phase = Phase::Pieces;
            if end {
                self.calls.remove(call);
            }
            if !self.adopt(now, conn, *instruct, Source::Call(call), out) {
                return;
            }
        }
        self.piece(now, call, conn, data, end, out);
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

    /// A stream wants nothing of a call any more.
    pub(super) fn leave_call(&mut self, conn: ConnId, call: CallId, out: &mut Actions) {
        let Some(known) = self.calls.get_mut(call) else { return };
        match &mut known.owner {
            Owner::Page(_, readers) if readers.len() > 1 => {
                readers.retain(|reader| *reader != conn)
            }
            _ => {
                self.drop_call(call, out);
            }
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

    fn readers(&self, call: CallId) -> Vec<ConnId> {
        match self.calls.get(call).map(|known| &known.owner) {
            Some(Owner::Page(_, readers)) => readers.clone(),
            _ => Vec::new(),
        }
    }

    /// The page is for one: the first who asked keeps it, the others ask for themselves, and nobody joins.
    fn scatter(&mut self, call: CallId, readers: &[ConnId]) {
        let Some(known) = self.calls.get_mut(call) else { return };
        if let Owner::Page(key, all) = &mut known.owner {
            all.truncate(1);
            let key = key.clone();
            self.calls.unlist(call, &key);
        }
        self.requeue(readers.get(1..).unwrap_or_default());
    }

    fn requeue(&mut self, readers: &[ConnId]) {
        for &conn in readers {
            if let Some(guide) = self.guide(conn) {
                guide.work = Work::Queued { failures: 0 };
                self.queue_up(conn, true);
            }
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

fn address(route: &Arc<Route>) -> usize {
    Arc::as_ptr(route) as usize
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

/// Whether a page is the same for all who ask for it with the same URL and positions: its cache rules must
/// say so (RFC 9111 5.2.2).
fn is_shareable(head: &ResponseHead) -> bool {
    let rules = |name: &str| head.fields.has_token("Cache-Control", name);
    let shared_age = head.fields.tokens("Cache-Control").any(|rule| {
        rule.to_ascii_lowercase().strip_prefix(b"s-maxage=").is_some_and(|age| age != b"0")
    });
    let private = ["private", "no-store", "no-cache"].iter().any(|rule| rules(rule));
    (rules("public") || shared_age) && !private && !head.fields.has("Set-Cookie")
}
