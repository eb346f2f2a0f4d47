//! Nothing ends in the middle without a word: whatever is cut was cut by the engine, which counts
//! why, or by what happened to a link or an origin. And a stream whose client leaves more unread
//! than the limit is cut.

use std::collections::BTreeSet;

use holdfast_core::engine::{Action, Event};
use holdfast_core::ground::{Count, Time};

use super::seats::{Seat, Seats, ended};
use super::{Fact, Ledger, Setting, ensure};
use crate::script::{AskId, Outcome};

/// What is counted when a response that has begun is given up.
const REASONS: [Count; 4] =
    [Count::SlowClient, Count::OriginBroken, Count::OriginTimeout, Count::BrokenOff];

#[derive(Debug, Default)]
pub(super) struct Cuts {
    seats: Seats,
    excused: BTreeSet<AskId>,
    aborts: u64,
    streams: BTreeSet<Seat>,
    /// A stream that must be cut now.
    hopeless: Option<Seat>,
    /// What the shards had counted by now.
    counted: Vec<u64>,
}

impl Ledger for Cuts {
    fn name(&self) -> &'static str {
        "cuts"
    }

    fn see(&mut self, _: Time, fact: &Fact<'_>, setting: &Setting) -> Result<(), String> {
        self.seats.seat(fact, setting);
        for seat in ended(fact) {
            self.streams.remove(&seat);
        }
        match fact {
            Fact::Told { shard, event: Event::Backlog { conn, bytes } } => {
                let over = *bytes > setting.limits.backlog_bytes;
                self.hopeless = over.then_some((*shard, *conn));
                Ok(())
            }
            Fact::Did { shard, action: Action::Begin { conn, .. }, .. } => {
                let seat = (*shard, *conn);
                // What is left out of a journal comes with its next page.
                let recovers = |ask| setting.book.ask(ask).follow().is_some();
                if !self.seats.at(seat).is_some_and(recovers) {
                    self.streams.insert(seat);
                }
                Ok(())
            }
            Fact::Did { shard, action: Action::Abort { conn }, .. } => {
                self.aborts += 1;
                self.excused.extend(self.seats.at((*shard, *conn)));
                Ok(())
            }
            Fact::Settled { shard, engine } => {
                let counted = REASONS.iter().map(|count| engine.counters().of(*count)).sum();
                let shard = usize::from(shard.0);
                self.counted.resize(self.counted.len().max(shard + 1), 0);
                let more = counted - core::mem::replace(&mut self.counted[shard], counted);
                let aborts = core::mem::take(&mut self.aborts);
                ensure(aborts <= more, || format!("{aborts} aborts, {more} of them counted"))?;
                let spared = self.hopeless.take().filter(|seat| self.streams.contains(seat));
                ensure(spared.is_none(), || format!("{spared:?} is too slow, and is not cut"))
            }
            Fact::Trouble(ask) => {
                self.excused.insert(*ask);
                Ok(())
            }
            Fact::Cut(ask) => {
                let meant = setting.book.ask(*ask).outcome() == Outcome::Cut;
                let good = meant || self.excused.contains(ask);
                ensure(good, || format!("cut for no reason: {:?}", setting.book.ask(*ask)))
            }
            _ => Ok(()),
        }
    }
}
