//! A proxy whose parts are tasks of the host that starts it.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use holdfast_core::engine::Config;
use tokio::sync::watch;
use tokio::task::{JoinSet, LocalSet};

use crate::config::Settings;
use crate::plan::{Phase, Plan, StartError};
use crate::{ambient, hub, shard};

/// A running proxy. Dropping it cuts everything.
#[derive(Debug)]
pub struct Proxy {
    http: Vec<SocketAddr>,
    publish: Option<SocketAddr>,
    /// Each part watches values of its own: tokio wakes those who watch the same one in an order left to chance.
    configs: Vec<watch::Sender<Arc<Config>>>,
    phases: Vec<watch::Sender<Phase>>,
    parts: JoinSet<io::Result<()>>,
}

impl Proxy {
    /// Starts a proxy on the current host; whatever it leaves to chance follows from `seed`.
    pub fn start(settings: Settings, seed: u64) -> Result<Self, StartError> {
        ambient::sow(seed);
        let Plan { http, publish, mut hub, shards, shared, config, phase } = Plan::of(settings)?;
        let (mut configs, mut phases, mut parts) = (Vec::new(), Vec::new(), JoinSet::new());
        let mut shards: Vec<_> = shards
            .into_iter()
            .map(|part| {
                let mut shared = shared.clone();
                shared.phase = watched(&mut phases, *phase.borrow());
                shared.config = watched(&mut configs, config.borrow().clone());
                (part, shared)
            })
            .collect();
        hub.phase = watched(&mut phases, *phase.borrow());
        if shards.len() == 1
            && let Some((only, shared)) = shards.pop()
        {
            parts.spawn_local(live(shard::live_with_hub(only, hub, shared, || {})));
        } else {
            for (part, shared) in shards {
                parts.spawn_local(live(shard::live(part, shared, || {})));
            }
            parts.spawn_local(live(hub::live(hub, || {})));
        }
        Ok(Self { http, publish, configs, phases, parts })
    }

    /// Where clients are served.
    pub fn http_addrs(&self) -> &[SocketAddr] {
        &self.http
    }

    /// Where publishers are served.
    pub fn publish_addr(&self) -> Option<SocketAddr> {
        self.publish
    }

    /// Replaces the configuration; what is under way keeps the route it has.
    pub fn reconfigure(&self, config: Config) {
        let config = Arc::new(config);
        for watched in &self.configs {
            watched.send_replace(config.clone());
        }
    }

    /// Stops: takes nobody in any more, ends what is held, lets the rest finish within the drain time.
    pub async fn stop(mut self) -> Result<(), StartError> {
        for watched in &self.phases {
            watched.send_replace(Phase::Stopping);
        }
        while let Some(ended) = self.parts.join_next().await {
            ended.map_err(|failure| StartError::Failed(failure.to_string()))??;
        }
        Ok(())
    }
}

/// A value that one part watches.
fn watched<T>(senders: &mut Vec<watch::Sender<T>>, value: T) -> watch::Receiver<T> {
    let (sender, receiver) = watch::channel(value);
    senders.push(sender);
    receiver
}

/// Lives one part. What it leaves running ends with it, as if it had been a thread.
async fn live(part: impl Future<Output = io::Result<()>>) -> io::Result<()> {
    LocalSet::new().run_until(part).await
}
