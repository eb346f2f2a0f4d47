//! One published message, checked: what the engine delivers.

use bytes::Bytes;
use http::StatusCode;

use crate::ground::ReceiptId;
use crate::message::Fields;

/// One published item; carries up to one format a kind of hold (PUB-4).
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Item {
    /// The channel, with whatever prefix the route adds.
    pub channel: String,
    /// Identity and position.
    pub id: Option<String>,
    /// The id of the item before.
    pub prev_id: Option<String>,
    /// Not to be put in order (SEQ-2).
    pub no_seq: bool,
    /// Publish meta for filters.
    pub meta: Vec<(String, String)>,
    /// The publisher's own size for block accounting, in bytes (RATE-5).
    pub size: Option<u64>,
    /// Who wants to hear how many holds it reached.
    pub receipt: Option<ReceiptId>,
    /// What response holds get.
    pub response: Option<ResponseFormat>,
    /// What stream holds get.
    pub stream: Option<StreamFormat>,
    /// What WebSockets get.
    pub ws: Option<WsFormat>,
}

/// `http-response`.
#[derive(Clone, PartialEq, Debug)]
pub enum ResponseFormat {
    /// Answers the request.
    Send(HttpResponse),
    /// Asks the backend again.
    Hint,
    /// Does nothing to a response hold (RESP-7).
    Close,
    /// Does nothing to a response hold (RESP-7).
    Refresh,
}

/// The answer that an `http-response` item carries.
#[derive(Clone, PartialEq, Debug)]
pub struct HttpResponse {
    /// The status code, 200..=599 (HRES-4).
    pub status: StatusCode,
    /// The reason phrase; `None`: the standard one.
    pub reason: Option<Bytes>,
    /// Fields that overlay those of the timeout response (HRES-1). `Grip-` and framing fields are already
    /// gone (HRES-2).
    pub fields: Fields,
    /// The names of `Grip-Expose-Headers`, if the item has it: only these fields go out (HRES-3).
    pub expose: Option<Vec<String>>,
    /// The body.
    pub body: Body,
    /// `content-filters`, if given (PUB-7).
    pub content_filters: Option<Vec<String>>,
}

impl HttpResponse {
    /// Bytes of the body, as far as they are known.
    pub fn weight(&self) -> usize {
        match &self.body {
            Body::Whole(body) => body.len(),
            Body::Patch(_) => 0,
        }
    }
}

/// The body of an `http-response` item.
#[derive(Clone, PartialEq, Debug)]
pub enum Body {
    /// These bytes.
    Whole(Bytes),
    /// A JSON Patch (RFC 6902) for the body of the timeout response (PATCH-1).
    Patch(serde_json::Value),
}

/// `http-stream`.
#[derive(Clone, PartialEq, Debug)]
pub enum StreamFormat {
    /// Appends to the body.
    Send(Content),
    /// Fetches the next link.
    Hint,
    /// Ends the body.
    Close,
    /// Does nothing to a stream.
    Refresh,
}

/// Bytes with the filters that the publisher expects on them.
#[derive(Clone, PartialEq, Debug)]
pub struct Content {
    /// The bytes.
    pub data: Bytes,
    /// `content-filters`, if given (PUB-7).
    pub content_filters: Option<Vec<String>>,
}

/// `ws-message`.
#[derive(Clone, PartialEq, Debug)]
pub enum WsFormat {
    /// Sends a message.
    Send(WsMessage),
    /// Does nothing to a WebSocket.
    Hint,
    /// Sends a close frame.
    Close {
        /// The close code.
        code: u16,
        /// The reason; may be empty.
        reason: String,
    },
    /// Asks the WebSocket-over-HTTP backend.
    Refresh,
}

/// A message for WebSockets.
#[derive(Clone, PartialEq, Debug)]
pub struct WsMessage {
    /// What frame it becomes.
    pub kind: WsType,
    /// The payload.
    pub content: Content,
}

/// The kind of a WebSocket message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum WsType {
    /// Text.
    Text,
    /// Binary.
    Binary,
    /// Ping.
    Ping,
    /// Pong.
    Pong,
}
