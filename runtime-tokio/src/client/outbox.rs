//! What a client's socket did not take at once.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use tokio::io::AsyncWrite;

use crate::net::TcpStream;

/// Pieces given to one call of the kernel.
const GATHER: usize = 16;

/// Bytes that wait for a socket. Empty, and without memory of its own, as long as the client keeps up. Who
/// fills it bounds it: a relay does not read on while anything waits here, and the engine cuts a stream
/// whose backlog is too long.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    /// The first piece stands by itself: a single one, which is the rule in a fan-out, costs no memory.
    front: Option<Bytes>,
    rest: Option<Box<Rest>>,
    news: bool,
}

/// All pieces but the first.
#[derive(Debug, Default)]
struct Rest {
    pieces: VecDeque<Bytes>,
    len: u64,
}

impl Outbox {
    pub(crate) fn is_empty(&self) -> bool {
        self.front.is_none()
    }

    pub(crate) fn len(&self) -> u64 {
        let front = self.front.as_ref().map_or(0, |front| front.len() as u64);
        front + self.rest.as_ref().map_or(0, |rest| rest.len)
    }

    /// Whether something came since the socket was last asked to take it.
    pub(crate) fn has_news(&self) -> bool {
        self.news
    }

    pub(crate) fn push(&mut self, piece: Bytes) {
        if !piece.is_empty() {
            self.news = true;
            match self.front {
                None => self.front = Some(piece),
                Some(_) => self.rest.get_or_insert_default().push(piece),
            }
        }
    }

    /// Forgets what waits, and gives back the memory.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Writes until all is gone. `moved` hears of every success.
    pub(crate) fn poll_flush(
        &mut self,
        cx: &mut Context<'_>,
        stream: &mut TcpStream,
        mut moved: impl FnMut(),
    ) -> Poll<io::Result<()>> {
        self.news = false;
        self.drain(|slices| {
            let stream = Pin::new(&mut *stream);
            let written = match slices {
                [piece] => stream.poll_write(cx, piece),
                pieces => stream.poll_write_vectored(cx, pieces),
            };
            let written = ready!(written)?;
            moved();
            Poll::Ready(Ok(written))
        })
    }

    /// Writes what the socket takes now. What it does not take stays, and is news.
    pub(crate) fn try_flush(&mut self, stream: &TcpStream) -> io::Result<()> {
        let drained = self.drain(|slices| {
            let written = match slices {
                [piece] => stream.try_write(piece),
                pieces => stream.try_write_vectored(pieces),
            };
            match written {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => Poll::Pending,
                written => Poll::Ready(written),
            }
        });
        match drained {
            Poll::Ready(drained) => drained,
            Poll::Pending => Ok(()),
        }
    }

    /// `write` gets as many pieces as one call may carry. A single one is better written plainly: the kernel spends
    /// one part in twenty of a small write on taking a list apart.
    fn drain(
        &mut self,
        mut write: impl FnMut(&[IoSlice<'_>]) -> Poll<io::Result<usize>>,
    ) -> Poll<io::Result<()>> {
        while !self.is_empty() {
            let mut slices = [IoSlice::new(&[]); GATHER];
            let pieces = self.front.iter().chain(self.rest.iter().flat_map(|rest| &rest.pieces));
            let mut count = 0;
            for (slice, piece) in slices.iter_mut().zip(pieces) {
                *slice = IoSlice::new(piece);
                count += 1;
            }
            let written = ready!(write(slices.get(..count).unwrap_or(&slices)))?;
            self.advance(written);
        }
        self.clear();
        Poll::Ready(Ok(()))
    }

    fn advance(&mut self, mut written: usize) {
        while let Some(front) = &mut self.front {
            if written < front.len() {
                return front.advance(written);
            }
            written -= front.len();
            self.front = self.rest.as_mut().and_then(|rest| rest.pop());
        }
    }
}

impl Rest {
    fn push(&mut self, piece: Bytes) {
        self.len += piece.len() as u64;
        self.pieces.push_back(piece);
    }

    fn pop(&mut self) -> Option<Bytes> {
        let piece = self.pieces.pop_front()?;
        self.len -= piece.len() as u64;
        Some(piece)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_forgotten_across_pieces() {
        let mut outbox = Outbox::default();
        for piece in ["ab", "", "cde", "f"] {
            outbox.push(Bytes::from_static(piece.as_bytes()));
        }
        let rest = outbox.rest.as_ref().map(|rest| rest.pieces.len());
        assert_eq!((outbox.len(), rest), (6, Some(2)));
        outbox.advance(3);
        assert_eq!((outbox.len(), outbox.front.as_deref()), (3, Some(&b"de"[..])));
        outbox.advance(3);
        assert!(outbox.is_empty());
        assert_eq!(outbox.len(), 0);
    }
}
