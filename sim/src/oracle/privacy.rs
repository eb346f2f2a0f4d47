//! What was meant for one session reaches no other one: only pages that say so are shared (NEXT-12).

use std::collections::BTreeMap;

use holdfast_core::ground::Time;

use super::lines::Lines;
use super::{Fact, Ledger, Setting, ensure};
use crate::script::{AskId, Line};

#[derive(Debug, Default)]
pub(super) struct Privacy {
    lines: Lines,
    /// For which request each page was written, or by which it was read.
    owners: BTreeMap<u64, AskId>,
}

impl Ledger for Privacy {
    fn name(&self) -> &'static str {
        "privacy"
    }

    fn see(&mut self, _: Time, fact: &Fact<'_>, _: &Setting) -> Result<(), String> {
        if let Fact::Ticket { ticket, owner: Some(owner) } = fact {
            self.owners.insert(*ticket, *owner);
        }
        for (ask, line) in self.lines.read(fact) {
            if let Some(Line::Private(ticket)) = line {
                let owner = *self.owners.entry(ticket).or_insert(ask);
                ensure(owner == ask, || format!("{ask:?} reads page {ticket}, of {owner:?}"))?;
            }
        }
        Ok(())
    }
}
