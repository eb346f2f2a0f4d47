//! Publishers that connect, and those for whom there is no room (CTRL-14).

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;

use super::Api;
use crate::net::{TcpListener, TcpStream, tune};

/// How long to wait when the system gives no connection.
const RETRY: Duration = Duration::from_millis(100);
/// How long a publisher that is turned away has to read why.
const TURN_AWAY_TIME: Duration = Duration::from_secs(2);
/// Publishers being turned away at once; those beyond get no answer.
const TURNED_AWAY: usize = 32;

const FULL_HOUSE: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain\r\n\
    Content-Length: 21\r\nConnection: close\r\n\r\nToo many publishers.\n";

/// Serves publishers for as long as it is not dropped.
pub(crate) async fn serve(listener: TcpListener, api: Api) {
    let room = Arc::new(Semaphore::new(api.terms.connections));
    let porch = Arc::new(Semaphore::new(TURNED_AWAY));
    let mut publishers = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            biased;
            Some(_) = publishers.join_next() => continue,
            accepted = listener.accept() => accepted,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!("cannot accept a publisher: {error}");
                tokio::time::sleep(RETRY).await;
                continue;
            }
        };
        tune(&stream);
        if let Ok(place) = room.clone().try_acquire_owned() {
            publishers.spawn_local(host(api.clone(), stream, place));
            continue;
        }
        tracing::warn!("publisher refused: {} are connected", api.terms.connections);
        if let Ok(place) = porch.clone().try_acquire_owned() {
            publishers.spawn_local(turn_away(stream, place));
        }
    }
}

async fn host(api: Api, stream: TcpStream, _place: OwnedSemaphorePermit) {
    match api.converse(stream).await {
        Ok(None) => {}
        Ok(Some(stream)) => part(stream).await,
        Err(error) => tracing::debug!("publisher's connection ended: {error}"),
    }
}

/// Says why.
async fn turn_away(mut stream: TcpStream, _place: OwnedSemaphorePermit) {
    if stream.write_all(FULL_HOUSE).await.is_ok() {
        part(stream).await;
    }
}

/// Waits until the publisher has read the last answer: unread bytes of it would take the answer with them.
async fn part(mut stream: TcpStream) {
    let reading = async {
        stream.shutdown().await?;
        let mut unread = [0; 1024];
        while stream.read(&mut unread).await? > 0 {}
        io::Result::Ok(())
    };
    let _ = tokio::time::timeout(TURN_AWAY_TIME, reading).await;
}
