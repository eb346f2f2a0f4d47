//! Deliveries that leave no faster than they may (RATE-1 to RATE-5). Without a rate nothing of this happens.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Actions, Engine};
use crate::channel::{Kind, Lane};
use crate::exchange::Exchange;
use crate::ground::{ConnId, Count, Limits, Time};
use crate::intake::{Backlog, FanOut, Ticks};
use crate::publish::{Item, ResponseFormat, StreamFormat, WsFormat};
use crate::route::Route;

/// Deliveries that wait.
#[derive(Debug, Default)]
pub(super) struct Pacing {
    ticks: Ticks,
    backlog: Backlog,
    /// The lanes of routes, by their ids. One whose route is gone stays, for its sessions do.
    lanes: BTreeMap<String, Lane>,
}

impl Pacing {
    /// When the next deliveries leave.
    pub(super) fn next(&self) -> Option<Time> {
        (!self.backlog.is_empty()).then(|| self.ticks.next())
    }

    /// The lane of sessions on this route. If it has an id, it has one of its own; when there are too many of
    /// them, the last share (RATE-2). Without a rate there is one.
    pub(super) fn lane(&mut self, route: &Route, limits: &Limits) -> Lane {
        let (Some(id), Some(_)) = (&route.id, limits.message_rate) else { return Lane::COMMON };
        if let Some(&lane) = self.lanes.get(id) {
            return lane;
        }
        let Ok(number) = u16::try_from(self.lanes.len() + 1) else { return Lane(u16::MAX) };
        self.lanes.insert(id.clone(), Lane(number));
        Lane(number)
    }
}

impl Engine {
    /// An item waits in every lane that has receivers. They count as reached now, because it will leave,
    /// unless there is no room.
    pub(super) fn pace(&mut self, item: &Arc<Item>, out: &mut Actions) {
        let mut reached: u32 = 0;
        for (lane, holds) in self.lanes_of(item) {
            match self.pacing.backlog.push(lane, item, &self.config.limits) {
                Ok(()) => reached = reached.saturating_add(holds),
                Err(_) => {
                    self.counters.bump(Count::PaceFull);
                    tracing::warn!(
                        shard = self.shard.0,
                        channel = item.channel,
                        id = item.id,
                        "item dropped for {holds} receivers: too many wait for the rate"
                    );
                }
            }
        }
        self.reached(item, reached, out);
    }

    /// The lanes of a channel's subscribers, with how many of these take the item.
    fn lanes_of(&mut self, item: &Item) -> BTreeMap<Lane, u32> {
        let mut lanes = BTreeMap::new();
        let Some(channel) = self.index.find(&item.channel) else {
            self.counters.bump(Count::Unheard);
            return lanes;
        };
        let mut next = self.index.first(channel);
        while let Some(key) = next {
            let sub = self.index.get(key);
            next = sub.next;
            let holds: &mut u32 = lanes.entry(sub.lane).or_default();
            *holds = holds.saturating_add(u32::from(size(item, sub.kind).is_some()));
        }
        lanes
    }

    /// Lets leave what may leave now.
    pub(super) fn deliver_paced(&mut self, now: Time, out: &mut Actions) {
        while !self.pacing.backlog.is_empty() {
            let open = match self.config.limits.message_rate {
                Some(rate) => self.pacing.ticks.open(now, rate),
                None => u64::MAX,
            };
            if open == 0 {
                return;
            }
            let Some((lane, fan_out)) = self.pacing.backlog.take() else { return };
            let share = open / (self.pacing.backlog.lanes() as u64 + 1);
            let rest = self.go_on(now, lane, fan_out, share.max(1), out);
            self.pacing.backlog.put_back(lane, rest);
        }
    }

    /// Delivers an item to some receivers of a lane, and gives back the rest. Sessions that are gone cost
    /// nothing.
    fn go_on(
        &mut self,
        now: Time,
        lane: Lane,
        fan_out: FanOut,
        share: u64,
        out: &mut Actions,
    ) -> Option<FanOut> {
        let FanOut { item, receivers } = fan_out;
        let mut rest = receivers.unwrap_or_else(|| self.receivers(lane, &item).into_iter());
        if let Some(channel) = self.index.find(&item.channel) {
            self.note_delivery(now, channel, &item);
        }
        let block = self.config.limits.message_block_size;
        let mut spent: u64 = 0;
        let next = |engine: &Self| {
            while spent < share {
                let conn = rest.next()?;
                if let Some(kind) = engine.kind_on(conn, &item.channel) {
                    spent = spent.saturating_add(blocks(&item, kind, block));
                    return Some((conn, kind));
                }
            }
            None
        };
        self.offer_all(now, &item, next, out);
        self.pacing.ticks.spend(spent);
        (rest.len() > 0).then_some(FanOut { item, receivers: Some(rest) })
    }

    /// Who is in the lane when the item's turn comes: also a poll that came while it waited, for it has not
    /// seen it.
    fn receivers(&self, lane: Lane, item: &Item) -> Vec<ConnId> {
        let first = self.index.find(&item.channel).and_then(|channel| self.index.first(channel));
        let subs = core::iter::successors(first.map(|key| self.index.get(key)), |sub| {
            sub.next.map(|key| self.index.get(key))
        });
        subs.filter(|sub| sub.lane == lane).map(|sub| sub.conn).collect()
    }

    /// How a connection is subscribed to a channel, if it still is.
    fn kind_on(&self, conn: ConnId, channel: &str) -> Option<Kind> {
        let subs = match self.exchanges.get(conn)? {
            Exchange::Polling(polling) => polling.hold.subscriptions(),
            Exchange::Streaming(stream) => &stream.subs,
            Exchange::Socket(id) => &self.sockets.get(*id)?.subs,
            Exchange::Asked(_) | Exchange::Collecting(_) => return None,
        };
        self.index.kind_on(subs, self.index.find(channel)?)
    }
}

/// What a delivery weighs: one, or so many blocks (RATE-5). An item that has nothing for the receiver weighs
/// nothing.
fn blocks(item: &Item, kind: Kind, block: Option<u64>) -> u64 {
    match (size(item, kind), block) {
        (None, _) => 0,
        (Some(_), None) => 1,
        (Some(size), Some(block)) => size.div_ceil(block.max(1)).max(1),
    }
}

/// The size of an item for such a receiver, if there is something for it.
fn size(item: &Item, kind: Kind) -> Option<u64> {
    let body = match kind {
        Kind::Response => item.response.as_ref().map(|format| match format {
            ResponseFormat::Send(response) => response.weight(),
            ResponseFormat::Hint | ResponseFormat::Close | ResponseFormat::Refresh => 0,
        }),
        Kind::Stream | Kind::Session => item.stream.as_ref().map(|format| match format {
            StreamFormat::Send(content) => content.data.len(),
            StreamFormat::Hint | StreamFormat::Close | StreamFormat::Refresh => 0,
        }),
        Kind::Socket => item.ws.as_ref().map(|format| match format {
            WsFormat::Send(message) => message.content.data.len(),
            WsFormat::Hint | WsFormat::Close { .. } | WsFormat::Refresh => 0,
        }),
    };
    body.map(|body| item.size.unwrap_or(body as u64))
}
