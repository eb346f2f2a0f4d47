//! What an instruct makes of a request: an answer, or a hold with its subscriptions and its place in time.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use super::bodies::Piece;
use super::dispatch::respond;
use super::{Action, Actions, Engine};
use crate::channel::{Kind, Subscriptions};
use crate::exchange::{Asked, Exchange, Place, Polling, Refusal, Retry, Source};
use crate::filter::{BodyFilter, Filter, FilterError};
use crate::forward::{JsonpAnswer, RequestUrl};
use crate::grip::{ChannelRef, Hold as HoldMode, Instruct};
use crate::ground::{ConnId, Count, Span, Time};
use crate::hold::{ResponseHold, Session, Track};
use crate::message::Response;
use crate::publish::Item;

/// What a request was before this instruct.
pub(super) enum Past {
    /// Nothing: it is the first answer.
    None,
    /// A response hold, which was asked again.
    Held(Box<Held>),
}

/// A response hold that gives way to the answer to its retry.
pub(super) struct Held {
    pub(super) subs: Subscriptions,
    pub(super) deadline: Time,
    pub(super) gone: Option<Box<RequestUrl>>,
    /// Items that are still to be looked at.
    pub(super) waiting: VecDeque<Arc<Item>>,
    /// Whether one more retry is wanted, if it is held again (REC-4).
    pub(super) again: bool,
}

impl Engine {
    /// Does what an instruct says whose body is complete.
    pub(super) fn obey(
        &mut self,
        now: Time,
        conn: ConnId,
        asked: Asked,
        mut instruct: Instruct,
        past: Past,
        out: &mut Actions,
    ) {
        if asked.stays_open(&instruct) {
            let body = core::mem::take(&mut instruct.response.body);
            if self.open(now, conn, &asked, instruct, Source::Complete, past, out) {
                self.body(now, conn, Piece { data: body, end: true }, out);
            }
            return;
        }
        match instruct.hold.take() {
            Some(HoldMode::Response { timeout }) if !self.draining => {
                self.hold_response(now, conn, asked, instruct, timeout, past, out);
            }
            _ => {
                let answer = self.filter_body(&asked, instruct);
                self.settle_past(now, &asked.place(), past, out);
                match answer {
                    Ok(response) => respond(conn, asked.dress(response, JsonpAnswer::Proxied), out),
                    Err(refusal) => self.refuse(conn, &refusal, &asked, out),
                }
            }
        }
    }

    /// What filters do to an answer that is not held (NOH-2).
    fn filter_body(&self, asked: &Asked, instruct: Instruct) -> Result<Response, Refusal> {
        let Instruct { channels, meta, response, .. } = instruct;
        let session = unheld(&asked.route().prefix, channels, meta);
        let filter = session.body_filter(&self.config.limits);
        let Some(mut filter) = filter.map_err(Refusal::Filter)? else {
            return Ok(response);
        };
        let body = filter.feed(response.body).map_err(Refusal::Filter)?;
        filter.finish().map_err(Refusal::Filter)?;
        Ok(Response { head: response.head, body })
    }

    #[expect(clippy::too_many_arguments, reason = "all of it is what a hold consists of")]
    fn hold_response(
        &mut self,
        now: Time,
        conn: ConnId,
        asked: Asked,
        instruct: Instruct,
        timeout: Option<Span>,
        past: Past,
        out: &mut Actions,
    ) {
        let limits = &self.config.limits;
        let span = timeout.unwrap_or(limits.hold_timeout).max(limits.hold_timeout_min);
        let place = asked.place();
        let Instruct { channels, meta, links, response, .. } = instruct;
        let (subs, session) = self.subscribe(conn, &place, channels, meta, Kind::Response, out);
        let (deadline, gone, waiting, again) = match past {
            Past::None => {
                let gone = links.gone.and_then(|gone| asked.url().resolve(&gone.url).ok());
                (now + span, gone.map(Box::new), VecDeque::new(), false)
            }
            Past::Held(held) => {
                self.leave(now, held.subs, out);
                (held.deadline, held.gone, held.waiting, held.again)
            }
        };
        let conflict = self.conflicts(&session, out);
        let hold = ResponseHold::new(subs, session, response, deadline);
        let (retry, failures, filtering) = (Retry::Idle, 0, None);
        let polling = Polling { asked, hold, retry, failures, filtering, gone };
        self.exchanges.insert(conn, Exchange::Polling(Box::new(polling)));
        self.wheel.arm(conn.slot, deadline);
        self.counters.bump(Count::HoldsBegun);
        if conflict || again {
            self.recover(conn);
        }
        for item in waiting {
            self.offer_response(now, conn, &item, out);
        }
    }

    /// Ends what a request was before the answer that it got now.
    pub(super) fn settle_past(&mut self, now: Time, place: &Place, past: Past, out: &mut Actions) {
        if let Past::Held(held) = past {
            self.leave(now, held.subs, out);
            self.farewell(now, place, held.gone.as_deref(), out);
        }
    }

    /// Ends all holds, as if their time were over.
    pub(super) fn drain(&mut self, now: Time, out: &mut Actions) {
        self.draining = true;
        let held = |exchange: &Exchange| match exchange {
            Exchange::Polling(_) => true,
            Exchange::Streaming(stream) => stream.is_held(),
            Exchange::Asked(_) | Exchange::Collecting(_) | Exchange::Socket(_) => false,
        };
        let conns: Vec<_> =
            self.exchanges.iter().filter(|(_, e)| held(e)).map(|(conn, _)| conn).collect();
        for conn in conns {
            self.end_hold(now, conn, out);
        }
        self.drain_sockets(now, out);
    }

    /// Ends a hold properly: a long-poll with its timeout response, a stream with the end of its body.
    pub(super) fn end_hold(&mut self, now: Time, conn: ConnId, out: &mut Actions) {
        match self.exchanges.get(conn) {
            Some(Exchange::Streaming(_)) => self.finish(now, conn, out),
            Some(Exchange::Polling(_)) => {
                let Some(polling) = self.end_polling(now, conn, out) else { return };
                let Polling { asked, hold, .. } = *polling;
                let (subs, response) = hold.expire();
                self.leave(now, subs, out);
                respond(conn, asked.dress(response, JsonpAnswer::Held), out);
            }
            _ => {}
        }
    }

    /// Answers a long-poll.
    pub(super) fn answer(
        &mut self,
        now: Time,
        conn: ConnId,
        response: Response,
        out: &mut Actions,
    ) {
        if let Some(polling) = self.end_polling(now, conn, out) {
            let response = polling.asked.dress(response, JsonpAnswer::Held);
            self.leave(now, polling.hold.end(), out);
            respond(conn, response, out);
        }
    }

    /// Answers a long-poll with an error of the proxy's own (RESP-12).
    pub(super) fn fail(&mut self, now: Time, conn: ConnId, why: &Refusal, out: &mut Actions) {
        if let Some(polling) = self.end_polling(now, conn, out) {
            let Polling { asked, hold, .. } = *polling;
            self.leave(now, hold.end(), out);
            self.refuse(conn, why, &asked, out);
        }
    }

    /// Takes a long-poll out, gives up what it has under way, and says goodbye. Its subscriptions are still
    /// there.
    fn end_polling(&mut self, now: Time, conn: ConnId, out: &mut Actions) -> Option<Box<Polling>> {
        let polling = match self.exchanges.remove(conn)? {
            Exchange::Polling(polling) => polling,
            other => {
                self.exchanges.insert(conn, other);
                return None;
            }
        };
        self.wheel.disarm(conn.slot);
        if let Retry::Called { call, .. } = polling.retry {
            self.drop_call(call, out);
        }
        if let Some(call) = polling.filtering.as_ref().and_then(|filtering| filtering.call) {
            self.drop_call(call, out);
        }
        self.farewell(now, &polling.asked.place(), polling.gone.as_deref(), out);
        Some(polling)
    }

    /// Drops all that is known of an exchange.
    pub(super) fn forget(&mut self, now: Time, conn: ConnId, out: &mut Actions) {
        match self.exchanges.get(conn) {
            None | Some(Exchange::Socket(_)) => {}
            Some(Exchange::Asked(_) | Exchange::Collecting(_)) => {
                self.wheel.disarm(conn.slot);
                self.exchanges.remove(conn);
            }
            Some(Exchange::Polling(_)) => {
                if let Some(polling) = self.end_polling(now, conn, out) {
                    self.leave(now, polling.hold.end(), out);
                }
            }
            Some(Exchange::Streaming(_)) => self.end_stream(now, conn, out),
        }
    }

    pub(super) fn leave(&mut self, now: Time, subs: Subscriptions, out: &mut Actions) {
        let linger = self.linger();
        self.index.unsubscribe(now, subs, linger, |channel| {
            out.list.push(Action::Interest { channel, wanted: false });
        });
    }

    /// Subscribes to what the instruct names, prefixed, up to the limit, and to what the target adds (CHAN-1,
    /// CHAN-6, CHAN-8). A channel counts once, however often it is named.
    pub(super) fn subscribe(
        &mut self,
        conn: ConnId,
        place: &Place,
        mut channels: Vec<ChannelRef>,
        meta: Vec<(String, String)>,
        kind: Kind,
        out: &mut Actions,
    ) -> (Subscriptions, Session) {
        self.limit_channels(conn, &mut channels);
        let prefix = &place.route.prefix;
        let mut tracks: Vec<Track> = Vec::with_capacity(channels.len() + place.target.subs.len());
        let mut seen = BTreeSet::new();
        for channel in channels {
            let name: Arc<str> = format!("{prefix}{}", channel.name).into();
            let filters = self.known_filters(conn, &channel.filters);
            let position = channel.prev_id.map(String::into_boxed_str);
            seen.insert(name.clone());
            tracks.push(Track { name, prefix: prefix.len(), position, filters });
        }
        for name in &place.target.subs {
            let name: Arc<str> = name.as_str().into();
            if seen.insert(name.clone()) {
                tracks.push(Track { name, prefix: 0, position: None, filters: [].into() });
            }
        }
        let mut subs = Subscriptions::default();
        let session = Session::new(tracks, meta);
        let kind = match kind {
            Kind::Stream if !session.is_plain() => Kind::Session,
            kind => kind,
        };
        let lane = self.pacing.lane(&place.route, &self.config.limits);
        for track in session.tracks() {
            let subscribed = self.index.subscribe(&track.name, conn, (kind, lane), &mut subs);
            if subscribed.first {
                let channel = self.index.name(subscribed.channel).clone();
                out.list.push(Action::Interest { channel, wanted: true });
            }
        }
        (subs, session)
    }

    /// Subscribes a stream, if it is held, and tells what its filters do to the body that comes with the instruct
    /// (FILT-6, NEXT-13).
    pub(super) fn take_up(
        &mut self,
        conn: ConnId,
        place: &Place,
        held: Option<Kind>,
        (channels, meta): (Vec<ChannelRef>, Vec<(String, String)>),
        out: &mut Actions,
    ) -> (Subscriptions, Session, Result<Option<BodyFilter>, FilterError>) {
        let Some(kind) = held else {
            let session = unheld(&place.route.prefix, channels, meta);
            let filter = session.body_filter(&self.config.limits);
            return (Subscriptions::default(), Session::default(), filter);
        };
        let (subs, session) = self.subscribe(conn, place, channels, meta, kind, out);
        let filter = session.body_filter(&self.config.limits);
        (subs, session, filter)
    }

    fn limit_channels(&mut self, conn: ConnId, channels: &mut Vec<ChannelRef>) {
        let limit = self.config.limits.channels_per_hold;
        if let Some(first) = channels.get(limit) {
            self.counters.add(Count::ChannelLimit, (channels.len() - limit) as u64);
            tracing::warn!(
                shard = self.shard.0,
                %conn,
                "more than {limit} channels: {:?} and those after it are not subscribed",
                first.name
            );
        }
        channels.truncate(limit);
    }

    /// The filters of these names. One that is not known lets everything pass, which is worth a warning
    /// (CHAN-7).
    fn known_filters(&mut self, conn: ConnId, names: &[String]) -> Box<[Filter]> {
        for name in names.iter().filter(|name| Filter::parse(name).is_none()) {
            self.counters.bump(Count::FilterUnknown);
            tracing::warn!(shard = self.shard.0, %conn, "filter {name:?} is not known and has no effect");
        }
        known(names)
    }
}

/// What filters of a body know where nothing is held.
fn unheld(prefix: &str, channels: Vec<ChannelRef>, meta: Vec<(String, String)>) -> Session {
    let tracks = channels.into_iter().map(|channel| Track {
        name: format!("{prefix}{}", channel.name).into(),
        prefix: prefix.len(),
        position: channel.prev_id.map(String::into_boxed_str),
        filters: known(&channel.filters),
    });
    Session::new(tracks.collect(), meta)
}

fn known(names: &[String]) -> Box<[Filter]> {
    names.iter().filter_map(|name| Filter::parse(name)).collect()
}
