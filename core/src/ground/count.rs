//! Counters for everything that is refused, dropped or cut, by reason.

macro_rules! counts {
    ($($(#[$doc:meta])+ $name:ident = $text:literal,)+) => {
        /// What is counted. [`Count::name`] is the metric's name.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub enum Count { $($(#[$doc])+ $name,)+ }

        impl Count {
            /// Every counter there is.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The counter's name in logs and metrics.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $text,)+ }
            }
        }
    };
}

counts! {
    /// Requests that reached the engine.
    Requests = "request_received",
    /// Requests whose target or `Host` is unusable.
    BadRequests = "request_bad",
    /// Requests that no route matches.
    NoRoute = "request_no_route",
    /// Attempts to reach a target that failed before any request byte was delivered.
    TargetUnreachable = "target_unreachable",
    /// Requests none of whose targets could be reached.
    TargetsExhausted = "targets_exhausted",
    /// Requests whose target resolves to denied addresses only.
    TargetDenied = "target_denied",
    /// Exchanges that ended because the origin closed, reset or sent what cannot be parsed.
    OriginBroken = "origin_broken",
    /// Exchanges that ended because the origin was silent for too long.
    OriginTimeout = "origin_timeout",
    /// Instructs that were refused.
    InstructInvalid = "instruct_invalid",
    /// Instructs that were larger than the limit.
    InstructTooLarge = "instruct_too_large",
    /// Channels of an instruct beyond the limit for one connection.
    ChannelLimit = "channel_limit",
    /// Filter names that this version does not know.
    FilterUnknown = "filter_unknown",
    /// Holds begun.
    HoldsBegun = "hold_begun",
    /// Response holds answered because their time was over.
    HoldsTimedOut = "hold_timed_out",
    /// Items that the publish intake accepted.
    Published = "message_received",
    /// Deliveries: pairs of an item and a hold that took it.
    Delivered = "message_sent",
    /// Items dropped because their id was released on that channel a short while ago.
    DuplicateItem = "item_duplicate",
    /// Items that found no hold on a shard.
    Unheard = "item_unheard",
    /// Items whose action means nothing to a hold that they reached.
    NoEffect = "delivery_no_effect",
    /// Streams cut because their client did not take what was sent.
    SlowClient = "slow_client_cut",
    /// Events for a connection that is gone; normal when two sides end an exchange at once.
    StaleEvent = "event_stale",
}

/// One number a [`Count`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Counters([u64; Count::ALL.len()]);

impl Default for Counters {
    fn default() -> Self {
        Self([0; Count::ALL.len()])
    }
}

impl Counters {
    /// Counts one more.
    pub fn bump(&mut self, what: Count) {
        self.add(what, 1);
    }

    /// Counts `by` more.
    pub fn add(&mut self, what: Count, by: u64) {
        self.0[what as usize] += by;
    }

    /// The number so far.
    pub fn of(&self, what: Count) -> u64 {
        self.0[what as usize]
    }

    /// Every counter with its number.
    pub fn iter(&self) -> impl Iterator<Item = (Count, u64)> {
        Count::ALL.iter().copied().zip(self.0)
    }
}
