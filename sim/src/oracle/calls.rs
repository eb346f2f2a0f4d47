//! The engine's own requests. Each has its turn: it is called, its head comes, it is read, it is over,
//! and none is left in the end. A client's request that is made once more says where its reader stands,
//! and nobody repeats a request without a position (REC-1, REC-6).

use std::collections::{BTreeMap, BTreeSet};

use holdfast_core::engine::{Action, CallRead, CallRequest, Event};
use holdfast_core::ground::{CallId, ShardId, Time};

use super::{Fact, Ledger, Setting, ensure};
use crate::script::{AskId, Method};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Stage {
    Called,
    /// Its head, or a piece of its body, has come, and no more is asked for.
    Heard,
    Reading(CallRead),
}

#[derive(Debug, Default)]
pub(super) struct Calls {
    open: BTreeMap<(ShardId, CallId), Stage>,
    /// The requests of followers that a backend has read.
    read: BTreeSet<AskId>,
}

impl Ledger for Calls {
    fn name(&self) -> &'static str {
        "calls"
    }

    fn see(&mut self, _: Time, fact: &Fact<'_>, setting: &Setting) -> Result<(), String> {
        match fact {
            Fact::Did { shard, action, .. } => {
                if let Action::Call { request, .. } = action {
                    may_repeat(request, setting)?;
                }
                self.did(*shard, action)
            }
            Fact::Told { shard, event } => self.told(*shard, event),
            Fact::Read { ask, last, .. } => {
                let Some(follow) = setting.book.ask(*ask).follow() else { return Ok(()) };
                let again = !self.read.insert(*ask);
                let stands = last.is_some_and(|last| last >= follow.after);
                ensure(!again || stands, || format!("{ask:?} is made again at {last:?}"))?;
                ensure(again || last.is_none(), || format!("{ask:?} has a position at first"))
            }
            Fact::Again(ask) => {
                self.read.remove(ask);
                Ok(())
            }
            Fact::Over { shard, .. } => {
                let left = self.open.iter().find(|((of, _), _)| of == shard);
                ensure(left.is_none(), || format!("{left:?} is never over"))
            }
            _ => Ok(()),
        }
    }
}

impl Calls {
    fn did(&mut self, shard: ShardId, action: &Action) -> Result<(), String> {
        let (call, next) = match action {
            Action::Call { call, .. } => {
                let before = self.open.insert((shard, *call), Stage::Called);
                return ensure(before.is_none(), || format!("{call} is called in {before:?}"));
            }
            Action::ReadCall { call, read } => (call, Some(Stage::Reading(*read))),
            Action::DropCall { call } => (call, None),
            _ => return Ok(()),
        };
        let before = self.open.remove(&(shard, *call));
        let good = match next {
            Some(_) => before == Some(Stage::Heard),
            None => before.is_some(),
        };
        self.open.extend(next.map(|stage| ((shard, *call), stage)));
        ensure(good, || format!("{action:?} in {before:?}"))
    }

    fn told(&mut self, shard: ShardId, event: &Event) -> Result<(), String> {
        let (call, over) = match event {
            Event::CallHead { call, .. } => (call, false),
            Event::CallData { call, end, .. } => (call, *end),
            Event::CallFailed { call, .. } => (call, true),
            _ => return Ok(()),
        };
        // A call that was dropped may still have something under way.
        let Some(stage) = self.open.get_mut(&(shard, *call)) else { return Ok(()) };
        let too_long = matches!(event, Event::CallData { .. })
            && matches!(stage, Stage::Reading(CallRead::Whole { .. }));
        *stage = Stage::Heard;
        if over || too_long {
            self.open.remove(&(shard, *call));
        }
        Ok(())
    }
}

/// A client's request is made once more only if it changes nothing, or if its backend can tell.
fn may_repeat(request: &CallRequest, setting: &Setting) -> Result<(), String> {
    let Some(ask) = setting.book.find(&request.head.target) else { return Ok(()) };
    let stands = request.head.fields.has("grip-last");
    ensure(ask.method != Method::Post || stands, || format!("made once more: {ask:?}"))
}
