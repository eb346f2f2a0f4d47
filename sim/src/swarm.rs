//! The options of a run, drawn from its seed.
//!
//! A run that does a little of everything finds little: what is rare never meets what is rare. So
//! every run switches some operations and faults off and gives the others weights that differ
//! wildly.

use holdfast_core::ground::{Limits, Rng, Seed, Span};

use crate::dice::{log_range, one_of, weight};
use crate::sabotage::Sabotage;
use crate::wire::Weather;

/// Everything that a run depends on.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where every choice of the run comes from.
    pub seed: u64,
    /// Engines.
    pub shards: u16,
    /// Client actors.
    pub clients: u32,
    /// Channels.
    pub channels: u32,
    /// How long clients ask and publishers publish; what follows is for things to come to their
    /// end.
    pub length: Span,
    /// The links.
    pub weather: Weather,
    /// The engines' bounds.
    pub limits: Limits,
    /// What clients do.
    pub clientele: Clientele,
    /// What origins do.
    pub origins: Origins,
    /// What publishers do.
    pub publishing: Publishing,
    /// Channels whose backends keep a log.
    pub journals: Journals,
    /// WebSockets.
    pub sockets: Sockets,
    /// Whether the shards drain at the end, before the clients leave.
    pub drains: bool,
    /// The time between two changes of the configuration; zero is never.
    pub reconfigured: Span,
    /// What is broken on purpose.
    pub sabotage: Option<Sabotage>,
}

/// What clients do. `one_in` numbers are chances; 0 is never.
#[derive(Clone, Copy, Debug)]
pub struct Clientele {
    /// Requests of one client at most.
    pub requests: u64,
    /// Requests sent ahead at most.
    pub pipelined: u64,
    /// The longest a client rests between two requests.
    pub rest: Span,
    /// The longest a client waits for an answer before it gives up; those that wait for ever aside.
    pub patience: Span,
    /// A request that its client may give up.
    pub impatient_one_in: u64,
    /// A client that speaks HTTP/1.0.
    pub old_one_in: u64,
    /// A client that reads slowly.
    pub slow_one_in: u64,
    /// A request with a body.
    pub posts_one_in: u64,
    /// A `HEAD` request.
    pub heads_one_in: u64,
    /// A link that stalls and breaks.
    pub rough_one_in: u64,
}

/// What origins do.
#[derive(Clone, Copy, Debug)]
pub struct Origins {
    /// How often each kind of answer is given, in the order of [`KINDS`].
    pub weights: [u64; KINDS.len()],
    /// The largest body in bytes.
    pub body: u64,
    /// The longest an origin thinks.
    pub pause: Span,
    /// A connection attempt that is refused.
    pub refuse_one_in: u64,
    /// A link that stalls and breaks.
    pub rough_one_in: u64,
    /// A route whose first target refuses.
    pub fallback_one_in: u64,
    /// A route all of whose targets refuse.
    pub dead_one_in: u64,
    /// A connection that is closed after its response without a word.
    pub closes_one_in: u64,
}

/// The kinds of answers that origins give.
pub const KINDS: [&str; 7] =
    ["plain", "poll", "stream", "invalid instruct", "large instruct", "silent", "broken"];

/// What publishers do.
#[derive(Clone, Copy, Debug)]
pub struct Publishing {
    /// The longest time between two publishes.
    pub gap: Span,
    /// Items in one publish at most.
    pub batch: u64,
    /// The largest item in bytes.
    pub size: u64,
    /// How often each kind of item comes, in the order of [`ITEMS`].
    pub weights: [u64; ITEMS.len()],
    /// A publish that is made twice.
    pub doubled_one_in: u64,
    /// An item that says which one was before it, truly or not.
    pub chained_one_in: u64,
}

/// The kinds of items that publishers publish.
pub const ITEMS: [&str; 6] = ["both", "stream", "response", "close", "hint", "empty"];

/// Channels whose backends keep a log, and what happens to those who follow them.
#[derive(Clone, Copy, Debug)]
pub struct Journals {
    /// How many there are.
    pub count: u32,
    /// Entries of one journal that are written at most at once.
    pub burst: u64,
    /// The longest time between two writings.
    pub gap: Span,
    /// The largest entry in bytes.
    pub size: u64,
    /// A publish that never arrives.
    pub lost_one_in: u64,
    /// A publish that arrives twice.
    pub doubled_one_in: u64,
    /// A publish that is late, so that others overtake it.
    pub late_one_in: u64,
    /// How late at most.
    pub late: Span,
    /// A writing that comes with a hint.
    pub hints_one_in: u64,
    /// The most outages of a backend.
    pub outages: u64,
    /// The longest one.
    pub outage: Span,
    /// A page that is the last one of its stream, or that cannot be used.
    pub odd_one_in: u64,
    /// The longest time between two recoveries of everything; zero is never.
    pub recovered: Span,
}

/// WebSockets: what their clients and backends do, and what is published for them.
#[derive(Clone, Copy, Default, Debug)]
pub struct Sockets {
    /// Client actors that speak WebSocket; if there are none, nothing else here has an effect.
    pub clients: u32,
    /// WebSockets of one client at most, one after the other.
    pub talks: u64,
    /// How often each kind of backend is asked: native, over HTTP, over HTTP with one event at once.
    pub tongues: [u64; 3],
    /// The longest a client rests between two acts.
    pub rest: Span,
    /// How often each kind of act comes, in the order of [`ACTS`].
    pub acts: [u64; ACTS.len()],
    /// The largest message in bytes.
    pub size: u64,
    /// A client that reads slowly.
    pub slow_one_in: u64,
    /// A client that does not answer a close.
    pub mute_one_in: u64,
    /// How often a backend says each kind of thing, in the order of [`SAYINGS`].
    pub sayings: [u64; SAYINGS.len()],
    /// Things that a backend says at once at most.
    pub talkative: u64,
    /// The longest a backend thinks.
    pub pause: Span,
    /// An upgrade that a backend refuses, breaks or never answers.
    pub refuse_one_in: u64,
    /// An answer that is none, or never comes.
    pub bad_one_in: u64,
    /// An answer that takes only a part of what it is offered.
    pub partial_one_in: u64,
    /// A request upon which a backend over HTTP crashes; or a native backend.
    pub crash_one_in: u64,
    /// The longest a backend is down after a crash.
    pub down: Span,
    /// An item that is for WebSockets, also or alone.
    pub items_one_in: u64,
    /// One of those that closes them.
    pub closes_one_in: u64,
}

/// The kinds of acts of a client: says something, sends a ping or a pong, closes, drops the
/// connection, breaks the protocol.
pub const ACTS: [&str; 6] = ["message", "ping", "pong", "close", "drop", "break"];

/// The kinds of things that a backend says.
pub const SAYINGS: [&str; 12] = [
    "text",
    "binary",
    "ping",
    "subscribe",
    "unsubscribe",
    "keep-alive",
    "send-delayed",
    "flush-delayed",
    "odd",
    "detach",
    "close",
    "disconnect",
];

impl Options {
    /// The options that belong to `seed`.
    pub fn of(seed: u64) -> Self {
        let mut rng = Rng::new(Seed(seed));
        let mut options = Self::without_sockets(seed, &mut rng);
        // Drawn last: worlds without them are as they were before there were any.
        if rng.one_in(2) {
            options.sockets = sockets(&mut rng);
            socket_limits(&mut options.limits, &mut rng);
        }
        options
    }

    fn without_sockets(seed: u64, rng: &mut Rng) -> Self {
        let length = Span::from_secs(log_range(rng, 10, 200));
        let chance = |rng: &mut Rng, most| if rng.one_in(2) { 0 } else { log_range(rng, 2, most) };
        Self {
            seed,
            shards: 1 + rng.below(3) as u16,
            clients: log_range(rng, 1, 30) as u32,
            channels: 1 + rng.below(4) as u32,
            length,
            weather: Weather {
                delay: Span::from_millis(one_of(rng, &[0, 1, 10, 100, 500])),
                pieces: 1 + rng.below(6),
                window: one_of(rng, &[256, 1000, 4096, 65536]),
                stall_one_in: chance(rng, 20),
                stall: Span::from_millis(log_range(rng, 10, 10_000)),
            },
            limits: limits(rng),
            clientele: Clientele {
                requests: 1 + rng.below(8),
                pipelined: 1 + rng.below(3),
                rest: Span::from_millis(log_range(rng, 1, 10_000)),
                patience: Span::from_millis(log_range(rng, 10, 60_000)),
                impatient_one_in: chance(rng, 6),
                old_one_in: chance(rng, 6),
                slow_one_in: chance(rng, 6),
                posts_one_in: chance(rng, 6),
                heads_one_in: chance(rng, 10),
                rough_one_in: chance(rng, 6),
            },
            origins: Origins {
                weights: answers(rng),
                body: log_range(rng, 1, 20_000),
                pause: Span::from_millis(one_of(rng, &[0, 1, 100, 1000])),
                refuse_one_in: chance(rng, 10),
                rough_one_in: chance(rng, 10),
                fallback_one_in: chance(rng, 5),
                dead_one_in: chance(rng, 10),
                closes_one_in: chance(rng, 5),
            },
            publishing: Publishing {
                gap: Span::from_nanos(length.as_nanos() / log_range(rng, 2, 200)),
                batch: log_range(rng, 1, 5),
                size: log_range(rng, 1, 5000),
                weights: core::array::from_fn(|_| weight(rng)),
                doubled_one_in: chance(rng, 6),
                chained_one_in: chance(rng, 6),
            },
            journals: journals(length, rng),
            sockets: Sockets::default(),
            drains: rng.one_in(3),
            reconfigured: Span::from_secs(if rng.one_in(3) { log_range(rng, 1, 30) } else { 0 }),
            sabotage: None,
        }
    }
}

/// Holds are what the proxy is for: most runs have some.
fn answers(rng: &mut Rng) -> [u64; KINDS.len()] {
    let mut weights = core::array::from_fn(|_| weight(rng));
    if !rng.one_in(4) {
        weights[1] += 16;
        weights[2] += 16;
    }
    weights
}

fn journals(length: Span, rng: &mut Rng) -> Journals {
    let chance = |rng: &mut Rng, most| if rng.one_in(2) { 0 } else { log_range(rng, 2, most) };
    Journals {
        count: rng.below(3) as u32,
        burst: log_range(rng, 1, 20),
        gap: Span::from_nanos(length.as_nanos() / log_range(rng, 2, 100)),
        size: log_range(rng, 1, 2000),
        lost_one_in: chance(rng, 10),
        doubled_one_in: chance(rng, 10),
        late_one_in: chance(rng, 6),
        late: Span::from_millis(log_range(rng, 10, 10_000)),
        hints_one_in: chance(rng, 10),
        outages: rng.below(3),
        outage: Span::from_millis(log_range(rng, 100, 30_000)),
        odd_one_in: chance(rng, 10),
        recovered: Span::from_secs(if rng.one_in(3) { log_range(rng, 1, 60) } else { 0 }),
    }
}

fn sockets(rng: &mut Rng) -> Sockets {
    let chance = |rng: &mut Rng, most| if rng.one_in(2) { 0 } else { log_range(rng, 2, most) };
    let mut acts: [u64; ACTS.len()] = core::array::from_fn(|_| weight(rng));
    acts[0] += 16;
    let mut sayings: [u64; SAYINGS.len()] = core::array::from_fn(|_| weight(rng));
    sayings[0] += 16;
    // What ends a talk would leave little of it.
    for end in &mut sayings[9..] {
        *end = (*end).min(1);
    }
    let mut tongues = core::array::from_fn(|_| weight(rng));
    tongues[rng.below(3) as usize] += 8;
    Sockets {
        clients: log_range(rng, 1, 12) as u32,
        talks: log_range(rng, 1, 8),
        tongues,
        rest: Span::from_millis(log_range(rng, 1, 10_000)),
        acts,
        size: log_range(rng, 1, 5000),
        slow_one_in: chance(rng, 6),
        mute_one_in: chance(rng, 4),
        sayings,
        talkative: 1 + rng.below(4),
        pause: Span::from_millis(one_of(rng, &[0, 1, 100, 1000])),
        refuse_one_in: chance(rng, 8),
        bad_one_in: chance(rng, 30),
        partial_one_in: chance(rng, 6),
        crash_one_in: chance(rng, 30),
        down: Span::from_millis(log_range(rng, 10, 60_000)),
        items_one_in: 1 + rng.below(4),
        closes_one_in: chance(rng, 60),
    }
}

fn socket_limits(limits: &mut Limits, rng: &mut Rng) {
    limits.woh_queue_bytes = log_range(rng, 6000, 100_000) as usize;
    limits.woh_backlog_bytes = log_range(rng, 100, 100_000);
    limits.woh_timeout = Span::from_secs(5 + rng.below(30));
    limits.socket_backlog_bytes = log_range(rng, 500, 100_000);
    limits.close_timeout = Span::from_secs(1 + rng.below(10));
    limits.socket_idle_timeout = Span::from_secs(one_of(rng, &[30, 1800]));
    limits.socket_ping_interval = rng.one_in(2).then(|| Span::from_secs(5 + rng.below(30)));
}

fn limits(rng: &mut Rng) -> Limits {
    let min = Span::from_secs(1 + rng.below(5));
    Limits {
        instruct_bytes: 4096,
        backlog_bytes: log_range(rng, 500, 100_000),
        origin_timeout: Span::from_secs(6 + rng.below(20)),
        hold_timeout: Span::from_secs(1 + rng.below(30)),
        hold_timeout_min: min,
        channels_per_hold: one_of(rng, &[1, 2, 20]),
        id_ttl: Span::from_secs(if rng.one_in(3) { 0 } else { 60 }),
        id_cache: 10_000,
        message_wait: Span::from_millis(log_range(rng, 100, 10_000)),
        reorder_items: one_of(rng, &[3, 100]),
        subscription_linger: Span::from_secs(one_of(rng, &[0, 1, 10, 30])),
        recoveries_per_second: one_of(rng, &[5, 20, 1000]),
        recovery_burst: one_of(rng, &[1, 5, 100]),
        ..Limits::default()
    }
}
