//! What comes after what: the sequence of each channel that is subscribed (SEQ-1 to SEQ-9).
//!
//! An item whose predecessor has not been released waits for it. It goes out behind it, or when it has waited
//! long enough, or when too many wait; whatever it was that released it, everything that waited for *it*
//! follows at once.

use std::sync::Arc;

use super::line::{Line, Place};
use super::weight::weight;
use super::{Dedupe, KEPT_CHANNELS, Out};
use crate::ground::{Count, Limits, Rng, Seed, SeededMap, Span, Time};
use crate::publish::{Item, Release};

/// The sequences of all channels that are subscribed.
#[derive(Debug)]
pub struct Order {
    bounds: Bounds,
    seen: Dedupe,
    /// None as long as nothing is known of the channel: nobody has published an id there.
    channels: SeededMap<Arc<str>, Option<Box<Sequence>>>,
    /// The channels of all items that wait, in the order in which they came, with the time at which each is
    /// over. All wait equally long, so the first is always the first that is over.
    waiting: Line<(Time, Arc<str>)>,
    waiting_bytes: usize,
    /// The channels that have a last id, those with the oldest first.
    recent: Line<Arc<str>>,
}

#[derive(Debug)]
struct Bounds {
    wait: Span,
    items: usize,
    bytes: usize,
    last_ids: usize,
}

/// The sequence of one channel.
#[derive(Debug)]
struct Sequence {
    channel: Arc<str>,
    last: Option<Last>,
    /// In the order in which they came.
    waiting: Vec<Waiting>,
}

#[derive(Debug)]
struct Last {
    id: String,
    /// Its place in `Order::recent`.
    place: Place,
}

#[derive(Debug)]
struct Waiting {
    item: Arc<Item>,
    bytes: usize,
    /// Its place in `Order::waiting`.
    place: Place,
}

impl Order {
    /// No channel is subscribed.
    pub fn new(limits: &Limits, seed: Seed) -> Self {
        let mut rng = Rng::new(seed);
        Self {
            bounds: Bounds {
                wait: limits.message_wait,
                items: limits.reorder_items,
                bytes: limits.reorder_bytes,
                last_ids: limits.last_ids,
            },
            seen: Dedupe::new(limits, rng.fork()),
            channels: SeededMap::with_hasher(rng.fork().hasher()),
            waiting: Line::default(),
            waiting_bytes: 0,
            recent: Line::default(),
        }
    }

    /// The channel is subscribed from now on, with nothing known of it.
    pub fn open(&mut self, channel: Arc<str>) {
        self.channels.entry(channel).or_default();
    }

    /// The channel has lost its last subscriber: what waits there is dropped (SEQ-8).
    pub fn close(&mut self, channel: &str, out: &mut Out<'_>) {
        self.unset_last(channel, out);
        let Some(sequence) = self.channels.remove(channel) else { return };
        for waiting in sequence.map(|sequence| sequence.waiting).unwrap_or_default() {
            self.waiting.leave(waiting.place);
            self.waiting_bytes = self.waiting_bytes.saturating_sub(waiting.bytes);
            out.drop(&waiting.item, Count::Unwanted);
        }
        if self.channels.is_empty() {
            self.channels.shrink_to(KEPT_CHANNELS);
        }
    }

    /// An item was published.
    pub fn publish(&mut self, now: Time, item: Arc<Item>, out: &mut Out<'_>) {
        let id = item.id.as_deref();
        if id.is_some_and(|id| self.seen.knows(now, &item.channel, id)) {
            return out.drop(&item, Count::DuplicateItem);
        }
        let Some(sequence) = self.channels.get(item.channel.as_str()) else {
            return out.item(item, false);
        };
        if item.no_seq {
            self.remember(now, &item);
            out.item(item, false);
        } else if sequence.as_ref().is_none_or(|sequence| sequence.continues_with(&item)) {
            self.release(now, item, out);
        } else {
            self.hold_back(now, item, out);
        }
    }

    /// The channel's last id is not to be relied on, if it is still this one (REL-1, REL-3).
    pub fn forget(&mut self, channel: &str, id: &str, out: &mut Out<'_>) {
        let last = self.sequence(channel).and_then(|sequence| sequence.last.as_ref());
        if last.is_some_and(|last| last.id == id) {
            self.unset_last(channel, out);
        }
    }

    /// No last id is to be relied on (REC-7).
    pub fn forget_all(&mut self) {
        while let Some(channel) = self.recent.pop() {
            if let Some(sequence) = self.sequence(&channel) {
                sequence.last = None;
            }
        }
    }

    /// When `expire` has something to do next.
    pub fn deadline(&self) -> Option<Time> {
        self.waiting.first().map(|(until, _)| *until)
    }

    /// Releases what has waited long enough, in the order in which it came (SEQ-6).
    pub fn expire(&mut self, now: Time, out: &mut Out<'_>) {
        let is_over =
            |(until, channel): &(Time, Arc<str>)| (*until <= now).then(|| channel.clone());
        while let Some(channel) = self.waiting.first().and_then(is_over)
            && self.release_first(now, &channel, Count::ReorderExpired, out)
        {}
    }

    fn hold_back(&mut self, now: Time, item: Arc<Item>, out: &mut Out<'_>) {
        let known = self.channels.get_mut(item.channel.as_str());
        let Some(sequence) = known.and_then(|known| known.as_deref_mut()) else { return };
        let (channel, bytes) = (sequence.channel.clone(), weight(&item));
        let place = self.waiting.join((now + self.bounds.wait, channel.clone()));
        sequence.waiting.push(Waiting { item, bytes, place });
        self.waiting_bytes += bytes;
        if sequence.waiting.len() > self.bounds.items {
            self.release_first(now, &channel, Count::ReorderOverflow, out);
        }
        while self.waiting_bytes > self.bounds.bytes
            && let Some((_, channel)) = self.waiting.first().cloned()
            && self.release_first(now, &channel, Count::ReorderOverflow, out)
        {}
    }

    /// Releases what has waited longest on a channel; says whether there was something.
    fn release_first(&mut self, now: Time, channel: &str, why: Count, out: &mut Out<'_>) -> bool {
        let Some(item) = self.take_waiting(channel, |_| true) else { return false };
        out.early(&item, why);
        self.release(now, item, out);
        true
    }

    /// Releases an item, and behind it what waited for it: for each item its first successor with all that
    /// comes of it, then the next, which forks off.
    fn release(&mut self, now: Time, item: Arc<Item>, out: &mut Out<'_>) {
        let channel = item.channel.clone();
        let mut trail = Vec::new();
        let mut next = Some(item);
        loop {
            match next {
                Some(item) => trail.extend(self.pass(now, item, out)),
                None => match trail.pop() {
                    Some(_) => {}
                    None => return,
                },
            }
            next = trail.last().and_then(|id: &String| {
                self.take_waiting(&channel, |item| item.prev_id.as_deref() == Some(id))
            });
        }
    }

    /// Releases one item; returns its id if others may be waiting for it.
    fn pass(&mut self, now: Time, item: Arc<Item>, out: &mut Out<'_>) -> Option<String> {
        if !self.remember(now, &item) {
            // The same was published again while this one waited.
            out.drop(&item, Count::DuplicateItem);
            return None;
        }
        out.item(item.clone(), true);
        match &item.id {
            Some(id) => self.set_last(&item.channel, id, out),
            // It is no news to the shards: the item itself tells them.
            None => drop(self.take_last(&item.channel)),
        }
        let sequence = self.sequence(&item.channel)?;
        item.id.clone().filter(|_| !sequence.waiting.is_empty())
    }

    /// Takes out the first waiting item that `is_it`.
    fn take_waiting(&mut self, channel: &str, is_it: impl Fn(&Item) -> bool) -> Option<Arc<Item>> {
        let sequence = self.sequence(channel)?;
        let at = sequence.waiting.iter().position(|waiting| is_it(&waiting.item))?;
        let waiting = sequence.waiting.remove(at);
        if sequence.waiting.is_empty() {
            sequence.waiting = Vec::new();
        }
        self.waiting.leave(waiting.place);
        self.waiting_bytes = self.waiting_bytes.saturating_sub(waiting.bytes);
        Some(waiting.item)
    }

    /// Says whether the item is new.
    fn remember(&mut self, now: Time, item: &Item) -> bool {
        item.id.as_ref().is_none_or(|id| self.seen.admit(now, &item.channel, id))
    }

    fn set_last(&mut self, channel: &str, id: &str, out: &mut Out<'_>) {
        let Some(sequence) = self.channels.get_mut(channel) else { return };
        let sequence = sequence.get_or_insert_with(|| Box::new(Sequence::of(channel)));
        let mut last = match sequence.last.take() {
            Some(last) => {
                self.recent.leave(last.place);
                last.id
            }
            None => String::new(),
        };
        id.clone_into(&mut last);
        let place = self.recent.join(sequence.channel.clone());
        sequence.last = Some(Last { id: last, place });
        if self.recent.len() > self.bounds.last_ids
            && let Some(oldest) = self.recent.first().cloned()
        {
            out.counters.bump(Count::LastIdEvicted);
            self.unset_last(&oldest, out);
        }
    }

    fn unset_last(&mut self, channel: &str, out: &mut Out<'_>) {
        if let Some(channel) = self.take_last(channel) {
            out.release(Release::Forget { channel });
        }
    }

    /// Forgets the channel's last id; returns the channel if it had one.
    fn take_last(&mut self, channel: &str) -> Option<Arc<str>> {
        let last = self.sequence(channel)?.last.take()?;
        self.recent.leave(last.place)
    }

    fn sequence(&mut self, channel: &str) -> Option<&mut Sequence> {
        self.channels.get_mut(channel)?.as_deref_mut()
    }
}

impl Sequence {
    /// One that begins.
    fn of(channel: &str) -> Self {
        Self { channel: channel.into(), last: None, waiting: Vec::new() }
    }

    /// Whether the item can go out now (SEQ-3).
    fn continues_with(&self, item: &Item) -> bool {
        match (&self.last, &item.prev_id) {
            (Some(last), Some(prev_id)) => last.id == *prev_id,
            (None, _) | (_, None) => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ground::Counters;

    #[test]
    fn channels_that_nobody_subscribes_to_any_more_keep_no_room() {
        const MANY: usize = 10 * KEPT_CHANNELS;
        let mut order = Order::new(&Limits::default(), Seed(1));
        let (mut actions, mut counters) = (Vec::new(), Counters::default());
        let mut out = Out { actions: &mut actions, counters: &mut counters };
        for channel in 0..MANY {
            order.open(channel.to_string().into());
        }
        assert!(order.channels.capacity() >= MANY);
        for channel in 0..MANY {
            order.close(&channel.to_string(), &mut out);
        }
        assert!(order.channels.capacity() <= 2 * KEPT_CHANNELS);
    }
}
