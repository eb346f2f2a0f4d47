//! Requests that the engine makes itself.

use std::collections::BTreeMap;

use holdfast_core::engine::{CallBody, CallRead, CallRequest, Event, OriginFault};
use holdfast_core::ground::CallId;
use holdfast_core::message::BodySize;

use super::upstream::{Heard, Upstream};
use super::{Desk, Owner, Shard};
use crate::scene::{Door, Scene};
use crate::script::AskId;
use crate::talk::TalkId;
use crate::wire::LinkId;

/// All that are under way.
#[derive(Debug, Default)]
pub(super) struct Calls(BTreeMap<CallId, Call>);

#[derive(Debug)]
struct Call {
    upstream: Upstream,
    request: CallRequest,
    body: Vec<u8>,
    /// The client's request that is made once more, if it is that.
    ask: Option<AskId>,
    stage: Stage,
}

/// What is done with what comes.
#[derive(Debug)]
enum Stage {
    /// It is the head.
    Asking,
    /// The engine has what came, and has not asked for more.
    Waiting,
    Piece,
    Whole {
        limit: usize,
        body: Vec<u8>,
    },
}

impl Call {
    /// Whether it carries the events of a WebSocket.
    fn is_for_talk(&self) -> bool {
        TalkId::of(&self.request.head.target).is_some()
    }
}

impl Calls {
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    fn call(
        &mut self,
        scene: &mut Scene,
        desk: &mut Desk,
        (id, request): (CallId, CallRequest),
        body: Vec<u8>,
    ) {
        let ask = scene.setting.book.find(&request.head.target).map(|ask| ask.id);
        let door = Door::of(&request.target);
        // If an idle connection proves dead, a GET is sent again, and of events the engine is told.
        let may_reuse = request.head.method == "GET" || door == Door::Events;
        let at = match may_reuse && door != Door::Dead {
            true => desk.obtain(scene, ask, door),
            false => desk.dial(scene, ask, door),
        };
        self.begin(desk, id, at, Plan { request, body, ask });
    }

    fn begin(&mut self, desk: &mut Desk, id: CallId, at: (LinkId, super::Source), plan: Plan) {
        let Plan { request, body, ask } = plan;
        let size = match body.len() {
            0 if !has_length(&request) => BodySize::Empty,
            len => BodySize::Known(len as u64),
        };
        desk.owners.insert(at.0, Owner::Call(id));
        let mut upstream = Upstream::new(at, &request.head, size);
        if size != BodySize::Empty {
            upstream.wire.send(&body, upstream.outbox.buffer());
            upstream.wire.finish(upstream.outbox.buffer());
        }
        self.0.insert(id, Call { upstream, request, body, ask, stage: Stage::Asking });
    }

    /// An attempt to connect has come to its end.
    pub(super) fn connected(&mut self, scene: &mut Scene, desk: &mut Desk, id: CallId, ok: bool) {
        match self.0.get_mut(&id) {
            Some(call) if ok => call.upstream.connected(),
            Some(_) => self.fail(scene, desk, id, OriginFault::Unreachable),
            None => {}
        }
    }

    fn read(&mut self, id: CallId, read: CallRead) {
        if let Some(call) = self.0.get_mut(&id) {
            call.stage = match read {
                CallRead::Whole { limit } => Stage::Whole { limit, body: Vec::new() },
                CallRead::Piece => Stage::Piece,
            };
        }
    }

    pub(super) fn give_up(&mut self, scene: &mut Scene, desk: &mut Desk, id: CallId) {
        if let Some(Call { upstream, .. }) = self.0.remove(&id) {
            upstream.release(scene, desk, true);
        }
    }

    fn fail(&mut self, scene: &mut Scene, desk: &mut Desk, call: CallId, fault: OriginFault) {
        if let Some(Call { upstream, .. }) = self.0.remove(&call) {
            upstream.release(scene, desk, false);
        }
        desk.post(Event::CallFailed { call, fault });
    }

    /// Does all that can be done now.
    pub(super) fn pump(&mut self, scene: &mut Scene, desk: &mut Desk, id: CallId) {
        while let Some(call) = self.0.get_mut(&id) {
            if !call.upstream.is_up() {
                return;
            }
            call.upstream.flush(scene);
            if matches!(call.stage, Stage::Waiting) {
                return;
            }
            match call.upstream.hear(scene, desk) {
                Heard::Nothing => return,
                heard => self.heard(scene, desk, id, heard),
            }
        }
    }

    fn heard(&mut self, scene: &mut Scene, desk: &mut Desk, id: CallId, heard: Heard) {
        let Some(call) = self.0.get_mut(&id) else { return };
        match (&mut call.stage, heard) {
            (_, Heard::Nothing) => {}
            (_, Heard::Head(head, body)) => {
                call.stage = Stage::Waiting;
                desk.post(Event::CallHead { call: id, head, body });
            }
            (Stage::Asking, Heard::Data(_) | Heard::End | Heard::Cut) => {
                self.failed(scene, desk, id);
            }
            (Stage::Piece, Heard::Data(data)) => {
                call.stage = Stage::Waiting;
                desk.post(Event::CallData { call: id, data: data.into(), end: false });
            }
            (Stage::Whole { limit, body }, Heard::Data(data)) => {
                body.extend_from_slice(&data);
                if body.len() > *limit {
                    let data = core::mem::take(body).into();
                    self.give_up(scene, desk, id);
                    desk.post(Event::CallData { call: id, data, end: false });
                }
            }
            (stage @ (Stage::Piece | Stage::Whole { .. }), Heard::End) => {
                let data = match stage {
                    Stage::Whole { body, .. } => core::mem::take(body).into(),
                    _ => Default::default(),
                };
                self.give_up(scene, desk, id);
                desk.post(Event::CallData { call: id, data, end: true });
            }
            (_, Heard::Cut) => self.fail(scene, desk, id, OriginFault::Broken),
            (Stage::Waiting, Heard::Data(_) | Heard::End) => {}
        }
    }

    /// There is no head. An idle connection may have been dead already: then the request is sent
    /// once more.
    fn failed(&mut self, scene: &mut Scene, desk: &mut Desk, id: CallId) {
        match self.0.remove(&id) {
            Some(call) if call.is_for_talk() => {
                let stale = call.upstream.is_stale();
                self.0.insert(id, call);
                let fault = if stale { OriginFault::Stale } else { OriginFault::Broken };
                self.fail(scene, desk, id, fault);
            }
            Some(call) if call.upstream.is_stale() => {
                let Call { upstream, request, body, ask, .. } = call;
                upstream.release(scene, desk, false);
                scene.tally.bump("requests sent again");
                let at = desk.dial(scene, ask, Door::of(&request.target));
                self.begin(desk, id, at, Plan { request, body, ask });
            }
            Some(call) => {
                self.0.insert(id, call);
                self.fail(scene, desk, id, OriginFault::Broken);
            }
            None => {}
        }
    }
}

/// A call that begins.
#[derive(Debug)]
struct Plan {
    request: CallRequest,
    body: Vec<u8>,
    ask: Option<AskId>,
}

impl Shard {
    pub(super) fn call(&mut self, scene: &mut Scene, id: CallId, request: CallRequest) {
        scene.tally.bump("calls");
        self.busy.insert(id);
        self.calls.give_up(scene, &mut self.desk, id);
        match self.body_of(&request) {
            Some(body) => self.calls.call(scene, &mut self.desk, (id, request), body),
            None => self.calls.fail(scene, &mut self.desk, id, OriginFault::NotKept),
        }
    }

    pub(super) fn read_call(&mut self, id: CallId, read: CallRead) {
        self.busy.insert(id);
        self.calls.read(id, read);
    }

    pub(super) fn drop_call(&mut self, scene: &mut Scene, id: CallId) {
        self.calls.give_up(scene, &mut self.desk, id);
    }

    /// The body that goes with a call, if there is still all of it.
    fn body_of(&self, request: &CallRequest) -> Option<Vec<u8>> {
        match &request.body {
            CallBody::Bytes(bytes) => Some(bytes.to_vec()),
            CallBody::OfClient(id) => {
                let conn = self.places.get(id.slot as usize)?.conn.as_ref()?;
                let kept = conn.id == *id && conn.is_engaged();
                let fits = conn.kept.len() <= self.desk.limits.kept_body_bytes;
                (kept && fits).then(|| conn.kept.clone())
            }
        }
    }
}

/// Whether the length of an empty body is said.
fn has_length(request: &CallRequest) -> bool {
    matches!(request.head.method.as_str(), "POST" | "PUT" | "PATCH")
}
