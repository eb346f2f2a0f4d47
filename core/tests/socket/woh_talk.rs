//! An open session (WOH-5 to WOH-10, WOH-15, WOH-18, WOH-30 to WOH-40, WOH-45, WS-24, WS-52).

use holdfast_core::ground::{Limits, Span};
use holdfast_core::socket::{Frame, Input};

use crate::rig::{Plan, part};

#[test]
fn woh_7_one_request_at_a_time_and_all_that_waits_in_the_next() {
    let mut rig = Plan::default().open("");
    assert_eq!(rig.text("a"), ["request TEXT 1|a|"]);
    assert!(rig.text("b").is_empty());
    assert!(rig.give(Input::Frame(Frame::Pong("p".into()))).is_empty());
    assert_eq!(rig.answer("TEXT 1|x|"), ["send text x", "request TEXT 1|b|PONG 1|p|"]);
    assert!(rig.answer("").is_empty());
    assert_eq!(rig.due_in(), None);
}

#[test]
fn woh_6_fragments_are_joined() {
    let mut rig = Plan::default().open("");
    assert!(rig.give(Input::Frame(part("he", true, false))).is_empty());
    assert!(rig.give(Input::Frame(part("ll", false, false))).is_empty());
    assert_eq!(rig.give(Input::Frame(part("o", false, true))), ["request TEXT 5|hello|"]);
}

#[test]
fn woh_36_empty_messages_are_not_lost() {
    let mut rig = Plan { pass_pings: true, ..Plan::default() }.open("");
    rig.text("a");
    rig.text("");
    rig.give(Input::Frame(Frame::Ping("".into())));
    rig.text("b");
    assert_eq!(rig.answer(""), ["request TEXT 0||PING|TEXT 1|b|"]);
}

#[test]
fn ws_24_pings_are_answered_here_unless_they_shall_pass() {
    let ping = || Input::Frame(Frame::Ping("hi".into()));
    let mut rig = Plan::default().open("");
    assert_eq!(rig.give(ping()), ["send pong hi"]);
    let mut rig = Plan { pass_pings: true, ..Plan::default() }.open("");
    assert_eq!(rig.give(ping()), ["request PING 2|hi|"]);
    assert_eq!(rig.answer("PONG 2|hi|"), ["send pong hi"]);
}

#[test]
fn woh_7_what_does_not_fit_into_a_request_goes_into_the_next() {
    let limits = Limits { woh_request_bytes: 4, ..Limits::default() };
    let mut rig = Plan { limits, ..Plan::default() }.open("");
    assert_eq!(rig.text("larger"), ["request TEXT 6|larger|"]);
    for text in ["ab", "cd", "", "e", "large"] {
        assert!(rig.text(text).is_empty());
    }
    rig.close(1000, "");
    assert_eq!(rig.answer(""), ["request TEXT 2|ab|TEXT 2|cd|TEXT 0||"]);
    assert_eq!(rig.answer(""), ["request TEXT 1|e|"]);
    assert_eq!(rig.answer(""), ["request TEXT 5|large|CLOSE 2|\u{3}\u{fffd}|"]);
    assert_eq!(rig.answer(""), ["close 1000", "hang up", "ended"]);
}

#[test]
fn woh_9_one_event_a_request() {
    let mut plan = Plan::default();
    plan.target.one_event = true;
    let mut rig = plan.open("");
    assert_eq!(rig.text(""), ["request TEXT 0||"]);
    rig.text("b");
    rig.text("");
    rig.close(1000, "");
    assert_eq!(rig.answer(""), ["request TEXT 1|b|"]);
    assert_eq!(rig.answer(""), ["request TEXT 0||"]);
    assert_eq!(rig.answer(""), ["request CLOSE 2|\u{3}\u{fffd}|"]);
    assert_eq!(rig.answer(""), ["close 1000", "hang up", "ended"]);
}

#[test]
fn woh_12_no_content_is_no_events() {
    let mut rig = Plan::default().open("");
    rig.text("a");
    assert!(rig.answer_status(204, "").is_empty());
    assert_eq!(rig.text("b"), ["request TEXT 1|b|"]);
}

#[test]
fn woh_15_unknown_events_are_ignored() {
    let mut rig = Plan::default().open("");
    rig.text("a");
    let told = ["note event_unknown", "send text y", "note event_unknown"];
    assert_eq!(rig.answer("NEWS 1|x|TEXT 1|y|text 1|z|"), told);
}

#[test]
fn woh_15_disconnect_ends_the_client_after_what_came_before() {
    let mut rig = Plan::default().open("");
    rig.text("a");
    let told = rig.answer("TEXT 1|x|DISCONNECT|TEXT 1|y|");
    assert_eq!(told, ["send text x", "hang up", "ended"]);
}

#[test]
fn woh_15_a_second_open_is_an_error_after_what_came_before() {
    let mut rig = Plan::default().open("");
    rig.text("a");
    let told = rig.answer("TEXT 1|x|OPEN|TEXT 1|y|");
    assert_eq!(told, ["send text x", "note socket_failed", "close 1011", "request DISCONNECT|"]);
}

#[test]
fn woh_30_meta_is_repeated() {
    let mut rig = Plan::default().open("");
    rig.text("a");
    rig.answer_with(&[("Set-Meta-User", "alice")], "");
    rig.text("b");
    let user = rig.request_fields().first("Meta-User").cloned();
    assert_eq!(user.as_deref(), Some(&b"alice"[..]));
    rig.answer_with(&[("set-meta-user", "")], "");
    rig.text("c");
    assert!(!rig.request_fields().has("Meta-User"));
}

#[test]
fn woh_31_too_much_meta_is_an_error() {
    let limits = Limits { socket_meta_bytes: 20, ..Limits::default() };
    let mut rig = Plan { limits, ..Plan::default() }.open("");
    rig.text("a");
    let long = "x".repeat(20);
    let told = rig.answer_with(&[("Set-Meta-User", &long)], "");
    assert_eq!(told, ["note socket_failed", "close 1011", "request DISCONNECT|"]);
}

#[test]
fn woh_33_woh_34_what_was_not_taken_is_offered_again_with_the_next() {
    let mut rig = Plan::default().open("");
    rig.text("hello world");
    assert!(!rig.request_fields().has("Content-Bytes-Replayed"));
    assert!(rig.answer_with(&[("Content-Bytes-Accepted", "3")], "").is_empty());
    assert_eq!(rig.text("x"), ["request TEXT 8|lo world|TEXT 1|x|"]);
    let replayed = rig.request_fields().first("Content-Bytes-Replayed").cloned();
    assert_eq!(replayed.as_deref(), Some(&b"8"[..]));
    assert!(rig.answer("").is_empty());
    rig.text("y");
    assert!(!rig.request_fields().has("Content-Bytes-Replayed"));
}

#[test]
fn woh_32_more_than_was_offered_is_an_error() {
    let mut rig = Plan::default().open("");
    rig.text("abc");
    let told = rig.answer_with(&[("Content-Bytes-Accepted", "4")], "");
    assert_eq!(told, ["note socket_failed", "close 1011", "request DISCONNECT|"]);
}

#[test]
fn woh_35_taking_nothing_while_more_waits_is_an_error() {
    let mut plan = Plan::default();
    plan.target.one_event = true;
    let mut rig = plan.open("");
    rig.text("a");
    rig.text("b");
    rig.text("c");
    rig.answer("");
    let told = rig.answer_with(&[("Content-Bytes-Accepted", "0")], "");
    assert_eq!(told[..2], ["note socket_failed", "close 1011"]);
}

#[test]
fn woh_37_woh_38_an_idle_session_is_asked_every_interval() {
    let mut rig = Plan::default().over_http();
    rig.answer_with(&[("Keep-Alive-Interval", "3")], "OPEN|");
    let due = rig.due_in().expect("an interval");
    assert!((19.0..=21.0).contains(&due), "{due}");
    assert_eq!(rig.pass(21), ["request "]);
    assert_eq!(rig.answer("TEXT 1|x|"), ["send text x"]);
    rig.pass(10);
    assert_eq!(rig.text("a"), ["request TEXT 1|a|"]);
    rig.pass(10);
    rig.answer("");
    assert!(rig.due_in().expect("an interval") >= 19.0, "it runs from the end of an exchange");
    rig.text("b");
    rig.answer_with(&[("Keep-Alive-Interval", "0")], "");
    assert_eq!(rig.due_in(), None);
}

#[test]
fn woh_40_a_refresh_asks_now_or_after_what_is_under_way() {
    let mut rig = Plan::default().open("");
    assert_eq!(rig.give(Input::Refresh), ["request "]);
    assert!(rig.give(Input::Refresh).is_empty());
    assert_eq!(rig.answer(""), ["request "]);
    assert!(rig.answer("").is_empty());
}

#[test]
fn woh_33_woh_45_what_was_not_taken_is_offered_again_if_the_client_is_not_read_for_it() {
    let limits = Limits { woh_queue_bytes: 200, ..Limits::default() };
    let mut rig = Plan { limits, ..Plan::default() }.open("");
    let text = &*"x".repeat(150).leak();
    assert_eq!(rig.text(text), ["pause".to_owned(), format!("request TEXT 96|{text}|")]);
    assert_eq!(rig.answer_with(&[("Content-Bytes-Accepted", "10")], ""), ["note events_retried"]);
    let rest = &text[10..];
    assert_eq!(rig.pass(2), [format!("request TEXT 8c|{rest}|")]);
    assert_eq!(rig.answer(""), ["resume"]);
}

#[test]
fn woh_45_a_message_that_is_too_large_closes_and_waiting_ones_stop_the_client() {
    let limits = Limits { woh_queue_bytes: 200, ..Limits::default() };
    let plan = || Plan { limits: limits.clone(), ..Plan::default() };
    let long = "x".repeat(201).leak();
    let mut rig = plan().open("");
    let told = rig.text(long);
    assert_eq!(told, ["note socket_failed", "close 1009", "request DISCONNECT|"]);

    let mut rig = plan().open("");
    rig.text("a");
    assert_eq!(rig.text(&long[..60]), ["pause"; 0]);
    assert_eq!(rig.text(&long[..60]), ["pause"]);
    let told = rig.answer("");
    assert_eq!(told.len(), 1, "what was asked about is still kept: {told:?}");
    assert_eq!(rig.answer(""), ["resume"]);
}

#[test]
fn woh_45_a_client_is_read_again_when_only_the_beginning_of_its_message_waits() {
    let limits = Limits { woh_queue_bytes: 200, ..Limits::default() };
    let mut rig = Plan { limits, ..Plan::default() }.open("");
    let long = "x".repeat(136).leak();
    assert_eq!(rig.text("a"), ["request TEXT 1|a|"]);
    assert_eq!(rig.give(Input::Frame(part(long, true, false))), ["pause"]);
    assert_eq!(rig.answer(""), ["resume"], "though it is more than half of what may wait");
    assert_eq!(rig.give(Input::Frame(part("", false, true))), [format!("request TEXT 88|{long}|")]);
}

#[test]
fn ws_53_a_client_that_is_not_read_is_not_taken_for_silent() {
    let interval = Some(Span::from_secs(10));
    let limits =
        Limits { woh_queue_bytes: 200, socket_ping_interval: interval, ..Limits::default() };
    let mut rig = Plan { limits, ..Plan::default() }.open("");
    rig.text("a");
    assert_eq!(rig.text("x".repeat(100).leak()), ["pause"]);
    assert_eq!(rig.pass(50), [""; 0]);
    rig.answer("");
    assert_eq!(rig.answer(""), ["resume"]);
    assert_eq!(
        rig.pass(21),
        ["send ping holdfast", "note socket_idle", "close 1001", "request CLOSE|"]
    );
}

#[test]
fn ws_52_a_slow_client_holds_requests_back_until_it_has_caught_up() {
    let mut rig = Plan::default().open("");
    assert!(rig.give(Input::Backlog(200_000)).is_empty());
    assert!(rig.text("a").is_empty());
    assert_eq!(rig.give(Input::Backlog(0)), ["request TEXT 1|a|"]);
}
