//! WebSockets by tokio-tungstenite: clients and native backends.

use futures_util::{SinkExt, StreamExt};
use http::HeaderValue;
use tokio::task::spawn_local;
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, accept_hdr_async, client_async};
use turmoil::Result;
use turmoil::net::{TcpListener, TcpStream};

use super::http::BACKEND_PORT;
use crate::stage::{DOOR, Log};

pub type Socket = WebSocketStream<TcpStream>;

/// A WebSocket through the proxy.
pub async fn open() -> Result<Socket> {
    open_at("/ws").await
}

pub async fn open_at(path: &str) -> Result<Socket> {
    let stream = TcpStream::connect(DOOR).await?;
    Ok(client_async(format!("ws://app{path}"), stream).await?.0)
}

/// What comes next, as one line.
pub async fn next(socket: &mut Socket) -> String {
    match socket.next().await {
        Some(Ok(Message::Text(text))) => text.to_string(),
        Some(Ok(Message::Close(Some(CloseFrame { code, reason })))) => {
            format!("close {} {reason}", u16::from(code)).trim_end().to_owned()
        }
        Some(Ok(Message::Close(None))) => "close".to_owned(),
        Some(Ok(other)) => panic!("{other:?} was not expected"),
        Some(Err(Error::ConnectionClosed)) | None => "end".to_owned(),
        Some(Err(error)) => format!("cut: {error}"),
    }
}

/// Notes what comes until there is no more.
pub async fn hear_out(socket: &mut Socket, log: &Log, who: &str) {
    loop {
        let heard = next(socket).await;
        log.note(who, &heard);
        if heard == "end" || heard.starts_with("cut") {
            return;
        }
    }
}

pub async fn say(socket: &mut Socket, text: &str) -> Result {
    Ok(socket.send(Message::text(text)).await?)
}

/// A native backend that speaks GRIP: subscribes whoever comes to `news`, and answers every text.
pub async fn serve(log: Log) -> Result {
    let listener = TcpListener::bind(("0.0.0.0", BACKEND_PORT)).await?;
    loop {
        let (stream, _) = listener.accept().await?;
        let log = log.clone();
        spawn_local(async move {
            // However it ends: the peer has a tale to tell, too.
            let _ = converse(stream, &log).await;
        });
    }
}

async fn converse(stream: TcpStream, log: &Log) -> Result {
    let mut socket = accept_hdr_async(stream, speak_grip).await?;
    log.note("backend", "open");
    say(&mut socket, r#"c:{"type": "subscribe", "channel": "news"}"#).await?;
    loop {
        let heard = next(&mut socket).await;
        log.note("backend", &heard);
        if heard == "end" || heard.starts_with("cut") {
            return Ok(());
        }
        if !heard.starts_with("close") {
            say(&mut socket, &format!("m:re {heard}")).await?;
        }
    }
}

#[expect(clippy::result_large_err, reason = "tungstenite wants it so")]
fn speak_grip(
    _: &Request,
    mut response: Response,
) -> std::result::Result<Response, http::Response<Option<String>>> {
    response.headers_mut().insert("Sec-WebSocket-Extensions", HeaderValue::from_static("grip"));
    Ok(response)
}
