//! What an instruct makes of a request: an answer, or a hold with its subscriptions and timer.

use std::collections::BTreeSet;

use super::dispatch::respond;
use super::{Action, Actions, Engine};
use crate::channel::{Kind, Subscriptions};
use crate::exchange::{Asked, Exchange};
use crate::grip::{ChannelRef, Hold as HoldMode, Instruct, KeepAlive};
use crate::ground::{ConnId, Count, Time};
use crate::hold::{Hold, Opening, ResponseHold, StreamHold};

/// What the timer of an exchange means in the state it is in.
enum Alarm {
    OriginSilent,
    HoldOver,
    KeepAlive,
}

impl Engine {
    /// Does what an instruct says whose body is complete.
    pub(super) fn obey(
        &mut self,
        now: Time,
        conn: ConnId,
        asked: &Asked,
        mut instruct: Instruct,
        out: &mut Actions,
    ) {
        match instruct.hold.take() {
            None => respond(conn, instruct.response, out),
            Some(HoldMode::Stream { .. }) if !asked.can_have_body(&instruct) => {
                respond(conn, instruct.response, out);
            }
            Some(HoldMode::Stream { keep_alive }) => {
                let body = core::mem::take(&mut instruct.response.body);
                self.open(conn, asked, instruct, keep_alive, out);
                if !body.is_empty() {
                    out.list.push(Action::Write { conn, data: body });
                }
                self.opened(now, conn, out);
            }
            Some(HoldMode::Response { .. }) if self.draining => {
                respond(conn, instruct.response, out);
            }
            Some(HoldMode::Response { timeout }) => {
                let limits = &self.config.limits;
                let span = timeout.unwrap_or(limits.hold_timeout).max(limits.hold_timeout_min);
                let subs = self.subscribe(conn, asked, &instruct.channels, Kind::Response, out);
                let hold = Hold::Response(ResponseHold::new(subs, instruct.response));
                self.exchanges.insert(conn, Exchange::Held(hold));
                self.arm(conn, now, span);
                self.counters.bump(Count::HoldsBegun);
            }
        }
    }

    /// Begins a stream: head out, subscribed, its first body still to come.
    pub(super) fn open(
        &mut self,
        conn: ConnId,
        asked: &Asked,
        instruct: Instruct,
        keep_alive: Option<KeepAlive>,
        out: &mut Actions,
    ) {
        let subs = self.subscribe(conn, asked, &instruct.channels, Kind::Stream, out);
        let opening = Opening::new(StreamHold::new(subs, keep_alive));
        self.exchanges.insert(conn, Exchange::Opening(Box::new(opening)));
        out.list.push(Action::Begin { conn, head: instruct.response.head });
    }

    /// The first body of a stream is complete: what waited goes out, and the hold begins.
    pub(super) fn opened(&mut self, now: Time, conn: ConnId, out: &mut Actions) {
        self.wheel.disarm(conn.slot);
        let Some(Exchange::Opening(opening)) = self.exchanges.remove(conn) else { return };
        let (waiting, mut hold, ended) = opening.open();
        out.list.extend(waiting.map(|data| Action::Write { conn, data }));
        if ended || self.draining {
            self.leave(hold.end(), out);
            return out.list.push(Action::Finish { conn });
        }
        if let Some(at) = hold.start(now, &mut self.rng) {
            self.wheel.arm(conn.slot, at);
        }
        self.exchanges.insert(conn, Exchange::Held(Hold::Stream(hold)));
        self.counters.bump(Count::HoldsBegun);
    }

    /// Timers whose time has come.
    pub(super) fn expire(&mut self, now: Time, out: &mut Actions) {
        let mut due = core::mem::take(&mut self.due);
        self.wheel.expire(now, &mut due);
        for slot in due.drain(..) {
            if let Some(conn) = self.exchanges.tenant(slot) {
                self.alarm(now, conn, out);
            }
        }
        self.due = due;
    }

    fn alarm(&mut self, now: Time, conn: ConnId, out: &mut Actions) {
        let alarm = match self.exchanges.get(conn) {
            None => return,
            Some(Exchange::Held(Hold::Response(_))) => Alarm::HoldOver,
            Some(Exchange::Held(Hold::Stream(_))) => Alarm::KeepAlive,
            Some(Exchange::Asked(_) | Exchange::Collecting(_) | Exchange::Opening(_)) => {
                Alarm::OriginSilent
            }
        };
        match alarm {
            Alarm::OriginSilent => self.origin_silent(now, conn, out),
            Alarm::HoldOver => {
                self.counters.bump(Count::HoldsTimedOut);
                self.end_hold(conn, out);
            }
            Alarm::KeepAlive => self.keep_alive(now, conn, out),
        }
    }

    fn keep_alive(&mut self, now: Time, conn: ConnId, out: &mut Actions) {
        let Some(Exchange::Held(Hold::Stream(hold))) = self.exchanges.get_mut(conn) else { return };
        let delivered = self.index.last_delivery(hold.subscriptions());
        let Some(woken) = hold.wake(now, delivered, &mut self.rng) else { return };
        self.wheel.arm(conn.slot, woken.next);
        if let Some(data) = woken.data.filter(|data| !data.is_empty()) {
            out.list.push(Action::Write { conn, data });
        }
    }

    /// Bytes wait for a client, or have gone.
    pub(super) fn backlog(&mut self, conn: ConnId, bytes: u64, out: &mut Actions) {
        let hold = match self.exchanges.get_mut(conn) {
            Some(Exchange::Held(Hold::Stream(hold))) => hold,
            Some(Exchange::Opening(opening)) => opening.hold_mut(),
            _ => return self.counters.bump(Count::StaleEvent),
        };
        hold.set_backlog(bytes);
        if bytes > self.config.limits.backlog_bytes {
            self.cut(conn, out);
        }
    }

    /// Ends a stream whose client does not keep up: cut, not cleanly ended, so that it can tell.
    pub(super) fn cut(&mut self, conn: ConnId, out: &mut Actions) {
        self.counters.bump(Count::SlowClient);
        tracing::warn!(shard = self.shard.0, %conn, "stream cut: its client is too slow");
        self.abort(conn, out);
    }

    /// Ends all holds, as if their time were over.
    pub(super) fn drain(&mut self, out: &mut Actions) {
        self.draining = true;
        let held = |exchange: &Exchange| matches!(exchange, Exchange::Held(_));
        let conns: Vec<_> =
            self.exchanges.iter().filter(|(_, e)| held(e)).map(|(conn, _)| conn).collect();
        for conn in conns {
            self.end_hold(conn, out);
        }
    }

    /// Ends a hold properly: a long-poll with its timeout response, a stream with the end of its body.
    fn end_hold(&mut self, conn: ConnId, out: &mut Actions) {
        self.wheel.disarm(conn.slot);
        match self.exchanges.remove(conn) {
            Some(Exchange::Held(Hold::Response(hold))) => {
                let (subs, response) = hold.expire();
                self.leave(subs, out);
                respond(conn, response, out);
            }
            Some(Exchange::Held(Hold::Stream(hold))) => {
                self.leave(hold.end(), out);
                out.list.push(Action::Finish { conn });
            }
            _ => {}
        }
    }

    /// Ends an exchange whose response has begun and cannot be completed.
    pub(super) fn abort(&mut self, conn: ConnId, out: &mut Actions) {
        self.forget(conn, out);
        out.list.push(Action::Abort { conn });
    }

    /// Drops all that is known of an exchange.
    pub(super) fn forget(&mut self, conn: ConnId, out: &mut Actions) {
        self.wheel.disarm(conn.slot);
        let subs = match self.exchanges.remove(conn) {
            None | Some(Exchange::Asked(_) | Exchange::Collecting(_)) => return,
            Some(Exchange::Opening(opening)) => opening.end(),
            Some(Exchange::Held(Hold::Response(hold))) => hold.end(),
            Some(Exchange::Held(Hold::Stream(hold))) => hold.end(),
        };
        self.leave(subs, out);
    }

    pub(super) fn leave(&mut self, subs: Subscriptions, out: &mut Actions) {
        self.index.unsubscribe(subs, |channel| {
            out.list.push(Action::Interest { channel, wanted: false });
        });
    }

    /// Subscribes to what the instruct names, prefixed, up to the limit, and to what the target adds (CHAN-1,
    /// CHAN-6, CHAN-8). A channel counts once, however often it is named.
    fn subscribe(
        &mut self,
        conn: ConnId,
        asked: &Asked,
        channels: &[ChannelRef],
        kind: Kind,
        out: &mut Actions,
    ) -> Subscriptions {
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
        for filter in channels.iter().take(limit).flat_map(|channel| &channel.filters) {
            // A filter that is not applied lets everything pass (CHAN-7).
            self.counters.bump(Count::FilterUnknown);
            tracing::warn!(shard = self.shard.0, %conn, "filter {filter:?} is not known and has no effect");
        }
        let prefix = &asked.route().prefix;
        let named = channels.iter().take(limit).map(|channel| format!("{prefix}{}", channel.name));
        let names: BTreeSet<String> = named.chain(asked.target().subs.iter().cloned()).collect();
        let mut subs = Subscriptions::default();
        for name in &names {
            if let Some(channel) = self.index.subscribe(name, conn, kind, &mut subs) {
                out.list.push(Action::Interest { channel, wanted: true });
            }
        }
        subs
    }
}
