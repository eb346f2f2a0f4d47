//! Backends that speak WebSocket (NAT-3 to NAT-11, WS-20 to WS-36).

use holdfast_core::ground::Limits;
use holdfast_core::message::{Fields, ResponseHead};
use holdfast_core::socket::{Fault, Frame, Input};
use http::StatusCode;

use crate::rig::{Plan, Rig, close, part};

pub fn accepted(extensions: &'static str) -> Input {
    let fields = Fields::from_iter([("Sec-WebSocket-Extensions", extensions)]);
    Input::Accepted(ResponseHead { fields, ..ResponseHead::new(StatusCode::SWITCHING_PROTOCOLS) })
}

fn open(plan: Plan, extensions: &'static str) -> Rig {
    let mut rig = plan.native();
    assert_eq!(rig.give(accepted(extensions)).last().map(String::as_str), Some("accept"));
    rig
}

fn grip() -> Rig {
    open(Plan::default(), "grip")
}

impl Rig {
    fn backend(&mut self, text: &'static str) -> Vec<String> {
        self.give(Input::BackendFrame(part(text, true, true)))
    }

    fn backend_part(&mut self, text: &'static str, first: bool, last: bool) -> Vec<String> {
        self.give(Input::BackendFrame(part(text, first, last)))
    }
}

#[test]
fn nat_5_a_plain_backend_and_its_client_hear_each_other_unchanged() {
    let mut rig = open(Plan::default(), "x");
    assert_eq!(rig.backend("c:{}"), ["send text c:{}"]);
    assert_eq!(rig.backend_part("m:a", true, false), ["send text m:a..."]);
    assert_eq!(rig.give(Input::BackendFrame(Frame::Ping("p".into()))), ["send ping p"]);
    assert_eq!(rig.backend_part("", false, true), ["send text ..."]);
    assert_eq!(rig.give(Input::Frame(part("x", true, false))), ["to backend text x..."]);
    assert_eq!(rig.give(Input::Frame(Frame::Ping("q".into()))), ["to backend ping q"]);
    assert_eq!(rig.give(Input::Frame(part("y", false, true))), ["to backend text ...y"]);
}

#[test]
fn nat_6_a_grip_backend_speaks_to_both() {
    let mut rig = grip();
    assert_eq!(rig.backend(r#"c:{"type":"subscribe","channel":"a"}"#), ["subscribe p-|a"]);
    assert_eq!(rig.backend("m:hi"), ["send text hi"]);
    assert_eq!(rig.backend("hi"), ["note message_unprefixed"]);
    assert_eq!(rig.text("c:{}"), ["to backend text c:{}"]);
    let mut rig = open(Plan::default(), "grip; message-prefix=\"d\"");
    assert_eq!(rig.backend("dm:"), ["send text m:"]);
    let told = Plan::default().native().give(accepted("grip; message-prefix="));
    assert_eq!(told, ["note grip_prefix_missing", "accept"], "NAT-4");
}

#[test]
fn nat_6_debug_clients_learn_of_messages_for_nobody() {
    let mut rig = open(Plan { debug: true, ..Plan::default() }, "grip");
    let told = [
        "note message_unprefixed",
        "close 1011 a message has no prefix",
        "close backend 1001",
        "drop backend",
    ];
    assert_eq!(rig.backend("hi"), told);
}

#[test]
fn nat_8_control_messages_have_a_limit() {
    let limits = Limits { control_bytes: 4, ..Limits::default() };
    let mut rig = open(Plan { limits, ..Plan::default() }, "grip");
    assert!(rig.backend_part("c:1234", true, false).is_empty());
    let told = rig.backend_part("5", false, false);
    assert_eq!(told, ["note socket_failed", "close 1011", "close backend 1009", "drop backend"]);
}

#[test]
fn nat_9_ctl_25_the_targets_channels_come_with_acceptance_and_without_the_prefix() {
    let mut plan = Plan::default();
    plan.target.subs = vec!["news".to_owned(), "p-x".to_owned()];
    let mut rig = plan.native();
    assert_eq!(rig.give(accepted("")), ["subscribe news", "subscribe p-x", "accept"]);
}

#[test]
fn ws_28_the_clients_close_and_the_backends_answer_pass() {
    let mut rig = grip();
    assert_eq!(rig.close(4000, "bye"), ["close backend 4000 bye"]);
    assert_eq!(rig.backend("m:last"), ["send text last"]);
    let told = rig.give(Input::BackendClose(close(4001, "ok")));
    assert_eq!(told, ["drop backend", "close 4001 ok", "hang up", "ended"]);
}

#[test]
fn ws_29_the_backends_close_and_the_clients_answer_pass() {
    let mut rig = grip();
    assert_eq!(rig.give(Input::BackendClose(close(4001, "ok"))), ["close 4001 ok"]);
    let told = rig.close(4000, "bye");
    assert_eq!(told, ["close backend 4000 bye", "drop backend", "hang up", "ended"]);
}

/// The proxy has closed, and the backend knows.
fn closing() -> Rig {
    let mut rig = grip();
    rig.give(Input::PublishClose(close(4002, "")));
    rig
}

#[test]
fn ws_34_a_close_waits_for_its_answer_for_a_while() {
    let mut rig = grip();
    rig.close(4000, "bye");
    let told = ["note close_unanswered", "close 4000 bye", "hang up", "drop backend", "ended"];
    assert_eq!(rig.pass(10), told);
    let mut rig = grip();
    rig.give(Input::BackendClose(close(4001, "ok")));
    let told = ["note close_unanswered", "close backend 4001", "drop backend", "hang up", "ended"];
    assert_eq!(rig.pass(10), told, "the backend is not left without an answer");
    assert_eq!(closing().pass(10), ["note close_unanswered", "hang up", "ended"]);
}

#[test]
fn ws_35_a_client_that_is_gone_takes_the_backend_along() {
    assert_eq!(grip().give(Input::Gone), ["drop backend", "ended"]);
    assert_eq!(Plan::default().native().give(Input::Gone), ["drop backend", "ended"]);
}

#[test]
fn ws_36_a_backend_that_is_gone_is_a_close() {
    let mut rig = grip();
    assert_eq!(rig.give(Input::BackendGone), ["note socket_failed", "close 1014"]);
    assert_eq!(rig.close(1014, ""), ["hang up", "ended"]);
    let mut rig = grip();
    rig.close(4000, "");
    assert_eq!(rig.give(Input::BackendGone), ["close 4000", "hang up", "ended"]);
}

#[test]
fn ws_29_a_backend_that_has_closed_is_not_spoken_to() {
    let mut rig = grip();
    rig.give(Input::BackendClose(close(4001, "")));
    assert_eq!(rig.text("late"), ["note client_message_unheard"]);
    assert!(rig.give(Input::BackendGone).is_empty());
    assert_eq!(rig.close(4000, ""), ["hang up", "ended"]);
}

#[test]
fn ws_28_a_backend_that_errs_after_the_clients_close_is_dropped() {
    let limits = Limits { control_bytes: 4, ..Limits::default() };
    let mut rig = open(Plan { limits, ..Plan::default() }, "grip");
    rig.close(4000, "bye");
    let told = ["note socket_failed", "close 1011", "hang up", "drop backend", "ended"];
    assert_eq!(rig.backend("c:12345"), told);
}

#[test]
fn ws_12_a_backend_that_cannot_be_reached_is_502_or_504() {
    let mut rig = Plan::default().native();
    assert_eq!(rig.fail(Fault::Undelivered)[1], "reject 502 Error while proxying to origin.");
    let told = Plan::default().native().pass(60);
    assert_eq!(told[1], "reject 504 Error while proxying to origin.");
    assert_eq!(told[2..], ["drop backend", "ended"]);
    let mut rig = Plan::default().native();
    assert_eq!(rig.answer_status(404, "no"), ["reject 404 no", "ended"]);
}

#[test]
fn ctl_30_detach_leaves_the_client() {
    let mut rig = grip();
    let told = rig.backend(r#"c:{"type":"detach"}"#);
    assert_eq!(told, ["close backend 1000", "drop backend"]);
    assert!(rig.backend("m:late").is_empty());
    assert_eq!(rig.publish("p"), ["send text p"]);
    assert_eq!(rig.give(Input::Frame(Frame::Ping("hi".into()))), ["send pong hi"]);
    assert_eq!(rig.close(4000, "bye"), ["close 4000 bye", "hang up", "ended"]);
}

#[test]
fn wpub_4_a_published_close_leaves_the_backend() {
    let mut rig = grip();
    let told = rig.give(Input::PublishClose(close(4001, "out")));
    assert_eq!(told, ["close 4001 out", "close backend 1000", "drop backend"]);
    assert_eq!(rig.close(4001, "out"), ["hang up", "ended"]);
}

#[test]
fn wpub_9_what_is_published_waits_for_the_end_of_a_message() {
    let mut rig = grip();
    assert_eq!(rig.backend_part("m:a", true, false), ["send text a..."]);
    assert!(!rig.socket().takes_fanout());
    assert!(rig.publish("1").is_empty());
    assert!(rig.publish("2").is_empty());
    assert_eq!(
        rig.backend_part("b", false, true),
        ["send text ...b", "send text 1", "send text 2"]
    );
    assert!(rig.socket().takes_fanout());
}

#[test]
fn wpub_9_a_message_for_nobody_holds_nothing_up() {
    let mut rig = grip();
    assert_eq!(rig.backend_part("hi", true, false), ["note message_unprefixed"]);
    assert_eq!(rig.publish("1"), ["send text 1"]);
}

#[test]
fn wpub_4_a_published_close_waits_for_the_end_of_a_message_but_not_for_ever() {
    let waiting = || {
        let mut rig = grip();
        rig.backend_part("m:a", true, false);
        rig.publish("1");
        assert!(rig.give(Input::PublishClose(close(4001, ""))).is_empty());
        assert!(rig.publish("behind").is_empty());
        rig
    };
    let told = ["close 4001", "close backend 1000", "drop backend"];
    let done = waiting().backend_part("b", false, true);
    assert_eq!((&done[1], &done[2..]), (&"send text 1".to_owned(), &told.map(str::to_owned)[..]));
    // What would have come behind the message must not be put into it.
    let late = waiting().pass(10);
    assert_eq!((&late[0], &late[1..]), (&"note message_cut_short".to_owned(), &done[2..]));
}

#[test]
fn ctl_52_a_delayed_message_waits_for_the_end_of_a_message() {
    let mut rig = grip();
    rig.backend(r#"c:{"type":"send-delayed","content":"later","timeout":2}"#);
    rig.backend_part("m:a", true, false);
    assert_eq!(rig.pass(5), [""; 0]);
    assert_eq!(rig.backend_part("b", false, true), ["send text ...b", "send text later"]);
    assert_eq!(rig.pass(5), [""; 0]);
}

#[test]
fn wpub_9_what_waits_for_the_end_of_a_message_that_never_comes_is_counted() {
    let mut rig = grip();
    rig.backend_part("m:a", true, false);
    rig.publish("1");
    rig.publish("2");
    let cut = "note message_cut_short";
    assert_eq!(rig.give(Input::BackendGone), ["note socket_failed", "close 1014", cut, cut]);
}

#[test]
fn ops_20_draining_tells_both_sides() {
    let mut rig = grip();
    assert_eq!(rig.give(Input::Drain), ["close 1001", "close backend 1001", "drop backend"]);
    let mut rig = Plan::default().native();
    let told = ["reject 503 The service is going down.", "drop backend", "ended"];
    assert_eq!(rig.give(Input::Drain), told);
}
