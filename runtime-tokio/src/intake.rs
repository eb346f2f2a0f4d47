//! Reading without a buffer of one's own: bytes go from the shard's scratch buffer straight to whoever
//! understands them, and only what is not understood yet is kept.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, ReadBuf};

use crate::net::TcpStream;

/// The bytes of one connection that have arrived and are not understood yet; usually none.
#[derive(Debug, Default)]
pub(crate) struct Intake {
    kept: Vec<u8>,
}

impl Intake {
    pub(crate) fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.kept.len()
    }

    pub(crate) fn clear(&mut self) {
        self.kept = Vec::new();
    }

    /// Hands what is kept to `take`, which may change it where it lies, and says how much of it is done with and what it meant.
    pub(crate) fn digest<T>(&mut self, take: impl FnOnce(&mut [u8]) -> (usize, T)) -> T {
        let (taken, meant) = take(&mut self.kept);
        if taken >= self.kept.len() {
            self.clear();
        } else {
            self.kept.drain(..taken);
        }
        meant
    }

    /// Reads once and hands all that there is to `take`. `None` is the end of the stream.
    pub(crate) fn poll_digest<T>(
        &mut self,
        cx: &mut Context<'_>,
        stream: &mut TcpStream,
        scratch: &mut [u8],
        take: impl FnOnce(&mut [u8]) -> (usize, T),
    ) -> Poll<io::Result<Option<T>>> {
        let read = ready!(poll_read(cx, stream, scratch))?;
        if read.is_empty() {
            return Poll::Ready(Ok(None));
        }
        if !self.kept.is_empty() {
            self.kept.extend_from_slice(read);
            return Poll::Ready(Ok(Some(self.digest(take))));
        }
        let (taken, meant) = take(read);
        self.kept.extend_from_slice(read.get(taken..).unwrap_or_default());
        Poll::Ready(Ok(Some(meant)))
    }

    /// Reads once and keeps what came. Zero is the end of the stream.
    pub(crate) fn poll_keep(
        &mut self,
        cx: &mut Context<'_>,
        stream: &mut TcpStream,
        scratch: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let read = ready!(poll_read(cx, stream, scratch))?;
        self.kept.extend_from_slice(read);
        Poll::Ready(Ok(read.len()))
    }
}

/// Reads once; nothing is the end of the stream.
pub(crate) fn poll_read<'a>(
    cx: &mut Context<'_>,
    stream: &mut TcpStream,
    scratch: &'a mut [u8],
) -> Poll<io::Result<&'a mut [u8]>> {
    let mut buf = ReadBuf::new(scratch);
    ready!(Pin::new(stream).poll_read(cx, &mut buf))?;
    let read = buf.filled().len();
    Poll::Ready(Ok(scratch.get_mut(..read).unwrap_or_default()))
}
