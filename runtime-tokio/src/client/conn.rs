//! A client's connection: what its task and the driver share.
//!
//! The driver writes, the task reads. What the engine wants written goes to the socket from within the
//! engine's call, whatever the task is doing; what it wants done at an origin is left here as an [`Order`],
//! and the task is woken.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::net::IpAddr;
use std::task::{Context, Poll, Waker};

use holdfast_core::engine::{Connect, Event, Outgoing};
use holdfast_core::ground::ConnId;
use holdfast_core::http1::Server;
use holdfast_core::message::{BodySize, ResponseHead};

use super::keeping::Kept;
use super::outbox::Outbox;
use super::patience::{Wait, Waiting};
use super::socket::Socket;
use super::{Left, Why};
use crate::intake::Intake;
use crate::net::TcpStream;
use crate::shard::Shard;

/// One client connection. Without a request under way it owns no buffer.
pub(crate) struct Conn {
    pub(crate) id: ConnId,
    pub(crate) peer: Option<IpAddr>,
    pub(super) stream: RefCell<TcpStream>,
    pub(super) wire: RefCell<Server>,
    pub(super) stage: Cell<Stage>,
    pub(super) side: Cell<Side>,
    pub(super) body: Cell<RequestBody>,
    pub(super) request_size: Cell<BodySize>,
    /// The response under way has no other end than the connection's.
    pub(super) ends_by_close: Cell<bool>,
    /// Bytes read and not understood yet: an incomplete head, a pipelined request, the beginning of a body.
    pub(super) inbox: RefCell<Intake>,
    /// The body of the request under way, in case that it must be repeated.
    pub(super) kept: Cell<Kept>,
    pub(super) outbox: RefCell<Outbox>,
    pub(super) socket: RefCell<Option<Box<Socket>>>,
    /// What waits in the outbox is written when its turn comes: in a fan-out, or after what leads to more of it.
    pub(crate) in_line: Cell<bool>,
    /// The engine was told of a backlog, and not yet that it has gone.
    pub(super) owes: Cell<bool>,
    order: Cell<Option<Order>>,
    waiting: Cell<Waiting>,
    waker: Cell<Option<Waker>>,
}

const _: () = assert!(
    size_of::<Conn>() - size_of::<TcpStream>() <= 280,
    "one for each connection, and 40 bytes of others"
);

/// How far the exchange is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Stage {
    /// No exchange is under way.
    Resting,
    /// The engine has it; nothing of the response was written.
    Asked,
    /// The engine has it; the response has begun.
    Begun,
    /// The engine has it; it has become a WebSocket.
    Socket,
    /// The engine has let it go; the origin's response is passed through.
    Relaying,
    /// The response is complete.
    Answered,
    /// The response will never be complete.
    Aborted,
}

/// What is known of the client's side.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Side {
    /// It speaks, or may.
    Open,
    /// It has said all that it will say, and may still listen.
    HalfClosed,
    /// It is gone.
    Lost,
}

/// How far the body of the request is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum RequestBody {
    /// To come, but the client waits to be asked for it (FWD-53).
    Expecting,
    /// To come.
    Coming,
    /// Complete, or there is none.
    Complete,
}

/// What the engine wants done at an origin. A later order makes an earlier one void.
pub(crate) enum Order {
    Forward(Box<Outgoing>),
    Connect(Box<Connect>),
    Relay(Box<ResponseHead>),
    Collect(usize),
    Stream,
    Drop,
}

impl Conn {
    pub(crate) fn new(id: ConnId, stream: TcpStream, peer: Option<IpAddr>) -> Self {
        Self {
            id,
            peer,
            stream: RefCell::new(stream),
            wire: RefCell::new(Server::new()),
            stage: Cell::new(Stage::Resting),
            side: Cell::new(Side::Open),
            body: Cell::new(RequestBody::Complete),
            request_size: Cell::new(BodySize::Empty),
            ends_by_close: Cell::new(false),
            inbox: RefCell::new(Intake::default()),
            kept: Cell::default(),
            outbox: RefCell::new(Outbox::default()),
            socket: RefCell::default(),
            in_line: Cell::new(false),
            owes: Cell::new(false),
            order: Cell::new(None),
            waiting: Cell::new(Waiting::NOT),
            waker: Cell::new(None),
        }
    }

    pub(crate) fn stage(&self) -> Stage {
        self.stage.get()
    }

    pub(crate) fn set_stage(&self, stage: Stage) {
        self.stage.set(stage);
    }

    /// Whether the engine has the exchange, and wants to hear of it.
    pub(crate) fn is_engaged(&self) -> bool {
        matches!(self.stage.get(), Stage::Asked | Stage::Begun | Stage::Socket)
    }

    /// Leaves an order for the task.
    pub(crate) fn order(&self, order: Order) {
        self.order.set(Some(order));
        self.wake();
    }

    pub(crate) fn take_order(&self) -> Option<Order> {
        self.order.take()
    }

    /// Whether the engine has ended what the task does at the origin, or wants something else done there.
    pub(crate) fn is_called_off(&self) -> bool {
        let order = self.order.take();
        let other = matches!(order, Some(Order::Drop | Order::Forward(_) | Order::Connect(_)));
        self.order.set(order);
        other || matches!(self.stage.get(), Stage::Answered | Stage::Aborted)
    }

    /// Wakes the task, if it sleeps.
    pub(crate) fn wake(&self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }

    /// Repeats `step` whenever something may have changed, until it is done.
    pub(crate) fn drive<T>(
        &self,
        mut step: impl FnMut(&mut Context<'_>) -> Poll<T>,
    ) -> impl Future<Output = T> {
        poll_fn(move |cx| {
            // The waker is here only while the task sleeps, so that it never wakes itself.
            self.waker.take();
            let mut polled = step(cx);
            while polled.is_pending() && self.outbox.borrow().has_news() {
                // The step wrote something that would block, and the socket was not told to wake us.
                polled = step(cx);
            }
            if polled.is_pending() {
                self.waker.set(Some(cx.waker().clone()));
            }
            polled
        })
    }

    /// What must be looked at in every step of the task: whether the client is still there, takes what is
    /// written to it, and does its part in time.
    pub(crate) fn tend(&self, cx: &mut Context<'_>, shard: &Shard) -> Result<(), Left> {
        // Pending or not: what still waits is found in the outbox.
        let _ = self.poll_flush(cx, shard);
        if self.side.get() == Side::Lost {
            return Err(Left(Why::Gone));
        }
        let waiting = self.waiting.get();
        match waiting.what {
            Wait::Body if waiting.overdue => Err(Left(Why::SlowBody)),
            Wait::Taking if waiting.overdue => Err(Left(Why::Stalled)),
            Wait::HalfClosed if waiting.overdue => Err(Left(Why::Gone)),
            _ => Ok(()),
        }
    }

    /// Writes what waits.
    pub(crate) fn poll_flush(&self, cx: &mut Context<'_>, shard: &Shard) -> Poll<()> {
        let mut outbox = self.outbox.borrow_mut();
        if outbox.is_empty() {
            return Poll::Ready(());
        }
        let polled = outbox.poll_flush(cx, &mut self.stream.borrow_mut(), || self.progress(shard));
        if let Poll::Ready(Err(_)) = polled {
            outbox.clear();
            self.side.set(Side::Lost);
        }
        drop(outbox);
        polled.map(|_| self.report_backlog(shard))
    }

    /// Tells the engine what waits here because the client does not take it, or that all of it has gone.
    pub(crate) fn report_backlog(&self, shard: &Shard) {
        let bytes = self.outbox.borrow().len();
        let unheard = bytes > 0 || self.owes.get();
        self.owes.set(bytes > 0);
        if unheard && self.is_engaged() {
            shard.tell(Event::Backlog { conn: self.id, bytes });
        }
    }

    /// Notes what the task waits for now: the client's side comes first, then `otherwise`.
    pub(crate) fn wait(&self, shard: &Shard, otherwise: Wait) {
        let what = match self.side.get() {
            _ if !self.outbox.borrow().is_empty() => Wait::Taking,
            Side::HalfClosed if otherwise != Wait::Close => Wait::HalfClosed,
            _ => otherwise,
        };
        let waiting = self.waiting.get();
        if waiting.what == what {
            return;
        }
        if what == Wait::Nothing {
            return self.waiting.set(Waiting::NOT);
        }
        self.waiting.set(Waiting::from(what, shard.now()));
        shard.watch_over(self);
    }

    /// Something moved: the wait begins anew.
    pub(crate) fn progress(&self, shard: &Shard) {
        let waiting = self.waiting.get();
        if waiting.what != Wait::Nothing {
            self.waiting.set(Waiting::from(waiting.what, shard.now()));
        }
    }

    pub(crate) fn waiting(&self) -> Waiting {
        self.waiting.get()
    }

    /// The wait has lasted too long.
    pub(crate) fn set_overdue(&self) {
        self.waiting.set(Waiting { overdue: true, ..self.waiting.get() });
        self.wake();
    }

    /// Whether `what` has been waited for too long.
    pub(crate) fn is_overdue(&self, what: Wait) -> bool {
        let waiting = self.waiting.get();
        waiting.what == what && waiting.overdue
    }

    pub(crate) fn has_backlog(&self) -> bool {
        !self.outbox.borrow().is_empty()
    }

    /// Whether bytes were read that are not understood yet.
    pub(crate) fn has_input(&self) -> bool {
        !self.inbox.borrow().is_empty()
    }

    /// Whether the request was read to its end.
    pub(crate) fn has_read_request(&self) -> bool {
        matches!(self.body.get(), RequestBody::Complete)
    }

    /// The size of the request's body, as its head announced it.
    pub(crate) fn request_size(&self) -> BodySize {
        self.request_size.get()
    }

    /// Watches a client whose request was read to its end.
    pub(crate) fn watch_if_read(&self, cx: &mut Context<'_>, shard: &Shard) -> Result<(), Left> {
        if self.has_read_request() {
            self.watch(cx, shard);
        }
        if self.side.get() == Side::Lost { Err(Left(Why::Gone)) } else { Ok(()) }
    }

    /// Whether no request is under way, nor begun.
    pub(crate) fn is_at_rest(&self) -> bool {
        self.stage.get() == Stage::Resting && self.inbox.borrow().is_empty()
    }
}
