//! The engine, driven by whatever comes: requests, origins, items, clients and time in any order
//! that the contract allows, and events for those who are gone as well.
//!
//! The input is a list of operations, three bytes each: a letter, a place, and what it is about.

use core::ops::Range;
use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;
use holdfast_core::engine::{
    Action, Actions, ClientGone, Config, Engine, Event, FanoutShape, OriginFault, Request,
};
use holdfast_core::ground::{ConnId, Limits, Seed, ShardId, Span, Time, UnixTime};
use holdfast_core::message::{BodySize, Fields, RequestHead, ResponseHead, Version};
use holdfast_core::publish::{Item, parse_items};
use holdfast_core::route::parse_routes;
use http::{Method, StatusCode};

/// Operations, after each of which the engine's state must be whole and its actions must make
/// sense.
pub fn operations(data: &[u8]) {
    let mut shard = Shard::new();
    for operation in data.chunks_exact(3) {
        if let Some(event) = shard.event(operation[0], operation[1] & 7, operation[2]) {
            shard.tell(event);
        }
    }
    for slot in 0..SLOTS {
        shard.tell(Event::Gone { conn: shard.conn(slot), why: ClientGone::Left });
    }
    assert_eq!(shard.engine.exchanges(), 0, "nobody is left");
    assert!(CHANNELS.iter().all(|channel| shard.engine.subscribers(channel) == 0));
    assert_eq!(shard.engine.deadline(), None);
}

const SLOTS: u8 = 8;
const CHANNELS: [&str; 3] = ["p-a", "p-b", "extra"];

const ROUTES: &str = "*,prefix=p- one:80 two:80,sub=extra\n*,path_beg=/test/ test\n\
    *,path_beg=/plain,no_grip one:80\n";

const TARGETS: [&str; 6] =
    ["/", "/test/response?channel=p-a", "/test/stream?channel=p-b", "/plain", "http://[", "*"];

/// The fields of answers.
const ANSWERS: [&[(&str, &str)]; 10] = [
    &[],
    &[("Grip-Hold", "response"), ("Grip-Channel", "a")],
    &[("Grip-Hold", "response"), ("Grip-Channel", "b, a"), ("Grip-Timeout", "7")],
    &[("Grip-Hold", "stream"), ("Grip-Channel", "a")],
    &[("Grip-Hold", "stream"), ("Grip-Channel", "b, a, c, d")],
    &[
        ("Grip-Hold", "stream"),
        ("Grip-Channel", "a"),
        ("Grip-Keep-Alive", "k; timeout=2; mode=interval"),
    ],
    &[("Grip-Hold", "stream"), ("Grip-Channel", "b"), ("Grip-Keep-Alive", "k; timeout=3")],
    &[("Grip-Hold", "else")],
    &[("Grip-Channel", "a"), ("Grip-Status", "204")],
    &[("Content-Type", "application/grip-instruct")],
];

/// Bodies of answers.
const BODIES: [&str; 5] = [
    "",
    "first",
    r#"{"hold": {"mode": "stream", "channels": [{"name": "a"}], "keep-alive": {"content": "k"}}}"#,
    r#"{"hold": {"channels": [{"name": "a"}, {"name": "b"}]}, "response": {"body": "none"}}"#,
    "{\"longer\": \"than what is read of an instruct, so that it is refused for its size alone. \
        However much it says, nobody will listen to it, for there is a limit to everything.\"}",
];

/// What is published.
const FORMATS: [&str; 7] = [
    r#""http-stream": {"content": "item"}"#,
    r#""http-response": {"body": "item"}"#,
    r#""http-stream": {"content": "item"}, "http-response": {"body": "item"}"#,
    r#""http-stream": {"action": "close"}"#,
    r#""http-stream": {"action": "hint"}, "http-response": {"action": "close"}"#,
    r#""http-stream": {"content": ""}"#,
    r#""ws-message": {"content": "item"}"#,
];

struct Shard {
    engine: Engine,
    config: Arc<Config>,
    now: Time,
    /// Exchanges that the engine has, by their slots.
    engaged: BTreeSet<u8>,
    /// Those of them whose response has begun.
    begun: BTreeSet<u8>,
    generations: [u32; SLOTS as usize],
    actions: Actions,
}

impl Shard {
    fn new() -> Self {
        let limits = Limits {
            backlog_bytes: 100,
            channels_per_hold: 3,
            instruct_bytes: 120,
            hold_timeout_min: Span::from_secs(2),
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
            actions: Actions::new(),
        }
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
            b'H' => {
                let mut head = ResponseHead::new(StatusCode::OK);
                head.fields = pick(&ANSWERS, what).iter().copied().collect();
                Event::OriginHead { conn, head, body: BodySize::Unknown }
            }
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
            b'P' => Event::Deliver { item: Arc::new(item(slot, what)) },
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
            Action::Interest { channel, .. } => assert!(!channel.is_empty()),
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

fn item(channel: u8, format: u8) -> Item {
    let channel = pick(&CHANNELS, channel);
    let format = pick(&FORMATS, format);
    let items =
        parse_items(format!(r#"{{"items": [{{"channel": "{channel}", {format}}}]}}"#).as_bytes());
    items.expect("every format is good").remove(0)
}

fn pick<T>(choices: &[T], at: u8) -> &T {
    &choices[usize::from(at) % choices.len()]
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
                let letters = if rng.one_in(200) { b"X" } else { &b"RRRHHHDDDGSFBPPPWWC"[..] };
                data.push(letters[rng.below(letters.len() as u64) as usize]);
                data.extend([rng.below(8) as u8, rng.below(256) as u8]);
            }
            operations(&data);
        }
    }
}
