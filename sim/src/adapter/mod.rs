//! A small adapter: the counterpart of the production driver. It runs one engine on simulated
//! links, with the real codec on its side of them.

mod act;
mod client_side;
mod origin_side;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use bytes::Bytes;
use holdfast_core::engine::{Actions, Config, Engine, Event, OriginFault};
use holdfast_core::ground::{ConnId, Limits, Seed, ShardId, Span, Time};
use holdfast_core::publish::Item;

use crate::oracle::Fact;
use crate::sabotage::Sabotage;
use crate::scene::{Scene, Wake};
use crate::script::AskId;
use crate::trace::Trace;
use crate::wire::{End, Ended, LinkId};
use client_side::{Conn, Stage};

/// One shard: an engine with its connections.
#[derive(Debug)]
pub(crate) struct Shard {
    id: ShardId,
    engine: Engine,
    actions: Actions,
    places: Vec<Place>,
    free: Vec<u32>,
    desk: Desk,
    /// The connections for which there may be something to do.
    dirty: BTreeSet<u32>,
    items: VecDeque<Arc<Item>>,
    /// When the last of these arrives.
    last_item: Time,
    /// The deadline for which a wake is planned.
    alarm: Option<Time>,
    trace: Trace,
    sabotage: Option<Sabotage>,
    /// What a sabotaged fan-out has kept back.
    late: Option<(ConnId, Bytes)>,
}

/// What connections share.
#[derive(Debug)]
struct Desk {
    shard: u16,
    limits: Limits,
    mailbox: VecDeque<Event>,
    /// Whose links these are.
    owners: BTreeMap<LinkId, u32>,
    /// Connections to the origin that can be used again.
    idle: Vec<LinkId>,
    sabotage: Option<Sabotage>,
}

#[derive(Debug)]
struct Place {
    generation: u32,
    conn: Option<Conn>,
}

impl Shard {
    pub(crate) fn new(
        id: ShardId,
        seed: Seed,
        config: &Arc<Config>,
        sabotage: Option<Sabotage>,
    ) -> Self {
        let trace = Trace::new(id, seed, config.clone());
        let desk = Desk {
            shard: id.0,
            limits: config.limits.clone(),
            mailbox: VecDeque::new(),
            owners: BTreeMap::new(),
            idle: Vec::new(),
            sabotage,
        };
        Self {
            id,
            engine: trace.engine(),
            actions: Actions::new(),
            places: Vec::new(),
            free: Vec::new(),
            desk,
            dirty: BTreeSet::new(),
            items: VecDeque::new(),
            last_item: Time::ZERO,
            alarm: None,
            trace,
            sabotage,
            late: None,
        }
    }

    /// Something is new at its end of a client's link.
    pub(crate) fn notice_client(&mut self, scene: &mut Scene, link: LinkId) {
        let slot = match self.desk.owners.get(&link) {
            Some(slot) => *slot,
            None => self.accept(link),
        };
        self.dirty.insert(slot);
        self.settle(scene);
    }

    /// Something is new at its end of a link to an origin.
    pub(crate) fn notice_origin(&mut self, scene: &mut Scene, link: LinkId) {
        if let Some(at) = self.desk.idle.iter().position(|idle| *idle == link) {
            // An idle connection has nothing to say but that it is closed.
            self.desk.idle.remove(at);
            scene.close(End::proxy(link), Ended::Closed);
        }
        self.dirty.extend(self.desk.owners.get(&link));
        self.settle(scene);
    }

    /// An attempt to connect has come to its end.
    pub(crate) fn connected(&mut self, scene: &mut Scene, link: LinkId, refused: bool) {
        let slot = self.desk.owners.get(&link).copied();
        let conn = slot.and_then(|slot| self.places[slot as usize].conn.as_mut());
        match conn {
            None => scene.close(End::proxy(link), Ended::Closed),
            Some(conn) if refused => {
                conn.drop_upstream(scene, &mut self.desk);
                let fault = OriginFault::Unreachable;
                self.desk.post(Event::OriginFailed { conn: conn.id, fault });
            }
            Some(conn) => conn.connected(),
        }
        self.dirty.extend(slot);
        self.settle(scene);
    }

    /// An item is on its way here.
    pub(crate) fn send(&mut self, scene: &mut Scene, item: Arc<Item>) {
        let arrives = (scene.now + scene.delay()).max(self.last_item);
        self.last_item = arrives;
        self.items.push_back(item);
        scene.agenda.plan(arrives, Wake::Deliver(self.id.0));
    }

    /// An item has arrived.
    pub(crate) fn deliver(&mut self, scene: &mut Scene) {
        if let Some(item) = self.items.pop_front() {
            self.post(scene, Event::Deliver { item });
        }
    }

    /// The engine's deadline may have come.
    pub(crate) fn deadline(&mut self, scene: &mut Scene) {
        self.alarm = None;
        let hurry = if self.sabotage == Some(Sabotage::HurryTimer) { HURRY } else { Span::ZERO };
        if self.engine.deadline().is_some_and(|(at, _)| at <= scene.now + hurry) {
            self.tell(scene, scene.now + hurry, Event::Deadline);
        }
        self.settle(scene);
    }

    pub(crate) fn post(&mut self, scene: &mut Scene, event: Event) {
        self.desk.post(event);
        self.settle(scene);
    }

    /// Tells what is left when all clients have gone.
    pub(crate) fn over(&self, scene: &mut Scene) {
        let conns = self.places.iter().filter(|place| place.conn.is_some()).count();
        scene.note(&Fact::Over { shard: self.id, engine: &self.engine, conns });
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.engine
    }

    pub(crate) fn into_trace(self) -> Trace {
        self.trace
    }

    fn accept(&mut self, link: LinkId) -> u32 {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.places.push(Place { generation: 0, conn: None });
            u32::try_from(self.places.len() - 1).expect("a shard has few connections")
        });
        let place = &mut self.places[slot as usize];
        place.generation += 1;
        let id = ConnId { slot, generation: place.generation };
        place.conn = Some(Conn::new(id, link));
        self.desk.owners.insert(link, slot);
        slot
    }

    /// Does all that there is to do now.
    fn settle(&mut self, scene: &mut Scene) {
        loop {
            if let Some(event) = self.desk.mailbox.pop_front() {
                self.tell(scene, scene.now, event);
            } else if let Some(slot) = self.dirty.pop_first() {
                self.pump(scene, slot);
            } else {
                break;
            }
        }
        self.mind_deadline(scene);
    }

    fn pump(&mut self, scene: &mut Scene, slot: u32) {
        let Some(conn) = &mut self.places[slot as usize].conn else { return };
        if conn.pump(scene, &mut self.desk) {
            return;
        }
        // A place whose leaving the engine was not told of must not be used again.
        let leaked = conn.stage() == Stage::Leaked;
        self.places[slot as usize].conn = None;
        if !leaked {
            self.free.push(slot);
        }
    }

    /// Tells the engine what happened; lets it be judged what it says to that, and does it.
    fn tell(&mut self, scene: &mut Scene, now: Time, event: Event) {
        let shard = self.id;
        scene.note(&Fact::Told { shard, event: &event });
        self.trace.record(now, &event);
        self.dirty.extend(subject(&event).map(|conn| conn.slot));
        let mut actions = core::mem::take(&mut self.actions);
        self.engine.handle(now, event, &mut actions);
        self.trace.did(&actions);
        for action in &actions.list {
            let targets = act::targets(action, &actions.targets);
            scene.note(&Fact::Did { shard, action, targets });
        }
        scene.note(&Fact::Settled { shard, engine: &self.engine });
        for action in actions.list.drain(..) {
            self.act(scene, action, &actions.targets);
        }
        actions.clear();
        self.actions = actions;
    }

    fn mind_deadline(&mut self, scene: &mut Scene) {
        let hurry = match self.sabotage {
            Some(Sabotage::ForgetTimer) => return,
            Some(Sabotage::HurryTimer) => HURRY,
            _ => Span::ZERO,
        };
        let Some((at, _)) = self.engine.deadline() else { return };
        if self.alarm.is_none_or(|alarm| at < alarm) {
            self.alarm = Some(at);
            let at = Time::from_nanos(at.as_nanos().saturating_sub(hurry.as_nanos()));
            scene.agenda.plan(at.max(scene.now), Wake::Deadline(self.id.0));
        }
    }
}

/// How much too early a sabotaged timer is.
const HURRY: Span = Span::from_secs(1);

impl Desk {
    fn post(&mut self, event: Event) {
        self.mailbox.push_back(event);
    }

    /// A connection to the origin: one that is there, or a new one.
    fn obtain(&mut self, scene: &mut Scene, ask: AskId) -> (LinkId, Source) {
        let Some(link) = self.idle.pop() else { return self.dial(scene, ask, false) };
        scene.use_link(link, ask);
        scene.tally.bump("connections used again");
        (link, Source::Idle)
    }

    fn dial(&mut self, scene: &mut Scene, ask: AskId, dead: bool) -> (LinkId, Source) {
        let link = scene.dial_origin(self.shard, ask, dead);
        scene.use_link(link, ask);
        (link, Source::Fresh)
    }
}

/// Where a connection to an origin comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Source {
    Idle,
    Fresh,
}

/// The connection that an event is about.
fn subject(event: &Event) -> Option<ConnId> {
    match event {
        Event::Request { conn, .. }
        | Event::Gone { conn, .. }
        | Event::Sent { conn }
        | Event::OriginHead { conn, .. }
        | Event::OriginData { conn, .. }
        | Event::OriginFailed { conn, .. }
        | Event::Backlog { conn, .. } => Some(*conn),
        Event::Deliver { .. } | Event::Reconfigure(_) | Event::Drain | Event::Deadline => None,
    }
}
