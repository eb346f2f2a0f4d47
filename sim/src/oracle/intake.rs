//! The hub says what a simple account of the rules says (SEQ-1 to SEQ-8, REC-5, REC-7): on channels
//! that are wanted each item once and behind the one before it, or when it has waited long enough;
//! other items at once; that a last id is not known any more; and whom a recovery concerns. Whatever
//! is published is released, waits, or is counted among those that were dropped.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use holdfast_core::ground::{Count, Limits, ShardId, Time};
use holdfast_core::hub::{Hub, HubEvent};
use holdfast_core::publish::{Item, Release, Scope};

use super::{Fact, Ledger, Setting, ensure};

#[derive(Debug, Default)]
pub(super) struct Intake {
    wanted: BTreeMap<String, Channel>,
    /// The ids that were released on wanted channels, and when.
    seen: BTreeMap<(String, String), Time>,
    /// What waits, in the order in which it came.
    waiting: Vec<Waiting>,
    /// What must be released now.
    due: VecDeque<Release>,
    published: u64,
    dropped: u64,
    released: u64,
}

#[derive(Debug, Default)]
struct Channel {
    by: BTreeSet<ShardId>,
    last: Option<String>,
    /// When its holds shall ask for what they may have missed.
    recovers: Option<Time>,
}

#[derive(Debug)]
struct Waiting {
    until: Time,
    item: Arc<Item>,
}

impl Ledger for Intake {
    fn name(&self) -> &'static str {
        "intake"
    }

    fn see(&mut self, now: Time, fact: &Fact<'_>, setting: &Setting) -> Result<(), String> {
        match fact {
            Fact::HubTold(event) => {
                self.in_time(now, &setting.limits)?;
                self.told(now, event, &setting.limits);
                Ok(())
            }
            Fact::Released(release) => {
                self.released += u64::from(matches!(release, Release::Item { .. }));
                let due = self.due.pop_front();
                ensure(due.as_ref() == Some(release), || format!("{release:?} instead of {due:?}"))
            }
            Fact::HubSettled(hub) => self.settled(hub),
            Fact::Rested => self.in_time(now, &setting.limits),
            _ => Ok(()),
        }
    }
}

impl Intake {
    fn told(&mut self, now: Time, event: &HubEvent, limits: &Limits) {
        match event {
            HubEvent::Publish { items } => {
                self.published += items.len() as u64;
                for item in items {
                    self.publish(now, Arc::new(item.clone()), limits);
                }
            }
            HubEvent::Interest { shard, channel, wanted: true } => {
                let entry = self.wanted.entry(channel.to_string()).or_default();
                if entry.by.is_empty() {
                    entry.recovers = limits.first_subscription_delay.map(|delay| now + delay);
                }
                entry.by.insert(*shard);
            }
            HubEvent::Interest { shard, channel, wanted: false } => self.leave(*shard, channel),
            HubEvent::Forget { channel, id } => {
                if self.wanted.get(&**channel).is_some_and(|of| of.last.as_deref() == Some(id)) {
                    self.forget(channel);
                }
            }
            HubEvent::Recover => {
                for channel in self.wanted.values_mut() {
                    channel.last = None;
                }
                self.due.push_back(Release::Recover(Scope::All));
            }
            HubEvent::Deadline => self.deadline(now, limits),
        }
    }

    fn publish(&mut self, now: Time, item: Arc<Item>, limits: &Limits) {
        let is_known = self.is_known(now, &item, limits);
        let last = self.wanted.get(&item.channel).map(|channel| channel.last.clone());
        match last {
            _ if is_known => self.dropped += 1,
            None => self.due.push_back(Release::Item { item, sequenced: false }),
            Some(_) if item.no_seq => {
                self.remember(now, &item);
                self.due.push_back(Release::Item { item, sequenced: false });
            }
            Some(Some(last)) if item.prev_id.as_ref().is_some_and(|prev| *prev != last) => {
                let channel = item.channel.clone();
                self.waiting.push(Waiting { until: now + limits.message_wait, item });
                let on = |waiting: &Waiting| waiting.item.channel == channel;
                if self.waiting.iter().filter(|waiting| on(waiting)).count() > limits.reorder_items
                    && let Some(at) = self.waiting.iter().position(on)
                {
                    let first = self.waiting.remove(at).item;
                    self.release(now, first, limits);
                }
            }
            Some(_) => self.release(now, item, limits),
        }
    }

    /// Releases an item, and behind it whatever waits for it.
    fn release(&mut self, now: Time, item: Arc<Item>, limits: &Limits) {
        if self.is_known(now, &item, limits) {
            self.dropped += 1;
            return;
        }
        self.remember(now, &item);
        if let Some(channel) = self.wanted.get_mut(&item.channel) {
            channel.last.clone_from(&item.id);
        }
        self.due.push_back(Release::Item { item: item.clone(), sequenced: true });
        let waits = |waiting: &Waiting| {
            let Waiting { item: other, .. } = waiting;
            item.id.is_some() && other.channel == item.channel && other.prev_id == item.id
        };
        while let Some(at) = self.waiting.iter().position(waits) {
            let next = self.waiting.remove(at).item;
            self.release(now, next, limits);
        }
    }

    fn leave(&mut self, shard: ShardId, name: &str) {
        let Some(channel) = self.wanted.get_mut(name) else { return };
        channel.by.remove(&shard);
        if !channel.by.is_empty() {
            return;
        }
        if channel.last.is_some() {
            self.forget(name);
        }
        self.wanted.remove(name);
        let before = self.waiting.len();
        self.waiting.retain(|waiting| waiting.item.channel != name);
        self.dropped += (before - self.waiting.len()) as u64;
    }

    fn forget(&mut self, name: &str) {
        if let Some(channel) = self.wanted.get_mut(name) {
            channel.last = None;
        }
        self.due.push_back(Release::Forget { channel: Arc::from(name) });
    }

    fn deadline(&mut self, now: Time, limits: &Limits) {
        while self.waiting.first().is_some_and(|first| first.until <= now) {
            let item = self.waiting.remove(0).item;
            self.release(now, item, limits);
        }
        let first = self.wanted.values().filter_map(|channel| channel.recovers).min();
        if first.is_none_or(|at| now < at + limits.recovery_collect) {
            return;
        }
        let mut fresh = BTreeSet::new();
        for (name, channel) in &mut self.wanted {
            if channel.recovers.take_if(|at| *at <= now).is_some() {
                fresh.insert(Arc::from(name.as_str()));
            }
        }
        self.due.push_back(Release::Recover(Scope::Channels(Arc::new(fresh))));
    }

    /// Nothing that should have happened by now has not.
    fn in_time(&self, now: Time, limits: &Limits) -> Result<(), String> {
        let late = self.waiting.iter().find(|waiting| waiting.until < now);
        ensure(late.is_none(), || format!("{late:?} still waits"))?;
        let is_late = |at: Time| at + limits.recovery_collect < now;
        let late = self.wanted.iter().find(|(_, of)| of.recovers.is_some_and(is_late));
        ensure(late.is_none(), || format!("no recovery of {late:?}"))
    }

    fn settled(&mut self, hub: &Hub) -> Result<(), String> {
        ensure(self.due.is_empty(), || format!("not released: {:?}", self.due))?;
        let count = |what| hub.counters().of(what);
        let counts = [Count::DuplicateItem, Count::Unwanted].map(count);
        let dropped: u64 = counts.iter().sum();
        ensure(dropped == self.dropped, || {
            format!("{} dropped, counted {counts:?}", self.dropped)
        })?;
        let accounted = self.released + self.dropped + self.waiting.len() as u64;
        ensure(accounted == self.published && accounted == count(Count::Published), || {
            format!("{} published, of which {accounted} are accounted for", self.published)
        })
    }

    fn is_known(&self, now: Time, item: &Item, limits: &Limits) -> bool {
        let Some(id) = &item.id else { return false };
        let before = self.seen.get(&(item.channel.clone(), id.clone()));
        before.is_some_and(|before| now.since(*before) < limits.id_ttl)
    }

    fn remember(&mut self, now: Time, item: &Item) {
        if let Some(id) = &item.id {
            self.seen.insert((item.channel.clone(), id.clone()), now);
        }
    }
}
