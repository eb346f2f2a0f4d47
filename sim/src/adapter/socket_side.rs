//! A client's connection that is a WebSocket, on the side of the proxy.

use holdfast_core::engine::{ClientGone, Event, SocketAction, SocketEvent, SocketFrame};
use holdfast_core::message::ResponseHead;
use holdfast_core::ws::{Close, Decoder, Received, Role, Sender, Violation};

use super::Desk;
use super::backend_side::{Backend, Came};
use super::client_side::{Conn, Stage};
use crate::scene::Scene;
use crate::wire::Ended;

/// What a connection has beside the rest when it is a WebSocket, or may become one.
#[derive(Debug)]
pub(super) struct Socket {
    decoder: Decoder,
    sender: Sender,
    /// The engine wants to hear nothing of the client.
    paused: bool,
    backend: Option<Backend>,
}

impl Default for Socket {
    fn default() -> Self {
        Self {
            decoder: Decoder::new(Role::Server),
            sender: Sender::new(),
            paused: false,
            backend: None,
        }
    }
}

/// What the engine says.
impl Conn {
    pub(super) fn act(&mut self, scene: &mut Scene, desk: &mut Desk, action: SocketAction) {
        match action {
            SocketAction::Accept(head) => self.accept(scene, desk, &head),
            SocketAction::Send(frame) => self.send(scene, desk, &frame),
            SocketAction::Pause => self.socket().paused = true,
            SocketAction::Resume => self.socket().paused = false,
            SocketAction::Connect(connect) => self.connect(scene, desk, *connect),
            SocketAction::SendOrigin(frame) => {
                if let Some(backend) = &mut self.socket().backend {
                    backend.send(scene, &frame);
                }
            }
        }
    }

    fn accept(&mut self, scene: &mut Scene, desk: &mut Desk, head: &ResponseHead) {
        scene.tally.bump("WebSockets");
        self.wire.switch(head, self.outbox.buffer());
        self.set_stage(Stage::Socket);
        self.socket();
        self.written(scene, desk);
    }

    fn send(&mut self, scene: &mut Scene, desk: &mut Desk, frame: &SocketFrame) {
        let mut bytes = Vec::new();
        frame.encode(&mut self.socket().sender, None, &mut bytes);
        self.outbox.buffer().extend_from_slice(&bytes);
        self.written(scene, desk);
    }

    /// The origin has accepted.
    pub(super) fn join(&mut self, backend: Backend) {
        self.socket().backend = Some(backend);
    }

    /// Lets go of the origin's end of the WebSocket, if there is one.
    pub(super) fn part_from_backend(&mut self, scene: &mut Scene, desk: &mut Desk) {
        if let Some(backend) = self.socket.as_mut().and_then(|socket| socket.backend.take()) {
            desk.part(scene, backend);
        }
    }

    fn socket(&mut self) -> &mut Socket {
        self.socket.get_or_insert_default()
    }
}

/// What its two ends say.
impl Conn {
    /// Hears one frame of each end, as far as the other has taken what came before; what comes of it
    /// brings the connection its next turn. False if the client is gone.
    pub(super) fn converse(&mut self, scene: &mut Scene, desk: &mut Desk) -> bool {
        self.hear_backend(scene, desk);
        self.hear_client(scene, desk)
    }

    fn hear_client(&mut self, scene: &mut Scene, desk: &mut Desk) -> bool {
        let limit = desk.limits.backlog_bytes;
        let far_behind = !self.outbox.is_empty() && self.outbox.len() as u64 >= limit;
        let Some(socket) = self.socket.as_deref_mut() else { return true };
        if socket.paused || far_behind || socket.backend.as_ref().is_some_and(Backend::is_behind) {
            return true;
        }
        match decode(&mut socket.decoder, &mut self.inbox) {
            Ok(Some(frame)) => {
                desk.post(Event::Socket { conn: self.id, event: SocketEvent::Frame(frame) });
            }
            Ok(None) if self.has_left() => {
                self.leave(scene, desk);
                return false;
            }
            Ok(None) => {}
            Err(violation) => self.blame_client(scene, desk, violation),
        }
        true
    }

    /// A client that breaks the protocol is told so.
    fn blame_client(&mut self, scene: &mut Scene, desk: &mut Desk, violation: Violation) {
        scene.tally.bump("fault: client breaks the protocol");
        self.part_from_backend(scene, desk);
        self.send(scene, desk, &SocketFrame::Close(Close::new(violation.code())));
        self.set_stage(Stage::Closing(Ended::Closed));
        desk.post(Event::Gone { conn: self.id, why: ClientGone::BadFrame });
    }

    fn hear_backend(&mut self, scene: &mut Scene, desk: &mut Desk) {
        let waits = !self.outbox.is_empty();
        let backend = self.socket.as_mut().and_then(|socket| socket.backend.as_mut());
        let Some(backend) = backend else { return };
        backend.flush(scene);
        if waits {
            return;
        }
        let event = match backend.hear(scene) {
            Came::Nothing => return,
            Came::Frame(frame) => SocketEvent::OriginFrame(frame),
            Came::Gone => {
                self.part_from_backend(scene, desk);
                SocketEvent::OriginClosed
            }
        };
        desk.post(Event::Socket { conn: self.id, event });
    }
}

/// Takes the next frame out of what has come.
pub(super) fn decode(
    decoder: &mut Decoder,
    inbox: &mut Vec<u8>,
) -> Result<Option<SocketFrame>, Violation> {
    let Received { consumed, event } = decoder.receive(inbox)?;
    let frame = event.map(SocketFrame::from);
    inbox.drain(..consumed);
    Ok(frame)
}
