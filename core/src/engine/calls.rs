//! Requests that the engine makes of origins itself: whose they are, and where their answers go.

use std::collections::BTreeMap;

use super::bodies::Piece;
use super::shared::PageKey;
use super::{Action, Actions, CallBody, CallRead, CallRequest, Engine, KEPT_SLOTS, OriginFault};
use crate::exchange::Errand;
use crate::grip::Instruct;
use crate::ground::{CallId, ConnId, Count, Slab, SocketId, Time, Wheel};
use crate::message::{BodySize, Response, ResponseHead};

/// All calls of a shard.
#[derive(Debug, Default)]
pub(super) struct Calls {
    list: Slab<Call>,
    wheel: Wheel,
    /// Calls for pages that further sessions may join.
    pub(super) pages: BTreeMap<PageKey, CallId>,
    pub(super) recoveries: usize,
    pub(super) farewells: usize,
}

/// A request of the engine's own.
#[derive(Debug)]
pub(super) struct Call {
    errand: Errand,
    body: CallBody,
    pub(super) owner: Owner,
    pub(super) phase: Phase,
    /// When it was made.
    pub(super) since: Time,
}

/// Whose call it is.
#[derive(Debug)]
pub(super) enum Owner {
    /// A long-poll is asked again.
    Retry(ConnId),
    /// These streams want the page; the first one asked for it.
    Page(PageKey, Vec<ConnId>),
    /// A filter of this session asks about an item.
    Filter(ConnId),
    /// A WebSocket talks to its backend.
    Socket(SocketId),
    /// A session is over.
    Farewell,
}

/// How far the answer is.
#[derive(Debug)]
pub(super) enum Phase {
    /// It has not begun.
    Asked,
    /// It is an instruct, or something that is passed on, and is read whole.
    Whole(ResponseHead),
    /// It is a page that is passed on as it comes; what its head says is done with its first byte.
    Page(Option<Box<Instruct>>),
    /// It is passed on as it comes.
    Pieces,
}

/// How a call failed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum CallFault {
    Origin(OriginFault),
    Timeout,
}

impl From<OriginFault> for CallFault {
    fn from(fault: OriginFault) -> Self {
        Self::Origin(fault)
    }
}

impl Calls {
    /// When the first of them has lasted too long.
    pub(super) fn deadline(&self) -> Option<Time> {
        self.wheel.next()
    }

    pub(super) fn get_mut(&mut self, call: CallId) -> Option<&mut Call> {
        self.list.get_mut(key(call))
    }

    pub(super) fn get(&self, call: CallId) -> Option<&Call> {
        self.list.get(key(call))
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (CallId, &Call)> {
        self.list.iter().map(|(id, call)| (name(id), call))
    }

    /// How many there is room for.
    #[cfg(test)]
    pub(super) fn slots(&self) -> usize {
        self.list.slots().max(self.wheel.slots())
    }

    /// The call is over.
    pub(super) fn remove(&mut self, call: CallId) -> Option<Call> {
        let removed = self.list.remove(key(call))?;
        self.wheel.disarm(call.slot);
        match &removed.owner {
            Owner::Retry(_) => self.recoveries -= 1,
            Owner::Page(page, _) => {
                self.recoveries -= 1;
                self.unlist(call, page);
            }
            Owner::Filter(_) | Owner::Socket(_) => {}
            Owner::Farewell => self.farewells -= 1,
        }
        if self.list.is_empty() && self.list.slots() > KEPT_SLOTS {
            // A past peak keeps no memory: all who leave at once may each have something to tell.
            self.list.shrink();
            self.wheel.shrink();
        }
        Some(removed)
    }

    /// Nobody can join the call for a page any more.
    pub(super) fn unlist(&mut self, call: CallId, page: &PageKey) {
        if self.pages.get(page) == Some(&call) {
            self.pages.remove(page);
        }
    }
}

impl Engine {
    /// Registers a call; [`Self::send_call`] makes it.
    pub(super) fn plan_call(
        &mut self,
        now: Time,
        errand: Errand,
        body: CallBody,
        owner: Owner,
    ) -> CallId {
        match &owner {
            Owner::Retry(_) | Owner::Page(..) => self.calls.recoveries += 1,
            Owner::Filter(_) | Owner::Socket(_) => {}
            Owner::Farewell => self.calls.farewells += 1,
        }
        let call = Call { errand, body, owner, phase: Phase::Asked, since: now };
        name(self.calls.list.insert_with(|_| call))
    }

    /// Sends a call to its current target.
    pub(super) fn send_call(&mut self, now: Time, call: CallId, out: &mut Actions) {
        let (config, wall) = (self.config.clone(), self.wall(now));
        let Some(planned) = self.calls.get(call) else { return };
        if let Some(Response { head, body }) = planned.errand.test_answer(&config.policy, wall) {
            let size = BodySize::Known(body.len() as u64);
            // Where the test origin answers, nothing has to be read, or given up.
            let mut done = Actions::new();
            self.call_head(now, call, head, size, &mut done);
            out.list.extend(done.list.into_iter().filter(|action| !is_about(action, call)));
            if self.calls.get(call).is_some() {
                self.call_data(now, call, Piece { data: body, end: true }, out);
            }
            return;
        }
        let target = planned.errand.target().clone();
        let head = planned.errand.head(&config.policy, wall);
        let request = Box::new(CallRequest { target, head, body: planned.body.clone() });
        self.time_call(now, call);
        out.list.push(Action::Call { call, request });
    }

    /// Reads from the answer to a call. That of a filter must be complete in time (FILT-12); of others, each
    /// piece.
    pub(super) fn read_call(&mut self, now: Time, call: CallId, read: CallRead, out: &mut Actions) {
        self.time_call(now, call);
        out.list.push(Action::ReadCall { call, read });
    }

    /// Begins to wait for an answer, or for more of one. That to a filter must be complete in time (FILT-12); a
    /// WebSocket keeps the time itself.
    fn time_call(&mut self, now: Time, call: CallId) {
        let limits = &self.config.limits;
        let patience = match self.calls.get(call) {
            Some(Call { owner: Owner::Socket(_), .. }) | None => return,
            Some(Call { owner: Owner::Filter(_), phase: Phase::Asked, .. }) => {
                limits.filter_timeout
            }
            Some(Call { owner: Owner::Filter(_), .. }) => return,
            Some(_) => limits.origin_timeout,
        };
        self.calls.wheel.arm(call.slot, now + patience);
    }

    /// The answer to a call is not read for a while, and not waited for.
    pub(super) fn rest_call(&mut self, call: CallId) {
        self.calls.wheel.disarm(call.slot);
    }

    /// Gives up a call.
    pub(super) fn drop_call(&mut self, call: CallId, out: &mut Actions) -> Option<Call> {
        let dropped = self.calls.remove(call)?;
        out.list.push(Action::DropCall { call });
        Some(dropped)
    }

    pub(super) fn call_head(
        &mut self,
        now: Time,
        call: CallId,
        head: ResponseHead,
        body: BodySize,
        out: &mut Actions,
    ) {
        let Some(Call { owner, phase: Phase::Asked, .. }) = self.calls.get(call) else {
            return self.counters.bump(Count::StaleEvent);
        };
        match owner {
            Owner::Retry(conn) => self.retry_head(now, call, *conn, head, body, out),
            Owner::Page(..) => self.page_head(now, call, head, out),
            Owner::Filter(_) => {
                let limit = self.config.limits.filter_answer_bytes;
                self.whole(now, call, head, limit, out);
            }
            Owner::Socket(_) => {
                let limit = self.config.limits.woh_response_bytes;
                self.whole(now, call, head, limit, out);
            }
            Owner::Farewell => {
                // Nobody wants to know, but the connection can be used again.
                const LIMIT: usize = 4096;
                self.whole(now, call, head, LIMIT, out);
            }
        }
    }

    pub(super) fn call_data(&mut self, now: Time, call: CallId, piece: Piece, out: &mut Actions) {
        let Some(known) = self.calls.get(call) else {
            return self.counters.bump(Count::StaleEvent);
        };
        match (&known.owner, &known.phase) {
            (_, Phase::Asked) => self.counters.bump(Count::StaleEvent),
            (Owner::Page(..), Phase::Whole(_)) => self.page_whole(now, call, piece, out),
            (Owner::Page(_, readers), _) => match readers.first().copied() {
                Some(conn) => self.page_piece(now, call, conn, piece, out),
                None => self.counters.bump(Count::StaleEvent),
            },
            (&Owner::Retry(conn), Phase::Whole(_)) => {
                self.retry_whole(now, call, conn, piece, out);
            }
            (&Owner::Retry(conn), _) => self.piece(now, call, conn, piece, out),
            (&Owner::Filter(conn), _) => self.answered(now, call, conn, piece.data, out),
            (&Owner::Socket(id), _) => {
                let target = known.errand.target_number();
                let Some(Call { phase: Phase::Whole(head), .. }) = self.calls.remove(call) else {
                    return;
                };
                self.socket_answered(now, id, (head, piece.data), target, out);
            }
            (Owner::Farewell, _) => {
                self.calls.remove(call);
            }
        }
    }

    pub(super) fn call_failed(
        &mut self,
        now: Time,
        call: CallId,
        fault: CallFault,
        out: &mut Actions,
    ) {
        let Some(known) = self.calls.get_mut(call) else {
            return self.counters.bump(Count::StaleEvent);
        };
        if fault == CallFault::Origin(OriginFault::Unreachable)
            && let Phase::Asked = known.phase
        {
            self.counters.bump(Count::TargetUnreachable);
            if known.errand.next_target() {
                return self.send_call(now, call, out);
            }
        }
        let Some(failed) = self.calls.remove(call) else { return };
        match failed.owner {
            Owner::Retry(conn) => self.retry_failed(now, conn, fault, &failed.phase, out),
            Owner::Page(_, readers) => {
                for conn in readers {
                    self.page_failed(now, conn, out);
                }
            }
            Owner::Filter(conn) => self.unanswered(now, conn, out),
            Owner::Socket(id) => self.socket_unanswered(now, id, fault, out),
            Owner::Farewell => {
                tracing::info!(shard = self.shard.0, "a gone link failed: {fault:?}")
            }
        }
    }

    /// Calls that have lasted too long.
    pub(super) fn expire_calls(&mut self, now: Time, out: &mut Actions) {
        let mut due = core::mem::take(&mut self.due);
        self.calls.wheel.expire(now, &mut due);
        for slot in due.drain(..) {
            // One that was due may have ended with another, and its place may be taken.
            let due = self.calls.list.tenant(slot).filter(|_| !self.calls.wheel.is_armed(slot));
            let Some(id) = due else { continue };
            self.counters.bump(Count::OriginTimeout);
            out.list.push(Action::DropCall { call: name(id) });
            self.call_failed(now, name(id), CallFault::Timeout, out);
        }
        self.due = due;
    }

    /// Reads the whole answer, up to `limit`.
    pub(super) fn whole(
        &mut self,
        now: Time,
        call: CallId,
        head: ResponseHead,
        limit: usize,
        out: &mut Actions,
    ) {
        if let Some(known) = self.calls.get_mut(call) {
            known.phase = Phase::Whole(head);
            self.read_call(now, call, CallRead::Whole { limit }, out);
        }
    }
}

fn is_about(action: &Action, this: CallId) -> bool {
    match action {
        Action::ReadCall { call, .. } | Action::DropCall { call } => *call == this,
        _ => false,
    }
}

fn key(call: CallId) -> ConnId {
    ConnId { slot: call.slot, generation: call.generation }
}

fn name(id: ConnId) -> CallId {
    CallId { slot: id.slot, generation: id.generation }
}
