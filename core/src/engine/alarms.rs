//! Timers whose time has come.

use super::{Action, Actions, Engine};
use crate::exchange::{Body, Exchange, Retry, Source, Work};
use crate::ground::{ConnId, Count, Time};

/// What the timer of an exchange means in the state it is in.
enum Alarm {
    OriginSilent,
    HoldOver,
    RetryAgain,
    Stream,
}

impl Engine {
    /// Everything that is due. What ends for a call or has its turn may leave an exchange with a timer that is
    /// due as well, so exchanges come after those.
    pub(super) fn expire(&mut self, now: Time, out: &mut Actions) {
        self.expire_calls(now, out);
        self.take_turns(now, out);
        let mut due = core::mem::take(&mut self.due);
        self.wheel.expire(now, &mut due);
        for slot in due.drain(..) {
            if let Some(conn) = self.exchanges.tenant(slot) {
                self.alarm(now, conn, out);
            }
        }
        self.due = due;
        self.wake_sockets(now, out);
        self.index.expire(now, |channel| {
            out.list.push(Action::Interest { channel, wanted: false });
        });
    }

    fn alarm(&mut self, now: Time, conn: ConnId, out: &mut Actions) {
        let alarm = match self.exchanges.get(conn) {
            None | Some(Exchange::Socket(_)) => return,
            Some(Exchange::Polling(polling)) if polling.hold.deadline() <= now => Alarm::HoldOver,
            Some(Exchange::Polling(_)) => Alarm::RetryAgain,
            Some(Exchange::Streaming(_)) => Alarm::Stream,
            Some(Exchange::Asked(_) | Exchange::Collecting(_)) => Alarm::OriginSilent,
        };
        match alarm {
            Alarm::OriginSilent => self.origin_silent(now, conn, out),
            Alarm::HoldOver => {
                self.counters.bump(Count::HoldsTimedOut);
                self.end_hold(now, conn, out);
            }
            Alarm::RetryAgain => self.retry_again(conn),
            Alarm::Stream => self.stream_due(now, conn, out),
        }
    }

    fn retry_again(&mut self, conn: ConnId) {
        let Some(Exchange::Polling(polling)) = self.exchanges.get_mut(conn) else { return };
        if let Retry::Later(_) = polling.retry {
            polling.retry = Retry::Idle;
        }
        self.wheel.arm(conn.slot, polling.hold.deadline());
        self.recover(conn);
    }

    fn stream_due(&mut self, now: Time, conn: ConnId, out: &mut Actions) {
        let Some(Exchange::Streaming(stream)) = self.exchanges.get_mut(conn) else { return };
        let delivered = self.index.last_delivery(&stream.subs);
        let (flows, due) = (stream.flows(), stream.due(delivered));
        if let Some(Source::Client(_)) = stream.source() {
            match due {
                // Not the origin is slow but the client, for whose sake it is not read.
                Some(until) if until <= now && !flows => self.origin_may_wait(now, conn),
                Some(until) if until <= now => return self.origin_silent(now, conn, out),
                _ => {}
            }
            return self.rearm(conn);
        }
        if let Some(data) = stream.keep_alive(now, delivered, &mut self.rng)
            && !data.is_empty()
        {
            out.list.push(Action::Write { conn, data });
        }
        self.page_due(now, conn, delivered);
        self.rearm(conn);
    }

    fn origin_may_wait(&mut self, now: Time, conn: ConnId) {
        let until = now + self.config.limits.origin_timeout;
        if let Some(guide) = self.guide(conn)
            && let Work::Body(Body { source, .. }) = &mut guide.work
        {
            *source = Source::Client(until);
        }
    }

    fn page_due(&mut self, now: Time, conn: ConnId, delivered: Time) {
        let Some(guide) = self.guide(conn) else { return };
        match guide.work {
            Work::Later { at, failures } if at <= now => {
                guide.work = Work::Queued { failures };
                self.queue_up(conn, false);
            }
            Work::Idle if guide.link_due(delivered).is_some_and(|due| due <= now) => {
                if let Some(next) = &mut guide.trail.next {
                    next.since = now;
                }
                self.recover(conn);
            }
            _ => {}
        }
    }

    /// Sets the timer of a stream to what comes next.
    pub(super) fn rearm(&mut self, conn: ConnId) {
        let Some(Exchange::Streaming(stream)) = self.exchanges.get(conn) else { return };
        match stream.due(self.index.last_delivery(&stream.subs)) {
            Some(at) => self.wheel.arm(conn.slot, at),
            None => self.wheel.disarm(conn.slot),
        }
    }
}
