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
    /// WebSockets asked for.
    Sockets = "socket",
    /// Holds begun.
    HoldsBegun = "hold_begun",
    /// Response holds answered because their time was over.
    HoldsTimedOut = "hold_timed_out",
    /// Items that the publish intake accepted.
    Published = "message_received",
    /// Deliveries: pairs of an item and a hold that took it.
    Delivered = "message_sent",
    /// Deliveries that had to wait, because the hold was busy with something else.
    Waited = "message_waited",
    /// Items dropped because their id was released on that channel a short while ago.
    DuplicateItem = "item_duplicate",
    /// Items that were released after they had waited in vain for the one before them.
    ReorderExpired = "item_reorder_expired",
    /// Items that were released before their time because too many waited.
    ReorderOverflow = "item_reorder_overflow",
    /// Items that were waiting for the one before them when the last subscriber left.
    Unwanted = "item_unwanted",
    /// Last ids forgotten because there were too many.
    LastIdEvicted = "last_id_evicted",
    /// Items dropped for the receivers of a queue because too many waited there for the rate.
    PaceFull = "item_pace_full",
    /// Items that found no hold on a shard.
    Unheard = "item_unheard",
    /// Items whose action means nothing to a hold that they reached.
    NoEffect = "delivery_no_effect",
    /// Items that a session knew already, because its backend told it first.
    KnownItem = "item_known",
    /// Items before which a session missed another.
    Gap = "item_gap",
    /// Items that a filter did not let pass to a session.
    Filtered = "item_filtered",
    /// Items not delivered to a session because a filter failed.
    FilterFailed = "filter_failed",
    /// Items not delivered to a session because the publisher means other filters.
    FilterMismatch = "filter_mismatch",
    /// Items whose patch did not fit to what a session has.
    PatchUnfit = "patch_unfit",
    /// Items not written to a slow client, which will be recovered instead.
    Lagged = "item_lagged",
    /// Items dropped because too many waited for a session that is busy.
    WaitingFull = "item_waiting_full",
    /// Requests asked again for a long-poll.
    Retries = "retry",
    /// Retries or pages that failed.
    RecoveryFailed = "recovery_failed",
    /// Recoveries that could not be: there is no link, or no body to send again.
    RetryImpossible = "recovery_impossible",
    /// Pages fetched.
    Pages = "page",
    /// Pages that one fetch brought to further sessions.
    PagesShared = "page_shared",
    /// Sessions that ended because of what a page or filter said.
    BrokenOff = "session_broken_off",
    /// Gone links called.
    Farewells = "gone_sent",
    /// Gone links not called, or backends of sockets not told that a client is gone, because there were too many;
    /// or the link leads nowhere.
    FarewellsDropped = "gone_dropped",
    /// Last ids forgotten because there were too many.
    LastIdsFull = "last_id_forgotten",
    /// Streams cut because their client did not take what was sent.
    SlowClient = "slow_client_cut",
    /// Control messages of a backend that could not be understood (CTL-2).
    ControlInvalid = "control_invalid",
    /// Backends that name a prefix without a value (NAT-4).
    PrefixMissing = "grip_prefix_missing",
    /// Messages of a GRIP-enabled backend that are neither for the client nor for the proxy (NAT-6).
    Unprefixed = "message_unprefixed",
    /// What a client said after its backend had left, or after the close (CTL-31).
    ClientUnheard = "client_message_unheard",
    /// Requests over WebSocket-over-HTTP that were tried again (WOH-41).
    RetriedEvents = "events_retried",
    /// Sockets closed because their backend failed or broke a rule.
    SocketFailed = "socket_failed",
    /// Sockets closed because their clients were silent for too long (WS-53).
    SocketIdle = "socket_idle",
    /// Closes that were not answered in time (WS-34).
    CloseUnanswered = "close_unanswered",
    /// Items for sockets that were closing already (WPUB-7).
    ClosingSocket = "socket_item_late",
    /// Heartbeats left out because the client has enough to take (CTL-45).
    HeartbeatSkipped = "socket_keep_alive_skipped",
    /// Events of a WebSocket-over-HTTP backend that mean nothing (WOH-15).
    EventUnknown = "event_unknown",
    /// Published messages dropped because the socket ended within a message of the backend, into which they must
    /// not be put.
    CutShort = "message_cut_short",
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
