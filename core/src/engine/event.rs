//! What happens to a shard.

use core::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;

use super::{Config, SocketEvent};
use crate::ground::{CallId, ConnId};
use crate::message::{BodySize, RequestHead, ResponseHead};
use crate::publish::Release;
use crate::ws::Accept;

/// Something that happened outside. Plain data: a list of (time, event) replays a run.
#[derive(Clone, Debug)]
pub enum Event {
    /// A client's request began on an idle connection.
    Request {
        /// The connection.
        conn: ConnId,
        /// The request.
        request: Request,
    },
    /// A client asks for a WebSocket on an idle connection, in a valid way (WS-1). Invalid ones are answered by
    /// the adapter.
    Upgrade {
        /// The connection.
        conn: ConnId,
        /// The request.
        request: Request,
        /// What makes the 101 for it.
        accept: Accept,
    },
    /// Something happened to a WebSocket, or its origin accepted it.
    Socket {
        /// The connection.
        conn: ConnId,
        /// What.
        event: SocketEvent,
    },
    /// The client's connection is gone, or its exchange cannot go on.
    Gone {
        /// The connection.
        conn: ConnId,
        /// Why.
        why: ClientGone,
    },
    /// The last of the request forwarded for this exchange was handed to the origin's socket. Only for
    /// requests with a body; the wait for the answer begins here.
    Sent {
        /// The connection.
        conn: ConnId,
    },
    /// The origin's final response began.
    OriginHead {
        /// The connection.
        conn: ConnId,
        /// The response, without framing fields.
        head: ResponseHead,
        /// The size of the body that follows.
        body: BodySize,
    },
    /// Body bytes of an answer that is being collected or streamed into a hold.
    OriginData {
        /// The connection.
        conn: ConnId,
        /// The bytes; may be empty.
        data: Bytes,
        /// Whether the body is complete with them.
        end: bool,
    },
    /// The request forwarded for this exchange failed.
    OriginFailed {
        /// The connection.
        conn: ConnId,
        /// How.
        fault: OriginFault,
    },
    /// What the Hub released: an item, or news of the order itself. The same order on every shard.
    Released(Release),
    /// The answer to a call began.
    CallHead {
        /// The call.
        call: CallId,
        /// The response, without framing fields.
        head: ResponseHead,
        /// The size of the body that follows.
        body: BodySize,
    },
    /// Body bytes of the answer to a call, as many as [`CallRead`](super::CallRead) asked for.
    CallData {
        /// The call.
        call: CallId,
        /// The bytes; may be empty.
        data: Bytes,
        /// Whether the body is complete with them. The call is over then.
        end: bool,
    },
    /// A call failed; it is over.
    CallFailed {
        /// The call.
        call: CallId,
        /// How.
        fault: OriginFault,
    },
    /// This many bytes wait in the adapter because the client's socket would block. Reported when bytes
    /// are queued and once more, with zero, when all have gone.
    Backlog {
        /// The connection.
        conn: ConnId,
        /// Bytes waiting now.
        bytes: u64,
    },
    /// A new configuration; exchanges under way keep the route they have (ROUTE-54).
    Reconfigure(Arc<Config>),
    /// The process is going down: end what is held, properly.
    Drain,
    /// The time that `deadline` named has come.
    Deadline,
}

/// A client's request as its connection saw it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Request {
    /// The head.
    pub head: RequestHead,
    /// The size of the body.
    pub body: BodySize,
    /// The client's address; none on a unix socket.
    pub peer: Option<IpAddr>,
    /// Whether it came over TLS.
    pub secure: bool,
}

/// Why an exchange ended on the client's side.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ClientGone {
    /// The connection was closed or reset by the client.
    Left,
    /// The request body could not be read, or came too slowly.
    BadBody,
    /// The client took nothing for too long.
    Stalled,
    /// The client broke the protocol of its WebSocket; it is told so with a close frame.
    BadFrame,
}

/// How a forwarded request failed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OriginFault {
    /// No byte of the request can have been delivered: refused, unreachable, unresolved, connect timeout. The
    /// next target may be tried (ROUTE-45, ROUTE-46).
    Unreachable,
    /// The target is `untrusted` and all its addresses are denied to such targets (ROUTE-43). No other
    /// target is tried.
    Denied,
    /// Closed, reset or not understood after the request was under way.
    Broken,
    /// A connection that had carried requests before broke without a byte of an answer: the origin may have
    /// closed it before it got the request, or not. Only for calls that it would not do to repeat unasked.
    Stale,
    /// Closed or reset before all of the request was sent. Only for calls.
    Unsent,
    /// The client's request body, which should go out once more, was too large to be kept (ACT-4). Only for
    /// calls; nothing was sent.
    NotKept,
}
