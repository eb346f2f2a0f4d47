//! Why a socket ends that neither of its sides wanted to end.

use std::borrow::Cow;

use http::StatusCode;

use crate::ground::Count;
use crate::ws::CloseCode;
use crate::wsoh::ControlTooLong;

/// What went wrong, and what the client is told.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Failure {
    /// For a client that was accepted.
    pub(super) code: CloseCode,
    /// For a backend that speaks WebSocket.
    pub(super) to_backend: CloseCode,
    /// For a client that was not accepted.
    pub(super) status: StatusCode,
    /// What is counted.
    pub(super) count: Count,
    /// For the log, and for clients that see details.
    pub(super) reason: Cow<'static, str>,
}

impl Failure {
    /// The backend said something that is not allowed.
    pub(super) fn backend(reason: impl Into<Cow<'static, str>>) -> Self {
        Self {
            code: CloseCode::INTERNAL_ERROR,
            to_backend: CloseCode::GOING_AWAY,
            status: StatusCode::BAD_GATEWAY,
            count: Count::SocketFailed,
            reason: reason.into(),
        }
    }

    /// The backend could not be asked.
    pub(super) fn gateway(reason: impl Into<Cow<'static, str>>) -> Self {
        Self { code: CloseCode::BAD_GATEWAY, ..Self::backend(reason) }
    }

    /// The backend did not answer in time.
    pub(super) fn timeout() -> Self {
        Self {
            status: StatusCode::GATEWAY_TIMEOUT,
            ..Self::gateway("the backend did not answer in time")
        }
    }

    /// The client's message is too large (WOH-45).
    pub(super) fn too_big() -> Self {
        Self { code: CloseCode::TOO_BIG, ..Self::backend("the message is too large") }
    }

    /// The client does not take what is published for it (WPUB-20).
    pub(super) fn slow() -> Self {
        let reason = "too much was published that the client did not take";
        Self { code: CloseCode::POLICY, count: Count::SlowClient, ..Self::backend(reason) }
    }
}

impl From<ControlTooLong> for Failure {
    fn from(why: ControlTooLong) -> Self {
        Self { to_backend: CloseCode::TOO_BIG, ..Self::backend(why.to_string()) }
    }
}
