//! The hub releases every item once, in the order of the publishes, and none whose id it released
//! on that channel a short while ago (SEQ-1).

use std::collections::{BTreeMap, VecDeque};

use holdfast_core::ground::{Span, Time};
use holdfast_core::publish::Item;

use super::{Fact, Ledger, Setting, ensure};

#[derive(Debug, Default)]
pub(super) struct Intake {
    released: BTreeMap<(String, String), Time>,
    due: VecDeque<Item>,
}

impl Ledger for Intake {
    fn name(&self) -> &'static str {
        "intake"
    }

    fn see(&mut self, now: Time, fact: &Fact<'_>, setting: &Setting) -> Result<(), String> {
        match fact {
            Fact::Published(item) => {
                if self.is_fresh(now, item, setting.limits.id_ttl) {
                    self.due.push_back((*item).clone());
                }
                Ok(())
            }
            Fact::Released(item) => {
                let due = self.due.pop_front();
                ensure(due.as_ref() == Some(item), || format!("{item:?} instead of {due:?}"))
            }
            Fact::Rested => ensure(self.due.is_empty(), || format!("kept: {:?}", self.due)),
            _ => Ok(()),
        }
    }
}

impl Intake {
    fn is_fresh(&mut self, now: Time, item: &Item, ttl: Span) -> bool {
        let Some(id) = &item.id else { return true };
        let key = (item.channel.clone(), id.clone());
        let before = self.released.get(&key);
        let is_fresh = before.is_none_or(|before| now.since(*before) >= ttl);
        if is_fresh {
            self.released.insert(key, now);
        }
        is_fresh
    }
}
