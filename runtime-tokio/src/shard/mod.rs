//! A shard: one thread's share of the clients, with all that serves them.
//!
//! Everything in it belongs to one thread, so nothing is locked; it is shared by the tasks of that thread through
//! one `Rc`. No borrow of a cell is held across an await, and none while the driver is called.

mod accept;
mod clockwork;
mod crowd;
mod line;
mod run;

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use holdfast_core::engine::{Config, Engine};
use holdfast_core::ground::{ConnId, Limits, Rng, ShardId, Slab, Time};
use tokio::sync::Notify;

use crate::ambient::{seed, wall};
use crate::client::{Conn, Patience};
use crate::clock::Clock;
use crate::driver::Driver;
use crate::hub::Mailbox;
use crate::net::TcpStream;
use crate::origin::{Calls, Pool};
use crate::stats::Stats;
use clockwork::Clockwork;
use line::Line;

pub(crate) use crowd::Crowd;
pub(crate) use line::AT_ONCE;
pub(crate) use run::{Part, Shared, live, live_with_hub};

/// Bytes read at once.
const SCRATCH: usize = 64 << 10;
/// Rendering buffers above this are not kept.
const RENDER_KEPT: usize = 2 * SCRATCH;

/// One shard.
pub(crate) struct Shard {
    id: ShardId,
    /// For tasks that are begun from within.
    me: Weak<Self>,
    clock: Clock,
    limits: RefCell<Rc<Limits>>,
    bounds: Bounds,
    crowd: Arc<Crowd>,
    pub(crate) driver: Driver,
    /// For what the hub must know.
    pub(crate) mailbox: Arc<Mailbox>,
    pub(crate) conns: RefCell<Slab<Rc<Conn>>>,
    pub(crate) scratch: RefCell<Box<[u8]>>,
    pub(crate) pool: RefCell<Pool>,
    pub(crate) calls: Calls,
    /// Origins of WebSockets that have time to close.
    pub(crate) partings: Cell<usize>,
    masks: RefCell<Rng>,
    pub(crate) stats: Stats,
    rendering: Cell<Vec<u8>>,
    line: Line,
    clockwork: Clockwork,
    draining: Cell<bool>,
    /// The last connection of a draining shard has gone, and the last call.
    emptied: Notify,
    /// The engine has panicked: nothing here can be trusted any more.
    pub(crate) broken: Notify,
}

/// The adapter's own bounds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// How long a client may be silent where it should speak or take.
    pub(crate) client_idle: Duration,
    /// How long connecting to a target may take, with all its addresses.
    pub(crate) connect: Duration,
    /// How long a shutdown waits for what is under way.
    pub(crate) drain: Duration,
    /// Whether the text of WebSocket clients must be UTF-8 (WS-27).
    pub(crate) utf8: bool,
}

impl Shard {
    pub(crate) fn new(
        id: ShardId,
        config: &Config,
        bounds: Bounds,
        crowd: Arc<Crowd>,
        mailbox: Arc<Mailbox>,
    ) -> Rc<Self> {
        // Its own copy of the configuration, so that cores do not share the count of an `Arc`.
        let engine = Engine::new(Arc::new(config.clone()), id, seed(), wall());
        Rc::new_cyclic(|me| Self {
            id,
            me: me.clone(),
            clock: Clock::start(),
            limits: RefCell::new(Rc::new(config.limits.clone())),
            bounds,
            crowd,
            driver: Driver::new(engine),
            mailbox,
            conns: RefCell::default(),
            scratch: RefCell::new(vec![0; SCRATCH].into_boxed_slice()),
            pool: RefCell::new(Pool::new(seed())),
            calls: Calls::default(),
            partings: Cell::new(0),
            masks: RefCell::new(Rng::new(seed())),
            stats: Stats::default(),
            rendering: Cell::default(),
            line: Line::default(),
            clockwork: Clockwork::default(),
            draining: Cell::new(false),
            emptied: Notify::new(),
            broken: Notify::new(),
        })
    }

    /// Itself, for a task to have.
    pub(crate) fn share(&self) -> Rc<Self> {
        self.me.upgrade().expect("whoever asks has it")
    }

    pub(crate) fn number(&self) -> u16 {
        self.id.0
    }

    pub(crate) fn now(&self) -> Time {
        self.clock.now()
    }

    pub(crate) fn limits(&self) -> Rc<Limits> {
        self.limits.borrow().clone()
    }

    pub(crate) fn connect_timeout(&self) -> Duration {
        self.bounds.connect
    }

    pub(crate) fn checks_utf8(&self) -> bool {
        self.bounds.utf8
    }

    pub(crate) fn is_draining(&self) -> bool {
        self.draining.get()
    }

    /// A fresh key to mask a frame with.
    pub(crate) fn mask(&self) -> [u8; 4] {
        let [a, b, c, d, ..] = self.masks.borrow_mut().next_u64().to_be_bytes();
        [a, b, c, d]
    }

    /// Lends a buffer to render in.
    pub(crate) fn lend(&self) -> Vec<u8> {
        self.rendering.take()
    }

    /// Takes back what was lent.
    pub(crate) fn give_back(&self, mut out: Vec<u8>) {
        if out.capacity() <= RENDER_KEPT {
            out.clear();
            self.rendering.set(out);
        }
    }

    /// Renders something in a lent buffer.
    pub(crate) fn render(&self, with: impl FnOnce(&mut Vec<u8>)) {
        let mut out = self.lend();
        with(&mut out);
        self.give_back(out);
    }

    /// Takes a client in.
    pub(crate) fn admit(&self, stream: TcpStream, peer: std::net::IpAddr) -> Rc<Conn> {
        let make = |id: ConnId| Rc::new(Conn::new(id, stream, Some(peer.to_canonical())));
        let mut conns = self.conns.borrow_mut();
        let id = conns.insert_with(make);
        conns.get(id).cloned().expect("what was just inserted is there")
    }

    /// A client has gone.
    pub(crate) fn forget(&self, conn: &Conn) {
        self.release(conn);
        let mut conns = self.conns.borrow_mut();
        conns.remove(conn.id);
        self.crowd.leave();
        if conns.is_empty() {
            conns.shrink();
            self.forget_waits();
            self.driver.give_back();
            self.line.give_back();
        }
        drop(conns);
        self.check_deserted();
    }

    /// Something has ended: if it was the last, a draining shard may stop.
    pub(crate) fn check_deserted(&self) {
        if self.draining.get() && self.is_deserted() {
            self.emptied.notify_one();
        }
    }

    fn is_deserted(&self) -> bool {
        self.conns.borrow().is_empty() && self.calls.is_empty()
    }

    /// What a client sent with the request that is held, if it was kept.
    pub(crate) fn kept_body(&self, conn: ConnId) -> Option<Bytes> {
        self.conns.borrow().get(conn)?.kept_body()
    }

    fn patience(&self) -> Patience {
        Patience { client: self.bounds.client_idle, origin: self.limits.borrow().origin_timeout }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{run, soon};

    #[test]
    fn clients_that_have_left_keep_no_room() {
        run(async |house| {
            let shard = &house.shard;
            let mut clients = Vec::new();
            for _ in 0..20 {
                clients.push(house.client().await);
            }
            soon(async {
                while shard.clockwork.wheel.borrow().len() < clients.len() {
                    tokio::task::yield_now().await;
                }
            })
            .await;
            let room = || (shard.conns.borrow().slots(), shard.clockwork.wheel.borrow().slots());
            assert_eq!(room(), (20, 20));
            drop(clients);
            soon(async {
                while !shard.conns.borrow().is_empty() {
                    tokio::task::yield_now().await;
                }
            })
            .await;
            assert_eq!(room(), (0, 0));
        });
    }
}
