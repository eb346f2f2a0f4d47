//! A proxy before it runs: what it listens on, its parts, and the ways between them. Who runs the parts, threads or
//! something else, is not said here.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use holdfast_core::engine::Config;
use holdfast_core::ground::ShardId;
use holdfast_core::publish::Release;
use thiserror::Error;
use tokio::sync::{Notify, mpsc, watch};

use crate::ambient::seed;
use crate::config::{PublishListener, Settings};
use crate::shard::{self, Bounds, Crowd, Shared};
use crate::{hub, net, publish};

/// Releases that wait for one shard. Where hub and shard share a core, it is also how many publishes the hub takes
/// in before the shard has its turn: more of them raise the latency and nothing else.
const RELEASES: usize = 64;
/// Publishers at once.
const PUBLISHERS: usize = 256;
const PUBLISHER_PATIENCE: Duration = Duration::from_secs(60);
/// How long a publish with a receipt waits for what becomes of its items.
const RECEIPT_WAIT: Duration = Duration::from_secs(1);

/// All of a proxy that can be had before it runs.
pub(crate) struct Plan {
    /// Where clients will be served.
    pub(crate) http: Vec<SocketAddr>,
    /// Where publishers will be served.
    pub(crate) publish: Option<SocketAddr>,
    pub(crate) hub: hub::Part,
    pub(crate) shards: Vec<shard::Part>,
    pub(crate) shared: Shared,
    pub(crate) config: watch::Sender<Arc<Config>>,
    pub(crate) phase: watch::Sender<Phase>,
}

/// Where a proxy is in its life.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Phase {
    Running,
    Stopping,
}

/// Why a proxy did not start, or stopped by itself.
#[derive(Debug, Error)]
pub enum StartError {
    /// There is nowhere to listen.
    #[error("no server ports configured")]
    NoListener,
    /// An address cannot be listened on.
    #[error("{key}: cannot listen on {addr}: {reason}")]
    Bind {
        /// The configuration key that names it.
        key: &'static str,
        /// The address.
        addr: SocketAddr,
        /// What the system says.
        reason: io::Error,
    },
    /// The system refuses a thread, a timer or a signal handler.
    #[error("cannot start: {0}")]
    System(#[from] io::Error),
    /// A thread has ended although nobody asked it to.
    #[error("{0} has failed")]
    Failed(String),
}

impl Plan {
    /// Binds what the settings name, and lays the ways.
    pub(crate) fn of(settings: Settings) -> Result<Self, StartError> {
        if settings.listeners.is_empty() {
            return Err(StartError::NoListener);
        }
        let (http, doors) = bind_clients(&settings.listeners, settings.workers.max(1))?;
        let publisher = settings.publish.map(bind_publisher).transpose()?;
        let publish = publisher.as_ref().map(net::Door::local_addr).transpose()?;
        let terms = settings.publish.map(|listener| publish::Terms {
            max_headers: listener.max_headers,
            max_body: listener.max_body,
            connections: PUBLISHERS,
            patience: PUBLISHER_PATIENCE,
            receipt_wait: RECEIPT_WAIT,
            key: settings.publish_key,
        });
        let (phase, follow_phase) = watch::channel(Phase::Running);
        let bell = Arc::new(Notify::new());
        let (shards, wires) =
            (0..).map(ShardId).zip(doors).map(|(id, doors)| wire(id, doors, &bell)).unzip();
        let hub = hub::Part {
            publish: publisher.zip(terms),
            limits: settings.core.limits.clone(),
            seed: seed(),
            shards: wires,
            bell,
            phase: follow_phase.clone(),
        };
        let (config, follow_config) = watch::channel(Arc::new(settings.core));
        let bounds = Bounds {
            client_idle: settings.client_idle_timeout,
            connect: settings.connect_timeout,
            drain: settings.drain_timeout,
            utf8: settings.check_utf8,
        };
        let crowd = Arc::new(Crowd::new(settings.client_maxconn));
        let shared = Shared { bounds, crowd, config: follow_config, phase: follow_phase };
        Ok(Self { http, publish, hub, shards, shared, config, phase })
    }
}

/// A shard and the hub's end of what connects them.
fn wire(id: ShardId, doors: Vec<net::Door>, bell: &Arc<Notify>) -> (shard::Part, hub::Wire) {
    let (queue, releases) = mpsc::channel::<Release>(RELEASES);
    let mailbox = Arc::new(hub::Mailbox::new(bell.clone()));
    let wire = hub::Wire { releases: queue, mailbox: mailbox.clone() };
    (shard::Part { id, doors, releases, mailbox }, wire)
}

type Doors = Vec<Vec<net::Door>>;

/// Binds every address once for each shard.
fn bind_clients(
    addrs: &[SocketAddr],
    shards: usize,
) -> Result<(Vec<SocketAddr>, Doors), StartError> {
    let mut doors: Doors = (0..shards).map(|_| Vec::new()).collect();
    let mut bound = Vec::new();
    for &addr in addrs {
        let listeners = net::bind_shared(addr, shards).map_err(|reason| StartError::Bind {
            key: "http_port",
            addr,
            reason,
        })?;
        if let Some(first) = listeners.first() {
            bound.push(first.local_addr()?);
        }
        for (shard, listener) in doors.iter_mut().zip(listeners) {
            shard.push(listener);
        }
    }
    Ok((bound, doors))
}

fn bind_publisher(listener: PublishListener) -> Result<net::Door, StartError> {
    let addr = listener.addr;
    net::bind(addr).map_err(|reason| StartError::Bind { key: "push_in_http_port", addr, reason })
}
