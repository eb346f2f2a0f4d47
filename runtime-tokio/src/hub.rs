//! The hub's thread: the publish API on one side, the one pump that hands items to all shards on the other.

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use holdfast_core::ground::Limits;
use holdfast_core::hub::{Hub, HubAction, HubEvent};
use holdfast_core::publish::Item;
use tokio::sync::{mpsc, watch};
use tokio::task::{LocalSet, spawn_local};

use crate::clock::Clock;
use crate::proxy::Phase;
use crate::publish::{self, Bounds};
use crate::stats::counted;

/// Publishes that wait for the pump.
const INTAKE: usize = 256;
/// How long what was accepted before a stop may take to reach the shards.
const LAST_ITEMS: Duration = Duration::from_secs(2);

/// What the hub is given.
pub(crate) struct Part {
    pub(crate) listener: TcpListener,
    pub(crate) bounds: Bounds,
    pub(crate) limits: Limits,
    /// The queues of the shards.
    pub(crate) shards: Vec<mpsc::Sender<Arc<Item>>>,
    pub(crate) phase: watch::Receiver<Phase>,
}

/// Runs the hub until the proxy stops.
pub(crate) fn run(part: Part, ready: impl FnOnce()) -> std::io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    LocalSet::new().block_on(&runtime, live(part, ready))
}

async fn live(mut part: Part, ready: impl FnOnce()) -> std::io::Result<()> {
    let listener = tokio::net::TcpListener::from_std(part.listener)?;
    let (intake, publishes) = mpsc::channel(INTAKE);
    let serving = spawn_local(publish::serve(listener, part.bounds, intake));
    let mut pumping = spawn_local(pump(Hub::new(&part.limits), publishes, part.shards));
    ready();
    tokio::select! {
        biased;
        // An error means that the proxy was dropped: that is an order to stop, too.
        _ = part.phase.wait_for(|phase| *phase == Phase::Stopping) => {}
        ended = &mut pumping => return ended.map_err(std::io::Error::other),
    }
    // Without publishers the pump ends when it has handed on what was accepted.
    serving.abort();
    let _ = tokio::time::timeout(LAST_ITEMS, pumping).await;
    Ok(())
}

/// Puts items in order and hands each to every shard. There is one pump, so the order is the same on all; a
/// shard whose queue is full makes it wait, and the publishers with it, so nothing is lost.
async fn pump(
    mut hub: Hub,
    mut publishes: mpsc::Receiver<Vec<Item>>,
    shards: Vec<mpsc::Sender<Arc<Item>>>,
) {
    let (clock, mut out) = (Clock::start(), Vec::new());
    while let Some(items) = publishes.recv().await {
        hub.handle(clock.now(), HubEvent::Publish { items }, &mut out);
        for HubAction::Release(item) in out.drain(..) {
            for shard in &shards {
                // A shard that is gone has no receivers.
                let _ = shard.send(item.clone()).await;
            }
        }
    }
    tracing::debug!("hub: {}", counted(hub.counters()));
}
