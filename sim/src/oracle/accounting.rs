//! Every item on a channel without a journal is counted once for each hold and WebSocket that it is for: as taken,
//! or by what became of it instead; where it waits behind a first body it may be counted later.
//! Nothing is dropped without a word (STRM-7, RATE-3).

use core::ops::RangeInclusive;

use holdfast_core::engine::Event;
use holdfast_core::ground::{Count, Counters, ShardId, Time};
use holdfast_core::publish::{Item, Release, ResponseFormat, StreamFormat, WsFormat};

use super::held::{Held, Kind};
use super::talks::Talks;
use super::{Fact, Ledger, Setting, ensure};
use crate::script::PREFIX;

/// What an item can become to a hold.
const FATES: [Count; 4] =
    [Count::Delivered, Count::WaitingFull, Count::Lagged, Count::ClosingSocket];

#[derive(Debug, Default)]
pub(super) struct Accounting {
    held: Held,
    talks: Talks,
    /// What each shard had counted by now.
    counted: Vec<u64>,
    /// For how many holds of a shard the item is that it is told of now: those that take it at once,
    /// and all.
    due: Option<(ShardId, RangeInclusive<usize>)>,
}

impl Ledger for Accounting {
    fn name(&self) -> &'static str {
        "accounting"
    }

    fn see(&mut self, _: Time, fact: &Fact<'_>, setting: &Setting) -> Result<(), String> {
        if let Fact::Told { shard, event: Event::Released(Release::Item { item, .. }) } = fact {
            self.due = self.receivers(*shard, item, setting).map(|holds| (*shard, holds));
        }
        self.held.see(fact, setting);
        self.talks.see(fact, setting);
        match fact {
            Fact::Settled { shard, engine } => self.settled(*shard, engine.counters()),
            _ => Ok(()),
        }
    }
}

impl Accounting {
    fn receivers(
        &self,
        shard: ShardId,
        item: &Item,
        setting: &Setting,
    ) -> Option<RangeInclusive<usize>> {
        let channel = item.channel.strip_prefix(PREFIX)?.parse().ok()?;
        let to_streams = match &item.stream {
            Some(StreamFormat::Send(content)) => !content.data.is_empty(),
            Some(StreamFormat::Close) => true,
            _ => false,
        };
        let to_polls = matches!(item.response, Some(ResponseFormat::Send(_)));
        let takes = |kind: &Kind| match kind {
            Kind::Poll => to_polls,
            Kind::Opening | Kind::Stream => to_streams,
        };
        let takers: Vec<_> = self.held.on(shard, channel).filter(takes).collect();
        let sockets = match item.ws {
            Some(WsFormat::Hint) | None => 0,
            Some(_) => self.talks.on(shard, channel).count(),
        };
        let at_once = takers.iter().filter(|kind| **kind != Kind::Opening).count();
        (channel < setting.channels).then_some(at_once + sockets..=takers.len() + sockets)
    }

    fn settled(&mut self, shard: ShardId, counters: &Counters) -> Result<(), String> {
        let counted = FATES.iter().map(|fate| counters.of(*fate)).sum();
        let at = usize::from(shard.0);
        self.counted.resize(self.counted.len().max(at + 1), 0);
        let more = counted - core::mem::replace(&mut self.counted[at], counted);
        let Some((_, holds)) = self.due.take().filter(|(of, _)| *of == shard) else {
            return Ok(());
        };
        let good = holds.contains(&(more as usize));
        ensure(good, || format!("an item is for {holds:?} holds, {more} counted"))
    }
}
