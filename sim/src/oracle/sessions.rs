//! Those who follow journals, as a shard has them: where each stands, what it was told last by its
//! backend, and which call of the engine's is for it.

use std::collections::BTreeMap;

use bytes::Bytes;
use holdfast_core::engine::{Action, Event};
use holdfast_core::ground::{CallId, ConnId, ShardId, Span, Time};
use holdfast_core::message::{Fields, ResponseHead};

use super::lines::split;
use super::seats::{Seat, Seats, ended};
use super::{Fact, Setting};
use crate::journal::Pages;
use crate::script::{AskId, Follow, Line, Mode, Place};

/// One client's request, from its first instruct on.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) ask: AskId,
    pub(super) follow: Follow,
    pub(super) pages: Pages,
    /// The last entry that was written to the client, or that its backend knows it to have.
    pub(super) position: u64,
    pub(super) state: State,
    /// How long its next link waits; `None`: it has none.
    pub(super) patience: Option<Span>,
    /// The call of the engine that is for it.
    pub(super) call: Option<CallId>,
    /// What the client has not taken.
    pub(super) backlog: u64,
    line: Vec<u8>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum State {
    /// An instruct of this kind is on its way.
    Told { holds: bool },
    /// It waits for items, since then.
    Holds(Time),
    /// It waits for the next page, or for another attempt at it.
    Continues,
}

/// What the beginning of an answer says.
#[derive(Clone, Copy, Debug)]
pub(super) struct Instruct {
    pub(super) hold: Option<Mode>,
    position: Option<u64>,
    patience: Option<Span>,
}

#[derive(Debug, Default)]
pub(super) struct Sessions {
    seats: Seats,
    all: BTreeMap<Seat, Session>,
    /// The answers to calls that have begun.
    answers: BTreeMap<(ShardId, CallId), Option<Instruct>>,
}

/// Something new about a session.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum News {
    /// It holds for the first time.
    Held,
    /// A call for it is over.
    Answered(Answer),
}

/// What a call has brought.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Answer {
    /// A good one.
    Good,
    /// One that began well, and cannot be used.
    Spoilt,
    /// None.
    Failed,
}

impl Sessions {
    pub(super) fn iter(&self) -> impl Iterator<Item = (&Seat, &Session)> {
        self.all.iter()
    }

    pub(super) fn get(&self, seat: Seat) -> Option<&Session> {
        self.all.get(&seat)
    }

    /// Takes a fact in; says what is new about whom.
    pub(super) fn see(&mut self, now: Time, fact: &Fact<'_>, set: &Setting) -> Vec<(Seat, News)> {
        self.seats.seat(fact, set);
        let news = match fact {
            Fact::Told { shard, event } => self.told(now, *shard, event, set),
            Fact::Did { shard, action: Action::DropCall { call }, .. } => {
                // It is of no use.
                let spoilt = self.takes(*shard, *call).is_some();
                self.answered(now, *shard, *call, None, spoilt)
            }
            Fact::Did { shard, action, targets } => {
                self.did(*shard, action, targets);
                Vec::new()
            }
            _ => Vec::new(),
        };
        for seat in ended(fact) {
            self.all.remove(&seat);
        }
        news
    }

    /// Whether the call for a session has not been answered yet.
    pub(super) fn is_open(&self, (shard, _): Seat, session: &Session) -> bool {
        session.call.is_some_and(|call| !self.answers.contains_key(&(shard, call)))
    }

    /// A call is made for these sessions.
    pub(super) fn call(&mut self, seats: &[Seat], call: CallId) {
        for seat in seats {
            if let Some(session) = self.all.get_mut(seat) {
                session.call = Some(call);
            }
        }
    }

    fn told(
        &mut self,
        now: Time,
        shard: ShardId,
        event: &Event,
        set: &Setting,
    ) -> Vec<(Seat, News)> {
        match event {
            Event::OriginHead { conn, head, .. } => {
                self.begin((shard, *conn), head, set);
                Vec::new()
            }
            Event::OriginData { conn, end: true, .. } => {
                let seat = (shard, *conn);
                let session = self.all.get_mut(&seat);
                let held = session.is_some_and(|session| session.obey(now));
                if held { vec![(seat, News::Held)] } else { Vec::new() }
            }
            Event::Backlog { conn, bytes } => {
                if let Some(session) = self.all.get_mut(&(shard, *conn)) {
                    session.backlog = *bytes;
                }
                Vec::new()
            }
            Event::CallHead { call, head, .. } => {
                let good = head.status.is_success();
                let instruct = good.then(|| Instruct::read(&head.fields));
                self.answers.insert((shard, *call), instruct);
                Vec::new()
            }
            Event::CallData { call, end: true, .. } => {
                let instruct = self.takes(shard, *call);
                self.answered(now, shard, *call, instruct, false)
            }
            Event::CallFailed { call, .. } => {
                let spoilt = self.takes(shard, *call).is_some();
                self.answered(now, shard, *call, None, spoilt)
            }
            _ => Vec::new(),
        }
    }

    fn did(&mut self, shard: ShardId, action: &Action, targets: &[ConnId]) {
        match action {
            Action::Write { conn, data } => self.wrote((shard, *conn), data),
            Action::Fanout { shape: holdfast_core::engine::FanoutShape::Data(data), .. } => {
                for conn in targets {
                    self.wrote((shard, *conn), data);
                }
            }
            _ => {}
        }
    }

    fn begin(&mut self, seat: Seat, head: &ResponseHead, set: &Setting) {
        let Some(ask) = self.seats.at(seat) else { return };
        let Some(follow) = set.book.ask(ask).follow() else { return };
        let Instruct { hold, position, patience } = Instruct::read(&head.fields);
        if hold.is_none() && patience.is_none() {
            return;
        }
        let session = Session {
            ask,
            follow,
            pages: set.journals[follow.journal as usize].pages,
            position: position.filter(|_| follow.mode == Mode::Poll).unwrap_or(follow.after),
            state: State::Told { holds: hold.is_some() },
            patience,
            call: None,
            backlog: 0,
            line: Vec::new(),
        };
        self.all.insert(seat, session);
    }

    /// What the answer to a call said that is over.
    fn takes(&mut self, shard: ShardId, call: CallId) -> Option<Instruct> {
        self.answers.remove(&(shard, call)).flatten()
    }

    fn answered(
        &mut self,
        now: Time,
        shard: ShardId,
        call: CallId,
        instruct: Option<Instruct>,
        spoilt: bool,
    ) -> Vec<(Seat, News)> {
        let mut news = Vec::new();
        for (seat, session) in &mut self.all {
            if seat.0 != shard || session.call != Some(call) {
                continue;
            }
            session.call = None;
            if let Some(Instruct { hold, position, patience }) = instruct {
                session.patience = patience;
                session.state = State::Continues;
                if hold == Some(session.follow.mode) {
                    session.state = State::Holds(now);
                    session.position = position.unwrap_or(session.position);
                }
            }
            let answer = match instruct {
                Some(_) => Answer::Good,
                None if spoilt => Answer::Spoilt,
                None => Answer::Failed,
            };
            news.push((*seat, News::Answered(answer)));
        }
        news
    }

    fn wrote(&mut self, seat: Seat, data: &Bytes) {
        let Some(session) = self.all.get_mut(&seat) else { return };
        for line in split(&mut session.line, data) {
            if let Some(Line::Item { item, .. }) = line {
                session.position = item;
            }
        }
    }
}

impl Session {
    /// The instruct is complete; true if it is a hold.
    fn obey(&mut self, now: Time) -> bool {
        let State::Told { holds } = self.state else { return false };
        self.state = if holds { State::Holds(now) } else { State::Continues };
        holds
    }

    /// Whether the request for this place, with this position, can be for it.
    pub(super) fn is_for(&self, place: Place, last: Option<u64>) -> bool {
        match place {
            Place::Ask(ask) => self.ask == ask,
            Place::Page { owner: Some(owner), .. } => self.ask == owner,
            Place::Page { journal, owner: None, .. } => {
                let stands = last == Some(self.position) || last.is_none();
                self.follow.mode == Mode::Stream && self.follow.journal == journal && stands
            }
            Place::Gone(_) => false,
        }
    }
}

impl Instruct {
    fn read(fields: &Fields) -> Self {
        let text = |name| {
            let value = fields.first(name).map(|value| String::from_utf8_lossy(value).into_owned());
            value.unwrap_or_default()
        };
        let hold = match text("grip-hold").as_str() {
            "response" => Some(Mode::Poll),
            "stream" => Some(Mode::Stream),
            _ => None,
        };
        let channel = text("grip-channel");
        let position = channel.split_once("prev-id=").and_then(|(_, id)| id.parse().ok());
        let next = fields.all("grip-link").map(|value| String::from_utf8_lossy(value).into_owned());
        let next = next.filter(|link| link.contains("rel=next")).last();
        let patience = next.and_then(|link| link.split_once("timeout=")?.1.parse().ok());
        Self { hold, position, patience: patience.map(Span::from_secs) }
    }
}
