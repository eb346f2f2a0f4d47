//! WebSockets: each has its machine; here are the table of them, and what their words mean for a shard.

use std::collections::VecDeque;
use std::sync::Arc;

use http::StatusCode;

use super::backends::{Backend, echo, random};
use super::dispatch::respond;
use super::stop::Leaving;
use super::{
    Action, Actions, Config, Engine, KEPT_SLOTS, Request, SocketAction, SocketEvent, SocketFrame,
};
use crate::channel::{Kind, Subscriptions};
use crate::exchange::{Asked, Exchange, Filtering, Within};
use crate::filter::Filter;
use crate::ground::{CallId, ConnId, Count, ShardId, Slab, SocketId, Time, Wheel};
use crate::hold::{Session, Track};
use crate::route::Proto;
use crate::socket::{Effect, Frame, Grip, Input, Setup, Socket, Turn, going_down};
use crate::ws::{Accept, Close};
use crate::wsoh::{ConnectionId, Piece};

/// All WebSockets of a shard.
#[derive(Debug, Default)]
pub(super) struct Sockets {
    /// Boxed, so that a few that stay do not keep the room of those that have left.
    list: Slab<Box<Seat>>,
    pub(super) wheel: Wheel,
    pub(super) leaving: Leaving,
    /// How many have no client any more and still tell their backends.
    farewells: usize,
    /// Reused from call to call; empty between them.
    effects: Vec<Effect>,
}

/// A WebSocket with what its machine does not know.
#[derive(Debug)]
pub(super) struct Seat {
    socket: Socket,
    /// The client, for as long as there is something to say to it.
    pub(super) conn: Option<ConnId>,
    /// The client's upgrade.
    pub(super) asked: Asked,
    accept: Accept,
    pub(super) backend: Backend,
    pub(super) subs: Subscriptions,
    pub(super) session: Session,
    /// The item that a filter asks about, and those behind it.
    pub(super) filtering: Option<Box<Filtering>>,
}

const _: () = assert!(size_of::<Seat>() <= 512, "one for each WebSocket");

impl Sockets {
    pub(super) fn get(&self, id: SocketId) -> Option<&Seat> {
        self.list.get(key(id)).map(Box::as_ref)
    }

    pub(super) fn get_mut(&mut self, id: SocketId) -> Option<&mut Seat> {
        self.list.get_mut(key(id)).map(Box::as_mut)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (SocketId, &Seat)> {
        self.list.iter().map(|(id, seat)| (name(id), &**seat))
    }

    /// The socket whose timer stands in `slot`.
    pub(super) fn tenant(&self, slot: u32) -> Option<SocketId> {
        self.list.tenant(slot).map(name)
    }

    /// How many there is room for.
    #[cfg(test)]
    pub(super) fn slots(&self) -> usize {
        self.list.slots().max(self.wheel.slots()).max(self.effects.capacity())
    }

    /// The client of a socket is gone.
    fn part(&mut self, id: SocketId) -> Option<&mut Seat> {
        let seat = self.list.get_mut(key(id))?;
        self.farewells += usize::from(seat.conn.take().is_some());
        Some(seat)
    }

    fn remove(&mut self, id: SocketId) -> Option<Box<Seat>> {
        self.wheel.disarm(id.slot);
        let seat = self.list.remove(key(id))?;
        self.farewells -= usize::from(seat.conn.is_none());
        if self.list.is_empty() && self.list.slots() > KEPT_SLOTS {
            self.list.shrink();
            self.wheel.shrink();
        }
        Some(seat)
    }
}

impl Seat {
    pub(super) fn call(&self) -> Option<CallId> {
        self.backend.call()
    }

    /// The call by which a filter asks about an item.
    pub(super) fn question(&self) -> Option<CallId> {
        self.filtering.as_ref()?.call
    }

    /// Whether a message may go to the client as one of many.
    pub(super) fn takes_fanout(&self) -> bool {
        self.filtering.is_none() && self.session.is_plain() && self.socket.takes_fanout()
    }

    /// Whether the client gets what is published.
    pub(super) fn takes_items(&self) -> bool {
        self.socket.takes_items()
    }

    /// Says in the log how an upgrade was answered, and by whom (OPS-5).
    fn say_upgraded(&self, shard: ShardId, status: StatusCode) {
        let conn = self.conn.map(tracing::field::display);
        let over_http = matches!(self.backend, Backend::OverHttp { .. });
        let (status, target) = (status.as_u16(), tracing::field::display(self.asked.target()));
        tracing::info!(shard = shard.0, conn, status, target, over_http, "upgrade answered");
    }

    /// Brings what filters know up to date.
    pub(super) fn refresh_meta(&mut self) {
        self.session.set_meta(self.socket.meta());
    }
}

impl Engine {
    /// A client asks for a WebSocket (WS-5).
    pub(super) fn upgrade(
        &mut self,
        now: Time,
        conn: ConnId,
        request: Request,
        accept: Accept,
        out: &mut Actions,
    ) {
        if self.exchanges.tenant(conn.slot).is_some() {
            crate::ground::broken!("an upgrade on connection {conn}, whose slot is busy");
            return self.counters.bump(Count::StaleEvent);
        }
        self.counters.bump(Count::Requests);
        if self.draining {
            return respond(conn, going_down(), out);
        }
        let Request { head, body, peer, secure } = request;
        let (config, wall) = (self.config.clone(), self.wall(now));
        let Config { routes, policy, limits } = &*config;
        let within = Within { routes, proto: Proto::Ws, policy, limits, wall };
        let asked = match Asked::new(head, body, (peer, secure), within) {
            Ok(asked) => asked,
            Err(refused) => return self.turn_away(conn, &refused, out),
        };
        let setup = Setup {
            route: asked.route().clone(),
            target: asked.target().clone(),
            grip: match (asked.route().no_grip, asked.is_trusted()) {
                (true, _) => Grip::Nowhere,
                (false, true) => Grip::Beyond,
                (false, false) => Grip::Here,
            },
            debug: asked.debug(),
            pass_pings: config.policy.pass_pings,
        };
        self.take_seat(now, conn, asked, accept, setup, out);
    }

    fn take_seat(
        &mut self,
        now: Time,
        conn: ConnId,
        asked: Asked,
        accept: Accept,
        setup: Setup,
        out: &mut Actions,
    ) {
        let target = asked.target().clone();
        let backend = Backend::of(&target);
        let config = self.config.clone();
        let mut effects = core::mem::take(&mut self.sockets.effects);
        let id = ConnectionId::from_random(random(&mut self.rng));
        let mut turn = Turn { now, limits: &config.limits, rng: &mut self.rng, out: &mut effects };
        let socket = match backend {
            Backend::OverHttp { .. } => Socket::over_http(setup, id, &mut turn),
            _ => Socket::native(setup, &mut turn),
        };
        let seat = Seat {
            socket,
            conn: Some(conn),
            asked,
            accept,
            backend,
            subs: Subscriptions::default(),
            session: Session::default(),
            filtering: None,
        };
        let id = name(self.sockets.list.insert_with(|_| Box::new(seat)));
        self.exchanges.insert(conn, Exchange::Socket(id));
        self.counters.bump(Count::Sockets);
        let mut inputs = VecDeque::new();
        match self.sockets.get(id).map(|seat| &seat.backend) {
            Some(Backend::Native) => self.connect(now, id, out),
            Some(Backend::Test) => inputs.extend(self.test_backend(now, id)),
            _ => {}
        }
        self.carry(now, id, effects, &mut inputs, out);
        self.feed_all(now, id, inputs, out);
    }

    /// Hands an input to a socket, and does what it says.
    pub(super) fn feed(&mut self, now: Time, id: SocketId, input: Input, out: &mut Actions) {
        self.feed_all(now, id, VecDeque::from([input]), out);
    }

    fn feed_all(
        &mut self,
        now: Time,
        id: SocketId,
        mut inputs: VecDeque<Input>,
        out: &mut Actions,
    ) {
        while let Some(input) = inputs.pop_front() {
            let Self { sockets, config, rng, .. } = self;
            let mut effects = core::mem::take(&mut sockets.effects);
            if let Some(seat) = sockets.get_mut(id) {
                let mut turn = Turn { now, limits: &config.limits, rng, out: &mut effects };
                seat.socket.handle(input, &mut turn);
            }
            self.carry(now, id, effects, &mut inputs, out);
        }
        self.rearm_socket(id);
    }

    fn carry(
        &mut self,
        now: Time,
        id: SocketId,
        mut effects: Vec<Effect>,
        inputs: &mut VecDeque<Input>,
        out: &mut Actions,
    ) {
        for effect in effects.drain(..) {
            self.effect(now, id, effect, inputs, out);
        }
        self.sockets.effects = effects;
    }

    pub(super) fn rearm_socket(&mut self, id: SocketId) {
        let Some(seat) = self.sockets.get(id) else { return };
        match seat.socket.deadline() {
            Some(at) => self.sockets.wheel.arm(id.slot, at),
            None => self.sockets.wheel.disarm(id.slot),
        }
    }

    /// When a socket is due.
    pub(super) fn sockets_due(&self) -> Option<Time> {
        self.sockets.wheel.next().into_iter().chain(self.sockets.leaving.deadline()).min()
    }

    /// Sockets whose time has come.
    pub(super) fn wake_sockets(&mut self, now: Time, out: &mut Actions) {
        self.close_in_turn(now, out);
        let mut due = core::mem::take(&mut self.due);
        self.sockets.wheel.expire(now, &mut due);
        for slot in due.drain(..) {
            let Some(id) = self.sockets.tenant(slot) else { continue };
            let delivered = match self.sockets.get(id) {
                Some(seat) => self.index.last_delivery(&seat.subs),
                None => continue,
            };
            self.feed(now, id, Input::Woken { delivered }, out);
        }
        self.due = due;
    }

    /// Something happened to a socket, as the adapter sees it.
    pub(super) fn socket_event(
        &mut self,
        now: Time,
        conn: ConnId,
        event: SocketEvent,
        out: &mut Actions,
    ) {
        let Some(&Exchange::Socket(id)) = self.exchanges.get(conn) else {
            return self.counters.bump(Count::StaleEvent);
        };
        let input = match event {
            SocketEvent::Frame(frame) => match split(frame) {
                Ok(frame) => Input::Frame(frame),
                Err(close) => Input::Close(close),
            },
            SocketEvent::OriginUpgraded(head) => Input::Accepted(head),
            SocketEvent::OriginFrame(frame) => match split(frame) {
                Ok(frame) => Input::BackendFrame(frame),
                Err(close) => Input::BackendClose(close),
            },
            SocketEvent::OriginClosed => Input::BackendGone,
        };
        self.feed(now, id, input, out);
    }

    /// The client is gone; the socket stays until its backend knows.
    pub(super) fn socket_gone(&mut self, now: Time, conn: ConnId, id: SocketId, out: &mut Actions) {
        self.stand_up(now, conn, id, out);
        self.feed(now, id, Input::Gone, out);
    }

    /// There is nothing more to say to the client, nor to hear of it.
    fn stand_up(&mut self, now: Time, conn: ConnId, id: SocketId, out: &mut Actions) {
        self.exchanges.remove(conn);
        let Some(seat) = self.sockets.part(id) else { return };
        seat.session = Session::default();
        let subs = core::mem::take(&mut seat.subs);
        let question = seat.filtering.take().and_then(|filtering| filtering.call);
        if let Some(call) = question {
            self.drop_call(call, out);
        }
        self.leave(now, subs, out);
        if self.sockets.farewells > self.config.limits.socket_farewells {
            // Its backend does not hear that it is gone (WOH-50).
            self.counters.bump(Count::FarewellsDropped);
            self.drop_request(id, out);
            self.sockets.remove(id);
        }
    }

    fn effect(
        &mut self,
        now: Time,
        id: SocketId,
        effect: Effect,
        inputs: &mut VecDeque<Input>,
        out: &mut Actions,
    ) {
        let Some(seat) = self.sockets.get_mut(id) else { return };
        let conn = seat.conn;
        let mut to_client = |action| {
            if let Some(conn) = conn {
                out.list.push(Action::Socket { conn, action });
            }
        };
        match effect {
            Effect::Request(request) => self.ask_backend(now, id, request, out),
            Effect::DropRequest => self.drop_request(id, out),
            Effect::Accept(fields) => {
                seat.say_upgraded(self.shard, StatusCode::SWITCHING_PROTOCOLS);
                let extension = fields.first("Sec-WebSocket-Extensions").cloned();
                to_client(SocketAction::Accept(seat.accept.grant(&fields, extension)));
            }
            Effect::Reject(response) => {
                seat.say_upgraded(self.shard, response.head.status);
                if let Some(conn) = conn {
                    self.stand_up(now, conn, id, out);
                    respond(conn, *response, out);
                }
            }
            Effect::Send(frame) => to_client(SocketAction::Send(frame.into())),
            Effect::Close(close) => to_client(SocketAction::Send(SocketFrame::Close(close))),
            Effect::HangUp => {
                if let Some(conn) = conn {
                    self.stand_up(now, conn, id, out);
                    out.list.push(Action::Finish { conn });
                }
            }
            Effect::PauseClient => to_client(SocketAction::Pause),
            Effect::ResumeClient => to_client(SocketAction::Resume),
            Effect::ToBackend(frame) => match seat.backend {
                Backend::Test => inputs.extend(echo(frame)),
                _ => to_client(SocketAction::SendOrigin(frame.into())),
            },
            Effect::CloseBackend(close) => match seat.backend {
                Backend::Test => inputs.push_back(Input::BackendClose(close)),
                _ => to_client(SocketAction::SendOrigin(SocketFrame::Close(close))),
            },
            Effect::DropBackend => {
                if let (Some(conn), Backend::Native) = (conn, &seat.backend) {
                    out.list.push(Action::DropOrigin { conn });
                }
            }
            Effect::Subscribe { channel, prefix, filters } => {
                self.socket_subscribe(id, &channel, prefix, filters, out);
            }
            Effect::Unsubscribe { channel } => self.socket_unsubscribe(now, id, &channel, out),
            Effect::Note(count, text) => {
                self.counters.bump(count);
                let (conn, why) = (conn.map(tracing::field::display), count.name());
                tracing::info!(shard = self.shard.0, conn, why, "socket: {text}");
            }
            Effect::Ended => {
                self.sockets.remove(id);
            }
        }
    }

    fn socket_subscribe(
        &mut self,
        id: SocketId,
        channel: &str,
        prefix: usize,
        filters: Vec<Filter>,
        out: &mut Actions,
    ) {
        let Self { sockets, index, pacing, config, .. } = self;
        let Some(seat) = sockets.get_mut(id) else { return };
        let Some(conn) = seat.conn else { return };
        let name: Arc<str> = if seat.session.is_on(channel) {
            channel.into()
        } else {
            let kind = (Kind::Socket, pacing.lane(seat.asked.route(), &config.limits));
            let subscribed = index.subscribe(channel, conn, kind, &mut seat.subs);
            let name = index.name(subscribed.channel).clone();
            if subscribed.first {
                out.list.push(Action::Interest { channel: name.clone(), wanted: true });
            }
            tracing::info!(shard = self.shard.0, %conn, channel, "socket subscribed");
            name
        };
        seat.session.subscribe(Track { name, prefix, position: None, filters: filters.into() });
    }

    fn socket_unsubscribe(&mut self, now: Time, id: SocketId, channel: &str, out: &mut Actions) {
        let linger = self.linger();
        let Self { sockets, index, .. } = self;
        let Some(seat) = sockets.get_mut(id) else { return };
        seat.session.unsubscribe(channel);
        index.unsubscribe_from(now, channel, &mut seat.subs, linger, |channel| {
            out.list.push(Action::Interest { channel, wanted: false });
        });
    }
}

/// A frame, unless it is a close.
fn split(frame: SocketFrame) -> Result<Frame, Close> {
    Ok(match frame {
        SocketFrame::Data { kind, first, last, payload } => {
            Frame::Data(Piece { kind, first, payload, last })
        }
        SocketFrame::Ping(payload) => Frame::Ping(payload),
        SocketFrame::Pong(payload) => Frame::Pong(payload),
        SocketFrame::Close(close) => return Err(close),
    })
}

impl From<Frame> for SocketFrame {
    fn from(frame: Frame) -> Self {
        match frame {
            Frame::Data(Piece { kind, first, payload, last }) => {
                Self::Data { kind, first, last, payload }
            }
            Frame::Ping(payload) => Self::Ping(payload),
            Frame::Pong(payload) => Self::Pong(payload),
        }
    }
}

fn key(id: SocketId) -> ConnId {
    ConnId { slot: id.slot, generation: id.generation }
}

fn name(id: ConnId) -> SocketId {
    SocketId { slot: id.slot, generation: id.generation }
}
