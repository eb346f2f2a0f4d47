//! Publishing to WebSockets (WPUB-1 to WPUB-12).

use std::sync::Arc;

use super::{Action, Actions, Engine, FanoutShape};
use crate::exchange::{Exchange, Filtering, Refusal};
use crate::filter::expects;
use crate::ground::{ConnId, Count, SocketId, Time};
use crate::hold::{Ask, Carried, Judged};
use crate::publish::{Item, WsFormat, WsMessage, WsType};
use crate::socket::Input;
use crate::ws::{Close, CloseCode, Kind, render};
use crate::wsoh::Message;

impl Engine {
    /// Offers an item to a WebSocket; one that may get it as one of many is put into `many`.
    pub(super) fn offer_socket(
        &mut self,
        now: Time,
        conn: ConnId,
        item: &Arc<Item>,
        many: &mut Vec<ConnId>,
        out: &mut Actions,
    ) {
        let (Some(&Exchange::Socket(id)), Some(format)) = (self.exchanges.get(conn), &item.ws)
        else {
            return;
        };
        let limit = self.config.limits.waiting_bytes;
        let Some(seat) = self.sockets.get_mut(id) else { return };
        if *format == WsFormat::Hint {
            self.counters.bump(Count::NoEffect);
        } else if !seat.takes_items() {
            self.dropped(conn, item, Count::ClosingSocket);
        } else if let Some(filtering) = &mut seat.filtering {
            if filtering.waiting.push(item.clone(), weight(format), limit).is_err() {
                self.dropped(conn, item, Count::WaitingFull);
                let close = Close::new(CloseCode::POLICY);
                self.feed(now, id, Input::PublishClose(close), out);
            }
        } else if fans_out(format) && seat.takes_fanout() {
            many.push(conn);
        } else {
            self.judge_message(now, id, item, out);
        }
    }

    /// Emits the one action for all sockets that get a message as it is.
    pub(super) fn fan_out_message(&mut self, item: &Arc<Item>, many: &[ConnId], out: &mut Actions) {
        let (Some(WsFormat::Send(message)), false) = (&item.ws, many.is_empty()) else { return };
        let kind = if message.kind == WsType::Binary { Kind::Binary } else { Kind::Text };
        let shape = FanoutShape::Frame(render(kind, &message.content.data));
        self.counters.add(Count::Delivered, many.len() as u64);
        let range = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        let from = range(out.targets.len());
        out.targets.extend_from_slice(many);
        let targets = from..range(out.targets.len());
        out.list.push(Action::Fanout { item: item.clone(), shape, targets });
    }

    fn judge_message(&mut self, now: Time, id: SocketId, item: &Arc<Item>, out: &mut Actions) {
        let Some(seat) = self.sockets.get_mut(id) else { return };
        seat.refresh_meta();
        let judged = seat.session.judge(item, carried(item), &self.config.limits);
        self.take_message(now, id, item, judged, out);
    }

    /// A filter's question was answered: the item goes on with `content`, or not at all.
    pub(super) fn resume_message(
        &mut self,
        now: Time,
        id: SocketId,
        ask: &Ask,
        content: Result<bytes::Bytes, Judged>,
        out: &mut Actions,
    ) {
        let Some(seat) = self.sockets.get_mut(id) else { return };
        let waiting = seat.filtering.take();
        let judged = match content {
            Ok(content) => {
                let carried = match carried(&ask.item) {
                    Carried::Send(..) => Carried::Send(content.clone(), None),
                    other => other,
                };
                seat.session.resume(ask, content, carried, &self.config.limits)
            }
            Err(judged) => judged,
        };
        self.take_message(now, id, &ask.item, judged, out);
        let (mut many, conn) = (Vec::new(), self.sockets.get(id).and_then(|seat| seat.conn));
        for item in waiting.map(|mut filtering| filtering.waiting.take()).into_iter().flatten() {
            if let Some(conn) = conn {
                self.offer_socket(now, conn, &item, &mut many, out);
                self.fan_out_message(&item, &many, out);
                many.clear();
            }
        }
    }

    fn take_message(
        &mut self,
        now: Time,
        id: SocketId,
        item: &Arc<Item>,
        judged: Judged,
        out: &mut Actions,
    ) {
        let input = match (judged, &item.ws) {
            (Judged::Content(payload), Some(WsFormat::Send(message))) => {
                Input::Publish(Message { kind: message.kind, payload })
            }
            (Judged::Close, Some(WsFormat::Close { code, reason })) => {
                let code = CloseCode::new((*code).into());
                Input::PublishClose(Close { code, reason: reason.clone() })
            }
            (Judged::Hint, Some(WsFormat::Refresh)) => Input::Refresh,
            (Judged::Ask(ask), _) => return self.ask_about_message(id, ask),
            (Judged::Failed(why), _) => {
                return self.message_failed(now, id, item, &Refusal::Filter(why), out);
            }
            (Judged::Mismatch, _) => {
                return self.message_failed(now, id, item, &Refusal::Mismatch, out);
            }
            (Judged::Filtered(_), _) => return self.not_sent(id, item, Count::Filtered),
            _ => return self.counters.bump(Count::NoEffect),
        };
        if self.sockets.get(id).is_none_or(|seat| !seat.takes_items()) {
            return self.not_sent(id, item, Count::ClosingSocket);
        }
        self.counters.bump(Count::Delivered);
        self.feed(now, id, input, out);
    }

    fn ask_about_message(&mut self, id: SocketId, ask: Ask) {
        let Some(seat) = self.sockets.get_mut(id) else { return };
        let Some(conn) = seat.conn else { return };
        seat.filtering = Some(Box::new(Filtering::new(ask.clone())));
        self.question(conn, &ask);
    }

    fn not_sent(&mut self, id: SocketId, item: &Item, why: Count) {
        match self.sockets.get(id).and_then(|seat| seat.conn) {
            Some(conn) => self.dropped(conn, item, why),
            None => self.counters.bump(why),
        }
    }

    /// An item is not for a socket because of a filter: in debug mode it is told why (WPUB-10, WPUB-12).
    fn message_failed(
        &mut self,
        now: Time,
        id: SocketId,
        item: &Item,
        why: &Refusal,
        out: &mut Actions,
    ) {
        self.not_sent(id, item, why.count());
        if self.sockets.get(id).is_some_and(|seat| seat.asked.debug()) {
            let close = Close { code: Some(CloseCode::INTERNAL_ERROR), reason: why.to_string() };
            self.feed(now, id, Input::PublishClose(close), out);
        }
    }
}

/// Whether a message can be rendered once for all.
fn fans_out(format: &WsFormat) -> bool {
    match format {
        WsFormat::Send(WsMessage { kind: WsType::Text | WsType::Binary, content }) => {
            expects(content.content_filters.as_deref(), &[])
        }
        _ => false,
    }
}

fn carried(item: &Item) -> Carried<'_> {
    match &item.ws {
        Some(WsFormat::Send(message)) => {
            let content = &message.content;
            Carried::Send(content.data.clone(), content.content_filters.as_deref())
        }
        Some(WsFormat::Close { .. }) => Carried::Close,
        // It goes through filters, as all actions do.
        Some(WsFormat::Refresh) => Carried::Hint,
        Some(WsFormat::Hint) | None => Carried::Nothing,
    }
}

fn weight(format: &WsFormat) -> u64 {
    match format {
        WsFormat::Send(message) => message.content.data.len() as u64,
        _ => 0,
    }
}
