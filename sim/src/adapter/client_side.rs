//! A client's connection on the side of the proxy.

use bytes::Bytes;
use holdfast_core::engine::{ClientGone, Event, Request};
use holdfast_core::ground::ConnId;
use holdfast_core::http1::{
    Received, RequestError, Sending, Server, ServerEvent, chunk_prefix, chunk_suffix,
};
use holdfast_core::message::{BodySize, Response, ResponseHead};
use holdfast_core::ws::Upgrade;

use super::Desk;
use super::origin_side::Forwarded;
use super::socket_side::Socket;
use crate::sabotage::Sabotage;
use crate::scene::{Outbox, Scene};
use crate::script::AskId;
use crate::wire::{End, Ended, LinkId, Read};

/// Bytes of a client that are read ahead.
const INBOX: usize = 16_384;

#[derive(Debug)]
pub(super) struct Conn {
    pub(super) id: ConnId,
    end: End,
    stage: Stage,
    pub(super) wire: Server,
    pub(super) inbox: Vec<u8>,
    pub(super) outbox: Outbox,
    pub(super) body: RequestBody,
    pub(super) request_size: BodySize,
    pub(super) ask: Option<AskId>,
    /// What the client has sent as a body, as far as it went to an origin.
    pub(super) kept: Vec<u8>,
    pub(super) forwarded: Option<Forwarded>,
    pub(super) socket: Option<Box<Socket>>,
    /// The client will say nothing more than what has been read.
    left: bool,
    /// The response under way has no other end than the connection's.
    ends_by_close: bool,
    /// The engine believes that bytes wait.
    backlogged: bool,
}

/// How far the exchange is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Stage {
    Resting,
    /// The engine has it; nothing of the response was written.
    Asked,
    /// The engine has it; the response has begun.
    Begun,
    /// It is a WebSocket.
    Socket,
    /// The engine has let it go; the origin's response is passed through.
    Relaying,
    Answered,
    /// The connection ends when all is written.
    Closing(Ended),
    /// It is gone and, by sabotage, the engine does not know.
    Leaked,
}

/// How far the body of the request is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum RequestBody {
    /// To come, but the client waits to be asked for it.
    Expecting,
    Coming,
    Complete,
}

impl Conn {
    pub(super) fn new(id: ConnId, link: LinkId) -> Self {
        Self {
            id,
            end: End::proxy(link),
            stage: Stage::Resting,
            wire: Server::new(),
            inbox: Vec::new(),
            outbox: Outbox::default(),
            body: RequestBody::Complete,
            request_size: BodySize::Empty,
            ask: None,
            kept: Vec::new(),
            forwarded: None,
            socket: None,
            left: false,
            ends_by_close: false,
            backlogged: false,
        }
    }

    pub(super) fn stage(&self) -> Stage {
        self.stage
    }

    /// Whether the engine has the exchange.
    pub(super) fn is_engaged(&self) -> bool {
        matches!(self.stage, Stage::Asked | Stage::Begun | Stage::Socket)
    }

    pub(super) fn set_stage(&mut self, stage: Stage) {
        self.stage = stage;
    }

    /// Whether the client has gone; what it said last may still be to be heard.
    pub(super) fn has_left(&self) -> bool {
        self.left
    }

    /// Does all that can be done now; false if the connection is over.
    pub(super) fn pump(&mut self, scene: &mut Scene, desk: &mut Desk) -> bool {
        self.flush(scene, desk);
        loop {
            self.read_ahead(scene);
            if self.left && self.stage != Stage::Socket {
                self.leave(scene, desk);
                return false;
            }
            let moved = match self.stage {
                Stage::Resting => self.next_request(scene, desk),
                Stage::Asked | Stage::Begun | Stage::Relaying => self.serve(scene, desk),
                Stage::Socket => {
                    if !self.converse(scene, desk) {
                        return false;
                    }
                    self.stage != Stage::Socket
                }
                Stage::Answered => self.rest(scene, desk),
                Stage::Closing(how) if self.outbox.is_empty() => {
                    self.drop_upstream(scene, desk);
                    desk.owners.remove(&self.end.link);
                    scene.close(self.end, how);
                    return false;
                }
                Stage::Closing(_) | Stage::Leaked => false,
            };
            if !moved {
                return true;
            }
        }
    }

    pub(super) fn relay(&mut self, scene: &mut Scene, head: &ResponseHead) {
        let Some(size) = self.forwarded.as_mut().and_then(Forwarded::relay) else { return };
        self.stage = Stage::Relaying;
        self.write_head(head, size);
        self.outbox.flush(scene, self.end);
    }

    pub(super) fn respond(&mut self, scene: &mut Scene, response: &Response) {
        self.write_head(&response.head, BodySize::Known(response.body.len() as u64));
        self.wire.send(&response.body, self.outbox.buffer());
        self.finish(scene);
    }

    pub(super) fn begin(&mut self, scene: &mut Scene, desk: &mut Desk, head: &ResponseHead) {
        scene.tally.bump("streams");
        self.stage = Stage::Begun;
        self.write_head(head, BodySize::Unknown);
        self.written(scene, desk);
    }

    pub(super) fn append(&mut self, scene: &mut Scene, desk: &mut Desk, data: &[u8]) {
        self.wire.send(data, self.outbox.buffer());
        self.written(scene, desk);
    }

    /// Appends what others get as well; rendered outside of the codec, as the production adapter
    /// does it.
    pub(super) fn append_shared(&mut self, scene: &mut Scene, desk: &mut Desk, data: &Bytes) {
        let framing = match self.stage {
            Stage::Socket => Sending::Plain,
            _ => self.wire.sending(),
        };
        let out = self.outbox.buffer();
        match framing {
            Sending::Nothing => {}
            Sending::Plain => out.extend_from_slice(data),
            Sending::Chunked => {
                chunk_prefix(data.len(), out);
                out.extend_from_slice(data);
                out.extend_from_slice(chunk_suffix());
            }
        }
        self.written(scene, desk);
    }

    pub(super) fn finish(&mut self, scene: &mut Scene) {
        self.wire.finish(self.outbox.buffer());
        self.outbox.flush(scene, self.end);
        self.stage = Stage::Answered;
    }

    /// The response cannot be completed; what still waits is given up.
    pub(super) fn abort(&mut self, scene: &mut Scene, desk: &mut Desk) {
        scene.tally.bump("aborts");
        self.outbox.clear();
        self.drop_upstream(scene, desk);
        self.cut();
    }

    /// Body bytes of the origin's response come.
    pub(super) fn pass(&mut self, scene: &mut Scene, desk: &Desk, data: &mut [u8]) {
        if let (Some(Sabotage::TamperBody), Some(byte)) = (desk.sabotage, data.first_mut()) {
            byte.make_ascii_uppercase();
        }
        self.wire.send(data, self.outbox.buffer());
        self.outbox.flush(scene, self.end);
    }

    /// The response ends here though it is not complete; the client must be able to tell.
    pub(super) fn cut(&mut self) {
        self.stage = Stage::Closing(match self.ends_by_close {
            true => Ended::Reset,
            false => Ended::Closed,
        });
    }

    /// Asks for a body whose client waits to be asked.
    pub(super) fn invite_body(&mut self, scene: &mut Scene) {
        if self.body == RequestBody::Expecting {
            self.body = RequestBody::Coming;
            self.outbox.buffer().extend_from_slice(Server::CONTINUE);
            self.outbox.flush(scene, self.end);
        }
    }

    pub(super) fn written(&mut self, scene: &mut Scene, desk: &mut Desk) {
        self.outbox.flush(scene, self.end);
        if !self.outbox.is_empty() {
            self.backlogged = true;
            let bytes = self.outbox.len() as u64;
            desk.post(Event::Backlog { conn: self.id, bytes });
        }
    }

    fn flush(&mut self, scene: &mut Scene, desk: &mut Desk) {
        self.outbox.flush(scene, self.end);
        if self.outbox.is_empty() && core::mem::take(&mut self.backlogged) && self.is_engaged() {
            desk.post(Event::Backlog { conn: self.id, bytes: 0 });
        }
    }

    fn write_head(&mut self, head: &ResponseHead, size: BodySize) {
        if self.body != RequestBody::Complete {
            // What is left of the request would be taken for the next one.
            self.wire.close_after();
        }
        self.wire.respond(head, size, self.outbox.buffer());
        self.ends_by_close = size == BodySize::Unknown && self.wire.sending() == Sending::Plain;
    }

    fn read_ahead(&mut self, scene: &mut Scene) {
        let Read { bytes, ended } = scene.read(self.end, INBOX - self.inbox.len().min(INBOX));
        self.inbox.extend_from_slice(&bytes);
        self.left |= ended.is_some();
    }

    pub(super) fn leave(&mut self, scene: &mut Scene, desk: &mut Desk) {
        self.drop_upstream(scene, desk);
        desk.owners.remove(&self.end.link);
        scene.close(self.end, Ended::Closed);
        if !self.is_engaged() {
            return;
        }
        let gone = Event::Gone { conn: self.id, why: ClientGone::Left };
        match desk.sabotage {
            Some(Sabotage::MissLeaving) if self.stage == Stage::Begun => {
                self.stage = Stage::Leaked;
            }
            Some(Sabotage::HideLeaving) if self.stage == Stage::Begun => {
                self.stage = Stage::Leaked;
                let shard = holdfast_core::ground::ShardId(desk.shard);
                scene.note(&crate::oracle::Fact::Told { shard, event: &gone });
            }
            _ => desk.post(gone),
        }
    }

    fn next_request(&mut self, scene: &mut Scene, desk: &mut Desk) -> bool {
        let received = match self.wire.receive(&self.inbox, &desk.limits) {
            Ok(received) => received,
            Err(error) => {
                self.refuse(scene, error);
                return true;
            }
        };
        let Received { consumed, event } = received;
        let Some(ServerEvent::Head { head, body, expects_continue }) = event else { return false };
        self.inbox.drain(..consumed);
        self.body = match body {
            BodySize::Empty | BodySize::Known(0) => RequestBody::Complete,
            _ if expects_continue => RequestBody::Expecting,
            _ => RequestBody::Coming,
        };
        self.request_size = body;
        self.kept.clear();
        self.ask = scene.setting.book.find(&head.target).map(|ask| ask.id);
        self.stage = Stage::Asked;
        let (conn, request) = (self.id, Request { head, body, peer: None, secure: false });
        match Upgrade::of(&request.head, body) {
            Upgrade::Valid(accept) => {
                self.wire.close_after();
                desk.post(Event::Upgrade { conn, request, accept });
            }
            // Clients here ask in no invalid way.
            Upgrade::None | Upgrade::Invalid(_) => desk.post(Event::Request { conn, request }),
        }
        true
    }

    fn refuse(&mut self, scene: &mut Scene, error: RequestError) {
        self.wire.close_after();
        self.respond(scene, &Response::text(error.status(), &error.to_string()));
        self.stage = Stage::Closing(Ended::Closed);
    }

    /// The response is complete: the next request, or the end.
    fn rest(&mut self, scene: &mut Scene, desk: &mut Desk) -> bool {
        self.drop_upstream(scene, desk);
        if !self.outbox.is_empty() {
            return false;
        }
        self.backlogged = false;
        self.stage = match self.wire.next_request() {
            true => Stage::Resting,
            false => Stage::Closing(Ended::Closed),
        };
        true
    }
}
