//! WebSockets end as they must: nothing comes behind a close (WS-20, WPUB-7), every close is followed
//! by the end in bounded time (WS-34, WOH-47), and no client is cut off without a word, unless its
//! backend wants just that (WS-36, WOH-15, WOH-42).

use std::collections::{BTreeMap, BTreeSet};

use holdfast_core::engine::{Action, Event, FanoutShape, SocketAction, SocketEvent, SocketFrame};
use holdfast_core::ground::{ShardId, Time};
use holdfast_core::publish::{Release, WsFormat};

use super::seats::{Seat, ended};
use super::talks::{News, Stage, Talks, seats};
use super::{Fact, Ledger, Setting, ensure};
use crate::script::PREFIX;
use crate::talk::{TICK, TalkId, Turn, Word};

#[derive(Debug, Default)]
pub(super) struct Closing {
    talks: Talks,
    /// When each must have ended that is closed.
    until: BTreeMap<Seat, Time>,
    /// Those to which the proxy has said its last.
    silent: BTreeSet<Seat>,
    ends: BTreeMap<TalkId, End>,
    /// Those that a publisher closes now.
    closed: Vec<TalkId>,
}

/// How a client's connection may end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum End {
    /// Not at all, so far.
    Open,
    /// The client has closed.
    Said,
    /// The proxy has.
    Heard,
    /// For a good reason, without a close.
    Excused,
    Over,
}

impl Ledger for Closing {
    fn name(&self) -> &'static str {
        "closing"
    }

    fn see(&mut self, now: Time, fact: &Fact<'_>, setting: &Setting) -> Result<(), String> {
        for (id, news) in self.talks.see(fact, setting) {
            if news == News::Dropped {
                self.ends.insert(id, End::Excused);
            }
        }
        match fact {
            Fact::Talk { talk, turn } => self.turn(*talk, turn)?,
            Fact::Told { shard, event } => self.told(now, *shard, event, setting),
            Fact::Did { shard, action, targets } => {
                self.did(now, *shard, action, setting)?;
                if let Action::Fanout { shape: FanoutShape::Frame(_), .. } = action {
                    let deaf = seats(*shard, targets).find(|seat| self.silent.contains(seat));
                    ensure(deaf.is_none(), || format!("{action:?} behind the close of {deaf:?}"))?;
                }
            }
            Fact::Settled { .. } => self.settled(now)?,
            Fact::Rested => self.rested()?,
            _ => {}
        }
        for seat in ended(fact) {
            self.until.remove(&seat);
            self.silent.remove(&seat);
        }
        Ok(())
    }
}

impl Closing {
    /// What the client sees.
    fn turn(&mut self, id: TalkId, turn: &Turn) -> Result<(), String> {
        let before = self.ends.get(&id).copied();
        let next = match turn {
            Turn::Garbled(why) => return Err(format!("{id:?} gets what it cannot read: {why}")),
            Turn::Answered(101) if before.is_none() => End::Open,
            Turn::Answered(_) | Turn::Breaks | Turn::Misbehaves => End::Excused,
            Turn::Says(Word::Close(..)) if before == Some(End::Open) => End::Said,
            Turn::Gets(Word::Close(..)) => End::Heard,
            Turn::Gets(_) => {
                let good = !matches!(before, Some(End::Heard | End::Over));
                return ensure(good, || format!("{id:?} gets {turn:?}: {before:?}"));
            }
            Turn::Ends(_) | Turn::HangsUp => {
                self.ends.insert(id, End::Over);
                let cut = matches!(before, Some(End::Open | End::Said));
                let blames = matches!(turn, Turn::Ends(_)) && cut;
                return ensure(!blames, || format!("{id:?} ends without a close: {before:?}"));
            }
            _ => return Ok(()),
        };
        self.ends.insert(id, next);
        Ok(())
    }

    fn told(&mut self, now: Time, shard: ShardId, event: &Event, setting: &Setting) {
        match event {
            Event::Socket { conn, event: SocketEvent::Frame(SocketFrame::Close(_)) } => {
                self.bound(now, (shard, *conn), setting);
            }
            Event::Released(Release::Item { item, .. }) => {
                let name = item.channel.strip_prefix(PREFIX);
                let channel = name.and_then(|name| name.parse::<u32>().ok());
                if let (Some(channel), Some(WsFormat::Close { .. })) = (channel, &item.ws) {
                    let whole = |talk: &super::talks::Talk| !talk.is_within();
                    let on = self.talks.on(shard, channel).filter(|(_, talk)| whole(talk));
                    self.closed = on.map(|(id, _)| id).collect();
                }
            }
            _ => {}
        }
    }

    fn did(
        &mut self,
        now: Time,
        shard: ShardId,
        action: &Action,
        setting: &Setting,
    ) -> Result<(), String> {
        let Action::Socket { conn, action } = action else { return Ok(()) };
        let seat = (shard, *conn);
        if let SocketAction::Send(frame) = action {
            let deaf = self.silent.contains(&seat);
            ensure(!deaf, || format!("{frame:?} behind the close of {seat:?}"))?;
            if let SocketFrame::Close(_) = frame {
                self.silent.insert(seat);
                self.bound(now, seat, setting);
            }
        }
        Ok(())
    }

    /// It must end in time.
    fn bound(&mut self, now: Time, seat: Seat, setting: &Setting) {
        self.until.entry(seat).or_insert(now + setting.limits.close_timeout + TICK);
    }

    fn settled(&mut self, now: Time) -> Result<(), String> {
        for id in core::mem::take(&mut self.closed) {
            let stage = self.talks.get(id).map(|talk| talk.stage);
            ensure(stage != Some(Stage::Open), || format!("{id:?} was not closed"))?;
        }
        let late = self.until.iter().find(|(_, until)| **until < now);
        ensure(late.is_none(), || format!("{late:?} has not ended"))
    }

    fn rested(&self) -> Result<(), String> {
        let waits = |end: &End| matches!(end, End::Said | End::Heard);
        let left = self.ends.iter().find(|(_, end)| waits(end));
        ensure(left.is_none(), || format!("{left:?} never ends"))
    }
}
