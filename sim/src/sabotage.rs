//! Rules broken on purpose, to prove that somebody notices.

use core::fmt;

macro_rules! sabotages {
    ($($(#[$doc:meta])+ $name:ident = $text:literal noticed by $ledger:literal,)+) => {
        /// A fault of the simulator's own adapter, committed at every chance.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub enum Sabotage { $($(#[$doc])+ $name,)+ }

        impl Sabotage {
            /// All there are.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// Its name on the command line.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $text,)+ }
            }

            /// The ledger that must notice.
            pub const fn noticed_by(self) -> &'static str {
                match self { $(Self::$name => $ledger,)+ }
            }
        }
    };
}

sabotages! {
    /// One receiver of a fan-out gets nothing.
    LoseItem = "lose-item" noticed by "delivery",
    /// One receiver of a fan-out gets it twice.
    DoubleItem = "double-item" noticed by "delivery",
    /// A fan-out reaches one receiver only after the next one.
    LateItem = "late-item" noticed by "delivery",
    /// An item with an id that was released is released again.
    ReleaseTwice = "release-twice" noticed by "intake",
    /// A response is written twice.
    AnswerTwice = "answer-twice" noticed by "answers",
    /// A response is not written.
    SwallowAnswer = "swallow-answer" noticed by "answers",
    /// A byte of a relayed body is changed.
    TamperBody = "tamper-body" noticed by "answers",
    /// The engine is never told that its deadline has come.
    ForgetTimer = "forget-timer" noticed by "holds",
    /// A long-poll is answered before its time.
    HurryTimer = "hurry-timer" noticed by "holds",
    /// A stream is cut that the engine has not given up; the engine believes that its client left.
    CutSilently = "cut-silently" noticed by "cuts",
    /// An action is taken for an exchange that is over.
    ActAfterEnd = "act-after-end" noticed by "contract",
    /// The engine is not told that a client left.
    HideLeaving = "hide-leaving" noticed by "index",
    /// Nobody is told that a client left.
    MissLeaving = "miss-leaving" noticed by "emptiness",
}

impl fmt::Display for Sabotage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
