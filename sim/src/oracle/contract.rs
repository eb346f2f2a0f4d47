//! The engine's contract: actions come in an order that makes sense, none after the last one of an
//! exchange, and a deadline that was met has moved.

use std::collections::{BTreeMap, BTreeSet};

use holdfast_core::engine::{Action, Event, FanoutShape, SocketAction};
use holdfast_core::ground::{ConnId, ShardId, Time};

use super::seats::{Seat, ended};
use super::{Fact, Ledger, Setting, ensure};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Stage {
    Asked,
    Begun,
    /// It is a WebSocket.
    Socket,
}

#[derive(Debug, Default)]
pub(super) struct Contract {
    stages: BTreeMap<Seat, Stage>,
    due: bool,
}

impl Ledger for Contract {
    fn name(&self) -> &'static str {
        "contract"
    }

    fn see(&mut self, now: Time, fact: &Fact<'_>, _: &Setting) -> Result<(), String> {
        match fact {
            Fact::Told { shard, event } => {
                self.due = matches!(event, Event::Deadline);
                if let Event::Request { conn, .. } | Event::Upgrade { conn, .. } = event {
                    let before = self.stages.insert((*shard, *conn), Stage::Asked);
                    ensure(before.is_none(), || format!("{conn} asks while it is served"))?;
                }
            }
            Fact::Did { shard, action, targets } => self.did(*shard, action, targets)?,
            Fact::Settled { engine, .. } if self.due => {
                let moved = engine.deadline().is_none_or(|(at, _)| at > now);
                ensure(moved, || "the deadline was met and has not moved".to_owned())?;
            }
            _ => {}
        }
        for seat in ended(fact) {
            self.stages.remove(&seat);
        }
        Ok(())
    }
}

impl Contract {
    fn did(&mut self, shard: ShardId, action: &Action, targets: &[ConnId]) -> Result<(), String> {
        let (conn, allowed): (ConnId, &[Stage]) = match action {
            Action::Forward { conn, .. }
            | Action::Relay { conn, .. }
            | Action::Collect { conn, .. }
            | Action::Respond { conn, .. }
            | Action::Begin { conn, .. } => (*conn, &[Stage::Asked]),
            Action::DropOrigin { conn } => (*conn, &[Stage::Asked, Stage::Begun, Stage::Socket]),
            Action::Stream { conn } | Action::Write { conn, .. } | Action::Abort { conn } => {
                (*conn, &[Stage::Begun])
            }
            Action::Finish { conn } => (*conn, &[Stage::Begun, Stage::Socket]),
            Action::Socket { conn, action: SocketAction::Connect(_) | SocketAction::Accept(_) } => {
                (*conn, &[Stage::Asked])
            }
            Action::Socket { conn, .. } => (*conn, &[Stage::Socket]),
            Action::Fanout { shape, .. } => return self.fanned_out(shard, shape, targets),
            Action::Interest { .. }
            | Action::Forget { .. }
            | Action::Reached { .. }
            | Action::Call { .. }
            | Action::ReadCall { .. }
            | Action::DropCall { .. } => return Ok(()),
        };
        self.check(shard, conn, allowed, action)?;
        let next = match action {
            Action::Begin { .. } => Some(Stage::Begun),
            Action::Socket { action: SocketAction::Accept(_), .. } => Some(Stage::Socket),
            _ => None,
        };
        self.stages.extend(next.map(|stage| ((shard, conn), stage)));
        Ok(())
    }

    fn fanned_out(
        &self,
        shard: ShardId,
        shape: &FanoutShape,
        targets: &[ConnId],
    ) -> Result<(), String> {
        let stage = match shape {
            FanoutShape::Frame(_) => Stage::Socket,
            FanoutShape::Data(_) | FanoutShape::Finish => Stage::Begun,
        };
        for conn in targets {
            self.check(shard, *conn, &[stage], shape)?;
        }
        let distinct: BTreeSet<_> = targets.iter().collect();
        ensure(distinct.len() == targets.len(), || format!("a receiver twice in {targets:?}"))
    }

    fn check(
        &self,
        shard: ShardId,
        conn: ConnId,
        allowed: &[Stage],
        what: &dyn core::fmt::Debug,
    ) -> Result<(), String> {
        let stage = self.stages.get(&(shard, conn));
        let good = stage.is_some_and(|stage| allowed.contains(stage));
        ensure(good, || format!("shard {} {conn} in {stage:?} gets {what:?}", shard.0))
    }
}
