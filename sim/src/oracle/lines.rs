//! The lines that clients read.

use std::collections::BTreeMap;

use super::Fact;
use crate::script::{AskId, Line};

/// What is left of the last line of each answer that its origin wrote.
#[derive(Debug, Default)]
pub(super) struct Lines(BTreeMap<AskId, Vec<u8>>);

impl Lines {
    /// The lines that are complete by a fact, none if it is about something else.
    pub(super) fn read(&mut self, fact: &Fact<'_>) -> Vec<(AskId, Option<Line>)> {
        match fact {
            Fact::Head { ask, names: Some(_), .. } => {
                self.0.insert(*ask, Vec::new());
            }
            Fact::End(ask) | Fact::Cut(ask) | Fact::GivenUp(ask) => {
                self.0.remove(ask);
            }
            Fact::Body { ask, data } => {
                if let Some(rest) = self.0.get_mut(ask) {
                    return split(rest, data).into_iter().map(|line| (*ask, line)).collect();
                }
            }
            _ => {}
        }
        Vec::new()
    }
}

/// Adds bytes to a beginning; what it is not any more, as lines.
pub(super) fn split(rest: &mut Vec<u8>, data: &[u8]) -> Vec<Option<Line>> {
    let mut lines = Vec::new();
    for &byte in data {
        match byte {
            b'\n' => lines.push(Line::parse(&core::mem::take(rest))),
            _ => rest.push(byte),
        }
    }
    lines
}
