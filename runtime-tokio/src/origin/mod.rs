//! The side of the origins: a request is sent, a client's or the engine's own, an answer heard, and its body
//! taken wherever the engine says.

mod attempt;
mod body;
mod call;
mod gather;
mod hop;
mod link;
mod pool;
mod socket;
mod turn;
mod upload;

use std::sync::Arc;

use holdfast_core::engine::{BodySource, Connect, Event, OriginFault, Outgoing, SocketEvent};
use holdfast_core::route::Target;
use http::StatusCode;

use crate::client::{Conn, Left, Order};
use crate::shard::Shard;
use crate::stats::Stat;
use attempt::{Attempt, Heard, Purpose};
pub(crate) use call::Calls;
use hop::{Answer, Hop};
use link::{Obtained, Source, obtain};
use pool::Care;
pub(crate) use pool::Pool;
pub(crate) use socket::{Backend, Came, Write};
use turn::give_way;

/// Carries out an order to forward a request, and those that follow the answer.
pub(crate) async fn forward(
    shard: &Shard,
    conn: &Conn,
    request: Box<Outgoing>,
) -> Result<(), Left> {
    match ask(shard, conn, &request, Purpose::Exchange).await? {
        Some((attempt, answer)) => heed(shard, conn, attempt, answer).await,
        None => Ok(()),
    }
}

/// Carries out an order to ask an origin for a WebSocket. If it refuses, its answer is like any other.
pub(crate) async fn connect(shard: &Shard, conn: &Conn, connect: Box<Connect>) -> Result<(), Left> {
    let Connect { request, challenge } = &*connect;
    let Some((attempt, answer)) = ask(shard, conn, request, Purpose::Upgrade).await? else {
        return Ok(());
    };
    if answer.head.status != StatusCode::SWITCHING_PROTOCOLS {
        return heed(shard, conn, attempt, answer).await;
    }
    match challenge.check(&answer.head) {
        Ok(()) => {
            conn.join(attempt.hop.into_backend(), shard);
            let event = SocketEvent::OriginUpgraded(answer.head);
            shard.tell(Event::Socket { conn: conn.id, event });
        }
        Err(error) => {
            tracing::debug!(shard = shard.number(), conn = %conn.id, "{}: {error}", request.target);
            shard.tell(Event::OriginFailed { conn: conn.id, fault: OriginFault::Broken });
        }
    }
    Ok(())
}

/// Reports the head of an answer, and does what is to be done with its body.
async fn heed(
    shard: &Shard,
    conn: &Conn,
    mut attempt: Attempt<'_>,
    answer: Answer,
) -> Result<(), Left> {
    let Answer { head, body, .. } = answer;
    shard.tell(Event::OriginHead { conn: conn.id, head, body });
    match conn.take_order() {
        Some(Order::Relay(head)) => attempt.relay(shard, conn, *head, body).await?,
        Some(Order::Collect(limit)) => attempt.collect(shard, conn, limit).await?,
        Some(Order::Stream) => attempt.stream(shard, conn).await?,
        Some(other @ (Order::Forward(_) | Order::Connect(_))) => conn.order(other),
        Some(Order::Drop) | None => {}
    }
    shard.keep_link(&attempt.request.target, attempt.hop);
    Ok(())
}

impl Shard {
    /// Puts the connection of an exchange that is over back into the pool, if it can carry another.
    fn keep_link(&self, target: &Arc<Target>, hop: Hop) {
        if let Some(stream) = hop.into_reusable()
            && self.pool.borrow_mut().put(target, stream, self.now())
        {
            self.stats.bump(Stat::PoolFull);
        }
    }
}

/// Sends the request and waits for the head of the answer; `None` if there is none, or no longer any need.
async fn ask<'a>(
    shard: &Shard,
    conn: &Conn,
    request: &'a Outgoing,
    purpose: Purpose,
) -> Result<Option<(Attempt<'a>, Answer)>, Left> {
    let failed = |fault| shard.tell(Event::OriginFailed { conn: conn.id, fault });
    let care = match request.body {
        BodySource::Client => Care::Much,
        BodySource::Empty | BodySource::Bytes(_) => Care::of(&request.head.method),
    };
    let mut attempt = match obtain(shard, conn, request, Source::Any(care)).await? {
        Obtained::Link(link) => Attempt::new(link, conn, request, purpose),
        Obtained::CalledOff => return Ok(None),
        Obtained::Failed(fault) => {
            failed(fault);
            return Ok(None);
        }
    };
    match care {
        Care::Little => give_way().await,
        // What was looked at closely is used at once.
        Care::Much => {}
    }
    loop {
        match attempt.hear(shard, conn).await? {
            Heard::Head(answer) => return Ok(Some((attempt, answer))),
            Heard::CalledOff => return Ok(None),
            Heard::Stale => shard.stats.bump(Stat::Retried),
            Heard::Broken => {
                failed(OriginFault::Broken);
                return Ok(None);
            }
        }
        match obtain(shard, conn, request, Source::Fresh).await? {
            Obtained::Link(link) => attempt.begin_again(link, conn),
            Obtained::CalledOff => return Ok(None),
            Obtained::Failed(fault) => {
                failed(match request.body {
                    BodySource::Empty | BodySource::Bytes(_) => fault,
                    // What was read of the body is not there for another target.
                    BodySource::Client => OriginFault::Broken,
                });
                return Ok(None);
            }
        }
    }
}
