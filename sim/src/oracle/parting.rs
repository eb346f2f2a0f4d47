//! A backend that speaks WebSocket-over-HTTP hears the end of each talk that it has accepted, once
//! (WOH-8, WOH-46, WOH-48 to WOH-50, WS-14): a close if there is one, else that the client is gone,
//! which is not said as long as it is there.

use std::collections::BTreeMap;

use holdfast_core::engine::{Action, CallBody, Event, OriginFault};
use holdfast_core::ground::{CallId, ShardId, Time};

use super::talks::{News, Stage, Talks};
use super::{Fact, Ledger, Setting, ensure};
use crate::talk::{self, TalkId, Turn, Word, read_events};

#[derive(Debug, Default)]
pub(super) struct Parting {
    talks: Talks,
    stories: BTreeMap<TalkId, Story>,
    calls: BTreeMap<(ShardId, CallId), Asked>,
}

/// What a request says of the end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Asked {
    Open,
    Nothing,
    Farewell,
}

/// How much of its end a backend has heard.
#[derive(Debug, Default)]
struct Story {
    accepted: bool,
    /// It has heard a close.
    closed: bool,
    /// It has heard that the client is gone.
    parted: bool,
    /// It was told, but nobody knows whether it has heard.
    tried: bool,
    /// It may hear things again.
    again: bool,
    /// It ended the talk itself, without a close.
    dropped: bool,
}

impl Ledger for Parting {
    fn name(&self) -> &'static str {
        "parting"
    }

    fn see(&mut self, _: Time, fact: &Fact<'_>, setting: &Setting) -> Result<(), String> {
        match fact {
            Fact::Did { shard, action: Action::Call { call, request }, .. } => {
                if let (Some(_), CallBody::Bytes(body)) =
                    (TalkId::of(&request.head.target), &request.body)
                {
                    self.calls.insert((*shard, *call), Asked::of(body));
                }
            }
            Fact::Did { shard, action: Action::DropCall { call }, .. } => {
                self.failed(*shard, *call, OriginFault::Broken);
            }
            Fact::Told { shard, event: Event::CallFailed { call, fault } } => {
                self.failed(*shard, *call, *fault);
            }
            Fact::Told { shard, event: Event::CallData { call, data, end } } => {
                self.answered(*shard, *call, data, *end);
            }
            Fact::Talk { talk, turn: Turn::Offered { events, .. } } => self.heard(*talk, events)?,
            Fact::Over { .. } => self.over()?,
            _ => {}
        }
        for (id, news) in self.talks.see(fact, setting) {
            let story = self.stories.entry(id).or_default();
            story.dropped |= news == News::Dropped;
            story.again |= news == News::Failed;
        }
        Ok(())
    }
}

impl Parting {
    /// An answer is complete. One that accepts counts even if there is no client any more.
    fn answered(&mut self, shard: ShardId, call: CallId, body: &[u8], end: bool) {
        let asked = self.calls.remove(&(shard, call));
        let Some((id, head)) = self.talks.ticket(shard, call) else { return };
        let story = self.stories.entry(id).or_default();
        let good = end && head.status == 200 && !head.fields.has("x-bad");
        let opens =
            read_events(body).is_ok_and(|events| events.first() == Some(&talk::Event::Open));
        // Who answered badly is told that the client is gone, whatever it was told before (WOH-42).
        story.again |= !good;
        story.accepted |= good && asked == Some(Asked::Open) && opens;
    }

    fn failed(&mut self, shard: ShardId, call: CallId, fault: OriginFault) {
        let (Some(id), Some(asked)) =
            (self.talks.caller(shard, call), self.calls.get(&(shard, call)))
        else {
            return;
        };
        let story = self.stories.entry(id).or_default();
        story.again |= fault != OriginFault::Unreachable;
        story.tried |= *asked == Asked::Farewell;
    }

    fn heard(&mut self, id: TalkId, events: &[talk::Event]) -> Result<(), String> {
        let stage = self.talks.get(id).map(|talk| (talk.stage, talk.heeds()));
        let story = self.stories.entry(id).or_default();
        let ended = story.parted && !story.again;
        ensure(!ended, || format!("{id:?} hears {events:?} behind its end: {story:?}"))?;
        story.closed |= closes(events);
        if !events.contains(&talk::Event::Disconnect) {
            return Ok(());
        }
        ensure(events.len() == 1, || format!("{id:?} hears {events:?} at once"))?;
        let lives = matches!(stage, Some((Stage::Asked | Stage::Open, true)));
        ensure(!lives, || format!("{id:?} is said to be gone in {stage:?}"))?;
        ensure(!story.closed || story.again, || format!("{id:?} hears its end twice"))?;
        story.parted = true;
        Ok(())
    }

    fn over(&self) -> Result<(), String> {
        let owed = |story: &Story| {
            let told = story.closed || story.parted || story.tried || story.dropped;
            story.accepted && !told
        };
        let left = self.stories.iter().find(|(_, story)| owed(story));
        ensure(left.is_none(), || format!("{left:?} never hears its end"))
    }
}

impl Asked {
    fn of(body: &[u8]) -> Self {
        let events = read_events(body).unwrap_or_default();
        match events.first() {
            Some(talk::Event::Open) => Self::Open,
            Some(talk::Event::Disconnect) => Self::Farewell,
            _ if closes(&events) => Self::Farewell,
            _ => Self::Nothing,
        }
    }
}

fn closes(events: &[talk::Event]) -> bool {
    events.iter().any(|event| matches!(event, talk::Event::Word(Word::Close(..))))
}
