//! The side of the origins: a request is sent, an answer heard, and its body taken wherever the engine
//! says.

mod attempt;
mod body;
mod link;
mod pool;
mod upload;

use holdfast_core::engine::{BodySource, Event, OriginFault, Outgoing};

use crate::client::{Conn, Left, Order};
use crate::shard::Shard;
use crate::stats::Stat;
use attempt::{Answer, Attempt, Heard};
use link::{Obtained, Source, obtain};
pub(crate) use pool::Pool;

/// Carries out an order to forward a request, and those that follow the answer.
pub(crate) async fn forward(
    shard: &Shard,
    conn: &Conn,
    request: Box<Outgoing>,
) -> Result<(), Left> {
    let Some((mut attempt, answer)) = ask(shard, conn, &request).await? else { return Ok(()) };
    let Answer { head, body, .. } = answer;
    shard.tell(Event::OriginHead { conn: conn.id, head, body });
    match conn.take_order() {
        Some(Order::Relay(head)) => attempt.relay(shard, conn, *head, body).await?,
        Some(Order::Collect(limit)) => attempt.collect(shard, conn, limit).await?,
        Some(Order::Stream) => attempt.stream(shard, conn).await?,
        Some(other @ Order::Forward(_)) => conn.order(other),
        Some(Order::Drop) | None => {}
    }
    if let Some(stream) = attempt.into_reusable()
        && shard.pool.borrow_mut().put(&request.target, stream, shard.now())
    {
        shard.stats.bump(Stat::PoolFull);
    }
    Ok(())
}

/// Sends the request and waits for the head of the answer; `None` if there is none, or no longer any need.
async fn ask<'a>(
    shard: &Shard,
    conn: &Conn,
    request: &'a Outgoing,
) -> Result<Option<(Attempt<'a>, Answer)>, Left> {
    let failed = |fault| shard.tell(Event::OriginFailed { conn: conn.id, fault });
    let mut attempt = match obtain(shard, conn, request, Source::Any).await? {
        Obtained::Link(link) => Attempt::new(link, conn, request),
        Obtained::CalledOff => return Ok(None),
        Obtained::Failed(fault) => {
            failed(fault);
            return Ok(None);
        }
    };
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
                    BodySource::Empty => fault,
                    // What was read of the body is not there for another target.
                    BodySource::Client => OriginFault::Broken,
                });
                return Ok(None);
            }
        }
    }
}
