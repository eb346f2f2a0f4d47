//! The hub and the shards hear each other: each shard is told what the hub releases, all of it and
//! in that order; the hub is told what each shard has to say to it, likewise (SEQ-9).

use std::collections::{BTreeMap, VecDeque};

use holdfast_core::engine::{Action, Event};
use holdfast_core::ground::{ShardId, Time};
use holdfast_core::hub::HubEvent;
use holdfast_core::publish::Release;

use super::{Fact, Ledger, Setting, ensure};

#[derive(Debug, Default)]
pub(super) struct Order {
    released: Vec<Release>,
    /// How much of that each shard was told.
    told: BTreeMap<ShardId, usize>,
    /// What each shard has said and the hub does not know.
    news: BTreeMap<ShardId, VecDeque<News>>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum News {
    Interest { channel: String, wanted: bool },
    Forget { channel: String, id: String },
}

impl Ledger for Order {
    fn name(&self) -> &'static str {
        "order"
    }

    fn see(&mut self, _: Time, fact: &Fact<'_>, _: &Setting) -> Result<(), String> {
        match fact {
            Fact::Released(release) => self.released.push((*release).clone()),
            Fact::Told { shard, event: Event::Released(release) } => {
                let at = self.told.entry(*shard).or_default();
                let due = self.released.get(*at);
                *at += 1;
                return ensure(due == Some(release), || {
                    format!("shard {} is told {release:?} instead of {due:?}", shard.0)
                });
            }
            Fact::Did { shard, action, .. } => {
                if let Some(news) = News::said(action) {
                    self.news.entry(*shard).or_default().push_back(news);
                }
            }
            Fact::Reported { shard, event } => return self.heard(*shard, event),
            Fact::Over { .. } => return self.over(),
            _ => {}
        }
        Ok(())
    }
}

impl Order {
    fn heard(&mut self, shard: ShardId, event: &HubEvent) -> Result<(), String> {
        let Some(news) = News::heard(event) else { return Ok(()) };
        let due = self.news.get_mut(&shard).and_then(VecDeque::pop_front);
        ensure(due.as_ref() == Some(&news), || {
            format!("shard {} reports {news:?}, not {due:?}", shard.0)
        })
    }

    fn over(&self) -> Result<(), String> {
        let all = self.released.len();
        let behind = self.told.iter().find(|(_, told)| **told < all);
        ensure(behind.is_none(), || format!("{behind:?} of {all} releases"))?;
        let unheard = self.news.iter().find(|(_, news)| !news.is_empty());
        ensure(unheard.is_none(), || format!("the hub never hears {unheard:?}"))
    }
}

impl News {
    fn said(action: &Action) -> Option<Self> {
        match action {
            Action::Interest { channel, wanted } => {
                Some(Self::Interest { channel: channel.to_string(), wanted: *wanted })
            }
            Action::Forget { channel, id } => {
                Some(Self::Forget { channel: channel.to_string(), id: id.to_string() })
            }
            _ => None,
        }
    }

    fn heard(event: &HubEvent) -> Option<Self> {
        match event {
            HubEvent::Interest { channel, wanted, .. } => {
                Some(Self::Interest { channel: channel.to_string(), wanted: *wanted })
            }
            HubEvent::Forget { channel, id } => {
                Some(Self::Forget { channel: channel.to_string(), id: id.to_string() })
            }
            HubEvent::Publish { .. } | HubEvent::Recover | HubEvent::Deadline => None,
        }
    }
}
