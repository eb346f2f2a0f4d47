//! What is said about a client WebSocket, and about its connection to an origin if it has one.

use bytes::Bytes;

use super::Outgoing;
use crate::message::ResponseHead;
use crate::ws::{Challenge, Close, Event, Kind, Piece, Sender};

/// What happened to a WebSocket. Of its client nothing is reported after `Gone`, or after an action that ends the
/// exchange.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SocketEvent {
    /// The client sent this. Nothing follows a close frame.
    Frame(SocketFrame),
    /// The origin accepted the upgrade of a `Connect`. If it did not, its answer is reported with `OriginHead`, as
    /// that to a `Forward` is.
    OriginUpgraded(ResponseHead),
    /// The origin sent this.
    OriginFrame(SocketFrame),
    /// The origin's connection is gone, or it broke the protocol.
    OriginClosed,
}

/// What must be done for a WebSocket.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SocketAction {
    /// Accept the client's upgrade with this 101.
    Accept(ResponseHead),
    /// Send this to the client. After a close frame, nothing but the end of the exchange follows.
    Send(SocketFrame),
    /// Read nothing of the client, for now.
    Pause,
    /// Read it again.
    Resume,
    /// Ask an origin for a WebSocket. As with `Forward`, an earlier request of this exchange is over.
    Connect(Box<Connect>),
    /// Send this to the origin that has accepted. After a close frame, nothing but `DropOrigin` follows.
    SendOrigin(SocketFrame),
}

/// A request for a WebSocket.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Connect {
    /// The request, its [`Challenge`] posed.
    pub request: Outgoing,
    /// What the origin's 101 must answer.
    pub challenge: Challenge,
}

/// What one end of a WebSocket sent and the other gets.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SocketFrame {
    /// A part of a message, or all of it. Messages come in the pieces in which they arrive.
    Data {
        /// The kind of the message.
        kind: Kind,
        /// Whether the message begins with it.
        first: bool,
        /// Whether the message ends with it.
        last: bool,
        /// The bytes; empty only where the message ends.
        payload: Bytes,
    },
    /// A ping.
    Ping(Bytes),
    /// A pong.
    Pong(Bytes),
    /// The last thing that its sender sends.
    Close(Close),
}

impl SocketFrame {
    /// Appends it as it goes over the wire, with a mask if it goes to an origin.
    pub fn encode(&self, sender: &mut Sender, mask: Option<[u8; 4]>, out: &mut Vec<u8>) {
        match self {
            Self::Data { kind, last, payload, .. } => {
                sender.fragment(*kind, payload, *last, mask, out);
            }
            Self::Ping(payload) => sender.ping(payload, mask, out),
            Self::Pong(payload) => sender.pong(payload, mask, out),
            Self::Close(close) => sender.close(close, mask, out),
        }
    }
}

impl From<Event<'_>> for SocketFrame {
    fn from(event: Event<'_>) -> Self {
        match event {
            Event::Data(Piece { kind, first, last, payload }) => {
                Self::Data { kind, first, last, payload: Bytes::copy_from_slice(payload) }
            }
            Event::Ping(payload) => Self::Ping(Bytes::copy_from_slice(payload)),
            Event::Pong(payload) => Self::Pong(Bytes::copy_from_slice(payload)),
            Event::Close(close) => Self::Close(close),
        }
    }
}
