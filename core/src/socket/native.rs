//! A backend that itself speaks WebSocket (NAT-1 to NAT-11). Its frames come and go piece by piece; nothing is
//! held here but a control message that is not complete.

use super::client::{Client, Heard};
use super::failure::Failure;
use super::{Effect, Frame, Input, Turn};
use crate::ground::Time;
use crate::ws::{Close, CloseCode};
use crate::wsoh::Sorter;

/// The backend's side.
#[derive(Debug)]
pub(super) struct Native {
    phase: Phase,
    /// There if the backend speaks GRIP.
    sorter: Option<Box<Sorter>>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Phase {
    /// It has not answered the upgrade.
    Connecting {
        until: Time,
    },
    Open,
    /// It was sent the client's close frame and has not answered.
    Leaving,
    /// It has sent a close frame with this code and waits for the client's answer.
    Closed(Option<CloseCode>),
    Over,
}

impl Native {
    /// The connection is being made.
    pub(super) fn start(turn: &Turn<'_>) -> Self {
        let until = turn.now + turn.limits.origin_timeout;
        Self { phase: Phase::Connecting { until }, sorter: None }
    }

    pub(super) const fn is_over(&self) -> bool {
        matches!(self.phase, Phase::Over)
    }

    pub(super) const fn deadline(&self) -> Option<Time> {
        match self.phase {
            Phase::Connecting { until } => Some(until),
            _ => None,
        }
    }

    /// Takes what the backend did.
    pub(super) fn said(
        &mut self,
        input: Input,
        client: &mut Client,
        turn: &mut Turn<'_>,
    ) -> Result<(), Failure> {
        match (self.phase, input) {
            (Phase::Connecting { .. }, Input::Accepted(head)) => {
                self.sorter = client.accept(head, turn).map(Box::new);
                self.phase = Phase::Open;
            }
            (Phase::Connecting { .. }, Input::Answered { head, body }) => {
                self.phase = Phase::Over;
                client.refuse(head, body, turn);
            }
            (Phase::Connecting { .. }, Input::Failed { detail, .. }) => {
                self.phase = Phase::Over;
                let reason = detail.unwrap_or_else(|| "the backend failed".to_owned());
                return Err(Failure::gateway(reason));
            }
            (Phase::Open | Phase::Leaving, Input::BackendFrame(frame)) => {
                return self.frame(frame, client, turn);
            }
            (Phase::Open, Input::BackendClose(close)) => {
                self.phase = Phase::Closed(close.code);
                client.close(close, turn);
            }
            (Phase::Leaving, Input::BackendClose(close)) => {
                self.drop(turn);
                client.close(close, turn);
            }
            (Phase::Leaving, Input::BackendGone) => {
                self.phase = Phase::Over;
                client.agree(turn);
            }
            (Phase::Closed(_), Input::BackendGone) => self.phase = Phase::Over,
            (Phase::Open, Input::BackendGone) => {
                self.phase = Phase::Over;
                return Err(Failure::gateway("the backend is gone"));
            }
            _ => {}
        }
        Ok(())
    }

    /// The client sent something: it passes as it is (NAT-7).
    pub(super) fn client_frame(&self, frame: Frame, client: &Client, turn: &mut Turn<'_>) {
        if self.phase == Phase::Open && client.is_open() {
            turn.out.push(Effect::ToBackend(frame));
        } else {
            turn.out.push(Effect::unheard());
        }
    }

    /// The client sent a close frame (WS-28, WS-29).
    pub(super) fn client_close(&mut self, close: Close, client: &mut Client, turn: &mut Turn<'_>) {
        match self.phase {
            Phase::Open => {
                turn.out.push(Effect::CloseBackend(close));
                self.phase = Phase::Leaving;
            }
            Phase::Closed(_) => self.leave(close, turn),
            Phase::Connecting { .. } | Phase::Leaving | Phase::Over => client.agree(turn),
        }
    }

    /// The client does not answer the backend's close frame: it gets its own code back (WS-34).
    pub(super) fn client_silent(&mut self, turn: &mut Turn<'_>) {
        if let Phase::Closed(code) = self.phase {
            self.leave(Close { code, reason: String::new() }, turn);
        }
    }

    /// The client is gone (WS-35).
    pub(super) fn client_gone(&mut self, turn: &mut Turn<'_>) {
        if !self.is_over() {
            self.drop(turn);
        }
    }

    /// The proxy has closed (CTL-30, WPUB-4).
    pub(super) fn closed_here(&mut self, turn: &mut Turn<'_>) {
        if self.phase == Phase::Open {
            self.leave(Close::new(CloseCode::NORMAL), turn);
        }
    }

    /// Something went wrong, and the backend hears of it by this code.
    pub(super) fn abandon(&mut self, code: CloseCode, turn: &mut Turn<'_>) {
        if self.phase == Phase::Open {
            self.leave(Close::new(code), turn);
        }
    }

    /// The backend takes too long to answer the upgrade.
    pub(super) fn wake(&self, turn: &Turn<'_>) -> Result<(), Failure> {
        match self.phase {
            Phase::Connecting { until } if until <= turn.now => Err(Failure::timeout()),
            _ => Ok(()),
        }
    }

    fn frame(
        &mut self,
        frame: Frame,
        client: &mut Client,
        turn: &mut Turn<'_>,
    ) -> Result<(), Failure> {
        match (frame, &mut self.sorter) {
            (Frame::Data(piece), Some(sorter)) => {
                let sorted = sorter.sort(piece, turn.limits.control_bytes)?;
                if client.hear(sorted, turn)? == Heard::Detach {
                    client.agree(turn);
                    self.abandon(CloseCode::NORMAL, turn);
                }
            }
            (frame, _) => client.send(frame, turn),
        }
        Ok(())
    }

    fn leave(&mut self, close: Close, turn: &mut Turn<'_>) {
        turn.out.push(Effect::CloseBackend(close));
        self.drop(turn);
    }

    fn drop(&mut self, turn: &mut Turn<'_>) {
        turn.out.push(Effect::DropBackend);
        self.phase = Phase::Over;
    }
}
