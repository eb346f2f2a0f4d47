//! Farewells: a session whose first instruct asks for one is followed by exactly one, when it is over
//! and not before (GONE-1 to GONE-3).

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use holdfast_core::engine::{Action, Event, OriginFault};
use holdfast_core::ground::{CallId, ShardId, Time};
use holdfast_core::message::ResponseHead;

use super::seats::{Seat, Seats, ended};
use super::{Fact, Ledger, Setting, ensure};
use crate::script::{AskId, Mode, Place};

#[derive(Debug, Default)]
pub(super) struct Gone {
    seats: Seats,
    sessions: BTreeMap<Seat, Session>,
    /// What the sessions that are over have left to be said.
    farewells: BTreeMap<AskId, Farewell>,
    /// Those that are being said.
    calls: BTreeMap<(ShardId, CallId), AskId>,
    /// Those that may be said again, since nobody was reached.
    again: BTreeMap<(ShardId, CallId), AskId>,
    /// Those that are said in this breath.
    fresh: Vec<AskId>,
    heard: BTreeMap<AskId, u32>,
    /// These hold nothing any more.
    drained: BTreeSet<ShardId>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Session {
    /// An instruct that asks for a farewell has begun.
    Instructed,
    /// It is obeyed.
    Held,
    /// The first instruct has not asked for one.
    Silent,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Farewell {
    Owed,
    /// The session ended before anybody could say whether it is one.
    Free,
    Said,
}

impl Ledger for Gone {
    fn name(&self) -> &'static str {
        "gone"
    }

    fn see(&mut self, _: Time, fact: &Fact<'_>, setting: &Setting) -> Result<(), String> {
        self.seats.seat(fact, setting);
        match fact {
            Fact::Told { shard, event } => self.told(*shard, event),
            Fact::Did { shard, action: Action::Call { call, request }, .. } => {
                if let Some(Place::Gone(ask)) = Place::parse(&request.head.target) {
                    self.calls.insert((*shard, *call), ask);
                    if self.again.remove(&(*shard, *call)) != Some(ask) {
                        self.fresh.push(ask);
                    }
                }
            }
            Fact::Farewell { ask, proper } => {
                let times = self.heard.entry(*ask).or_default();
                *times += 1;
                let good = *proper && *times == 1;
                ensure(good, || format!("farewell {times} of {ask:?}, proper: {proper}"))?;
            }
            Fact::Settled { .. } => self.settled()?,
            Fact::Over { .. } => {
                let owed = self.farewells.iter().find(|(_, state)| **state == Farewell::Owed);
                ensure(owed.is_none(), || format!("no farewell of {owed:?}"))?;
            }
            _ => {}
        }
        for seat in ended(fact).into_iter().chain(passed_on(fact, &self.seats, setting)) {
            let (session, ask) = (self.sessions.remove(&seat), self.seats.at(seat));
            let farewell = match session {
                Some(Session::Held) => Farewell::Owed,
                Some(Session::Instructed) => Farewell::Free,
                Some(Session::Silent) | None => continue,
            };
            self.farewells.extend(ask.map(|ask| (ask, farewell)));
        }
        Ok(())
    }
}

impl Gone {
    fn told(&mut self, shard: ShardId, event: &Event) {
        match event {
            Event::Request { conn, .. } => {
                self.sessions.remove(&(shard, *conn));
            }
            Event::OriginHead { conn, head, .. } => {
                let session =
                    match (asks(head), head.fields.first("grip-hold").map(|value| &value[..])) {
                        (true, Some(b"response")) => Session::Instructed,
                        (true, _) if self.drained.contains(&shard) => Session::Instructed,
                        (true, _) => Session::Held,
                        (false, _) => Session::Silent,
                    };
                self.sessions.insert((shard, *conn), session);
            }
            Event::OriginData { conn, end: true, .. } => {
                if let Some(session) = self.sessions.get_mut(&(shard, *conn))
                    && *session == Session::Instructed
                    && !self.drained.contains(&shard)
                {
                    *session = Session::Held;
                }
            }
            Event::Drain => {
                self.drained.insert(shard);
            }
            Event::CallFailed { call, fault: OriginFault::Unreachable } => {
                if let Some(ask) = self.calls.get(&(shard, *call)) {
                    self.again.insert((shard, *call), *ask);
                }
            }
            _ => {}
        }
    }

    /// What was said in this breath was owed.
    fn settled(&mut self) -> Result<(), String> {
        for ask in core::mem::take(&mut self.fresh) {
            let before = self.farewells.insert(ask, Farewell::Said);
            let good = matches!(before, Some(Farewell::Owed | Farewell::Free));
            ensure(good, || format!("a farewell of {ask:?} in {before:?}"))?;
        }
        Ok(())
    }
}

/// The place of a long-poll that has an answer, which is passed on as it comes.
fn passed_on(fact: &Fact<'_>, seats: &Seats, setting: &Setting) -> Option<Seat> {
    let Fact::Did { shard, action: Action::Begin { conn, .. }, .. } = fact else { return None };
    let follow = setting.book.ask(seats.at((*shard, *conn))?).follow()?;
    (follow.mode == Mode::Poll).then_some((*shard, *conn))
}

/// Whether an instruct wants a farewell.
fn asks(head: &ResponseHead) -> bool {
    let is_gone = |value: &Bytes| String::from_utf8_lossy(value).contains("rel=gone");
    head.fields.all("grip-link").any(is_gone)
}
