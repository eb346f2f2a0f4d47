//! WebSockets in the engine: their backends, channels, filters and ends.

use holdfast_core::engine::{
    ClientGone, Event, OriginFault, Request, SocketAction, SocketEvent, SocketFrame,
};
use holdfast_core::ground::{Count, Span};
use holdfast_core::message::{BodySize, RequestHead, ResponseHead, Version};
use holdfast_core::ws::{Close, CloseCode, Kind, Upgrade};

use crate::shard::{Did, Said, Shard, conn, text};

const EVENTS: (&str, &str) = ("Content-Type", "application/websocket-events");
const GRIP: &Said = &[EVENTS, ("Sec-WebSocket-Extensions", "grip")];
const PLAIN: &Said = &[EVENTS];
const OPEN: &str = "OPEN\r\n";

/// What is done for a WebSocket, as tests compare it.
pub fn shown(action: &SocketAction) -> String {
    match action {
        SocketAction::Accept(head) => format!("accept {}", head.status.as_u16()),
        SocketAction::Send(frame) => format!("send {}", words(frame)),
        SocketAction::Pause => "pause".to_owned(),
        SocketAction::Resume => "resume".to_owned(),
        SocketAction::Connect(connect) => {
            let request = &connect.request;
            format!("connect {} {}", request.target, text(&request.head.target))
        }
        SocketAction::SendOrigin(frame) => format!("to backend {}", words(frame)),
    }
}

fn words(frame: &SocketFrame) -> String {
    match frame {
        SocketFrame::Data { kind: Kind::Text, payload, .. } => format!("text {}", text(payload)),
        SocketFrame::Data { kind: Kind::Binary, payload, .. } => {
            format!("binary {}", text(payload))
        }
        SocketFrame::Ping(payload) => format!("ping {}", text(payload)),
        SocketFrame::Pong(payload) => format!("pong {}", text(payload)),
        SocketFrame::Close(Close { code, reason }) => {
            format!("close {} {reason}", code.map_or(0, CloseCode::get)).trim_end().to_owned()
        }
    }
}

fn event(text: &str) -> String {
    format!("TEXT {:x}\r\n{text}\r\n", text.len())
}

fn control(json: &str) -> String {
    event(&format!("c:{json}"))
}

fn subscribe(channel: &str, filters: &str) -> String {
    control(&format!(r#"{{"type":"subscribe","channel":"{channel}","filters":[{filters}]}}"#))
}

fn meta(name: &str, value: &str) -> String {
    control(&format!(r#"{{"type":"set-meta","name":"{name}","value":"{value}"}}"#))
}

fn item(content: &str) -> String {
    format!(r#"{{"channel": "a", "ws-message": {{"content": "{content}"}}}}"#)
}

fn said(slot: u32, what: &str) -> Did {
    Did::Socket(slot, what.to_owned())
}

fn asked(number: usize, events: &str) -> Did {
    Did::Call(number, format!("POST /ws {events}").trim_end_matches(' ').to_owned())
}

fn interest(wanted: bool) -> Did {
    Did::Interest("a".to_owned(), wanted)
}

impl Shard {
    fn upgrade(&mut self, slot: u32, target: &'static str) -> Vec<Did> {
        self.upgrade_with(slot, target, &[])
    }

    fn upgrade_with(&mut self, slot: u32, target: &'static str, more: &Said) -> Vec<Did> {
        let fields = [
            ("Host", "example.com"),
            ("Upgrade", "websocket"),
            ("Connection", "Upgrade"),
            ("Sec-WebSocket-Version", "13"),
            ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ];
        let head = RequestHead {
            method: http::Method::GET,
            target: target.into(),
            version: Version::Http11,
            fields: fields.iter().chain(more).copied().collect(),
        };
        let Upgrade::Valid(accept) = Upgrade::of(&head, BodySize::Empty) else {
            panic!("it is valid")
        };
        let request = Request { head, body: BodySize::Empty, peer: None, secure: false };
        self.handle(Event::Upgrade { conn: conn(slot), request, accept })
    }

    /// A socket whose backend speaks WebSocket-over-HTTP and GRIP, and accepts with these events; `number` is
    /// that of the call.
    fn socket(&mut self, slot: u32, number: usize, events: &str) -> Vec<Did> {
        assert_eq!(self.upgrade(slot, "/ws"), [asked(number, OPEN)]);
        self.answer(number, GRIP, &format!("{OPEN}{events}"))
    }

    fn frame(&mut self, slot: u32, frame: SocketFrame) -> Vec<Did> {
        self.tell(slot, SocketEvent::Frame(frame))
    }

    fn tell(&mut self, slot: u32, event: SocketEvent) -> Vec<Did> {
        self.handle(Event::Socket { conn: conn(slot), event })
    }
}

fn data(text: &'static str) -> SocketFrame {
    SocketFrame::Data { kind: Kind::Text, first: true, last: true, payload: text.into() }
}

fn close(code: u64) -> SocketFrame {
    SocketFrame::Close(Close { code: CloseCode::new(code), reason: String::new() })
}

fn over_http() -> Shard {
    Shard::new("* localhost:80,over_http")
}

#[test]
fn woh_14_ctl_4_ctl_14_a_socket_opens_with_its_subscriptions_and_leaves_nothing_behind() {
    let mut shard = over_http();
    let opened = shard.socket(0, 0, &format!("{}{}", event("m:hi"), subscribe("a", "")));
    assert_eq!(opened, [interest(true), said(0, "accept 101"), said(0, "send text hi")]);
    assert_eq!(shard.publish(&item("x")), [Did::Write(0, "\u{fffd}\u{1}x".to_owned())]);
    assert_eq!(shard.frame(0, data("y")), [asked(1, &event("y"))]);
    assert_eq!(shard.answer(1, PLAIN, &event("m:z")), [said(0, "send text z")]);
    assert_eq!(shard.gone(0), [interest(false), asked(2, "DISCONNECT\r\n")]);
    assert_eq!(shard.publish(&item("x")), []);
    assert_eq!(shard.answer(2, PLAIN, ""), []);
    shard.assert_idle();
}

#[test]
fn woh_1_answers_must_be_readable_though_the_route_has_no_grip() {
    for route in ["*", "*,no_grip"] {
        let mut shard = Shard::new(&format!("{route} localhost:80,over_http"));
        shard.upgrade_with(0, "/ws", &[("Accept-Encoding", "gzip, br")]);
        let fields = &shard.call(0).head.fields;
        let encodings: Vec<_> = fields.all("Accept-Encoding").map(|value| text(value)).collect();
        assert_eq!(encodings, ["identity"], "{route}");
    }
}

#[test]
fn ws_5_without_a_route_there_is_no_socket() {
    let mut shard = Shard::new("example.org localhost:80,over_http");
    let did = shard.upgrade(0, "/ws");
    assert!(matches!(&did[..], [Did::Respond(0, 502, _)]), "{did:?}");
    shard.assert_idle();
}

#[test]
fn ws_13_targets_are_tried_until_one_answers_and_then_only_that() {
    let mut shard = Shard::new("* localhost:80,over_http localhost:81,over_http");
    shard.upgrade(0, "/ws");
    assert_eq!(shard.call_failed(0, OriginFault::Unreachable), [asked(1, OPEN)]);
    assert_eq!(shard.call(1).target.to_string(), "localhost:81");
    shard.answer(1, GRIP, OPEN);
    assert_eq!(shard.frame(0, data("x")), [asked(2, &event("x"))]);
    assert_eq!(shard.call(2).target.to_string(), "localhost:81");
    assert_eq!(shard.call_failed(2, OriginFault::Unreachable), [], "WOH-41: later");
    let again = shard.wait(Span::from_secs(2));
    assert_eq!(again, [asked(3, &event("x"))]);
    assert_eq!(shard.call(3).target.to_string(), "localhost:81");
    assert_eq!(shard.count(Count::RetriedEvents), 1);
}

#[test]
fn ws_10_ws_12_who_is_not_accepted_is_answered() {
    let mut shard = over_http();
    shard.upgrade(0, "/ws");
    shard.call_head(0, 403, &[]);
    assert_eq!(shard.call_data(0, "no", true), [Did::Respond(0, 403, "no".to_owned())]);
    shard.upgrade(1, "/ws");
    let failed = shard.call_failed(1, OriginFault::Unreachable);
    assert!(matches!(&failed[..], [Did::Respond(1, 502, _)]), "{failed:?}");
    shard.upgrade(2, "/ws");
    let silent = shard.wait(Span::from_secs(61));
    assert_eq!(silent[0], Did::DropCall(2), "WS-54");
    assert!(matches!(&silent[1..], [Did::Respond(2, 504, _)]), "{silent:?}");
    shard.assert_idle();
}

#[test]
fn ws_14_a_client_that_leaves_before_the_answer_is_reported_if_it_was_accepted() {
    for (answer, then) in [(OPEN, vec![asked(1, "DISCONNECT\r\n")]), ("", Vec::new())] {
        let mut shard = over_http();
        shard.upgrade(0, "/ws");
        assert_eq!(shard.gone(0), []);
        assert_eq!(shard.answer(0, GRIP, answer), then);
        if !then.is_empty() {
            shard.answer(1, PLAIN, "");
        }
        shard.assert_idle();
    }
}

#[test]
fn wpub_8_wpub_20_an_item_for_a_client_that_is_behind_waits_in_order_and_others_get_it_at_once() {
    let mut shard = over_http();
    shard.socket(0, 0, &subscribe("a", ""));
    shard.socket(1, 1, &subscribe("a", ""));
    shard.backlog(0, 1000);
    let did = shard.publish(&item("x"));
    assert_eq!(did, [said(0, "send text x"), Did::Write(1, "\u{fffd}\u{1}x".to_owned())]);
    shard.backlog(0, 0);
    assert_eq!(shard.publish(&item("y")).len(), 2, "two in one fan-out");
    shard.backlog(0, 2 << 20);
    let did = shard.publish(&item("z"));
    assert_eq!(did[0], said(0, "send close 1008"));
    assert_eq!(shard.count(Count::SlowClient), 1);
    assert_eq!(shard.publish(&item("z")), [Did::Write(1, "\u{fffd}\u{1}z".to_owned())]);
}

#[test]
fn ctl_10_channels_carry_the_routes_prefix_and_those_of_the_target_do_not() {
    let mut shard = Shard::new("*,prefix=p- localhost:80,over_http,sub=fixed");
    shard.upgrade(0, "/ws");
    let events = format!("{OPEN}{}{}", subscribe("a", ""), subscribe("a", ""));
    let opened = shard.answer(0, GRIP, &events);
    let wanted = |channel: &str| Did::Interest(channel.to_owned(), true);
    assert_eq!(opened, [wanted("fixed"), wanted("p-a"), said(0, "accept 101")]);
    assert_eq!(shard.engine.subscribers("p-a"), 1);
    assert_eq!(shard.publish(&item("x")), []);
    assert_eq!(shard.publish(&item("x").replace("\"a\"", "\"p-a\"")).len(), 1);
    shard.frame(0, data("go"));
    let left = shard.answer(1, PLAIN, &control(r#"{"type":"unsubscribe","channel":"a"}"#));
    assert_eq!(left, [Did::Interest("p-a".to_owned(), false)]);
}

#[test]
fn ctl_12_wpub_11_filters_of_sockets_know_their_meta() {
    let mut shard = over_http();
    let events = format!("{}{}", meta("user", "alice"), subscribe("a", r#""skip-users""#));
    shard.socket(0, 0, &events);
    let message = |users: &str| {
        format!(
            r#"{{"channel": "a", "meta": {{"skip_users": "{users}"}}, "ws-message": {{"content": "x"}}}}"#
        )
    };
    assert_eq!(shard.publish(&message("bob")), [said(0, "send text x")]);
    assert_eq!(shard.publish(&message("alice")), []);
    assert_eq!(shard.count(Count::Filtered), 1);
}

#[test]
fn ctl_12_the_later_filters_of_a_channel_replace_the_earlier() {
    let mut shard = over_http();
    shard.socket(0, 0, &subscribe("a", r#""var-subst""#));
    assert_eq!(shard.publish(&item("%(user)s")), [], "WPUB-12: no variable, no message");
    assert_eq!(shard.count(Count::FilterFailed), 1);
    shard.frame(0, data("go"));
    let events = format!("{}{}", subscribe("a", ""), subscribe("b", r#""what""#));
    assert_eq!(shard.answer(1, PLAIN, &events), []);
    assert_eq!(shard.publish(&item("%(user)s")).len(), 1);
    assert_eq!(shard.engine.subscribers("b"), 0);
    assert_eq!(shard.count(Count::FilterUnknown), 1);
}

#[test]
fn wpub_8_what_a_check_holds_up_goes_on_in_order() {
    let mut shard = over_http();
    let events = format!("{}{}", meta("url", "/check"), subscribe("a", r#""http-check""#));
    shard.socket(0, 0, &events);
    let check = |number| Did::Call(number, "POST /check".to_owned());
    assert_eq!(shard.publish(&item("one")), [check(1)]);
    assert_eq!(shard.publish(&item("two")), []);
    assert_eq!(shard.publish(&item("three")), []);
    assert_eq!(shard.answer(1, &[], ""), [said(0, "send text one"), check(2)]);
    assert_eq!(shard.answer(2, &[("Action", "drop")], ""), [check(3)]);
    assert_eq!(shard.frame(0, data("talk")), [asked(4, &event("talk"))]);
    assert_eq!(shard.answer(3, &[], ""), [said(0, "send text three")]);
    shard.answer(4, PLAIN, "");
    shard.publish(&item("four"));
    let gone = shard.gone(0);
    assert_eq!(gone, [Did::DropCall(5), interest(false), asked(6, "DISCONNECT\r\n")]);
    shard.answer(6, PLAIN, "");
    shard.assert_idle();
}

#[test]
fn wpub_20_what_a_check_holds_up_has_a_limit() {
    let mut shard = Shard::with("* localhost:80,over_http", |limits| limits.waiting_bytes = 1500);
    let events = format!("{}{}", meta("url", "/check"), subscribe("a", r#""http-check""#));
    shard.socket(0, 0, &events);
    shard.publish(&item("one"));
    let long = item(&"x".repeat(1000));
    assert_eq!(shard.publish(&long), []);
    assert_eq!(shard.publish(&long)[0], said(0, "send close 1008"));
    assert_eq!(shard.count(Count::WaitingFull), 1);
    let gone = shard.gone(0);
    assert!(gone.contains(&Did::DropCall(1)), "{gone:?}");
}

#[test]
fn wpub_4_wpub_5_actions_reach_the_backend_or_the_client() {
    let mut shard = over_http();
    shard.socket(0, 0, &subscribe("a", ""));
    let action =
        |action: &str| format!(r#"{{"channel": "a", "ws-message": {{"action": {action}}}}}"#);
    assert_eq!(shard.publish(&action(r#""refresh""#)), [asked(1, "")]);
    shard.answer(1, PLAIN, "");
    assert_eq!(shard.publish(&action(r#""hint""#)), []);
    let closed = shard.publish(&action(r#""close", "code": 4000, "reason": "over""#));
    assert_eq!(closed, [said(0, "send close 4000 over"), asked(2, "CLOSE\r\n")]);
    assert_eq!(shard.publish(&item("late")), [], "WPUB-7");
    assert_eq!(shard.publish_counted(&item("late")), [Did::Reached(0)]);
    assert_eq!(shard.count(Count::ClosingSocket), 2, "and they do not count as delivered");
    assert_eq!(shard.frame(0, close(4000)), [interest(false), Did::Finish(0)]);
    shard.answer(2, PLAIN, "");
    shard.assert_idle();
}

#[test]
fn ops_20_a_drain_tells_everyone() {
    let mut shard = Shard::with("* localhost:80,over_http", |limits| {
        limits.drain_spread = Span::ZERO;
    });
    shard.socket(0, 0, &subscribe("a", ""));
    shard.upgrade(1, "/ws");
    let drained = shard.handle(Event::Drain);
    let open = [said(0, "send close 1001"), asked(2, "DISCONNECT\r\n")];
    assert_eq!(drained[..2], open);
    assert!(matches!(&drained[2..], [Did::Respond(1, 503, _)]), "{drained:?}");
    let late = shard.upgrade(2, "/ws");
    assert!(matches!(&late[..], [Did::Respond(2, 503, _)]), "{late:?}");
    assert_eq!(shard.frame(0, close(1001)), [interest(false), Did::Finish(0)]);
    shard.answer(2, PLAIN, "");
    shard.answer(1, GRIP, OPEN);
    shard.answer(3, PLAIN, "");
    shard.assert_idle();
}

#[test]
fn ops_20_a_drain_is_spread_over_time() {
    let mut shard = Shard::with("* localhost:80,over_http", |limits| {
        limits.drain_spread = Span::from_secs(3);
    });
    for slot in 0..3 {
        shard.socket(slot, slot as usize, "");
    }
    let closed = |slot, call| [said(slot, "send close 1001"), asked(call, "DISCONNECT\r\n")];
    assert_eq!(shard.handle(Event::Drain), closed(0, 3));
    assert_eq!(shard.frame(1, data("x")), [asked(4, &event("x"))], "its turn has not come");
    assert_eq!(shard.gone(1), []);
    assert_eq!(shard.answer(4, PLAIN, ""), [asked(5, "DISCONNECT\r\n")]);
    assert_eq!(shard.wait(Span::from_millis(1999)), []);
    assert_eq!(shard.wait(Span::from_millis(1)), closed(2, 6));
    for slot in [0, 2] {
        shard.frame(slot, close(1001));
    }
    for call in [3, 5, 6] {
        shard.answer(call, PLAIN, "");
    }
    shard.assert_idle();
}

#[test]
fn woh_50_only_so_many_backends_are_told_at_once_that_a_client_is_gone() {
    let mut shard = Shard::with("* localhost:80,over_http", |limits| limits.socket_farewells = 1);
    for slot in 0..3 {
        shard.socket(slot, slot as usize, "");
    }
    shard.frame(2, data("x"));
    assert_eq!(shard.gone(0), [asked(4, "DISCONNECT\r\n")]);
    assert_eq!(shard.gone(1), []);
    assert_eq!(shard.gone(2), [Did::DropCall(3)]);
    assert_eq!(shard.count(Count::FarewellsDropped), 2);
    shard.answer(4, PLAIN, "");
    shard.assert_idle();
    shard.socket(0, 5, "");
    assert_eq!(shard.gone(0), [asked(6, "DISCONNECT\r\n")], "there is room again");
}

#[test]
fn ws_53_a_fan_out_keeps_a_quiet_client() {
    let mut shard = over_http();
    shard.socket(0, 0, &subscribe("a", ""));
    shard.wait(Span::from_secs(1700));
    assert_eq!(shard.publish(&item("x")).len(), 1);
    assert_eq!(shard.wait(Span::from_secs(1799)), []);
    let closed = shard.wait(Span::from_secs(2));
    assert_eq!(closed, [said(0, "send close 1001"), asked(1, "CLOSE\r\n")]);
    assert_eq!(shard.count(Count::SocketIdle), 1);
    assert_eq!(shard.wait(Span::from_secs(10)), [interest(false), Did::Finish(0)]);
    shard.answer(1, PLAIN, "");
    shard.assert_idle();
}

#[test]
fn nat_1_a_native_backend_is_connected_to_and_talks() {
    let mut shard = Shard::new("* localhost:80 localhost:81");
    assert_eq!(shard.upgrade(0, "/ws"), [said(0, "connect localhost:80 /ws")]);
    let next = shard.failed(0, OriginFault::Unreachable);
    assert_eq!(next, [said(0, "connect localhost:81 /ws")]);
    let mut head = ResponseHead::new(http::StatusCode::SWITCHING_PROTOCOLS);
    head.fields.push("Sec-WebSocket-Extensions", "grip");
    let accepted = shard.tell(0, SocketEvent::OriginUpgraded(head));
    assert_eq!(accepted, [said(0, "accept 101")]);
    let backend = |shard: &mut Shard, frame| shard.tell(0, SocketEvent::OriginFrame(frame));
    let subscribe = data(r#"c:{"type": "subscribe", "channel": "a"}"#);
    assert_eq!(backend(&mut shard, subscribe), [interest(true)]);
    assert_eq!(backend(&mut shard, data("m:x")), [said(0, "send text x")]);
    assert_eq!(shard.frame(0, data("y")), [said(0, "to backend text y")]);
    assert_eq!(shard.publish(&item("z")).len(), 1);
    assert_eq!(backend(&mut shard, close(4000)), [said(0, "send close 4000")]);
    let answered = shard.frame(0, close(4000));
    let expected =
        [said(0, "to backend close 4000"), Did::DropOrigin(0), interest(false), Did::Finish(0)];
    assert_eq!(answered, expected);
    shard.assert_idle();
}

#[test]
fn ws_10_a_native_backend_may_refuse() {
    let mut shard = Shard::new("* localhost:80");
    shard.upgrade(0, "/ws");
    assert_eq!(shard.origin(0, 401, &[]), [Did::Collect(0)]);
    assert_eq!(shard.body(0, "who?", true), [Did::Respond(0, 401, "who?".to_owned())]);
    shard.assert_idle();
}

#[test]
fn ws_16_the_test_target_accepts_echoes_and_subscribes() {
    let mut shard = Shard::new("* test");
    let opened = shard.upgrade(0, "/ws?channel=a");
    assert_eq!(opened, [said(0, "accept 101"), interest(true)]);
    assert_eq!(shard.frame(0, data("x")), [said(0, "send text x")]);
    assert_eq!(shard.publish(&item("y")).len(), 1);
    let ping = SocketFrame::Ping("p".into());
    assert_eq!(shard.frame(0, ping), [said(0, "send pong p")]);
    let closed = shard.frame(0, close(4001));
    assert_eq!(closed, [said(0, "send close 4001"), interest(false), Did::Finish(0)]);
    let other = shard.upgrade(1, "/other");
    assert_eq!(other, [Did::Respond(1, 404, "no such test resource\n".to_owned())]);
    shard.assert_idle();
}

#[test]
fn woh_45_a_client_that_is_ahead_is_not_read() {
    let mut shard = Shard::with("* localhost:80,over_http", |limits| limits.woh_queue_bytes = 200);
    shard.socket(0, 0, "");
    shard.frame(0, data("one"));
    shard.frame(0, data("two"));
    assert_eq!(shard.frame(0, data("three")), [said(0, "pause")]);
    assert_eq!(shard.frame(0, data("four")), []);
    let all = format!("{}{}{}", event("two"), event("three"), event("four"));
    assert_eq!(shard.answer(1, PLAIN, ""), [asked(2, &all)]);
    assert_eq!(shard.answer(2, PLAIN, ""), [said(0, "resume")]);
    let gone = shard.handle(Event::Gone { conn: conn(0), why: ClientGone::BadFrame });
    assert_eq!(gone, [asked(3, "DISCONNECT\r\n")]);
}
