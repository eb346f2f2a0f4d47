//! Who holds, as far as that is told by what backends say: requests of the plan with their channels.

use std::collections::BTreeMap;

use holdfast_core::engine::{Action, Event};
use holdfast_core::ground::ShardId;

use super::seats::{Seat, Seats, ended};
use super::{Fact, Setting};

/// The holds of all shards on channels without a journal.
#[derive(Debug, Default)]
pub(super) struct Held {
    seats: Seats,
    holds: BTreeMap<Seat, Hold>,
    /// A request whose instruct is complete: it is held unless it is answered in the same breath.
    instructed: Option<Seat>,
}

#[derive(Debug)]
struct Hold {
    channels: Vec<u32>,
    kind: Kind,
}

/// How a hold takes items.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Kind {
    Poll,
    /// Behind its first body, which is still to come.
    Opening,
    Stream,
}

impl Held {
    /// Takes a fact in.
    pub(super) fn see(&mut self, fact: &Fact<'_>, setting: &Setting) {
        self.seats.seat(fact, setting);
        for seat in ended(fact) {
            self.holds.remove(&seat);
            self.instructed = self.instructed.filter(|other| *other != seat);
        }
        match fact {
            Fact::Told { shard, event: Event::OriginData { conn, end: true, .. } } => {
                let seat = (*shard, *conn);
                match self.holds.get_mut(&seat) {
                    Some(hold) => hold.kind = Kind::Stream,
                    None => self.instructed = Some(seat),
                }
            }
            Fact::Did { shard, action: Action::Begin { conn, .. }, .. } => {
                let kind =
                    if self.instructed.take().is_some() { Kind::Stream } else { Kind::Opening };
                self.hold((*shard, *conn), kind, setting);
            }
            Fact::Settled { .. } => {
                if let Some(seat) = self.instructed.take() {
                    self.hold(seat, Kind::Poll, setting);
                }
            }
            _ => {}
        }
    }

    /// The holds on a channel of a shard.
    pub(super) fn on(&self, shard: ShardId, channel: u32) -> impl Iterator<Item = Kind> {
        let here = self.holds.iter().filter(move |((at, _), _)| *at == shard).map(|(_, hold)| hold);
        here.filter(move |hold| hold.channels.contains(&channel)).map(|hold| hold.kind)
    }

    fn hold(&mut self, seat: Seat, kind: Kind, setting: &Setting) {
        let Some(ask) = self.seats.at(seat).map(|ask| setting.book.ask(ask)) else { return };
        let channels = ask.channels(setting.limits.channels_per_hold).to_vec();
        self.holds.insert(seat, Hold { channels, kind });
    }
}
