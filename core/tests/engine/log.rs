//! A backend with a log, publishes that come in order, twice, late or never, calls that fail, slow clients: whoever
//! follows the rules sees every entry of the log once and in order, and all of it when it is quiet.

use std::collections::{BTreeMap, VecDeque};

use crate::shard::{Did, Shard, conn, item};
use bytes::Bytes;
use holdfast_core::engine::{Event, OriginFault};
use holdfast_core::ground::{Count, Rng, Seed, Span};
use holdfast_core::message::{BodySize, ResponseHead};
use holdfast_core::publish::Release;

#[test]
fn rel_nothing_is_lost_doubled_or_out_of_order() {
    let mut seen = [0; 4];
    for seed in 0..250 {
        let mut world = World::new(seed);
        for _ in 0..300 {
            world.step();
        }
        world.quiet();
        for (what, seen) in [Count::Gap, Count::KnownItem, Count::PagesShared, Count::Lagged]
            .into_iter()
            .zip(&mut seen)
        {
            *seen += world.shard.count(what);
        }
        for client in world.clients {
            assert_eq!(client.got, world.log, "seed {seed}: {client:?} has all");
        }
    }
    assert!(seen.iter().all(|seen| *seen > 100), "it was no walk in the park: {seen:?}");
}

/// Streams first, then polls.
const STREAMS: usize = 3;
const CLIENTS: usize = 5;

struct World {
    shard: Shard,
    rng: Rng,
    /// The backend's log has the entries from 1 up to this.
    log: u32,
    clients: [Client; CLIENTS],
    /// Answers under way to clients' requests, by slot, and to calls, by number.
    origins: BTreeMap<u32, Answer>,
    calls: BTreeMap<usize, Answer>,
    /// Items on their way, those in order and those that come when they come.
    wire: VecDeque<u32>,
    late: Vec<u32>,
    /// The last id as the hub knows it, and what it has yet to tell.
    last: Option<u32>,
    forgets: usize,
}

#[derive(Clone, Copy, Default, Debug)]
struct Client {
    /// It has the entries up to this.
    got: u32,
    busy: bool,
    begun: bool,
    slow: bool,
}

/// What a backend says, as it was when it was asked.
struct Answer {
    head: Option<ResponseHead>,
    entries: VecDeque<u32>,
    /// How it is read, once the engine has said so.
    reads: Option<Reads>,
}

#[derive(Clone, Copy)]
enum Reads {
    Whole,
    Pieces,
}

impl World {
    fn new(seed: u64) -> Self {
        let mut rng = Rng::new(Seed(seed));
        let shard = Shard::with("* localhost:80", |limits| {
            limits.backlog_bytes = 100;
            limits.waiting_bytes = 500;
            limits.shared_page_bytes = 1 + rng.below(40) as usize;
            limits.recoveries_per_second = 50;
            limits.recovery_calls = 3;
        });
        Self {
            shard,
            rng,
            log: 0,
            clients: [Client::default(); CLIENTS],
            origins: BTreeMap::new(),
            calls: BTreeMap::new(),
            wire: VecDeque::new(),
            late: Vec::new(),
            last: None,
            forgets: 0,
        }
    }

    /// Anything may happen.
    fn step(&mut self) {
        match self.rng.below(100) {
            0..20 => self.publish(),
            20..24 => self.fail(),
            24..27 => self.slow(),
            27..30 => self.leave(),
            30..36 => {
                let span = Span::from_millis(self.rng.below(4000));
                let did = self.shard.wait(span);
                self.take(did);
            }
            _ => self.go_on(),
        }
    }

    /// Nothing fails any more and nothing is published, and time goes by.
    fn quiet(&mut self) {
        for slot in 0..CLIENTS {
            self.drained(slot);
        }
        for _ in 0..30 {
            for _ in 0..300 {
                self.go_on();
            }
            let did = self.shard.wait(Span::from_secs(5));
            self.take(did);
        }
    }

    /// Another entry, and what becomes of the news.
    fn publish(&mut self) {
        self.log += 1;
        match self.rng.below(10) {
            0 => {}
            1 => self.late.push(self.log),
            2 => self.wire.extend([self.log; 2]),
            _ => self.wire.push_back(self.log),
        }
    }

    /// Something that is under way moves on.
    fn go_on(&mut self) {
        match self.rng.below(6) {
            0 => self.ask(),
            1 => self.answer_client(),
            2 | 3 => self.answer_call(),
            4 => self.deliver(),
            _ => self.tell_last(),
        }
    }

    fn ask(&mut self) {
        let slot = self.rng.below(CLIENTS as u64) as usize;
        if self.clients[slot].busy {
            return;
        }
        self.clients[slot].busy = true;
        let target = match slot < STREAMS {
            true => format!("/feed?after={}", self.clients[slot].got),
            false => format!("/poll?after={}", self.clients[slot].got),
        };
        let did = self.shard.get(slot as u32, &target);
        self.origins.insert(slot as u32, self.backend(&target, self.clients[slot].got));
        self.take(did);
    }

    /// What the backend says to whoever has the entries up to `after`.
    fn backend(&self, target: &str, after: u32) -> Answer {
        let mut head = ResponseHead::new(http::StatusCode::OK);
        let channel = format!("a; prev-id={}", self.log);
        let link = format!("</feed?after={}>; rel=next; timeout=20", self.log);
        let mut say = |name: &'static str, value: &str| head.fields.push(name, value.to_owned());
        if target.starts_with("/feed") {
            say("Grip-Hold", "stream");
            say("Grip-Channel", &channel);
            say("Grip-Link", &link);
            say("Cache-Control", "public");
        } else if after == self.log {
            say("Grip-Hold", "response");
            say("Grip-Channel", &channel);
            say("Grip-Timeout", "10");
        }
        Answer { head: Some(head), entries: (after + 1..=self.log).collect(), reads: None }
    }

    fn answer_client(&mut self) {
        let Some(slot) = pick(&mut self.rng, self.origins.keys().copied()) else { return };
        let Some(answer) = self.origins.get_mut(&slot) else { return };
        let conn = conn(slot);
        let event = match (answer.head.take(), answer.reads) {
            (Some(head), _) => Event::OriginHead { conn, head, body: BodySize::Unknown },
            (None, None) => return,
            (None, Some(reads)) => {
                let (data, end) = answer.read(reads);
                if end {
                    self.origins.remove(&slot);
                }
                Event::OriginData { conn, data, end }
            }
        };
        let did = self.shard.handle(event);
        self.take(did);
    }

    fn answer_call(&mut self) {
        let Some(number) = pick(&mut self.rng, self.calls.keys().copied()) else { return };
        let Some(answer) = self.calls.get_mut(&number) else { return };
        let call = self.shard.call_id(number);
        let event = match (answer.head.take(), answer.reads.take()) {
            (Some(head), _) => Event::CallHead { call, head, body: BodySize::Unknown },
            (None, None) => return,
            (None, Some(reads)) => {
                let (data, mut end) = answer.read(reads);
                let too_long = self.shard.limit(number).is_some_and(|limit| data.len() > limit);
                if end {
                    self.calls.remove(&number);
                }
                end &= !too_long;
                Event::CallData { call, data, end }
            }
        };
        let did = self.shard.handle(event);
        self.take(did);
    }

    fn deliver(&mut self) {
        let late = self.rng.one_in(4) && !self.late.is_empty();
        let id = match late {
            true => self.late.pop(),
            false => self.wire.pop_front(),
        };
        let Some(id) = id.or_else(|| self.late.pop()) else { return };
        self.last = Some(id);
        let json = item("a", &id.to_string(), &(id - 1).to_string(), &format!("{id} "));
        let did = self.shard.sequence(&json);
        self.take(did);
    }

    fn tell_last(&mut self) {
        if self.forgets > 0 {
            self.forgets -= 1;
            let did = self.shard.handle(Event::Released(Release::Forget { channel: "a".into() }));
            self.take(did);
        }
    }

    fn fail(&mut self) {
        if let Some(number) = pick(&mut self.rng, self.calls.keys().copied()) {
            self.calls.remove(&number);
            let did = self.shard.call_failed(number, OriginFault::Broken);
            self.take(did);
        }
        if self.rng.one_in(3)
            && let Some(slot) = pick(&mut self.rng, self.origins.keys().copied())
        {
            self.origins.remove(&slot);
            let did = self.shard.failed(slot, OriginFault::Broken);
            self.take(did);
        }
    }

    /// A client stops reading, or goes on.
    fn slow(&mut self) {
        let slot = self.rng.below(STREAMS as u64) as usize;
        if self.clients[slot].slow {
            return self.drained(slot);
        }
        if self.clients[slot].begun {
            self.clients[slot].slow = true;
            let bytes = 1 + self.rng.below(200);
            let did = self.shard.backlog(slot as u32, bytes);
            self.take(did);
        }
    }

    fn drained(&mut self, slot: usize) {
        if core::mem::take(&mut self.clients[slot].slow) {
            let did = self.shard.backlog(slot as u32, 0);
            self.take(did);
        }
    }

    fn leave(&mut self) {
        let slot = self.rng.below(CLIENTS as u64) as usize;
        if self.clients[slot].busy {
            self.ended(slot as u32);
            let did = self.shard.gone(slot as u32);
            self.take(did);
        }
    }

    fn ended(&mut self, slot: u32) {
        self.origins.remove(&slot);
        let client = &mut self.clients[slot as usize];
        (client.busy, client.begun, client.slow) = (false, false, false);
    }

    /// What the engine did reaches clients and backend.
    fn take(&mut self, did: Vec<Did>) {
        for did in did {
            match did {
                Did::Forward(..) | Did::Interest(..) => {}
                Did::Begin(slot, _) => self.clients[slot as usize].begun = true,
                Did::Relay(slot, _) => {
                    let entries = self.origins.remove(&slot).map(|answer| answer.entries);
                    for entry in entries.into_iter().flatten() {
                        self.gets(slot, &entry.to_string());
                    }
                    self.ended(slot);
                }
                Did::Collect(slot) => self.read_origin(slot, Reads::Whole),
                Did::Stream(slot) => self.read_origin(slot, Reads::Pieces),
                Did::DropOrigin(slot) => drop(self.origins.remove(&slot)),
                Did::Respond(slot, status, text) => {
                    if status == 200 {
                        self.gets(slot, &text);
                    }
                    self.ended(slot);
                }
                Did::Write(slot, text) => self.gets(slot, &text),
                Did::Finish(slot) | Did::Abort(slot) => self.ended(slot),
                Did::Call(number, what) => {
                    let answer =
                        self.backend(what.split(' ').nth(1).expect("a target"), after(&what));
                    self.calls.insert(number, answer);
                }
                Did::ReadWhole(number) => self.read_call(number, Reads::Whole),
                Did::ReadPiece(number) => self.read_call(number, Reads::Pieces),
                Did::DropCall(number) => drop(self.calls.remove(&number)),
                Did::Forget(_, id) => {
                    if self.last.is_some_and(|last| last.to_string() == id) {
                        self.last = None;
                        self.forgets += 1;
                    }
                }
                Did::Reached(_) => panic!("nobody wants to know"),
                Did::Socket(..) => panic!("nobody asked for a WebSocket"),
            }
        }
    }

    fn read_origin(&mut self, slot: u32, reads: Reads) {
        self.origins.get_mut(&slot).expect("an answer under way").reads = Some(reads);
    }

    fn read_call(&mut self, number: usize, reads: Reads) {
        self.calls.get_mut(&number).expect("a call under way").reads = Some(reads);
    }

    fn gets(&mut self, slot: u32, text: &str) {
        let client = &mut self.clients[slot as usize];
        for entry in text.split_whitespace() {
            client.got += 1;
            assert_eq!(entry, client.got.to_string(), "{slot} gets the next entry");
        }
    }
}

impl Answer {
    /// The next bytes of the body, and whether they are the last.
    fn read(&mut self, reads: Reads) -> (Bytes, bool) {
        let count = match reads {
            Reads::Whole => self.entries.len(),
            Reads::Pieces => self.entries.len().min(1),
        };
        let read = self.entries.drain(..count).map(|entry| format!("{entry} ")).collect::<String>();
        (read.into(), matches!(reads, Reads::Whole) || count == 0)
    }
}

/// The position that a call tells: what its session has; or else what the client had.
fn after(what: &str) -> u32 {
    let said = match what.split_once("last-id=") {
        Some((_, id)) => id.trim_end_matches(')'),
        None => what.split_once("after=").expect("a cursor").1,
    };
    said.parse().expect("a number")
}

fn pick<T>(rng: &mut Rng, from: impl ExactSizeIterator<Item = T>) -> Option<T> {
    let (count, mut from) = (from.len() as u64, from);
    if count == 0 { None } else { from.nth(rng.below(count) as usize) }
}
