//! Recoveries come to backends no faster than the limits say, however many are wanted at once (REC-3).

use std::collections::{BTreeMap, BTreeSet};

use holdfast_core::engine::{Action, Event, OriginFault};
use holdfast_core::ground::{CallId, ShardId, Time};

use super::{Fact, Ledger, Setting, ensure};

#[derive(Debug, Default)]
pub(super) struct Pacing {
    /// When a shard would be even with its rate.
    even: BTreeMap<ShardId, Time>,
    /// Calls that go to their next target.
    again: BTreeSet<(ShardId, CallId)>,
}

impl Ledger for Pacing {
    fn name(&self) -> &'static str {
        "pacing"
    }

    fn see(&mut self, now: Time, fact: &Fact<'_>, setting: &Setting) -> Result<(), String> {
        match fact {
            Fact::Told { shard, event: Event::CallFailed { call, fault } } => {
                if *fault == OriginFault::Unreachable {
                    self.again.insert((*shard, *call));
                }
                Ok(())
            }
            Fact::Did { shard, action: Action::Call { call, request }, .. } => {
                let first = !self.again.remove(&(*shard, *call));
                // Whoever asks without a position is a stream that has not begun to hold.
                let recovers = request.head.fields.has("grip-last");
                if first && recovers { self.recovers(now, *shard, setting) } else { Ok(()) }
            }
            _ => Ok(()),
        }
    }
}

impl Pacing {
    fn recovers(&mut self, now: Time, shard: ShardId, setting: &Setting) -> Result<(), String> {
        let limits = &setting.limits;
        let every = 1_000_000_000 / u64::from(limits.recoveries_per_second);
        let even = self.even.entry(shard).or_insert(Time::ZERO);
        let since = (*even).max(now).as_nanos() + every;
        *even = Time::from_nanos(since);
        let ahead = since - now.as_nanos();
        ensure(ahead <= every * u64::from(limits.recovery_burst), || {
            format!("shard {} is {} recoveries ahead", shard.0, ahead / every)
        })
    }
}
