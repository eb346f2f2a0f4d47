//! The hub: the publish API on one side, the one pump that tells all shards on the other.

mod news;
mod receipts;

use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use holdfast_core::ground::{Limits, Seed, ShardId};
use holdfast_core::hub::{Hub, HubAction, HubEvent};
use holdfast_core::publish::Release;
use tokio::sync::{Notify, mpsc, watch};
use tokio::task::spawn_local;

use crate::clock::Clock;
use crate::net::{self, Door};
use crate::plan::Phase;
use crate::publish::{self, Api, Terms};
use crate::stats::counted;

pub(crate) use news::Mailbox;
pub(crate) use receipts::{Book, Fate};

/// Publishes that wait for the pump. Enough that it finds some whenever it looks; more would only wait longer.
const INTAKE: usize = 16;
/// How long what was accepted before a stop may take to reach the shards.
const LAST_ITEMS: Duration = Duration::from_secs(2);

/// What the hub is given.
pub(crate) struct Part {
    /// Where publishers are served and on which terms, if anywhere.
    pub(crate) publish: Option<(Door, Terms)>,
    pub(crate) limits: Limits,
    pub(crate) seed: Seed,
    /// The shards, in the order of their numbers.
    pub(crate) shards: Vec<Wire>,
    /// Rings when a mailbox has something.
    pub(crate) bell: Arc<Notify>,
    pub(crate) phase: watch::Receiver<Phase>,
}

/// The ways from the hub to a shard and back.
pub(crate) struct Wire {
    pub(crate) releases: mpsc::Sender<Release>,
    pub(crate) mailbox: Arc<Mailbox>,
}

/// Runs the hub among the local tasks of a thread until the proxy stops.
pub(crate) async fn live(mut part: Part, ready: impl FnOnce()) -> std::io::Result<()> {
    let (intake, events) = mpsc::channel(INTAKE);
    let book = Rc::new(Book::new(part.shards.len()));
    let serving = match part.publish {
        Some((door, terms)) => {
            let listener = net::open(door)?;
            let (terms, intake, book) = (Arc::new(terms), intake.clone(), book.clone());
            let api = Api { terms, intake, book };
            Some(spawn_local(publish::serve(listener, api)))
        }
        None => None,
    };
    let hub = Hub::new(&part.limits, part.seed);
    let pump = Pump { hub, clock: Clock::start(), shards: part.shards, book };
    let mut pumping = spawn_local(pump.run(events, part.bell));
    ready();
    tokio::select! {
        biased;
        // An error means that the proxy was dropped: that is an order to stop, too.
        _ = part.phase.wait_for(|phase| *phase == Phase::Stopping) => {}
        ended = &mut pumping => return ended.map_err(std::io::Error::other),
    }
    // Without publishers the pump ends when it has handed on what was accepted.
    if let Some(serving) = serving {
        serving.abort();
    }
    drop(intake);
    let _ = tokio::time::timeout(LAST_ITEMS, pumping).await;
    Ok(())
}

/// Puts items in order and hands each to every shard. There is one pump, so the order is the same on all; a
/// shard whose queue is full makes it wait, and the publishers with it, so nothing is lost.
struct Pump {
    hub: Hub,
    clock: Clock,
    shards: Vec<Wire>,
    book: Rc<Book>,
}

impl Pump {
    async fn run(mut self, mut events: mpsc::Receiver<HubEvent>, bell: Arc<Notify>) {
        let mut actions = Vec::new();
        let mut alarm = pin!(tokio::time::sleep(Duration::ZERO));
        let mut set_to = None;
        loop {
            let deadline = self.hub.deadline();
            if deadline != set_to {
                set_to = deadline;
                if let Some(at) = deadline {
                    alarm.as_mut().reset(self.clock.instant(at));
                }
            }
            tokio::select! {
                // What is due first: the events may never end. The bell last: every event hears it, too.
                biased;
                () = &mut alarm, if deadline.is_some() => {
                    self.hub.handle(self.clock.now(), HubEvent::Deadline, &mut actions);
                    // What is due at the same time again needs another alarm.
                    set_to = None;
                }
                event = events.recv() => {
                    let Some(event) = event else { break };
                    // Whoever publishes to a subscriber that has begun publishes to one that is known here.
                    self.listen(&mut actions);
                    self.hub.handle(self.clock.now(), event, &mut actions);
                }
                () = bell.notified() => self.listen(&mut actions),
            }
            for action in actions.drain(..) {
                match action {
                    HubAction::Release(release) => self.release(release).await,
                    HubAction::Dropped { receipt, why } => self.book.dropped(receipt, why),
                }
            }
        }
        tracing::debug!("hub: {}", counted(self.hub.counters()));
    }

    /// Takes in what the shards have said.
    fn listen(&mut self, actions: &mut Vec<HubAction>) {
        let now = self.clock.now();
        for (shard, wire) in (0..).map(ShardId).zip(&self.shards) {
            let news = wire.mailbox.take();
            for (channel, wanted) in news.interest {
                self.hub.handle(now, HubEvent::Interest { shard, channel, wanted }, actions);
            }
            for (channel, id) in news.forget {
                self.hub.handle(now, HubEvent::Forget { channel, id }, actions);
            }
            for (receipt, holds) in news.reached {
                self.book.reached(receipt, holds);
            }
        }
    }

    async fn release(&self, release: Release) {
        for shard in &self.shards {
            // A shard that is gone has no receivers.
            let _ = shard.releases.send(release.clone()).await;
        }
    }
}
