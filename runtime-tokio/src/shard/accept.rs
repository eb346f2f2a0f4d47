//! Taking clients in, and turning them away when the house is full.

use std::cell::Cell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::spawn_local;

use super::Shard;
use crate::client::serve;
use crate::net::{TcpListener, TcpStream, tune};
use crate::stats::Stat;

/// Clients being turned away at once; those beyond get no answer.
const TURNED_AWAY: usize = 64;
const TURN_AWAY_TIME: Duration = Duration::from_secs(2);
/// How long to wait when the system gives no connection, for instance for want of descriptors.
const RETRY: Duration = Duration::from_millis(100);

const FULL: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain\r\n\
    Content-Length: 22\r\nConnection: close\r\n\r\nToo many connections.\n";

/// Serves the clients of one listener.
pub(super) async fn accept(shard: Rc<Shard>, listener: TcpListener) {
    let turned_away = Rc::new(Cell::new(0));
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => welcome(&shard, stream, peer, &turned_away),
            Err(error) => {
                shard.stats.bump(Stat::AcceptFailed);
                tracing::warn!(shard = shard.number(), "cannot accept a connection: {error}");
                tokio::time::sleep(RETRY).await;
            }
        }
    }
}

fn welcome(shard: &Rc<Shard>, stream: TcpStream, peer: SocketAddr, turned_away: &Rc<Cell<usize>>) {
    if shard.crowd.enter() {
        shard.stats.bump(Stat::Accepted);
        tune(&stream);
        let conn = shard.admit(stream, peer.ip());
        spawn_local(serve(shard.clone(), conn));
        return;
    }
    shard.stats.bump(Stat::Refused);
    tracing::warn!(shard = shard.number(), %peer, "client refused: too many connections");
    if turned_away.get() >= TURNED_AWAY {
        return shard.stats.bump(Stat::RefusedUnheard);
    }
    turned_away.set(turned_away.get() + 1);
    let turned_away = turned_away.clone();
    spawn_local(async move {
        let _ = tokio::time::timeout(TURN_AWAY_TIME, turn_away(stream)).await;
        turned_away.set(turned_away.get() - 1);
    });
}

/// Says why, and waits until the client has read it (LIM-10).
async fn turn_away(mut stream: TcpStream) -> std::io::Result<()> {
    stream.write_all(FULL).await?;
    stream.shutdown().await?;
    let mut unread = [0; 1024];
    while stream.read(&mut unread).await? > 0 {}
    Ok(())
}
