//! L3, the machine of one client WebSocket whose backend speaks WebSocket-over-HTTP or WebSocket.
//!
//! ```text
//!                    ┌───────────────────── Socket ─────────────────────┐
//!   client  ◀──────▶ │ Client: what it is sent and when; its channels   │ ◀── published
//!                    │                      ▲                           │
//!                    │            Backend: Woh, Native, Detached        │ ◀──▶ backend
//!                    └──────────────────────────────────────────────────┘
//! ```
//!
//! [`Socket::handle`] takes one [`Input`] and appends what must be done to a list of [`Effect`]s, in order. Who
//! is subscribed to a channel, timers, origins and sockets are the caller's business; [`Socket::deadline`] says
//! when it must call with [`Input::Woken`].

mod backend;
mod channels;
mod client;
mod effect;
mod failure;
mod heartbeat;
mod input;
mod meta;
mod native;
mod outbox;
mod woh;

use std::sync::Arc;

use http::StatusCode;

use self::backend::Backend;
use self::client::Client;
use self::failure::Failure;
use self::native::Native;
use self::woh::Woh;
use crate::ground::{Limits, Rng, Time};
use crate::message::Response;
use crate::route::{Route, Target};
use crate::ws::{Close, CloseCode};
use crate::wsoh::ConnectionId;

pub use effect::{Effect, Request};
pub use input::{Fault, Frame, Input};

/// One client WebSocket, from its upgrade until nothing more is to be done for it. It outlives the client's
/// connection for as long as its backend must be told.
///
/// ```
/// use std::sync::Arc;
/// use holdfast_core::ground::{Limits, Rng, Seed, Time};
/// use holdfast_core::message::{Fields, ResponseHead};
/// use holdfast_core::route::{Connect, Route, Target};
/// use holdfast_core::socket::{Effect, Grip, Input, Setup, Socket, Turn};
/// use holdfast_core::wsoh::{ConnectionId, MEDIA_TYPE};
///
/// let (limits, mut rng, mut out) = (Limits::default(), Rng::new(Seed(1)), Vec::new());
/// let mut turn = Turn { now: Time::ZERO, limits: &limits, rng: &mut rng, out: &mut out };
/// let (route, target) = (Arc::new(Route::default()), Arc::new(Target::from(Connect::Test)));
/// let setup = Setup { route, target, grip: Grip::Here, debug: false, pass_pings: false };
/// let mut socket = Socket::over_http(setup, ConnectionId::from_random([0; 16]), &mut turn);
/// assert!(matches!(&turn.out[..], [Effect::Request(request)] if request.body == "OPEN\r\n"));
///
/// turn.out.clear();
/// let fields = Fields::from_iter([("Content-Type", MEDIA_TYPE)]);
/// let head = ResponseHead { fields, ..ResponseHead::new(http::StatusCode::OK) };
/// socket.handle(Input::Answered { head, body: "OPEN\r\nTEXT 2\r\nhi\r\n".into() }, &mut turn);
/// assert!(matches!(&turn.out[..], [Effect::Accept(_), Effect::Send(_)]));
/// ```
#[derive(Debug)]
pub struct Socket {
    client: Client,
    backend: Backend,
    ended: bool,
}

const _: () = assert!(size_of::<Woh>() <= 320, "one for each connection");

/// What a socket is set up by.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The route that was found.
    pub route: Arc<Route>,
    /// The target.
    pub target: Arc<Target>,
    /// Who does what a GRIP-enabled backend says.
    pub grip: Grip,
    /// Whether the client sees details.
    pub debug: bool,
    /// Whether pings of the client go to a WebSocket-over-HTTP backend instead of being answered (WS-24).
    pub pass_pings: bool,
}

/// Who does what a GRIP-enabled backend says (NAT-3, NAT-10).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Grip {
    /// The proxy.
    Here,
    /// The client, which is a trusted proxy itself and asked for it.
    Beyond,
    /// Nobody: the route is `no_grip`.
    Nowhere,
}

/// What a call works with.
#[derive(Debug)]
pub struct Turn<'a> {
    /// The time; it never goes back.
    pub now: Time,
    /// The limits.
    pub limits: &'a Limits,
    /// For jitter.
    pub rng: &'a mut Rng,
    /// Where effects are appended.
    pub out: &'a mut Vec<Effect>,
}

impl Socket {
    /// A socket whose backend speaks WebSocket-over-HTTP; asks it at once.
    pub fn over_http(setup: Setup, id: ConnectionId, turn: &mut Turn<'_>) -> Self {
        let client = Client::new(setup, turn);
        let backend = Backend::Woh(Box::new(Woh::start(id, &client, turn)));
        Self { client, backend, ended: false }
    }

    /// A socket whose backend speaks WebSocket; the caller has begun to connect to it.
    pub fn native(setup: Setup, turn: &mut Turn<'_>) -> Self {
        let client = Client::new(setup, turn);
        Self { client, backend: Backend::Native(Native::start(turn)), ended: false }
    }

    /// Takes one input and appends everything that must be done. After [`Effect::Ended`], nothing.
    pub fn handle(&mut self, input: Input, turn: &mut Turn<'_>) {
        if self.ended {
            return;
        }
        if let Err(failure) = self.take(input, turn) {
            self.fail(&failure, turn);
        }
        self.backend.follow(&self.client, turn);
        if self.backend.is_over() {
            self.backend = Backend::Detached;
            if self.client.is_gone() {
                self.ended = true;
                turn.out.push(Effect::Ended);
            }
        }
    }

    /// When the socket must be woken, if ever. Messages that go past it (see [`Self::takes_fanout`]) do not
    /// change that.
    pub fn deadline(&self) -> Option<Time> {
        self.client.deadline().into_iter().chain(self.backend.deadline()).min()
    }

    /// Whether a published message may go straight to the client, as one of many, without being handed in. The
    /// last time that happened is told with [`Input::Woken`].
    pub fn takes_fanout(&self) -> bool {
        self.client.takes_fanout()
    }

    /// Whether the client gets what is published (WPUB-7).
    pub fn takes_items(&self) -> bool {
        self.client.takes_items()
    }

    /// What the backend said for filters, in the order in which it was first said (CTL-15).
    pub fn meta(&self) -> &[(String, String)] {
        self.client.meta()
    }

    fn take(&mut self, input: Input, turn: &mut Turn<'_>) -> Result<(), Failure> {
        let Self { client, backend, .. } = self;
        match input {
            Input::Frame(frame) if client.hears(&frame, turn.now) => {
                backend.client_frame(frame, client, turn)?;
            }
            Input::Frame(_) => {}
            Input::Close(close) => {
                let answers = client.closes(&close, turn);
                backend.client_close(close, client, turn);
                if answers {
                    client.hang_up(turn);
                }
            }
            Input::Gone => client.gone(turn),
            Input::Backlog(bytes) => {
                client.set_backlog(bytes);
                backend.client_flows(client, turn);
            }
            Input::Publish(message) => client.deliver(message, turn)?,
            Input::PublishClose(close) => client.finish(close, turn),
            Input::Refresh => backend.refresh(client, turn),
            Input::Woken { delivered } => {
                if backend.holds_client_back() {
                    client.excuse(turn.now);
                }
                if client.wake(delivered, turn) {
                    backend.client_silent(turn);
                    client.hang_up(turn);
                }
                backend.wake(client, turn)?;
            }
            Input::Drain => self.drain(turn),
            Input::Answered { .. }
            | Input::Failed { .. }
            | Input::Accepted(_)
            | Input::BackendFrame(_)
            | Input::BackendClose(_)
            | Input::BackendGone => backend.said(input, client, turn)?,
        }
        Ok(())
    }

    /// Something went wrong that neither side asked for: the client is told, and so is the backend.
    fn fail(&mut self, failure: &Failure, turn: &mut Turn<'_>) {
        self.client.fail(failure, turn);
        self.backend.abandon(failure, &self.client, turn);
    }

    /// The process goes down: both sides are told (OPS-20).
    fn drain(&mut self, turn: &mut Turn<'_>) {
        self.client.reject(going_down(), turn);
        self.client.agree(turn);
        self.client.close(Close::new(CloseCode::GOING_AWAY), turn);
        if !self.client.is_gone() {
            self.backend.abandon(
                &Failure::gateway("the service is going down"),
                &self.client,
                turn,
            );
        }
    }
}

/// What a client hears whose upgrade comes too late (OPS-20).
pub fn going_down() -> Response {
    Response::text(StatusCode::SERVICE_UNAVAILABLE, "The service is going down.")
}
