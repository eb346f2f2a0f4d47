//! A shard from its start to its end.

use std::rc::Rc;
use std::sync::Arc;

use holdfast_core::engine::{Config, Event};
use holdfast_core::ground::{ShardId, Span};
use holdfast_core::publish::Release;
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinHandle, spawn_local};

use super::{Bounds, Crowd, Shard, accept::accept};
use crate::hub::{self, Mailbox};
use crate::net::{self, Door};
use crate::plan::Phase;
use crate::stats::Stat;

/// Releases taken from the queue at once.
const BATCH: usize = 16;
/// How long items are delivered before the clients have their turn.
const AT_A_STRETCH: Span = Span::from_millis(1);

/// What one shard is given.
pub(crate) struct Part {
    pub(crate) id: ShardId,
    pub(crate) doors: Vec<Door>,
    pub(crate) releases: mpsc::Receiver<Release>,
    pub(crate) mailbox: Arc<Mailbox>,
}

/// What all shards are given.
#[derive(Clone)]
pub(crate) struct Shared {
    pub(crate) bounds: Bounds,
    pub(crate) crowd: Arc<Crowd>,
    pub(crate) config: watch::Receiver<Arc<Config>>,
    pub(crate) phase: watch::Receiver<Phase>,
}

/// Runs the only shard, and the hub beside it, until the proxy stops.
pub(crate) async fn live_with_hub(
    part: Part,
    hub: hub::Part,
    shared: Shared,
    ready: impl FnOnce(),
) -> std::io::Result<()> {
    let shard = live(part, shared, || ());
    tokio::try_join!(biased; shard, hub::live(hub, ready)).map(drop)
}

/// Runs a shard until the proxy stops.
pub(crate) async fn live(
    part: Part,
    mut shared: Shared,
    ready: impl FnOnce(),
) -> std::io::Result<()> {
    let config = shared.config.borrow_and_update().clone();
    let shard = Shard::new(part.id, &config, shared.bounds, shared.crowd, part.mailbox);
    let mut accepting = Vec::new();
    for door in part.doors {
        accepting.push(spawn_local(accept(shard.clone(), net::open(door)?)));
    }
    spawn_local(shard.clone().keep_time());
    spawn_local(write_line(shard.clone()));
    spawn_local(obey(shard.clone(), shared.config));
    ready();
    tokio::select! {
        biased;
        () = shard.broken.notified() => panic!("the engine of shard {} has failed", shard.number()),
        () = follow(&shard, part.releases) => {}
        () = end(&shard, shared.phase, accepting) => {}
    }
    tracing::debug!(shard = shard.number(), "adapter: {}", shard.stats.line());
    tracing::debug!(shard = shard.number(), "engine: {}", shard.driver.counted());
    Ok(())
}

/// Tells the engine what the hub releases, for as long as the shard lives.
async fn follow(shard: &Shard, mut releases: mpsc::Receiver<Release>) {
    let (mut batch, mut rested) = (Vec::with_capacity(BATCH), shard.now());
    while releases.recv_many(&mut batch, BATCH).await > 0 {
        shard.attend_line(true);
        for release in batch.drain(..) {
            shard.tell(Event::Released(release));
            if shard.now().since(rested) > AT_A_STRETCH {
                tokio::task::yield_now().await;
                rested = shard.now();
            }
        }
        // Items that came together for one connection are one write to it.
        while shard.write_slice() {
            tokio::task::yield_now().await;
            rested = shard.now();
        }
        shard.attend_line(false);
    }
    // The hub has gone before us; what is held may end in its own time.
    std::future::pending::<()>().await;
}

/// Writes to those who stand in line because of something else than a release: items that leave at a set rate.
async fn write_line(shard: Rc<Shard>) {
    loop {
        shard.somebody_in_line().await;
        while shard.write_slice() {
            tokio::task::yield_now().await;
        }
    }
}

/// Follows changes of the configuration.
async fn obey(shard: Rc<Shard>, mut config: watch::Receiver<Arc<Config>>) {
    while config.changed().await.is_ok() {
        let new = Config::clone(&config.borrow_and_update());
        shard.limits.replace(Rc::new(new.limits.clone()));
        shard.tell(Event::Reconfigure(Arc::new(new)));
    }
}

/// Waits for the order to stop, and for what is under way to end.
async fn end(shard: &Shard, mut phase: watch::Receiver<Phase>, accepting: Vec<JoinHandle<()>>) {
    // An error means that the proxy was dropped: that is an order to stop, too.
    let _ = phase.wait_for(|phase| *phase == Phase::Stopping).await;
    for listener in accepting {
        listener.abort();
    }
    shard.draining.set(true);
    shard.tell(Event::Drain);
    let resting: Vec<_> = shard.conns.borrow().iter().map(|(_, conn)| conn.clone()).collect();
    for conn in &resting {
        conn.wake();
    }
    drop(resting);
    if shard.is_deserted() {
        return;
    }
    if tokio::time::timeout(shard.bounds.drain, shard.emptied.notified()).await.is_err() {
        let conns = shard.conns.borrow();
        for _ in conns.iter() {
            shard.stats.bump(Stat::DrainCut);
        }
        tracing::warn!(shard = shard.number(), "{} connections cut at shutdown", conns.len());
    }
}
