//! When a session has to ask its backend again, and when it may: gaps, conflicts, hints, first subscriptions
//! (REL-1, REL-3, REC-2 to REC-7).

use core::mem;
use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use super::{Action, Actions, Engine};
use crate::exchange::{Exchange, Guide, Polling, Retry, Work};
use crate::ground::{ConnId, Count, Pace, Time};
use crate::hold::{Session, Track};
use crate::publish::{Item, Release, Scope};

/// Sessions that wait for their turn: each at most once.
#[derive(Debug, Default)]
pub(super) struct Recoveries {
    queue: VecDeque<Turn>,
    pace: Pace,
}

impl Recoveries {
    /// There is no session that waits: a past peak keeps no memory.
    pub(super) fn give_back(&mut self) {
        self.queue = VecDeque::new();
    }
}

#[derive(Clone, Copy, Debug)]
struct Turn {
    conn: ConnId,
    /// Its page is known to be for it alone.
    alone: bool,
}

impl Engine {
    /// What the Hub has released.
    pub(super) fn released(&mut self, now: Time, release: Release, out: &mut Actions) {
        match release {
            Release::Item { item, sequenced } => {
                if sequenced {
                    self.note_last(&item);
                }
                self.deliver(now, &item, out);
            }
            Release::Forget { channel } => {
                self.last.forget(&channel);
            }
            Release::Recover(Scope::All) => {
                self.last.clear();
                self.recover_all(|_| true);
            }
            Release::Recover(Scope::Channels(names)) => {
                let fresh = |track: &Track| track.position.is_some() && names.contains(&track.name);
                self.recover_all(|session| {
                    session.is_some_and(|session| session.tracks().iter().any(fresh))
                });
            }
        }
    }

    fn note_last(&mut self, item: &Item) {
        let room = match &item.id {
            Some(id) => self.last.set(&item.channel, id, self.config.limits.last_ids),
            None => {
                self.last.forget(&item.channel);
                true
            }
        };
        if !room {
            self.counters.bump(Count::LastIdsFull);
        }
    }

    /// Every session that `concerns` asks again, if it may; there is none where nothing is judged.
    fn recover_all(&mut self, concerns: impl Fn(Option<&Session>) -> bool) {
        let concerned = |exchange: &Exchange| match exchange {
            Exchange::Polling(polling) => concerns(polling.hold.session()) && polling.may_repeat(),
            Exchange::Streaming(stream) => {
                stream.guide.as_ref().is_some_and(|guide| concerns(Some(&guide.session)))
            }
            Exchange::Asked(_) | Exchange::Collecting(_) | Exchange::Socket(_) => false,
        };
        let conns: Vec<_> =
            self.exchanges.iter().filter(|(_, e)| concerned(e)).map(|(conn, _)| conn).collect();
        for conn in conns {
            self.recover(conn);
        }
    }

    /// A session asks again when it is its turn; several wishes are one (REC-4). A stream without next link
    /// cannot (REC-2).
    pub(super) fn recover(&mut self, conn: ConnId) {
        let queued = match self.exchanges.get_mut(conn) {
            Some(Exchange::Polling(polling)) => polling.want(),
            Some(Exchange::Streaming(stream)) => match stream.guide.as_deref_mut() {
                Some(guide) if guide.trail.next.is_some() => guide.want(self.now),
                _ => {
                    self.counters.bump(Count::RetryImpossible);
                    false
                }
            },
            _ => false,
        };
        if queued {
            self.queue_up(conn, false);
        }
    }

    /// As [`Self::recover`], for a reason that the publisher did not mean: not if it could do something twice.
    pub(super) fn recover_safely(&mut self, conn: ConnId) {
        match self.exchanges.get(conn) {
            Some(Exchange::Polling(polling)) if !polling.may_repeat() => {
                self.counters.bump(Count::RetryImpossible);
            }
            _ => self.recover(conn),
        }
    }

    /// Whoever wants to recover waits for its turn. Those who have left are forgotten now and then, so that the
    /// queue stays as short as the list of exchanges.
    pub(super) fn queue_up(&mut self, conn: ConnId, alone: bool) {
        if self.recoveries.queue.len() > 2 * self.exchanges.len() {
            let (queue, mut seen) = (mem::take(&mut self.recoveries.queue), BTreeSet::new());
            let due = |turn: &Turn| self.is_due(turn.conn) && seen.insert(turn.conn);
            self.recoveries.queue = queue.into_iter().filter(due).collect();
        }
        self.recoveries.queue.push_back(Turn { conn, alone });
    }

    /// Whether the last id of a channel of a new hold says that something came in between; it is forgotten
    /// then, so that a backend that knows no better is not asked for ever (REL-1, REC-10).
    pub(super) fn conflicts(&mut self, session: &Session, out: &mut Actions) -> bool {
        let mut any = false;
        for track in session.tracks() {
            let last = self.last.get(&track.name);
            if let (Some(position), Some(last)) = (&track.position, last)
                && **position != *last
            {
                self.forget_last(&track.name, out);
                any = true;
            }
        }
        any
    }

    /// As [`Self::conflicts`], for one channel of a stream.
    pub(super) fn contradicts(&mut self, conn: ConnId, name: &str, out: &mut Actions) -> bool {
        let last = self.last.get(name).map(str::to_owned);
        let Some(guide) = self.guide(conn) else { return false };
        let track = guide.session.tracks().iter().find(|track| *track.name == *name);
        let position = track.and_then(|track| track.position.as_deref());
        let contradicts = last.is_some_and(|last| position.is_some_and(|at| *at != *last));
        if contradicts {
            self.forget_last(name, out);
        }
        contradicts
    }

    /// The last id of a channel is doubtful, here and everywhere.
    pub(super) fn forget_last(&mut self, name: &str, out: &mut Actions) {
        if let Some(id) = self.last.forget(name) {
            out.list.push(Action::Forget { channel: Arc::from(name), id });
        }
    }

    /// Begins the recoveries and filter questions whose turn it is.
    pub(super) fn take_turns(&mut self, now: Time, out: &mut Actions) {
        while let Some(&turn) = self.recoveries.queue.front() {
            // Whoever joins a call that is under way costs the backend nothing.
            if !(self.is_due(turn.conn) && (turn.alone || !self.joins(turn.conn))) {
                self.recoveries.queue.pop_front();
                self.begin_recovery(now, turn, out);
                continue;
            }
            let limits = &self.config.limits;
            let (rate, burst) = (limits.recoveries_per_second, limits.recovery_burst);
            let room = self.calls.recoveries < limits.recovery_calls;
            if !room || !self.recoveries.pace.take(now, rate, burst) {
                break;
            }
            self.recoveries.queue.pop_front();
            self.begin_recovery(now, turn, out);
        }
        self.ask_questions(now, out);
    }

    /// When the next recovery has its turn; none if it waits for another to end.
    pub(super) fn recovery_turn(&self) -> Option<Time> {
        let limits = &self.config.limits;
        if self.recoveries.queue.is_empty() || self.calls.recoveries >= limits.recovery_calls {
            return None;
        }
        let (rate, burst) = (limits.recoveries_per_second, limits.recovery_burst);
        // The past is as good as now: the caller comes back at once.
        Some(self.recoveries.pace.next(Time::ZERO, rate, burst))
    }

    /// Whether a long-poll is being asked again, or is about to be.
    pub(super) fn is_recovering(&self, conn: ConnId) -> bool {
        match self.exchanges.get(conn) {
            Some(Exchange::Polling(polling)) => polling.retry != Retry::Idle,
            _ => false,
        }
    }

    fn is_due(&self, conn: ConnId) -> bool {
        match self.exchanges.get(conn) {
            Some(Exchange::Polling(polling)) => polling.retry == Retry::Queued,
            Some(Exchange::Streaming(stream)) => {
                stream.guide.as_ref().is_some_and(|guide| matches!(guide.work, Work::Queued { .. }))
            }
            _ => false,
        }
    }

    fn begin_recovery(&mut self, now: Time, turn: Turn, out: &mut Actions) {
        let Turn { conn, alone } = turn;
        if !self.is_due(conn) {
            return;
        }
        match self.guide(conn).map(|guide| &guide.work) {
            Some(&Work::Queued { failures }) => self.fetch(now, conn, failures, alone, out),
            _ => self.retry(now, conn, out),
        }
    }
}

impl Polling {
    /// Whether asking again does no harm. A request that must not be repeated is, only if it has a position, so
    /// that its backend can tell (REC-6).
    fn may_repeat(&self) -> bool {
        self.asked.is_idempotent() || self.hold.session().is_some_and(Session::has_position)
    }

    /// Notes that a retry is wanted; true if it has to be queued for that.
    fn want(&mut self) -> bool {
        match &mut self.retry {
            Retry::Idle => {
                self.retry = Retry::Queued;
                true
            }
            Retry::Called { again, .. } => {
                *again = true;
                false
            }
            Retry::Queued | Retry::Later(_) => false,
        }
    }
}

impl Guide {
    /// Notes that a page is wanted; true if it has to be queued for that. Whoever lags behind fetches one anyway
    /// when its client has caught up.
    fn want(&mut self, now: Time) -> bool {
        self.wanted = now;
        match self.work {
            _ if self.lagging => false,
            Work::Idle => {
                self.work = Work::Queued { failures: 0 };
                true
            }
            Work::Body(_) | Work::Asked { .. } | Work::Filter(_) => {
                self.again = true;
                false
            }
            Work::Queued { .. } | Work::Later { .. } => false,
        }
    }
}
