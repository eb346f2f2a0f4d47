//! The engine, driven by whatever comes: requests, origins, items, clients and time in any order
//! that the contract allows, and events for those who are gone as well. The engine's own calls are answered, in
//! pieces or whole, or fail.
//!
//! The input is a list of operations, three bytes each: a letter, a place, and what it is about.

mod calls;
mod words;

use core::ops::Range;
use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;
use calls::Calls;
use holdfast_core::engine::{
    Action, Actions, CallBody, ClientGone, Config, Engine, Event, FanoutShape, OriginFault, Request,
};
use holdfast_core::ground::{ConnId, Limits, Seed, ShardId, Span, Time, UnixTime};
use holdfast_core::message::{BodySize, Fields, RequestHead, Version};
use holdfast_core::route::parse_routes;
use http::Method;
use words::{BODIES, CHANNELS, ROUTES, TARGETS, head, pick, release};

/// Operations, after each of which the engine's state must be whole and its actions must make
/// sense.
pub fn operations(data: &[u8]) {
    let mut shard = Shard::new();
    for operation in data.chunks_exact(3) {
        let (letter, slot, what) = (operation[0], operation[1] & 7, operation[2]);
        if letter == b'O' {
            shard.open(slot, what);
        } else if let Some(event) = shard.event(letter, slot, what) {
            shard.tell(event);
        }
    }
    for slot in 0..SLOTS {
        shard.tell(Event::Gone { conn: shard.conn(slot), why: ClientGone::Left });
    }
    assert_eq!(shard.engine.exchanges(), 0, "nobody is left");
    assert!(CHANNELS.iter().all(|channel| shard.engine.subscribers(channel) == 0));
    // Farewells are under way, and channels linger.
    shard.wait(Span::from_secs(300));
    assert!(shard.calls.is_empty(), "every call has ended");
    assert_eq!(shard.engine.deadline(), None);
}

const SLOTS: u8 = 8;
struct Shard {
    engine: Engine,
    config: Arc<Config>,
    now: Time,
    /// Exchanges that the engine has, by their slots.
    engaged: BTreeSet<u8>,
    /// Those of them whose response has begun.
    begun: BTreeSet<u8>,
    generations: [u32; SLOTS as usize],
    calls: Calls,
    /// The last id of each channel.
    ids: [u8; CHANNELS.len()],
    actions: Actions,
}

impl Shard {
    fn new() -> Self {
        let limits = Limits {
            backlog_bytes: 100,
            waiting_bytes: 250,
            channels_per_hold: 3,
            instruct_bytes: 120,
            shared_page_bytes: 50,
            filter_answer_bytes: 100,
            hold_timeout_min: Span::from_secs(2),
            recoveries_per_second: 20,
            recovery_burst: 4,
            recovery_calls: 4,
            filter_calls_per_second: 20,
            farewells: 3,
            lingering_channels: 2,
            last_ids: 2,
            ..Limits::default()
        };
        let routes = parse_routes(ROUTES, &mut |path| Err(path.to_owned())).table;
        let config = Arc::new(Config { routes, limits, ..Config::default() });
        Self {
            engine: Engine::new(config.clone(), ShardId(0), Seed(1), UnixTime(1_790_000_000)),
            config,
            now: Time::ZERO,
            engaged: BTreeSet::new(),
            begun: BTreeSet::new(),
            generations: [0; SLOTS as usize],
            calls: Calls::default(),
            ids: [0; CHANNELS.len()],
            actions: Actions::new(),
        }
    }

    /// A request and the whole answer to it.
    fn open(&mut self, slot: u8, what: u8) {
        if self.engaged.contains(&slot) {
            return;
        }
        let request = self.request(slot, (what >> 3) & 1);
        self.tell(request);
        let conn = self.conn(slot);
        self.tell(Event::OriginHead { conn, head: head(what), body: BodySize::Unknown });
        let data = Bytes::from_static(pick(&BODIES, what >> 5).as_bytes());
        self.tell(Event::OriginData { conn, data, end: true });
    }

    fn event(&mut self, letter: u8, slot: u8, what: u8) -> Option<Event> {
        // Now and then somebody speaks of the one who had the place before.
        let stale = u32::from(what >= 0xf0);
        let conn = ConnId {
            generation: self.conn(slot).generation.wrapping_sub(stale),
            slot: slot.into(),
        };
        Some(match letter {
            b'R' if !self.engaged.contains(&slot) => self.request(slot, what),
            b'G' => Event::Gone { conn, why: ClientGone::Left },
            b'S' => Event::Sent { conn },
            b'H' => Event::OriginHead { conn, head: head(what), body: BodySize::Unknown },
            b'D' => {
                let data = Bytes::from_static(pick(&BODIES, what >> 1).as_bytes());
                Event::OriginData { conn, data, end: what & 1 == 1 }
            }
            b'F' => Event::OriginFailed {
                conn,
                fault: *pick(
                    &[OriginFault::Unreachable, OriginFault::Denied, OriginFault::Broken],
                    what,
                ),
            },
            b'B' => Event::Backlog { conn, bytes: what.into() },
            b'P' => Event::Released(release(slot, what, &mut self.ids)),
            b'c' => return self.calls.goes_on(slot, what),
            b'f' => return self.calls.fails(slot, what),
            b's' => return self.calls.stale(what),
            b'W' => {
                self.wait(Span::from_millis(u64::from(what) * 100));
                return None;
            }
            b'C' => Event::Reconfigure(self.config.clone()),
            b'X' => Event::Drain,
            _ => return None,
        })
    }

    fn request(&mut self, slot: u8, what: u8) -> Event {
        self.generations[usize::from(slot)] += 1;
        self.engaged.insert(slot);
        let head = RequestHead {
            method: if what & 64 == 0 { Method::GET } else { Method::HEAD },
            target: pick(&TARGETS, what).as_bytes().into(),
            version: Version::Http11,
            fields: Fields::from_iter([("Host", "h")]),
        };
        let body = if what & 32 == 0 { BodySize::Empty } else { BodySize::Known(3) };
        let request = Request { head, body, peer: None, secure: false };
        Event::Request { conn: self.conn(slot), request }
    }

    fn conn(&self, slot: u8) -> ConnId {
        ConnId { slot: slot.into(), generation: self.generations[usize::from(slot)] }
    }

    /// Time goes on, and the engine is woken whenever it wants to be.
    fn wait(&mut self, span: Span) {
        let until = self.now + span;
        while let Some((at, _)) = self.engine.deadline().filter(|(at, _)| *at <= until) {
            self.now = self.now.max(at);
            self.tell(Event::Deadline);
            assert!(self.engine.deadline().is_none_or(|(next, _)| next > at), "it has moved");
        }
        self.now = until;
    }

    fn tell(&mut self, event: Event) {
        if let Event::Gone { conn, .. } = &event
            && let Some(slot) = self.slot_of(*conn)
        {
            self.end(slot);
        }
        let mut actions = core::mem::take(&mut self.actions);
        self.engine.handle(self.now, event, &mut actions);
        for action in &actions.list {
            self.check(action, &actions.targets);
        }
        actions.clear();
        self.actions = actions;
        self.engine.audit().expect("the state is whole");
        assert_eq!(self.engine.exchanges(), self.engaged.len(), "it has those that it did not end");
    }

    /// An action is for an exchange that there is, in a state in which it means something.
    fn check(&mut self, action: &Action, targets: &[ConnId]) {
        match action {
            Action::Forward { conn, .. } | Action::Collect { conn, .. } => {
                self.live(*conn, false);
            }
            Action::DropOrigin { conn } => {
                self.slot_of(*conn).expect("an exchange that is there");
            }
            Action::Begin { conn, .. } => {
                let slot = self.live(*conn, false);
                self.begun.insert(slot);
            }
            Action::Stream { conn } | Action::Write { conn, .. } => {
                self.live(*conn, true);
            }
            Action::Relay { conn, .. } | Action::Respond { conn, .. } => {
                let slot = self.live(*conn, false);
                self.end(slot);
            }
            Action::Finish { conn } | Action::Abort { conn } => {
                let slot = self.live(*conn, true);
                self.end(slot);
            }
            Action::Fanout { shape, targets: Range { start, end }, .. } => {
                for conn in &targets[*start as usize..*end as usize] {
                    let slot = self.live(*conn, true);
                    if *shape == FanoutShape::Finish {
                        self.end(slot);
                    }
                }
            }
            Action::Interest { channel, .. } | Action::Forget { channel, .. } => {
                assert!(!channel.is_empty());
            }
            Action::Reached { .. } => panic!("nobody wants to know"),
            Action::Call { request, .. } => {
                if let CallBody::OfClient(conn) = request.body {
                    self.live(conn, false);
                }
                self.calls.check(action);
            }
            Action::ReadCall { .. } | Action::DropCall { .. } => self.calls.check(action),
            Action::Socket { .. } => panic!("nobody asked for a WebSocket"),
        }
    }

    /// The slot of an exchange that must be there, its response begun or not.
    fn live(&self, conn: ConnId, begun: bool) -> u8 {
        let slot = self.slot_of(conn).expect("an exchange that is there");
        assert_eq!(self.begun.contains(&slot), begun, "{conn}");
        slot
    }

    fn slot_of(&self, conn: ConnId) -> Option<u8> {
        let mut slots = self.engaged.iter().copied();
        slots.find(|&slot| self.conn(slot) == conn)
    }

    fn end(&mut self, slot: u8) {
        self.engaged.remove(&slot);
        self.begun.remove(&slot);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use holdfast_core::ground::Rng;

    #[test]
    fn random_operations_are_fine() {
        let mut rng = Rng::new(Seed(17));
        for _ in 0..300 {
            let mut data = Vec::new();
            for _ in 0..rng.below(300) {
                // Drains are rare, or nothing is ever held.
                let letters = if rng.one_in(200) {
                    b"X"
                } else {
                    &b"OOOOOORRHHDDGSFBBPPPPPPPPPPWWCccccccccfs"[..]
                };
                data.push(letters[rng.below(letters.len() as u64) as usize]);
                data.extend([rng.below(8) as u8, rng.below(256) as u8]);
            }
            operations(&data);
        }
    }
}
