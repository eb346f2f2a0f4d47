//! The intake against a model of it that is too simple to be wrong, and too slow to be used: every publish,
//! interest and deadline in any order comes to the same.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use holdfast_core::ground::{Count, Limits, ReceiptId, Seed, ShardId, Span, Time};
use holdfast_core::hub::{Hub, HubAction, HubEvent};
use holdfast_core::publish::{Item, Release, Scope};
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Step {
    Publish(Box<Item>),
    Interest { shard: u16, channel: u8, wanted: bool },
    Forget { channel: u8, id: u8 },
    Recover,
    Wait(u64),
}

fn limits() -> Limits {
    Limits {
        id_ttl: Span::from_secs(7),
        message_wait: Span::from_secs(5),
        reorder_items: 3,
        last_ids: 2,
        ..Limits::default()
    }
}

fn name(channel: u8) -> String {
    format!("c{channel}")
}

fn step() -> impl Strategy<Value = Step> {
    let id = || (0..12_u8).prop_map(|id| id.to_string());
    let mostly = |some| prop::option::weighted(0.9, some);
    let no_seq = prop::bool::weighted(0.05);
    let item = (0..3_u8, mostly(id().boxed()), mostly(id().boxed()), no_seq);
    let item = item.prop_map(|(channel, id, prev_id, no_seq)| {
        let item = Item { channel: name(channel), id, prev_id, no_seq, ..Item::default() };
        Step::Publish(Box::new(item))
    });
    let interest = (0..2_u16, 0..3_u8, prop::bool::weighted(0.7))
        .prop_map(|(shard, channel, wanted)| Step::Interest { shard, channel, wanted });
    let forget = (0..3_u8, 0..12_u8).prop_map(|(channel, id)| Step::Forget { channel, id });
    prop_oneof![
        20 => item,
        4 => interest,
        2 => forget,
        1 => Just(Step::Recover),
        4 => (0..3000_u64).prop_map(Step::Wait),
    ]
}

/// All that the intake knows, in lists.
#[derive(Default)]
struct Model {
    now: Time,
    wanted: BTreeMap<String, BTreeSet<u16>>,
    fresh: Vec<(Time, String)>,
    /// The last id of each channel, the one with the oldest first.
    last: Vec<(String, String)>,
    waiting: Vec<(Time, Item)>,
    seen: Vec<(Time, String, String)>,
    said: Vec<HubAction>,
}

impl Model {
    fn take(&mut self, step: &Step) {
        match step {
            Step::Publish(item) => self.publish(item),
            Step::Interest { shard, channel, wanted } => {
                self.interest(*shard, name(*channel), *wanted);
            }
            Step::Forget { channel, id } => {
                if self.last(&name(*channel)) == Some(id.to_string()) {
                    self.forget(&name(*channel));
                }
            }
            Step::Recover => {
                self.last.clear();
                self.said.push(HubAction::Release(Release::Recover(Scope::All)));
            }
            Step::Wait(_) => {}
        }
    }

    fn publish(&mut self, item: &Item) {
        let is_wanted = self.wanted.contains_key(&item.channel);
        if self.is_duplicate(item) {
            self.drop(item, Count::DuplicateItem);
        } else if !is_wanted || item.no_seq {
            if is_wanted {
                self.remember(item);
            }
            self.say(item, false);
        } else if self
            .last(&item.channel)
            .is_none_or(|last| item.prev_id.as_ref().is_none_or(|prev_id| *prev_id == last))
        {
            self.release(item);
        } else {
            self.waiting.push((self.now + limits().message_wait, item.clone()));
            let here = |(_, waiting): &&(Time, Item)| waiting.channel == item.channel;
            if self.waiting.iter().filter(here).count() > limits().reorder_items {
                let at = self.waiting.iter().position(|waiting| here(&waiting));
                self.release_waiting(at.expect("more than none"));
            }
        }
    }

    fn release_waiting(&mut self, at: usize) {
        let (_, item) = self.waiting.remove(at);
        self.release(&item);
    }

    fn release(&mut self, item: &Item) {
        if self.is_duplicate(item) {
            return self.drop(item, Count::DuplicateItem);
        }
        self.remember(item);
        self.say(item, true);
        self.last.retain(|(channel, _)| *channel != item.channel);
        let Some(id) = &item.id else { return };
        self.last.push((item.channel.clone(), id.clone()));
        if self.last.len() > limits().last_ids {
            self.forget(&self.last[0].0.clone());
        }
        let follows = |(_, waiting): &(Time, Item)| {
            waiting.channel == item.channel && waiting.prev_id.as_ref() == Some(id)
        };
        while let Some(at) = self.waiting.iter().position(follows) {
            self.release_waiting(at);
        }
    }

    fn interest(&mut self, shard: u16, channel: String, wanted: bool) {
        let by = self.wanted.entry(channel.clone()).or_default();
        let before = by.len();
        if wanted {
            by.insert(shard)
        } else {
            by.remove(&shard)
        };
        let after = by.len();
        if after == 0 {
            self.wanted.remove(&channel);
        }
        if before == 0 && after == 1 {
            self.fresh.push((self.now + Span::from_secs(1), channel));
        } else if before == 1 && after == 0 {
            self.fresh.retain(|(_, fresh)| *fresh != channel);
            self.forget(&channel);
            let all = std::mem::take(&mut self.waiting);
            let (gone, kept) = all.into_iter().partition(|(_, item)| item.channel == channel);
            self.waiting = kept;
            let gone: Vec<(Time, Item)> = gone;
            for (_, item) in &gone {
                self.drop(item, Count::Unwanted);
            }
        }
    }

    /// Time moves to `end`, with all that is due on the way.
    fn wait(&mut self, end: Time) {
        loop {
            let waiting = self.waiting.iter().map(|(until, _)| *until);
            let collected = self.fresh.first().map(|(at, _)| *at + Span::from_millis(100));
            let Some(now) = waiting.chain(collected).min().filter(|at| *at <= end) else { break };
            self.now = now;
            while let Some(at) = self.waiting.iter().position(|(until, _)| *until <= now) {
                self.release_waiting(at);
            }
            if collected.is_some_and(|at| at <= now) {
                let due = self.fresh.extract_if(.., |(at, _)| *at <= now);
                let channels: BTreeSet<_> = due.map(|(_, channel)| channel.into()).collect();
                let scope = Scope::Channels(Arc::new(channels));
                self.said.push(HubAction::Release(Release::Recover(scope)));
            }
        }
        self.now = end;
    }

    fn is_duplicate(&mut self, item: &Item) -> bool {
        let now = self.now;
        self.seen.retain(|(since, ..)| now.since(*since) < limits().id_ttl);
        let is_it = |(_, channel, id): &(Time, String, String)| {
            *channel == item.channel && Some(id) == item.id.as_ref()
        };
        self.seen.iter().any(is_it)
    }

    fn remember(&mut self, item: &Item) {
        self.seen.extend(item.id.clone().map(|id| (self.now, item.channel.clone(), id)));
    }

    fn last(&self, channel: &str) -> Option<String> {
        self.last.iter().find(|(of, _)| of == channel).map(|(_, id)| id.clone())
    }

    fn forget(&mut self, channel: &str) {
        if self.last(channel).is_some() {
            self.last.retain(|(of, _)| of != channel);
            let channel = channel.into();
            self.said.push(HubAction::Release(Release::Forget { channel }));
        }
    }

    fn say(&mut self, item: &Item, sequenced: bool) {
        let item = Arc::new(item.clone());
        self.said.push(HubAction::Release(Release::Item { item, sequenced }));
    }

    fn drop(&mut self, item: &Item, why: Count) {
        let receipt = item.receipt.expect("every item has one");
        self.said.push(HubAction::Dropped { receipt, why });
    }
}

/// What the hub says to one step.
fn run(hub: &mut Hub, now: &mut Time, step: Step, said: &mut Vec<HubAction>) {
    let event = match step {
        Step::Publish(item) => HubEvent::Publish { items: vec![*item] },
        Step::Interest { shard, channel, wanted } => {
            let (shard, channel) = (ShardId(shard), name(channel).into());
            HubEvent::Interest { shard, channel, wanted }
        }
        Step::Forget { channel, id } => {
            HubEvent::Forget { channel: name(channel).into(), id: id.to_string().into() }
        }
        Step::Recover => HubEvent::Recover,
        Step::Wait(millis) => {
            let end = *now + Span::from_millis(millis);
            while let Some(at) = hub.deadline().filter(|at| *at <= end) {
                *now = at;
                hub.handle(*now, HubEvent::Deadline, said);
                assert!(hub.deadline() > Some(at) || hub.deadline().is_none(), "it has moved");
            }
            *now = end;
            return;
        }
    };
    hub.handle(*now, event, said);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn seq_1_to_9_the_order_is_that_of_the_model(steps in prop::collection::vec(step(), 1..120)) {
        let mut hub = Hub::new(&limits(), Seed(1));
        let (mut model, mut now, mut said) = (Model::default(), Time::ZERO, Vec::new());
        for (number, mut step) in (0..).zip(steps) {
            if let Step::Publish(item) = &mut step {
                item.receipt = Some(ReceiptId(number));
            }
            if let Step::Wait(millis) = &step {
                model.wait(now + Span::from_millis(*millis));
            }
            model.take(&step);
            run(&mut hub, &mut now, step.clone(), &mut said);
            prop_assert_eq!(&said, &model.said, "after {:?}", step);
        }
        prop_assert_eq!(hub.deadline().is_none(), model.waiting.is_empty() && model.fresh.is_empty());
    }
}
