//! The hub with its way to the shards and back: every shard is sent the same releases in the same
//! order, and each takes its time.

use holdfast_core::ground::{Limits, Seed, Time};
use holdfast_core::hub::{Hub, HubAction, HubEvent};
use holdfast_core::publish::Release;

use crate::adapter::Shard;
use crate::oracle::Fact;
use crate::sabotage::Sabotage;
use crate::saboteur::BadHub;
use crate::scene::{Scene, Wake};

#[derive(Debug)]
pub(crate) struct Desk {
    hub: Hub,
    /// The deadline for which a wake is planned.
    alarm: Option<Time>,
    saboteur: BadHub,
}

impl Desk {
    pub(crate) fn new(limits: &Limits, seed: Seed, sabotage: Option<Sabotage>) -> Self {
        let saboteur = BadHub::new(sabotage);
        Self { hub: Hub::new(&saboteur.limits(limits), seed), alarm: None, saboteur }
    }

    /// Tells the hub what happened, and the shards what it says to that.
    pub(crate) fn tell(&mut self, scene: &mut Scene, shards: &mut [Shard], event: HubEvent) {
        scene.note(&Fact::HubTold(&event));
        let mut out = Vec::new();
        if let Some(heard) = self.saboteur.hears(event) {
            self.hub.handle(scene.now, heard, &mut out);
        }
        for action in self.saboteur.says(out) {
            if let HubAction::Release(release) = action {
                release_to_all(scene, shards, &release);
            }
        }
        scene.note(&Fact::HubSettled(&self.hub));
        self.mind_deadline(scene);
    }

    /// The hub's deadline may have come.
    pub(crate) fn deadline(&mut self, scene: &mut Scene, shards: &mut [Shard]) {
        self.alarm = None;
        match self.hub.deadline() {
            Some(at) if at <= scene.now => self.tell(scene, shards, HubEvent::Deadline),
            _ => self.mind_deadline(scene),
        }
    }

    pub(crate) fn hub(&self) -> &Hub {
        &self.hub
    }

    fn mind_deadline(&mut self, scene: &mut Scene) {
        let Some(at) = self.hub.deadline() else { return };
        if self.alarm.is_none_or(|alarm| at < alarm) {
            self.alarm = Some(at);
            scene.agenda.plan(at.max(scene.now), Wake::HubDeadline);
        }
    }
}

fn release_to_all(scene: &mut Scene, shards: &mut [Shard], release: &Release) {
    scene.tally.bump("releases");
    scene.note(&Fact::Released(release));
    for shard in shards {
        shard.send(scene, release.clone());
    }
}
