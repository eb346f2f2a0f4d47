//! An engine that breaks a rule.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use holdfast_core::engine::{Action, CallBody, CallRequest, Engine, Event, OriginFault};
use holdfast_core::ground::{CallId, Limits, Span};
use holdfast_core::message::Fields;
use holdfast_core::publish::{Item, Release, Scope};

use super::socket;
use crate::sabotage::Sabotage;
use crate::script::{AskId, Place};

#[derive(Debug)]
pub(crate) struct BadEngine {
    rule: Option<Sabotage>,
    /// The id of the last item on each channel.
    last: BTreeMap<String, Option<String>>,
    /// The calls that are under way.
    calls: BTreeMap<CallId, Box<CallRequest>>,
    /// One that has failed.
    failed: Option<(CallId, Box<CallRequest>)>,
    /// A release that was held up.
    kept: Option<Release>,
}

impl BadEngine {
    pub(crate) fn new(rule: Option<Sabotage>) -> Self {
        Self { rule, last: BTreeMap::new(), calls: BTreeMap::new(), failed: None, kept: None }
    }

    /// The bounds that it keeps.
    pub(crate) fn limits(&self, limits: &mut Limits) {
        if self.rule == Some(Sabotage::RushRecoveries) {
            (limits.recoveries_per_second, limits.recovery_burst) = (u32::MAX, u32::MAX);
        }
        if self.rule == Some(Sabotage::WaitForClose) {
            limits.close_timeout = Span::from_secs(10_000);
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
            let over = self.calls.remove(call).map(|request| (*call, request));
            let hasty = rule == Sabotage::RetryAtOnce
                && matches!(event, Event::CallFailed { fault: OriginFault::Broken, .. });
            self.failed = over.filter(|(_, request)| hasty && is_page(request));
        }
        let Some(event) = socket::hears(rule, event) else { return Vec::new() };
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
                if rule == Sabotage::TakeErrors
                    && self.calls.get(&call).is_some_and(|call| is_page(call))
                {
                    head.status = http::StatusCode::OK;
                }
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
            let Some(action) = socket::says(rule, action, list) else { continue };
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
        if let Some((call, request)) = self.failed.take() {
            list.push(Action::Call { call: other(call), request });
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
        self.calls.insert(call, request.clone());
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
            list.push(Action::Call { call: other(call), request });
        }
        None
    }

    fn hears_of(&mut self, rule: Sabotage, engine: &Engine, release: Release) -> Option<Release> {
        let busy = !self.calls.is_empty();
        match (rule, release) {
            (Sabotage::MissRecover, Release::Recover(Scope::All)) => None,
            (Sabotage::MissFirst, Release::Recover(Scope::Channels(_))) => None,
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
        let mut heard = (*item).clone();
        match rule {
            Sabotage::DeafWhileFetching if self.calls.values().any(|call| is_page(call)) => {
                return None;
            }
            Sabotage::DeafWhileRetrying if self.calls.values().any(|call| is_retry(call)) => {
                heard.response = None
            }
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
            Sabotage::HoldUnrepairable if is_unrepairable(fields) => {
                fields.push("Grip-Link", "</>; rel=next");
            }
            _ => {}
        }
    }
}

/// Whether a head asks for a stream hold with a position and no link.
fn is_unrepairable(fields: &Fields) -> bool {
    let says = |name, what: &str| {
        fields.first(name).is_some_and(|value| String::from_utf8_lossy(value).contains(what))
    };
    says("grip-hold", "stream") && says("grip-channel", "prev-id") && !fields.has("grip-link")
}

fn is_page(request: &CallRequest) -> bool {
    matches!(Place::parse(&request.head.target), Some(Place::Page { .. }))
}

fn is_retry(request: &CallRequest) -> bool {
    matches!(Place::parse(&request.head.target), Some(Place::Ask(_)))
}

/// A call that the engine does not know.
fn other(call: CallId) -> CallId {
    CallId { slot: call.slot, generation: u32::MAX - call.generation }
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
