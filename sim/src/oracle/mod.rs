//! Those who watch: one ledger a property. Each sees every fact, keeps its own books, and says when
//! something is not as it must be. None of them knows how the engine works.

mod accounting;
mod answers;
mod audience;
mod calls;
mod closing;
mod contract;
mod cuts;
mod delivery;
mod emptiness;
mod gone;
mod hearing;
mod held;
mod holds;
mod index;
mod intake;
mod journal;
mod lines;
mod order;
mod pacing;
mod parting;
mod privacy;
mod recovery;
mod seats;
mod sessions;
mod speech;
mod talks;

use core::fmt;

use holdfast_core::engine::{Action, Engine, Event};
use holdfast_core::ground::{ConnId, Limits, ShardId, Time};
use holdfast_core::hub::{Hub, HubEvent};
use holdfast_core::publish::Release;

use crate::journal::Journal;
use crate::script::{AskId, Book};
use crate::talk::{TalkId, Talks, Turn};

/// Something that happened.
#[derive(Debug)]
pub(crate) enum Fact<'a> {
    /// A client began to send a request, perhaps once more after it had given it up.
    Sent(AskId),
    /// The head of an answer arrived, with the request that the answer names.
    Head { ask: AskId, status: u16, names: Option<AskId> },
    /// Some of its body arrived.
    Body { ask: AskId, data: &'a [u8] },
    /// It is complete.
    End(AskId),
    /// The connection ended before it was.
    Cut(AskId),
    /// The client left, or will ask again on another connection.
    GivenUp(AskId),
    /// A client got what it did not ask for or cannot read.
    Strange(String),
    /// Something happened, or may happen, to a link of this request for which nobody can be blamed.
    Trouble(AskId),
    /// It is sent once more, since the connection broke; an origin may have read it before.
    Again(AskId),
    /// An origin read a request, whose body had so many bytes, with a position if it names one.
    Read { ask: AskId, body: u64, last: Option<u64> },
    /// A page is written for one session; for which one, if its URL says that.
    Ticket { ticket: u64, owner: Option<AskId> },
    /// A backend is told that the session of a request is over.
    Farewell { ask: AskId, proper: bool },
    /// A client will read all of a journal.
    Stays { reader: u32, journal: u32 },
    /// Word of a shard reaches the hub.
    Reported { shard: ShardId, event: &'a HubEvent },
    /// The hub is told this.
    HubTold(&'a HubEvent),
    /// It says this to all shards.
    Released(&'a Release),
    /// All that it says to what it was told was seen.
    HubSettled(&'a Hub),
    /// An engine is told an event.
    Told { shard: ShardId, event: &'a Event },
    /// It answers with this, among others.
    Did { shard: ShardId, action: &'a Action, targets: &'a [ConnId] },
    /// All of its answer was seen.
    Settled { shard: ShardId, engine: &'a Engine },
    /// Something happens at an end of a WebSocket.
    Talk { talk: TalkId, turn: &'a Turn },
    /// Whatever could come to an end has.
    Rested,
    /// All clients have left.
    Over { shard: ShardId, engine: &'a Engine, conns: usize },
}

/// What everybody knows.
#[derive(Debug)]
pub(crate) struct Setting {
    pub(crate) book: Book,
    pub(crate) limits: Limits,
    pub(crate) channels: u32,
    pub(crate) journals: Vec<Journal>,
    pub(crate) talks: Talks,
}

/// What one ledger found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Failure {
    /// The name of the property's ledger, or `panic`.
    pub ledger: &'static str,
    /// When.
    pub at: Time,
    /// What is not as it must be.
    pub what: String,
}

/// The books of one property.
trait Ledger: fmt::Debug {
    fn name(&self) -> &'static str;

    fn see(&mut self, now: Time, fact: &Fact<'_>, setting: &Setting) -> Result<(), String>;
}

/// All ledgers, and the first thing that one of them found.
#[derive(Debug)]
pub(crate) struct Judge {
    ledgers: Vec<Box<dyn Ledger>>,
    failure: Option<Failure>,
}

impl Judge {
    pub(crate) fn new() -> Self {
        let ledgers: Vec<Box<dyn Ledger>> = vec![
            Box::new(contract::Contract::default()),
            Box::new(index::Subscribers::default()),
            Box::new(holds::Holds::default()),
            Box::new(intake::Intake::default()),
            Box::new(delivery::Delivery::default()),
            Box::new(cuts::Cuts::default()),
            Box::new(answers::Answers::default()),
            Box::new(order::Order::default()),
            Box::new(calls::Calls::default()),
            Box::new(accounting::Accounting::default()),
            Box::new(pacing::Pacing::default()),
            Box::new(recovery::Recovery::default()),
            Box::new(journal::Journals::default()),
            Box::new(privacy::Privacy::default()),
            Box::new(gone::Gone::default()),
            Box::new(hearing::Hearing::default()),
            Box::new(speech::Speech::default()),
            Box::new(audience::Audience::default()),
            Box::new(closing::Closing::default()),
            Box::new(parting::Parting::default()),
            Box::new(emptiness::Emptiness),
        ];
        Self { ledgers, failure: None }
    }

    pub(crate) fn see(&mut self, now: Time, fact: &Fact<'_>, setting: &Setting) {
        for ledger in &mut self.ledgers {
            if let Err(what) = ledger.see(now, fact, setting) {
                let ledger = ledger.name();
                self.failure.get_or_insert(Failure { ledger, at: now, what });
            }
        }
    }

    pub(crate) fn failure(&self) -> Option<&Failure> {
        self.failure.as_ref()
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {:?}: {}", self.ledger, self.at, self.what)
    }
}

fn ensure(good: bool, otherwise: impl FnOnce() -> String) -> Result<(), String> {
    if good { Ok(()) } else { Err(otherwise()) }
}
