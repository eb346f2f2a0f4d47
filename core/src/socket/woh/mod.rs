//! A backend that speaks WebSocket-over-HTTP: the connection as a series of requests, one at a time
//! (WOH-1 to WOH-50).
//!
//! ```text
//!             OPEN is answered           the backend closes
//!   Opening ───────────────────▶ Open ───────────────────────▶ Closed
//!      │                          │                              │ the client answers
//!      │ refused, failed          │ detached, closed, gone       ▼ or is gone
//!      └───────▶ Over ◀───────────┴──────────────────────────▶ Parting
//!                 ▲                 CLOSE or DISCONNECT is answered │
//!                 └─────────────────────────────────────────────────┘
//! ```

mod answer;
mod ask;
mod queue;

use bytes::Bytes;

use self::queue::Queue;
use super::client::Client;
use super::failure::Failure;
use super::{Effect, Fault, Frame, Turn};
use crate::ground::{Count, Span, Time};
use crate::message::ResponseHead;
use crate::ws::Close;
use crate::wsoh::{ConnectionId, Meta, Sorter, WsEvent};

/// One session.
#[derive(Debug)]
pub(super) struct Woh {
    id: ConnectionId,
    phase: Phase,
    call: Call,
    queue: Queue,
    /// What comes after the queue and is the last: `CLOSE` or `DISCONNECT`.
    tail: Option<WsEvent>,
    /// Whether there is a reason to ask.
    news: bool,
    /// How often the last request was tried again.
    retries: u32,
    /// How long to wait before asking without a reason (WOH-37).
    interval: Option<Span>,
    /// When that is.
    idle_until: Option<Time>,
    meta: Meta,
    sorter: Option<Sorter>,
    paused: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Phase {
    Opening,
    Open,
    /// The backend has closed; what the client answers is not known yet.
    Closed,
    /// The backend is told that it is over; what it answers means nothing. It is tried again or not.
    Parting {
        retry: bool,
    },
    Over,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Call {
    None,
    UnderWay {
        asked: Asked,
        until: Time,
    },
    /// It did not reach the backend.
    Waiting {
        asked: Asked,
        until: Time,
    },
}

/// What a request says.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Asked {
    /// So many events of the queue.
    events: usize,
    /// Whether more of them waited (WOH-9).
    left_out: bool,
    /// Whether the tail went along.
    tail: bool,
    /// Whether it was sent again on a new connection already (WOH-43).
    renewed: bool,
}

impl Woh {
    /// A session that begins: asks `OPEN`.
    pub(super) fn start(id: ConnectionId, client: &Client, turn: &mut Turn<'_>) -> Self {
        let mut woh = Self {
            id,
            phase: Phase::Opening,
            call: Call::None,
            queue: Queue::default(),
            tail: None,
            news: false,
            retries: 0,
            interval: None,
            idle_until: None,
            meta: Meta::default(),
            sorter: None,
            paused: false,
        };
        woh.ask(Asked::default(), client, turn);
        woh
    }

    pub(super) const fn is_over(&self) -> bool {
        matches!(self.phase, Phase::Over)
    }

    pub(super) const fn holds_client_back(&self) -> bool {
        self.paused
    }

    pub(super) fn deadline(&self) -> Option<Time> {
        match self.call {
            Call::None => self.idle_until,
            Call::UnderWay { until, .. } | Call::Waiting { until, .. } => Some(until),
        }
    }

    /// The backend has answered.
    pub(super) fn answered(
        &mut self,
        head: ResponseHead,
        body: Bytes,
        client: &mut Client,
        turn: &mut Turn<'_>,
    ) -> Result<(), Failure> {
        let Call::UnderWay { asked, .. } = self.call else { return Ok(()) };
        self.call = Call::None;
        match self.phase {
            Phase::Opening => self.decided(head, body, client, turn)?,
            Phase::Open => self.replied(asked, head, body, client, turn)?,
            Phase::Parting { .. } if asked.tail => self.phase = Phase::Over,
            Phase::Parting { .. } => self.took_at_last(asked, &head),
            Phase::Closed | Phase::Over => {}
        }
        self.pump(client, turn);
        Ok(())
    }

    /// The request failed.
    pub(super) fn failed(
        &mut self,
        fault: Fault,
        detail: Option<String>,
        client: &Client,
        turn: &mut Turn<'_>,
    ) -> Result<(), Failure> {
        let Call::UnderWay { asked, .. } = self.call else { return Ok(()) };
        self.call = Call::None;
        let reached = fault != Fault::Undelivered || self.retries >= turn.limits.woh_retries;
        let again = fault == Fault::Stale && !asked.renewed;
        // A client that has left has taken back what the backend has not heard.
        let stands = asked.events > 0 && self.queue.len() >= asked.events;
        match self.phase {
            // What the client said before is not said twice; the last is still to be said.
            Phase::Parting { .. } if !asked.tail && reached && !(again && stands) => {
                self.queue.clear();
            }
            Phase::Closed | Phase::Over => {}
            _ if again => {
                turn.out.push(Effect::Note(Count::RetriedEvents, "a kept connection broke".into()));
                self.ask(Asked { renewed: true, ..asked }, client, turn);
            }
            Phase::Open | Phase::Parting { retry: true } if !reached => self.retry(asked, turn),
            Phase::Parting { .. } => self.phase = Phase::Over,
            Phase::Opening | Phase::Open => {
                let reason = detail.unwrap_or_else(|| "the backend failed".to_owned());
                return Err(Failure::gateway(reason));
            }
        }
        self.pump(client, turn);
        Ok(())
    }

    /// The client sent something.
    pub(super) fn client_frame(
        &mut self,
        frame: Frame,
        client: &Client,
        turn: &mut Turn<'_>,
    ) -> Result<(), Failure> {
        let hears = self.phase == Phase::Open && client.is_open();
        match frame {
            Frame::Ping(payload) if !hears || !client.setup.pass_pings => {
                client.pong(payload, turn);
                return Ok(());
            }
            _ if !hears => {
                turn.out.push(Effect::unheard());
                return Ok(());
            }
            Frame::Data(piece) => {
                let whole = piece.last;
                let max = turn.limits.woh_queue_bytes;
                self.queue.piece(piece, max).map_err(|_| Failure::too_big())?;
                self.news |= whole;
            }
            Frame::Ping(payload) => self.push(WsEvent::Ping(payload)),
            Frame::Pong(payload) => self.push(WsEvent::Pong(payload)),
        }
        self.pump(client, turn);
        Ok(())
    }

    /// The client sent a close frame (WOH-46, WOH-48).
    pub(super) fn client_close(&mut self, close: Close, client: &mut Client, turn: &mut Turn<'_>) {
        match self.phase {
            Phase::Open if self.tail.is_none() => {
                self.queue.drop_partial();
                (self.tail, self.news) = (Some(event(close)), true);
                self.pump(client, turn);
            }
            Phase::Closed => self.part(event(close), true, client, turn),
            Phase::Opening | Phase::Open | Phase::Parting { .. } | Phase::Over => {
                client.agree(turn)
            }
        }
    }

    /// The client is gone (WS-14, WOH-50).
    pub(super) fn client_gone(&mut self, client: &Client, turn: &mut Turn<'_>) {
        match self.phase {
            Phase::Opening if self.call == Call::None => self.phase = Phase::Over,
            Phase::Open | Phase::Closed => self.part(WsEvent::Disconnect, true, client, turn),
            Phase::Opening | Phase::Parting { .. } | Phase::Over => {}
        }
    }

    /// The proxy has closed, or the backend detaches: the backend is told, after what it has not heard yet
    /// (CTL-30, WOH-49).
    pub(super) fn leave(&mut self, client: &Client, turn: &mut Turn<'_>) {
        if self.phase == Phase::Open {
            self.part(WsEvent::Close(None), true, client, turn);
        }
    }

    /// Something went wrong: the backend is told once, so that it can clean up (WOH-42). What it may have heard
    /// is not said again.
    pub(super) fn abandon(&mut self, client: &Client, turn: &mut Turn<'_>) {
        match self.phase {
            Phase::Opening => self.phase = Phase::Over,
            Phase::Open | Phase::Closed => {
                self.tail = None;
                self.part(WsEvent::Disconnect, false, client, turn);
            }
            Phase::Parting { .. } | Phase::Over => {}
        }
    }

    /// Asks without a reason of the client's (WOH-40).
    pub(super) fn refresh(&mut self, client: &Client, turn: &mut Turn<'_>) {
        if self.phase == Phase::Open {
            self.news = true;
            self.pump(client, turn);
        }
    }

    /// Does what is due.
    pub(super) fn wake(&mut self, client: &Client, turn: &mut Turn<'_>) -> Result<(), Failure> {
        if self.deadline().is_none_or(|deadline| deadline > turn.now) {
            return Ok(());
        }
        match (core::mem::replace(&mut self.call, Call::None), self.phase) {
            (Call::UnderWay { asked, .. }, phase) => {
                turn.out.push(Effect::DropRequest);
                match phase {
                    Phase::Parting { .. } if !asked.tail => self.queue.clear(),
                    Phase::Parting { .. } => self.phase = Phase::Over,
                    _ => return Err(Failure::timeout()),
                }
            }
            (Call::Waiting { asked, .. }, Phase::Open) => self.ask(asked, client, turn),
            (Call::None, Phase::Opening) => self.ask(Asked::default(), client, turn),
            (Call::None, _) => (self.news, self.idle_until) = (true, None),
            (Call::Waiting { .. }, _) => {}
        }
        self.pump(client, turn);
        Ok(())
    }

    /// The last that the backend hears. A close that was said before is enough.
    fn part(&mut self, tail: WsEvent, retry: bool, client: &Client, turn: &mut Turn<'_>) {
        if self.tail.is_none() {
            if tail == WsEvent::Disconnect {
                self.queue.clear();
            }
            self.tail = Some(tail);
        }
        self.phase = Phase::Parting { retry };
        self.pump(client, turn);
    }

    fn push(&mut self, event: WsEvent) {
        self.queue.push(event);
        self.news = true;
    }
}

/// A close as an event; a reason needs a code (WS-33).
fn event(close: Close) -> WsEvent {
    let code = close.code.map(|code| code.get());
    WsEvent::Close(code.map(|code| (code, close.reason.into())))
}
