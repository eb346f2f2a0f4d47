//! Carrying out what the engine says.

use bytes::Bytes;
use holdfast_core::engine::{Action, ClientGone, Event, FanoutShape};
use holdfast_core::ground::ConnId;
use holdfast_core::hub::HubEvent;

use super::Shard;
use super::client_side::Conn;
use crate::oracle::Fact;
use crate::sabotage::Sabotage;
use crate::scene::Scene;

/// The receivers of a fan-out; none for other actions.
pub(super) fn targets<'a>(action: &Action, all: &'a [ConnId]) -> &'a [ConnId] {
    match action {
        Action::Fanout { targets, .. } => {
            all.get(targets.start as usize..targets.end as usize).unwrap_or_default()
        }
        _ => &[],
    }
}

impl Shard {
    pub(super) fn act(&mut self, scene: &mut Scene, action: Action, all: &[ConnId]) {
        if let Action::Fanout { shape, .. } = &action {
            return self.fan_out(scene, shape, targets(&action, all));
        }
        let Some(id) = object(&action) else { return self.act_alone(scene, action) };
        if self.sabotage == Some(Sabotage::ActAfterEnd) {
            scene.note(&Fact::Did { shard: self.id, action: &action, targets: &[] });
        }
        let Some((conn, desk)) = self.engaged(id) else { return };
        match action {
            Action::Forward { request, .. } => conn.forward(scene, desk, request),
            Action::Relay { head, .. } => conn.relay(scene, &head),
            Action::Collect { limit, .. } => conn.collect(limit),
            Action::Stream { .. } => conn.stream(),
            Action::DropOrigin { .. } => conn.drop_upstream(scene, desk),
            Action::Respond { response, .. } => match desk.sabotage {
                Some(Sabotage::SwallowAnswer) => {}
                Some(Sabotage::AnswerTwice) => {
                    conn.respond(scene, &response);
                    conn.respond(scene, &response);
                }
                _ => conn.respond(scene, &response),
            },
            Action::Begin { head, .. } => conn.begin(scene, desk, &head),
            Action::Write { data, .. } => conn.append(scene, desk, &data),
            Action::Finish { .. } => conn.finish(scene),
            Action::Abort { .. } => conn.abort(scene, desk),
            Action::Socket { action, .. } => conn.act(scene, desk, action),
            Action::Fanout { .. }
            | Action::Interest { .. }
            | Action::Forget { .. }
            | Action::Reached { .. }
            | Action::Call { .. }
            | Action::ReadCall { .. }
            | Action::DropCall { .. } => {}
        }
    }

    /// Does what is not about one connection.
    fn act_alone(&mut self, scene: &mut Scene, action: Action) {
        let shard = self.id;
        match action {
            Action::Call { call, request } => self.call(scene, call, *request),
            Action::ReadCall { call, read } => self.read_call(call, read),
            Action::DropCall { call } => self.drop_call(scene, call),
            Action::Interest { channel, wanted } => {
                self.report(scene, HubEvent::Interest { shard, channel, wanted });
            }
            Action::Forget { channel, id } => self.report(scene, HubEvent::Forget { channel, id }),
            _ => {}
        }
    }

    fn fan_out(&mut self, scene: &mut Scene, shape: &FanoutShape, targets: &[ConnId]) {
        let (FanoutShape::Data(data) | FanoutShape::Frame(data)) = shape else {
            for &id in targets {
                if let Some((conn, _)) = self.engaged(id) {
                    conn.finish(scene);
                }
            }
            return;
        };
        let is_message = matches!(shape, FanoutShape::Frame(_));
        let to =
            if is_message { "items delivered to WebSockets" } else { "items delivered to streams" };
        scene.tally.add(to, targets.len() as u64);
        let (mut targets, kept) = (targets.to_vec(), self.late.take());
        match (self.sabotage, targets.first().copied()) {
            (Some(Sabotage::LoseItem), Some(_)) => {
                targets.remove(0);
            }
            (Some(Sabotage::LoseMessage), Some(_)) if is_message => {
                targets.remove(0);
            }
            (Some(Sabotage::DoubleMessage), Some(first)) if is_message => targets.push(first),
            (Some(Sabotage::DoubleItem), Some(first)) => targets.push(first),
            (Some(Sabotage::LateItem), Some(first)) if kept.is_none() => {
                self.late = Some((first, data.clone()));
                targets.remove(0);
            }
            (Some(Sabotage::CutSilently), Some(first)) => {
                if let Some((conn, desk)) = self.engaged(first) {
                    conn.abort(scene, desk);
                    desk.post(Event::Gone { conn: first, why: ClientGone::Left });
                }
            }
            _ => {}
        }
        for id in targets {
            self.append(scene, id, data);
        }
        if let Some((id, data)) = kept {
            self.append(scene, id, &data);
        }
    }

    fn append(&mut self, scene: &mut Scene, id: ConnId, data: &Bytes) {
        if let Some((conn, desk)) = self.engaged(id) {
            conn.append_shared(scene, desk, data);
        }
    }

    /// The connection of an action, unless it has gone in the same breath; and something may be to
    /// do for it.
    fn engaged(&mut self, id: ConnId) -> Option<(&mut Conn, &mut super::Desk)> {
        let place = self.places.get_mut(id.slot as usize)?;
        let conn = place.conn.as_mut().filter(|conn| conn.id == id && conn.is_engaged())?;
        self.dirty.insert(id.slot);
        Some((conn, &mut self.desk))
    }
}

/// The connection that an action is about.
fn object(action: &Action) -> Option<ConnId> {
    match action {
        Action::Forward { conn, .. }
        | Action::Relay { conn, .. }
        | Action::Collect { conn, .. }
        | Action::Stream { conn }
        | Action::DropOrigin { conn }
        | Action::Respond { conn, .. }
        | Action::Begin { conn, .. }
        | Action::Write { conn, .. }
        | Action::Finish { conn }
        | Action::Socket { conn, .. }
        | Action::Abort { conn } => Some(*conn),
        Action::Fanout { .. }
        | Action::Interest { .. }
        | Action::Forget { .. }
        | Action::Reached { .. }
        | Action::Call { .. }
        | Action::ReadCall { .. }
        | Action::DropCall { .. } => None,
    }
}
