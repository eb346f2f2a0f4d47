//! How each server is asked to hold, and told to publish.

use super::{Peer, Running};
use crate::load::handshake;

/// What a client is held as.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Hold {
    /// A response that goes on.
    Stream,
    /// A response that waits for one item.
    Poll,
    /// A WebSocket, whose backend speaks WebSocket-over-HTTP.
    Socket,
}

impl Hold {
    /// Several of it.
    pub fn plural(self) -> &'static str {
        match self {
            Self::Stream => "streams",
            Self::Poll => "long-polls",
            Self::Socket => "WebSockets",
        }
    }
}

impl Running {
    /// The request that is held on `channel`.
    pub fn hold_request(&self, hold: Hold, channel: &str) -> String {
        let get = |path: &str, field| {
            format!("GET {path}/{channel} HTTP/1.1\r\nHost: bench\r\n{field}\r\n")
        };
        match (self.peer, hold) {
            (Peer::Nchan, Hold::Stream) => get("/sub", "TE: chunked\r\n"),
            (Peer::Nchan, Hold::Poll) => get("/sub", ""),
            (Peer::Nchan, Hold::Socket) => handshake(&format!("/sub/{channel}")),
            (_, Hold::Stream) => get("/stream", ""),
            (_, Hold::Poll) => get("/poll", ""),
            (_, Hold::Socket) => handshake(&format!("/woh/{channel}")),
        }
    }

    /// The request that publishes `content` on `channel` to what is held.
    pub fn publish_request(&self, hold: Hold, channel: &str, content: &str) -> String {
        let (format, field) = match hold {
            Hold::Stream => ("http-stream", "content"),
            Hold::Poll => ("http-response", "body"),
            Hold::Socket => ("ws-message", "content"),
        };
        let (path, body) = match self.peer {
            Peer::Nchan => (format!("/pub/{channel}"), content.to_owned()),
            _ => (
                "/publish/".to_owned(),
                format!(
                    r#"{{"items":[{{"channel":"{channel}","{format}":{{"{field}":"{content}"}}}}]}}"#
                ),
            ),
        };
        format!(
            "POST {path} HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
    }
}
