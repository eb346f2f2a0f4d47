//! L4, the face of the intake: published items in, released items out, one order for all shards.

use std::sync::Arc;

use crate::ground::{Count, Counters, Limits, Time};
use crate::intake::Dedupe;
use crate::publish::Item;

/// The publish intake of a process.
///
/// ```
/// use holdfast_core::ground::{Limits, Time};
/// use holdfast_core::hub::{Hub, HubAction, HubEvent};
/// use holdfast_core::publish::parse_items;
///
/// let mut hub = Hub::new(&Limits::default());
/// let items = parse_items(br#"{"items": [{"channel": "a", "http-stream": {"content": "hi"}}]}"#)?;
/// let mut out = Vec::new();
/// hub.handle(Time::ZERO, HubEvent::Publish { items }, &mut out);
/// assert!(matches!(&out[..], [HubAction::Release(item)] if item.channel == "a"));
/// # Ok::<(), holdfast_core::publish::PublishError>(())
/// ```
#[derive(Debug)]
pub struct Hub {
    dedupe: Dedupe,
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
}

/// What the intake must do.
#[derive(Clone, Debug)]
pub enum HubAction {
    /// Hand the item to every shard, in this order.
    Release(Arc<Item>),
}

impl Hub {
    /// An intake that has seen nothing.
    pub fn new(limits: &Limits) -> Self {
        Self { dedupe: Dedupe::new(limits), counters: Counters::default() }
    }

    /// Takes one event and appends everything that must be done to `out`.
    pub fn handle(&mut self, now: Time, event: HubEvent, out: &mut Vec<HubAction>) {
        match event {
            HubEvent::Publish { items } => {
                for item in items {
                    self.publish(now, item, out);
                }
            }
        }
    }

    /// What was counted so far.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    fn publish(&mut self, now: Time, item: Item, out: &mut Vec<HubAction>) {
        self.counters.bump(Count::Published);
        let fresh = item.id.as_ref().is_none_or(|id| self.dedupe.admit(now, &item.channel, id));
        if fresh {
            out.push(HubAction::Release(Arc::new(item)));
        } else {
            self.counters.bump(Count::DuplicateItem);
            tracing::debug!(channel = item.channel, id = item.id, "duplicate item dropped");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ground::Span;

    fn item(channel: &str, id: Option<&str>) -> Item {
        Item { channel: channel.to_owned(), id: id.map(str::to_owned), ..Item::default() }
    }

    #[test]
    fn items_come_out_in_order_without_duplicates_and_drops_are_counted() {
        let limits = Limits { id_ttl: Span::from_secs(60), ..Limits::default() };
        let (mut hub, mut out) = (Hub::new(&limits), Vec::new());
        let items =
            vec![item("a", Some("1")), item("a", None), item("a", Some("1")), item("a", None)];
        hub.handle(Time::ZERO, HubEvent::Publish { items }, &mut out);
        let ids: Vec<_> = out.iter().map(|HubAction::Release(item)| item.id.as_deref()).collect();
        assert_eq!(ids, [Some("1"), None, None]);
        assert_eq!(hub.counters().of(Count::Published), 4);
        assert_eq!(hub.counters().of(Count::DuplicateItem), 1);
    }
}
