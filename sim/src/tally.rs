//! How often what happened, for the summary.

use core::fmt;
use std::collections::BTreeMap;

/// Numbers by what they count.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Tally(BTreeMap<&'static str, u64>);

impl Tally {
    /// Counts `by` more.
    pub fn add(&mut self, what: &'static str, by: u64) {
        *self.0.entry(what).or_default() += by;
    }

    /// Counts one more.
    pub fn bump(&mut self, what: &'static str) {
        self.add(what, 1);
    }

    /// The number so far.
    pub fn of(&self, what: &str) -> u64 {
        self.0.get(what).copied().unwrap_or_default()
    }

    /// Adds all numbers of another.
    pub fn absorb(&mut self, other: &Self) {
        for (what, by) in &other.0 {
            self.add(what, *by);
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (what, number) in &self.0 {
            writeln!(f, "{number:>12}  {what}")?;
        }
        Ok(())
    }
}
