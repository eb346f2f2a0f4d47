//! The client's side of a socket, the same whatever its backend speaks: what may be sent to it and when, its
//! timers, its channels, and how it ends.

mod heed;
mod quiet;

use bytes::Bytes;

pub(super) use self::heed::Heard;
use self::quiet::{PING, Quiet, Silence};
use super::channels::Channels;
use super::failure::Failure;
use super::heartbeat::Beating;
use super::meta::Meta;
use super::outbox::{Outbox, Pending};
use super::{Effect, Frame, Grip, Setup, Turn};
use crate::forward::{clean_response, proxy_error};
use crate::ground::{Count, Time};
use crate::message::{Fields, Response, ResponseHead};
use crate::ws::{Close, CloseCode, grip_element, grip_prefix, lacks_prefix};
use crate::wsoh::{Message, Sorter, remove_private};

/// What the proxy knows of a client.
#[derive(Debug)]
pub(super) struct Client {
    pub(super) setup: Setup,
    stage: Stage,
    /// Whether a message of the backend has begun and not ended.
    within: bool,
    /// Bytes that wait in the adapter.
    backlog: u64,
    /// When something was last sent.
    sent: Time,
    quiet: Quiet,
    outbox: Option<Box<Outbox>>,
    heartbeat: Option<Box<Beating>>,
    delayed: Option<Box<Delayed>>,
    channels: Channels,
    meta: Meta,
}

#[derive(Debug)]
enum Stage {
    /// Its upgrade is not answered yet.
    Undecided,
    Open,
    /// It has sent a close frame, which is not answered yet.
    Leaving {
        close: Box<Close>,
        until: Time,
    },
    /// It was sent a close frame and has not answered yet.
    Closing {
        until: Time,
    },
    /// Refused, hung up on, or gone.
    Gone,
}

/// A message to be sent later (CTL-50).
#[derive(Debug)]
struct Delayed {
    message: Message,
    due: Time,
}

impl Client {
    pub(super) fn new(setup: Setup, turn: &Turn<'_>) -> Self {
        Self {
            setup,
            stage: Stage::Undecided,
            within: false,
            backlog: 0,
            sent: Time::ZERO,
            quiet: Quiet::start(turn.now, turn.limits),
            outbox: None,
            heartbeat: None,
            delayed: None,
            channels: Channels::default(),
            meta: Meta::default(),
        }
    }

    /// The backend accepts (WS-9). Gives what its messages are sorted by, if it speaks GRIP.
    pub(super) fn accept(&mut self, mut head: ResponseHead, turn: &mut Turn<'_>) -> Option<Sorter> {
        let grip = grip_prefix(&head.fields).filter(|_| self.setup.grip == Grip::Here);
        if grip.is_some() && lacks_prefix(&head.fields) {
            let reason = "message-prefix= of the backend has no value, which is the empty prefix";
            turn.out.push(Effect::Note(Count::PrefixMissing, reason.into()));
        }
        let beyond = grip_element(&head.fields).filter(|_| self.setup.grip != Grip::Here);
        clean_response(&mut head);
        remove_private(&mut head.fields);
        if let Some(element) = beyond {
            head.fields.push("Sec-WebSocket-Extensions", element);
        }
        for channel in &self.setup.target.subs {
            let (channel, filters) = (channel.clone(), Vec::new());
            turn.out.push(Effect::Subscribe { channel, prefix: 0, filters });
        }
        turn.out.push(Effect::Accept(without_body(head.fields)));
        (self.stage, self.sent) = (Stage::Open, turn.now);
        self.quiet = Quiet::start(turn.now, turn.limits);
        grip.map(|prefix| Sorter::new(Bytes::copy_from_slice(prefix.as_bytes())))
    }

    /// The backend does not accept: its answer is the client's (WS-10, WS-11). A success that is no upgrade
    /// would tell the client nothing (WOH-14).
    pub(super) fn refuse(&mut self, mut head: ResponseHead, body: Bytes, turn: &mut Turn<'_>) {
        if head.status.is_success() {
            return self.fail(&Failure::backend("the backend did not accept the upgrade"), turn);
        }
        clean_response(&mut head);
        remove_private(&mut head.fields);
        let body = body.slice(..body.len().min(turn.limits.refusal_bytes));
        self.reject(Response { head, body }, turn);
    }

    /// Tells the client that something went wrong.
    pub(super) fn fail(&mut self, failure: &Failure, turn: &mut Turn<'_>) {
        turn.out.push(Effect::Note(failure.count, failure.reason.clone()));
        let detail = self.setup.debug.then_some(&*failure.reason);
        if matches!(self.stage, Stage::Undecided) {
            return self.reject(proxy_error(failure.status, detail), turn);
        }
        let reason = detail.unwrap_or_default().to_owned();
        self.close(Close { code: Some(failure.code), reason }, turn);
    }

    pub(super) fn reject(&mut self, response: Response, turn: &mut Turn<'_>) {
        if matches!(self.stage, Stage::Undecided) {
            turn.out.push(Effect::Reject(Box::new(response)));
            self.gone(turn);
        }
    }

    /// Sends what the backend sent.
    pub(super) fn send(&mut self, frame: Frame, turn: &mut Turn<'_>) {
        if !matches!(self.stage, Stage::Open | Stage::Leaving { .. }) {
            return;
        }
        if let Frame::Data(piece) = &frame {
            self.within = !piece.last;
        }
        self.put(frame, turn);
        if !self.within {
            self.flush(turn);
        }
    }

    /// Answers a ping in the backend's place (WS-24).
    pub(super) fn pong(&self, payload: Bytes, turn: &mut Turn<'_>) {
        if matches!(self.stage, Stage::Open) {
            turn.out.push(Effect::Send(Frame::Pong(payload)));
        }
    }

    /// Sends what was published, now or once the backend's message is complete.
    pub(super) fn deliver(&mut self, message: Message, turn: &mut Turn<'_>) -> Result<(), Failure> {
        if !matches!(self.stage, Stage::Open) {
            return Ok(());
        }
        let waiting =
            self.backlog.saturating_add(self.outbox.as_ref().map_or(0, |out| out.bytes()));
        let bytes = message.payload.len() as u64;
        // A single message is taken whatever its size (WPUB-21).
        if waiting > 0 && waiting.saturating_add(bytes) > turn.limits.socket_backlog_bytes {
            return Err(Failure::slow());
        }
        self.put_between(message, turn);
        Ok(())
    }

    /// Closes as a publisher asks, after what was published before.
    pub(super) fn finish(&mut self, close: Close, turn: &mut Turn<'_>) {
        if self.within && matches!(self.stage, Stage::Open) {
            let until = turn.now + turn.limits.close_timeout;
            self.outbox.get_or_insert_default().close(Pending { close, until });
        } else {
            self.close(close, turn);
        }
    }

    /// Sends a close frame: the first, or the answer to the client's, which is the end. Who names no code means
    /// 1000 (WS-30).
    pub(super) fn close(&mut self, mut close: Close, turn: &mut Turn<'_>) {
        close.code.get_or_insert(CloseCode::NORMAL);
        match self.stage {
            Stage::Undecided | Stage::Closing { .. } | Stage::Gone => {}
            Stage::Open => {
                turn.out.push(Effect::Close(close));
                self.rest(turn);
                self.stage = Stage::Closing { until: turn.now + turn.limits.close_timeout };
            }
            Stage::Leaving { .. } => {
                turn.out.push(Effect::Close(close));
                self.hang_up(turn);
            }
        }
    }

    /// Answers the client's close, if that is still to be done, with its own words (WOH-47).
    pub(super) fn agree(&mut self, turn: &mut Turn<'_>) {
        if let Stage::Leaving { close, .. } = &self.stage {
            self.close(Close::clone(close), turn);
        }
    }

    /// Ends the client's connection without more words.
    pub(super) fn hang_up(&mut self, turn: &mut Turn<'_>) {
        if !matches!(self.stage, Stage::Gone) {
            turn.out.push(Effect::HangUp);
            self.gone(turn);
        }
    }

    /// The client has sent a close frame; says whether it is the answer to one, so that nothing is left but to
    /// hang up.
    pub(super) fn closes(&mut self, close: &Close, turn: &Turn<'_>) -> bool {
        if self.is_open() {
            let until = turn.now + turn.limits.close_timeout;
            self.stage = Stage::Leaving { close: Box::new(close.clone()), until };
        }
        self.is_closing()
    }

    /// The client is gone.
    pub(super) fn gone(&mut self, turn: &mut Turn<'_>) {
        self.rest(turn);
        self.stage = Stage::Gone;
    }

    /// Whether it gets what is published: it is open, and no close waits for it (WPUB-7).
    pub(super) fn takes_items(&self) -> bool {
        self.is_open() && self.outbox.as_ref().is_none_or(|outbox| outbox.until().is_none())
    }

    pub(super) const fn is_open(&self) -> bool {
        matches!(self.stage, Stage::Open)
    }

    /// Whether it was sent a close frame and has not answered.
    pub(super) const fn is_closing(&self) -> bool {
        matches!(self.stage, Stage::Closing { .. })
    }

    pub(super) const fn is_gone(&self) -> bool {
        matches!(self.stage, Stage::Gone)
    }

    pub(super) fn takes_fanout(&self) -> bool {
        self.is_open() && !self.within && self.backlog == 0
    }

    pub(super) fn set_backlog(&mut self, bytes: u64) {
        self.backlog = bytes;
    }

    pub(super) const fn backlog(&self) -> u64 {
        self.backlog
    }

    pub(super) fn meta(&self) -> &[(String, String)] {
        self.meta.pairs()
    }

    pub(super) fn deadline(&self) -> Option<Time> {
        let ends = match self.stage {
            Stage::Leaving { until, .. } | Stage::Closing { until } => Some(until),
            Stage::Open => Some(self.quiet.look_at()),
            Stage::Undecided | Stage::Gone => None,
        };
        let outbox = self.outbox.as_ref().and_then(|outbox| outbox.until());
        let heartbeat = self.heartbeat.as_ref().map(|beating| beating.due());
        let delayed = self.delayed.as_ref().map(|delayed| delayed.due);
        [ends, outbox, heartbeat, delayed].into_iter().flatten().min()
    }

    /// Does what is due; something was last sent past this machine at `delivered`. Says whether a close frame was
    /// not answered in time, so that nothing is left but to hang up.
    pub(super) fn wake(&mut self, delivered: Time, turn: &mut Turn<'_>) -> bool {
        self.sent = self.sent.max(delivered);
        match self.stage {
            Stage::Leaving { until, .. } if until <= turn.now => {
                turn.out.push(Effect::Note(Count::CloseUnanswered, "by the backend".into()));
                self.agree(turn);
                return false;
            }
            Stage::Closing { until } if until <= turn.now => {
                turn.out.push(Effect::Note(Count::CloseUnanswered, "by the client".into()));
                return true;
            }
            _ => {}
        }
        if self.outbox.as_ref().and_then(|outbox| outbox.until()).is_some_and(|at| at <= turn.now) {
            self.flush(turn);
        }
        if self.delayed.as_ref().is_some_and(|delayed| delayed.due <= turn.now) {
            self.flush_delayed(turn);
        }
        self.beat(turn);
        self.look(turn);
        false
    }

    /// The client sent a frame; says whether it is for the backend.
    pub(super) fn hears(&mut self, frame: &Frame, now: Time) -> bool {
        self.quiet.heard(now);
        !matches!(frame, Frame::Pong(payload) if payload == PING)
    }

    /// It is not read, so its silence is not its own.
    pub(super) fn excuse(&mut self, now: Time) {
        self.quiet.heard(now);
    }

    /// Looks whether the client is still there.
    fn look(&mut self, turn: &mut Turn<'_>) {
        if !self.is_open() {
            return;
        }
        match self.quiet.look(turn.now, self.sent, !self.takes_fanout(), turn.limits) {
            Silence::Fine => {}
            Silence::Ping => {
                turn.out.push(Effect::Send(Frame::Ping(Bytes::from_static(PING))));
            }
            Silence::TooLong => {
                turn.out.push(Effect::Note(
                    Count::SocketIdle,
                    "nothing was heard of the client".into(),
                ));
                self.close(Close::new(CloseCode::GOING_AWAY), turn);
            }
        }
    }

    /// Sends the heartbeat if it is due. A client that does not read gets nothing more to read (CTL-45).
    fn beat(&mut self, turn: &mut Turn<'_>) {
        let Some(beating) = &mut self.heartbeat else { return };
        let Some(message) = beating.wake(turn.now, self.sent, turn.rng).cloned() else { return };
        if self.takes_fanout() {
            self.put(message.into(), turn);
        } else {
            let reason = "the client has enough to take";
            turn.out.push(Effect::Note(Count::HeartbeatSkipped, reason.into()));
        }
    }

    /// Sends the delayed message, if there is one; it is never discarded (CTL-51).
    fn flush_delayed(&mut self, turn: &mut Turn<'_>) {
        if let Some(delayed) = self.delayed.take() {
            self.put_between(delayed.message, turn);
        }
    }

    /// Sends a message, but not into another one.
    fn put_between(&mut self, message: Message, turn: &mut Turn<'_>) {
        match self.within {
            true => self.outbox.get_or_insert_default().push(message),
            false => self.put(message.into(), turn),
        }
    }

    /// Sends what has waited for the end of a message.
    fn flush(&mut self, turn: &mut Turn<'_>) {
        let Some(outbox) = self.outbox.take() else { return };
        let (messages, close) = outbox.into_parts();
        for message in messages {
            match self.within {
                false => self.put(message.into(), turn),
                // The close cannot wait any longer for the end of the backend's message.
                true => turn.out.push(cut_short()),
            }
        }
        if let Some(close) = close {
            self.close(close, turn);
        }
    }

    fn put(&mut self, frame: Frame, turn: &mut Turn<'_>) {
        self.sent = turn.now;
        if self.backlog > 0 {
            // It waits behind the rest; how much waits will be reported later.
            self.backlog = self.backlog.saturating_add(frame.payload().len() as u64);
        }
        turn.out.push(Effect::Send(frame));
    }

    /// Nothing more will be sent.
    fn rest(&mut self, turn: &mut Turn<'_>) {
        for _ in self.outbox.take().into_iter().flat_map(|outbox| outbox.into_parts().0) {
            turn.out.push(cut_short());
        }
        (self.heartbeat, self.delayed) = (None, None);
    }
}

fn cut_short() -> Effect {
    Effect::Note(Count::CutShort, "the backend's message has no end".into())
}

/// What describes a body goes only with a body (WOH-13).
fn without_body(mut fields: Fields) -> Fields {
    fields.remove("Content-Type");
    fields
}
