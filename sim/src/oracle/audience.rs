//! What is published for WebSockets arrives: on the channels on which their backends want them, from
//! the answer on that says so (CTL-4, CTL-10) until the one that says the opposite (CTL-13), in order,
//! each once (WPUB-6 to WPUB-8); unless the client takes too little, and then it is told so by the
//! close that ends it (WPUB-20).

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use holdfast_core::engine::{Action, Event, SocketAction, SocketFrame};
use holdfast_core::ground::{ShardId, Time};
use holdfast_core::publish::{Item, Release, WsFormat, WsMessage, WsType};

use super::seats::Seat;
use super::talks::{Stage, Talk, Talks};
use super::{Fact, Ledger, Setting, ensure};
use crate::script::PREFIX;
use crate::talk::{TalkId, Turn, Word};

#[derive(Debug, Default)]
pub(super) struct Audience {
    talks: Talks,
    due: BTreeMap<TalkId, VecDeque<Word>>,
    /// Those that a publisher has closed, though perhaps not yet; what comes later is not for them.
    closed: BTreeSet<TalkId>,
    /// Those that lose what waited for the end of a message, by a close that could wait no longer.
    cut: BTreeMap<TalkId, bool>,
}

/// What the client is told whose messages were too much for it.
const TOO_SLOW: Option<u16> = Some(1008);

impl Ledger for Audience {
    fn name(&self) -> &'static str {
        "audience"
    }

    fn see(&mut self, _: Time, fact: &Fact<'_>, setting: &Setting) -> Result<(), String> {
        match fact {
            Fact::Told { shard, event: Event::Released(Release::Item { item, .. }) } => {
                self.published(*shard, item);
            }
            Fact::Did {
                shard,
                action: Action::Socket { conn, action: SocketAction::Send(SocketFrame::Close(_)) },
                ..
            } => self.cuts((*shard, *conn)),
            // It broke the protocol, and the adapter closes.
            Fact::Told { shard, event: Event::Gone { conn, .. } } => self.cuts((*shard, *conn)),
            Fact::Talk { talk, turn: Turn::Gets(word) } => self.gets(*talk, word)?,
            Fact::Rested => self.rested()?,
            _ => {}
        }
        self.talks.see(fact, setting);
        Ok(())
    }
}

impl Audience {
    /// Nothing more will be sent. What waits for the end of a message is lost.
    fn cuts(&mut self, seat: Seat) {
        if let Some(id) = self.talks.at(seat) {
            let within = self.talks.get(id).is_some_and(Talk::is_within);
            self.cut.insert(id, within);
        }
    }

    fn published(&mut self, shard: ShardId, item: &Arc<Item>) {
        let name = item.channel.strip_prefix(PREFIX);
        let channel = name.and_then(|name| name.parse::<u32>().ok());
        let (Some(channel), Some(format)) = (channel, &item.ws) else { return };
        let open = |(_, talk): &(TalkId, &Talk)| talk.stage == Stage::Open;
        for (id, _) in self.talks.on(shard, channel).filter(open) {
            match format {
                WsFormat::Send(message) if !self.closed.contains(&id) => {
                    self.due.entry(id).or_default().push_back(of(message));
                }
                WsFormat::Close { .. } => {
                    self.closed.insert(id);
                }
                _ => {}
            }
        }
    }

    fn gets(&mut self, id: TalkId, word: &Word) -> Result<(), String> {
        let due = self.due.entry(id).or_default();
        match word {
            Word::Close(code, _) => {
                let spared = usize::from(*code == TOO_SLOW);
                let cut = self.cut.get(&id).copied().unwrap_or_default();
                ensure(due.len() <= spared || cut, || {
                    format!("{id:?} is closed with {code:?} before {due:?}")
                })
            }
            word if matches!(word.payload(), [b'i' | b'q', ..]) && !is_pong(word) => {
                let first = due.pop_front();
                ensure(first.as_ref() == Some(word), || {
                    format!("{word:?} comes to {id:?} where {first:?} is due")
                })
            }
            _ => Ok(()),
        }
    }

    fn rested(&self) -> Result<(), String> {
        for (id, talk) in self.talks.iter().filter(|(_, talk)| talk.stage == Stage::Open) {
            let left = self.due.get(&id).and_then(VecDeque::front);
            ensure(left.is_none(), || format!("{left:?} never comes to {id:?}: {talk:?}"))?;
        }
        Ok(())
    }
}

fn is_pong(word: &Word) -> bool {
    matches!(word, Word::Pong(_))
}

fn of(message: &WsMessage) -> Word {
    let payload = message.content.data.to_vec();
    match message.kind {
        WsType::Text => Word::Text(payload),
        WsType::Binary => Word::Binary(payload),
        WsType::Ping => Word::Ping(payload),
        WsType::Pong => Word::Pong(payload),
    }
}
