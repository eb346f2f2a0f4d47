//! What a case is, and what can come of it.
//!
//! A case is data: an id, the rule in plain words, how binding the rule is, how long the case may
//! take, and a script. The id starts with the id of the requirement that it tests.

use std::{fmt, future::Future, io, pin::Pin};

use crate::scene::Scene;

/// One testable statement about a proxy.
pub(crate) struct Case {
    /// The requirement's id, a slash, and a name of its own: `RESP-4/first-item-only`.
    pub(crate) id: &'static str,
    /// What the proxy has to do, in one sentence.
    pub(crate) rule: &'static str,
    /// How binding the rule is.
    pub(crate) level: Level,
    /// How long the script may take, in seconds.
    pub(crate) limit: u32,
    /// Whether the case disturbs others, so that nothing may run beside it.
    pub(crate) alone: bool,
    script: Box<dyn Fn(Scene) -> Playing + Send + Sync>,
}

/// A script on its way.
pub(crate) type Playing = Pin<Box<dyn Future<Output = Outcome> + Send>>;

/// How binding a rule is. The order is from the most binding to the least.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Level {
    /// Clients, origins or libraries depend on it.
    Must,
    /// What a good proxy does beyond that.
    Should,
}

/// What a script ends with.
pub(crate) type Outcome<T = ()> = Result<T, Trouble>;

/// Why a script did not reach its end.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// The proxy did something else than the rule says.
    Wrong(String),
    /// The case cannot be judged with this set-up.
    Skip(String),
}

/// A case that takes longer than this is slow, and left out of a fast run.
const SLOW_FROM: u32 = 11;

/// The usual bound of a case, in seconds.
const LIMIT: u32 = 10;

/// A case that every GRIP proxy has to pass.
pub(crate) fn must<S, F>(id: &'static str, rule: &'static str, script: S) -> Case
where
    S: Fn(Scene) -> F + Send + Sync + 'static,
    F: Future<Output = Outcome> + Send + 'static,
{
    let script = Box::new(move |scene| Box::pin(script(scene)) as Playing);
    Case { id, rule, level: Level::Must, limit: LIMIT, alone: false, script }
}

/// A case that a good proxy passes.
pub(crate) fn should<S, F>(id: &'static str, rule: &'static str, script: S) -> Case
where
    S: Fn(Scene) -> F + Send + Sync + 'static,
    F: Future<Output = Outcome> + Send + 'static,
{
    Case { level: Level::Should, ..must(id, rule, script) }
}

impl Case {
    /// The same case with another bound on its time.
    pub(crate) fn within(self, seconds: u32) -> Case {
        Case { limit: seconds, ..self }
    }

    /// The same case, with nothing beside it.
    pub(crate) fn alone(self) -> Case {
        Case { alone: true, ..self }
    }

    /// The id of the requirement that this case tests.
    pub(crate) fn requirement(&self) -> &'static str {
        self.id.split('/').next().unwrap_or(self.id)
    }

    /// Whether a fast run leaves this case out.
    pub(crate) fn is_slow(&self) -> bool {
        self.limit >= SLOW_FROM
    }

    /// Starts the script.
    pub(crate) fn play(&self, scene: Scene) -> Playing {
        (self.script)(scene)
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Level::Must => "MUST",
            Level::Should => "SHOULD",
        })
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Trouble::Wrong(why) | Trouble::Skip(why) => f.write_str(why),
        }
    }
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        Trouble::Wrong(error.to_string())
    }
}

/// Ends the script unless the condition holds.
pub(crate) fn ensure(holds: bool, otherwise: impl fmt::Display) -> Outcome {
    if holds { Ok(()) } else { wrong(otherwise) }
}

/// Ends the script: the proxy broke the rule.
pub(crate) fn wrong<T>(why: impl fmt::Display) -> Outcome<T> {
    Err(Trouble::Wrong(why.to_string()))
}
