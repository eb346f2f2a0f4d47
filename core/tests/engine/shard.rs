//! One engine with its clock, driven by hand.

use std::sync::Arc;

use bytes::Bytes;
use holdfast_core::engine::{
    Action, Actions, Config, Engine, Event, FanoutShape, OriginFault, Request,
};
use holdfast_core::ground::{ConnId, Limits, Seed, ShardId, Span, Time, UnixTime};
use holdfast_core::message::{BodySize, Fields, RequestHead, ResponseHead, Version};
use holdfast_core::publish::parse_items;
use holdfast_core::route::parse_routes;

/// An engine, the time it is, and what it did last.
pub struct Shard {
    pub engine: Engine,
    pub now: Time,
    out: Actions,
}

/// What the engine did, in a form that tests compare.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Did {
    Forward(u32, String),
    Relay(u32, u16),
    Collect(u32),
    Stream(u32),
    DropOrigin(u32),
    Respond(u32, u16, String),
    Begin(u32, u16),
    Write(u32, String),
    Finish(u32),
    Abort(u32),
    Interest(String, bool),
}

pub fn conn(slot: u32) -> ConnId {
    ConnId { slot, generation: 0 }
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

impl Shard {
    /// A shard with these routes and the default limits.
    pub fn new(routes: &str) -> Self {
        Self::with(routes, |_| {})
    }

    /// A shard with these routes and changed limits.
    pub fn with(routes: &str, change: impl FnOnce(&mut Limits)) -> Self {
        let loaded = parse_routes(routes, &mut |path| Err(format!("no file {path}")));
        assert!(loaded.errors.is_empty(), "{:?}", loaded.errors);
        let mut config = Config { routes: loaded.table, ..Config::default() };
        change(&mut config.limits);
        let engine = Engine::new(Arc::new(config), ShardId(0), Seed(1), UnixTime(1_790_000_000));
        Self { engine, now: Time::ZERO, out: Actions::new() }
    }

    /// Hands over an event and says what the engine did.
    pub fn handle(&mut self, event: Event) -> Vec<Did> {
        self.out.clear();
        self.engine.handle(self.now, event, &mut self.out);
        self.engine.audit().expect("the engine is sound");
        let Actions { list, targets } = &self.out;
        list.iter().flat_map(|action| seen(action, targets)).collect()
    }

    /// The head that the last call sent to a client.
    pub fn head(&self) -> &ResponseHead {
        let mut heads = self.out.list.iter().filter_map(|action| match action {
            Action::Respond { response, .. } => Some(&response.head),
            Action::Relay { head, .. } | Action::Begin { head, .. } => Some(head),
            _ => None,
        });
        heads.next_back().expect("a head went to the client")
    }

    /// The request that the last call sent to an origin.
    pub fn forwarded(&self) -> &RequestHead {
        let mut heads = self.out.list.iter().filter_map(|action| match action {
            Action::Forward { request, .. } => Some(&request.head),
            _ => None,
        });
        heads.next_back().expect("a request was forwarded")
    }

    /// `GET target` on a connection.
    pub fn get(&mut self, slot: u32, target: &str) -> Vec<Did> {
        self.request(slot, "GET", target, &[])
    }

    /// A request without body.
    pub fn request(
        &mut self,
        slot: u32,
        method: &str,
        target: &str,
        fields: &[(&'static str, &'static str)],
    ) -> Vec<Did> {
        let host = [("Host", "example.com")];
        let head = RequestHead {
            method: method.parse().expect("a method"),
            target: Bytes::copy_from_slice(target.as_bytes()),
            version: Version::Http11,
            fields: host.iter().chain(fields).copied().collect(),
        };
        let request = Request { head, body: BodySize::Empty, peer: None, secure: false };
        self.handle(Event::Request { conn: conn(slot), request })
    }

    /// The origin's head arrives.
    pub fn origin(
        &mut self,
        slot: u32,
        status: u16,
        fields: &[(&'static str, &'static str)],
    ) -> Vec<Did> {
        let mut head = ResponseHead::new(status.try_into().expect("a status"));
        head.fields = fields.iter().copied().collect::<Fields>();
        self.handle(Event::OriginHead { conn: conn(slot), head, body: BodySize::Unknown })
    }

    /// The origin's body arrives.
    pub fn body(&mut self, slot: u32, data: &'static str, end: bool) -> Vec<Did> {
        self.handle(Event::OriginData { conn: conn(slot), data: data.into(), end })
    }

    /// The origin fails.
    pub fn failed(&mut self, slot: u32, fault: OriginFault) -> Vec<Did> {
        self.handle(Event::OriginFailed { conn: conn(slot), fault })
    }

    /// A whole instruct: the request, and the origin's answer to it.
    pub fn hold(
        &mut self,
        slot: u32,
        fields: &[(&'static str, &'static str)],
        body: &'static str,
    ) -> Vec<Did> {
        self.get(slot, "/");
        let mut did = self.origin(slot, 200, fields);
        did.extend(self.body(slot, body, true));
        did
    }

    /// One item, given as JSON, is delivered.
    pub fn publish(&mut self, item: &str) -> Vec<Did> {
        let items = parse_items(format!(r#"{{"items": [{item}]}}"#).as_bytes()).expect("an item");
        let item = Arc::new(items.into_iter().next().expect("one item"));
        self.handle(Event::Deliver { item })
    }

    /// Lets time pass, with every deadline on the way.
    pub fn wait(&mut self, span: Span) -> Vec<Did> {
        let end = self.now + span;
        let mut did = Vec::new();
        while let Some((at, _)) = self.engine.deadline().filter(|(at, _)| *at <= end) {
            self.now = self.now.max(at);
            did.extend(self.handle(Event::Deadline));
            let moved = self.engine.deadline().is_none_or(|(next, _)| next > self.now);
            assert!(moved, "the deadline has moved");
        }
        self.now = end;
        did
    }
}

fn seen(action: &Action, targets: &[ConnId]) -> Vec<Did> {
    let one = match action {
        Action::Forward { conn, request } => Did::Forward(conn.slot, request.target.to_string()),
        Action::Relay { conn, head } => Did::Relay(conn.slot, head.status.as_u16()),
        Action::Collect { conn, .. } => Did::Collect(conn.slot),
        Action::Stream { conn } => Did::Stream(conn.slot),
        Action::DropOrigin { conn } => Did::DropOrigin(conn.slot),
        Action::Respond { conn, response } => {
            Did::Respond(conn.slot, response.head.status.as_u16(), text(&response.body))
        }
        Action::Begin { conn, head } => Did::Begin(conn.slot, head.status.as_u16()),
        Action::Write { conn, data } => Did::Write(conn.slot, text(data)),
        Action::Finish { conn } => Did::Finish(conn.slot),
        Action::Abort { conn } => Did::Abort(conn.slot),
        Action::Interest { channel, wanted } => Did::Interest(channel.to_string(), *wanted),
        Action::Fanout { shape, targets: range, .. } => {
            let targets = &targets[range.start as usize..range.end as usize];
            let each = |conn: &ConnId| match shape {
                FanoutShape::Data(data) => Did::Write(conn.slot, text(data)),
                FanoutShape::Finish => Did::Finish(conn.slot),
            };
            return targets.iter().map(each).collect();
        }
    };
    vec![one]
}
