//! What a certain proxy is known to do otherwise.
//!
//! A profile lists cases that the proxy is expected to fail, each with a plain statement of what it
//! does instead, and cases that make no sense with it. It is checked in both directions: a listed case
//! that passes is an error too, so a profile cannot go stale.

use std::{collections::BTreeMap, fs, path::Path};

use serde::Deserialize;

use crate::{
    case::{Case, Trouble},
    verdict::Verdict,
};

/// Expectations that differ from the rules.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Profile {
    /// What proxy this is about.
    pub(crate) about: String,
    /// Cases that are expected to fail, and what the proxy does instead.
    #[serde(default)]
    deviations: BTreeMap<String, String>,
    /// Cases that this proxy passes at times and fails at others, and why.
    #[serde(default)]
    unsettled: BTreeMap<String, String>,
    /// Cases that are not run, and why.
    #[serde(default)]
    skip: BTreeMap<String, String>,
}

impl Profile {
    /// Finds a built-in profile, or reads a file.
    pub(crate) fn load(name: &str) -> Result<Self, String> {
        let text = match name {
            "holdfast" => include_str!("../profiles/holdfast.toml").to_owned(),
            "pushpin-1.36" => include_str!("../profiles/pushpin-1.36.toml").to_owned(),
            file => fs::read_to_string(Path::new(file)).map_err(|e| format!("{file}: {e}"))?,
        };
        toml::from_str(&text).map_err(|error| format!("{name}: {error}"))
    }

    /// Complains about entries that name no case.
    pub(crate) fn check(&self, cases: &[Case]) -> Result<(), String> {
        let listed = self.deviations.keys().chain(self.unsettled.keys()).chain(self.skip.keys());
        let unknown: Vec<_> =
            listed.filter(|id| !cases.iter().any(|case| case.id == **id)).map(|id| &**id).collect();
        match unknown.is_empty() {
            true => Ok(()),
            false => {
                Err(format!("the profile names cases that do not exist: {}", unknown.join(", ")))
            }
        }
    }

    /// Why this case is not to be run, if so.
    pub(crate) fn skips(&self, id: &str) -> Option<&str> {
        self.skip.get(id).map(|reason| &**reason)
    }

    /// Compares what happened with what is expected.
    pub(crate) fn judge(&self, id: &str, outcome: Result<(), Trouble>) -> Verdict {
        let known = self.deviations.get(id).or(self.unsettled.get(id)).cloned();
        match (outcome, known) {
            (Ok(()), Some(known)) if self.deviations.contains_key(id) => {
                Verdict::Unexpected { known }
            }
            (Ok(()), _) => Verdict::Passed,
            (Err(Trouble::Skip(why)), _) => Verdict::Skipped { why },
            (Err(Trouble::Wrong(why)), Some(known)) => Verdict::Deviates { why, known },
            (Err(Trouble::Wrong(why)), None) => Verdict::Failed { why },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Profile;
    use crate::{case::Trouble, cases, verdict::Verdict};

    #[test]
    fn built_in_profiles_name_only_real_cases() {
        for name in ["holdfast", "pushpin-1.36"] {
            let profile = Profile::load(name).expect(name);
            profile.check(&cases::all()).expect(name);
        }
    }

    #[test]
    fn unknown_cases_and_keys_are_refused() {
        let profile: Profile =
            toml::from_str("about = 'x'\n[deviations]\n'NO-1/such' = 'y'").expect("profile");
        assert!(profile.check(&cases::all()).is_err());
        assert!(toml::from_str::<Profile>("about = 'x'\n[deviation]\n").is_err());
    }

    #[test]
    fn a_stale_entry_is_told() {
        let profile: Profile =
            toml::from_str("about = 'x'\n[deviations]\n'A-1/a' = 'y'").expect("profile");
        assert!(matches!(profile.judge("A-1/a", Ok(())), Verdict::Unexpected { .. }));
        let unsettled: Profile =
            toml::from_str("about = 'x'\n[unsettled]\n'A-1/a' = 'y'").expect("profile");
        assert_eq!(unsettled.judge("A-1/a", Ok(())), Verdict::Passed);
        let wrong = || Err(Trouble::Wrong("z".to_owned()));
        assert!(matches!(profile.judge("A-1/a", wrong()), Verdict::Deviates { .. }));
        assert!(matches!(profile.judge("A-1/b", wrong()), Verdict::Failed { .. }));
        assert!(matches!(unsettled.judge("A-1/a", wrong()), Verdict::Deviates { .. }));
    }
}
