//! Asking a long-poll's request again (REC-1, RESP-3, REC-8): what comes of it takes the place of the hold,
//! which goes on until then.

use std::collections::VecDeque;

use super::bodies::Piece;
use super::calls::{CallFault, Owner, Phase};
use super::dispatch::respond;
use super::holds::{Held, Past};
use super::{Actions, CallBody, CallRead, Engine, OriginFault};
use crate::exchange::{Asked, Exchange, Polling, Refusal, Retry, Source, Verdict};
use crate::forward::JsonpAnswer;
use crate::ground::{CallId, ConnId, Count, Span, Time};
use crate::hold::{ResponseHold, Session};
use crate::message::{BodySize, Response, ResponseHead};

impl Engine {
    /// The retry of a long-poll has its turn.
    pub(super) fn retry(&mut self, now: Time, conn: ConnId, out: &mut Actions) {
        let Some(Exchange::Polling(polling)) = self.exchanges.get(conn) else { return };
        let errand =
            polling.asked.retry(polling.hold.session().into_iter().flat_map(Session::lasts));
        let body = match polling.asked.has_body() {
            true => CallBody::OfClient(conn),
            false => CallBody::Bytes(polling.asked.own_body().cloned().unwrap_or_default()),
        };
        let call = self.plan_call(now, errand, body, Owner::Retry(conn));
        self.set_retry(conn, Retry::Called { call, again: false });
        self.counters.bump(Count::Retries);
        self.send_call(now, call, out);
    }

    pub(super) fn retry_head(
        &mut self,
        now: Time,
        call: CallId,
        conn: ConnId,
        head: ResponseHead,
        size: BodySize,
        out: &mut Actions,
    ) {
        let Some(Exchange::Polling(polling)) = self.exchanges.get(conn) else { return };
        let limits = &self.config.limits;
        let limit = limits.instruct_bytes;
        match polling.asked.judge(head, limits) {
            Verdict::Collect(head) => self.whole(now, call, head, limit, out),
            Verdict::Relay(head) if is_short(&size, limit) => {
                self.whole(now, call, head, limit, out)
            }
            Verdict::Relay(head) => {
                let Some((asked, past)) = self.resolve(conn, out) else { return };
                self.set_pieces(call);
                self.settle_past(now, &asked.place(), past, out);
                self.pass_on(conn, &asked, head, Source::Call(call), out);
                self.read_call(now, call, CallRead::Piece, out);
            }
            Verdict::Open(instruct) => {
                let Some((asked, past)) = self.resolve(conn, out) else { return };
                self.set_pieces(call);
                if self.open(now, conn, &asked, *instruct, Source::Call(call), past, out) {
                    self.read_call(now, call, CallRead::Piece, out);
                } else {
                    self.drop_call(call, out);
                }
            }
            // The call goes with the hold.
            Verdict::Refuse(refusal) => self.fail(now, conn, &refusal, out),
        }
    }

    /// The answer to a retry is complete, or too long.
    pub(super) fn retry_whole(
        &mut self,
        now: Time,
        call: CallId,
        conn: ConnId,
        piece: Piece,
        out: &mut Actions,
    ) {
        let Piece { data, end } = piece;
        let Some(answered) = self.calls.remove(call) else { return };
        let Phase::Whole(head) = answered.phase else { return };
        let Some((asked, past)) = self.resolve(conn, out) else { return };
        if !crate::grip::is_instruct(&head) && end {
            self.settle_past(now, &asked.place(), past, out);
            let response = Response { head, body: data };
            return respond(conn, asked.dress(response, JsonpAnswer::Proxied), out);
        }
        match asked.read(&head, data, &self.config.limits) {
            Ok(instruct) => self.obey(now, conn, asked, instruct, past, out),
            Err(refusal) => {
                self.settle_past(now, &asked.place(), past, out);
                self.refuse(conn, &refusal, &asked, out);
            }
        }
    }

    /// The backend could not be asked. The hold is as good as it was, so there is time to try again; if that
    /// does not help, the client will ask by itself after the timeout response.
    pub(super) fn retry_failed(
        &mut self,
        now: Time,
        conn: ConnId,
        fault: CallFault,
        phase: &Phase,
        out: &mut Actions,
    ) {
        self.counters.bump(Count::RecoveryFailed);
        if let Phase::Pieces = phase {
            return self.abort(now, conn, out);
        }
        if fault == CallFault::Origin(OriginFault::NotKept) {
            return self.fail(now, conn, &Refusal::NotKept, out);
        }
        let delay = self.back_off(self.failures_of(conn));
        let Some(Exchange::Polling(polling)) = self.exchanges.get_mut(conn) else { return };
        polling.failures += 1;
        polling.retry = Retry::Later(now + delay);
        self.wheel.arm(conn.slot, polling.due());
    }

    /// How long to wait after so many failures: 1, 2, 4, … seconds, up to half a minute, and up to one more
    /// (NEXT-9).
    pub(super) fn back_off(&mut self, failures: u32) -> Span {
        let jitter = self.rng.below(Span::from_secs(1).as_nanos());
        Span::from_secs(1 << failures.min(5)) + Span::from_nanos(jitter)
    }

    fn failures_of(&self, conn: ConnId) -> u32 {
        match self.exchanges.get(conn) {
            Some(Exchange::Polling(polling)) => polling.failures,
            _ => 0,
        }
    }

    pub(super) fn set_retry(&mut self, conn: ConnId, retry: Retry) {
        if let Some(Exchange::Polling(polling)) = self.exchanges.get_mut(conn) {
            polling.retry = retry;
        }
    }

    fn set_pieces(&mut self, call: CallId) {
        if let Some(call) = self.calls.get_mut(call) {
            call.phase = Phase::Pieces;
        }
    }

    /// Takes a long-poll apart whose retry was answered.
    fn resolve(&mut self, conn: ConnId, out: &mut Actions) -> Option<(Asked, Past)> {
        self.wheel.disarm(conn.slot);
        let polling = match self.exchanges.remove(conn)? {
            Exchange::Polling(polling) => polling,
            other => {
                self.exchanges.insert(conn, other);
                return None;
            }
        };
        let Polling { asked, hold, filtering, gone, retry, .. } = *polling;
        let again = matches!(retry, Retry::Called { again: true, .. });
        let mut waiting = VecDeque::new();
        if let Some(mut filtering) = filtering {
            // Its item is looked at anew, and the backend asked again.
            if let Some(call) = filtering.call {
                self.drop_call(call, out);
            }
            waiting = filtering.waiting.take();
            waiting.push_front(filtering.ask.item);
        }
        let deadline = hold.deadline();
        let held = Held { subs: ResponseHold::end(hold), deadline, gone, waiting, again };
        Some((asked, Past::Held(Box::new(held))))
    }
}

/// Whether a body is known to fit into what is read whole.
fn is_short(size: &BodySize, limit: usize) -> bool {
    match size {
        BodySize::Empty => true,
        BodySize::Known(bytes) => *bytes <= limit as u64,
        BodySize::Unknown => false,
    }
}
