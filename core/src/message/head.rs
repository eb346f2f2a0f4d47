//! The heads of requests and responses.

use bytes::Bytes;
use http::{Method, StatusCode};

use super::Fields;

/// The protocol version that a client spoke.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Version {
    /// HTTP/1.0.
    Http10,
    /// HTTP/1.1.
    Http11,
}

/// A request without its body.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RequestHead {
    /// The method, any token.
    pub method: Method,
    /// The request target exactly as received or as it shall be sent.
    pub target: Bytes,
    /// The version of the client.
    pub version: Version,
    /// The header fields.
    pub fields: Fields,
}

/// A response without its body.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ResponseHead {
    /// The status code.
    pub status: StatusCode,
    /// The reason phrase; may be empty.
    pub reason: Bytes,
    /// The header fields.
    pub fields: Fields,
}

/// A whole response.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Response {
    /// Status and fields. Framing fields are the wire's business and not among them.
    pub head: ResponseHead,
    /// The body.
    pub body: Bytes,
}

impl ResponseHead {
    /// A head without fields and with the standard reason of `status`.
    pub fn new(status: StatusCode) -> Self {
        let reason = status.canonical_reason().unwrap_or("Undefined Reason");
        Self { status, reason: Bytes::from_static(reason.as_bytes()), fields: Fields::new() }
    }

    /// Whether a response with this status never has a body, whatever its fields say (RFC 9110 6.4.1).
    pub fn is_bodiless(&self) -> bool {
        self.status.is_informational() || matches!(self.status.as_u16(), 204 | 304)
    }
}

impl Response {
    /// A `text/plain` answer of the proxy's own: one line with its line feed (FWD-90).
    pub fn text(status: StatusCode, line: &str) -> Self {
        let mut head = ResponseHead::new(status);
        head.fields.push(&b"Content-Type"[..], &b"text/plain"[..]);
        Self { head, body: Bytes::from(format!("{line}\n")) }
    }
}
