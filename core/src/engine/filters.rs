//! Filters that ask the backend about an item: whose turn it is, and what the answers do (FILT-12 to FILT-14).

use core::mem;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use bytes::Bytes;

use super::calls::{Owner, Phase};
use super::{Actions, CallBody, Engine};
use crate::exchange::{Errand, Exchange, Filtering, Place, Refusal, Work};
use crate::filter::{Answered, FilterError, fails_open, read_answer, request, url};
use crate::forward::RequestUrl;
use crate::ground::{CallId, ConnId, Pace, Time};
use crate::hold::{Ask, Judged, Offer, Session};
use crate::publish::Item;

/// Sessions with a question, by the URL that is asked: the URLs take turns, so that one does not wait for
/// another's (FILT-14).
#[derive(Debug, Default)]
pub(super) struct Questions {
    lanes: BTreeMap<String, VecDeque<ConnId>>,
    turns: VecDeque<String>,
    len: usize,
    pace: Pace,
}

/// Questions asked at once after a pause.
const BURST: u32 = 10;

impl Questions {
    fn push(&mut self, url: String, conn: ConnId) {
        let lane = self.lanes.entry(url.clone()).or_default();
        if lane.is_empty() {
            self.turns.push_back(url);
        }
        lane.push_back(conn);
        self.len += 1;
    }

    fn front(&self) -> Option<ConnId> {
        self.lanes.get(self.turns.front()?)?.front().copied()
    }

    fn pop(&mut self) -> Option<ConnId> {
        let url = self.turns.pop_front()?;
        let lane = self.lanes.get_mut(&url)?;
        let conn = lane.pop_front();
        self.len -= 1;
        if lane.is_empty() {
            self.lanes.remove(&url);
        } else {
            self.turns.push_back(url);
        }
        conn
    }

    fn retain(&mut self, mut keep: impl FnMut(ConnId) -> bool) {
        self.lanes.retain(|_, lane| {
            lane.retain(|conn| keep(*conn));
            !lane.is_empty()
        });
        self.turns.retain(|url| self.lanes.contains_key(url));
        self.len = self.lanes.values().map(VecDeque::len).sum();
    }
}

/// The result of a question.
type Answer = Result<Answered, FilterError>;

impl Engine {
    /// An item waits for what the backend says about it.
    pub(super) fn question(&mut self, conn: ConnId, ask: &Ask) {
        if self.questions.len > 2 * self.exchanges.len() {
            // Those who have left are forgotten now and then, and each has one turn.
            let (mut questions, mut seen) = (mem::take(&mut self.questions), BTreeSet::new());
            questions.retain(|conn| self.has_question(conn) && seen.insert(conn));
            self.questions = questions;
        }
        let limits = &self.config.limits;
        let to = self.session(conn).and_then(|session| {
            session.with_context(&ask.item, limits, |context| url(context).ok().map(str::to_owned))
        });
        self.questions.push(to.unwrap_or_default(), conn);
    }

    /// When the next question has its turn.
    pub(super) fn question_turn(&self) -> Option<Time> {
        let rate = self.config.limits.filter_calls_per_second;
        let waits = !self.questions.turns.is_empty();
        waits.then(|| self.questions.pace.next(Time::ZERO, rate, BURST))
    }

    /// Asks the questions whose turn it is.
    pub(super) fn ask_questions(&mut self, now: Time, out: &mut Actions) {
        let rate = self.config.limits.filter_calls_per_second;
        while let Some(conn) = self.questions.front() {
            let asks = self.has_question(conn);
            if asks && !self.questions.pace.take(now, rate, BURST) {
                return;
            }
            self.questions.pop();
            if !asks {
                continue;
            }
            match self.errand(conn) {
                None => {}
                Some(Ok((errand, body))) => {
                    let call =
                        self.plan_call(now, errand, CallBody::Bytes(body), Owner::Filter(conn));
                    if let Some(filtering) = self.filtering(conn) {
                        filtering.call = Some(call);
                    }
                    self.send_call(now, call, out);
                }
                Some(Err(why)) => self.decide(now, conn, Err(why), out),
            }
        }
    }

    /// The answer to a filter's question is there.
    pub(super) fn answered(
        &mut self,
        now: Time,
        call: CallId,
        conn: ConnId,
        data: Bytes,
        out: &mut Actions,
    ) {
        let Some(answered) = self.calls.remove(call) else { return };
        let Phase::Whole(head) = answered.phase else { return };
        let Some(asked) = self.filtering(conn).map(|filtering| filtering.ask.call) else { return };
        let answer = read_answer(asked, &head, data, &self.config.limits);
        self.decide(now, conn, answer, out);
    }

    /// There is no answer to a filter's question.
    pub(super) fn unanswered(&mut self, now: Time, conn: ConnId, out: &mut Actions) {
        self.decide(now, conn, Err(FilterError::NoAnswer), out);
    }

    fn decide(&mut self, now: Time, conn: ConnId, answer: Answer, out: &mut Actions) {
        let limits = self.config.limits.clone();
        let Some(filtering) = self.filtering(conn) else { return };
        let ask = filtering.ask.clone();
        let open = self
            .session(conn)
            .is_some_and(|session| session.with_context(&ask.item, &limits, fails_open));
        let content = match answer {
            Ok(Answered::Keep) => Ok(ask.content.clone()),
            Ok(Answered::Replace(content)) => Ok(content),
            Ok(Answered::Drop) => Err(Judged::Filtered(ask.call.into())),
            Err(_) if open => Ok(ask.content.clone()),
            Err(why) => Err(Judged::Failed(why)),
        };
        match self.exchanges.get_mut(conn) {
            Some(Exchange::Polling(polling)) => {
                let waiting = polling.filtering.take();
                let offer = match content {
                    Ok(content) => polling.hold.resume(&ask, content, &limits),
                    Err(judged) => {
                        polling.hold.pass_over(&ask);
                        Offer::Judged(judged)
                    }
                };
                self.take_offer(now, conn, &ask.item, offer, out);
                for item in waiting.map(|mut f| f.waiting.take()).into_iter().flatten() {
                    self.offer_response(now, conn, &item, out);
                }
            }
            Some(Exchange::Streaming(_)) => {
                let Some(guide) = self.guide(conn) else { return };
                guide.work = Work::Idle;
                let judged = match content {
                    Ok(content) => guide.resume(&ask, content, &limits),
                    Err(judged) => {
                        guide.session.pass_over(&ask);
                        judged
                    }
                };
                self.take_judged(now, conn, &ask.item, judged, false, out);
                self.settle_down(now, conn, out);
            }
            Some(&mut Exchange::Socket(id)) => self.resume_message(now, id, &ask, content, out),
            _ => {}
        }
    }

    /// The request that a session's question becomes.
    fn errand(&self, conn: ConnId) -> Option<Result<(Errand, Bytes), FilterError>> {
        let (place, page, filtering) = self.asker(conn)?;
        let session = self.session(conn)?;
        let ask = &filtering.ask;
        let limits = &self.config.limits;
        Some(session.with_context(&ask.item, limits, |context| {
            let said = url(context)?;
            let url = page.resolve(&as_http(said)).map_err(|_| FilterError::BadUrl)?;
            let target = url.path_and_query.clone();
            let (head, body) = request(ask.call, target, &ask.content, context);
            let errand = place.errand(head, &url, session.lasts(), &self.config.policy);
            errand.map(|errand| (errand, body)).map_err(|_| FilterError::BadUrl)
        }))
    }

    /// Where a question's URL is relative to.
    fn asker(&self, conn: ConnId) -> Option<(Place, &RequestUrl, &Filtering)> {
        match self.exchanges.get(conn)? {
            Exchange::Polling(polling) => {
                let filtering = polling.filtering.as_deref()?;
                Some((polling.asked.place(), polling.asked.url(), filtering))
            }
            Exchange::Streaming(stream) => {
                let guide = stream.guide.as_deref()?;
                let Work::Filter(filtering) = &guide.work else { return None };
                Some((guide.trail.place.clone(), &guide.trail.page, filtering))
            }
            Exchange::Socket(id) => {
                let seat = self.sockets.get(*id)?;
                Some((seat.asked.place(), seat.asked.url(), seat.filtering.as_deref()?))
            }
            Exchange::Asked(_) | Exchange::Collecting(_) => None,
        }
    }

    /// Whether a question waits to be asked.
    fn has_question(&self, conn: ConnId) -> bool {
        self.asker(conn).is_some_and(|(_, _, filtering)| filtering.call.is_none())
    }

    fn filtering(&mut self, conn: ConnId) -> Option<&mut Filtering> {
        match self.exchanges.get_mut(conn)? {
            Exchange::Polling(polling) => polling.filtering.as_deref_mut(),
            Exchange::Streaming(stream) => match &mut stream.guide.as_deref_mut()?.work {
                Work::Filter(filtering) => Some(filtering),
                _ => None,
            },
            Exchange::Socket(id) => self.sockets.get_mut(*id)?.filtering.as_deref_mut(),
            Exchange::Asked(_) | Exchange::Collecting(_) => None,
        }
    }

    fn session(&self, conn: ConnId) -> Option<&Session> {
        match self.exchanges.get(conn)? {
            Exchange::Polling(polling) => polling.hold.session(),
            Exchange::Streaming(stream) => Some(&stream.guide.as_ref()?.session),
            Exchange::Socket(id) => Some(&self.sockets.get(*id)?.session),
            Exchange::Asked(_) | Exchange::Collecting(_) => None,
        }
    }

    /// An item was not delivered to a session because of a filter; in debug mode the session ends with the
    /// reason (FILT-10, FILT-13, PUB-7).
    pub(super) fn failed(
        &mut self,
        now: Time,
        conn: ConnId,
        item: &Item,
        why: Refusal,
        out: &mut Actions,
    ) {
        tracing::debug!(shard = self.shard.0, %conn, "item not delivered: {why}");
        self.dropped(conn, item, why.count());
        match self.exchanges.get(conn) {
            Some(Exchange::Polling(polling)) if polling.asked.debug() => {
                self.fail(now, conn, &why, out);
            }
            Some(Exchange::Streaming(stream))
                if stream.guide.as_ref().is_some_and(|guide| guide.trail.place.debug) =>
            {
                self.break_off(now, conn, &why.to_string(), out);
            }
            _ => {}
        }
    }
}

/// Filters of sockets name their URLs as those do (FILT-12).
fn as_http(url: &str) -> String {
    match url.split_once("://") {
        Some(("ws", rest)) => format!("http://{rest}"),
        Some(("wss", rest)) => format!("https://{rest}"),
        _ => url.to_owned(),
    }
}
