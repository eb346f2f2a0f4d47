//! How fast deliveries leave: in ticks, the lanes by turns, and so many items waiting and no more (RATE-1 to
//! RATE-3).

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::vec;

use super::weight::weight;
use crate::channel::{Full, Lane};
use crate::ground::{ConnId, Limits, Span, Time};
use crate::publish::Item;

/// Gives out how much may leave: so much a second, a fortieth of it every 25 milliseconds.
#[derive(Debug, Default)]
pub struct Ticks {
    /// What may still leave in this tick. What was too heavy for one tick is owed by the next.
    left: i64,
    /// When the next tick begins.
    next: Time,
}

impl Ticks {
    /// How much may leave now. After a pause a tick begins at once.
    pub fn open(&mut self, now: Time, per_second: u32) -> u64 {
        if now >= self.next {
            let (span, quota) = tick(per_second);
            let missed = now.since(self.next).as_nanos() / span.as_nanos();
            let credit = i64::try_from(missed).unwrap_or(i64::MAX).saturating_add(1);
            self.left = self.left.saturating_add(quota.saturating_mul(credit)).min(quota);
            let from = if missed == 0 { self.next } else { now };
            self.next = from + span;
        }
        u64::try_from(self.left).unwrap_or(0)
    }

    /// So much has left.
    pub fn spend(&mut self, weight: u64) {
        self.left = self.left.saturating_sub_unsigned(weight);
    }

    /// When there is more, once all is spent.
    pub fn next(&self) -> Time {
        self.next
    }
}

/// How long a tick is, and what may leave in it. Below forty a second, one thing does.
fn tick(per_second: u32) -> (Span, i64) {
    const A_SECOND: u32 = 40;
    let per_second = per_second.max(1);
    let nanos = 1_000_000_000 / u64::from(per_second.min(A_SECOND));
    (Span::from_nanos(nanos), per_second.div_ceil(A_SECOND).into())
}

/// Items whose deliveries wait: a queue for each lane (RATE-2).
#[derive(Debug, Default)]
pub struct Backlog {
    lanes: BTreeMap<Lane, Queue>,
    /// The lanes that have something, in the order of their turns.
    turns: VecDeque<Lane>,
    bytes: usize,
}

#[derive(Debug, Default)]
struct Queue {
    items: VecDeque<Arc<Item>>,
    begun: Option<FanOut>,
}

/// An item on its way to the receivers of a lane.
#[derive(Debug)]
pub struct FanOut {
    /// The item.
    pub item: Arc<Item>,
    /// Who is still to get it; `None`: it has not begun.
    pub receivers: Option<vec::IntoIter<ConnId>>,
}

impl Backlog {
    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.turns.is_empty()
    }

    /// How many lanes have something.
    pub fn lanes(&self) -> usize {
        self.turns.len()
    }

    /// An item waits for its turn in a lane. It counts once, however many get it: a fan-out that has begun is
    /// never cut short (RATE-3).
    pub fn push(&mut self, lane: Lane, item: &Arc<Item>, limits: &Limits) -> Result<(), Full> {
        let waiting = self.lanes.get(&lane).map_or(0, |queue| queue.items.len());
        let bytes = self.bytes.saturating_add(weight(item));
        if bytes > limits.paced_bytes || limits.message_hwm.is_some_and(|most| waiting >= most) {
            return Err(Full);
        }
        self.bytes = bytes;
        let queue = self.lanes.entry(lane).or_insert_with(|| {
            self.turns.push_back(lane);
            Queue::default()
        });
        queue.items.push_back(item.clone());
        Ok(())
    }

    /// Takes what the lane whose turn it is has first. The lane waits until that is put back.
    pub fn take(&mut self) -> Option<(Lane, FanOut)> {
        let lane = self.turns.pop_front()?;
        let queue = self.lanes.get_mut(&lane)?;
        let begin = |item: Arc<Item>| {
            self.bytes = self.bytes.saturating_sub(weight(&item));
            FanOut { item, receivers: None }
        };
        let first = queue.begun.take().or_else(|| queue.items.pop_front().map(begin))?;
        Some((lane, first))
    }

    /// Ends the turn of a lane, with what is left of its fan-out.
    pub fn put_back(&mut self, lane: Lane, rest: Option<FanOut>) {
        let Some(queue) = self.lanes.get_mut(&lane) else { return };
        queue.begun = rest;
        if queue.begun.is_none() && queue.items.is_empty() {
            self.lanes.remove(&lane);
        } else {
            self.turns.push_back(lane);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Time {
        Time::ZERO + Span::from_secs(5) + Span::from_millis(millis)
    }

    /// Spends all there is, and says how much that was.
    fn drain(ticks: &mut Ticks, millis: u64, per_second: u32) -> u64 {
        let open = ticks.open(at(millis), per_second);
        ticks.spend(open);
        open
    }

    #[test]
    fn rate_1_a_fortieth_of_the_rate_every_25_milliseconds_and_at_once_after_a_pause() {
        let mut ticks = Ticks::default();
        let open: Vec<_> = [0, 1, 24, 25, 26, 51, 75].map(|ms| drain(&mut ticks, ms, 2500)).into();
        assert_eq!(open, [63, 0, 0, 63, 0, 63, 63], "a late tick does not delay the next");
        assert_eq!(drain(&mut ticks, 10_000, 2500), 63, "a pause saves nothing up");
        assert_eq!(ticks.next(), at(10_025));
    }

    #[test]
    fn rate_1_slow_rates_send_one_at_a_time() {
        let mut ticks = Ticks::default();
        assert_eq!([0, 499, 500, 999].map(|ms| drain(&mut ticks, ms, 2)), [1, 0, 1, 0]);
    }

    #[test]
    fn rate_5_what_is_too_heavy_for_a_tick_is_owed_by_the_next() {
        let mut ticks = Ticks::default();
        assert_eq!(ticks.open(at(0), 400), 10);
        ticks.spend(25);
        assert_eq!([1, 25, 50, 75].map(|ms| drain(&mut ticks, ms, 400)), [0, 0, 5, 10]);
        ticks.spend(25);
        assert_eq!(ticks.open(at(5000), 400), 10, "a pause pays it off");
    }

    fn item(id: &str) -> Arc<Item> {
        Arc::new(Item { id: Some(id.to_owned()), ..Item::default() })
    }

    #[test]
    fn rate_2_lanes_take_turns_and_each_keeps_its_order() {
        let (mut backlog, limits) = (Backlog::default(), Limits::default());
        let other = Lane(1);
        for (lane, id) in [(Lane::COMMON, "1"), (Lane::COMMON, "2"), (other, "3"), (other, "4")] {
            backlog.push(lane, &item(id), &limits).expect("room");
        }
        let mut ids = Vec::new();
        while let Some((lane, first)) = backlog.take() {
            ids.push(first.item.id.clone().unwrap_or_default());
            backlog.put_back(lane, None);
        }
        assert_eq!(ids, ["1", "3", "2", "4"]);
        assert!(backlog.is_empty() && backlog.lanes.is_empty() && backlog.bytes == 0);
    }

    #[test]
    fn rate_3_items_are_bounded_in_number_and_bytes_and_what_has_begun_goes_on() {
        let mut backlog = Backlog::default();
        let limits = Limits { message_hwm: Some(1), ..Limits::default() };
        assert_eq!(backlog.push(Lane::COMMON, &item("1"), &limits), Ok(()));
        assert_eq!(backlog.push(Lane::COMMON, &item("2"), &limits), Err(Full));
        let (lane, mut first) = backlog.take().expect("one");
        first.receivers = Some(Vec::new().into_iter());
        backlog.put_back(lane, Some(first));
        assert_eq!(backlog.push(Lane::COMMON, &item("2"), &limits), Ok(()), "one is on its way");
        let begun = backlog.take().expect("one").1;
        assert_eq!((begun.item.id.as_deref(), begun.receivers.is_some()), (Some("1"), true));

        let limits = Limits { paced_bytes: weight(&item("1")), ..Limits::default() };
        let mut backlog = Backlog::default();
        assert_eq!(backlog.push(Lane::COMMON, &item("1"), &limits), Ok(()));
        assert_eq!(backlog.push(Lane(1), &item("2"), &limits), Err(Full), "bytes are for all");
    }
}
