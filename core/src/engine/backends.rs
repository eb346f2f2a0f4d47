//! How the backends of WebSockets are reached, and what comes of it.

use bytes::Bytes;

use super::SocketAction;
use super::calls::{CallFault, Owner};
use super::{Action, Actions, BodySource, CallBody, Connect, Engine, OriginFault, Outgoing};
use crate::ground::{CallId, ConnId, Count, Rng, SocketId, Time};
use crate::message::{Response, ResponseHead};
use crate::route::{Connect as Reach, Target};
use crate::socket::{Fault, Frame, Input, Request};
use crate::ws::{Challenge, Kind};
use crate::wsoh::Piece;

/// How the backend is reached.
#[derive(Debug)]
pub(super) enum Backend {
    /// By requests.
    OverHttp {
        /// The one that is under way.
        call: Option<CallId>,
        /// Whether it has accepted, and no other target is asked any more.
        settled: bool,
    },
    /// By a WebSocket of its own.
    Native,
    /// Likewise, and it has refused; this is the head of its answer.
    Refused(Box<ResponseHead>),
    /// It is the built-in one.
    Test,
}

impl Backend {
    /// That of a target, before anything was asked.
    pub(super) fn of(target: &Target) -> Self {
        match target.connect {
            Reach::Test => Self::Test,
            Reach::Tcp { .. } if target.over_http => Self::OverHttp { call: None, settled: false },
            Reach::Tcp { .. } => Self::Native,
        }
    }

    pub(super) fn call(&self) -> Option<CallId> {
        match *self {
            Self::OverHttp { call, .. } => call,
            Self::Native | Self::Refused(_) | Self::Test => None,
        }
    }
}

impl Engine {
    /// Asks a WebSocket-over-HTTP backend.
    pub(super) fn ask_backend(
        &mut self,
        now: Time,
        id: SocketId,
        request: Request,
        out: &mut Actions,
    ) {
        let Some(seat) = self.sockets.get(id) else { return };
        let Backend::OverHttp { settled, .. } = seat.backend else { return };
        let errand = seat.asked.events(request.fields, settled);
        let call = self.plan_call(now, errand, CallBody::Bytes(request.body), Owner::Socket(id));
        if let Some(seat) = self.sockets.get_mut(id) {
            seat.backend = Backend::OverHttp { call: Some(call), settled };
        }
        self.send_call(now, call, out);
    }

    pub(super) fn drop_request(&mut self, id: SocketId, out: &mut Actions) {
        let Some(seat) = self.sockets.get_mut(id) else { return };
        if let Backend::OverHttp { call, .. } = &mut seat.backend
            && let Some(call) = call.take()
        {
            self.drop_call(call, out);
        }
    }

    /// Asks a backend for a WebSocket (NAT-1).
    pub(super) fn connect(&mut self, now: Time, id: SocketId, out: &mut Actions) {
        let (config, wall) = (self.config.clone(), self.wall(now));
        let challenge = Challenge::new(random(&mut self.rng));
        let Some(seat) = self.sockets.get(id) else { return };
        let Some(conn) = seat.conn else { return };
        let mut head = seat.asked.forwarded(&config.policy, wall);
        challenge.pose(&mut head.fields, !seat.asked.route().no_grip);
        let target = seat.asked.target().clone();
        let request = Outgoing { target, head, body: BodySource::Empty };
        let connect = Box::new(Connect { request, challenge });
        out.list.push(Action::Socket { conn, action: SocketAction::Connect(connect) });
    }

    /// What the built-in backend says first (WS-16).
    pub(super) fn test_backend(&self, now: Time, id: SocketId) -> Vec<Input> {
        let wall = self.wall(now);
        let said =
            self.sockets.get(id).and_then(|seat| seat.asked.test_socket(&self.config.policy, wall));
        match said {
            None => Vec::new(),
            Some(Err(Response { head, body })) => vec![Input::Answered { head, body }],
            Some(Ok(channels)) => {
                let mut head = ResponseHead::new(http::StatusCode::SWITCHING_PROTOCOLS);
                head.fields.push("Sec-WebSocket-Extensions", "grip");
                let subscribe = channels.into_iter().map(|channel| {
                    let control = serde_json::json!({"type": "subscribe", "channel": channel});
                    let payload = format!("c:{control}").into();
                    Input::BackendFrame(Frame::whole(Kind::Text, payload))
                });
                core::iter::once(Input::Accepted(head)).chain(subscribe).collect()
            }
        }
    }

    /// The backend does not speak WebSocket: this is what it says instead.
    pub(super) fn socket_refused(
        &mut self,
        conn: ConnId,
        id: SocketId,
        head: ResponseHead,
        out: &mut Actions,
    ) {
        let limit = self.config.limits.refusal_bytes;
        if let Some(seat) = self.sockets.get_mut(id) {
            seat.backend = Backend::Refused(Box::new(head));
            out.list.push(Action::Collect { conn, limit });
        }
    }

    /// The body of a refusal.
    pub(super) fn socket_refusal(
        &mut self,
        now: Time,
        id: SocketId,
        body: Bytes,
        out: &mut Actions,
    ) {
        let Some(seat) = self.sockets.get(id) else { return };
        let Backend::Refused(head) = &seat.backend else {
            return self.counters.bump(Count::StaleEvent);
        };
        let head = ResponseHead::clone(head);
        self.feed(now, id, Input::Answered { head, body }, out);
    }

    /// The backend could not be reached, or its answer was cut.
    pub(super) fn socket_failed(
        &mut self,
        now: Time,
        id: SocketId,
        fault: OriginFault,
        out: &mut Actions,
    ) {
        let Some(seat) = self.sockets.get_mut(id) else { return };
        let mut detail = None;
        if fault == OriginFault::Unreachable {
            self.counters.bump(Count::TargetUnreachable);
            if seat.asked.next_target() {
                return self.connect(now, id, out);
            }
            detail = Some(seat.asked.unreachable().to_string());
        }
        self.feed(now, id, Input::Failed { fault: weigh(fault), detail }, out);
    }

    /// The answer to a request of a socket is complete, or too long.
    pub(super) fn socket_answered(
        &mut self,
        now: Time,
        id: SocketId,
        (head, body): (ResponseHead, Bytes),
        target: usize,
        out: &mut Actions,
    ) {
        let Some(seat) = self.sockets.get_mut(id) else { return };
        seat.backend = Backend::OverHttp { call: None, settled: true };
        seat.asked.settle_on(target);
        self.feed(now, id, Input::Answered { head, body }, out);
    }

    pub(super) fn socket_unanswered(
        &mut self,
        now: Time,
        id: SocketId,
        fault: CallFault,
        out: &mut Actions,
    ) {
        let Some(seat) = self.sockets.get_mut(id) else { return };
        let unreachable = fault == CallFault::Origin(OriginFault::Unreachable);
        let detail = unreachable.then(|| seat.asked.unreachable().to_string());
        if let Backend::OverHttp { call, .. } = &mut seat.backend {
            *call = None;
        }
        let fault = match fault {
            CallFault::Origin(fault) => weigh(fault),
            CallFault::Timeout => Fault::Broken,
        };
        self.feed(now, id, Input::Failed { fault, detail }, out);
    }
}

/// What the built-in backend answers.
pub(super) fn echo(frame: Frame) -> Option<Input> {
    let frame = match frame {
        Frame::Data(piece) if piece.first => {
            let payload = [&b"m:"[..], &piece.payload].concat().into();
            Frame::Data(Piece { payload, ..piece })
        }
        Frame::Ping(payload) => Frame::Pong(payload),
        Frame::Pong(_) => return None,
        frame => frame,
    };
    Some(Input::BackendFrame(frame))
}

fn weigh(fault: OriginFault) -> Fault {
    match fault {
        OriginFault::Unreachable | OriginFault::Unsent => Fault::Undelivered,
        OriginFault::Stale => Fault::Stale,
        OriginFault::Denied | OriginFault::Broken | OriginFault::NotKept => Fault::Broken,
    }
}

/// Bytes for a key or an id.
pub(super) fn random(rng: &mut Rng) -> [u8; 16] {
    let mut bytes = [0; 16];
    for half in bytes.chunks_exact_mut(8) {
        half.copy_from_slice(&rng.next_u64().to_le_bytes());
    }
    bytes
}
