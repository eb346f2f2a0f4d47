//! The suite's own ends of the wire: a client, an origin and a publisher.
//!
//! They are written on bare sockets, so that a case can send any bytes and sees the bytes that came. Where a
//! format is worth a second opinion (WebSocket frames), an independent library reads and writes it.

pub(crate) mod body;
pub(crate) mod client;
pub(crate) mod command;
pub(crate) mod events;
pub(crate) mod frame;
pub(crate) mod head;
pub(crate) mod message;
pub(crate) mod origin;
pub(crate) mod publisher;
pub(crate) mod socket;
pub(crate) mod wire;
pub(crate) mod ws_client;
pub(crate) mod ws_origin;
