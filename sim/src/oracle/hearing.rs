//! What clients of WebSockets say reaches their backends once and in order (WOH-7, WOH-18, WOH-36): each
//! request begins where the last answer that reached the proxy has left off. It is made again only
//! where that is allowed: what was not taken (WOH-32 to WOH-34), and what was sent on a connection
//! that had carried requests before and broke without a byte of an answer (WOH-43).

use std::collections::BTreeMap;

use holdfast_core::engine::{Action, Event, OriginFault};
use holdfast_core::ground::{CallId, ShardId, Time};
use holdfast_core::message::ResponseHead;

use super::talks::{Stage, Talks};
use super::{Fact, Ledger, Setting, ensure};
use crate::talk::{self, TalkId, Turn, Word};

#[derive(Debug, Default)]
pub(super) struct Hearing {
    talks: Talks,
    accounts: BTreeMap<TalkId, Account>,
}

/// What one client has said, and what of that its backend has.
#[derive(Debug, Default)]
struct Account {
    said: Vec<Word>,
    /// So many words are done with.
    taken: usize,
    /// And so many bytes of the next one.
    bytes: u64,
    /// Content bytes behind these that were offered and not taken.
    replayed: u64,
    /// What was offered last and not answered.
    offered: Option<Offer>,
    /// A request may be heard though an earlier one was, and was not answered.
    again: bool,
    /// A request has failed for good.
    lost: bool,
}

#[derive(Clone, Copy, Debug)]
struct Offer {
    ticket: u64,
    words: usize,
}

impl Ledger for Hearing {
    fn name(&self) -> &'static str {
        "hearing"
    }

    fn see(&mut self, _: Time, fact: &Fact<'_>, setting: &Setting) -> Result<(), String> {
        match fact {
            Fact::Talk { talk, turn } => self.turn(*talk, turn, setting)?,
            Fact::Told { shard, event: Event::CallData { call, end, .. } } => {
                self.answered(*shard, *call, *end)?;
            }
            Fact::Told { shard, event: Event::CallFailed { call, fault } } => {
                self.failed(*shard, *call, *fault);
            }
            Fact::Did { shard, action: Action::DropCall { call }, .. } => {
                self.failed(*shard, *call, OriginFault::Broken);
            }
            Fact::Rested => self.rested()?,
            _ => {}
        }
        self.talks.see(fact, setting);
        Ok(())
    }
}

impl Hearing {
    fn turn(&mut self, id: TalkId, turn: &Turn, setting: &Setting) -> Result<(), String> {
        let over_http = setting.talks.plan(id).is_over_http();
        let account = self.accounts.entry(id).or_default();
        match turn {
            // The proxy answers it in the place of such a backend (WS-24).
            Turn::Says(Word::Ping(_)) if over_http => {}
            Turn::Says(word) => account.said.push(word.clone()),
            Turn::Offered { events, ticket, replayed } => {
                let heeds = self.talks.get(id).is_some_and(|talk| talk.heeds());
                account
                    .offered(events, *ticket, *replayed, heeds)
                    .map_err(|why| format!("{id:?} is offered {events:?}: {why}; {account:?}"))?;
            }
            Turn::Hears(word) => {
                let due = account.said.get(account.taken);
                let ends = matches!(word, Word::Close(..));
                ensure(due == Some(word) || ends, || {
                    format!("{id:?} hears {word:?}, not {due:?}")
                })?;
                account.taken += usize::from(due == Some(word));
            }
            _ => {}
        }
        Ok(())
    }

    /// An answer is complete, if `end`.
    fn answered(&mut self, shard: ShardId, call: CallId, end: bool) -> Result<(), String> {
        let Some((id, head)) = self.talks.ticket(shard, call) else { return Ok(()) };
        let account = self.accounts.entry(id).or_default();
        let complete = end && head.status == 200;
        account.lost |= !complete || head.fields.has("x-bad");
        if !complete {
            return Ok(());
        }
        account.took(head).map_err(|why| format!("{id:?}: {why}"))
    }

    fn failed(&mut self, shard: ShardId, call: CallId, fault: OriginFault) {
        let account = self.talks.caller(shard, call).map(|id| self.accounts.entry(id).or_default());
        match (account, fault) {
            (None, _) | (_, OriginFault::Unreachable) => {}
            (Some(account), OriginFault::Stale) => account.again = true,
            (Some(account), _) => account.lost = true,
        }
    }

    /// Who can still be heard has been.
    fn rested(&self) -> Result<(), String> {
        for (id, talk) in self.talks.iter() {
            let Some(account) = self.accounts.get(&id) else { continue };
            let waits = account.replayed > 0 || account.bytes > 0;
            let due = talk.stage == Stage::Open && talk.heeds() && !account.lost && !waits;
            let left = account.said.get(account.taken);
            ensure(!due || left.is_none(), || format!("{id:?} never hears {left:?}: {talk:?}"))?;
        }
        Ok(())
    }
}

impl Account {
    /// A backend is offered events: what was said and not taken yet, from its beginning. Once it has
    /// had its last say (not `heeds`) a close may come without what was said before.
    fn offered(
        &mut self,
        events: &[talk::Event],
        ticket: u64,
        replayed: u64,
        heeds: bool,
    ) -> Result<(), String> {
        let again = core::mem::take(&mut self.again);
        ensure(self.offered.is_none() || again || self.lost, || {
            "an earlier request is not answered".to_owned()
        })?;
        let (mut at, mut begin) = (self.taken, self.bytes as usize);
        for (index, event) in events.iter().enumerate() {
            let talk::Event::Word(word) = event else { continue };
            let due = self.said.get(at);
            let due =
                due.map(|due| due.with(due.payload().get(begin..).unwrap_or_default().into()));
            let is_due = due.as_ref() == Some(word);
            let last = matches!(word, Word::Close(..)) && index + 1 == events.len();
            let closes = last && (*word == Word::Close(None, String::new()) || !heeds);
            ensure(is_due || closes, || format!("{word:?} where {due:?} is due"))?;
            at += usize::from(is_due);
            begin = 0;
        }
        let good = at == self.taken || replayed == self.replayed;
        ensure(good, || format!("{replayed} bytes are said to be replayed"))?;
        self.offered = Some(Offer { ticket, words: at - self.taken });
        Ok(())
    }

    /// The answer has reached the proxy: so much is taken.
    fn took(&mut self, head: &ResponseHead) -> Result<(), String> {
        let number = |name| {
            let value = head.fields.first(name)?;
            core::str::from_utf8(value).ok()?.parse::<u64>().ok()
        };
        let ticket = number("x-ticket");
        let Some(Offer { words, .. }) = self.offered.take().filter(|o| Some(o.ticket) == ticket)
        else {
            return Err(format!("the answer {ticket:?} is to no request: {self:?}"));
        };
        if words == 0 {
            return Ok(());
        }
        let offered = self.said.get(self.taken..self.taken + words).unwrap_or_default().to_vec();
        let total = offered.iter().map(Word::size).sum::<u64>() - self.bytes;
        let accepted = number("content-bytes-accepted").unwrap_or(total).min(total);
        let mut left = accepted + self.bytes;
        for word in &offered {
            if word.size() > left {
                break;
            }
            left -= word.size();
            self.taken += 1;
        }
        // A close that was not taken is said again, but not as one of the messages.
        let closes = |word: &&Word| matches!(word, Word::Close(..));
        let close = offered.iter().find(closes).map_or(0, Word::size);
        self.replayed = (total - close).saturating_sub(accepted);
        self.bytes = left;
        Ok(())
    }
}
