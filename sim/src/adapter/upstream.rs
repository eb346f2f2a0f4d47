//! A request on a connection to an origin, and the answer to it.

use holdfast_core::http1::{Client, ClientEvent, Received};
use holdfast_core::message::{BodySize, RequestHead, ResponseHead};

use super::{Desk, Source};
use crate::scene::{Door, Ends, Outbox, Scene};
use crate::script::AskId;
use crate::wire::{End, Ended, LinkId, Read};

/// Bytes that are read at once.
const SCRATCH: usize = 4096;

#[derive(Debug)]
pub(super) struct Upstream {
    link: LinkId,
    source: Source,
    is_up: bool,
    pub(super) wire: Client,
    inbox: Vec<u8>,
    ended: Option<Ended>,
    pub(super) outbox: Outbox,
    complete: bool,
}

/// What the origin said.
pub(super) enum Heard {
    Nothing,
    Head(ResponseHead, BodySize),
    Data(Vec<u8>),
    End,
    Cut,
}

impl Upstream {
    /// Begins a request on a link.
    pub(super) fn new(
        (link, source): (LinkId, Source),
        head: &RequestHead,
        size: BodySize,
    ) -> Self {
        let (mut wire, mut outbox) = (Client::new(), Outbox::default());
        wire.request(head, size, outbox.buffer());
        Self {
            link,
            source,
            is_up: source == Source::Idle,
            wire,
            inbox: Vec::new(),
            ended: None,
            outbox,
            complete: false,
        }
    }

    /// Begins a request for a WebSocket on a fresh link.
    pub(super) fn upgrade(link: LinkId, head: &RequestHead) -> Self {
        let (mut wire, mut outbox) = (Client::new(), Outbox::default());
        wire.upgrade(head, outbox.buffer());
        Self {
            link,
            source: Source::Fresh,
            is_up: false,
            wire,
            inbox: Vec::new(),
            ended: None,
            outbox,
            complete: false,
        }
    }

    /// What is left when HTTP has ended: the link, and what was read beyond that end.
    pub(super) fn into_rest(self) -> (LinkId, Vec<u8>, Option<Ended>) {
        (self.link, self.inbox, self.ended)
    }

    pub(super) fn connected(&mut self) {
        self.is_up = true;
    }

    pub(super) fn is_up(&self) -> bool {
        self.is_up
    }

    pub(super) fn flush(&mut self, scene: &mut Scene) {
        self.outbox.flush(scene, End::proxy(self.link));
    }

    /// Whether an idle connection was dead already, so that nothing of the answer has come.
    pub(super) fn is_stale(&self) -> bool {
        self.source == Source::Idle && self.inbox.is_empty()
    }

    /// The next part of the answer.
    pub(super) fn hear(&mut self, scene: &mut Scene, desk: &Desk) -> Heard {
        if self.complete {
            return Heard::End;
        }
        if self.ended.is_none() {
            let Read { bytes, ended } = scene.read(End::proxy(self.link), SCRATCH);
            self.inbox.extend_from_slice(&bytes);
            self.ended = ended;
        }
        let Ok(Received { consumed, event }) = self.wire.receive(&self.inbox, &desk.limits) else {
            return Heard::Cut;
        };
        let heard = match event {
            None => None,
            Some(ClientEvent::Data(data)) => Some(Heard::Data(data.to_vec())),
            Some(ClientEvent::End) => {
                self.complete = true;
                Some(Heard::End)
            }
            Some(ClientEvent::Head { head, body, complete }) => {
                self.complete = complete;
                Some(Heard::Head(head, body))
            }
        };
        self.inbox.drain(..consumed);
        match (heard, self.ended) {
            (Some(heard), _) => heard,
            (None, None) => Heard::Nothing,
            (None, Some(Ended::Closed)) if self.wire.closed().is_ok() => {
                self.complete = true;
                Heard::End
            }
            (None, Some(_)) => Heard::Cut,
        }
    }

    /// Gives the connection up; keeps it if it can be used again. `sent` says that all of the request
    /// was written.
    pub(super) fn release(self, scene: &mut Scene, desk: &mut Desk, sent: bool) {
        desk.owners.remove(&self.link);
        let over = self.complete && sent && self.ended.is_none() && self.inbox.is_empty();
        let native = matches!(scene.ends(self.link), Ends::Origin { door: Door::Native, .. });
        if over && self.outbox.is_empty() && self.wire.is_reusable() && !native {
            desk.idle.push(self.link);
        } else {
            scene.close(End::proxy(self.link), Ended::Closed);
        }
    }
}

impl Desk {
    /// A connection to the origin: one that is there, or a new one.
    pub(super) fn obtain(
        &mut self,
        scene: &mut Scene,
        ask: Option<AskId>,
        door: Door,
    ) -> (LinkId, Source) {
        let Some(link) = self.idle.pop() else { return self.dial(scene, ask, door) };
        scene.use_link(link, ask);
        scene.tally.bump("connections used again");
        (link, Source::Idle)
    }

    pub(super) fn dial(
        &mut self,
        scene: &mut Scene,
        ask: Option<AskId>,
        door: Door,
    ) -> (LinkId, Source) {
        let link = scene.dial_origin(self.shard, ask, door);
        scene.use_link(link, ask);
        (link, Source::Fresh)
    }
}
