//! When the backend is asked, and what (WOH-7 to WOH-10, WOH-34 to WOH-41).

use bytes::BytesMut;

use super::{Asked, Call, Phase, Woh};
use crate::ground::{Count, Span};
use crate::socket::client::Client;
use crate::socket::failure::Failure;
use crate::socket::{Effect, Grip, Request, Turn};
use crate::wsoh::{Offer, WsEvent, encode};

impl Woh {
    /// Asks if there is something to say and nothing under way (WOH-7, WOH-10). A client that has caught up is
    /// a reason to look again (WS-52).
    pub(in crate::socket) fn pump(&mut self, client: &Client, turn: &mut Turn<'_>) {
        self.pace(client, turn);
        let may = match self.phase {
            Phase::Open => self.news && client.backlog() < turn.limits.woh_backlog_bytes,
            Phase::Parting { .. } => true,
            Phase::Opening | Phase::Closed | Phase::Over => false,
        };
        if !may || self.call != Call::None {
            return;
        }
        let one_event = client.setup.target.one_event;
        let fitting = self.queue.fitting(turn.limits.woh_request_bytes);
        let events = if one_event { fitting.min(1) } else { fitting };
        let left_out = events < self.queue.len();
        let tail = self.tail.is_some() && !left_out && !(one_event && events > 0);
        self.news = false;
        self.ask(Asked { events, left_out, tail, renewed: false }, client, turn);
    }

    /// Sends a request; the same again has the same body.
    pub(super) fn ask(&mut self, asked: Asked, client: &Client, turn: &mut Turn<'_>) {
        let mut body = BytesMut::new();
        if self.phase == Phase::Opening {
            encode(&[WsEvent::Open], &mut body);
        }
        self.queue.write(asked.events, &mut body);
        encode(self.tail.iter().filter(|_| asked.tail), &mut body);
        let offer = Offer {
            id: self.id,
            grip: client.setup.grip != Grip::Nowhere,
            meta: &self.meta,
            replayed: self.queue.replayed(),
        };
        turn.out.push(Effect::Request(Request { fields: offer.fields(), body: body.freeze() }));
        self.call = Call::UnderWay { asked, until: turn.now + turn.limits.woh_timeout };
        self.idle_until = None;
    }

    /// Waits before the request is sent again (WOH-41, NUM-9).
    pub(super) fn retry(&mut self, asked: Asked, turn: &mut Turn<'_>) {
        turn.out.push(Effect::Note(Count::RetriedEvents, "the backend cannot be reached".into()));
        let wait = Span::from_secs(1 << self.retries.min(16));
        let jitter = Span::from_nanos(turn.rng.below(Span::from_secs(1).as_nanos()));
        self.retries += 1;
        self.call = Call::Waiting { asked, until: turn.now + wait + jitter };
    }

    /// A close went out with messages that were not all taken, or the client is not read until they are: they are
    /// said again (WOH-35).
    pub(super) fn offer_again(&mut self, asked: Asked, turn: &mut Turn<'_>) -> Result<(), Failure> {
        if self.retries >= turn.limits.woh_retries {
            return Err(Failure::backend("the backend does not take what it is offered"));
        }
        let waiting = self.queue.len();
        let events = if asked.tail { waiting } else { asked.events.min(waiting) };
        let left_out = events < waiting;
        self.retry(Asked { events, left_out, tail: asked.tail, renewed: false }, turn);
        Ok(())
    }

    /// Whether the client, who could give a reason to ask again, is not read until the backend takes more.
    pub(super) fn holds_up(&self, turn: &Turn<'_>) -> bool {
        self.paused && self.queue.bytes() > turn.limits.woh_queue_bytes / 2
    }

    /// Nothing is under way: asks after a while, if the backend wants that (WOH-37, WOH-38).
    pub(super) fn idle(&mut self, turn: &mut Turn<'_>) {
        self.idle_until = self.interval.map(|span| {
            let twentieth = span.as_nanos() / 20;
            let jitter = turn.rng.below(2 * twentieth + 1);
            turn.now + (span - Span::from_nanos(twentieth)) + Span::from_nanos(jitter)
        });
    }

    /// Reads the client only while there is room for what it says. Once nobody listens there is always room, and
    /// so there is for the rest of a message when nothing waits but its beginning: nothing else would make room.
    fn pace(&mut self, client: &Client, turn: &mut Turn<'_>) {
        let bytes = if self.phase == Phase::Open { self.queue.bytes() } else { 0 };
        let max = turn.limits.woh_queue_bytes;
        let effect = match self.paused {
            false if bytes > max => Effect::PauseClient,
            true if bytes <= max / 2 || self.queue.len() == 0 => Effect::ResumeClient,
            _ => return,
        };
        self.paused = !self.paused;
        if !client.is_gone() {
            turn.out.push(effect);
        }
    }
}
