//! One engine with its clock, driven by hand.

use std::sync::Arc;

use crate::contract::Contract;
use bytes::Bytes;
use holdfast_core::engine::{
    Action, Actions, CallBody, CallRead, CallRequest, ClientGone, Config, Engine, Event,
    FanoutShape, OriginFault, Outgoing, Request,
};
use holdfast_core::ground::{
    CallId, ConnId, Count, Limits, ReceiptId, Seed, ShardId, Span, Time, UnixTime,
};
use holdfast_core::message::{BodySize, Fields, RequestHead, ResponseHead, Version};
use holdfast_core::publish::{Release, parse_items};
use holdfast_core::route::parse_routes;

/// An engine, the time it is, and what it did last.
pub struct Shard {
    pub engine: Engine,
    pub now: Time,
    out: Actions,
    contract: Contract,
    /// Every call that was ever made, in order; tests name them by their number.
    calls: Vec<(CallId, CallRequest)>,
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
    /// A call by its number: its method, target and positions, and its body if there is one.
    Call(usize, String),
    ReadWhole(usize),
    ReadPiece(usize),
    DropCall(usize),
    Forget(String, String),
    Reached(u32),
    Socket(u32, String),
}

/// Fields of a message.
pub type Said = [(&'static str, &'static str)];

pub fn conn(slot: u32) -> ConnId {
    ConnId { slot, generation: 0 }
}

/// Bytes were written to a client.
pub fn write(slot: u32, data: &str) -> Did {
    Did::Write(slot, data.to_owned())
}

/// The engine has asked a backend: the `number`th call.
pub fn call(number: usize, what: &str) -> Did {
    Did::Call(number, what.to_owned())
}

/// A last id contradicts what a backend says.
pub fn forget(channel: &str, id: &str) -> Did {
    Did::Forget(channel.to_owned(), id.to_owned())
}

/// A channel is wanted, or no longer.
pub fn interest(channel: &str, wanted: bool) -> Did {
    Did::Interest(channel.to_owned(), wanted)
}

/// A client was answered 200.
pub fn respond(slot: u32, body: &str) -> Did {
    Did::Respond(slot, 200, body.to_owned())
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
        Self::configured(routes, |config| change(&mut config.limits))
    }

    /// A shard with these routes and a changed configuration.
    pub fn configured(routes: &str, change: impl FnOnce(&mut Config)) -> Self {
        let loaded = parse_routes(routes, &mut |path| Err(format!("no file {path}")));
        assert!(loaded.errors.is_empty(), "{:?}", loaded.errors);
        let mut config = Config { routes: loaded.table, ..Config::default() };
        change(&mut config);
        let engine = Engine::new(Arc::new(config), ShardId(0), Seed(1), UnixTime(1_790_000_000));
        let (out, contract) = (Actions::new(), Contract::default());
        Self { engine, now: Time::ZERO, out, contract, calls: Vec::new() }
    }

    /// Hands over an event and says what the engine did.
    pub fn handle(&mut self, event: Event) -> Vec<Did> {
        self.out.clear();
        self.contract.tells(&event);
        self.engine.handle(self.now, event, &mut self.out);
        self.engine.audit().expect("the engine is sound");
        let Actions { list, targets } = &self.out;
        let mut did = Vec::new();
        for action in list {
            self.contract.does(action);
            if let Action::Call { call, request } = action {
                self.calls.push((*call, (**request).clone()));
            }
            let number = |call: &CallId| {
                self.calls
                    .iter()
                    .rposition(|(known, _)| known == call)
                    .expect("a call that was made")
            };
            did.extend(seen(action, targets, number));
        }
        self.contract.settles();
        did
    }

    /// Fails if anything is left: exchanges, subscriptions, calls, timers. Lingering channels are waited for.
    pub fn assert_idle(&mut self) {
        self.wait(Span::from_secs(60));
        assert_eq!((self.engine.exchanges(), self.contract.calls()), (0, 0));
        assert_eq!(self.engine.deadline(), None);
    }

    /// What was counted.
    pub fn count(&self, what: Count) -> u64 {
        self.engine.counters().of(what)
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
        &self.outgoing().head
    }

    /// The same with its body.
    pub fn outgoing(&self) -> &Outgoing {
        let mut requests = self.out.list.iter().filter_map(|action| match action {
            Action::Forward { request, .. } => Some(request),
            _ => None,
        });
        requests.next_back().expect("a request was forwarded")
    }

    /// The request of a call.
    pub fn call(&self, number: usize) -> &CallRequest {
        &self.calls[number].1
    }

    /// The id of a call.
    pub fn call_id(&self, number: usize) -> CallId {
        self.calls[number].0
    }

    /// Up to how many bytes a call is read whole, if it is.
    pub fn limit(&self, number: usize) -> Option<usize> {
        self.contract.limit(self.calls[number].0)
    }

    /// The answer to a call begins.
    pub fn call_head(&mut self, number: usize, status: u16, fields: &Said) -> Vec<Did> {
        let call = self.calls[number].0;
        let head = response(status, fields);
        self.handle(Event::CallHead { call, head, body: BodySize::Unknown })
    }

    /// The answer to a call begins, and the size of its body is known.
    pub fn call_sized(&mut self, number: usize, fields: &Said, size: u64) -> Vec<Did> {
        let (call, head) = (self.calls[number].0, response(200, fields));
        self.handle(Event::CallHead { call, head, body: BodySize::Known(size) })
    }

    /// A piece of the answer to a call.
    pub fn call_data(&mut self, number: usize, data: &str, end: bool) -> Vec<Did> {
        let (call, data) = (self.calls[number].0, Bytes::copy_from_slice(data.as_bytes()));
        self.handle(Event::CallData { call, data, end })
    }

    /// A call fails.
    pub fn call_failed(&mut self, number: usize, fault: OriginFault) -> Vec<Did> {
        self.handle(Event::CallFailed { call: self.calls[number].0, fault })
    }

    /// The whole answer to a call.
    pub fn answer(&mut self, number: usize, fields: &Said, body: &str) -> Vec<Did> {
        self.call_head(number, 200, fields);
        self.call_data(number, body, true)
    }

    /// A client leaves.
    pub fn gone(&mut self, slot: u32) -> Vec<Did> {
        self.handle(Event::Gone { conn: conn(slot), why: ClientGone::Left })
    }

    /// So many bytes wait for a client.
    pub fn backlog(&mut self, slot: u32, bytes: u64) -> Vec<Did> {
        self.handle(Event::Backlog { conn: conn(slot), bytes })
    }

    /// `GET target` on a connection.
    pub fn get(&mut self, slot: u32, target: &str) -> Vec<Did> {
        self.request(slot, "GET", target, &[])
    }

    /// A request without body.
    pub fn request(&mut self, slot: u32, method: &str, target: &str, fields: &Said) -> Vec<Did> {
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
    pub fn origin(&mut self, slot: u32, status: u16, fields: &Said) -> Vec<Did> {
        let head = response(status, fields);
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
    pub fn hold(&mut self, slot: u32, fields: &Said, body: &'static str) -> Vec<Did> {
        self.get(slot, "/");
        let mut did = self.origin(slot, 200, fields);
        did.extend(self.body(slot, body, true));
        did
    }

    /// The same for a `POST` with a body of `size` bytes.
    pub fn hold_post(&mut self, size: u64, fields: &Said) {
        let head = RequestHead {
            method: http::Method::POST,
            target: Bytes::from_static(b"/"),
            version: Version::Http11,
            fields: Fields::from_iter([("Host", "example.com")]),
        };
        let request = Request { head, body: BodySize::Known(size), peer: None, secure: false };
        self.handle(Event::Request { conn: conn(0), request });
        self.origin(0, 200, fields);
        self.body(0, "none", true);
    }

    /// One item, given as JSON, is delivered outside the sequence of its channel.
    pub fn publish(&mut self, item: &str) -> Vec<Did> {
        self.release(item, false, false)
    }

    /// One item, given as JSON, is delivered as the next of its channel.
    pub fn sequence(&mut self, item: &str) -> Vec<Did> {
        self.release(item, true, false)
    }

    /// As [`Self::publish`], and the publisher wants to know how many it reached.
    pub fn publish_counted(&mut self, item: &str) -> Vec<Did> {
        self.release(item, false, true)
    }

    fn release(&mut self, item: &str, sequenced: bool, counted: bool) -> Vec<Did> {
        let items = parse_items(format!(r#"{{"items": [{item}]}}"#).as_bytes()).expect("an item");
        let mut item = items.into_iter().next().expect("one item");
        item.receipt = counted.then_some(RECEIPT);
        self.handle(Event::Released(Release::Item { item: Arc::new(item), sequenced }))
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

/// The only receipt that tests ask for.
const RECEIPT: ReceiptId = ReceiptId(1);

fn response(status: u16, fields: &Said) -> ResponseHead {
    let mut head = ResponseHead::new(status.try_into().expect("a status"));
    head.fields = fields.iter().copied().collect::<Fields>();
    head
}

/// An item as JSON: its channel, its id and the one before, and what it is to streams and polls alike.
pub fn item(channel: &str, id: &str, prev_id: &str, text: &str) -> String {
    let formats =
        format!(r#""http-stream": {{"content": "{text}"}}, "http-response": {{"body": "{text}"}}"#);
    let ids = match (id, prev_id) {
        ("", "") => String::new(),
        (id, "") => format!(r#""id": "{id}", "#),
        ("", prev_id) => format!(r#""prev-id": "{prev_id}", "#),
        (id, prev_id) => format!(r#""id": "{id}", "prev-id": "{prev_id}", "#),
    };
    format!(r#"{{"channel": "{channel}", {ids}{formats}}}"#)
}

fn seen(action: &Action, targets: &[ConnId], number: impl Fn(&CallId) -> usize) -> Vec<Did> {
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
        Action::Call { call, request } => Did::Call(number(call), shown(request)),
        Action::ReadCall { call, read: CallRead::Whole { .. } } => Did::ReadWhole(number(call)),
        Action::ReadCall { call, read: CallRead::Piece } => Did::ReadPiece(number(call)),
        Action::DropCall { call } => Did::DropCall(number(call)),
        Action::Forget { channel, id } => Did::Forget(channel.to_string(), id.to_string()),
        Action::Reached { receipt, holds } => {
            assert_eq!(*receipt, RECEIPT);
            Did::Reached(*holds)
        }
        Action::Socket { conn, action } => Did::Socket(conn.slot, crate::sockets::shown(action)),
        Action::Fanout { shape, targets: range, .. } => {
            let targets = &targets[range.start as usize..range.end as usize];
            let each = |conn: &ConnId| match shape {
                FanoutShape::Data(data) | FanoutShape::Frame(data) => {
                    Did::Write(conn.slot, text(data))
                }
                FanoutShape::Finish => Did::Finish(conn.slot),
            };
            return targets.iter().map(each).collect();
        }
    };
    vec![one]
}

fn shown(request: &CallRequest) -> String {
    let head = &request.head;
    let mut words = vec![head.method.to_string(), text(&head.target)];
    words.extend(head.fields.all("Grip-Last").map(|last| format!("({})", text(last))));
    match &request.body {
        CallBody::Bytes(body) if body.is_empty() => {}
        CallBody::Bytes(body) => words.push(text(body)),
        CallBody::OfClient(conn) => words.push(format!("body of {}", conn.slot)),
    }
    words.join(" ")
}
