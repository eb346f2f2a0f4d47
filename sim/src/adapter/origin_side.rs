//! A request at an origin, on the side of the proxy.

use bytes::Bytes;
use holdfast_core::engine::{BodySource, Event, OriginFault, Outgoing};
use holdfast_core::http1::{Client, ClientEvent, Received, ServerEvent};
use holdfast_core::message::{BodySize, ResponseHead};
use holdfast_core::route::Connect;

use super::client_side::{Conn, RequestBody, Stage};
use super::{Desk, Source};
use crate::scene::{DEAD_PORT, Outbox, Scene};
use crate::wire::{End, Ended, LinkId, Read};

/// Bytes that are read at once.
const SCRATCH: usize = 4096;

#[derive(Debug)]
pub(super) struct Upstream {
    link: LinkId,
    source: Source,
    is_up: bool,
    request: Outgoing,
    wire: Client,
    inbox: Vec<u8>,
    ended: Option<Ended>,
    outbox: Outbox,
    upload: Upload,
    mode: Mode,
    complete: bool,
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

/// What the origin said.
enum Heard {
    Nothing,
    Head(ResponseHead, BodySize),
    Data(Vec<u8>),
    End,
    Cut,
}

impl Conn {
    pub(super) fn forward(&mut self, scene: &mut Scene, desk: &mut Desk, request: Outgoing) {
        self.drop_upstream(scene, desk);
        let Some(ask) = self.ask else { return };
        // A request whose body is on its way cannot be sent again if an idle connection proves
        // dead.
        let (link, source) = match request.body {
            BodySource::Empty if !is_dead(&request) => desk.obtain(scene, ask),
            _ => desk.dial(scene, ask, is_dead(&request)),
        };
        self.ask_origin(desk, link, source, request);
    }

    pub(super) fn connected(&mut self) {
        if let Some(upstream) = &mut self.upstream {
            upstream.is_up = true;
        }
    }

    pub(super) fn collect(&mut self, limit: usize) {
        if let Some(upstream) = &mut self.upstream {
            upstream.mode = Mode::Collect { limit, body: Vec::new() };
        }
    }

    pub(super) fn stream(&mut self) {
        if let Some(upstream) = &mut self.upstream {
            upstream.mode = Mode::Stream;
        }
    }

    /// Nothing more is wanted of the origin. A connection that can be used again is kept.
    pub(super) fn drop_upstream(&mut self, scene: &mut Scene, desk: &mut Desk) {
        let Some(upstream) = self.upstream.take() else { return };
        desk.owners.remove(&upstream.link);
        if upstream.is_reusable() {
            desk.idle.push(upstream.link);
        } else {
            scene.close(End::proxy(upstream.link), Ended::Closed);
        }
    }

    /// Moves the request up and the answer down; says whether anything moved.
    pub(super) fn serve(&mut self, scene: &mut Scene, desk: &mut Desk) -> bool {
        if self.upstream.as_ref().is_none_or(|upstream| !upstream.is_up) {
            return false;
        }
        let uploaded = self.upload(scene, desk);
        let waits = !self.outbox.is_empty();
        let Some(upstream) = &mut self.upstream else { return uploaded };
        if waits && matches!(upstream.mode, Mode::Relay | Mode::Stream) {
            return uploaded;
        }
        match upstream.hear(scene, desk) {
            Heard::Nothing => uploaded,
            heard => self.heard(scene, desk, heard),
        }
    }

    fn ask_origin(&mut self, desk: &mut Desk, link: LinkId, source: Source, request: Outgoing) {
        let mut wire = Client::new();
        let mut outbox = Outbox::default();
        let (size, upload) = match request.body {
            BodySource::Client => (self.request_size, Upload::Coming),
            BodySource::Empty => (BodySize::Empty, Upload::None),
        };
        wire.request(&request.head, size, outbox.buffer());
        desk.owners.insert(link, self.id.slot);
        self.upstream = Some(Upstream {
            link,
            source,
            is_up: source == Source::Idle,
            request,
            wire,
            inbox: Vec::new(),
            ended: None,
            outbox,
            upload,
            mode: Mode::Asking,
            complete: false,
        });
    }

    fn upload(&mut self, scene: &mut Scene, desk: &mut Desk) -> bool {
        if self.upstream.as_ref().is_some_and(|upstream| upstream.upload == Upload::Coming)
            && self.stage() == Stage::Asked
        {
            self.invite_body(scene);
        }
        let Some(upstream) = &mut self.upstream else { return false };
        upstream.outbox.flush(scene, End::proxy(upstream.link));
        let mut moved = false;
        while upstream.upload == Upload::Coming && upstream.outbox.is_empty() {
            let Ok(Received { consumed, event }) = self.wire.receive(&self.inbox, &desk.limits)
            else {
                // Clients here send no bad bodies; a broken one would show as a request never
                // answered.
                return false;
            };
            match event {
                Some(ServerEvent::Data(data)) => {
                    upstream.wire.send(data, upstream.outbox.buffer());
                }
                Some(ServerEvent::End) => {
                    self.body = RequestBody::Complete;
                    upstream.wire.finish(upstream.outbox.buffer());
                    upstream.upload = Upload::Last;
                }
                Some(ServerEvent::Head { .. }) | None if consumed == 0 => break,
                Some(ServerEvent::Head { .. }) | None => {}
            }
            self.inbox.drain(..consumed);
            upstream.outbox.flush(scene, End::proxy(upstream.link));
            moved = true;
        }
        if upstream.upload == Upload::Last && upstream.outbox.is_empty() {
            upstream.upload = Upload::Done;
            desk.post(Event::Sent { conn: self.id });
        }
        moved
    }

    /// Does with what came what the mode says; says whether there may be more to do at once.
    fn heard(&mut self, scene: &mut Scene, desk: &mut Desk, heard: Heard) -> bool {
        let id = self.id;
        let Some(upstream) = &mut self.upstream else { return false };
        match (&mut upstream.mode, heard) {
            (_, Heard::Nothing) => return false,
            (_, Heard::Head(head, body)) => {
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
        let Some(upstream) = self.upstream.take() else { return false };
        desk.owners.remove(&upstream.link);
        scene.close(End::proxy(upstream.link), Ended::Closed);
        let stale = upstream.source == Source::Idle && upstream.inbox.is_empty();
        match self.ask.filter(|_| stale) {
            Some(ask) => {
                scene.tally.bump("requests sent again");
                let (link, source) = desk.dial(scene, ask, is_dead(&upstream.request));
                self.ask_origin(desk, link, source, upstream.request);
            }
            None => {
                let fault = OriginFault::Broken;
                desk.post(Event::OriginFailed { conn: self.id, fault });
            }
        }
        true
    }
}

impl Upstream {
    /// Says how long the body is that is passed through from now on, if the engine has the head.
    pub(super) fn relay(&mut self) -> Option<BodySize> {
        let Mode::Judged(size) = self.mode else { return None };
        self.mode = Mode::Relay;
        Some(size)
    }

    fn is_reusable(&self) -> bool {
        let over = self.complete && matches!(self.upload, Upload::None | Upload::Done);
        over && self.ended.is_none() && self.inbox.is_empty() && self.wire.is_reusable()
    }

    fn hear(&mut self, scene: &mut Scene, desk: &Desk) -> Heard {
        if let Mode::Judged(_) = self.mode {
            return Heard::Nothing;
        }
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
                self.mode = Mode::Judged(body);
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
}

fn is_dead(request: &Outgoing) -> bool {
    matches!(request.target.connect, Connect::Tcp { port, .. } if port == DEAD_PORT)
}
