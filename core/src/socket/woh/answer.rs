//! What the backend's answers say (WOH-12 to WOH-20, WOH-30 to WOH-35).

use bytes::Bytes;

use super::queue::Taken;
use super::{Asked, Phase, Woh};
use crate::ground::Count;
use crate::message::{Fields, ResponseHead};
use crate::socket::client::{Client, Heard};
use crate::socket::failure::Failure;
use crate::socket::{Effect, Frame, Turn};
use crate::ws::{Close, Kind};
use crate::wsoh::{Interval, Piece, Sorted, WsEvent, accepted_bytes, decode, interval, is_success};

impl Woh {
    /// The answer to `OPEN` (WOH-14).
    pub(super) fn decided(
        &mut self,
        head: ResponseHead,
        body: Bytes,
        client: &mut Client,
        turn: &mut Turn<'_>,
    ) -> Result<(), Failure> {
        if !is_success(&head, false) {
            client.refuse(head, body, turn);
            self.phase = Phase::Over;
            return Ok(());
        }
        let events = self.read(&head.fields, body, turn)?;
        let mut events = events.into_iter();
        match (events.next(), self.interval) {
            (None, Some(_)) if client.is_gone() => self.phase = Phase::Over,
            (None, Some(_)) => self.idle(turn),
            (None, None) => return Err(Failure::backend("the backend did not answer OPEN")),
            (Some(WsEvent::Open), _) if client.is_gone() => {
                self.phase = Phase::Open;
                self.part(WsEvent::Disconnect, true, client, turn);
            }
            (Some(WsEvent::Open), _) => {
                self.phase = Phase::Open;
                let begin = turn.out.len();
                self.sorter = client.accept(head, turn);
                let done = self.hear(events, false, client, turn);
                subscriptions_first(turn.out.get_mut(begin..).unwrap_or_default());
                done?;
                self.idle(turn);
            }
            (Some(_), _) => return Err(Failure::backend("the first event is not OPEN")),
        }
        Ok(())
    }

    /// The answer to anything later (WOH-15, WOH-18).
    pub(super) fn replied(
        &mut self,
        asked: Asked,
        head: ResponseHead,
        body: Bytes,
        client: &mut Client,
        turn: &mut Turn<'_>,
    ) -> Result<(), Failure> {
        if !is_success(&head, true) {
            return Err(Failure::backend(format!("the backend answered {}", head.status)));
        }
        let events = self.read(&head.fields, body, turn)?;
        let taken = self.took(asked, &head.fields)?;
        self.hear(events.into_iter(), asked.tail, client, turn)?;
        if self.phase != Phase::Open {
            return Ok(());
        }
        if taken == Taken::Part && !asked.tail {
            self.retries = 0;
        }
        if taken != Taken::All && (asked.tail || self.holds_up(turn)) {
            return self.offer_again(asked, turn);
        }
        self.retries = 0;
        if asked.tail {
            client.agree(turn);
            self.phase = Phase::Over;
        }
        self.idle(turn);
        Ok(())
    }

    /// What a success says, body and fields alike.
    fn read(
        &mut self,
        fields: &Fields,
        body: Bytes,
        turn: &Turn<'_>,
    ) -> Result<Vec<WsEvent>, Failure> {
        let max = turn.limits.woh_response_bytes;
        if body.len() > max {
            return Err(Failure::backend(format!("a response of more than {max} bytes")));
        }
        let events = decode(body, turn.limits.woh_events)
            .map_err(|why| Failure::backend(why.to_string()))?;
        match interval(fields, turn.limits.woh_interval_min) {
            Interval::Unchanged => {}
            Interval::Off => self.interval = None,
            Interval::Every(span) => self.interval = Some(span),
        }
        let max = turn.limits.socket_meta_bytes;
        self.meta.update(fields, max).map_err(|full| Failure::backend(full.to_string()))?;
        Ok(events)
    }

    /// Drops what the backend took; decides whether the rest is a reason to ask again (WOH-32 to WOH-35).
    fn took(&mut self, asked: Asked, fields: &Fields) -> Result<Taken, Failure> {
        let tail = match &self.tail {
            Some(WsEvent::Close(Some((_, reason)))) if asked.tail => 2 + reason.len() as u64,
            _ => 0,
        };
        let before = self.queue.len();
        let taken = self
            .queue
            .take(asked.events, tail, accepted_bytes(fields))
            .map_err(|_| Failure::backend("the backend took more than it was offered"))?;
        if taken == Taken::Nothing && asked.left_out {
            return Err(Failure::backend("the backend takes nothing"));
        }
        self.news |= before > asked.events || (taken == Taken::All && self.tail.is_some());
        Ok(taken)
    }

    /// Drops what the backend took, when its answer means nothing any more: what is left goes along with the
    /// tail, unless the backend does not want it.
    pub(super) fn took_at_last(&mut self, asked: Asked, head: &ResponseHead) {
        let taken = match is_success(head, true) {
            true => self.queue.take(asked.events, 0, accepted_bytes(&head.fields)).ok(),
            false => None,
        };
        if !matches!(taken, Some(Taken::All | Taken::Part)) {
            self.queue.clear();
        }
    }

    /// Does what the events of a response say, up to the one that ends the conversation.
    fn hear(
        &mut self,
        events: impl Iterator<Item = WsEvent>,
        told: bool,
        client: &mut Client,
        turn: &mut Turn<'_>,
    ) -> Result<(), Failure> {
        for event in events {
            match event {
                WsEvent::Text(payload) => self.message(Kind::Text, payload, client, turn)?,
                WsEvent::Binary(payload) => self.message(Kind::Binary, payload, client, turn)?,
                WsEvent::Ping(payload) => client.send(Frame::Ping(payload), turn),
                WsEvent::Pong(payload) => client.send(Frame::Pong(payload), turn),
                WsEvent::Close(close) => self.closed(close, told, client, turn),
                WsEvent::Disconnect => {
                    client.hang_up(turn);
                    self.phase = Phase::Over;
                }
                WsEvent::Open => return Err(Failure::backend("OPEN came a second time")),
                WsEvent::Other => {
                    let reason = "an event of the backend has an unknown name";
                    turn.out.push(Effect::Note(Count::EventUnknown, reason.into()));
                }
            }
            if self.phase != Phase::Open {
                break;
            }
        }
        Ok(())
    }

    fn message(
        &mut self,
        kind: Kind,
        payload: Bytes,
        client: &mut Client,
        turn: &mut Turn<'_>,
    ) -> Result<(), Failure> {
        let sorted = match &mut self.sorter {
            Some(sorter) => sorter.sort_whole(kind, payload, turn.limits.control_bytes)?,
            None => Sorted::Data(Piece { kind, first: true, payload, last: true }),
        };
        if let Sorted::Data(message) = sorted {
            send(message, client, turn);
        } else if client.hear(sorted, turn)? == Heard::Detach {
            client.agree(turn);
            self.leave(client, turn);
        }
        Ok(())
    }

    /// The backend closes (WOH-46, WOH-48); `told`: it knows of the client's close.
    fn closed(
        &mut self,
        close: Option<(u16, Bytes)>,
        told: bool,
        client: &mut Client,
        turn: &mut Turn<'_>,
    ) {
        let (code, reason) = close.unwrap_or_default();
        let reason = String::from_utf8_lossy(&reason).into_owned();
        client.close(Close::of_backend(code.into(), reason), turn);
        self.queue.clear();
        self.phase = match self.tail {
            Some(_) if told => Phase::Over,
            Some(_) => Phase::Parting { retry: true },
            None => Phase::Closed,
        };
    }
}

/// Sends a whole message, in frames that are not too long (NUM-10).
fn send(message: Piece, client: &mut Client, turn: &mut Turn<'_>) {
    let Piece { kind, mut payload, .. } = message;
    let (max, mut first) = (turn.limits.woh_frame_bytes.max(1), true);
    while payload.len() > max {
        let piece = Piece { kind, first, payload: payload.split_to(max), last: false };
        client.send(Frame::Data(piece), turn);
        first = false;
    }
    client.send(Frame::Data(Piece { kind, first, payload, last: true }), turn);
}

/// Moves subscriptions before everything else, and keeps the order within both (CTL-4).
fn subscriptions_first(effects: &mut [Effect]) {
    effects.sort_by_key(|effect| {
        !matches!(effect, Effect::Subscribe { .. } | Effect::Unsubscribe { .. })
    });
}
