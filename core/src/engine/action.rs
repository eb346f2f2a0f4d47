//! What a shard must do.

use core::ops::Range;
use std::sync::Arc;

use bytes::Bytes;

use crate::ground::ConnId;
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
    /// Give up the request to the origin.
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
    /// End the body of a response that was begun. **Ends** the exchange.
    Finish {
        /// The connection.
        conn: ConnId,
    },
    /// Close the connection in a way that shows the message is not complete. **Ends** the exchange.
    Abort {
        /// The connection.
        conn: ConnId,
    },
    /// Write one piece of data to many streams: as `Write` or `Finish` for each of the targets.
    Fanout {
        /// The item.
        item: Arc<Item>,
        /// What to write.
        shape: FanoutShape,
        /// Where the receivers stand in [`Actions::targets`].
        targets: Range<u32>,
    },
    /// A channel got its first subscription on this shard, or lost its last.
    Interest {
        /// The channel.
        channel: Arc<str>,
        /// Whether it is wanted now.
        wanted: bool,
    },
}

/// What a fan-out writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FanoutShape {
    /// Body bytes for streams.
    Data(Bytes),
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

/// Which body goes with a forwarded request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodySource {
    /// The client's, as it arrives; what was read before a failed attempt is sent again.
    Client,
    /// None.
    Empty,
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

    /// Forgets everything, keeps the memory.
    pub fn clear(&mut self) {
        self.list.clear();
        self.targets.clear();
    }
}
