//! What every part of a world can reach: time, the agenda, the links, and those who watch.

use holdfast_core::ground::{Rng, Seed, Span, Time};
use holdfast_core::route::{Connect, Target};

use crate::agenda::Agenda;
use crate::oracle::{Fact, Judge, Setting};
use crate::script::AskId;
use crate::swarm::Options;
use crate::talk::TalkId;
use crate::tally::Tally;
use crate::wire::{End, Ended, LinkId, Notice, Read, Wire};

/// Something that is planned.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Wake {
    /// Something is new at an end of a link: bytes, its end, or room.
    Wire(End),
    /// An attempt of the proxy to reach an origin has come to its end.
    Connected { link: LinkId, refused: bool },
    /// A link breaks.
    Snap(LinkId),
    /// A client goes on with its plan.
    Client(u32),
    /// A slow client reads.
    Reads(u32),
    /// A client may have waited for too long.
    Impatient(u32, AskId),
    /// An origin goes on with an answer.
    Origin(LinkId),
    /// A client that speaks WebSocket goes on.
    Talker(u32),
    /// A slow one reads.
    Listens(u32),
    /// One may have waited for too long for the end of its talk.
    Weary(u32, TalkId),
    /// A publisher publishes.
    Publish,
    /// Somebody writes into a journal.
    Write(u32),
    /// A publish of an entry reaches the hub.
    Arrive(u32),
    /// A release of the hub reaches a shard.
    Deliver(u16),
    /// News of a shard reach the hub.
    News(u16),
    /// The deadline of the hub.
    HubDeadline,
    /// Somebody asks for a recovery of everything.
    Recover,
    /// The deadline of an engine.
    Deadline(u16),
    /// The configuration changes.
    Reconfigure,
    /// The shards drain.
    Drain,
}

/// Who holds the peer's end of a link, and by whom the proxy's end is held.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Ends {
    Client {
        client: u32,
        shard: u16,
    },
    /// A client that speaks WebSocket.
    Talker {
        client: u32,
        shard: u16,
    },
    Origin {
        shard: u16,
        door: Door,
    },
}

/// What is behind a port of an origin.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Door {
    Http,
    /// Nothing; it refuses.
    Dead,
    /// WebSocket.
    Native,
    /// WebSocket-over-HTTP.
    Events,
}

/// How far the run is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Phase {
    /// Everybody does what they like.
    Live,
    /// Nothing new begins, nothing breaks; what is under way comes to its end.
    Resting,
    /// The clients leave.
    Leaving,
}

#[derive(Debug)]
pub(crate) struct Scene {
    pub(crate) now: Time,
    pub(crate) phase: Phase,
    pub(crate) agenda: Agenda<Wake>,
    pub(crate) options: Options,
    pub(crate) setting: Setting,
    pub(crate) tally: Tally,
    wire: Wire,
    ends: Vec<Ends>,
    judge: Judge,
    notices: Vec<Notice>,
    /// The last one that was given out.
    ticket: u64,
    rng: Rng,
}

impl Scene {
    pub(crate) fn new(options: Options, setting: Setting, seed: Seed) -> Self {
        let mut rng = Rng::new(seed);
        Self {
            now: Time::ZERO,
            phase: Phase::Live,
            agenda: Agenda::new(),
            setting,
            tally: Tally::default(),
            wire: Wire::new(options.weather, rng.fork()),
            options,
            ends: Vec::new(),
            judge: Judge::new(),
            notices: Vec::new(),
            ticket: 0,
            rng,
        }
    }

    pub(crate) fn note(&mut self, fact: &Fact<'_>) {
        self.judge.see(self.now, fact, &self.setting);
    }

    pub(crate) fn judge(&self) -> &Judge {
        &self.judge
    }

    pub(crate) fn plan(&mut self, after: Span, what: Wake) {
        self.agenda.plan(self.now + after, what);
    }

    pub(crate) fn ends(&self, link: LinkId) -> Ends {
        self.ends[link.0 as usize]
    }

    /// A client connects to a shard.
    pub(crate) fn dial_proxy(&mut self, client: u32) -> LinkId {
        self.dial(|shard| Ends::Client { client, shard })
    }

    /// A client that speaks WebSocket connects to a shard.
    pub(crate) fn dial_for_talk(&mut self, client: u32) -> LinkId {
        self.dial(|shard| Ends::Talker { client, shard })
    }

    fn dial(&mut self, ends: impl FnOnce(u16) -> Ends) -> LinkId {
        let shard = self.rng.below(u64::from(self.options.shards)) as u16;
        let rough = self.is_rough(self.options.clientele.rough_one_in);
        let link = self.open(ends(shard), rough);
        self.tally.bump("connections of clients");
        if rough && self.rng.one_in(2) {
            let after = Span::from_nanos(self.rng.below(self.options.length.as_nanos()));
            self.plan(after, Wake::Snap(link));
        }
        link
    }

    /// A shard connects to a target of a request.
    pub(crate) fn dial_origin(&mut self, shard: u16, ask: Option<AskId>, door: Door) -> LinkId {
        let rough = self.is_rough(self.options.origins.rough_one_in);
        let link = self.open(Ends::Origin { shard, door }, rough);
        let unlucky = self.is_rough(self.options.origins.refuse_one_in);
        let dead = match door {
            Door::Dead => true,
            Door::Events => self.setting.talks.is_down(self.now),
            Door::Http | Door::Native => false,
        };
        if let Some(ask) = ask.filter(|_| unlucky && !dead) {
            self.note(&Fact::Trouble(ask));
        }
        let refused = dead || unlucky;
        self.tally.bump(if refused {
            "fault: connection refused"
        } else {
            "connections to origins"
        });
        if rough && self.rng.one_in(2) {
            let after = Span::from_millis(self.rng.below(2000));
            self.plan(after, Wake::Snap(link));
        }
        let delay = self.wire.delay();
        self.plan(delay, Wake::Connected { link, refused });
        link
    }

    /// A link is used for a request.
    pub(crate) fn use_link(&mut self, link: LinkId, ask: Option<AskId>) {
        if let Some(ask) = ask.filter(|_| self.wire.is_rough(link)) {
            self.note(&Fact::Trouble(ask));
        }
    }

    pub(crate) fn write(&mut self, end: End, bytes: &[u8]) -> usize {
        let taken = self.wire.write(self.now, end, bytes, &mut self.notices);
        self.notify();
        taken
    }

    pub(crate) fn read(&mut self, end: End, max: usize) -> Read {
        let read = self.wire.read(self.now, end, max, &mut self.notices);
        self.notify();
        read
    }

    pub(crate) fn land(&mut self, end: End) {
        self.wire.land(self.now, end, &mut self.notices);
        self.notify();
    }

    pub(crate) fn close(&mut self, end: End, how: Ended) {
        match how {
            Ended::Closed => self.wire.close(self.now, end, &mut self.notices),
            Ended::Reset => self.wire.reset(self.now, end, &mut self.notices),
        }
        self.notify();
    }

    pub(crate) fn snap(&mut self, link: LinkId) {
        self.wire.snap(self.now, link, &mut self.notices);
        self.notify();
    }

    /// A number that only one page has.
    pub(crate) fn ticket(&mut self) -> u64 {
        self.ticket += 1;
        self.ticket
    }

    /// How long a word between the hub and a shard takes.
    pub(crate) fn delay(&mut self) -> Span {
        self.wire.delay()
    }

    /// Nothing new begins and nothing breaks from now on.
    pub(crate) fn rest(&mut self) {
        self.phase = Phase::Resting;
        self.wire.calm();
    }

    pub(crate) fn count_stalls(&mut self) {
        self.tally.add("fault: stall", self.wire.stalls());
    }

    fn is_rough(&mut self, one_in: u64) -> bool {
        self.phase == Phase::Live && self.rng.one_in(one_in)
    }

    fn open(&mut self, ends: Ends, rough: bool) -> LinkId {
        self.ends.push(ends);
        self.wire.open(rough)
    }

    fn notify(&mut self) {
        for (at, end) in self.notices.drain(..) {
            self.agenda.plan(at, Wake::Wire(end));
        }
    }
}

impl Door {
    pub(crate) fn of(target: &Target) -> Self {
        match target.connect {
            Connect::Tcp { port: 81, .. } => Self::Dead,
            Connect::Tcp { port: 82, .. } => Self::Native,
            Connect::Tcp { port: 83, .. } => Self::Events,
            _ => Self::Http,
        }
    }
}

/// What waits to be written to a link.
#[derive(Debug, Default)]
pub(crate) struct Outbox(Vec<u8>);

impl Outbox {
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// For those who render into it; they flush it afterwards.
    pub(crate) fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.0
    }

    pub(crate) fn flush(&mut self, scene: &mut Scene, end: End) {
        if !self.0.is_empty() {
            let taken = scene.write(end, &self.0);
            self.0.drain(..taken);
        }
    }
}
