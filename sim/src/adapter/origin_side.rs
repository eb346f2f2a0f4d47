//! A client's request at an origin, on the side of the proxy.

use bytes::Bytes;
use holdfast_core::engine::{BodySource, Connect, Event, OriginFault, Outgoing, SocketEvent};
use holdfast_core::http1::{Received, ServerEvent};
use holdfast_core::message::{BodySize, ResponseHead};
use holdfast_core::ws::Challenge;
use http::StatusCode;

use super::backend_side::Backend;
use super::client_side::{Conn, RequestBody, Stage};
use super::upstream::{Heard, Upstream};
use super::{Desk, Owner, Source};
use crate::oracle::Fact;
use crate::scene::{Door, Scene};
use crate::wire::LinkId;

/// What a connection has asked an origin.
#[derive(Debug)]
pub(super) struct Forwarded {
    upstream: Upstream,
    request: Outgoing,
    upload: Upload,
    mode: Mode,
    /// What a 101 must answer, if the request is for a WebSocket.
    challenge: Option<Challenge>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Upload {
    None,
    Coming,
    /// All is rendered; the engine hears of it when it is written.
    Last,
    Done,
}

/// What is done with what comes.
#[derive(Debug)]
enum Mode {
    /// It is the head.
    Asking,
    /// The engine has the head.
    Judged(BodySize),
    Relay,
    Collect {
        limit: usize,
        body: Vec<u8>,
    },
    Stream,
}

impl Conn {
    pub(super) fn forward(&mut self, scene: &mut Scene, desk: &mut Desk, request: Outgoing) {
        self.drop_upstream(scene, desk);
        let Some(ask) = self.ask else { return };
        let door = Door::of(&request.target);
        // A request whose body is on its way cannot be sent again if an idle connection proves
        // dead.
        let (link, source) = match request.body {
            BodySource::Empty if door != Door::Dead => desk.obtain(scene, Some(ask), door),
            _ => desk.dial(scene, Some(ask), door),
        };
        self.ask_origin(desk, (link, source), request);
    }

    /// Asks an origin for a WebSocket.
    pub(super) fn connect(&mut self, scene: &mut Scene, desk: &mut Desk, connect: Connect) {
        self.drop_upstream(scene, desk);
        let Connect { request, challenge } = connect;
        let (link, _) = desk.dial(scene, None, Door::of(&request.target));
        desk.owners.insert(link, Owner::Conn(self.id.slot));
        self.forwarded = Some(Forwarded {
            upstream: Upstream::upgrade(link, &request.head),
            request,
            upload: Upload::None,
            mode: Mode::Asking,
            challenge: Some(challenge),
        });
    }

    /// The origin has switched to WebSocket, if its answer is right.
    fn switched(&mut self, scene: &mut Scene, desk: &mut Desk, head: ResponseHead) {
        let Some(Forwarded { upstream, challenge, .. }) = self.forwarded.take() else { return };
        if challenge.is_some_and(|challenge| challenge.check(&head).is_ok()) {
            self.join(Backend::new(upstream.into_rest()));
            let event = SocketEvent::OriginUpgraded(head);
            desk.post(Event::Socket { conn: self.id, event });
        } else {
            upstream.release(scene, desk, false);
            let fault = OriginFault::Broken;
            desk.post(Event::OriginFailed { conn: self.id, fault });
        }
    }

    pub(super) fn connected(&mut self) {
        if let Some(forwarded) = &mut self.forwarded {
            forwarded.upstream.connected();
        }
    }

    pub(super) fn collect(&mut self, limit: usize) {
        if let Some(forwarded) = &mut self.forwarded {
            forwarded.mode = Mode::Collect { limit, body: Vec::new() };
        }
    }

    pub(super) fn stream(&mut self) {
        if let Some(forwarded) = &mut self.forwarded {
            forwarded.mode = Mode::Stream;
        }
    }

    /// Nothing more is wanted of the origin. A connection that can be used again is kept.
    pub(super) fn drop_upstream(&mut self, scene: &mut Scene, desk: &mut Desk) {
        self.part_from_backend(scene, desk);
        let Some(Forwarded { upstream, upload, .. }) = self.forwarded.take() else { return };
        let sent = matches!(upload, Upload::None | Upload::Done);
        upstream.release(scene, desk, sent);
    }

    /// Moves the request up and the answer down; says whether anything moved.
    pub(super) fn serve(&mut self, scene: &mut Scene, desk: &mut Desk) -> bool {
        if self.forwarded.as_ref().is_none_or(|forwarded| !forwarded.upstream.is_up()) {
            return false;
        }
        let uploaded = self.upload(scene, desk);
        let waits = !self.outbox.is_empty();
        let Some(Forwarded { upstream, mode, .. }) = &mut self.forwarded else { return uploaded };
        match mode {
            Mode::Judged(_) => return uploaded,
            Mode::Relay | Mode::Stream if waits => return uploaded,
            _ => {}
        }
        match upstream.hear(scene, desk) {
            Heard::Nothing => uploaded,
            heard => self.heard(scene, desk, heard),
        }
    }

    fn ask_origin(&mut self, desk: &mut Desk, at: (LinkId, Source), request: Outgoing) {
        let (size, upload) = match &request.body {
            BodySource::Client => (self.request_size, Upload::Coming),
            BodySource::Empty => (BodySize::Empty, Upload::None),
            BodySource::Bytes(body) => (BodySize::Known(body.len() as u64), Upload::None),
        };
        desk.owners.insert(at.0, Owner::Conn(self.id.slot));
        let mut upstream = Upstream::new(at, &request.head, size);
        if let BodySource::Bytes(body) = &request.body {
            upstream.wire.send(body, upstream.outbox.buffer());
            upstream.wire.finish(upstream.outbox.buffer());
        }
        let mode = Mode::Asking;
        self.forwarded = Some(Forwarded { upstream, request, upload, mode, challenge: None });
    }

    fn upload(&mut self, scene: &mut Scene, desk: &mut Desk) -> bool {
        if self.forwarded.as_ref().is_some_and(|forwarded| forwarded.upload == Upload::Coming)
            && self.stage() == Stage::Asked
        {
            self.invite_body(scene);
        }
        let Some(Forwarded { upstream, upload, .. }) = &mut self.forwarded else { return false };
        upstream.flush(scene);
        let mut moved = false;
        while *upload == Upload::Coming && upstream.outbox.is_empty() {
            let Ok(Received { consumed, event }) = self.wire.receive(&self.inbox, &desk.limits)
            else {
                // Clients here send no bad bodies; a broken one would show as a request never
                // answered.
                return false;
            };
            match event {
                Some(ServerEvent::Data(data)) => {
                    upstream.wire.send(data, upstream.outbox.buffer());
                    self.kept.extend_from_slice(data);
                }
                Some(ServerEvent::End) => {
                    self.body = RequestBody::Complete;
                    upstream.wire.finish(upstream.outbox.buffer());
                    *upload = Upload::Last;
                }
                Some(ServerEvent::Head { .. }) | None if consumed == 0 => break,
                Some(ServerEvent::Head { .. }) | None => {}
            }
            self.inbox.drain(..consumed);
            upstream.flush(scene);
            moved = true;
        }
        if *upload == Upload::Last && upstream.outbox.is_empty() {
            *upload = Upload::Done;
            desk.post(Event::Sent { conn: self.id });
        }
        moved
    }

    /// Does with what came what the mode says; says whether there may be more to do at once.
    fn heard(&mut self, scene: &mut Scene, desk: &mut Desk, heard: Heard) -> bool {
        let id = self.id;
        let Some(Forwarded { mode, .. }) = &mut self.forwarded else { return false };
        match (&mut *mode, heard) {
            (_, Heard::Nothing) => return false,
            (_, Heard::Head(head, _)) if head.status == StatusCode::SWITCHING_PROTOCOLS => {
                self.switched(scene, desk, head);
                return false;
            }
            (_, Heard::Head(head, body)) => {
                *mode = Mode::Judged(body);
                desk.post(Event::OriginHead { conn: id, head, body });
                return false;
            }
            (Mode::Asking | Mode::Judged(_), Heard::Data(_) | Heard::End | Heard::Cut) => {
                return self.failed(scene, desk);
            }
            (Mode::Relay, Heard::Data(mut data)) => self.pass(scene, desk, &mut data),
            (Mode::Relay, Heard::End) => self.finish(scene),
            (Mode::Relay, Heard::Cut) => {
                scene.tally.bump("answers cut short by origins");
                self.drop_upstream(scene, desk);
                self.cut();
            }
            (Mode::Collect { limit, body }, Heard::Data(data)) => {
                body.extend_from_slice(&data);
                if body.len() > *limit {
                    let data = core::mem::take(body).into();
                    self.drop_upstream(scene, desk);
                    desk.post(Event::OriginData { conn: id, data, end: false });
                }
            }
            (Mode::Collect { body, .. }, Heard::End) => {
                let data = core::mem::take(body).into();
                self.drop_upstream(scene, desk);
                desk.post(Event::OriginData { conn: id, data, end: true });
            }
            (Mode::Stream, Heard::Data(data)) => {
                desk.post(Event::OriginData { conn: id, data: data.into(), end: false });
                // What the engine makes of it may have to wait for the client.
                return false;
            }
            (Mode::Stream, Heard::End) => {
                self.drop_upstream(scene, desk);
                desk.post(Event::OriginData { conn: id, data: Bytes::new(), end: true });
            }
            (Mode::Collect { .. } | Mode::Stream, Heard::Cut) => {
                self.drop_upstream(scene, desk);
                desk.post(Event::OriginFailed { conn: id, fault: OriginFault::Broken });
            }
        }
        true
    }

    /// There is no head. An idle connection may have been dead already: then the request is sent
    /// once more.
    fn failed(&mut self, scene: &mut Scene, desk: &mut Desk) -> bool {
        let Some(Forwarded { upstream, request, .. }) = self.forwarded.take() else { return false };
        let stale = upstream.is_stale();
        upstream.release(scene, desk, false);
        match self.ask.filter(|_| stale) {
            Some(ask) => {
                scene.tally.bump("requests sent again");
                scene.note(&Fact::Again(ask));
                let at = desk.dial(scene, Some(ask), Door::of(&request.target));
                self.ask_origin(desk, at, request);
            }
            None => {
                let fault = OriginFault::Broken;
                desk.post(Event::OriginFailed { conn: self.id, fault });
            }
        }
        true
    }
}

impl Forwarded {
    /// Says how long the body is that is passed through from now on, if the engine has the head.
    pub(super) fn relay(&mut self) -> Option<BodySize> {
        let Mode::Judged(size) = self.mode else { return None };
        self.mode = Mode::Relay;
        Some(size)
    }
}
