//! Every request gets at most one answer, its own, whole; and if its client stays, exactly one.

use std::collections::{BTreeMap, BTreeSet};

use holdfast_core::ground::Time;

use super::{Fact, Ledger, Setting, ensure};
use crate::script::{Ask, AskId, Method, Outcome, Serve};

#[derive(Debug, Default)]
pub(super) struct Answers {
    asked: BTreeMap<AskId, Stage>,
    troubled: BTreeSet<AskId>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Stage {
    Sent,
    /// The origin's answer comes; so much of its body has.
    Served(u64),
    /// An error of the proxy's own comes.
    Refused,
    Over,
}

impl Ledger for Answers {
    fn name(&self) -> &'static str {
        "answers"
    }

    fn see(&mut self, _: Time, fact: &Fact<'_>, setting: &Setting) -> Result<(), String> {
        match fact {
            Fact::Sent(ask) => {
                let before = self.asked.insert(*ask, Stage::Sent);
                ensure(before.is_none(), || format!("{ask:?} is sent twice"))
            }
            Fact::Head { ask, status, names } => self.head(setting.book.ask(*ask), *status, *names),
            Fact::Body { ask, data } => self.body(setting.book.ask(*ask), data),
            Fact::End(ask) => self.end(setting.book.ask(*ask)),
            Fact::Cut(ask) => {
                self.asked.insert(*ask, Stage::Over);
                Ok(())
            }
            Fact::GivenUp(ask) => {
                self.asked.remove(ask);
                Ok(())
            }
            Fact::Trouble(ask) => {
                self.troubled.insert(*ask);
                Ok(())
            }
            Fact::Strange(what) => Err(what.clone()),
            Fact::Read { ask, body, .. } => {
                let ask = setting.book.ask(*ask);
                ensure(ask.body == *body, || format!("{body} bytes came to the origin of {ask:?}"))
            }
            Fact::Rested => self.rested(setting),
            _ => Ok(()),
        }
    }
}

impl Answers {
    fn head(&mut self, ask: &Ask, status: u16, names: Option<AskId>) -> Result<(), String> {
        let before = self.asked.get(&ask.id);
        ensure(before == Some(&Stage::Sent), || format!("an answer in {before:?} to {ask:?}"))?;
        let troubled = self.troubled.contains(&ask.id);
        let (stage, good) = match names {
            Some(name) => {
                let served = ask.outcome() != Outcome::Refused;
                let busy = ask.follow().is_some() && status == 503 && troubled;
                (Stage::Served(0), name == ask.id && (status == 200 || busy) && served)
            }
            None => {
                let refused = ask.outcome() == Outcome::Refused;
                (Stage::Refused, matches!(status, 502 | 504) && (refused || troubled))
            }
        };
        self.asked.insert(ask.id, stage);
        ensure(good, || format!("{status} naming {names:?} answers {ask:?}, troubled: {troubled}"))
    }

    fn body(&mut self, ask: &Ask, data: &[u8]) -> Result<(), String> {
        let Some(Stage::Served(seen)) = self.asked.get_mut(&ask.id) else { return Ok(()) };
        let from = core::mem::replace(seen, *seen + data.len() as u64);
        let Serve::Plain { body, .. } = ask.serve else { return Ok(()) };
        let good = (from..)
            .zip(data)
            .all(|(at, &byte)| byte == if at + 1 == body { b'\n' } else { b'o' } && at < body);
        ensure(good, || format!("not the body of {ask:?} from {from}: {}", data.escape_ascii()))
    }

    fn end(&mut self, ask: &Ask) -> Result<(), String> {
        let stage = self.asked.insert(ask.id, Stage::Over);
        let Some(Stage::Served(seen)) = stage else { return Ok(()) };
        let whole = ask.outcome() == Outcome::Served;
        ensure(whole, || format!("a broken answer looks whole to {ask:?}"))?;
        let Serve::Plain { body, .. } = ask.serve else { return Ok(()) };
        let expected = if ask.method == Method::Head { 0 } else { body };
        ensure(seen == expected, || format!("{seen} bytes came to {ask:?}"))
    }

    fn rested(&self, setting: &Setting) -> Result<(), String> {
        let waits = |ask: &Ask, stage: &Stage| match stage {
            // Those who follow a journal ask again and again.
            _ if ask.follow().is_some() => false,
            Stage::Sent | Stage::Refused => true,
            Stage::Served(_) => !ask.is_stream(),
            Stage::Over => false,
        };
        let mut asked = self.asked.iter().map(|(ask, stage)| (setting.book.ask(*ask), stage));
        match asked.find(|(ask, stage)| waits(ask, stage)) {
            Some((ask, stage)) => Err(format!("{stage:?}, and no more comes to {ask:?}")),
            None => Ok(()),
        }
    }
}
