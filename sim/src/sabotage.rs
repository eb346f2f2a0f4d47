//! Rules broken on purpose, to prove that somebody notices.

use core::fmt;

macro_rules! sabotages {
    ($($(#[$doc:meta])+ $name:ident = $text:literal noticed by $ledger:literal,)+) => {
        /// A fault of the simulator's own adapter, or of whoever stands between it and the core, committed
        /// at every chance.
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
    /// An item is told to an engine twice.
    TellTwice = "tell-twice" noticed by "accounting",
    /// The hub remembers no id (SEQ-1).
    ForgetIds = "forget-ids" noticed by "intake",
    /// It puts everything in order, also what does not want that (SEQ-2).
    SequenceAll = "sequence-all" noticed by "intake",
    /// It releases late what it could release at once (SEQ-3).
    ReleaseLate = "release-late" noticed by "intake",
    /// Any number of items may wait (SEQ-4).
    WaitUncounted = "wait-uncounted" noticed by "intake",
    /// What fits at one time is released in the wrong order (SEQ-5).
    ReleaseBackwards = "release-backwards" noticed by "intake",
    /// Items wait for much too long (SEQ-6).
    WaitInVain = "wait-in-vain" noticed by "intake",
    /// Items that are not for streams are not put in order (SEQ-7).
    SequenceStreams = "sequence-streams" noticed by "intake",
    /// A channel that nobody wants any more stays wanted (SEQ-8).
    StayWanted = "stay-wanted" noticed by "intake",
    /// One shard's releases overtake each other (SEQ-9).
    Overtake = "overtake" noticed by "order",
    /// A hold that begins behind the last id is not compared with it (REL-1).
    MissConflict = "miss-conflict" noticed by "recovery",
    /// A last id that is wrong is not given up (REL-1, REL-3).
    KeepLast = "keep-last" noticed by "recovery",
    /// The hub does not give it up (REL-1, REL-3).
    TrustLast = "trust-last" noticed by "intake",
    /// An item is taken whatever it follows (REL-2).
    IgnoreGap = "ignore-gap" noticed by "recovery",
    /// A position does not move (REL-2).
    StandStill = "stand-still" noticed by "recovery",
    /// A stream is held that has a position and no link (REL-4).
    HoldUnrepairable = "hold-unrepairable" noticed by "recovery",
    /// Nobody who missed something asks again (REL-3, REC-2).
    NeverAsk = "never-ask" noticed by "recovery",
    /// Who asks again does not say where it stands (REC-1).
    AskAnywhere = "ask-anywhere" noticed by "calls",
    /// Who asks again says that it stands where it stood before (REC-1, NEXT-4).
    AskBehind = "ask-behind" noticed by "journal",
    /// Recoveries are not paced (REC-3).
    RushRecoveries = "rush-recoveries" noticed by "pacing",
    /// A recovery that is wanted while one runs is forgotten (REC-4).
    RecoverOnce = "recover-once" noticed by "recovery",
    /// The hub sees no first subscription (REC-5).
    IgnoreFirst = "ignore-first" noticed by "intake",
    /// A shard does not hear of a first subscription (REC-5).
    MissFirst = "miss-first" noticed by "recovery",
    /// A request that changes something is made once more (REC-6).
    RepeatPosts = "repeat-posts" noticed by "calls",
    /// The hub does not hear that everything is to be recovered (REC-7).
    IgnoreRecover = "ignore-recover" noticed by "intake",
    /// A shard does not hear it (REC-7).
    MissRecover = "miss-recover" noticed by "recovery",
    /// What comes while a page is fetched is thrown away (NEXT-8).
    DeafWhileFetching = "deaf-while-fetching" noticed by "recovery",
    /// What comes for long-polls while one is asked again is thrown away (REC-8).
    DeafWhileRetrying = "deaf-while-retrying" noticed by "recovery",
    /// A page is joined twice (NEXT-2).
    JoinTwice = "join-twice" noticed by "journal",
    /// A page is read and not passed on (NEXT-2).
    LosePage = "lose-page" noticed by "journal",
    /// A silent stream does not ask in time (NEXT-6).
    TrustSilence = "trust-silence" noticed by "recovery",
    /// Whatever answers is taken for a page, also an error (NEXT-9).
    TakeErrors = "take-errors" noticed by "recovery",
    /// What failed is asked for again at once (NEXT-9).
    RetryAtOnce = "retry-at-once" noticed by "recovery",
    /// Pages are shared that are different for everybody (NEXT-12).
    ShareAll = "share-all" noticed by "privacy",
    /// What the engine gives up is left under way.
    LeaveCalls = "leave-calls" noticed by "calls",
    /// Nobody says farewell (GONE-1).
    NoFarewell = "no-farewell" noticed by "gone",
    /// Farewells are said twice (GONE-1).
    FarewellTwice = "farewell-twice" noticed by "gone",
    /// A farewell is said when a long-poll is asked again (GONE-3).
    FarewellEarly = "farewell-early" noticed by "gone",
    /// A backend hears what a client said twice (WOH-7).
    DoubleEvent = "double-event" noticed by "hearing",
    /// It never hears some of it (WOH-7).
    LoseEvent = "lose-event" noticed by "hearing",
    /// It hears it in the wrong order (WOH-7).
    ReorderEvents = "reorder-events" noticed by "hearing",
    /// What a backend says is lost (WOH-15).
    LoseWord = "lose-word" noticed by "speech",
    /// What it says for later is lost (CTL-51).
    LoseDelayed = "lose-delayed" noticed by "speech",
    /// A channel that a backend wants is not subscribed (CTL-10).
    ForgetSubscription = "forget-subscription" noticed by "index",
    /// One that it wants no more stays subscribed (CTL-13).
    IgnoreUnsubscribe = "ignore-unsubscribe" noticed by "index",
    /// One of many WebSockets does not get what is published (WPUB-6).
    LoseMessage = "lose-message" noticed by "audience",
    /// One of them gets it twice (WPUB-6).
    DoubleMessage = "double-message" noticed by "audience",
    /// Something follows a close (WPUB-7).
    TalkOn = "talk-on" noticed by "closing",
    /// A close is not said (WS-36).
    SwallowClose = "swallow-close" noticed by "closing",
    /// A close that is not answered never ends (WS-34).
    WaitForClose = "wait-for-close" noticed by "closing",
    /// A backend does not hear that its client is gone (WOH-50).
    NoDisconnect = "no-disconnect" noticed by "parting",
    /// It hears it twice (WOH-50).
    DisconnectTwice = "disconnect-twice" noticed by "parting",
}

impl fmt::Display for Sabotage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
