//! Every bound of the core, with its unit and default.

use super::Span;

/// Bounds. [`Limits::default`] gives the documented defaults; those that a configuration key sets name it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Bytes of a request line with its headers, or of an origin's status line with its headers
    /// (`client_buffer_size`).
    pub head_bytes: usize,
    /// Header lines of one message.
    pub head_fields: usize,
    /// Body bytes of a response that carries GRIP instructions and must be read whole.
    pub instruct_bytes: usize,
    /// Bytes of a client's request body that are kept for the case that the request must be repeated.
    pub kept_body_bytes: usize,
    /// Channels of one hold (`connection_subscription_max`).
    pub channels_per_hold: usize,
    /// Filters of one channel (NUM-12; `filters_per_channel`).
    pub filters_per_channel: usize,
    /// Operations of one body patch.
    pub patch_operations: usize,
    /// Bytes of a patched body, with all that its patch adds and compares on the way.
    pub patch_bytes: usize,
    /// Bytes in the parentheses of one directive of `build-id` or `var-subst`.
    pub filter_argument_bytes: usize,
    /// Bytes that one filter may add to one item or body.
    pub filter_growth_bytes: usize,
    /// Body bytes of an answer to `http-modify`.
    pub filter_answer_bytes: usize,
    /// Bytes that may wait for one slow stream client before it is cut, or left out until it can be recovered.
    pub backlog_bytes: u64,
    /// Bytes of items that may wait for one session while a body is passed on to it or a page is fetched.
    pub waiting_bytes: u64,
    /// Bytes of a page that is fetched once for several sessions; longer ones are fetched for each.
    pub shared_page_bytes: usize,
    /// Recoveries (retries and pages) begun a second on one shard, once a burst is used up.
    pub recoveries_per_second: u32,
    /// Recoveries begun at once after a pause.
    pub recovery_burst: u32,
    /// Recoveries under way at once on one shard.
    pub recovery_calls: usize,
    /// Requests a second that filters make on one shard.
    pub filter_calls_per_second: u32,
    /// Time the backend may take for the whole answer to a filter.
    pub filter_timeout: Span,
    /// Gone links called at once on one shard; beyond that none is called.
    pub farewells: usize,
    /// Time an origin may take to begin its answer.
    pub origin_timeout: Span,
    /// Time a response hold waits when the instruct does not say.
    pub hold_timeout: Span,
    /// Shortest time a response hold waits, whatever the instruct says.
    pub hold_timeout_min: Span,
    /// How long a channel stays subscribed after its last response hold has ended (`subscription_linger`).
    pub subscription_linger: Span,
    /// Channels of one shard that linger at once; those that would be given up first go first.
    pub lingering_channels: usize,
    /// Channels with a remembered last id; the one set longest ago is forgotten first.
    pub last_ids: usize,
    /// How long an item's id is remembered to recognise a duplicate (`id_cache_ttl`); zero is off.
    pub id_ttl: Span,
    /// How many item ids are remembered at most; the oldest are forgotten first.
    pub id_cache: usize,
    /// How long an item waits for the one before it (`message_wait`).
    pub message_wait: Span,
    /// Items of one channel that wait for the one before them; the first goes out early when there are more.
    pub reorder_items: usize,
    /// Bytes of all items that wait for the one before them; the first goes out early when there are more.
    pub reorder_bytes: usize,
    /// How long after its first subscription a channel's holds ask for what they may have missed; `None`: they do
    /// not (`update_on_first_subscription`).
    pub first_subscription_delay: Option<Span>,
    /// How long channels that come to this next to each other are collected, so that a hold on several of them
    /// asks once.
    pub recovery_collect: Span,
    /// Deliveries a second of one shard, which is its share of the process's; `None`: as many as there are
    /// (`message_rate`).
    pub message_rate: Option<u32>,
    /// Items that may wait for the rate in one queue, however many get them; `None`: as many as there are
    /// (`message_hwm`).
    pub message_hwm: Option<usize>,
    /// Bytes of all items that may wait for the rate on one shard.
    pub paced_bytes: usize,
    /// Bytes that count as one delivery towards the rate; `None`: an item is one (`message_block_size`).
    pub message_block_size: Option<u64>,
    /// Bytes of a WebSocket-over-HTTP client's messages that may wait for the backend before the client is no
    /// longer read; also those of its largest message (NUM-4; `woh_queue_bytes`).
    pub woh_queue_bytes: usize,
    /// Content bytes that one WebSocket-over-HTTP request carries, unless a single message has more; the rest of
    /// what waits goes into the next (NUM-4).
    pub woh_request_bytes: usize,
    /// Bytes that may wait for a slow client before its WebSocket-over-HTTP backend is no longer asked (WS-52;
    /// `woh_backlog_bytes`).
    pub woh_backlog_bytes: u64,
    /// Body bytes of a WebSocket-over-HTTP response (NUM-5; `woh_response_bytes`).
    pub woh_response_bytes: usize,
    /// Events of a WebSocket-over-HTTP response.
    pub woh_events: usize,
    /// Time a WebSocket-over-HTTP backend may take to answer a request (WS-54; `woh_timeout`).
    pub woh_timeout: Span,
    /// How often a WebSocket-over-HTTP request that did not reach the backend is tried again (NUM-9; `woh_retries`).
    pub woh_retries: u32,
    /// The shortest time after which a WebSocket-over-HTTP backend is asked without a reason (NUM-8;
    /// `woh_interval_min`).
    pub woh_interval_min: Span,
    /// Bytes of a frame of a WebSocket-over-HTTP backend's message; longer messages are several (NUM-10;
    /// `woh_frame_bytes`).
    pub woh_frame_bytes: usize,
    /// Bytes of names and values that a socket's backend may have kept: those to be repeated to it (WOH-31),
    /// and those for filters (CTL-15; `socket_meta_bytes`).
    pub socket_meta_bytes: usize,
    /// Bytes of a control message (NUM-16; `control_bytes`).
    pub control_bytes: usize,
    /// How long a socket's heartbeat waits if the backend does not say (NUM-13; `socket_keep_alive`).
    pub socket_keep_alive: Span,
    /// How long a message is delayed if the backend does not say (NUM-14; `socket_delay`).
    pub socket_delay: Span,
    /// Bytes of published messages that may wait for a slow socket before it is closed (WPUB-20;
    /// `socket_backlog_bytes`).
    pub socket_backlog_bytes: u64,
    /// Body bytes of a relayed refusal of an upgrade; more are cut off (NUM-6, NUM-7, WS-11; `refusal_bytes`).
    pub refusal_bytes: usize,
    /// Within which time a stop closes the sockets of a shard, one after the other; zero: all at once (OPS-20;
    /// `drain_spread`).
    pub drain_spread: Span,
    /// How long a close may wait for its answer (WS-34; `close_timeout`).
    pub close_timeout: Span,
    /// How long a socket may be without anything to or from its client (WS-53; `socket_idle_timeout`).
    pub socket_idle_timeout: Span,
    /// How long a client may be silent before it is sent a ping, and then before it is taken for gone; `None`: it
    /// may as long as it wants (WS-53; `socket_ping_interval`).
    pub socket_ping_interval: Option<Span>,
    /// Sockets of one shard whose clients are gone and whose backends are being told, at once; beyond that a
    /// backend is not told (WOH-50).
    pub socket_farewells: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            head_bytes: 8192,
            head_fields: 100,
            instruct_bytes: 100_000,
            kept_body_bytes: 100_000,
            channels_per_hold: 20,
            filters_per_channel: 5,
            patch_operations: 1000,
            patch_bytes: 1 << 20,
            filter_argument_bytes: 64 << 10,
            filter_growth_bytes: 1 << 20,
            filter_answer_bytes: 100_000,
            backlog_bytes: 4 << 20,
            waiting_bytes: 4 << 20,
            shared_page_bytes: 1 << 20,
            recoveries_per_second: 1000,
            recovery_burst: 100,
            recovery_calls: 1000,
            filter_calls_per_second: 100,
            filter_timeout: Span::from_secs(10),
            farewells: 1000,
            origin_timeout: Span::from_secs(60),
            hold_timeout: Span::from_secs(55),
            hold_timeout_min: Span::from_secs(5),
            subscription_linger: Span::from_secs(60),
            lingering_channels: 100_000,
            last_ids: 1_000_000,
            id_ttl: Span::ZERO,
            id_cache: 1_000_000,
            message_wait: Span::from_secs(5),
            reorder_items: 100,
            reorder_bytes: 64 << 20,
            first_subscription_delay: Some(Span::from_secs(1)),
            recovery_collect: Span::from_millis(100),
            message_rate: None,
            message_hwm: None,
            paced_bytes: 64 << 20,
            message_block_size: None,
            woh_queue_bytes: 1 << 20,
            woh_request_bytes: 200_000,
            woh_backlog_bytes: 200_000,
            woh_response_bytes: 1_000_000,
            woh_events: 1 << 16,
            woh_timeout: Span::from_secs(60),
            woh_retries: 5,
            woh_interval_min: Span::from_secs(20),
            woh_frame_bytes: 16 << 10,
            socket_meta_bytes: 16 << 10,
            control_bytes: 64 << 10,
            socket_keep_alive: Span::from_secs(55),
            socket_delay: Span::from_secs(1),
            socket_backlog_bytes: 1 << 20,
            refusal_bytes: 100_000,
            drain_spread: Span::from_secs(2),
            close_timeout: Span::from_secs(10),
            socket_idle_timeout: Span::from_secs(1800),
            socket_ping_interval: None,
            socket_farewells: 50_000,
        }
    }
}
