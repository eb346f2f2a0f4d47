//! The client's part of a WebSocket handshake.

use tungstenite::handshake::derive_accept_key;

use super::{
    client::Client,
    head::Head,
    message::Request,
    socket::{Side, Socket},
};
use crate::case::{Outcome, ensure};

/// The key that the suite's clients send, of 16 bytes in base64.
pub(crate) const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";

/// Makes a request one for a WebSocket.
pub(crate) fn upgrade(request: Request) -> Request {
    request
        .with("Connection: Upgrade")
        .with("Upgrade: websocket")
        .with("Sec-WebSocket-Version: 13")
        .with(format!("Sec-WebSocket-Key: {KEY}"))
}

impl Client {
    /// Waits for the answer to an upgrade; it has to be a correct 101.
    pub(crate) async fn upgraded(mut self) -> Outcome<(Socket, Head)> {
        let head = self.head().await?;
        ensure(head.word(1) == "101", format_args!("should be 101, is {head}"))?;
        ensure(
            head.lists("Connection", "upgrade"),
            format_args!("no Connection: Upgrade in {:?}", head.fields),
        )?;
        ensure(head.lists("Upgrade", "websocket"), "the 101 has no Upgrade: websocket")?;
        head.has("Sec-WebSocket-Accept", &derive_accept_key(KEY.as_bytes()))?;
        head.lacks("Content-Length")?.lacks("Transfer-Encoding")?;
        let (wire, patience) = self.into_parts();
        Ok((Socket::new(wire, Side::Client, patience), head))
    }
}
