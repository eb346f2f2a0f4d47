//! Sockets: what is bound, and how what is accepted or connected is set up. All that the adapter needs of a network
//! is named here, so that another can be put in its place.

use std::io;
use std::mem::MaybeUninit;
use std::net::SocketAddr;
use std::time::Duration;

use socket2::{Domain, Protocol, SockRef, Socket, TcpKeepalive, Type};

/// What is bound and belongs to no thread yet.
pub(crate) use std::net::TcpListener as Door;
pub(crate) use tokio::net::{TcpListener, TcpStream, lookup_host};

const BACKLOG: i32 = 4096;
/// Silence after which the kernel asks whether the peer is still there.
const KEEPALIVE: Duration = Duration::from_secs(120);

/// One listener on `addr` for each shard, all on the same port, over which the kernel spreads the clients.
pub(crate) fn bind_shared(addr: SocketAddr, shards: usize) -> io::Result<Vec<Door>> {
    if addr.port() != 0 {
        // Another process may be listening there in the same way, and would get a part of the clients.
        drop(bind(addr)?);
    }
    let first = listen(addr, true)?;
    let addr = first.local_addr()?;
    let others = (1..shards).map(|_| listen(addr, true));
    std::iter::once(Ok(first)).chain(others).collect()
}

/// One listener that has `addr` for itself.
pub(crate) fn bind(addr: SocketAddr) -> io::Result<Door> {
    listen(addr, false)
}

fn listen(addr: SocketAddr, shared: bool) -> io::Result<Door> {
    let socket = Socket::new(Domain::for_address(addr), Type::STREAM, Some(Protocol::TCP))?;
    if addr.is_ipv6() {
        // `[::]` serves both families, as everybody expects of it.
        socket.set_only_v6(false)?;
    }
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(shared)?;
    socket.set_nonblocking(true)?;
    socket.bind(&addr.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// Begins to accept in the thread that calls this.
pub(crate) fn open(door: Door) -> io::Result<TcpListener> {
    TcpListener::from_std(door)
}

/// Small pieces go out at once, and a peer that has vanished is noticed some day (FWD-83).
pub(crate) fn tune(stream: &TcpStream) {
    let socket = SockRef::from(stream);
    let keepalive = TcpKeepalive::new().with_time(KEEPALIVE);
    // A peer that has gone already makes these fail; the next read says so better.
    let _ = socket.set_tcp_nodelay(true);
    let _ = socket.set_tcp_keepalive(&keepalive);
}

/// What the kernel has for the reader now, which the runtime may not know yet; all of it stays there.
pub(crate) fn peek(stream: &TcpStream) -> io::Result<usize> {
    SockRef::from(stream).peek(&mut [MaybeUninit::uninit()])
}
