//! What a shard must do.

use core::ops::Range;
use std::sync::Arc;

use bytes::Bytes;

use super::SocketAction;
use crate::ground::{CallId, ConnId, ReceiptId};
use crate::message::{RequestHead, Response, ResponseHead};
use crate::publish::Item;
use crate::route::Target;

/// One thing for the adapter to do. Those that end the exchange (the connection may then carry its next
/// request, or is closed) say so.
#[derive(Clone, Debug)]
pub enum Action {
    /// Send a request to an origin. An earlier one of this exchange is over.
    Forward {
        /// The connection.
        conn: ConnId,
        /// The request.
        request: Outgoing,
    },
    /// Pass the origin's answer through, this head and then its body. **Ends** the exchange for the engine.
    Relay {
        /// The connection.
        conn: ConnId,
        /// The head to send.
        head: ResponseHead,
    },
    /// Read the origin's body whole and report it, empty or not, as one `OriginData` with `end`; if it is
    /// longer than `limit` bytes, report one piece of at least `limit + 1` bytes and drop the origin.
    Collect {
        /// The connection.
        conn: ConnId,
        /// Bytes.
        limit: usize,
    },
    /// Read the origin's body piece by piece and report each as `OriginData`, the last with `end` (empty if
    /// need be); not faster than the client takes what is written.
    Stream {
        /// The connection.
        conn: ConnId,
    },
    /// Give up the request to the origin, or a WebSocket's connection to it. One that was sent a close frame has
    /// some time to answer; nothing of that is reported.
    DropOrigin {
        /// The connection.
        conn: ConnId,
    },
    /// Send a whole response. **Ends** the exchange.
    Respond {
        /// The connection.
        conn: ConnId,
        /// The response.
        response: Response,
    },
    /// Begin a response of unknown length.
    Begin {
        /// The connection.
        conn: ConnId,
        /// The head.
        head: ResponseHead,
    },
    /// Append to the body of a response that was begun.
    Write {
        /// The connection.
        conn: ConnId,
        /// The bytes.
        data: Bytes,
    },
    /// End the body of a response that was begun; close a WebSocket's connection when all was sent. **Ends** the
    /// exchange.
    Finish {
        /// The connection.
        conn: ConnId,
    },
    /// Close the connection in a way that shows the message is not complete. **Ends** the exchange.
    Abort {
        /// The connection.
        conn: ConnId,
    },
    /// Do something for a WebSocket, or for what may become one.
    Socket {
        /// The connection.
        conn: ConnId,
        /// What.
        action: SocketAction,
    },
    /// Write one piece of data to many streams or WebSockets: as `Write` or `Finish` for each of the targets.
    Fanout {
        /// The item.
        item: Arc<Item>,
        /// What to write.
        shape: FanoutShape,
        /// Where the receivers stand in [`Actions::targets`].
        targets: Range<u32>,
    },
    /// Make a request to an origin for the engine itself: a retry of what a client asked, a next page, a
    /// farewell. It does not belong to a connection. After a failure the same id may be called again, with
    /// another target. The answer's head is reported; its body is read only as far as `ReadCall` asks.
    Call {
        /// The call.
        call: CallId,
        /// The request.
        request: Box<CallRequest>,
    },
    /// Read from the answer to a call.
    ReadCall {
        /// The call.
        call: CallId,
        /// How much.
        read: CallRead,
    },
    /// Give up a call that is not over.
    DropCall {
        /// The call.
        call: CallId,
    },
    /// A channel got its first subscription on this shard, or lost its last and its linger is over. For the Hub.
    Interest {
        /// The channel.
        channel: Arc<str>,
        /// Whether it is wanted now.
        wanted: bool,
    },
    /// What a backend knows of a channel contradicts this last id of it: it is to be forgotten (REL-1, REL-3).
    /// For the Hub.
    Forget {
        /// The channel.
        channel: Arc<str>,
        /// The last id that is wrong.
        id: Box<str>,
    },
    /// So many holds of this shard took an item whose publisher wants to know. Once an item, zero included. For
    /// the Hub's publisher side.
    Reached {
        /// Which item.
        receipt: ReceiptId,
        /// How many.
        holds: u32,
    },
}

/// What a fan-out writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FanoutShape {
    /// Body bytes for streams.
    Data(Bytes),
    /// A whole message for WebSockets, as [`render`](crate::ws::render)ed. None of them is within a message.
    Frame(Bytes),
    /// The end of the body. **Ends** each exchange.
    Finish,
}

/// A request for an origin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// Where to.
    pub target: Arc<Target>,
    /// The head, without framing fields.
    pub head: RequestHead,
    /// Which body goes with it.
    pub body: BodySource,
}

/// A request that the engine makes of an origin itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallRequest {
    /// Where to.
    pub target: Arc<Target>,
    /// The head, without framing fields.
    pub head: RequestHead,
    /// The body.
    pub body: CallBody,
}

/// The body of a call. It is always sent with its length.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallBody {
    /// These bytes; if there are none, the length is said only where the method expects a body (POST, PUT, PATCH).
    Bytes(Bytes),
    /// What the client of this connection sent with the request that is held. The adapter keeps it for as long as
    /// the exchange lasts, up to [`Limits::kept_body_bytes`](crate::ground::Limits::kept_body_bytes).
    OfClient(ConnId),
}

/// How much of an answer is to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallRead {
    /// All of it, as one `CallData` with `end`; if it is longer than `limit` bytes, one piece of at least
    /// `limit + 1` bytes without `end`, and the call is over.
    Whole {
        /// Bytes.
        limit: usize,
    },
    /// The next piece, of whatever size suits the adapter but at least one byte; or the end.
    Piece,
}

/// Which body goes with a forwarded request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BodySource {
    /// The client's, as it arrives; what was read before a failed attempt is sent again.
    Client,
    /// None.
    Empty,
    /// These bytes, with their length; whatever body the client sends means nothing.
    Bytes(Bytes),
}

/// The output of one call of `handle`, in the order in which it must be done. The caller owns it and uses
/// it again.
#[derive(Debug, Default)]
pub struct Actions {
    /// What to do.
    pub list: Vec<Action>,
    /// The receivers that `Fanout` actions refer to.
    pub targets: Vec<ConnId>,
}

impl Actions {
    /// No actions.
    pub fn new() -> Self {
        Self::default()
    }

    /// Forgets everything, and keeps as much memory as the next call is likely to need.
    pub fn clear(&mut self) {
        self.list.clear();
        self.list.shrink_to(KEPT_ACTIONS);
        self.targets.clear();
        self.targets.shrink_to(KEPT_TARGETS);
    }
}

/// What there is room for in an empty list. Larger ones are so seldom that they can be made anew.
const KEPT_ACTIONS: usize = 256;
const KEPT_TARGETS: usize = 4096;
