//! Everybody who follows a journal reads its entries in their order, each once and none left out,
//! over all the answers that that takes; and who goes on to the end has in the end read all of it
//! (REL-1 to REL-3, NEXT-8).

use std::collections::BTreeMap;

use holdfast_core::ground::Time;

use super::lines::Lines;
use super::{Fact, Ledger, Setting, ensure};
use crate::script::Line;

#[derive(Debug, Default)]
pub(super) struct Journals {
    lines: Lines,
    /// The last entry that each client has read.
    read: BTreeMap<u32, u64>,
    /// Those who go on to the end, and their journals.
    stay: Vec<(u32, u32)>,
}

impl Ledger for Journals {
    fn name(&self) -> &'static str {
        "journal"
    }

    fn see(&mut self, _: Time, fact: &Fact<'_>, setting: &Setting) -> Result<(), String> {
        for (ask, line) in self.lines.read(fact) {
            let Some(follow) = setting.book.ask(ask).follow() else { continue };
            let journal = &setting.journals[follow.journal as usize];
            let read = self.read.entry(follow.reader).or_default();
            match line {
                Some(Line::Item { channel, item }) if channel == journal.channel => {
                    let due = *read + 1;
                    ensure(item == due && item <= journal.last(), || {
                        format!("entry {item} where {due} is due in {follow:?}")
                    })?;
                    *read = item;
                }
                Some(Line::Private(_)) => {}
                line => return Err(format!("{line:?} in {follow:?}")),
            }
        }
        match fact {
            Fact::Stays { reader, journal } => self.stay.push((*reader, *journal)),
            Fact::Rested => return self.rested(setting),
            _ => {}
        }
        Ok(())
    }
}

impl Journals {
    fn rested(&self, setting: &Setting) -> Result<(), String> {
        for (reader, journal) in &self.stay {
            let read = self.read.get(reader).copied().unwrap_or_default();
            let last = setting.journals[*journal as usize].last();
            ensure(read == last, || {
                format!("client {reader} has read {read} of {last} entries of journal {journal}")
            })?;
        }
        Ok(())
    }
}
