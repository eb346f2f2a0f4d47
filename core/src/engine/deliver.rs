//! Publishing: one walk over a channel's subscribers, and what an item is to each.

use core::mem;
use std::sync::Arc;

use bytes::Bytes;

use super::{Action, Actions, Engine, FanoutShape};
use crate::channel::{ChannelKey, Kind};
use crate::exchange::{Exchange, Filtering, Offered, Refusal, Streaming, Work};
use crate::filter::expects;
use crate::ground::{ConnId, Count, Time};
use crate::hold::{Judged, Offer};
use crate::publish::{Item, ResponseFormat, StreamFormat, WsFormat};

/// What an item is to streams that take it as it is.
enum ToStreams<'a> {
    Data(&'a Bytes),
    End,
    Nothing,
    /// It has to be looked at for each.
    Doubtful(&'a Bytes),
}

impl Engine {
    pub(super) fn deliver(&mut self, now: Time, item: &Arc<Item>, out: &mut Actions) {
        if self.config.limits.message_rate.is_some() {
            return self.pace(item, out);
        }
        let before = self.taken();
        match self.index.find(&item.channel) {
            None => {
                self.counters.bump(Count::Unheard);
                tracing::debug!(
                    shard = self.shard.0,
                    channel = item.channel,
                    id = item.id,
                    "unheard"
                );
            }
            Some(channel) => {
                self.note_delivery(now, channel, item);
                self.walk(now, channel, item, out);
            }
        }
        self.reached(item, u32::try_from(self.taken() - before).unwrap_or(u32::MAX), out);
    }

    /// Says how many holds take an item: in the log (OPS-5), and to a publisher who wants to know.
    pub(super) fn reached(&self, item: &Item, holds: u32, out: &mut Actions) {
        if holds > 0 {
            let (channel, id) = (&item.channel, item.id.as_deref());
            tracing::info!(shard = self.shard.0, channel, id, holds, "item delivered");
        }
        if let Some(receipt) = item.receipt {
            out.list.push(Action::Reached { receipt, holds });
        }
    }

    /// Notes that a channel was not silent: streams and sockets got something (KEEP-4).
    pub(super) fn note_delivery(&mut self, now: Time, channel: ChannelKey, item: &Item) {
        let heard = matches!(item.stream, Some(StreamFormat::Send(_)))
            || matches!(item.ws, Some(WsFormat::Send(_)));
        if heard {
            self.index.delivered(channel, now);
        }
    }

    /// How many items holds have taken, at once or to be looked at later; whoever has waited counts twice, but
    /// not within one item.
    fn taken(&self) -> u64 {
        self.counters.of(Count::Delivered) + self.counters.of(Count::Waited)
    }

    fn walk(&mut self, now: Time, channel: ChannelKey, item: &Arc<Item>, out: &mut Actions) {
        let mut next = self.index.first(channel);
        let receiver = |engine: &Self| {
            // What follows is read before this one is offered the item, and may leave.
            let sub = engine.index.get(next?);
            next = sub.next;
            Some((sub.conn, sub.kind))
        };
        self.offer_all(now, item, receiver, out);
    }

    /// Offers an item to one receiver after the other.
    pub(super) fn offer_all(
        &mut self,
        now: Time,
        item: &Arc<Item>,
        mut receiver: impl FnMut(&Self) -> Option<(ConnId, Kind)>,
        out: &mut Actions,
    ) {
        let to_streams = ToStreams::of(item);
        let from = out.targets.len();
        let mut sockets = Vec::new();
        while let Some((conn, kind)) = receiver(self) {
            match kind {
                Kind::Stream => self.offer_plain(now, conn, item, &to_streams, out),
                Kind::Session => self.offer_stream(now, conn, item, true, out),
                Kind::Response => self.offer_response(now, conn, item, out),
                Kind::Socket => self.offer_socket(now, conn, item, &mut sockets, out),
            }
        }
        self.fan_out(now, item, &to_streams, from, out);
        self.fan_out_message(item, &sockets, out);
    }

    /// Emits the one action for all streams that stand in `targets` from `from` on.
    fn fan_out(
        &mut self,
        now: Time,
        item: &Arc<Item>,
        what: &ToStreams<'_>,
        from: usize,
        out: &mut Actions,
    ) {
        let count = out.targets.len() - from;
        let shape = match what {
            _ if count == 0 => return,
            ToStreams::Nothing => return,
            ToStreams::Data(data) | ToStreams::Doubtful(data) => FanoutShape::Data((*data).clone()),
            ToStreams::End => FanoutShape::Finish,
        };
        self.counters.add(Count::Delivered, count as u64);
        let ends: Vec<ConnId> = match shape {
            FanoutShape::Finish => out.targets[from..].to_vec(),
            FanoutShape::Data(_) | FanoutShape::Frame(_) => Vec::new(),
        };
        let range = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        let targets = range(from)..range(out.targets.len());
        out.list.push(Action::Fanout { item: item.clone(), shape, targets });
        for conn in ends {
            self.forget(now, conn, out);
        }
    }

    /// Offers an item to a stream that takes every item as it is, unless it is busy.
    fn offer_plain(
        &mut self,
        now: Time,
        conn: ConnId,
        item: &Arc<Item>,
        what: &ToStreams<'_>,
        out: &mut Actions,
    ) {
        match (what, self.exchanges.get(conn)) {
            (ToStreams::Nothing, _) => {}
            (ToStreams::Data(_) | ToStreams::End, Some(Exchange::Streaming(stream)))
                if !stream.is_busy() =>
            {
                out.targets.push(conn);
            }
            _ => self.offer_stream(now, conn, item, true, out),
        }
    }

    /// Offers an item to a stream. With `fan` it may be written together with those to others.
    pub(super) fn offer_stream(
        &mut self,
        now: Time,
        conn: ConnId,
        item: &Arc<Item>,
        fan: bool,
        out: &mut Actions,
    ) {
        let Some(Exchange::Streaming(stream)) = self.exchanges.get_mut(conn) else { return };
        match stream.offer(item, &self.config.limits) {
            Offered::Judged(judged) => self.take_judged(now, conn, item, judged, fan, out),
            Offered::Waits => self.counters.bump(Count::Waited),
            Offered::Lags => self.dropped(conn, item, Count::Lagged),
            Offered::Overflow { recovers } => {
                self.dropped(conn, item, Count::WaitingFull);
                if !recovers {
                    self.cut(now, conn, out);
                }
            }
        }
    }

    /// Does what an item is to a stream that is not busy.
    pub(super) fn take_judged(
        &mut self,
        now: Time,
        conn: ConnId,
        item: &Arc<Item>,
        judged: Judged,
        fan: bool,
        out: &mut Actions,
    ) {
        match judged {
            Judged::Content(data) if data.is_empty() => {}
            Judged::Content(data) if fan && is_as_published(item, &data) => out.targets.push(conn),
            Judged::Content(data) => {
                self.counters.bump(Count::Delivered);
                out.list.push(Action::Write { conn, data });
            }
            Judged::Close => {
                self.counters.bump(Count::Delivered);
                self.finish(now, conn, out);
            }
            Judged::Gap => {
                self.gap(conn, item, out);
                // It may be what follows the page.
                if let Some(Exchange::Streaming(Streaming { guide: Some(guide), .. })) =
                    self.exchanges.get_mut(conn)
                    && !matches!(guide.work, Work::Idle)
                {
                    let _ = guide.put_off(item, &self.config.limits);
                }
            }
            Judged::Ask(ask) => {
                self.counters.bump(Count::Waited);
                self.question(conn, &ask);
                if let Some(guide) = self.guide(conn) {
                    let before = mem::replace(&mut guide.work, Work::Filter(Filtering::new(ask)));
                    // It gives up its turn, and gets another one afterwards.
                    guide.again |= matches!(before, Work::Queued { .. });
                }
            }
            other => self.note_judged(now, conn, item, other, out),
        }
    }

    pub(super) fn offer_response(
        &mut self,
        now: Time,
        conn: ConnId,
        item: &Arc<Item>,
        out: &mut Actions,
    ) {
        let limits = &self.config.limits;
        let Some(Exchange::Polling(polling)) = self.exchanges.get_mut(conn) else { return };
        if let Some(filtering) = &mut polling.filtering {
            let bytes = weight(item);
            match filtering.waiting.push(item.clone(), bytes, limits.waiting_bytes) {
                Ok(()) => self.counters.bump(Count::Waited),
                Err(_) => {
                    self.counters.bump(Count::WaitingFull);
                    self.recover_safely(conn);
                }
            }
            return;
        }
        let offer = polling.hold.offer(item, limits);
        self.take_offer(now, conn, item, offer, out);
    }

    /// Does what an item is to a long-poll.
    pub(super) fn take_offer(
        &mut self,
        now: Time,
        conn: ConnId,
        item: &Arc<Item>,
        offer: Offer,
        out: &mut Actions,
    ) {
        match offer {
            Offer::Answer(response) => {
                self.counters.bump(Count::Delivered);
                self.answer(now, conn, response, out);
            }
            Offer::Unfit(why) => {
                tracing::debug!(shard = self.shard.0, %conn, "patch does not fit: {why}");
                self.dropped(conn, item, Count::PatchUnfit);
                self.recover_safely(conn);
            }
            // The answer to a retry will show it, for the last id is known then (REL-1).
            Offer::Judged(Judged::Gap) if self.is_recovering(conn) => {
                self.counters.bump(Count::Gap)
            }
            Offer::Judged(Judged::Gap) => self.gap(conn, item, out),
            Offer::Judged(Judged::Ask(ask)) => {
                self.counters.bump(Count::Waited);
                self.question(conn, &ask);
                if let Some(Exchange::Polling(polling)) = self.exchanges.get_mut(conn) {
                    polling.filtering = Some(Box::new(Filtering::new(ask)));
                }
            }
            Offer::Judged(Judged::Nothing) if item.response.is_some() => {
                self.counters.bump(Count::NoEffect);
            }
            Offer::Judged(judged) => self.note_judged(now, conn, item, judged, out),
        }
    }

    /// What an item is to either kind of hold, where it is the same.
    fn note_judged(
        &mut self,
        now: Time,
        conn: ConnId,
        item: &Item,
        judged: Judged,
        out: &mut Actions,
    ) {
        match judged {
            Judged::Hint => {
                self.counters.bump(Count::Delivered);
                self.recover(conn);
            }
            Judged::Known => self.dropped(conn, item, Count::KnownItem),
            Judged::Filtered(filter) => {
                tracing::debug!(shard = self.shard.0, %conn, "item kept back by {}", filter.name());
                self.dropped(conn, item, Count::Filtered);
            }
            Judged::Mismatch => self.failed(now, conn, item, Refusal::Mismatch, out),
            Judged::Failed(why) => self.failed(now, conn, item, Refusal::Filter(why), out),
            Judged::Nothing | Judged::Content(_) | Judged::Close | Judged::Gap | Judged::Ask(_) => {
            }
        }
    }

    /// An item does not reach a session: counted, and said in the log. Whoever writes the log keeps the lines that
    /// repeat within bounds.
    pub(super) fn dropped(&mut self, conn: ConnId, item: &Item, why: Count) {
        self.counters.bump(why);
        let (channel, id, why) = (&item.channel, item.id.as_deref(), why.name());
        tracing::info!(shard = self.shard.0, %conn, channel, id, why, "item not delivered");
    }

    /// Something before this item is missing (REL-3).
    fn gap(&mut self, conn: ConnId, item: &Item, out: &mut Actions) {
        self.dropped(conn, item, Count::Gap);
        self.forget_last(&item.channel, out);
        self.recover(conn);
    }
}

/// Whether filters have left an item as it is, so that it can be written together with others.
fn is_as_published(item: &Item, data: &Bytes) -> bool {
    match &item.stream {
        Some(StreamFormat::Send(content)) => {
            (content.data.as_ptr(), content.data.len()) == (data.as_ptr(), data.len())
        }
        _ => false,
    }
}

fn weight(item: &Item) -> u64 {
    match &item.response {
        Some(ResponseFormat::Send(format)) => format.weight() as u64,
        _ => 0,
    }
}

impl<'a> ToStreams<'a> {
    fn of(item: &'a Item) -> Self {
        match &item.stream {
            Some(StreamFormat::Send(content)) if content.data.is_empty() => Self::Nothing,
            Some(StreamFormat::Send(content))
                if !expects(content.content_filters.as_deref(), &[]) =>
            {
                Self::Doubtful(&content.data)
            }
            Some(StreamFormat::Send(content)) => Self::Data(&content.data),
            Some(StreamFormat::Close) => Self::End,
            Some(StreamFormat::Hint | StreamFormat::Refresh) | None => Self::Nothing,
        }
    }
}
