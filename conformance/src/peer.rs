//! The suite's own ends of the wire: a client, an origin and a publisher.
//!
//! They are written on bare sockets, so that a case can send any bytes and sees the bytes that came.

pub(crate) mod body;
pub(crate) mod client;
pub(crate) mod head;
pub(crate) mod message;
pub(crate) mod origin;
pub(crate) mod publisher;
pub(crate) mod wire;
