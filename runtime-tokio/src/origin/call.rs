//! Requests that the engine makes of an origin itself. Each is a task, which nobody's connection waits for.

use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::rc::Rc;
use std::task::{Context, Poll, Waker, ready};

use bytes::Bytes;
use holdfast_core::engine::{CallBody, CallRead, CallRequest, Event, OriginFault};
use holdfast_core::ground::{CallId, ConnId, Table};
use holdfast_core::message::BodySize;
use tokio::task::spawn_local;

use super::gather::Gather;
use super::hop::{Answer, Hop, Piece};
use super::link::{Link, Source, connect, pooled};
use super::pool::Care;
use super::upload::Upload;
use crate::shard::Shard;
use crate::stats::Stat;

/// Slots of the table that are kept when no call is under way.
const KEPT_SLOTS: usize = 1024;

/// The calls under way on a shard. The engine bounds their number.
#[derive(Default)]
pub(crate) struct Calls {
    table: RefCell<Table<Rc<Call>>>,
}

/// A call under way: what its task and the driver share.
struct Call {
    id: CallId,
    wish: Cell<Wish>,
    /// Here only while the task sleeps.
    waker: Cell<Option<Waker>>,
}

/// What the engine wants of a call.
#[derive(Clone, Copy)]
enum Wish {
    /// To wait.
    Nothing,
    Read(CallRead),
    /// To be rid of it.
    Over,
}

impl Shard {
    /// Begins a call.
    pub(crate) fn call(&self, id: CallId, request: Box<CallRequest>) {
        let body = match &request.body {
            CallBody::Bytes(body) => Some(body.clone()),
            CallBody::OfClient(conn) => self.kept_body(*conn),
        };
        let Some(body) = body else {
            return self.tell(Event::CallFailed { call: id, fault: OriginFault::NotKept });
        };
        let call = Call { id, wish: Cell::new(Wish::Nothing), waker: Cell::default() };
        let call = Rc::new(call);
        let task = run(self.share(), call.clone(), request, body);
        if let Some(earlier) = self.calls.table.borrow_mut().insert(key(id), call) {
            earlier.want(Wish::Over);
        }
        spawn_local(task);
    }

    /// Reads from the answer to a call.
    pub(crate) fn read_call(&self, id: CallId, read: CallRead) {
        if let Some(call) = self.calls.table.borrow().get(key(id)) {
            call.want(Wish::Read(read));
        }
    }

    /// Gives up a call.
    pub(crate) fn drop_call(&self, id: CallId) {
        if let Some(call) = self.calls.remove(id) {
            call.want(Wish::Over);
        }
    }

    fn call_failed(&self, call: &Call, fault: OriginFault) {
        self.calls.remove(call.id);
        self.tell(Event::CallFailed { call: call.id, fault });
    }
}

impl Calls {
    pub(crate) fn is_empty(&self) -> bool {
        self.table.borrow().is_empty()
    }

    /// Forgets a call. What is told of it afterwards is the last.
    fn remove(&self, id: CallId) -> Option<Rc<Call>> {
        let mut table = self.table.borrow_mut();
        let call = table.remove(key(id));
        if table.is_empty() && table.slots() > KEPT_SLOTS {
            table.shrink();
        }
        call
    }
}

/// The core's tables know the ids of connections; those of calls are made in the same way.
fn key(CallId { slot, generation }: CallId) -> ConnId {
    ConnId { slot, generation }
}

/// The task of a call.
async fn run(shard: Rc<Shard>, call: Rc<Call>, request: Box<CallRequest>, body: Bytes) {
    let Some((mut hop, answer)) = ask(&shard, &call, &request, body).await else {
        return shard.check_deserted();
    };
    let Answer { head, body, .. } = answer;
    shard.tell(Event::CallHead { call: call.id, head, body });
    let last = read(&shard, &call, &mut hop, body).await;
    // First of all: what the engine does next may be a call of the same origin.
    shard.keep_link(&request.target, hop);
    if let Some(last) = last {
        shard.calls.remove(call.id);
        shard.tell(last);
    }
    shard.check_deserted();
}

/// Sends the request and waits for the head of the answer; `None` if there is none, or no longer any need.
async fn ask(
    shard: &Shard,
    call: &Call,
    request: &CallRequest,
    body: Bytes,
) -> Option<(Hop, Answer)> {
    // Whatever its body, it is all here to be sent once more.
    let care = Care::of(&request.head.method);
    let link = obtain(shard, call, request, Source::Any(care)).await?;
    let mut hop = send(link, request, &body);
    drop(body);
    loop {
        let answered = call.drive(|cx| {
            hop.poll_send(cx);
            hop.poll_head(cx, shard)
        });
        match answered.await? {
            Ok(answer) => return Some((hop, answer)),
            Err(_) if hop.is_stale(&request.head.method) => shard.stats.bump(Stat::Retried),
            Err(error) => {
                tracing::debug!(shard = shard.number(), %call.id, "{}: {error}", request.target);
                shard.call_failed(call, hop.fault());
                return None;
            }
        }
        hop.begin_again(obtain(shard, call, request, Source::Fresh).await?, Upload::Last);
    }
}

/// Takes a connection from the pool or makes one.
async fn obtain(shard: &Shard, call: &Call, request: &CallRequest, source: Source) -> Option<Link> {
    let to = &*request.target;
    if let Source::Any(care) = source
        && let Some(link) = pooled(shard, to, care)
    {
        return Some(link);
    }
    // Boxed, because it is large and seldom needed.
    let mut connecting = Box::pin(connect(to, shard.connect_timeout()));
    match call.drive(|cx| connecting.as_mut().poll(cx)).await? {
        Ok(link) => Some(link),
        Err(error) => {
            tracing::debug!(shard = shard.number(), %call.id, "{}: {error}", request.target);
            shard.call_failed(call, error.fault());
            None
        }
    }
}

/// Renders the whole request, to be one write.
fn send(link: Link, request: &CallRequest, body: &[u8]) -> Hop {
    let size = match body.len() {
        0 => BodySize::Empty,
        length => BodySize::Known(length as u64),
    };
    let mut hop = Hop::new(link, &request.head, size, Upload::Last);
    hop.send_all(body);
    hop
}

/// Reads from the answer as the engine wishes; `None` if it has lost interest before the last of it.
async fn read(shard: &Shard, call: &Call, hop: &mut Hop, size: BodySize) -> Option<Event> {
    loop {
        let mut gather = match call.wish().await? {
            CallRead::Whole { limit } => Gather::whole(limit, size),
            CallRead::Piece => Gather::piece(),
        };
        let piece = call.drive(|cx| poll_gather(cx, shard, hop, &mut gather)).await?;
        if piece == Piece::Cut && !gather.is_enough() {
            return Some(Event::CallFailed { call: call.id, fault: OriginFault::Broken });
        }
        let over = gather.is_too_much() || piece == Piece::End;
        let end = over && !gather.is_too_much();
        let read = Event::CallData { call: call.id, data: gather.take_data(), end };
        if over {
            return Some(read);
        }
        shard.tell(read);
    }
}

fn poll_gather(
    cx: &mut Context<'_>,
    shard: &Shard,
    hop: &mut Hop,
    gather: &mut Gather,
) -> Poll<Piece> {
    hop.poll_send(cx);
    loop {
        let piece = ready!(hop.poll_piece(cx, shard, &mut |data| gather.take(data)));
        if piece != Piece::More || gather.is_enough() {
            return Poll::Ready(piece);
        }
    }
}

impl Call {
    fn want(&self, wish: Wish) {
        self.wish.set(wish);
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }

    /// What the engine wants to read next.
    fn wish(&self) -> impl Future<Output = Option<CallRead>> {
        self.drive(|_| match self.wish.replace(Wish::Nothing) {
            Wish::Read(read) => Poll::Ready(read),
            Wish::Nothing | Wish::Over => Poll::Pending,
        })
    }

    /// Repeats `step` until it is done; `None` if the engine has given up the call.
    fn drive<T>(
        &self,
        mut step: impl FnMut(&mut Context<'_>) -> Poll<T>,
    ) -> impl Future<Output = Option<T>> {
        poll_fn(move |cx| {
            if matches!(self.wish.get(), Wish::Over) {
                return Poll::Ready(None);
            }
            let polled = step(cx);
            self.waker.set(polled.is_pending().then(|| cx.waker().clone()));
            polled.map(Some)
        })
    }
}

#[cfg(test)]
mod tests;
