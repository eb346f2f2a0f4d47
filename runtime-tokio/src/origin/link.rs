//! Getting a connection to an origin.

use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use holdfast_core::engine::{OriginFault, Outgoing};
use holdfast_core::route::{Connect, Target, is_denied};
use thiserror::Error;
use tokio::time::error::Elapsed;
use tokio::time::{Instant, timeout, timeout_at};

use super::pool::Care;
use crate::client::{Conn, Left, Wait};
use crate::net::{TcpStream, lookup_host, tune};
use crate::shard::Shard;

/// Addresses of one name that are tried.
const ADDRESSES: usize = 16;

/// A connection for one request.
pub(super) struct Link {
    pub(super) stream: TcpStream,
    /// It carried others before, so the origin may have closed it without our knowing yet.
    pub(super) reused: bool,
}

/// What came of the wish for a connection.
pub(super) enum Obtained {
    Link(Link),
    CalledOff,
    Failed(OriginFault),
}

/// Where a connection may come from.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    /// The pool, if it has one that is good as far as one can see, or else a fresh one.
    Any(Care),
    Fresh,
}

/// Takes a connection from the pool or makes one, unless the client leaves or the engine thinks better of it.
pub(super) async fn obtain(
    shard: &Shard,
    conn: &Conn,
    request: &Outgoing,
    source: Source,
) -> Result<Obtained, Left> {
    let to = &*request.target;
    if let Source::Any(care) = source
        && let Some(link) = pooled(shard, to, care)
    {
        return Ok(Obtained::Link(link));
    }
    let mut connecting = pin!(connect(to, shard.connect_timeout()));
    let connected = conn.drive(|cx| {
        conn.tend(cx, shard)?;
        if conn.is_called_off() {
            return Poll::Ready(Ok(None));
        }
        conn.watch_if_read(cx, shard)?;
        conn.wait(shard, Wait::Nothing);
        connecting.as_mut().poll(cx).map(|connected| Ok(Some(connected)))
    });
    match connected.await? {
        Some(Ok(link)) => Ok(Obtained::Link(link)),
        Some(Err(error)) => {
            tracing::debug!(shard = shard.number(), conn = %conn.id, "{}: {error}", request.target);
            Ok(Obtained::Failed(error.fault()))
        }
        None => Ok(Obtained::CalledOff),
    }
}

/// Takes a connection from the pool.
pub(super) fn pooled(shard: &Shard, to: &Target, care: Care) -> Option<Link> {
    let stream = shard.pool.borrow_mut().take(to, care)?;
    Some(Link { stream, reused: true })
}

/// Why there is no connection.
#[derive(Debug, Error)]
pub(super) enum ConnectError {
    #[error("all its addresses are denied to an untrusted target")]
    Denied,
    #[error("{0}")]
    Failed(#[from] io::Error),
    #[error("no answer in time")]
    Elapsed(#[from] Elapsed),
}

impl ConnectError {
    pub(super) fn fault(&self) -> OriginFault {
        match self {
            Self::Denied => OriginFault::Denied,
            Self::Failed(_) | Self::Elapsed(_) => OriginFault::Unreachable,
        }
    }
}

/// Tries the addresses of a target one after another (FWD-88).
pub(super) async fn connect(to: &Target, within: Duration) -> Result<Link, ConnectError> {
    let deadline = Instant::now() + within;
    let addresses = timeout_at(deadline, resolve(to)).await??;
    let mut failure = ConnectError::Denied;
    for (at, address) in addresses.iter().enumerate() {
        // Each gets its share of the time that is left, so that a silent one does not take all of it.
        let left = deadline.saturating_duration_since(Instant::now());
        let share = left / u32::try_from(addresses.len() - at).unwrap_or(1);
        match timeout(share, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => {
                tune(&stream);
                return Ok(Link { stream, reused: false });
            }
            Ok(Err(error)) => failure = error.into(),
            Err(elapsed) => failure = elapsed.into(),
        }
    }
    Err(failure)
}

/// The addresses that the target may be reached at (ROUTE-43).
async fn resolve(to: &Target) -> io::Result<Vec<SocketAddr>> {
    let Connect::Tcp { host, port } = &to.connect else {
        return Err(io::Error::new(io::ErrorKind::Unsupported, "not on the network"));
    };
    let mut addresses: Vec<SocketAddr> = match host.parse::<IpAddr>() {
        Ok(address) => vec![(address, *port).into()],
        Err(_) => lookup_host((&host[..], *port)).await?.take(ADDRESSES).collect(),
    };
    if addresses.is_empty() {
        return Err(io::Error::new(io::ErrorKind::NotFound, "the name has no address"));
    }
    addresses.retain(|address| !(to.untrusted && is_denied(address.ip())));
    Ok(addresses)
}
