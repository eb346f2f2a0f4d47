//! A proxy as a whole: its threads, started together and stopped together.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::mpsc as sync;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use holdfast_core::engine::Config;
use holdfast_core::ground::ShardId;
use holdfast_core::publish::Release;
use thiserror::Error;
use tokio::sync::{Notify, mpsc, watch};

use crate::config::Settings;
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

/// A running proxy. Dropping it stops it as [`Proxy::stop`] does, without waiting for the end.
#[derive(Debug)]
pub struct Proxy {
    http: Vec<SocketAddr>,
    publish: Option<SocketAddr>,
    config: watch::Sender<Arc<Config>>,
    phase: watch::Sender<Phase>,
    threads: Vec<Thread>,
    exits: mpsc::Receiver<String>,
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

impl Proxy {
    /// Starts a proxy; when this returns, it serves.
    pub fn start(settings: Settings) -> Result<Self, StartError> {
        if settings.listeners.is_empty() {
            return Err(StartError::NoListener);
        }
        let shards = settings.workers.max(1);
        let (http, doors) = bind_clients(&settings.listeners, shards)?;
        let publisher = settings.publish.map(bind_publisher).transpose()?;
        let (config, follow_config) = watch::channel(Arc::new(settings.core.clone()));
        let (phase, follow_phase) = watch::channel(Phase::Running);
        let bounds = Bounds {
            client_idle: settings.client_idle_timeout,
            connect: settings.connect_timeout,
            drain: settings.drain_timeout,
        };
        let crowd = Arc::new(Crowd::new(settings.client_maxconn));
        let shared = Shared { bounds, crowd, config: follow_config, phase: follow_phase.clone() };
        let (mut parts, mut wires, bell) = (Vec::new(), Vec::new(), Arc::new(Notify::new()));
        for (id, listeners) in (0..).map(ShardId).zip(doors) {
            let (queue, releases) = mpsc::channel::<Release>(RELEASES);
            let mailbox = Arc::new(hub::Mailbox::new(bell.clone()));
            wires.push(hub::Wire { releases: queue, mailbox: mailbox.clone() });
            parts.push(shard::Part { id, listeners, releases, mailbox });
        }
        let publish = publisher.as_ref().map(TcpListener::local_addr).transpose()?;
        let terms = settings.publish.map(|listener| publish::Terms {
            max_headers: listener.max_headers,
            max_body: listener.max_body,
            connections: PUBLISHERS,
            patience: PUBLISHER_PATIENCE,
            receipt_wait: RECEIPT_WAIT,
            key: settings.publish_key,
        });
        let hub = hub::Part {
            publish: publisher.zip(terms),
            limits: settings.core.limits,
            seed: shard::seed(),
            shards: wires,
            bell,
            phase: follow_phase,
        };
        let (threads, exits) = hire(parts, hub, &shared)?.ready()?;
        Ok(Self { http, publish, config, phase, threads, exits })
    }

    /// Where clients are served.
    pub fn http_addrs(&self) -> &[SocketAddr] {
        &self.http
    }

    /// Where publishers are served.
    pub fn publish_addr(&self) -> Option<SocketAddr> {
        self.publish
    }

    /// Replaces the configuration; what is under way keeps the route it has (ROUTE-54).
    pub fn reconfigure(&self, config: Config) {
        self.config.send_replace(Arc::new(config));
    }

    /// Stops: takes nobody in any more, ends what is held, lets the rest finish within the drain time.
    pub fn stop(self) -> Result<(), StartError> {
        self.phase.send_replace(Phase::Stopping);
        for thread in self.threads {
            let name = thread.thread().name().unwrap_or("a thread").to_owned();
            match thread.join() {
                Ok(ended) => ended?,
                Err(_) => return Err(StartError::Failed(name)),
            }
        }
        Ok(())
    }

    /// Begins to stop without waiting for the end.
    pub(crate) fn begin_stop(&self) {
        self.phase.send_replace(Phase::Stopping);
    }

    /// Waits until a thread ends, and says which.
    pub(crate) async fn exited(&mut self) -> Option<String> {
        self.exits.recv().await
    }
}

/// A thread for every shard and one for the hub, which an only shard has beside it.
fn hire(mut shards: Vec<shard::Part>, hub: hub::Part, shared: &Shared) -> io::Result<Crew> {
    let mut crew = Crew::new(shards.len() + 1);
    if shards.len() == 1
        && let Some(only) = shards.pop()
    {
        let shared = shared.clone();
        crew.hire("shard-0".to_owned(), |ready| shard::run_with_hub(only, hub, shared, ready))?;
        return Ok(crew);
    }
    for part in shards {
        let shared = shared.clone();
        crew.hire(format!("shard-{}", part.id.0), |ready| shard::run(part, shared, ready))?;
    }
    crew.hire("hub".to_owned(), |ready| hub::run(hub, ready))?;
    Ok(crew)
}

type Doors = Vec<Vec<TcpListener>>;

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

fn bind_publisher(listener: crate::config::PublishListener) -> Result<TcpListener, StartError> {
    let addr = listener.addr;
    net::bind(addr).map_err(|reason| StartError::Bind { key: "push_in_http_port", addr, reason })
}

type Thread = JoinHandle<io::Result<()>>;

/// The threads of a proxy that is being started.
struct Crew {
    threads: Vec<Thread>,
    ready: (sync::SyncSender<()>, sync::Receiver<()>),
    exits: (mpsc::Sender<String>, mpsc::Receiver<String>),
}

impl Crew {
    fn new(size: usize) -> Self {
        Self { threads: Vec::new(), ready: sync::sync_channel(size), exits: mpsc::channel(size) }
    }

    fn hire(
        &mut self,
        name: String,
        work: impl FnOnce(Box<dyn FnOnce()>) -> io::Result<()> + Send + 'static,
    ) -> io::Result<()> {
        let exit = Exit(name.clone(), self.exits.0.clone());
        let ready = self.ready.0.clone();
        let body = move || {
            let _exit = exit;
            work(Box::new(move || {
                // Nobody listens any more if another thread failed to start.
                let _ = ready.send(());
            }))
        };
        self.threads.push(thread::Builder::new().name(name).spawn(body)?);
        Ok(())
    }

    /// Waits until all of them serve.
    fn ready(self) -> Result<(Vec<Thread>, mpsc::Receiver<String>), StartError> {
        let (sender, ready) = self.ready;
        drop(sender);
        let count = self.threads.len();
        if ready.iter().take(count).count() == count {
            return Ok((self.threads, self.exits.1));
        }
        for thread in self.threads {
            if thread.is_finished() {
                let name = thread.thread().name().unwrap_or("a thread").to_owned();
                thread.join().map_err(|_| StartError::Failed(name))??;
            }
        }
        Err(StartError::Failed("a thread".to_owned()))
    }
}

/// Tells, however a thread ends, that it has ended.
struct Exit(String, mpsc::Sender<String>);

impl Drop for Exit {
    fn drop(&mut self) {
        // There is room for one message from each thread.
        let _ = self.1.try_send(std::mem::take(&mut self.0));
    }
}
