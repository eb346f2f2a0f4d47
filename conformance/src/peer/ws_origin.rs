//! The backend's part: WebSockets of its own, and WebSocket-over-HTTP.

use tungstenite::handshake::derive_accept_key;

use super::{
    events::{EVENTS, Event, encode, parse},
    message::{Reply, reply},
    origin::{Asked, Place, Seen},
    socket::{Side, Socket},
};
use crate::case::{Outcome, ensure};

/// One exchange of WebSocket-over-HTTP that waits for its answer.
pub(crate) struct Exchange {
    /// The request.
    pub(crate) seen: Seen,
    /// What its body says.
    pub(crate) events: Vec<Event>,
    asked: Asked,
}

impl Asked {
    /// Grants a WebSocket; `fields` are further header lines.
    pub(crate) async fn accept(mut self, fields: &[&str]) -> Outcome<Socket> {
        let key = self.head.first("Sec-WebSocket-Key").unwrap_or_default();
        let accept = derive_accept_key(key.as_bytes());
        self.write(switching(&accept, fields)).await?;
        let (wire, patience) = self.into_parts();
        Ok(Socket::new(wire, Side::Backend, patience))
    }
}

/// A 101 with this proof of having read the key.
pub(crate) fn switching(accept: &str, fields: &[&str]) -> String {
    let fields: String = fields.iter().map(|field| format!("{field}\r\n")).collect();
    format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {accept}\r\n{fields}\r\n"
    )
}

/// A reply that carries these events.
pub(crate) fn says(events: &[Event]) -> Reply {
    reply("200 OK").with(format!("Content-Type: {EVENTS}")).body(encode(events))
}

impl Place {
    /// Waits for a request that carries events.
    pub(crate) async fn exchange(&self) -> Outcome<Exchange> {
        let mut asked = self.asked().await?;
        let seen = asked.seen().await?;
        ensure(seen.head.word(0) == "POST", format_args!("{} should be a POST", seen.head))?;
        let events = parse(&seen.body)?;
        Ok(Exchange { seen, events, asked })
    }

    /// Waits for a request that carries just these events.
    pub(crate) async fn told(&self, wanted: &[Event]) -> Outcome<Exchange> {
        let exchange = self.exchange().await?;
        let told = format!("{wanted:?} should be sent, was {:?}", exchange.events);
        ensure(exchange.events == wanted, told)?;
        Ok(exchange)
    }
}

impl Exchange {
    /// Answers with any reply.
    pub(crate) async fn reply(self, reply: impl Into<Vec<u8>>) -> Outcome {
        self.asked.reply(reply).await
    }

    /// Answers with events.
    pub(crate) async fn says(self, events: &[Event]) -> Outcome {
        self.reply(says(events)).await
    }

    /// Ends the connection instead of answering.
    pub(crate) fn hang_up(self) {
        drop(self.asked);
    }
}
