//! The engine and the carrying out of what it says: the only place that matches over [`Action`].

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;

use bytes::Bytes;
use holdfast_core::engine::{Action, Actions, Engine, Event, FanoutShape, SocketAction};
use holdfast_core::ground::{ConnId, Time};
use holdfast_core::http1::{Sending, chunk_prefix, chunk_suffix};

use crate::client::{Conn, Order, Persist, Stage};
use crate::shard::{AT_ONCE, Shard};
use crate::stats::{Stat, counted};

/// Events that there is always room for.
const KEPT_EVENTS: usize = 8;
/// More than what stands around the data of a chunk.
const FRAMING: usize = 32;

#[cfg(test)]
type StandIn = Box<dyn FnMut(Event, &mut Actions)>;

/// The engine of a shard with its mailbox.
pub(crate) struct Driver {
    engine: RefCell<Engine>,
    actions: Cell<Actions>,
    /// What happened while actions were carried out: their own consequences, at most one a connection.
    events: RefCell<VecDeque<Event>>,
    busy: Cell<bool>,
    /// Everything the engine was told, for tests to take.
    #[cfg(test)]
    pub(crate) told: RefCell<Vec<Event>>,
    /// Whom tests put in the engine's place.
    #[cfg(test)]
    pub(crate) stand_in: RefCell<Option<StandIn>>,
}

impl Driver {
    pub(crate) fn new(engine: Engine) -> Self {
        Self {
            engine: RefCell::new(engine),
            actions: Cell::default(),
            events: RefCell::default(),
            busy: Cell::new(false),
            #[cfg(test)]
            told: RefCell::default(),
            #[cfg(test)]
            stand_in: RefCell::default(),
        }
    }

    fn decide(&self, now: Time, event: Event, actions: &mut Actions) {
        #[cfg(test)]
        if let Some(stand_in) = &mut *self.stand_in.borrow_mut() {
            return stand_in(event, actions);
        }
        self.engine.borrow_mut().handle(now, event, actions);
    }

    /// Nobody is left: gives back what a peak has left.
    pub(crate) fn give_back(&self) {
        self.events.borrow_mut().shrink_to(KEPT_EVENTS);
    }

    pub(crate) fn deadline(&self) -> Option<Time> {
        self.engine.borrow().deadline().map(|(at, _)| at)
    }

    /// What the engine has counted at all, as one line for the log.
    pub(crate) fn counted(&self) -> String {
        counted(self.engine.borrow().counters())
    }
}

impl Shard {
    /// Tells the engine what happened, and does what it says. Called from within, it waits for its turn.
    pub(crate) fn tell(&self, event: Event) {
        let driver = &self.driver;
        #[cfg(test)]
        driver.told.borrow_mut().push(event.clone());
        if driver.busy.replace(true) {
            driver.events.borrow_mut().push_back(event);
            return;
        }
        let fuse = Fuse(self);
        let mut actions = driver.actions.take();
        let mut next = Some(event);
        while let Some(event) = next {
            driver.decide(self.now(), event, &mut actions);
            self.carry_out(&mut actions);
            next = driver.events.borrow_mut().pop_front();
        }
        driver.actions.set(actions);
        driver.busy.set(false);
        std::mem::forget(fuse);
        self.mind_deadline();
    }

    fn carry_out(&self, actions: &mut Actions) {
        let Actions { list, targets } = actions;
        let are_many = list.len() > AT_ONCE;
        for action in list.drain(..) {
            if let Action::Respond { conn, .. } | Action::Finish { conn } = action
                && are_many
                && let Some(conn) = self.engaged(conn)
            {
                self.put_in_line(&conn);
            }
            self.act(action, targets);
        }
        actions.clear();
    }

    pub(crate) fn act(&self, action: Action, targets: &[ConnId]) {
        match action {
            Action::Forward { conn, request } => {
                self.order(conn, Order::Forward(Box::new(request)));
            }
            Action::Relay { conn, head } => {
                let Some(conn) = self.engaged(conn) else { return };
                conn.set_stage(Stage::Relaying);
                conn.forget_body();
                conn.order(Order::Relay(Box::new(head)));
            }
            Action::Collect { conn, limit } => self.order(conn, Order::Collect(limit)),
            Action::Stream { conn } => self.order(conn, Order::Stream),
            Action::DropOrigin { conn } => {
                let Some(conn) = self.engaged(conn) else { return };
                if !conn.part_from_backend(self) {
                    conn.order(Order::Drop);
                }
            }
            Action::Respond { conn, response } => {
                let Some(conn) = self.engaged(conn) else { return };
                self.render(|out| conn.respond(&response, self.persist(), out));
            }
            Action::Begin { conn, head } => {
                let Some(conn) = self.engaged(conn) else { return };
                self.render(|out| conn.begin(&head, self.persist(), out));
                self.report_backlog(&conn);
            }
            Action::Write { conn, data } => {
                let Some(conn) = self.engaged(conn) else { return };
                self.render(|out| conn.append(&data, out));
                self.report_backlog(&conn);
            }
            Action::Finish { conn } => {
                let Some(conn) = self.engaged(conn) else { return };
                self.render(|out| conn.end(out));
            }
            Action::Abort { conn } => {
                let Some(conn) = self.engaged(conn) else { return };
                conn.abort();
            }
            Action::Fanout { item: _, shape, targets: range } => {
                let range = range.start as usize..range.end as usize;
                self.fan_out(&shape, targets.get(range).unwrap_or_default());
            }
            Action::Socket { conn, action } => {
                let Some(conn) = self.engaged(conn) else { return };
                self.act_on_socket(&conn, action);
            }
            Action::Call { call, request } => self.call(call, request),
            Action::ReadCall { call, read } => self.read_call(call, read),
            Action::DropCall { call } => self.drop_call(call),
            Action::Interest { channel, wanted } => self.mailbox.interest(channel, wanted),
            Action::Forget { channel, id } => {
                if !self.mailbox.forget(channel, id) {
                    self.stats.bump(Stat::ForgetLost);
                }
            }
            Action::Reached { receipt, holds } => self.mailbox.reached(receipt, holds),
        }
    }

    fn act_on_socket(&self, conn: &Conn, action: SocketAction) {
        match action {
            SocketAction::Accept(head) => self.render(|out| conn.accept(&head, self, out)),
            SocketAction::Send(frame) => self.render(|out| conn.send(&frame, out)),
            SocketAction::Pause => return conn.pause(),
            SocketAction::Resume => return conn.resume(),
            SocketAction::Connect(connect) => return conn.order(Order::Connect(connect)),
            SocketAction::SendOrigin(frame) => return conn.send_origin(&frame, self),
        }
        self.report_backlog(conn);
    }

    /// Writes one piece of data to many connections. It is rendered once for each way of framing.
    fn fan_out(&self, shape: &FanoutShape, targets: &[ConnId]) {
        match shape {
            FanoutShape::Frame(frame) => self.spread(targets, |_| Some(frame)),
            FanoutShape::Data(plain) => {
                let chunked = chunk(plain);
                self.spread(targets, |conn| match conn.sending() {
                    Sending::Nothing => None,
                    Sending::Plain => Some(plain),
                    Sending::Chunked => Some(&chunked),
                });
            }
            FanoutShape::Finish => {
                for conn in targets.iter().filter_map(|&conn| self.engaged(conn)) {
                    if targets.len() > AT_ONCE {
                        self.put_in_line(&conn);
                    }
                    self.render(|out| conn.end(out));
                }
            }
        }
    }

    /// Writes to a few at once. Many stand in line for it, and everybody else has a turn in between.
    fn spread<'a>(&self, targets: &[ConnId], data: impl Fn(&Conn) -> Option<&'a Bytes>) {
        if targets.len() > AT_ONCE {
            return self.line_up(targets, data);
        }
        for conn in targets.iter().filter_map(|&conn| self.engaged(conn)) {
            if let Some(data) = data(&conn) {
                conn.write_shared(data);
                self.report_backlog(&conn);
            }
        }
    }

    fn order(&self, conn: ConnId, order: Order) {
        if let Some(conn) = self.engaged(conn) {
            conn.order(order);
        }
    }

    /// The connection of an action. It may have gone in the same breath; the engine hears of that next.
    pub(crate) fn engaged(&self, conn: ConnId) -> Option<Rc<Conn>> {
        self.conns.borrow().get(conn).filter(|conn| conn.is_engaged()).cloned()
    }

    /// Whether connections go on after the response that is written now.
    pub(crate) fn persist(&self) -> Persist {
        if self.is_draining() { Persist::Close } else { Persist::Keep }
    }

    /// What stands in line does not wait for the client yet.
    fn report_backlog(&self, conn: &Conn) {
        if conn.has_backlog() && !conn.in_line.get() {
            conn.report_backlog(self);
        }
    }
}

/// A whole chunk around `data`, which is not empty.
fn chunk(data: &[u8]) -> Bytes {
    let mut out = Vec::with_capacity(data.len() + FRAMING);
    chunk_prefix(data.len(), &mut out);
    out.extend_from_slice(data);
    out.extend_from_slice(chunk_suffix());
    out.into()
}

/// Blows when the engine panics: its state, and the rest of the actions, are lost.
struct Fuse<'a>(&'a Shard);

impl Drop for Fuse<'_> {
    fn drop(&mut self) {
        self.0.broken.notify_one();
    }
}
