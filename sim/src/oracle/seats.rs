//! Which request runs on which connection.

use std::collections::BTreeMap;

use holdfast_core::engine::{Action, Event, FanoutShape};
use holdfast_core::ground::{ConnId, ShardId};

use super::{Fact, Setting};
use crate::script::AskId;

/// A place in an engine's table.
pub(super) type Seat = (ShardId, ConnId);

/// The requests that engines are at, by their places.
#[derive(Debug, Default)]
pub(super) struct Seats(BTreeMap<Seat, AskId>);

impl Seats {
    /// Notes who takes a place; call it before a fact is looked at.
    pub(super) fn seat(&mut self, fact: &Fact<'_>, setting: &Setting) {
        if let Fact::Told { shard, event: Event::Request { conn, request } } = fact
            && let Some(ask) = setting.book.find(&request.head.target)
        {
            self.0.insert((*shard, *conn), ask.id);
        }
    }

    pub(super) fn at(&self, seat: Seat) -> Option<AskId> {
        self.0.get(&seat).copied()
    }
}

/// The places whose exchange a fact ends.
pub(super) fn ended(fact: &Fact<'_>) -> Vec<Seat> {
    match fact {
        Fact::Told { shard, event: Event::Gone { conn, .. } } => vec![(*shard, *conn)],
        Fact::Did { shard, action, targets } => match action {
            Action::Relay { conn, .. }
            | Action::Respond { conn, .. }
            | Action::Finish { conn }
            | Action::Abort { conn } => vec![(*shard, *conn)],
            Action::Fanout { shape: FanoutShape::Finish, .. } => {
                targets.iter().map(|conn| (*shard, *conn)).collect()
            }
            _ => Vec::new(),
        },
        _ => Vec::new(),
    }
}
