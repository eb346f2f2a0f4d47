//! The subscription lists of a shard.
//!
//! Each channel has a doubly linked list of subscriptions, and the subscriptions of one connection are
//! chained as well. All links live in one vector: subscribing and leaving cost O(1) a channel, a fan-out
//! is a walk, and a hold keeps four bytes.
//!
//! A channel that was polled lingers after its last subscription has ended, because the next poll is likely
//! to come (RESP-10).

use core::mem;
use std::collections::BTreeSet;
use std::sync::Arc;

use crate::ground::{ConnId, Seed, SeededMap, Span, Time};

const NIL: u32 = u32::MAX;

/// Subscriptions, and channels, for which there is room even when there is none.
const KEPT: usize = 1024;

/// The channels of a shard with their subscribers, in the order in which they came.
#[derive(Debug)]
pub struct Index {
    by_name: SeededMap<Arc<str>, u32>,
    channels: Vec<Channel>,
    free_channels: Vec<u32>,
    nodes: Vec<Node>,
    free_nodes: Vec<u32>,
    /// Channels without subscriptions, by the time at which they are given up.
    lingering: BTreeSet<(Time, u32)>,
}

/// A channel that has subscribers. Valid until the last of them leaves.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ChannelKey(u32);

/// A subscription. Valid until it is dropped.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SubKey(u32);

/// All subscriptions of one connection. Give it back to [`Index::unsubscribe`] when the hold ends.
#[derive(Debug, PartialEq, Eq)]
pub struct Subscriptions(u32);

/// Which format of an item a subscriber takes, and how.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// A response hold.
    Response,
    /// A stream hold that takes every item as it is.
    Stream,
    /// A stream hold with a position, filters or a next link on some channel: each item is judged for it.
    Session,
    /// A WebSocket.
    Socket,
}

/// The queue in which deliveries to a subscriber wait, if there is a rate (RATE-2).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Lane(pub u16);

impl Lane {
    /// The one of all that have none of their own.
    pub const COMMON: Self = Self(0);
}

/// What came of subscribing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Subscribed {
    /// The channel.
    pub channel: ChannelKey,
    /// Whether it was unknown here before.
    pub first: bool,
}

/// How long channels linger, and how many of them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Linger {
    /// The time.
    pub span: Span,
    /// The number; those that would be given up first have to go first.
    pub channels: usize,
}

/// One step of a walk over a channel.
#[derive(Clone, Copy, Debug)]
pub struct Subscription {
    /// Who is subscribed.
    pub conn: ConnId,
    /// What it takes.
    pub kind: Kind,
    /// Where it waits.
    pub lane: Lane,
    /// The next one; read before this one is dropped.
    pub next: Option<SubKey>,
}

#[derive(Debug)]
struct Channel {
    name: Arc<str>,
    head: u32,
    tail: u32,
    len: usize,
    delivered: Time,
    /// Until when it lingers, as far as response holds that have ended say.
    wanted_until: Time,
}

#[derive(Debug)]
struct Node {
    conn: ConnId,
    kind: Kind,
    lane: Lane,
    channel: u32,
    prev: u32,
    next: u32,
    sibling: u32,
}

impl Default for Subscriptions {
    fn default() -> Self {
        Self(NIL)
    }
}

impl Index {
    /// An index without channels. The seed makes the hash of channel names unpredictable to publishers.
    pub fn new(seed: Seed) -> Self {
        Self {
            by_name: SeededMap::with_hasher(seed.hasher()),
            channels: Vec::new(),
            free_channels: Vec::new(),
            nodes: Vec::new(),
            free_nodes: Vec::new(),
            lingering: BTreeSet::new(),
        }
    }

    /// Subscribes `conn` and links the subscription to its others.
    pub fn subscribe(
        &mut self,
        name: &str,
        conn: ConnId,
        (kind, lane): (Kind, Lane),
        subs: &mut Subscriptions,
    ) -> Subscribed {
        let (channel, first) = self.open(name);
        let entry = &mut self.channels[channel as usize];
        let node = Node { conn, kind, lane, channel, prev: entry.tail, next: NIL, sibling: subs.0 };
        let key = match self.free_nodes.pop() {
            Some(key) => {
                self.nodes[key as usize] = node;
                key
            }
            None => {
                self.nodes.push(node);
                index_of_last(&self.nodes)
            }
        };
        match mem::replace(&mut entry.tail, key) {
            NIL => entry.head = key,
            tail => self.nodes[tail as usize].next = key,
        }
        entry.len += 1;
        subs.0 = key;
        Subscribed { channel: ChannelKey(channel), first }
    }

    /// Drops all subscriptions of a hold; `last` is told of every channel that nobody wants any more.
    pub fn unsubscribe(
        &mut self,
        now: Time,
        subs: Subscriptions,
        linger: Linger,
        mut last: impl FnMut(Arc<str>),
    ) {
        let mut key = subs.0;
        while key != NIL {
            let Node { channel, kind, prev, next, sibling, .. } = self.nodes[key as usize];
            let entry = &mut self.channels[channel as usize];
            match prev {
                NIL => entry.head = next,
                prev => self.nodes[prev as usize].next = next,
            }
            match next {
                NIL => entry.tail = prev,
                next => self.nodes[next as usize].prev = prev,
            }
            entry.len -= 1;
            if kind == Kind::Response {
                entry.wanted_until = now + linger.span;
            }
            self.free_nodes.push(key);
            if entry.len == 0 && entry.wanted_until > now {
                self.lingering.insert((entry.wanted_until, channel));
            } else if entry.len == 0 {
                last(self.close(channel));
            }
            key = sibling;
        }
        while self.lingering.len() > linger.channels
            && let Some((_, channel)) = self.lingering.pop_first()
        {
            last(self.close(channel));
        }
        self.give_back();
    }

    /// Drops one subscription of a connection; says whether there was one.
    pub fn unsubscribe_from(
        &mut self,
        now: Time,
        channel: &str,
        subs: &mut Subscriptions,
        linger: Linger,
        last: impl FnMut(Arc<str>),
    ) -> bool {
        let Some(&channel) = self.by_name.get(channel) else { return false };
        let (mut before, mut key) = (NIL, subs.0);
        while key != NIL && self.nodes[key as usize].channel != channel {
            (before, key) = (key, self.nodes[key as usize].sibling);
        }
        if key == NIL {
            return false;
        }
        let after = mem::replace(&mut self.nodes[key as usize].sibling, NIL);
        match before {
            NIL => subs.0 = after,
            before => self.nodes[before as usize].sibling = after,
        }
        self.unsubscribe(now, Subscriptions(key), linger, last);
        true
    }

    /// Gives up the channels that have lingered long enough.
    pub fn expire(&mut self, now: Time, mut last: impl FnMut(Arc<str>)) {
        while let Some(&(until, channel)) = self.lingering.first()
            && until <= now
        {
            self.lingering.pop_first();
            last(self.close(channel));
        }
        self.give_back();
    }

    /// When [`Self::expire`] has something to do.
    pub fn deadline(&self) -> Option<Time> {
        self.lingering.first().map(|(until, _)| *until)
    }

    /// The name of a channel.
    pub fn name(&self, channel: ChannelKey) -> &Arc<str> {
        &self.channels[channel.0 as usize].name
    }

    /// The channel called `name`, if somebody is subscribed to it.
    pub fn find(&self, name: &str) -> Option<ChannelKey> {
        self.by_name.get(name).copied().map(ChannelKey)
    }

    /// How many subscriptions `channel` has.
    pub fn len(&self, channel: ChannelKey) -> usize {
        self.channels[channel.0 as usize].len
    }

    /// How many channels there is room for, or subscriptions, if that is more.
    pub fn slots(&self) -> usize {
        self.channels.len().max(self.nodes.len())
    }

    /// Whether nobody is subscribed to anything.
    pub fn is_empty(&self) -> bool {
        self.by_name.is_empty()
    }

    /// The first subscription of `channel`.
    pub fn first(&self, channel: ChannelKey) -> Option<SubKey> {
        key(self.channels[channel.0 as usize].head)
    }

    /// What a subscription says.
    pub fn get(&self, SubKey(sub): SubKey) -> Subscription {
        let node = &self.nodes[sub as usize];
        Subscription { conn: node.conn, kind: node.kind, lane: node.lane, next: key(node.next) }
    }

    /// Notes that an item was delivered on `channel`.
    pub fn delivered(&mut self, channel: ChannelKey, now: Time) {
        self.channels[channel.0 as usize].delivered = now;
    }

    /// When any channel of these subscriptions last had a delivery; [`Time::ZERO`] if never.
    pub fn last_delivery(&self, subs: &Subscriptions) -> Time {
        self.chain(subs)
            .map(|node| self.channels[node.channel as usize].delivered)
            .max()
            .unwrap_or_default()
    }

    /// How these are subscribed to `channel`, if they are.
    pub fn kind_on(&self, subs: &Subscriptions, ChannelKey(channel): ChannelKey) -> Option<Kind> {
        self.chain(subs).find(|node| node.channel == channel).map(|node| node.kind)
    }

    /// How many subscriptions these are.
    pub fn count(&self, subs: &Subscriptions) -> usize {
        self.chain(subs).count()
    }

    /// Checks the links; returns the number of live subscriptions.
    pub fn audit(&self) -> Result<usize, String> {
        let mut live = 0;
        for (number, channel) in self.channels.iter().enumerate() {
            let (mut seen, mut prev, mut at) = (0, NIL, channel.head);
            while at != NIL {
                let node = &self.nodes[at as usize];
                if node.prev != prev || node.channel as usize != number {
                    return Err(format!("broken link in channel {:?}", channel.name));
                }
                (prev, at, seen) = (at, node.next, seen + 1);
            }
            if seen != channel.len || prev != channel.tail {
                return Err(format!("channel {:?} counts {} of {seen}", channel.name, channel.len));
            }
            live += seen;
        }
        let lingers = |channel: &(Time, u32)| {
            self.channels.get(channel.1 as usize).is_some_and(|channel| channel.len == 0)
        };
        let empty = self.channels.iter().filter(|channel| channel.len == 0).count();
        let unwanted = empty - self.free_channels.len();
        if !self.lingering.iter().all(lingers) || unwanted != self.lingering.len() {
            return Err("a channel is neither subscribed nor does it linger".to_owned());
        }
        if live + self.free_nodes.len() != self.nodes.len() {
            return Err("subscriptions leaked".to_owned());
        }
        if self.by_name.len() + self.free_channels.len() != self.channels.len() {
            return Err("channels leaked".to_owned());
        }
        Ok(live)
    }

    fn chain(&self, subs: &Subscriptions) -> impl Iterator<Item = &Node> {
        let at = |key: u32| self.nodes.get(key as usize);
        core::iter::successors(at(subs.0), move |node| at(node.sibling))
    }

    fn open(&mut self, name: &str) -> (u32, bool) {
        if let Some(&channel) = self.by_name.get(name) {
            let entry = &self.channels[channel as usize];
            if entry.len == 0 {
                self.lingering.remove(&(entry.wanted_until, channel));
            }
            return (channel, false);
        }
        let name: Arc<str> = name.into();
        let entry = Channel {
            name: name.clone(),
            head: NIL,
            tail: NIL,
            len: 0,
            delivered: Time::ZERO,
            wanted_until: Time::ZERO,
        };
        let channel = match self.free_channels.pop() {
            Some(channel) => {
                self.channels[channel as usize] = entry;
                channel
            }
            None => {
                self.channels.push(entry);
                index_of_last(&self.channels)
            }
        };
        self.by_name.insert(name, channel);
        (channel, true)
    }

    fn close(&mut self, channel: u32) -> Arc<str> {
        let name = mem::replace(&mut self.channels[channel as usize].name, Arc::from(""));
        self.by_name.remove(&name);
        self.free_channels.push(channel);
        name
    }

    /// A past peak keeps no memory: after the last subscription has gone, not for subscriptions, though channels
    /// linger; and after the last channel has gone, for nothing.
    fn give_back(&mut self) {
        if self.free_nodes.len() == self.nodes.len() && self.nodes.len() > KEPT {
            self.nodes = Vec::new();
            self.free_nodes = Vec::new();
        }
        if self.by_name.is_empty() && self.channels.len() > KEPT {
            self.by_name.shrink_to_fit();
            self.channels = Vec::new();
            self.free_channels = Vec::new();
        }
    }
}

fn key(link: u32) -> Option<SubKey> {
    (link != NIL).then_some(SubKey(link))
}

fn index_of_last<T>(list: &[T]) -> u32 {
    u32::try_from(list.len() - 1).expect("fewer than 2^32 subscriptions fit into memory")
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINGER: Linger = Linger { span: Span::from_secs(60), channels: 2 };

    fn conn(slot: u32) -> ConnId {
        ConnId { slot, generation: 0 }
    }

    fn walk(index: &Index, name: &str) -> Vec<u32> {
        let mut at = index.find(name).and_then(|channel| index.first(channel));
        let mut slots = Vec::new();
        while let Some(key) = at {
            let sub = index.get(key);
            slots.push(sub.conn.slot);
            at = sub.next;
        }
        slots
    }

    #[test]
    fn subscribers_are_walked_in_the_order_they_came_and_leave_in_any() {
        let mut index = Index::new(Seed(1));
        let mut all: Vec<_> = (0..4).map(|_| Subscriptions::default()).collect();
        for (slot, subs) in (0..).zip(&mut all) {
            let first = index.subscribe("a", conn(slot), (Kind::Stream, Lane::COMMON), subs);
            assert_eq!(first.first, slot == 0);
            index.subscribe("b", conn(slot), (Kind::Stream, Lane::COMMON), subs);
        }
        assert_eq!(walk(&index, "a"), [0, 1, 2, 3]);
        let mut closed = Vec::new();
        for at in [1, 0, 1, 0] {
            let subs = all.remove(at);
            index.unsubscribe(Time::ZERO, subs, LINGER, |name| closed.push(name));
            index.audit().expect("whole");
        }
        assert_eq!(closed, ["b".into(), "a".into()] as [Arc<str>; 2]);
        assert!(index.is_empty() && index.find("a").is_none());
    }

    #[test]
    fn the_last_delivery_is_the_latest_of_all_channels() {
        let mut index = Index::new(Seed(1));
        let mut subs = Subscriptions::default();
        index.subscribe("a", conn(0), (Kind::Stream, Lane::COMMON), &mut subs);
        index.subscribe("b", conn(0), (Kind::Stream, Lane::COMMON), &mut subs);
        let b = index.find("b").expect("subscribed");
        index.delivered(b, Time::from_nanos(7));
        assert_eq!(index.last_delivery(&subs), Time::from_nanos(7));
        assert_eq!(index.count(&subs), 2);
    }

    #[test]
    fn resp_10_a_polled_channel_lingers() {
        let mut index = Index::new(Seed(1));
        let at = |secs| Time::ZERO + Span::from_secs(secs);
        let mut closed = Vec::new();
        let mut poll = |index: &mut Index, secs, name, kind| {
            let mut subs = Subscriptions::default();
            let first = index.subscribe(name, conn(0), (kind, Lane::COMMON), &mut subs).first;
            index.unsubscribe(at(secs), subs, LINGER, |name| closed.push(name));
            index.audit().expect("whole");
            first
        };
        assert!(poll(&mut index, 0, "a", Kind::Response));
        assert!(!poll(&mut index, 30, "a", Kind::Response), "known for as long as it lingers");
        assert!(
            !poll(&mut index, 40, "a", Kind::Stream),
            "a stream does not cut it short (RESP-11)"
        );
        assert_eq!(index.deadline(), Some(at(90)));
        assert!(poll(&mut index, 40, "b", Kind::Stream));
        assert_eq!(closed, ["b".into()] as [Arc<str>; 1]);
        let mut closed = Vec::new();
        index.expire(at(89), |name| closed.push(name));
        assert!(closed.is_empty());
        index.expire(at(90), |name| closed.push(name));
        assert_eq!(closed, ["a".into()] as [Arc<str>; 1]);
        assert!(index.is_empty() && index.deadline().is_none());
    }

    #[test]
    fn resp_10_channels_linger_without_room_for_subscriptions() {
        let mut index = Index::new(Seed(1));
        let linger = Linger { channels: usize::MAX, ..LINGER };
        let mut all = Vec::new();
        for slot in 0..2 * KEPT as u32 {
            let mut subs = Subscriptions::default();
            index.subscribe(
                &slot.to_string(),
                conn(slot),
                (Kind::Response, Lane::COMMON),
                &mut subs,
            );
            all.push(subs);
        }
        for subs in all {
            index.unsubscribe(Time::ZERO, subs, linger, |_| panic!("it lingers"));
        }
        assert_eq!((index.channels.len(), index.nodes.capacity()), (2 * KEPT, 0));
        index.audit().expect("whole");
        index.expire(Time::ZERO + linger.span, drop);
        assert_eq!((index.channels.capacity(), index.by_name.capacity()), (0, 0));
    }

    #[test]
    fn only_so_many_channels_linger() {
        let mut index = Index::new(Seed(1));
        let mut closed = Vec::new();
        for (secs, name) in (0..).zip(["a", "b", "c"]) {
            let (mut subs, now) = (Subscriptions::default(), Time::ZERO + Span::from_secs(secs));
            index.subscribe(name, conn(0), (Kind::Response, Lane::COMMON), &mut subs);
            index.unsubscribe(now, subs, LINGER, |name| closed.push(name));
        }
        assert_eq!(closed, ["a".into()] as [Arc<str>; 1]);
        index.audit().expect("whole");
    }
}
