//! The sockets of turmoil with the face of tokio's, as far as the adapter looks at it.

use std::cell::RefCell;
use std::future::{Future, poll_fn};
use std::io::{self, ErrorKind, IoSlice};
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::task::unconstrained;
use turmoil::net;

/// Bytes that travel together: what is written at once arrives in such pieces, each at its own time.
const SEGMENT: usize = 1460;

/// A connection.
#[derive(Debug)]
pub(crate) struct TcpStream(RefCell<net::TcpStream>);

/// What accepts connections. Turmoil gives a port to one listener, so the shards share it, and it is they who take
/// turns instead of the kernel that spreads.
#[derive(Clone)]
pub(crate) struct TcpListener(Rc<net::TcpListener>);

/// A listener that is bound. Here it makes no difference whether it has a thread.
pub(crate) type Door = TcpListener;

/// The listener for each shard.
pub(crate) fn bind_shared(addr: SocketAddr, shards: usize) -> io::Result<Vec<Door>> {
    Ok(vec![bind(addr)?; shards])
}

pub(crate) fn bind(addr: SocketAddr) -> io::Result<Door> {
    let bound =
        at_once(net::TcpListener::bind(addr)).unwrap_or(Err(ErrorKind::WouldBlock.into()))?;
    Ok(TcpListener(Rc::new(bound)))
}

pub(crate) fn open(door: Door) -> io::Result<TcpListener> {
    Ok(door)
}

/// There is nothing to set.
pub(crate) fn tune(_: &TcpStream) {}

/// What has arrived; all of it stays there.
pub(crate) fn peek(stream: &TcpStream) -> io::Result<usize> {
    let (mut stream, mut byte) = (stream.0.borrow_mut(), [0]);
    let peeked = at_once(poll_fn(|cx| stream.poll_peek(cx, &mut ReadBuf::new(&mut byte))));
    peeked.unwrap_or(Err(ErrorKind::WouldBlock.into()))
}

/// The address of a host of the simulation.
pub(crate) async fn lookup_host(
    (host, port): (&str, u16),
) -> io::Result<impl Iterator<Item = SocketAddr>> {
    Ok(std::iter::once((turmoil::lookup(host), port).into()))
}

impl TcpListener {
    pub(crate) async fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        let (stream, peer) = self.0.accept().await?;
        Ok((TcpStream(RefCell::new(stream)), peer))
    }

    pub(crate) fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }
}

impl TcpStream {
    pub(crate) async fn connect(to: &SocketAddr) -> io::Result<Self> {
        Ok(Self(RefCell::new(net::TcpStream::connect(*to).await?)))
    }

    /// Nobody is woken when there will be something: for streams that nobody waits for.
    pub(crate) fn try_read(&self, buf: &mut [u8]) -> io::Result<usize> {
        let (mut stream, mut buf) = (self.0.borrow_mut(), ReadBuf::new(buf));
        let read = at_once(poll_fn(|cx| Pin::new(&mut *stream).poll_read(cx, &mut buf)));
        read.unwrap_or(Err(ErrorKind::WouldBlock.into())).map(|()| buf.filled().len())
    }

    pub(crate) fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow().try_write(segment(bytes))
    }

    pub(crate) fn try_write_vectored(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        self.try_write(slices.iter().find(|slice| !slice.is_empty()).map_or(&[], |slice| slice))
    }

    /// Turmoil resets only what has been sent and not read; everything else ends in order.
    pub(crate) fn set_zero_linger(&self) -> io::Result<()> {
        Err(ErrorKind::Unsupported.into())
    }
}

impl AsyncRead for TcpStream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(self.get_mut().0.get_mut()).poll_read(cx, buf)
    }
}

impl AsyncWrite for TcpStream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(self.get_mut().0.get_mut()).poll_write(cx, segment(bytes))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(self.get_mut().0.get_mut()).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(self.get_mut().0.get_mut()).poll_shutdown(cx)
    }
}

fn segment(bytes: &[u8]) -> &[u8] {
    bytes.get(..SEGMENT).unwrap_or(bytes)
}

/// What a future comes to if it need not wait, however much its task has done already.
fn at_once<T>(future: impl Future<Output = T>) -> Option<T> {
    match pin!(unconstrained(future)).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => Some(value),
        Poll::Pending => None,
    }
}
