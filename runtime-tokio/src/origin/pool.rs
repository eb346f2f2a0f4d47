//! Idle connections to origins (FWD-85).

use std::io::ErrorKind;
use std::sync::Arc;

use holdfast_core::ground::{Seed, SeededMap, Span, Time};
use holdfast_core::route::Target;
use http::Method;

use crate::net::{TcpStream, peek};

const IDLE: Span = Span::from_secs(55);
/// Idle connections of one origin, and of all.
const PER_ORIGIN: usize = 512;
const TOTAL: usize = 2048;

/// The idle connections of a shard, by the whole target they were made for: a connection that was made under
/// one target's rules never serves another (FWD-86). The one used last is used next, so that a surplus grows
/// old and goes.
pub(crate) struct Pool {
    idle: SeededMap<Arc<Target>, Vec<Idle>>,
    count: usize,
}

/// How closely a connection is looked at before it is used again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Care {
    /// As the runtime saw it in its last turn: the request can be sent once more (FWD-87).
    Little,
    /// As the kernel sees it now: the request cannot.
    Much,
}

impl Care {
    /// What a request without a body needs.
    pub(super) fn of(method: &Method) -> Self {
        if method.is_idempotent() { Self::Little } else { Self::Much }
    }
}

struct Idle {
    stream: TcpStream,
    since: Time,
}

impl Pool {
    pub(crate) fn new(seed: Seed) -> Self {
        Self { idle: SeededMap::with_hasher(seed.hasher()), count: 0 }
    }

    /// A connection that is still good, as far as one can see with `care`.
    pub(super) fn take(&mut self, to: &Target, care: Care) -> Option<TcpStream> {
        let idle = self.idle.get_mut(to)?;
        while let Some(Idle { stream, .. }) = idle.pop() {
            self.count -= 1;
            if is_silent(&stream, care) {
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
            idle.retain(|idle| now < idle.since + IDLE && is_silent(&idle.stream, Care::Little));
            !idle.is_empty()
        });
        self.count = self.idle.values().map(Vec::len).sum();
    }
}

/// Whether the connection is open and has nothing to read: an idle origin has nothing to say (FWD-69).
fn is_silent(stream: &TcpStream, care: Care) -> bool {
    let read = match care {
        Care::Little => stream.try_read(&mut [0]),
        Care::Much => peek(stream),
    };
    matches!(read, Err(error) if error.kind() == ErrorKind::WouldBlock)
}
