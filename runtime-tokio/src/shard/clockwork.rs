//! The one timer of a shard. It wakes for the engine's next deadline, and once a second for a sweep over
//! whatever has waited too long in the adapter.

use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::rc::Rc;
use std::task::{Poll, Waker, ready};

use holdfast_core::engine::Event;
use holdfast_core::ground::{Span, Time, Wheel};

use super::Shard;
use crate::client::Conn;

const SWEEP: Span = Span::from_secs(1);

#[derive(Default)]
pub(super) struct Clockwork {
    /// When each waiting connection is looked at, in any case not after its bound.
    pub(super) wheel: RefCell<Wheel>,
    due: RefCell<Vec<u32>>,
    swept: Cell<Time>,
    /// When the timer is set to wake.
    alarm: Cell<Time>,
    waker: Cell<Option<Waker>>,
}

impl Shard {
    /// Looks after a connection that has begun to wait.
    pub(crate) fn watch_over(&self, conn: &Conn) {
        let waiting = conn.waiting();
        let Some(span) = self.patience().of(waiting.what) else { return };
        let at = waiting.since + span;
        let mut wheel = self.clockwork.wheel.borrow_mut();
        if wheel.armed(conn.id.slot).is_none_or(|earlier| at < earlier) {
            wheel.arm(conn.id.slot, at);
        }
    }

    /// Nobody is left to look after: gives back what a peak has left.
    pub(super) fn forget_waits(&self) {
        self.clockwork.wheel.borrow_mut().shrink();
        self.clockwork.due.take();
    }

    /// Looks no more after a connection.
    pub(super) fn release(&self, conn: &Conn) {
        self.clockwork.wheel.borrow_mut().disarm(conn.id.slot);
    }

    /// The engine's deadline may be earlier than the timer is set to.
    pub(crate) fn mind_deadline(&self) {
        let earlier = |at| at < self.clockwork.alarm.get();
        if self.driver.deadline().is_some_and(earlier)
            && let Some(waker) = self.clockwork.waker.take()
        {
            waker.wake();
        }
    }

    /// Runs the timer.
    pub(super) async fn keep_time(self: Rc<Self>) {
        let mut sleep = pin!(tokio::time::sleep_until(self.clock.instant(self.now())));
        poll_fn(|cx| -> Poll<()> {
            loop {
                let next = self.ring();
                self.clockwork.alarm.set(next);
                self.clockwork.waker.set(Some(cx.waker().clone()));
                sleep.as_mut().reset(self.clock.instant(next));
                ready!(sleep.as_mut().poll(cx));
            }
        })
        .await;
    }

    /// Does what is due; returns when the next is.
    fn ring(&self) -> Time {
        let now = self.now();
        if self.driver.deadline().is_some_and(|at| at <= now) {
            self.tell(Event::Deadline);
        }
        let sweep = self.clockwork.swept.get() + SWEEP;
        if sweep <= now {
            self.clockwork.swept.set(now);
            self.sweep(now);
        }
        let sweep = self.clockwork.swept.get() + SWEEP;
        self.driver.deadline().map_or(sweep, |at| at.min(sweep))
    }

    fn sweep(&self, now: Time) {
        let mut due = self.clockwork.due.take();
        self.clockwork.wheel.borrow_mut().expire(now, &mut due);
        for slot in due.drain(..) {
            let conns = self.conns.borrow();
            if let Some(conn) = conns.tenant(slot).and_then(|id| conns.get(id)) {
                self.look_at(conn, now);
            }
        }
        self.clockwork.due.replace(due);
        self.pool.borrow_mut().sweep(now);
    }

    /// The wait that was noted when the wheel was armed may be over, and another have begun.
    fn look_at(&self, conn: &Conn, now: Time) {
        let waiting = conn.waiting();
        match self.patience().of(waiting.what) {
            None => {}
            Some(span) if now < waiting.since + span => self.watch_over(conn),
            Some(_) => conn.set_overdue(),
        }
    }
}
