//! A proxy as a whole: its threads, started together and stopped together.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc as sync;
use std::thread::{self, JoinHandle};

use holdfast_core::engine::Config;
use tokio::sync::{mpsc, watch};
use tokio::task::LocalSet;

use crate::config::{Settings, UPKEEP};
use crate::plan::{Phase, Plan, StartError};
use crate::shard::Shared;
use crate::{hub, shard};

/// Threads for looking up names, for each shard.
const LOOKUPS: usize = 8;

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

impl Proxy {
    /// Starts a proxy; when this returns, it serves.
    pub fn start(settings: Settings) -> Result<Self, StartError> {
        let upkeep = settings.upkeep;
        let Plan { http, publish, hub, shards, shared, config, phase } = Plan::of(settings)?;
        let (threads, exits) = hire(shards, hub, &shared, upkeep)?.ready()?;
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
fn hire(
    mut shards: Vec<shard::Part>,
    hub: hub::Part,
    shared: &Shared,
    upkeep: fn(),
) -> io::Result<Crew> {
    let mut crew = Crew::new(shards.len() + 1);
    if shards.len() == 1
        && let Some(only) = shards.pop()
    {
        let shared = shared.clone();
        crew.hire("shard-0".to_owned(), move |ready| {
            live(shard::live_with_hub(only, hub, shared, ready), upkeep)
        })?;
        return Ok(crew);
    }
    for part in shards {
        let shared = shared.clone();
        let name = format!("shard-{}", part.id.0);
        crew.hire(name, move |ready| live(shard::live(part, shared, ready), upkeep))?;
    }
    crew.hire("hub".to_owned(), move |ready| live(hub::live(hub, ready), upkeep))?;
    Ok(crew)
}

/// Lives one part of a proxy in the thread that calls this.
fn live(part: impl Future<Output = io::Result<()>>, upkeep: fn()) -> io::Result<()> {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().max_blocking_threads(LOOKUPS).build()?;
    let tasks = LocalSet::new();
    tasks.spawn_local(keep_up(upkeep));
    tasks.block_on(&runtime, part)
}

async fn keep_up(upkeep: fn()) {
    loop {
        tokio::time::sleep(UPKEEP).await;
        upkeep();
    }
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

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::time::Duration;

    use super::*;

    thread_local! {
        static CALLS: Cell<u32> = const { Cell::new(0) };
    }

    #[tokio::test(start_paused = true)]
    async fn upkeep_is_done_every_ten_seconds() {
        let keeping_up = keep_up(|| CALLS.set(CALLS.get() + 1));
        let ended = tokio::time::timeout(Duration::from_secs(35), keeping_up).await;
        assert!(ended.is_err());
        assert_eq!(CALLS.get(), 3);
    }
}
