//! Publishing: one walk over a channel's subscribers.

use std::sync::Arc;

use bytes::Bytes;

use super::dispatch::respond;
use super::{Action, Actions, Engine, FanoutShape};
use crate::channel::Kind;
use crate::exchange::Exchange;
use crate::ground::{ConnId, Count, Time};
use crate::hold::Hold;
use crate::publish::{Item, ResponseFormat, StreamFormat};

/// What an item is to streams.
enum ToStreams<'a> {
    Data(&'a Bytes),
    End,
    Nothing,
}

impl Engine {
    pub(super) fn deliver(&mut self, now: Time, item: Arc<Item>, out: &mut Actions) {
        let Some(channel) = self.index.find(&item.channel) else {
            return self.counters.bump(Count::Unheard);
        };
        self.index.delivered(channel, now);
        let to_streams = ToStreams::of(&item);
        let from = out.targets.len();
        let mut next = self.index.first(channel);
        while let Some(key) = next {
            let sub = self.index.get(key);
            next = sub.next;
            match sub.kind {
                Kind::Stream => self.offer_stream(sub.conn, &to_streams, out),
                Kind::Response => {
                    if let Some(format) = &item.response {
                        self.offer_response(sub.conn, format, out);
                    }
                }
            }
        }
        self.fan_out(item.clone(), &to_streams, from, out);
    }

    /// Emits the one action for all streams that stand in `targets` from `from` on.
    fn fan_out(&mut self, item: Arc<Item>, what: &ToStreams<'_>, from: usize, out: &mut Actions) {
        let count = out.targets.len() - from;
        let shape = match what {
            _ if count == 0 => return,
            ToStreams::Nothing => return,
            ToStreams::Data(data) => FanoutShape::Data((*data).clone()),
            ToStreams::End => FanoutShape::Finish,
        };
        self.counters.add(Count::Delivered, count as u64);
        let ends: Vec<ConnId> = match shape {
            FanoutShape::Finish => out.targets[from..].to_vec(),
            FanoutShape::Data(_) => Vec::new(),
        };
        let range = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        let targets = range(from)..range(out.targets.len());
        out.list.push(Action::Fanout { item, shape, targets });
        for conn in ends {
            self.forget(conn, out);
        }
    }

    fn offer_stream(&mut self, conn: ConnId, what: &ToStreams<'_>, out: &mut Actions) {
        if let ToStreams::Nothing = what {
            return;
        }
        let limit = self.config.limits.backlog_bytes;
        let Some(Exchange::Opening(opening)) = self.exchanges.get_mut(conn) else {
            return out.targets.push(conn);
        };
        self.counters.bump(Count::Delivered);
        let taken = match what {
            ToStreams::Data(data) => opening.offer((*data).clone(), limit),
            ToStreams::End => {
                opening.close();
                Ok(())
            }
            ToStreams::Nothing => Ok(()),
        };
        if taken.is_err() {
            out.list.push(Action::DropOrigin { conn });
            self.cut(conn, out);
        }
    }

    fn offer_response(&mut self, conn: ConnId, format: &ResponseFormat, out: &mut Actions) {
        let Some(Exchange::Held(Hold::Response(hold))) = self.exchanges.get(conn) else { return };
        match hold.offer(format) {
            Some(response) => {
                self.counters.bump(Count::Delivered);
                self.forget(conn, out);
                respond(conn, response, out);
            }
            None => self.counters.bump(Count::NoEffect),
        }
    }
}

impl<'a> ToStreams<'a> {
    fn of(item: &'a Item) -> Self {
        match &item.stream {
            Some(StreamFormat::Send(content)) if !content.data.is_empty() => {
                Self::Data(&content.data)
            }
            Some(StreamFormat::Close) => Self::End,
            Some(StreamFormat::Send(_) | StreamFormat::Hint | StreamFormat::Refresh) | None => {
                Self::Nothing
            }
        }
    }
}
