//! What a backend says to the client of its WebSocket arrives: all of it, once, in order, and without
//! what stands before it for the proxy (NAT-6 to NAT-8, WOH-15, WOH-18). So does what it says for
//! later, at the latest in the end (CTL-50, CTL-51). A connection that is closed has lost nothing
//! that was said before.

use std::collections::{BTreeMap, VecDeque};

use holdfast_core::ground::Time;

use super::talks::{News, Stage, Talks};
use super::{Fact, Ledger, Setting, ensure};
use crate::talk::{Order, Said, TalkId, Turn, Word};

#[derive(Debug, Default)]
pub(super) struct Speech {
    talks: Talks,
    due: BTreeMap<TalkId, Due>,
}

/// What is to come to a client.
#[derive(Debug, Default)]
struct Due {
    words: VecDeque<Word>,
    later: VecDeque<String>,
    /// The pings that the client has sent.
    pings: VecDeque<Vec<u8>>,
    /// What its backend says comes after a close of the proxy's own.
    cut: bool,
}

impl Ledger for Speech {
    fn name(&self) -> &'static str {
        "speech"
    }

    fn see(&mut self, _: Time, fact: &Fact<'_>, setting: &Setting) -> Result<(), String> {
        for (id, news) in self.talks.see(fact, setting) {
            let due = self.due.entry(id).or_default();
            match news {
                News::Said(Said::ToClient(Word::Close(..))) => {}
                News::Said(Said::ToClient(word)) => due.words.push_back(word),
                News::Said(Said::Order(Order::SendDelayed(text, _))) => due.later.push_back(text),
                _ => {}
            }
        }
        match fact {
            Fact::Talk { talk, turn } => self.turn(*talk, turn),
            Fact::Rested => self.rested(),
            _ => Ok(()),
        }
    }
}

impl Speech {
    fn turn(&mut self, id: TalkId, turn: &Turn) -> Result<(), String> {
        let due = self.due.entry(id).or_default();
        match turn {
            Turn::Says(Word::Ping(payload)) => due.pings.push_back(payload.clone()),
            Turn::Gets(Word::Close(..)) => {
                let left = due.words.front();
                due.cut = true;
                return ensure(left.is_none(), || format!("{id:?} is closed before {left:?}"));
            }
            Turn::Gets(word) => {
                return due.gets(word).map_err(|why| format!("{id:?} gets {word:?}: {why}"));
            }
            _ => {}
        }
        Ok(())
    }

    fn rested(&self) -> Result<(), String> {
        for (id, talk) in self.talks.iter().filter(|(_, talk)| talk.stage == Stage::Open) {
            let Some(due) = self.due.get(&id) else { continue };
            let left = (due.words.front(), due.later.front());
            ensure(left == (None, None), || format!("{left:?} never come to {id:?}: {talk:?}"))?;
        }
        Ok(())
    }
}

impl Due {
    fn gets(&mut self, word: &Word) -> Result<(), String> {
        match (word, word.payload().first()) {
            // Items, keep-alives, and the proxy's own pings.
            (_, Some(b'i' | b'q' | b'k' | b'h')) => Ok(()),
            (Word::Text(text), Some(b'd')) => {
                let due = self.later.pop_front();
                ensure(due.as_ref().is_some_and(|due| due.as_bytes() == text), || {
                    format!("later {due:?} is due")
                })
            }
            (Word::Pong(payload), _) if self.words.front() != Some(word) => {
                // The proxy's answer to a ping.
                let at = self.pings.iter().position(|ping| ping == payload);
                let at = at.ok_or_else(|| "to no ping".to_owned())?;
                self.pings.drain(..=at);
                Ok(())
            }
            _ => {
                let due = self.words.pop_front();
                ensure(due.as_ref() == Some(word), || format!("{due:?} is due"))
            }
        }
    }
}
