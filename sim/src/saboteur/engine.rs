//! An engine that breaks a rule.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;
use holdfast_core::engine::{Action, CallBody, CallRequest, Engine, Event, OriginFault};
use holdfast_core::ground::{CallId, Limits};
use holdfast_core::message::Fields;
use holdfast_core::publish::{Item, Release, Scope};

use crate::sabotage::Sabotage;
use crate::script::{AskId, Place};

#[derive(Debug)]
pub(crate) struct BadEngine {
    rule: Option<Sabotage>,
    /// The id of the last item on each channel.
    last: BTreeMap<String, Option<String>>,
    /// The calls that are under way.
    calls: BTreeSet<CallId>,
    /// A release that was held up.
    kept: Option<Release>,
}

impl BadEngine {
    pub(crate) fn new(rule: Option<Sabotage>) -> Self {
        Self { rule, last: BTreeMap::new(), calls: BTreeSet::new(), kept: None }
    }

    /// The bounds that it keeps.
    pub(crate) fn limits(&self, limits: &mut Limits) {
        if self.rule == Some(Sabotage::RushRecoveries) {
            (limits.recoveries_per_second, limits.recovery_burst) = (u32::MAX, u32::MAX);
        }
    }

    /// In which order releases reach it.
    pub(crate) fn receives(&mut self, release: Release) -> Option<Release> {
        match self.rule {
            Some(Sabotage::Overtake) => self.kept.replace(release),
            _ => Some(release),
        }
    }

    /// What it hears of what happens to it.
    pub(crate) fn hears(&mut self, engine: &Engine, event: Event) -> Vec<Event> {
        let Some(rule) = self.rule else { return vec![event] };
        if let Event::CallData { call, end: true, .. } | Event::CallFailed { call, .. } = &event {
            self.calls.remove(call);
        }
        match event {
            Event::Released(release) => {
                let heard = self.hears_of(rule, engine, release);
                let times = if rule == Sabotage::TellTwice { 2 } else { 1 };
                heard.into_iter().cycle().take(times).map(Event::Released).collect()
            }
            Event::CallData { call, data, end } if !data.is_empty() => match rule {
                Sabotage::JoinTwice => {
                    vec![Event::CallData {
                        call,
                        data: [&data[..], &data[..]].concat().into(),
                        end,
                    }]
                }
                Sabotage::LosePage => vec![Event::CallData { call, data: Bytes::new(), end }],
                _ => vec![Event::CallData { call, data, end }],
            },
            Event::CallHead { call, mut head, body } => {
                self.hears_head(rule, &mut head.fields);
                vec![Event::CallHead { call, head, body }]
            }
            Event::OriginHead { conn, mut head, body } => {
                self.hears_head(rule, &mut head.fields);
                vec![Event::OriginHead { conn, head, body }]
            }
            Event::Request { conn, mut request } => {
                if rule == Sabotage::RepeatPosts {
                    request.head.method = http::Method::GET;
                }
                vec![Event::Request { conn, request }]
            }
            event => vec![event],
        }
    }

    /// What comes of its words; and what it hears at once in reply.
    pub(crate) fn says(&mut self, list: &mut Vec<Action>) -> Vec<Event> {
        let Some(rule) = self.rule else { return Vec::new() };
        let mut replies = Vec::new();
        for action in core::mem::take(list) {
            match action {
                Action::Call { call, request } => {
                    replies.extend(self.calls(rule, call, request, list));
                }
                Action::DropCall { call } => {
                    self.calls.remove(&call);
                    if rule != Sabotage::LeaveCalls {
                        list.push(action);
                    }
                }
                Action::Forget { .. } if rule == Sabotage::KeepLast => {}
                action => list.push(action),
            }
        }
        replies
    }

    /// What comes of a call; its failure if there is none.
    fn calls(
        &mut self,
        rule: Sabotage,
        call: CallId,
        mut request: Box<CallRequest>,
        list: &mut Vec<Action>,
    ) -> Option<Event> {
        let Some(place) = Place::parse(&request.head.target) else {
            list.push(Action::Call { call, request });
            return None;
        };
        let lost = match place {
            Place::Gone(_) => Sabotage::NoFarewell,
            Place::Ask(_) | Place::Page { .. } => Sabotage::NeverAsk,
        };
        if rule == lost {
            return Some(Event::CallFailed { call, fault: OriginFault::Broken });
        }
        self.calls.insert(call);
        match rule {
            Sabotage::AskAnywhere => request.head.fields.remove("grip-last"),
            Sabotage::AskBehind => step_back(&mut request.head.fields),
            _ => {}
        }
        let also = match (rule, place) {
            (Sabotage::FarewellTwice, Place::Gone(_)) => Some(request.clone()),
            (Sabotage::FarewellEarly, Place::Ask(ask)) => Some(farewell(request.clone(), ask)),
            _ => None,
        };
        list.push(Action::Call { call, request });
        if let Some(request) = also {
            let call = CallId { slot: call.slot, generation: u32::MAX - call.generation };
            list.push(Action::Call { call, request });
        }
        None
    }

    fn hears_of(&mut self, rule: Sabotage, engine: &Engine, release: Release) -> Option<Release> {
        let busy = !self.calls.is_empty();
        match (rule, release) {
            (Sabotage::MissRecover, Release::Recover(Scope::All)) => None,
            (Sabotage::MissFirst, Release::Recover(Scope::Channel(_))) => None,
            (Sabotage::RecoverOnce, Release::Recover(_)) if busy => None,
            (_, Release::Item { item, sequenced }) => {
                let item = self.hears_item(rule, engine, item)?;
                Some(Release::Item { item, sequenced })
            }
            (_, release) => Some(release),
        }
    }

    fn hears_item(
        &mut self,
        rule: Sabotage,
        engine: &Engine,
        item: Arc<Item>,
    ) -> Option<Arc<Item>> {
        let busy = !self.calls.is_empty();
        let mut heard = (*item).clone();
        match rule {
            Sabotage::DeafWhileAsking if busy => return None,
            Sabotage::MissConflict if engine.subscribers(&item.channel) == 0 => return None,
            Sabotage::IgnoreGap => {
                let last = self.last.get(&item.channel).cloned().flatten();
                heard.prev_id = last.filter(|_| item.prev_id.is_some()).or(heard.prev_id);
            }
            Sabotage::StandStill => heard.id.clone_from(&item.prev_id),
            _ => {}
        }
        self.last.insert(item.channel.clone(), item.id.clone());
        Some(Arc::new(heard))
    }

    fn hears_head(&self, rule: Sabotage, fields: &mut Fields) {
        match rule {
            Sabotage::ShareAll => fields.push("Cache-Control", "public"),
            Sabotage::TrustSilence => {
                let links = fields.first("grip-link").map(|value| String::from_utf8_lossy(value));
                let links = links.map(|links| links.replace("timeout=", "timeout=9"));
                if let Some(links) = links {
                    fields.set("grip-link", links);
                }
            }
            _ => {}
        }
    }
}

/// Makes a farewell to the session of a request out of another request.
fn farewell(mut request: Box<CallRequest>, ask: AskId) -> Box<CallRequest> {
    request.head.method = http::Method::POST;
    request.head.target = format!("/a/{}", Place::Gone(ask).name()).into();
    request.body = CallBody::Bytes(Bytes::new());
    request
}

/// Names a position before the true one.
fn step_back(fields: &mut Fields) {
    let last = fields.first("grip-last").map(|value| String::from_utf8_lossy(value).into_owned());
    let Some(last) = last else { return };
    let Some((channel, id)) = last.split_once("last-id=") else { return };
    let Ok(id) = id.parse::<u64>() else { return };
    fields.set("grip-last", format!("{channel}last-id={}", id.saturating_sub(1)));
}
