//! What must be done for a socket.

use std::borrow::Cow;

use bytes::Bytes;

use super::Frame;
use crate::filter::Filter;
use crate::ground::Count;
use crate::message::{Fields, Response};
use crate::ws::Close;

/// One thing for the caller to do.
#[derive(Clone, PartialEq, Debug)]
pub enum Effect {
    /// Send a request to the WebSocket-over-HTTP backend. Until it is accepted, the targets of the route are
    /// tried in turn; after that, only its own.
    Request(Request),
    /// Give up the request that is under way.
    DropRequest,
    /// Accept the upgrade of the client; these fields go with the 101.
    Accept(Fields),
    /// Refuse it. Nothing follows for the client, and nothing is to be reported of it.
    Reject(Box<Response>),
    /// Send to the client.
    Send(Frame),
    /// Send a close frame to the client. Nothing follows but [`Effect::HangUp`].
    Close(Close),
    /// End the client's connection once everything was sent, and its subscriptions now. Nothing follows for it,
    /// and nothing is to be reported of it; the same goes for a backend that speaks WebSocket, whose last words
    /// come before.
    HangUp,
    /// Read the client no longer, for now.
    PauseClient,
    /// Read it again.
    ResumeClient,
    /// Send to the backend that speaks WebSocket.
    ToBackend(Frame),
    /// Send it a close frame. Nothing follows but [`Effect::DropBackend`].
    CloseBackend(Close),
    /// End the connection to it; after a close frame, its answer is waited for, for a while. Nothing is to be
    /// reported of it any more.
    DropBackend,
    /// Subscribe the client; if it is subscribed, put these filters in the place of those it has.
    Subscribe {
        /// The channel, with the route's prefix if that belongs there.
        channel: String,
        /// How many bytes of it are that prefix; channels of the target have none (CTL-25).
        prefix: usize,
        /// Its filters in order.
        filters: Vec<Filter>,
    },
    /// End a subscription.
    Unsubscribe {
        /// The channel, with the route's prefix.
        channel: String,
    },
    /// Count, and log.
    Note(Count, Cow<'static, str>),
    /// Forget the socket with its subscriptions.
    Ended,
}

impl Effect {
    /// The client said something to nobody.
    pub(super) fn unheard() -> Self {
        Self::Note(Count::ClientUnheard, "no backend listens to the client any more".into())
    }
}

/// A request to a WebSocket-over-HTTP backend.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Request {
    /// The session's own fields, for [`request_head`](crate::wsoh::request_head).
    pub fields: Fields,
    /// The events; may be empty. Its length is always announced (WOH-1).
    pub body: Bytes,
}
