//! Idle connections to origins (FWD-85).

use std::collections::HashMap;
use std::io::ErrorKind;
use std::mem::MaybeUninit;
use std::sync::Arc;

use holdfast_core::ground::{Span, Time};
use holdfast_core::route::Target;
use socket2::SockRef;
use tokio::net::TcpStream;

const IDLE: Span = Span::from_secs(55);
/// Idle connections of one origin, and of all.
const PER_ORIGIN: usize = 512;
const TOTAL: usize = 2048;

/// The idle connections of a shard, by the whole target they were made for: a connection that was made under
/// one target's rules never serves another (FWD-86). The one used last is used next, so that a surplus grows
/// old and goes.
#[derive(Default)]
pub(crate) struct Pool {
    idle: HashMap<Arc<Target>, Vec<Idle>>,
    count: usize,
}

struct Idle {
    stream: TcpStream,
    since: Time,
}

impl Pool {
    /// A connection that is still good, as far as one can see.
    pub(super) fn take(&mut self, to: &Target) -> Option<TcpStream> {
        let idle = self.idle.get_mut(to)?;
        while let Some(Idle { stream, .. }) = idle.pop() {
            self.count -= 1;
            if is_silent(&stream) {
                return Some(stream);
            }
        }
        None
    }

    /// Keeps a connection; says whether one had to be closed for want of room.
    pub(super) fn put(&mut self, to: &Arc<Target>, stream: TcpStream, now: Time) -> bool {
        if self.count >= TOTAL {
            return true;
        }
        let idle = match self.idle.get_mut(to) {
            Some(idle) => idle,
            None => self.idle.entry(to.clone()).or_default(),
        };
        let full = idle.len() >= PER_ORIGIN;
        if full {
            idle.remove(0);
            self.count -= 1;
        }
        idle.push(Idle { stream, since: now });
        self.count += 1;
        full
    }

    /// Closes what is too old or was closed by the origin.
    pub(crate) fn sweep(&mut self, now: Time) {
        self.idle.retain(|_, idle| {
            idle.retain(|idle| now < idle.since + IDLE && is_silent(&idle.stream));
            !idle.is_empty()
        });
        self.count = self.idle.values().map(Vec::len).sum();
    }
}

/// Whether the connection is open and has nothing to read: an idle origin has nothing to say (FWD-69). The
/// kernel is asked, since what the runtime knows of the socket is as old as its last turn, and a request with
/// a body that meets a connection closed meanwhile cannot be sent again (FWD-87).
fn is_silent(stream: &TcpStream) -> bool {
    let peeked = SockRef::from(stream).peek(&mut [MaybeUninit::uninit()]);
    matches!(peeked, Err(error) if error.kind() == ErrorKind::WouldBlock)
}
