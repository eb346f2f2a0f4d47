//! WebSockets as far as their shard can know of them: how far each is, what its backend has said, and
//! on which channels it is. What comes of that is for others to judge.

use std::collections::BTreeMap;

use holdfast_core::engine::{Action, Event, SocketAction, SocketEvent, SocketFrame};
use holdfast_core::ground::{CallId, ConnId, ShardId};
use holdfast_core::message::ResponseHead;
use holdfast_core::ws;

use super::seats::{Seat, ended};
use super::{Fact, Setting};
use crate::talk::{self, FIXED, Order, Said, TalkId, Tongue, Word, read_events};

#[derive(Debug, Default)]
pub(super) struct Talks {
    all: BTreeMap<TalkId, Talk>,
    seats: BTreeMap<Seat, TalkId>,
    /// The requests under way, and what their answers began with.
    calls: BTreeMap<(ShardId, CallId), (TalkId, Option<ResponseHead>)>,
}

/// One that has a client.
#[derive(Debug)]
pub(super) struct Talk {
    pub(super) seat: Seat,
    pub(super) stage: Stage,
    tongue: Tongue,
    grip: bool,
    /// Its backend counts: it has not closed, was not left, and is not lost.
    heeds: bool,
    /// It is asked from time to time, also whether it accepts.
    asks_again: bool,
    /// Those that its backend has named.
    channels: Vec<u32>,
    /// A message of a native backend that is not complete.
    partial: Option<(ws::Kind, Vec<u8>)>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Stage {
    /// The backend has not decided.
    Asked,
    Open,
    /// The client has said its last.
    Leaving,
    /// The proxy has.
    Closing,
}

/// Something new about a talk.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum News {
    /// Its backend accepts it.
    Accepted,
    /// Its backend says something that counts.
    Said(Said),
    /// Its backend wants the client dropped.
    Dropped,
    /// Its backend said what cannot be used, or did not answer as it must.
    Failed,
}

impl Talks {
    pub(super) fn get(&self, id: TalkId) -> Option<&Talk> {
        self.all.get(&id)
    }

    pub(super) fn at(&self, seat: Seat) -> Option<TalkId> {
        self.seats.get(&seat).copied()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (TalkId, &Talk)> {
        self.all.iter().map(|(id, talk)| (*id, talk))
    }

    /// Those on a channel of a shard.
    pub(super) fn on(&self, shard: ShardId, channel: u32) -> impl Iterator<Item = (TalkId, &Talk)> {
        self.iter().filter(move |(_, talk)| talk.seat.0 == shard && talk.is_on(channel))
    }

    /// The talk that a call is for.
    pub(super) fn caller(&self, shard: ShardId, call: CallId) -> Option<TalkId> {
        self.calls.get(&(shard, call)).map(|(talk, _)| *talk)
    }

    /// The ticket of the answer to a call, as far as it has come.
    pub(super) fn ticket(&self, shard: ShardId, call: CallId) -> Option<(TalkId, &ResponseHead)> {
        let (talk, head) = self.calls.get(&(shard, call))?;
        head.as_ref().map(|head| (*talk, head))
    }

    /// Takes a fact in; says what is new.
    pub(super) fn see(&mut self, fact: &Fact<'_>, setting: &Setting) -> Vec<(TalkId, News)> {
        let news = match fact {
            Fact::Told { shard, event } => self.told(*shard, event, setting),
            Fact::Did { shard, action, .. } => {
                self.did(*shard, action);
                Vec::new()
            }
            _ => Vec::new(),
        };
        for seat in ended(fact) {
            if let Some(id) = self.seats.remove(&seat) {
                self.all.remove(&id);
            }
        }
        news
    }

    fn told(&mut self, shard: ShardId, event: &Event, setting: &Setting) -> Vec<(TalkId, News)> {
        match event {
            Event::Upgrade { conn, request, .. } => {
                if let Some(id) = TalkId::of(&request.head.target) {
                    self.seats.insert((shard, *conn), id);
                    self.all.insert(id, Talk::new((shard, *conn), setting.talks.plan(id)));
                }
                Vec::new()
            }
            Event::Socket { conn, event } => self.happened((shard, *conn), event, setting),
            Event::CallHead { call, head, .. } => {
                if let Some((_, known)) = self.calls.get_mut(&(shard, *call)) {
                    *known = Some(head.clone());
                }
                Vec::new()
            }
            Event::CallData { call, data, end } => {
                let Some((id, head)) = self.calls.remove(&(shard, *call)) else {
                    return Vec::new();
                };
                let head = head.filter(|_| *end);
                self.with(id, |talk| talk.answered(head.as_ref(), data, setting))
            }
            _ => Vec::new(),
        }
    }

    fn happened(
        &mut self,
        seat: Seat,
        event: &SocketEvent,
        setting: &Setting,
    ) -> Vec<(TalkId, News)> {
        let Some(id) = self.at(seat) else { return Vec::new() };
        self.with(id, |talk| match event {
            SocketEvent::Frame(SocketFrame::Close(_)) => {
                if talk.stage == Stage::Open {
                    talk.stage = Stage::Leaving;
                }
                Vec::new()
            }
            SocketEvent::Frame(_) => Vec::new(),
            SocketEvent::OriginUpgraded(head) => {
                talk.grip = speaks_grip(head);
                vec![News::Accepted]
            }
            SocketEvent::OriginFrame(frame) => match talk.complete(frame) {
                Some(word) => talk.hears(word, setting),
                None => Vec::new(),
            },
            SocketEvent::OriginClosed => {
                let lost = core::mem::take(&mut talk.heeds);
                if lost { vec![News::Failed] } else { Vec::new() }
            }
        })
    }

    fn did(&mut self, shard: ShardId, action: &Action) {
        match action {
            Action::Call { call, request } => {
                if let Some(id) = TalkId::of(&request.head.target) {
                    self.calls.insert((shard, *call), (id, None));
                }
            }
            Action::Socket { conn, action } => {
                let talk = self.at((shard, *conn)).and_then(|id| self.all.get_mut(&id));
                let Some(talk) = talk else { return };
                match action {
                    SocketAction::Accept(_) => talk.stage = Stage::Open,
                    SocketAction::Send(SocketFrame::Close(_)) => {
                        (talk.stage, talk.heeds) = (Stage::Closing, false);
                    }
                    _ => {}
                }
            }
            _ => {}
        }
    }

    fn with(
        &mut self,
        id: TalkId,
        what: impl FnOnce(&mut Talk) -> Vec<News>,
    ) -> Vec<(TalkId, News)> {
        let news = self.all.get_mut(&id).map(what).unwrap_or_default();
        news.into_iter().map(|news| (id, news)).collect()
    }
}

impl Talk {
    fn new(seat: Seat, plan: talk::Plan) -> Self {
        Self {
            seat,
            stage: Stage::Asked,
            tongue: plan.tongue,
            grip: false,
            heeds: true,
            asks_again: false,
            channels: Vec::new(),
            partial: None,
        }
    }

    /// Whether its backend still counts.
    pub(super) fn heeds(&self) -> bool {
        self.heeds
    }

    /// Whether a message of its backend has begun and not ended.
    pub(super) fn is_within(&self) -> bool {
        self.partial.is_some()
    }

    fn is_on(&self, channel: u32) -> bool {
        let fixed = self.tongue == Tongue::Single && channel == FIXED;
        self.channels.contains(&channel) || (fixed && self.is_accepted())
    }

    /// The backend's word alone decides, but the client hears of it in the same breath.
    fn is_accepted(&self) -> bool {
        self.stage != Stage::Asked
    }

    /// The answer to a request is complete; `None`: it is too long.
    fn answered(
        &mut self,
        head: Option<&ResponseHead>,
        body: &[u8],
        setting: &Setting,
    ) -> Vec<News> {
        if !self.heeds {
            return Vec::new();
        }
        let good = |head: &&ResponseHead| head.status == 200 && !head.fields.has("x-bad");
        let (Some(head), Ok(events)) = (head.filter(good), read_events(body)) else {
            self.heeds = false;
            return vec![News::Failed];
        };
        self.asks_again |= head.fields.has("keep-alive-interval");
        let (mut news, mut events) = (Vec::new(), events.into_iter());
        if self.stage == Stage::Asked {
            match events.next() {
                Some(talk::Event::Open) => {
                    (self.stage, self.grip) = (Stage::Open, speaks_grip(head));
                    news.push(News::Accepted);
                }
                None if self.asks_again => {}
                _ => {
                    self.heeds = false;
                    return vec![News::Failed];
                }
            }
        }
        for event in events {
            match event {
                talk::Event::Word(word) => news.extend(self.hears(word, setting)),
                talk::Event::Unknown => {}
                talk::Event::Disconnect => {
                    self.heeds = false;
                    news.push(News::Dropped);
                }
                talk::Event::Open => {
                    self.heeds = false;
                    news.push(News::Failed);
                }
            }
            if !self.heeds {
                break;
            }
        }
        news
    }

    /// The backend says something.
    fn hears(&mut self, word: Word, setting: &Setting) -> Vec<News> {
        if !self.heeds {
            return Vec::new();
        }
        let said = Said::of(word, self.grip);
        match &said {
            Said::Order(Order::Subscribe(channel)) => self.subscribe(*channel, setting),
            Said::Order(Order::Unsubscribe(channel)) => {
                self.channels.retain(|other| other != channel);
            }
            Said::Order(Order::Detach) | Said::ToClient(Word::Close(..)) => self.heeds = false,
            _ => {}
        }
        vec![News::Said(said)]
    }

    fn subscribe(&mut self, channel: u32, setting: &Setting) {
        let fixed = usize::from(self.tongue == Tongue::Single);
        let full = self.channels.len() + fixed >= setting.limits.channels_per_hold;
        let known = self.channels.contains(&channel) || (fixed > 0 && channel == FIXED);
        if !known && !full {
            self.channels.push(channel);
        }
    }

    /// Joins the pieces of a native backend's messages.
    fn complete(&mut self, frame: &SocketFrame) -> Option<Word> {
        match frame {
            SocketFrame::Data { kind, last, payload, .. } => {
                let (_, message) = self.partial.get_or_insert((*kind, Vec::new()));
                message.extend_from_slice(payload);
                let (kind, message) = self.partial.take_if(|_| *last)?;
                Some(match kind {
                    ws::Kind::Text => Word::Text(message),
                    ws::Kind::Binary => Word::Binary(message),
                })
            }
            other => word(other),
        }
    }
}

fn speaks_grip(head: &ResponseHead) -> bool {
    head.fields.first("sec-websocket-extensions").is_some_and(|value| value == "grip")
}

/// What a frame is, if it is a word by itself.
pub(super) fn word(frame: &SocketFrame) -> Option<Word> {
    match frame {
        SocketFrame::Data { kind: ws::Kind::Text, first: true, last: true, payload } => {
            Some(Word::Text(payload.to_vec()))
        }
        SocketFrame::Data { kind: ws::Kind::Binary, first: true, last: true, payload } => {
            Some(Word::Binary(payload.to_vec()))
        }
        SocketFrame::Data { .. } => None,
        SocketFrame::Ping(payload) => Some(Word::Ping(payload.to_vec())),
        SocketFrame::Pong(payload) => Some(Word::Pong(payload.to_vec())),
        SocketFrame::Close(close) => {
            Some(Word::Close(close.code.map(ws::CloseCode::get), close.reason.clone()))
        }
    }
}

/// The receivers of a message that is sent to many.
pub(super) fn seats(shard: ShardId, targets: &[ConnId]) -> impl Iterator<Item = Seat> {
    targets.iter().map(move |conn| (shard, *conn))
}
