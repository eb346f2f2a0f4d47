//! Who is subscribed to what: the engine's lists have exactly the holds that there are, it says
//! when a channel is wanted and when no more, and its own audit finds nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use holdfast_core::engine::{Action, Engine, Event};
use holdfast_core::ground::{ShardId, Time};

use super::seats::{Seat, Seats, ended};
use super::{Fact, Ledger, Setting, ensure};
use crate::script::PREFIX;

#[derive(Debug, Default)]
pub(super) struct Subscribers {
    seats: Seats,
    holds: BTreeMap<Seat, Vec<u32>>,
    /// A request whose instruct is complete: it is held unless it is answered in the same breath.
    instructed: Option<Seat>,
    said: Vec<(Arc<str>, bool)>,
}

impl Ledger for Subscribers {
    fn name(&self) -> &'static str {
        "index"
    }

    fn see(&mut self, _: Time, fact: &Fact<'_>, setting: &Setting) -> Result<(), String> {
        self.seats.seat(fact, setting);
        for seat in ended(fact) {
            self.holds.remove(&seat);
            self.instructed = self.instructed.filter(|other| *other != seat);
        }
        match fact {
            Fact::Told { shard, event: Event::OriginData { conn, end: true, .. } } => {
                let seat = (*shard, *conn);
                self.instructed = (!self.holds.contains_key(&seat)).then_some(seat);
            }
            Fact::Did { shard, action: Action::Begin { conn, .. }, .. } => {
                self.instructed = None;
                self.hold((*shard, *conn), setting);
            }
            Fact::Did { action: Action::Interest { channel, wanted }, .. } => {
                self.said.push((channel.clone(), *wanted));
            }
            Fact::Settled { shard, engine } => {
                if let Some(seat) = self.instructed.take() {
                    self.hold(seat, setting);
                }
                return self.settled(*shard, engine, setting);
            }
            _ => {}
        }
        Ok(())
    }
}

impl Subscribers {
    fn hold(&mut self, seat: Seat, setting: &Setting) {
        let Some(ask) = self.seats.at(seat) else { return };
        let channels = setting.book.ask(ask).channels(setting.limits.channels_per_hold);
        self.holds.insert(seat, channels.to_vec());
    }

    fn settled(
        &mut self,
        shard: ShardId,
        engine: &Engine,
        setting: &Setting,
    ) -> Result<(), String> {
        engine.audit().map_err(|violation| violation.to_string())?;
        for channel in 0..setting.channels {
            let holds = self.holds.iter().filter(|((at, _), _)| *at == shard);
            let expected = holds.filter(|(_, channels)| channels.contains(&channel)).count();
            let name = format!("{PREFIX}{channel}");
            let found = engine.subscribers(&name);
            ensure(found == expected, || {
                format!("shard {} has {found} on {name}, there are {expected}", shard.0)
            })?;
        }
        let said: BTreeMap<_, _> = self.said.drain(..).collect();
        for (channel, wanted) in said {
            let is_wanted = engine.subscribers(&channel) > 0;
            ensure(is_wanted == wanted, || format!("{channel} is said to be wanted: {wanted}"))?;
        }
        Ok(())
    }
}
