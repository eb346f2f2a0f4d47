//! What stands behind a socket.

use super::client::Client;
use super::failure::Failure;
use super::native::Native;
use super::woh::Woh;
use super::{Effect, Frame, Input, Turn};
use crate::ground::Time;
use crate::ws::Close;

/// A backend, by what it speaks.
#[derive(Debug)]
pub(super) enum Backend {
    /// WebSocket-over-HTTP.
    Woh(Box<Woh>),
    /// WebSocket.
    Native(Native),
    /// There is none, or none any more.
    Detached,
}

impl Backend {
    /// Takes what the backend did. A late word of one that was given up is none.
    pub(super) fn said(
        &mut self,
        input: Input,
        client: &mut Client,
        turn: &mut Turn<'_>,
    ) -> Result<(), Failure> {
        match (self, input) {
            (Self::Woh(woh), Input::Answered { head, body }) => {
                woh.answered(head, body, client, turn)
            }
            (Self::Woh(woh), Input::Failed { fault, detail }) => {
                woh.failed(fault, detail, client, turn)
            }
            (Self::Native(native), input) => native.said(input, client, turn),
            (Self::Woh(_) | Self::Detached, _) => Ok(()),
        }
    }

    pub(super) fn client_frame(
        &mut self,
        frame: Frame,
        client: &Client,
        turn: &mut Turn<'_>,
    ) -> Result<(), Failure> {
        match (self, frame) {
            (Self::Woh(woh), frame) => return woh.client_frame(frame, client, turn),
            (Self::Native(native), frame) => native.client_frame(frame, client, turn),
            (Self::Detached, Frame::Ping(payload)) => client.pong(payload, turn),
            (Self::Detached, _) => turn.out.push(Effect::unheard()),
        }
        Ok(())
    }

    /// The client has sent a close frame, of which its own side knows already.
    pub(super) fn client_close(&mut self, close: Close, client: &mut Client, turn: &mut Turn<'_>) {
        match self {
            Self::Woh(woh) => woh.client_close(close, client, turn),
            Self::Native(native) => native.client_close(close, client, turn),
            Self::Detached => client.agree(turn),
        }
    }

    /// The client has not answered a close frame in time, and is given up.
    pub(super) fn client_silent(&mut self, turn: &mut Turn<'_>) {
        if let Self::Native(native) = self {
            native.client_silent(turn);
        }
    }

    /// Learns how the client stands: that it is gone, or that it was sent a close frame.
    pub(super) fn follow(&mut self, client: &Client, turn: &mut Turn<'_>) {
        let (gone, closing) = (client.is_gone(), client.is_closing());
        match self {
            Self::Woh(woh) if gone => woh.client_gone(client, turn),
            Self::Woh(woh) if closing => woh.leave(client, turn),
            Self::Native(native) if gone => native.client_gone(turn),
            Self::Native(native) if closing => native.closed_here(turn),
            Self::Woh(_) | Self::Native(_) | Self::Detached => {}
        }
    }

    /// Something went wrong.
    pub(super) fn abandon(&mut self, why: &Failure, client: &Client, turn: &mut Turn<'_>) {
        match self {
            Self::Woh(woh) => woh.abandon(client, turn),
            Self::Native(native) => native.abandon(why.to_backend, turn),
            Self::Detached => {}
        }
    }

    pub(super) fn refresh(&mut self, client: &Client, turn: &mut Turn<'_>) {
        if let Self::Woh(woh) = self {
            woh.refresh(client, turn);
        }
    }

    /// The client may have caught up.
    pub(super) fn client_flows(&mut self, client: &Client, turn: &mut Turn<'_>) {
        if let Self::Woh(woh) = self {
            woh.pump(client, turn);
        }
    }

    /// Whether the client is not read, because of what waits for the backend.
    pub(super) fn holds_client_back(&self) -> bool {
        matches!(self, Self::Woh(woh) if woh.holds_client_back())
    }

    pub(super) fn wake(&mut self, client: &Client, turn: &mut Turn<'_>) -> Result<(), Failure> {
        match self {
            Self::Woh(woh) => woh.wake(client, turn),
            Self::Native(native) => native.wake(turn),
            Self::Detached => Ok(()),
        }
    }

    pub(super) fn deadline(&self) -> Option<Time> {
        match self {
            Self::Woh(woh) => woh.deadline(),
            Self::Native(native) => native.deadline(),
            Self::Detached => None,
        }
    }

    pub(super) fn is_over(&self) -> bool {
        match self {
            Self::Woh(woh) => woh.is_over(),
            Self::Native(native) => native.is_over(),
            Self::Detached => true,
        }
    }
}
