//! HTTP/1.1 on the wire, without the wire: bytes in, events and bytes out (RFC 9112).
//!
//! [`Server`] is our side of a client connection, [`Client`] our side of an origin connection. Neither
//! holds a buffer. `receive` is given the bytes that have arrived and not been consumed yet; it says how
//! many it consumed and what they meant. While a head is incomplete it consumes nothing, and the caller
//! keeps those bytes (at most `Limits::head_bytes`) and calls again when more have come.

mod body;
mod chunked;
mod client;
mod error;
mod framing;
mod head;
mod server;

pub use body::Sending;
pub use chunked::{LAST_CHUNK, chunk_prefix, chunk_suffix};
pub use client::{Client, ClientEvent};
pub use error::{RequestError, ResponseError};
pub use server::{Server, ServerEvent};

/// What a call of `receive` made of its input.
#[derive(Debug, PartialEq, Eq)]
pub struct Received<E> {
    /// How many bytes of the input are done with; drop them before the next call.
    pub consumed: usize,
    /// What they meant; `None`: more bytes are needed.
    pub event: Option<E>,
}
