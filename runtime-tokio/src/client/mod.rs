//! The task of a client connection: reads requests, asks the engine, does what it orders, and waits.
//!
//! Its future is small, for there may be a hundred thousand of them asleep. All that is heavy is boxed and lives
//! only while a request is at an origin. A connection that becomes a WebSocket keeps its task.

mod conn;
mod keeping;
mod outbox;
mod patience;
mod reading;
mod socket;
mod writing;

use std::future::{Future, ready};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use holdfast_core::engine::{ClientGone, Event, Request};
use holdfast_core::http1::RequestError;
use holdfast_core::ws::{Upgrade, Violation};
use http::StatusCode;

use conn::Side;
pub(crate) use conn::{Conn, Order, RequestBody, Stage};
pub(crate) use outbox::Outbox;
pub(crate) use patience::{Patience, Wait};
pub(crate) use reading::Part;
pub(crate) use writing::Persist;

use crate::origin;
use crate::shard::Shard;
use crate::stats::Stat;

/// The client cannot be served any further.
#[derive(Debug)]
pub(crate) struct Left(pub(crate) Why);

/// Why.
#[derive(Debug)]
pub(crate) enum Why {
    /// It is gone.
    Gone,
    /// It takes nothing.
    Stalled,
    /// Its request body comes too slowly.
    SlowBody,
    /// Its request body cannot be read.
    BadBody(RequestError),
    /// It is held and sends so much ahead that its leaving would go unseen behind it.
    TooFarAhead,
    /// It breaks the protocol of its WebSocket.
    BadFrame(Violation),
}

/// How a connection is closed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Close {
    /// At once.
    Now,
    /// With time for the client to read what was written.
    Linger,
    /// With a reset, because a plain close would look like the end of the body.
    Reset,
}

/// Serves a client until it leaves.
pub(crate) fn serve(shard: Rc<Shard>, conn: Rc<Conn>) -> impl Future<Output = ()> {
    let tenancy = Tenancy { shard, conn };
    async move {
        match tenancy.converse().await {
            Close::Now => {}
            Close::Linger => tenancy.conn.linger(&tenancy.shard).await,
            Close::Reset => tenancy.conn.reset_on_close(),
        }
    }
}

/// The place of a connection in its shard; given up however its task ends.
///
/// The task is as large as what it keeps while it waits: one reference in each function here, and in those of the
/// connection nothing, for they are no `async fn`s, which would keep their arguments twice.
struct Tenancy {
    shard: Rc<Shard>,
    conn: Rc<Conn>,
}

impl Drop for Tenancy {
    fn drop(&mut self) {
        if self.conn.is_engaged() {
            self.conn.set_stage(Stage::Aborted);
            self.shard.tell(Event::Gone { conn: self.conn.id, why: ClientGone::Left });
        }
        self.shard.forget(&self.conn);
    }
}

impl Tenancy {
    async fn converse(&self) -> Close {
        loop {
            let served = self.serve_one().await;
            if let Err(close) = self.conn.flush(&self.shard).await.and(served) {
                return close;
            }
        }
    }

    /// Serves one request; an error says how the connection ends.
    async fn serve_one(&self) -> Result<(), Close> {
        let request = self.conn.next_request(&self.shard).await?;
        self.conn.announce(&self.shard, request)?;
        let served = self.exchange().await;
        self.conn.part_from_backend(&self.shard);
        served.map_err(|left| self.conn.part(&self.shard, left))?;
        self.conn.rest()
    }

    /// Does what the engine orders until the response is complete, or cannot be, or the WebSocket ends that it
    /// has become.
    async fn exchange(&self) -> Result<(), Left> {
        while let Some(errand) = self.conn.held(&self.shard).await?.map(|order| self.errand(order))
        {
            errand.await?;
        }
        if self.conn.stage() == Stage::Socket {
            self.conn.hear_early(&self.shard)?;
            self.conn.converse(&self.shard).await?;
        }
        Ok(())
    }

    /// What an order makes the task do at an origin. It is large and soon over.
    fn errand(&self, order: Order) -> Pin<Box<dyn Future<Output = Result<(), Left>> + '_>> {
        match order {
            Order::Forward(request) => Box::pin(origin::forward(&self.shard, &self.conn, request)),
            Order::Connect(connect) => Box::pin(origin::connect(&self.shard, &self.conn, connect)),
            // For a request to an origin that has ended meanwhile.
            Order::Relay(_) | Order::Collect(_) | Order::Stream | Order::Drop => {
                Box::pin(ready(Ok(())))
            }
        }
    }
}

impl Conn {
    /// Tells the engine of a request. What asks for a WebSocket in a wrong way never gets there (WS-2).
    fn announce(&self, shard: &Shard, request: Request) -> Result<(), Close> {
        self.set_stage(Stage::Asked);
        match Upgrade::of(&request.head, request.body) {
            Upgrade::None => shard.tell(Event::Request { conn: self.id, request }),
            Upgrade::Valid(accept) => {
                // A client that is refused has nothing else to ask for (WS-10).
                self.wire.borrow_mut().close_after();
                shard.tell(Event::Upgrade { conn: self.id, request, accept });
            }
            Upgrade::Invalid(response) => {
                shard.stats.bump(Stat::BadRequest);
                shard.render(|out| self.respond(&response, Persist::Close, out));
                return Err(Close::Linger);
            }
        }
        Ok(())
    }

    /// Waits while nothing is done at an origin; `None` when the exchange has ended or is a WebSocket now.
    fn held(&self, shard: &Shard) -> impl Future<Output = Result<Option<Order>, Left>> {
        self.drive(move |cx| {
            let polled = self.poll_held(cx, shard);
            self.wait(shard, Wait::Nothing);
            polled
        })
    }

    fn poll_held(&self, cx: &mut Context<'_>, shard: &Shard) -> Poll<Result<Option<Order>, Left>> {
        if matches!(self.stage(), Stage::Answered | Stage::Aborted | Stage::Socket) {
            return Poll::Ready(Ok(None));
        }
        if let Some(order) = self.take_order() {
            return Poll::Ready(Ok(Some(order)));
        }
        self.tend(cx, shard)?;
        self.watch(cx, shard);
        match self.side.get() {
            Side::Open if self.inbox.borrow().len() >= shard.limits().head_bytes => {
                Poll::Ready(Err(Left(Why::TooFarAhead)))
            }
            Side::Open => Poll::Pending,
            // Nobody waits for a hold with its own side closed (FWD-57).
            Side::HalfClosed | Side::Lost => Poll::Ready(Err(Left(Why::Gone))),
        }
    }

    /// The client cannot be served any further: tells the engine, and the client if it can hear it.
    fn part(&self, shard: &Shard, left: Left) -> Close {
        let begun = self.stage() != Stage::Asked;
        if self.is_engaged() {
            self.set_stage(Stage::Aborted);
            shard.tell(Event::Gone { conn: self.id, why: left.0.gone() });
        }
        shard.stats.bump(left.0.stat());
        tracing::debug!(shard = shard.number(), conn = %self.id, "client given up: {:?}", left.0);
        let (status, line) = match &left.0 {
            Why::BadBody(error) if !begun => (error.status(), error.to_string()),
            Why::SlowBody if !begun => {
                (StatusCode::REQUEST_TIMEOUT, "Request body came too slowly.".to_owned())
            }
            Why::TooFarAhead if !begun => {
                (StatusCode::BAD_REQUEST, "Too much sent ahead of the response.".to_owned())
            }
            Why::BadFrame(violation) => {
                shard.render(|out| self.close_for(*violation, out));
                return Close::Linger;
            }
            Why::Gone => return Close::Now,
            _ => {
                self.abort();
                return self.cut();
            }
        };
        shard.render(|out| self.refuse(status, &line, out));
        Close::Linger
    }

    /// After a response: whether another request can come, or how to close.
    fn rest(&self) -> Result<(), Close> {
        self.forget_body();
        if self.stage() == Stage::Aborted {
            return Err(self.cut());
        }
        let unread = self.body.get() != RequestBody::Complete || !self.inbox.borrow().is_empty();
        let was_socket = self.socket.take().is_some();
        match self.wire.borrow_mut().next_request() {
            true => Ok(()),
            // Who closes a WebSocket first may have an answer coming.
            false if unread || was_socket => Err(Close::Linger),
            false => Err(Close::Now),
        }
    }

    /// How to close in the middle of a response, so that the client can tell (FWD-71).
    fn cut(&self) -> Close {
        if self.ends_by_close.get() { Close::Reset } else { Close::Now }
    }

    /// Writes what waits.
    fn flush(&self, shard: &Shard) -> impl Future<Output = Result<(), Close>> {
        self.drive(move |cx| {
            let flushed = self.poll_flush(cx, shard);
            self.wait(shard, Wait::Nothing);
            if self.is_overdue(Wait::Taking) {
                shard.stats.bump(Stat::Stalled);
                return Poll::Ready(Err(Close::Now));
            }
            flushed.map(|()| if self.side.get() == Side::Lost { Err(Close::Now) } else { Ok(()) })
        })
    }

    fn reset_on_close(&self) {
        // If this fails, the connection has been reset already.
        let _ = self.stream.borrow().set_zero_linger();
    }
}

impl Why {
    fn gone(&self) -> ClientGone {
        match self {
            Self::Gone => ClientGone::Left,
            Self::Stalled => ClientGone::Stalled,
            Self::SlowBody | Self::BadBody(_) => ClientGone::BadBody,
            Self::TooFarAhead => ClientGone::Left,
            Self::BadFrame(_) => ClientGone::BadFrame,
        }
    }

    fn stat(&self) -> Stat {
        match self {
            Self::Gone => Stat::Left,
            Self::Stalled => Stat::Stalled,
            Self::SlowBody => Stat::SlowBody,
            Self::BadBody(_) => Stat::BadRequest,
            Self::TooFarAhead => Stat::TooFarAhead,
            Self::BadFrame(_) => Stat::BadFrame,
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::{TcpListener, TcpStream};

    use super::*;
    use crate::testing::run;

    #[test]
    fn the_task_of_a_connection_is_small() {
        run(async |house| {
            let door = TcpListener::bind("127.0.0.1:0").await.expect("a port");
            let addr = door.local_addr().expect("bound");
            let _client = TcpStream::connect(addr).await.expect("connected");
            let (stream, peer) = door.accept().await.expect("accepted");
            let conn = house.shard.admit(stream, peer.ip());
            let size = size_of_val(&serve(house.shard.clone(), conn));
            assert!(size <= 152, "with what the runtime adds, {size} bytes are more than 256");
        });
    }
}
