//! What came of a case, seen against what the profile expects.

use std::time::Duration;

use crate::case::Level;

/// The judgement of one case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The proxy keeps the rule.
    Passed,
    /// The proxy breaks the rule in a known way.
    Deviates {
        /// What went wrong this time.
        why: String,
        /// What the profile says about it.
        known: String,
    },
    /// The proxy breaks the rule.
    Failed {
        /// What went wrong.
        why: String,
    },
    /// The proxy keeps a rule that the profile says it breaks.
    Unexpected {
        /// What the profile says.
        known: String,
    },
    /// The case could not be judged, or was not meant to be.
    Skipped {
        /// Why.
        why: String,
    },
}

impl Verdict {
    /// Whether the run fails by it.
    pub(crate) fn is_bad(&self) -> bool {
        matches!(self, Self::Failed { .. } | Self::Unexpected { .. })
    }
}

/// A case that has been run.
#[derive(Clone, Debug)]
pub(crate) struct Judged {
    /// The case's id.
    pub(crate) id: &'static str,
    /// The rule.
    pub(crate) rule: &'static str,
    /// How binding it is.
    pub(crate) level: Level,
    /// What came of it.
    pub(crate) verdict: Verdict,
    /// How long it took.
    pub(crate) took: Duration,
}

/// How many of each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub(crate) struct Tally {
    /// Rules kept, and rules broken in a known way.
    pub(crate) passed: usize,
    /// Of these, rules broken in a known way.
    pub(crate) deviations: usize,
    /// Rules broken, and stale entries of the profile.
    pub(crate) failed: usize,
    /// Cases without a judgement.
    pub(crate) skipped: usize,
}

impl Tally {
    /// Counts the verdicts.
    pub(crate) fn of(judged: &[Judged]) -> Self {
        let mut tally = Self::default();
        for one in judged {
            match one.verdict {
                Verdict::Passed => tally.passed += 1,
                Verdict::Deviates { .. } => {
                    tally.passed += 1;
                    tally.deviations += 1;
                }
                Verdict::Failed { .. } | Verdict::Unexpected { .. } => tally.failed += 1,
                Verdict::Skipped { .. } => tally.skipped += 1,
            }
        }
        tally
    }
}
