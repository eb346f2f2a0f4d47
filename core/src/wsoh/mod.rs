//! The words of WebSocket-over-HTTP and of the GRIP extension for WebSockets.
//!
//! A backend that speaks WebSocket-over-HTTP gets what a client sends as events in the bodies of requests
//! and answers with events ([`encode`], [`decode`]), beside which header fields carry what concerns the
//! session as a whole. Among the messages of any GRIP-enabled backend, those that begin `c:` are addressed
//! to the proxy ([`Control`]); [`Sorter`] tells them from what is meant for the client.

mod codec;
mod control;
mod headers;
mod id;
mod prefix;

pub use codec::{EventsError, WsEvent, decode, encode};
pub use control::{Control, Heartbeat, HeartbeatMode, Message};
pub use headers::{
    Interval, MEDIA_TYPE, Meta, MetaFull, Offer, accepted_bytes, interval, is_success,
    remove_private, request_head,
};
pub use id::ConnectionId;
pub use prefix::{ControlTooLong, Piece, Sorted, Sorter};
