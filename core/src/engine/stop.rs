//! WebSockets at a stop: closed one after the other, so that their clients do not all come back at once (OPS-20).

use std::collections::VecDeque;

use super::{Actions, Engine};
use crate::ground::{SocketId, Span, Time};
use crate::socket::Input;

/// The WebSockets that are still to be closed.
#[derive(Debug, Default)]
pub(super) struct Leaving {
    list: VecDeque<SocketId>,
    next: Time,
    each: Span,
}

impl Leaving {
    /// Lets these go within `spread`, from `now` on.
    fn new(list: VecDeque<SocketId>, now: Time, spread: Span) -> Self {
        let each = spread.as_nanos() / (list.len() as u64).max(1);
        Self { list, next: now, each: Span::from_nanos(each) }
    }

    /// When the next one has its turn.
    pub(super) fn deadline(&self) -> Option<Time> {
        (!self.list.is_empty()).then_some(self.next)
    }

    fn take(&mut self, now: Time) -> Option<SocketId> {
        self.deadline().filter(|next| *next <= now)?;
        self.next = self.next + self.each;
        self.list.pop_front()
    }
}

impl Engine {
    pub(super) fn drain_sockets(&mut self, now: Time, out: &mut Actions) {
        let list = self.sockets.iter().map(|(id, _)| id).collect();
        self.sockets.leaving = Leaving::new(list, now, self.config.limits.drain_spread);
        self.close_in_turn(now, out);
    }

    /// Closes those who have their turn.
    pub(super) fn close_in_turn(&mut self, now: Time, out: &mut Actions) {
        while let Some(id) = self.sockets.leaving.take(now) {
            self.feed(now, id, Input::Drain, out);
        }
    }
}
