//! Who is subscribed to what: the engine's lists have exactly the holds that there are, and the
//! WebSockets as their backends want it (CTL-10 to CTL-14, CTL-25); it says when a channel is wanted and when no more, and its own audit finds nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use holdfast_core::engine::{Action, Engine};
use holdfast_core::ground::{ShardId, Time};

use super::held::Held;
use super::talks::Talks;
use super::{Fact, Ledger, Setting, ensure};
use crate::script::PREFIX;

#[derive(Debug, Default)]
pub(super) struct Subscribers {
    held: Held,
    talks: Talks,
    said: Vec<(Arc<str>, bool)>,
}

impl Ledger for Subscribers {
    fn name(&self) -> &'static str {
        "index"
    }

    fn see(&mut self, _: Time, fact: &Fact<'_>, setting: &Setting) -> Result<(), String> {
        self.held.see(fact, setting);
        self.talks.see(fact, setting);
        match fact {
            Fact::Did { action: Action::Interest { channel, wanted }, .. } => {
                self.said.push((channel.clone(), *wanted));
                Ok(())
            }
            Fact::Settled { shard, engine } => self.settled(*shard, engine, setting),
            _ => Ok(()),
        }
    }
}

impl Subscribers {
    fn settled(
        &mut self,
        shard: ShardId,
        engine: &Engine,
        setting: &Setting,
    ) -> Result<(), String> {
        engine.audit().map_err(|violation| violation.to_string())?;
        for channel in 0..setting.channels {
            let holds = self.held.on(shard, channel).count();
            let expected = holds + self.talks.on(shard, channel).count();
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
