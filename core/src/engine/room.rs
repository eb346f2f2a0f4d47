//! What a peak leaves behind: every table that it has enlarged gives its room back.

use std::sync::Arc;

use bytes::Bytes;

use super::{Action, Actions, ClientGone, Config, Engine, Event, KEPT_SLOTS, Request};
use crate::ground::{CallId, ConnId, Seed, ShardId, Span, Time, UnixTime};
use crate::message::{BodySize, Fields, RequestHead, ResponseHead, Version};
use crate::route::parse_routes;
use crate::ws::Upgrade;

const MANY: u32 = 4 * KEPT_SLOTS as u32;

/// An engine with the calls that it has under way.
struct Peak {
    engine: Engine,
    now: Time,
    out: Actions,
    calls: Vec<CallId>,
}

impl Peak {
    fn new() -> Self {
        let routes = "*,path_beg=/ws a:80,over_http\n* a:80";
        let routes = parse_routes(routes, &mut |_| Err(String::new())).table;
        let config = Arc::new(Config { routes, ..Config::default() });
        let engine = Engine::new(config, ShardId(0), Seed(1), UnixTime(0));
        Self { engine, now: Time::ZERO, out: Actions::new(), calls: Vec::new() }
    }

    fn tell(&mut self, event: Event) {
        self.engine.handle(self.now, event, &mut self.out);
        for action in self.out.list.drain(..) {
            if let Action::Call { call, .. } = action {
                self.calls.push(call);
            }
        }
        self.out.clear();
    }

    /// Holds `MANY` requests for a path, each on a channel of its own.
    fn hold(&mut self, mode: &'static str) {
        for slot in 0..MANY {
            let (conn, channel) = (conn(slot), slot.to_string());
            self.tell(Event::Request { conn, request: request("/", &[]) });
            let mut head = ResponseHead::new(http::StatusCode::OK);
            head.fields.push("Grip-Hold", mode);
            head.fields.push("Grip-Channel", channel);
            self.tell(Event::OriginHead { conn, head, body: BodySize::Empty });
            self.tell(Event::OriginData { conn, data: Bytes::new(), end: true });
        }
    }

    /// Opens `MANY` WebSockets, each on a channel of its own.
    fn upgrade(&mut self) {
        const ASKS: [(&str, &str); 4] = [
            ("Upgrade", "websocket"),
            ("Connection", "Upgrade"),
            ("Sec-WebSocket-Version", "13"),
            ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ];
        for slot in 0..MANY {
            let request = request("/ws", &ASKS);
            let Upgrade::Valid(accept) = Upgrade::of(&request.head, request.body) else {
                panic!("it is an upgrade");
            };
            self.tell(Event::Upgrade { conn: conn(slot), request, accept });
            let order = format!(r#"c:{{"type":"subscribe","channel":"{slot}"}}"#);
            self.answer_calls(&format!("OPEN\r\nTEXT {:x}\r\n{order}\r\n", order.len()));
        }
    }

    fn answer_calls(&mut self, events: &str) {
        for call in std::mem::take(&mut self.calls) {
            let mut head = ResponseHead::new(http::StatusCode::OK);
            head.fields.push("Content-Type", "application/websocket-events");
            head.fields.push("Sec-WebSocket-Extensions", "grip");
            self.tell(Event::CallHead { call, head, body: BodySize::Unknown });
            let data = Bytes::copy_from_slice(events.as_bytes());
            self.tell(Event::CallData { call, data, end: true });
        }
    }

    fn all_leave(&mut self) {
        for slot in 0..MANY {
            self.tell(Event::Gone { conn: conn(slot), why: ClientGone::Left });
        }
        self.answer_calls("");
    }

    fn assert_small(&self) {
        let Engine { exchanges, calls, sockets, index, wheel, .. } = &self.engine;
        assert!(exchanges.is_empty() && calls.iter().next().is_none());
        let slots = [
            exchanges.slots(),
            wheel.slots(),
            calls.slots(),
            sockets.slots(),
            index.slots(),
            self.engine.due.capacity(),
        ];
        assert!(slots.iter().all(|&slots| slots <= KEPT_SLOTS), "{slots:?}");
    }
}

fn conn(slot: u32) -> ConnId {
    ConnId { slot, generation: 0 }
}

fn request(target: &'static str, fields: &[(&'static str, &'static str)]) -> Request {
    let fields = fields.iter().copied().chain([("Host", "a")]);
    let head = RequestHead {
        method: http::Method::GET,
        target: target.into(),
        version: Version::Http11,
        fields: Fields::from_iter(fields),
    };
    Request { head, body: BodySize::Empty, peer: None, secure: false }
}

#[test]
fn streams_that_have_left_keep_no_room() {
    let mut peak = Peak::new();
    peak.hold("stream");
    assert_eq!(peak.engine.exchanges(), MANY as usize);
    peak.all_leave();
    peak.assert_small();
}

#[test]
fn sockets_that_have_left_keep_no_room_nor_do_their_farewells() {
    let mut peak = Peak::new();
    peak.upgrade();
    assert_eq!(peak.engine.subscribers("7"), 1);
    peak.all_leave();
    peak.assert_small();
}

#[test]
fn resp_10_polls_that_have_left_keep_no_room_once_their_channels_have_lingered() {
    let mut peak = Peak::new();
    peak.hold("response");
    peak.all_leave();
    assert_eq!(peak.engine.index.slots(), MANY as usize);
    peak.now = peak.now + peak.engine.config.limits.subscription_linger + Span::from_secs(1);
    peak.tell(Event::Deadline);
    peak.assert_small();
}

#[test]
fn polls_that_end_at_one_time_keep_no_room() {
    let mut peak = Peak::new();
    peak.hold("response");
    peak.now = peak.now + peak.engine.config.limits.hold_timeout + Span::from_secs(1);
    peak.tell(Event::Deadline);
    peak.now = peak.now + peak.engine.config.limits.subscription_linger + Span::from_secs(1);
    peak.tell(Event::Deadline);
    peak.assert_small();
}
