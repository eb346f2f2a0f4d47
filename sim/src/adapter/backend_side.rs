//! The origin's end of a WebSocket, on the side of the proxy.

use holdfast_core::engine::SocketFrame;
use holdfast_core::ws::{Close, Decoder, Role, Sender, Violation};

use super::socket_side::decode;
use super::{Desk, Owner};
use crate::scene::{Outbox, Scene};
use crate::wire::{End, Ended, LinkId, Read};

/// Bytes that are read at once.
const SCRATCH: usize = 4096;

/// What each frame is masked with; a peer must not care.
const MASK: [u8; 4] = [0x5a, 0, 0xff, 7];

/// A connection to an origin that has accepted an upgrade.
#[derive(Debug)]
pub(super) struct Backend {
    link: LinkId,
    inbox: Vec<u8>,
    ended: Option<Ended>,
    outbox: Outbox,
    decoder: Decoder,
    sender: Sender,
}

/// What an origin said.
pub(super) enum Came {
    Nothing,
    Frame(SocketFrame),
    /// It has gone, or it broke the protocol.
    Gone,
}

impl Backend {
    /// What goes on where HTTP has ended.
    pub(super) fn new((link, inbox, ended): (LinkId, Vec<u8>, Option<Ended>)) -> Self {
        Self {
            link,
            inbox,
            ended,
            outbox: Outbox::default(),
            decoder: Decoder::new(Role::Client),
            sender: Sender::new(),
        }
    }

    pub(super) fn send(&mut self, scene: &mut Scene, frame: &SocketFrame) {
        frame.encode(&mut self.sender, Some(MASK), self.outbox.buffer());
        self.flush(scene);
    }

    pub(super) fn flush(&mut self, scene: &mut Scene) {
        self.outbox.flush(scene, End::proxy(self.link));
    }

    /// Whether something waits to be taken.
    pub(super) fn is_behind(&self) -> bool {
        !self.outbox.is_empty()
    }

    /// The next frame.
    pub(super) fn hear(&mut self, scene: &mut Scene) -> Came {
        if self.ended.is_none() {
            let room = SCRATCH.saturating_sub(self.inbox.len());
            let Read { bytes, ended } = scene.read(End::proxy(self.link), room);
            self.inbox.extend_from_slice(&bytes);
            self.ended = ended;
        }
        match decode(&mut self.decoder, &mut self.inbox) {
            Ok(Some(frame)) => Came::Frame(frame),
            Ok(None) if self.ended.is_some() => Came::Gone,
            Ok(None) => Came::Nothing,
            Err(violation) => self.complain(scene, violation),
        }
    }

    /// An origin that breaks the protocol is told so, and left.
    fn complain(&mut self, scene: &mut Scene, violation: Violation) -> Came {
        self.send(scene, &SocketFrame::Close(Close::new(violation.code())));
        Came::Gone
    }
}

impl Desk {
    /// Lets go of an origin; what it was sent last still goes out.
    pub(super) fn part(&mut self, scene: &mut Scene, mut backend: Backend) {
        backend.flush(scene);
        let link = backend.link;
        if backend.is_behind() && backend.ended.is_none() {
            self.owners.insert(link, Owner::Parting);
            self.partings.insert(link, backend);
        } else {
            self.owners.remove(&link);
            scene.close(End::proxy(link), Ended::Closed);
        }
    }

    /// There may be room for what an origin was sent last.
    pub(super) fn go_on_parting(&mut self, scene: &mut Scene, link: LinkId) {
        if let Some(mut backend) = self.partings.remove(&link) {
            // What it says means nothing any more, but that it is gone.
            let Read { ended, .. } = scene.read(End::proxy(link), usize::MAX);
            backend.ended = backend.ended.or(ended);
            self.part(scene, backend);
        }
    }
}
