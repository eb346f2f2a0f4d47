//! A hierarchical timer wheel, one timer a slot, all links in one vector: arming and disarming are O(1)
//! and allocate nothing once the vector has grown.
//!
//! A deadline is rounded up to the next tick of about 4.2 ms, so a timer never fires early.

use super::Time;

const TICK_NANOS: u64 = 1 << 22;
const BITS: u32 = 6;
const BUCKETS: usize = 1 << BITS;
/// Enough levels for every tick that a `u64` of nanoseconds can name.
const LEVELS: usize = 7;
const LAST_TICK: u64 = (1 << (BITS * LEVELS as u32)) - 1;
const NIL: u32 = u32::MAX;

/// The timers of one engine, keyed by connection slot.
#[derive(Debug)]
pub struct Wheel {
    nodes: Vec<Node>,
    heads: [[u32; BUCKETS]; LEVELS],
    occupied: [u64; LEVELS],
    now: u64,
    armed: usize,
}

#[derive(Clone, Copy, Debug)]
struct Node {
    tick: u64,
    prev: u32,
    next: u32,
    home: Option<Home>,
}

#[derive(Clone, Copy, Debug)]
struct Home {
    level: u8,
    bucket: u8,
}

impl Default for Wheel {
    fn default() -> Self {
        Self {
            nodes: Vec::new(),
            heads: [[NIL; BUCKETS]; LEVELS],
            occupied: [0; LEVELS],
            now: 0,
            armed: 0,
        }
    }
}

impl Wheel {
    /// A wheel with nothing armed.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many timers are armed.
    pub fn len(&self) -> usize {
        self.armed
    }

    /// Whether no timer is armed.
    pub fn is_empty(&self) -> bool {
        self.armed == 0
    }

    /// How many slots there is room for.
    pub fn slots(&self) -> usize {
        self.nodes.len()
    }

    /// Whether the timer of `slot` is armed.
    pub fn is_armed(&self, slot: u32) -> bool {
        self.nodes.get(slot as usize).is_some_and(|node| node.home.is_some())
    }

    /// When the timer of `slot` fires, if it is armed.
    pub fn armed(&self, slot: u32) -> Option<Time> {
        let node = self.nodes.get(slot as usize).filter(|node| node.home.is_some())?;
        Some(Time::from_nanos(node.tick.saturating_mul(TICK_NANOS)))
    }

    /// Arms the timer of `slot`, replacing what was armed there.
    pub fn arm(&mut self, slot: u32, at: Time) {
        self.disarm(slot);
        let index = slot as usize;
        if self.nodes.len() <= index {
            self.nodes.resize(index + 1, Node { tick: 0, prev: NIL, next: NIL, home: None });
        }
        self.nodes[index].tick = at.as_nanos().div_ceil(TICK_NANOS).clamp(self.now, LAST_TICK);
        self.link(slot);
    }

    /// Disarms the timer of `slot`; nothing happens if none is armed.
    pub fn disarm(&mut self, slot: u32) {
        let Some(&Node { prev, next, home: Some(home), .. }) = self.nodes.get(slot as usize) else {
            return;
        };
        let (level, bucket) = (usize::from(home.level), usize::from(home.bucket));
        match prev {
            NIL => self.heads[level][bucket] = next,
            prev => self.nodes[prev as usize].next = next,
        }
        if next != NIL {
            self.nodes[next as usize].prev = prev;
        }
        if self.heads[level][bucket] == NIL {
            self.occupied[level] &= !(1 << bucket);
        }
        self.nodes[slot as usize].home = None;
        self.armed -= 1;
    }

    /// Gives back memory that a past peak left behind, if no timer is armed.
    pub fn shrink(&mut self) {
        if self.is_empty() {
            self.nodes = Vec::new();
        }
    }

    /// When [`Self::expire`] has work next: the first deadline, or an earlier time at which far timers
    /// move closer.
    pub fn next(&self) -> Option<Time> {
        let (_, _, tick) = self.first()?;
        Some(Time::from_nanos(tick.saturating_mul(TICK_NANOS)))
    }

    /// Moves to `now` and appends every slot whose time has come, disarmed, to `due`.
    pub fn expire(&mut self, now: Time, due: &mut Vec<u32>) {
        let target = now.as_nanos() / TICK_NANOS;
        while let Some((level, bucket, tick)) = self.first().filter(|&(_, _, tick)| tick <= target)
        {
            self.now = self.now.max(tick);
            loop {
                let slot = self.heads[level][bucket];
                if slot == NIL {
                    break;
                }
                self.disarm(slot);
                if level == 0 {
                    due.push(slot);
                } else {
                    self.link(slot);
                }
            }
        }
        self.now = self.now.max(target);
    }

    /// The first occupied bucket and the tick at which it begins. A lower level is always earlier.
    fn first(&self) -> Option<(usize, usize, u64)> {
        if self.is_empty() {
            return None;
        }
        let level = self.occupied.iter().position(|&bits| bits != 0)?;
        let bucket = self.occupied[level].trailing_zeros() as usize;
        let shift = BITS * level as u32;
        let block = (self.now >> shift) & !(BUCKETS as u64 - 1);
        Some((level, bucket, (block | bucket as u64) << shift))
    }

    fn link(&mut self, slot: u32) {
        let tick = self.nodes[slot as usize].tick;
        // The highest bit in which the tick differs from now decides the level, so all buckets of a
        // level lie in the same turn and ahead of now.
        let differing = (self.now ^ tick) | (BUCKETS as u64 - 1);
        let level = ((63 - differing.leading_zeros()) / BITS) as usize;
        let bucket = ((tick >> (BITS * level as u32)) & (BUCKETS as u64 - 1)) as usize;
        let head = self.heads[level][bucket];
        if head != NIL {
            self.nodes[head as usize].prev = slot;
        }
        let home = Some(Home { level: level as u8, bucket: bucket as u8 });
        self.nodes[slot as usize] = Node { tick, prev: NIL, next: head, home };
        self.heads[level][bucket] = slot;
        self.occupied[level] |= 1 << bucket;
        self.armed += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ground::{Rng, Seed, Span};
    use std::collections::BTreeMap;

    fn run_to(wheel: &mut Wheel, now: Time) -> Vec<u32> {
        let mut due = Vec::new();
        wheel.expire(now, &mut due);
        due
    }

    #[test]
    fn fires_at_the_deadline_and_never_before() {
        let mut wheel = Wheel::new();
        let at = Time::ZERO + Span::from_secs(55);
        wheel.arm(4, at);
        assert!(
            wheel.armed(4).is_some_and(|fires| at <= fires && fires < at + Span::from_millis(5))
        );
        assert_eq!(
            run_to(&mut wheel, Time::from_nanos(at.as_nanos() - 1_000_000)),
            Vec::<u32>::new()
        );
        assert_eq!(run_to(&mut wheel, at + Span::from_millis(5)), [4]);
        assert!(wheel.is_empty() && wheel.next().is_none());
    }

    #[test]
    fn agrees_with_a_sorted_map() {
        let mut rng = Rng::new(Seed(11));
        let (mut wheel, mut model) = (Wheel::new(), BTreeMap::new());
        let mut now = Time::ZERO;
        for _ in 0..20_000 {
            let slot = rng.below(50) as u32;
            match rng.below(4) {
                0 => {
                    wheel.disarm(slot);
                    model.remove(&slot);
                }
                1 | 2 => {
                    let magnitude = rng.below(24);
                    let span = Span::from_millis(rng.below(1 << magnitude));
                    wheel.arm(slot, now + span);
                    model.insert(slot, (now + span).as_nanos().div_ceil(TICK_NANOS));
                }
                _ => {
                    now = wheel.next().unwrap_or(now).max(now);
                    let mut due = run_to(&mut wheel, now);
                    due.sort_unstable();
                    let tick = now.as_nanos() / TICK_NANOS;
                    let mut expected: Vec<_> =
                        model.iter().filter(|(_, t)| **t <= tick).map(|(s, _)| *s).collect();
                    expected.sort_unstable();
                    model.retain(|_, t| *t > tick);
                    assert_eq!(due, expected);
                }
            }
            assert_eq!(wheel.len(), model.len());
        }
    }

    #[test]
    fn far_and_past_deadlines_are_fine() {
        let mut wheel = Wheel::new();
        wheel.arm(0, Time::from_nanos(u64::MAX));
        run_to(&mut wheel, Time::ZERO + Span::from_secs(100));
        wheel.arm(1, Time::ZERO);
        assert_eq!(run_to(&mut wheel, Time::ZERO + Span::from_secs(100)), [1]);
        assert_eq!(wheel.len(), 1);
    }
}
