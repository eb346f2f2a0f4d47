//! What a proxy is run with, and how that is read from files and the command line.

mod bounds;
mod ini;
mod keys;
mod read;
mod routes;
mod text;
mod values;

use std::net::SocketAddr;
use std::time::Duration;

use holdfast_core::engine::Config;
use holdfast_core::grip::Key;

pub use ini::IniError;
pub use read::{Loaded, Options, Source, examine, load};
pub use routes::{RoutesSource, Watch};
pub use text::{listen_addr, log_level};
pub use values::{ConfigError, Problem};

/// Everything that a proxy needs to know before it starts.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where clients are served; port 0 takes a free one.
    pub listeners: Vec<SocketAddr>,
    /// Where publishers are served, if anywhere.
    pub publish: Option<PublishListener>,
    /// The key that signs the tokens of publishers; without one there is no check (`publish_key`).
    pub publish_key: Option<Key>,
    /// Routes, policy and bounds of the core.
    pub core: Config,
    /// Client connections at once (`client_maxconn`).
    pub client_maxconn: usize,
    /// Shards, each with its thread (`workers`; by default one a core).
    pub workers: usize,
    /// How long connecting to a target may take (`connect_timeout`).
    pub connect_timeout: Duration,
    /// How long a client may be silent where it should speak or take (`client_idle_timeout`).
    pub client_idle_timeout: Duration,
    /// How long a shutdown waits for what is under way (`drain_timeout`).
    pub drain_timeout: Duration,
    /// Whether a WebSocket is closed whose client sends a text that is not UTF-8 (`check_utf8`).
    pub check_utf8: bool,
    /// Called in each of the proxy's threads every [`UPKEEP`], for what the allocator of the process
    /// would have a thread do that may be idle; by default nothing. It must be short: nobody is served meanwhile.
    pub upkeep: fn(),
}

/// How often [`Settings::upkeep`] is called in each thread.
pub const UPKEEP: Duration = Duration::from_secs(10);

/// Where and how publishers are served.
#[derive(Clone, Copy, Debug)]
pub struct PublishListener {
    /// The address; port 0 takes a free one.
    pub addr: SocketAddr,
    /// Bytes of a request's head (`push_in_http_max_headers_size`).
    pub max_headers: usize,
    /// Bytes of a request's body (`push_in_http_max_body_size`).
    pub max_body: usize,
}

impl Default for Settings {
    /// What holds without a file: clients on port 7999, publishers on port 5561 of this machine, no routes.
    fn default() -> Self {
        Self {
            listeners: vec![SocketAddr::from(([0, 0, 0, 0], 7999))],
            publish: Some(PublishListener {
                addr: SocketAddr::from(([127, 0, 0, 1], 5561)),
                max_headers: 10_000,
                max_body: 1_000_000,
            }),
            publish_key: None,
            core: Config::default(),
            client_maxconn: 50_000,
            workers: std::thread::available_parallelism().map_or(1, usize::from),
            connect_timeout: Duration::from_secs(10),
            client_idle_timeout: Duration::from_secs(60),
            drain_timeout: Duration::from_secs(10),
            check_utf8: true,
            upkeep: || {},
        }
    }
}
