//! What happens to a socket.

use bytes::Bytes;

use crate::ground::Time;
use crate::message::ResponseHead;
use crate::publish::WsType;
use crate::ws::{Close, Kind};
use crate::wsoh::{Message, Piece};

/// Something that happened outside.
#[derive(Clone, PartialEq, Debug)]
pub enum Input {
    /// The client sent data or a control frame.
    Frame(Frame),
    /// The client sent a close frame.
    Close(Close),
    /// The client's connection is gone.
    Gone,
    /// This many bytes wait because the client does not take them; reported when some are queued, when many have
    /// gone, and when all have.
    Backlog(u64),
    /// The WebSocket-over-HTTP backend answered, or one that speaks WebSocket refused the upgrade. The body is
    /// whole, but for what is beyond the limit by more than a byte.
    Answered {
        /// The head.
        head: ResponseHead,
        /// The body.
        body: Bytes,
    },
    /// The request, or the connection to a backend that speaks WebSocket, failed.
    Failed {
        /// How.
        fault: Fault,
        /// What debug mode shows.
        detail: Option<String>,
    },
    /// The backend that speaks WebSocket accepted the upgrade.
    Accepted(ResponseHead),
    /// It sent data or a control frame.
    BackendFrame(Frame),
    /// It sent a close frame.
    BackendClose(Close),
    /// Its connection is gone, or it broke the protocol.
    BackendGone,
    /// A message was published for the client, its filters passed.
    Publish(Message),
    /// A close was published for the client.
    PublishClose(Close),
    /// The backend shall be asked now (WOH-40).
    Refresh,
    /// The time that the deadline named has come.
    Woken {
        /// When something last went to the client without being handed in.
        delivered: Time,
    },
    /// The process is going down.
    Drain,
}

/// How a request to a backend failed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// The backend cannot have got all of it: refused, unreachable, connect timeout, or broken off before the
    /// body was sent.
    Undelivered,
    /// The connection had carried requests before and broke without a byte of an answer (WOH-43).
    Stale,
    /// Broken off later, or not understood.
    Broken,
}

/// What one side sent and the other gets.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Frame {
    /// A part of a message, or all of it.
    Data(Piece),
    /// A ping.
    Ping(Bytes),
    /// A pong.
    Pong(Bytes),
}

impl Frame {
    /// A whole message.
    pub const fn whole(kind: Kind, payload: Bytes) -> Self {
        Self::Data(Piece { kind, first: true, payload, last: true })
    }

    /// What it carries.
    pub const fn payload(&self) -> &Bytes {
        match self {
            Self::Data(piece) => &piece.payload,
            Self::Ping(payload) | Self::Pong(payload) => payload,
        }
    }
}

impl From<Message> for Frame {
    fn from(message: Message) -> Self {
        match message.kind {
            WsType::Text => Self::whole(Kind::Text, message.payload),
            WsType::Binary => Self::whole(Kind::Binary, message.payload),
            WsType::Ping => Self::Ping(message.payload),
            WsType::Pong => Self::Pong(message.payload),
        }
    }
}
