//! Who may have missed something asks again, soon, and nobody else does (REL-1 to REL-3, REC-2 to
//! REC-8, NEXT-2, NEXT-6). A hold that stands where an item continues gets that item at once, also
//! one that came while a page was fetched, and a long-poll also while it is made once more (REL-2,
//! REC-8, NEXT-8). What fails is asked for again after a rest, and no stream ends for it before its
//! time (NEXT-9); none is held that nothing could repair (REL-4). A last id that a backend
//! contradicts is given up (REL-1, REL-3).

use std::collections::BTreeMap;

use holdfast_core::engine::{Action, CallRequest, Event};
use holdfast_core::ground::{CallId, ShardId, Span, Time};
use holdfast_core::publish::{Item, Release, ResponseFormat, Scope, StreamFormat};

use super::seats::Seat;
use super::sessions::{Answer, News, Session, Sessions, State};
use super::{Fact, Ledger, Setting, ensure};
use crate::journal::{FIRST, Pages};
use crate::script::{Mode, PREFIX, Place};

/// How soon a recovery is made that nothing is in the way of: when all others have had their turn, at
/// the slowest rate.
const SOON: Span = Span::from_secs(20);
/// How soon it is made once more after a failure.
const RETRY: Span = Span::from_secs(40);
/// After how many failures in a row a response that is no hold may be given up.
const FAILURES: u32 = 6;

#[derive(Debug, Default)]
pub(super) struct Recovery {
    sessions: Sessions,
    accounts: BTreeMap<Seat, Account>,
    /// The last id of each journal that a shard knows.
    last: BTreeMap<(ShardId, u32), u64>,
    /// The entries that came to a shard, as items.
    came: BTreeMap<(ShardId, u32), Vec<u64>>,
    /// Last ids that must be given up in this breath.
    wrong: Vec<(ShardId, u32, u64)>,
    /// All holds end.
    drains: bool,
}

/// What is known of a session besides where it stands.
#[derive(Debug)]
struct Account {
    /// By when it must have asked again, and why.
    debt: Option<(Time, Why)>,
    /// How many entries had come when it began to listen.
    since: usize,
    /// The last item, or the beginning of the hold.
    heard: Time,
    /// Until then something was in the way of a recovery.
    busy: Time,
    /// It begins its first hold in this breath.
    begins: bool,
    /// The shard doubts that it has everything.
    doubted: bool,
    /// The last call that was for it.
    call: Option<CallId>,
    /// It did not listen when that was made, since the page before was no hold.
    deaf: bool,
    /// How many of the calls for it have failed in a row, and until when it has to rest for that.
    failures: u32,
    rests: Time,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Why {
    Recover,
    Gap,
    Conflict,
    Hint,
    NextPage,
    Failure,
}

impl Ledger for Recovery {
    fn name(&self) -> &'static str {
        "recovery"
    }

    fn see(&mut self, now: Time, fact: &Fact<'_>, setting: &Setting) -> Result<(), String> {
        if let Fact::Told { shard, event: Event::Released(release) } = fact {
            self.released(now, *shard, release);
        }
        if let Fact::Told { shard, event: Event::Backlog { conn, bytes } } = fact
            && let Some(account) = self.accounts.get_mut(&(*shard, *conn))
        {
            // What is too much is left out for now, also of what waited for a page.
            let asked = self.sessions.get((*shard, *conn)).is_some_and(|of| of.call.is_some());
            account.doubted |= *bytes > if asked { 0 } else { setting.limits.backlog_bytes };
        }
        match fact {
            Fact::Told { event: Event::Drain, .. } => self.drains = true,
            Fact::Did {
                shard, action: Action::Finish { conn } | Action::Abort { conn }, ..
            } => {
                self.ends((*shard, *conn))?;
            }
            _ => {}
        }
        let news = self.sessions.see(now, fact, setting);
        self.accounts.retain(|seat, _| self.sessions.get(*seat).is_some());
        for (seat, session) in self.sessions.iter().filter(|(_, session)| is_checked(session)) {
            let came = self.came.get(&(seat.0, session.follow.journal)).map_or(0, Vec::len);
            let fresh = Account {
                debt: None,
                since: came,
                heard: now,
                busy: now,
                begins: false,
                doubted: false,
                call: None,
                deaf: false,
                failures: 0,
                rests: now,
            };
            self.accounts.entry(*seat).or_insert(fresh);
        }
        for (seat, news) in news {
            self.news(now, seat, news);
        }
        match fact {
            Fact::Did { shard, action: Action::Call { call, request }, .. } => {
                self.called(now, (*shard, *call), request, setting)
            }
            Fact::Did { shard, action: Action::Forget { channel, id }, .. } => {
                self.gave_up(*shard, channel, id);
                Ok(())
            }
            Fact::Settled { shard, .. } => self.settled(now, *shard),
            Fact::Rested => self.in_time(now),
            _ => Ok(()),
        }
    }
}

impl Recovery {
    fn released(&mut self, now: Time, shard: ShardId, release: &Release) {
        match release {
            Release::Item { item, sequenced } => self.came(now, shard, item, *sequenced),
            Release::Forget { channel } => {
                self.last
                    .retain(|(of, journal), _| (*of, Some(*journal)) != (shard, number(channel)));
            }
            Release::Recover(scope) => {
                let fresh: Option<Vec<_>> = match scope {
                    Scope::All => None,
                    Scope::Channels(names) => {
                        Some(names.iter().filter_map(|name| number(name)).collect())
                    }
                };
                if fresh.is_none() {
                    self.last.retain(|(of, _), _| *of != shard);
                }
                for (seat, session) in self.sessions.iter().filter(|(seat, _)| seat.0 == shard) {
                    let journal = session.follow.journal;
                    let meant = fresh.as_ref().is_none_or(|fresh| fresh.contains(&journal));
                    let Some(account) = self.accounts.get_mut(seat).filter(|_| meant) else {
                        continue;
                    };
                    match session.state {
                        State::Holds(_) => account.owe(now + SOON, Why::Recover),
                        // It does not matter yet, or not any more.
                        State::Told { .. } | State::Continues => account.doubted = true,
                    }
                }
            }
        }
    }

    fn came(&mut self, now: Time, shard: ShardId, item: &Item, sequenced: bool) {
        let Some(journal) = number(&item.channel) else { return };
        let id: Option<u64> = item.id.as_ref().and_then(|id| id.parse().ok());
        let before = item.prev_id.as_ref().and_then(|id| id.parse().ok());
        let hint = matches!(item.stream, Some(StreamFormat::Hint))
            || matches!(item.response, Some(ResponseFormat::Hint));
        if sequenced {
            self.last.remove(&(shard, journal));
            self.last.extend(id.map(|id| ((shard, journal), id)));
        }
        let came = self.came.entry((shard, journal)).or_default();
        let follows = before == came.last().copied() && !hint;
        came.extend(id);
        let last = self.last.get(&(shard, journal)).copied();
        for (seat, session) in self.sessions.iter() {
            let Some(account) = self.accounts.get_mut(seat) else { continue };
            if seat.0 != shard || session.follow.journal != journal {
                continue;
            }
            // It may have got in line for its next link.
            account.doubted |= account.has_waited(now, session);
            account.heard = now;
            let body = session.call.is_some() || matches!(session.state, State::Told { .. });
            account.doubted |= body && !follows;
            if session.backlog > 0 {
                // It may be left out for now.
                account.doubted = true;
                continue;
            }
            let listens = matches!(session.state, State::Holds(_)) && session.call.is_none();
            let known = id == Some(session.position) || before == Some(session.position);
            if !listens || account.debt.is_some() || known {
                continue;
            }
            account.owe(now + SOON, if hint { Why::Hint } else { Why::Gap });
            // Who is about to ask again anyway need not say what was wrong.
            if !hint && !account.doubted {
                self.wrong.extend(last.map(|last| (shard, journal, last)));
            }
        }
    }

    fn news(&mut self, now: Time, seat: Seat, news: News) {
        let Some(session) = self.sessions.get(seat) else { return };
        let Some(account) = self.accounts.get_mut(&seat) else { return };
        account.heard = now;
        if news == News::Answered(Answer::Good) && account.deaf {
            let came = self.came.get(&(seat.0, session.follow.journal));
            account.since = came.map_or(0, Vec::len);
        }
        let journal = (seat.0, session.follow.journal);
        let polls = session.follow.mode == Mode::Poll && matches!(session.state, State::Holds(_));
        if let Some(last) = self.last.get(&journal).filter(|last| **last != session.position)
            && polls
            && !matches!(news, News::Answered(Answer::Spoilt | Answer::Failed))
        {
            account.owe(now + SOON, Why::Conflict);
            self.wrong.push((journal.0, journal.1, *last));
        }
        match (news, session.state) {
            (News::Held, _) if polls => {}
            (News::Held, _) => account.begins = true,
            (News::Answered(Answer::Good), State::Holds(_)) => account.delay(now + SOON),
            (News::Answered(Answer::Good), _) => account.owe(now + SOON, Why::NextPage),
            (News::Answered(_), _) => {
                account.owe(now + RETRY, Why::Failure);
                account.delay(now + RETRY);
            }
        }
        match news {
            News::Held => {}
            News::Answered(Answer::Good | Answer::Spoilt) => account.failures = 0,
            News::Answered(Answer::Failed) => {
                account.rests = now + Span::from_secs(1 << account.failures.min(5));
                account.failures += 1;
            }
        }
    }

    /// A stream is not given up because a page cannot be had, unless there is no hold and it was tried often
    /// enough; one failure may have been put down to another whose page looks the same.
    fn ends(&self, seat: Seat) -> Result<(), String> {
        let Some(session) = self.sessions.get(seat) else { return Ok(()) };
        let failures = self.accounts.get(&seat).map_or(0, |account| account.failures);
        let may = match session.state {
            _ if session.follow.mode == Mode::Poll => true,
            State::Holds(_) => self.drains || failures == 0,
            State::Told { .. } | State::Continues => failures == 0 || failures + 1 >= FAILURES,
        };
        ensure(may, || format!("given up after {failures} failures: {session:?}"))
    }

    /// The engine asks again for somebody.
    fn called(
        &mut self,
        now: Time,
        (shard, call): (ShardId, CallId),
        request: &CallRequest,
        setting: &Setting,
    ) -> Result<(), String> {
        let place = match Place::parse(&request.head.target) {
            Some(Place::Ask(ask)) if setting.book.ask(ask).follow().is_none() => return Ok(()),
            None | Some(Place::Gone(_)) => return Ok(()),
            Some(place) => place,
        };
        let last = request.head.fields.first("grip-last").and_then(|value| {
            String::from_utf8_lossy(value).split_once("last-id=")?.1.parse().ok()
        });
        let is_for = |(seat, session): &(&Seat, &Session)| {
            seat.0 == shard && session.call.is_none() && session.is_for(place, last)
        };
        let all: Vec<_> = self.sessions.iter().filter(is_for).collect();
        // Which session a page is for that looks like others' cannot be told.
        let checked = !matches!(place, Place::Page { owner: None, .. });
        let caused = all.iter().any(|(seat, session)| self.has_cause(now, **seat, session));
        let rests = |seat| {
            let account = self.accounts.get(seat);
            account.is_some_and(|account| account.call != Some(call) && now < account.rests)
        };
        let rested = all.is_empty() || all.iter().any(|(seat, _)| !rests(*seat));
        let seats: Vec<_> = all.iter().map(|(seat, _)| **seat).collect();
        self.sessions.call(&seats, call);
        for seat in seats {
            let came = &self.came;
            if let (Some(account), Some(session)) =
                (self.accounts.get_mut(&seat), self.sessions.get(seat))
            {
                if account.call.replace(call) == Some(call) {
                    // It goes to the next target; what was wanted meanwhile still is.
                    account.failures = account.failures.saturating_sub(1);
                    account.rests = now;
                    account.debt = account.debt.filter(|(_, why)| *why != Why::Failure);
                    continue;
                }
                (account.debt, account.doubted) = (None, false);
                account.deaf = session.state == State::Continues;
                account.since = came.get(&(shard, session.follow.journal)).map_or(0, Vec::len);
            }
        }
        ensure(caused || !checked, || {
            format!("shard {} makes {call} for no reason: {place:?}", shard.0)
        })?;
        ensure(rested || !checked, || format!("{call} is made too soon: {place:?}"))
    }

    fn has_cause(&self, now: Time, seat: Seat, session: &Session) -> bool {
        let Some(account) = self.accounts.get(&seat) else { return false };
        let caused = account.debt.is_some() || account.doubted;
        caused || session.state == State::Continues || account.has_waited(now, session)
    }

    fn gave_up(&mut self, shard: ShardId, channel: &str, id: &str) {
        let Some(journal) = number(channel) else { return };
        let id = id.parse().ok();
        for (seat, session) in self.sessions.iter() {
            let here = seat.0 == shard && session.follow.journal == journal;
            if let Some(account) = self.accounts.get_mut(seat).filter(|_| here) {
                // Where a page that is on its way takes it is not known yet.
                let known = session.call.is_none() && !matches!(session.state, State::Told { .. });
                account.doubted |= !known || Some(session.position) != id;
            }
        }
        self.wrong.retain(|(of, on, last)| (*of, *on, Some(*last)) != (shard, journal, id));
        self.last.retain(|(of, on), last| (*of, *on, Some(*last)) != (shard, journal, id));
    }

    fn settled(&mut self, now: Time, shard: ShardId) -> Result<(), String> {
        for (seat, session) in self.sessions.iter().filter(|(seat, _)| seat.0 == shard) {
            let Some(account) = self.accounts.get_mut(seat) else { continue };
            let journal = (shard, session.follow.journal);
            if core::mem::take(&mut account.begins) {
                let last = self.last.get(&journal).filter(|last| **last != session.position);
                // What comes while a page is asked for waits for it, and may follow it; and who is about to ask
                // again anyway need not say what was wrong.
                let sure = session.call.is_none() && !account.doubted;
                if let Some(last) = last.filter(|_| sure) {
                    // It was not given up in this breath.
                    account.owe(now + SOON, Why::Conflict);
                    self.wrong.push((shard, session.follow.journal, *last));
                }
            }
            let held = matches!(session.state, State::Holds(_));
            let polls = session.follow.mode == Mode::Poll;
            ensure(!held || polls || session.patience.is_some(), || {
                format!("held, and nothing could repair it: {session:?}")
            })?;
            // A long-poll takes items also while it is made once more.
            let asked = polls && self.sessions.is_open(*seat, session);
            let listens = held && (session.call.is_none() || asked);
            let settled = account.debt.is_none() && !account.doubted;
            if !listens || !settled || session.backlog > 0 {
                continue;
            }
            let came = self.came.get(&journal).map(Vec::as_slice).unwrap_or_default();
            let next = session.position + 1;
            let missed = came.get(account.since..).is_some_and(|came| came.contains(&next));
            ensure(!missed, || format!("entry {next} came and was not passed on: {session:?}"))?;
        }
        let wrong = core::mem::take(&mut self.wrong);
        ensure(wrong.is_empty(), || format!("not given up: {wrong:?}"))?;
        self.in_time(now)
    }

    fn in_time(&mut self, now: Time) -> Result<(), String> {
        for (seat, session) in self.sessions.iter() {
            let Some(account) = self.accounts.get_mut(seat) else { continue };
            if session.call.is_some() || session.backlog > 0 {
                account.delay(now + SOON);
                account.busy = now;
            }
            if let Some((due, why)) = account.debt {
                ensure(now <= due, || format!("nobody asks again for {why:?}: {session:?}"))?;
            }
            let held = matches!(session.state, State::Holds(_));
            let owes = account.debt.is_some();
            let stream = held && session.follow.mode == Mode::Stream && !owes;
            if let Some(patience) = session.patience.filter(|_| stream) {
                let patience = Span::from_nanos(patience.as_nanos() / 10 * 11);
                let due = account.heard.max(account.busy) + patience + SOON;
                ensure(now <= due, || format!("the link is not fetched: {session:?}"))?;
            }
        }
        Ok(())
    }
}

impl Account {
    fn owe(&mut self, due: Time, why: Why) {
        self.debt.get_or_insert((due, why));
    }

    /// Whether nothing has come for as long as the next link says.
    fn has_waited(&self, now: Time, session: &Session) -> bool {
        let patience = session.patience.filter(|_| session.follow.mode == Mode::Stream);
        patience.is_some_and(|patience| self.heard + patience <= now)
    }

    /// Something is in the way.
    fn delay(&mut self, due: Time) {
        if let Some((before, _)) = &mut self.debt {
            *before = due.max(*before);
        }
    }
}

/// Which calls are for sessions whose pages look alike cannot be told.
fn is_checked(session: &Session) -> bool {
    session.follow.mode == Mode::Poll || session.pages == Pages::Own
}

/// The number of a journal by its channel's name.
fn number(channel: &str) -> Option<u32> {
    channel.strip_prefix(PREFIX)?.parse::<u32>().ok()?.checked_sub(FIRST)
}
