//! What peers do wrong on the wire.

use http::StatusCode;
use thiserror::Error;

/// A client's request cannot be read. The answer is [`RequestError::status`] with the error's text as one
/// plain line, then the connection is closed (LIM-31).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum RequestError {
    /// The head breaks the grammar.
    #[error("Failed to parse request.")]
    Malformed,
    /// A line of the head ends in a bare LF.
    #[error("Failed to parse request: invalid line end.")]
    LineEnd,
    /// The request target has bytes that no URI has.
    #[error("Failed to parse request: invalid request target.")]
    Target,
    /// The head is larger than the limit (LIM-1).
    #[error("Request header size exceeded limit.")]
    HeadTooLarge,
    /// There are more fields than the limit (LIM-2).
    #[error("Failed to parse request: too many headers.")]
    TooManyFields,
    /// The request target alone is larger than the limit of the head.
    #[error("Request target too long.")]
    TargetTooLong,
    /// Neither HTTP/1.0 nor HTTP/1.1.
    #[error("HTTP version not supported.")]
    Version,
    /// A transfer coding other than chunked.
    #[error("Transfer coding not supported.")]
    Coding,
    /// `Content-Length` is no number, or there are different ones.
    #[error("Invalid Content-Length.")]
    Length,
    /// `Content-Length` and `Transfer-Encoding` together, or the latter twice or on HTTP/1.0 (FWD-56).
    #[error("Ambiguous request framing.")]
    Framing,
    /// The chunked coding is broken (LIM-30).
    #[error("Invalid chunked body.")]
    Chunk,
    /// A chunk is larger than can be told (LIM-7).
    #[error("Invalid chunked body: chunk too large.")]
    ChunkTooLarge,
    /// Chunk extensions or trailers are longer than anyone needs.
    #[error("Invalid chunked body: too much beside the data.")]
    ChunkExtra,
}

impl RequestError {
    /// The status that tells the client.
    pub fn status(self) -> StatusCode {
        match self {
            Self::HeadTooLarge | Self::TooManyFields => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::TargetTooLong => StatusCode::URI_TOO_LONG,
            Self::Version => StatusCode::HTTP_VERSION_NOT_SUPPORTED,
            Self::Coding => StatusCode::NOT_IMPLEMENTED,
            Self::Malformed
            | Self::LineEnd
            | Self::Target
            | Self::Length
            | Self::Framing
            | Self::Chunk
            | Self::ChunkTooLarge
            | Self::ChunkExtra => StatusCode::BAD_REQUEST,
        }
    }
}

/// An origin's response cannot be used; the exchange ends with 502 or, once begun, with an abort.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum ResponseError {
    /// The head breaks the grammar.
    #[error("malformed response head")]
    Malformed,
    /// The head is larger than the limit (LIM-5).
    #[error("response head too large")]
    HeadTooLarge,
    /// There are more fields than the limit (LIM-5).
    #[error("too many response fields")]
    TooManyFields,
    /// The length is no number, differs from another, or the transfer coding is unknown (FWD-76).
    #[error("ambiguous response framing")]
    Framing,
    /// The chunked coding is broken.
    #[error("invalid chunked response")]
    Chunk,
    /// 101 without a request for it, or interim responses without end.
    #[error("unexpected interim response")]
    Interim,
    /// The connection ended before the message was complete (FWD-71).
    #[error("response cut short")]
    Truncated,
}
