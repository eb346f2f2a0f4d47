//! A connection as bytes: what was read and not used yet stays here.

use std::{io, net::SocketAddr, time::Duration};

use tokio::{
    io::AsyncWriteExt,
    net::{TcpStream, lookup_host},
    time::timeout,
};

use super::head::Head;
use crate::case::{Outcome, wrong};

/// No message head in the suite is longer.
const HEAD_MAX: usize = 1 << 17;

/// One end of a TCP connection.
pub(crate) struct Wire {
    stream: TcpStream,
    /// Bytes that arrived and are not used yet.
    pub(crate) buffer: Vec<u8>,
}

/// What waiting for bytes came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Read {
    /// There is more in the buffer.
    More,
    /// The peer ended the connection.
    Closed,
    /// The peer broke the connection.
    Reset,
}

impl Wire {
    /// Connects to an address given by name and port.
    pub(crate) async fn connect(address: &str) -> io::Result<Self> {
        let found: Vec<SocketAddr> = lookup_host(address).await?.collect();
        Ok(Self::new(TcpStream::connect(&*found).await?))
    }

    /// Takes over a connection.
    pub(crate) fn new(stream: TcpStream) -> Self {
        // Without it small writes that belong together would wait for each other.
        let _ = stream.set_nodelay(true);
        Self { stream, buffer: Vec::new() }
    }

    /// Writes all of the bytes.
    pub(crate) async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes).await
    }

    /// Writes as many of the bytes as there is room for, and tells how many.
    pub(crate) async fn write_some(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.write(bytes).await
    }

    /// Ends the writing direction only.
    pub(crate) async fn finish_writing(&mut self) -> io::Result<()> {
        self.stream.shutdown().await
    }

    /// Breaks the connection, so that the peer sees a reset.
    pub(crate) fn reset(self) -> io::Result<()> {
        self.stream.set_zero_linger()
    }

    /// The bare connection; bytes in the buffer are lost.
    pub(crate) fn into_stream(self) -> TcpStream {
        self.stream
    }

    /// Waits for more bytes.
    pub(crate) async fn read(&mut self) -> Read {
        use tokio::io::AsyncReadExt;
        self.buffer.reserve(16 * 1024);
        match self.stream.read_buf(&mut self.buffer).await {
            Ok(0) => Read::Closed,
            Ok(_) => Read::More,
            Err(_) => Read::Reset,
        }
    }

    /// Waits for more bytes, but not longer than `limit`.
    pub(crate) async fn read_within(&mut self, limit: Duration) -> Outcome<Read> {
        match timeout(limit, self.read()).await {
            Ok(read) => Ok(read),
            Err(_) => wrong(format_args!(
                "nothing came within {limit:?}; unused bytes: {:?}",
                String::from_utf8_lossy(&self.buffer)
            )),
        }
    }

    /// Reads up to the empty line that ends a message head.
    pub(crate) async fn head(&mut self, limit: Duration) -> Outcome<Head> {
        loop {
            if let Some(end) = find(&self.buffer, b"\r\n\r\n") {
                let raw: Vec<u8> = self.buffer.drain(..end + 4).collect();
                return Head::parse(&raw);
            }
            if self.buffer.len() > HEAD_MAX {
                return wrong("a message head without end");
            }
            match self.read_within(limit).await? {
                Read::More => {}
                end => {
                    let got = String::from_utf8_lossy(&self.buffer);
                    return wrong(format_args!("no message head ({end:?}), only {got:?}"));
                }
            }
        }
    }
}

/// Where `needle` starts in `hay`.
pub(crate) fn find(hay: &[u8], needle: &[u8]) -> Option<usize> {
    hay.windows(needle.len()).position(|window| window == needle)
}
