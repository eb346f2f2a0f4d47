//! A small adapter: the counterpart of the production driver. It runs one engine on simulated
//! links, with the real codec on its side of them.

mod act;
mod backend_side;
mod calls;
mod client_side;
mod origin_side;
mod socket_side;
mod upstream;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use bytes::Bytes;
use holdfast_core::engine::{Actions, Config, Engine, Event, OriginFault};
use holdfast_core::ground::{CallId, ConnId, Limits, Seed, ShardId, Span, Time};
use holdfast_core::hub::HubEvent;
use holdfast_core::publish::Release;

use crate::oracle::Fact;
use crate::sabotage::Sabotage;
use crate::saboteur::BadEngine;
use crate::scene::{Scene, Wake};
use crate::trace::Trace;
use crate::wire::{End, Ended, LinkId};
use backend_side::Backend;
use calls::Calls;
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
    calls: Calls,
    /// The calls for which there may be something to do.
    busy: BTreeSet<CallId>,
    releases: Post<Release>,
    news: Post<HubEvent>,
    /// The deadline for which a wake is planned.
    alarm: Option<Time>,
    trace: Trace,
    saboteur: BadEngine,
    sabotage: Option<Sabotage>,
    /// What a sabotaged fan-out has kept back.
    late: Option<(ConnId, Bytes)>,
}

/// Words on their way, none of which overtakes another.
#[derive(Debug)]
struct Post<T> {
    words: VecDeque<T>,
    /// When the last of them arrives.
    last: Time,
}

/// What connections share.
#[derive(Debug)]
struct Desk {
    shard: u16,
    limits: Limits,
    mailbox: VecDeque<Event>,
    /// Whose links these are.
    owners: BTreeMap<LinkId, Owner>,
    /// Connections to the origin that can be used again.
    idle: Vec<LinkId>,
    /// Origins of WebSockets that get their last words.
    partings: BTreeMap<LinkId, Backend>,
    sabotage: Option<Sabotage>,
}

/// Whose a link is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Owner {
    Conn(u32),
    Call(CallId),
    Parting,
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
        let saboteur = BadEngine::new(sabotage);
        let mut heard = (**config).clone();
        saboteur.limits(&mut heard.limits);
        let trace = Trace::new(id, seed, Arc::new(heard));
        let desk = Desk {
            shard: id.0,
            limits: config.limits.clone(),
            mailbox: VecDeque::new(),
            owners: BTreeMap::new(),
            idle: Vec::new(),
            partings: BTreeMap::new(),
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
            calls: Calls::default(),
            busy: BTreeSet::new(),
            releases: Post::default(),
            news: Post::default(),
            alarm: None,
            trace,
            saboteur,
            sabotage,
            late: None,
        }
    }

    /// Something is new at its end of a client's link.
    pub(crate) fn notice_client(&mut self, scene: &mut Scene, link: LinkId) {
        if !self.touch(link) {
            let slot = self.accept(link);
            self.dirty.insert(slot);
        }
        self.settle(scene);
    }

    /// Something is new at its end of a link to an origin.
    pub(crate) fn notice_origin(&mut self, scene: &mut Scene, link: LinkId) {
        if let Some(at) = self.desk.idle.iter().position(|idle| *idle == link) {
            // An idle connection has nothing to say but that it is closed.
            self.desk.idle.remove(at);
            scene.close(End::proxy(link), Ended::Closed);
        }
        self.desk.go_on_parting(scene, link);
        self.touch(link);
        self.settle(scene);
    }

    /// An attempt to connect has come to its end.
    pub(crate) fn connected(&mut self, scene: &mut Scene, link: LinkId, refused: bool) {
        self.touch(link);
        match self.desk.owners.get(&link).copied() {
            None | Some(Owner::Parting) => scene.close(End::proxy(link), Ended::Closed),
            Some(Owner::Call(id)) => self.calls.connected(scene, &mut self.desk, id, !refused),
            Some(Owner::Conn(slot)) => {
                let Some(conn) = self.places[slot as usize].conn.as_mut() else { return };
                if refused {
                    conn.drop_upstream(scene, &mut self.desk);
                    let fault = OriginFault::Unreachable;
                    self.desk.post(Event::OriginFailed { conn: conn.id, fault });
                } else {
                    conn.connected();
                }
            }
        }
        self.settle(scene);
    }

    /// A release is on its way here.
    pub(crate) fn send(&mut self, scene: &mut Scene, release: Release) {
        self.releases.send(scene, release, Wake::Deliver(self.id.0));
    }

    /// A release has arrived.
    pub(crate) fn deliver(&mut self, scene: &mut Scene) {
        let release = self.releases.words.pop_front();
        if let Some(release) = release.and_then(|release| self.saboteur.receives(release)) {
            self.post(scene, Event::Released(release));
        }
    }

    /// Something goes to the hub.
    fn report(&mut self, scene: &mut Scene, news: HubEvent) {
        self.news.send(scene, news, Wake::News(self.id.0));
    }

    /// News have arrived at the hub.
    pub(crate) fn take_news(&mut self) -> Option<HubEvent> {
        self.news.words.pop_front()
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
        let conns = conns + self.calls.len() + self.desk.partings.len();
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
        self.desk.owners.insert(link, Owner::Conn(slot));
        slot
    }

    /// There may be something to do for whoever has this link; false if nobody has.
    fn touch(&mut self, link: LinkId) -> bool {
        match self.desk.owners.get(&link) {
            Some(Owner::Conn(slot)) => self.dirty.insert(*slot),
            Some(Owner::Call(id)) => self.busy.insert(*id),
            Some(Owner::Parting) => return true,
            None => return false,
        };
        true
    }

    /// Does all that there is to do now.
    fn settle(&mut self, scene: &mut Scene) {
        loop {
            if let Some(event) = self.desk.mailbox.pop_front() {
                self.tell(scene, scene.now, event);
            } else if let Some(slot) = self.dirty.pop_first() {
                self.pump(scene, slot);
            } else if let Some(call) = self.busy.pop_first() {
                self.calls.pump(scene, &mut self.desk, call);
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
        self.dirty.extend(subject(&event).map(|conn| conn.slot));
        let mut actions = core::mem::take(&mut self.actions);
        for event in self.saboteur.hears(&self.engine, event) {
            self.trace.record(now, &event);
            self.engine.handle(now, event, &mut actions);
        }
        self.trace.did(&actions);
        for reply in self.saboteur.says(&mut actions.list) {
            self.desk.post(reply);
        }
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
}

impl<T> Default for Post<T> {
    fn default() -> Self {
        Self { words: VecDeque::new(), last: Time::ZERO }
    }
}

impl<T> Post<T> {
    fn send(&mut self, scene: &mut Scene, word: T, arrives: Wake) {
        self.last = (scene.now + scene.delay()).max(self.last);
        self.words.push_back(word);
        scene.agenda.plan(self.last, arrives);
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
        | Event::Upgrade { conn, .. }
        | Event::Socket { conn, .. }
        | Event::Gone { conn, .. }
        | Event::Sent { conn }
        | Event::OriginHead { conn, .. }
        | Event::OriginData { conn, .. }
        | Event::OriginFailed { conn, .. }
        | Event::Backlog { conn, .. } => Some(*conn),
        Event::CallHead { .. }
        | Event::CallData { .. }
        | Event::CallFailed { .. }
        | Event::Released(_)
        | Event::Reconfigure(_)
        | Event::Drain
        | Event::Deadline => None,
    }
}
