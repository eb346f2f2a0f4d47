//! L4, the face of the intake: published items in, released items out, one order for all shards.

#[cfg(test)]
mod tests;

use std::sync::Arc;

use crate::ground::{Count, Counters, Limits, Rng, Seed, ShardId, Time};
use crate::intake::{Interest, Order, Out, Turn};
use crate::publish::{Item, Release, Scope};

pub use crate::intake::HubAction;

/// The publish intake of a process.
///
/// ```
/// use holdfast_core::ground::{Limits, Seed, Time};
/// use holdfast_core::hub::{Hub, HubAction, HubEvent};
/// use holdfast_core::publish::{Release, parse_items};
///
/// let mut hub = Hub::new(&Limits::default(), Seed(1));
/// let items = parse_items(br#"{"items": [{"channel": "a", "http-stream": {"content": "hi"}}]}"#)?;
/// let mut out = Vec::new();
/// hub.handle(Time::ZERO, HubEvent::Publish { items }, &mut out);
/// assert!(matches!(&out[..], [HubAction::Release(Release::Item { item, .. })] if item.channel == "a"));
/// # Ok::<(), holdfast_core::publish::PublishError>(())
/// ```
#[derive(Debug)]
pub struct Hub {
    interest: Interest,
    order: Order,
    counters: Counters,
}

/// What happens to the intake.
#[derive(Clone, Debug)]
pub enum HubEvent {
    /// A publisher's items, checked.
    Publish {
        /// In the order of the publish.
        items: Vec<Item>,
    },
    /// A channel got its first subscription on a shard, or lost its last there, linger included.
    Interest {
        /// The shard.
        shard: ShardId,
        /// The channel.
        channel: Arc<str>,
        /// Whether it is wanted there now.
        wanted: bool,
    },
    /// A backend contradicted this last id of a channel (REL-1, REL-3).
    Forget {
        /// The channel.
        channel: Arc<str>,
        /// The last id that is wrong.
        id: Box<str>,
    },
    /// An operator or publisher asks for a recovery of everything (REC-7).
    Recover,
    /// The time that `deadline` named has come.
    Deadline,
}

impl Hub {
    /// An intake that has seen nothing. The seed makes hashes unpredictable to publishers.
    pub fn new(limits: &Limits, seed: Seed) -> Self {
        let mut rng = Rng::new(seed);
        Self {
            interest: Interest::new(limits, rng.fork()),
            order: Order::new(limits, rng.fork()),
            counters: Counters::default(),
        }
    }

    /// Takes one event and appends everything that must be done to `actions`.
    pub fn handle(&mut self, now: Time, event: HubEvent, actions: &mut Vec<HubAction>) {
        let mut out = Out { actions, counters: &mut self.counters };
        match event {
            HubEvent::Publish { items } => {
                for item in items {
                    out.counters.bump(Count::Published);
                    self.order.publish(now, Arc::new(item), &mut out);
                }
            }
            HubEvent::Interest { shard, channel, wanted } => {
                match self.interest.set(now, shard, &channel, wanted) {
                    Some(Turn::Gained) => self.order.open(channel),
                    Some(Turn::Lost) => self.order.close(&channel, &mut out),
                    None => {}
                }
            }
            HubEvent::Forget { channel, id } => self.order.forget(&channel, &id, &mut out),
            HubEvent::Recover => {
                self.order.forget_all();
                out.release(Release::Recover(Scope::All));
            }
            HubEvent::Deadline => {
                self.order.expire(now, &mut out);
                if let Some(channels) = self.interest.due(now) {
                    out.release(Release::Recover(Scope::Channels(Arc::new(channels))));
                }
            }
        }
    }

    /// When [`HubEvent::Deadline`] is due.
    pub fn deadline(&self) -> Option<Time> {
        self.order.deadline().into_iter().chain(self.interest.deadline()).min()
    }

    /// What was counted so far.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }
}
