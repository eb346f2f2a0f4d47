//! How a session ends (WOH-8, WOH-11, WOH-46 to WOH-51, CTL-30 to CTL-32, WS-34, OPS-20).

use holdfast_core::ground::Limits;
use holdfast_core::socket::{Fault, Frame, Input};
use holdfast_core::ws::Close;

use crate::rig::{Plan, close, control, part};

/// `CLOSE` with code 4000 and a reason.
const BYE: &str = "CLOSE 5|\u{f}\u{fffd}bye|";

#[test]
fn woh_46_the_clients_close_goes_after_its_messages_and_the_answer_is_the_backends() {
    let mut rig = Plan::default().open("");
    rig.text("a");
    rig.text("b");
    assert!(rig.give(Input::Frame(part("unfinished", true, false))).is_empty());
    assert!(rig.close(4000, "bye").is_empty());
    assert_eq!(rig.answer(""), [format!("request TEXT 1|b|{BYE}")]);
    let told = rig.answer("TEXT 1|x|CLOSE 2|AB|TEXT 1|y|");
    assert_eq!(told, ["send text x", "close 1011", "hang up", "ended"], "0x4142 is no code");
    let mut rig = Plan::default().open("");
    rig.close(4000, "bye");
    assert_eq!(rig.answer("CLOSE 4|\u{10}\u{0}ok|"), ["close 4096 ok", "hang up", "ended"]);
}

#[test]
fn woh_47_a_close_that_the_backend_does_not_answer_is_answered_with_the_clients_words() {
    for interval in [&[][..], &[("Keep-Alive-Interval", "20")]] {
        let mut rig = Plan::default().over_http();
        rig.answer_with(interval, "OPEN|");
        rig.close(4000, "bye");
        assert_eq!(rig.answer("TEXT 1|x|"), ["send text x", "close 4000 bye", "hang up", "ended"]);
    }
}

#[test]
fn ws_30_a_close_without_a_code_is_none_to_the_backend_and_1000_to_the_client() {
    let mut rig = Plan::default().open("");
    assert_eq!(rig.give(Input::Close(Close::default())), ["request CLOSE|"]);
    assert_eq!(rig.answer("CLOSE|"), ["close 1000", "hang up", "ended"]);
}

#[test]
fn woh_47_ws_34_a_silent_backend_does_not_hold_a_close_up() {
    let mut rig = Plan::default().open("");
    assert_eq!(rig.close(4000, "bye"), [format!("request {BYE}")]);
    assert_eq!(rig.pass(10), ["note close_unanswered", "close 4000 bye", "hang up"]);
    assert_eq!(rig.answer("CLOSE|"), ["ended"]);
}

#[test]
fn woh_48_the_backends_close_is_answered_to_it() {
    let mut rig = Plan::default().open("");
    rig.text("a");
    rig.text("never said");
    assert_eq!(rig.answer("TEXT 1|x|CLOSE 2|\u{10}\u{0}|"), ["send text x", "close 4096"]);
    assert_eq!(rig.text("late"), ["note client_message_unheard"]);
    assert!(rig.publish("late").is_empty());
    assert!(rig.give(Input::Refresh).is_empty());
    assert_eq!(rig.close(4000, "bye"), [format!("request {BYE}"), "hang up".to_owned()]);
    assert_eq!(rig.answer("TEXT 1|x|"), ["ended"]);
}

#[test]
fn woh_48_a_client_that_drops_instead_is_a_disconnect() {
    let mut rig = Plan::default().open("CLOSE|");
    assert_eq!(rig.told(), ["accept", "close 1000"]);
    assert_eq!(rig.give(Input::Gone), ["request DISCONNECT|"]);
    let mut rig = Plan::default().open("CLOSE|");
    let told = ["note close_unanswered", "hang up", "request DISCONNECT|"];
    assert_eq!(rig.pass(10), told);
    assert_eq!(rig.answer(""), ["ended"]);
}

#[test]
fn woh_46_both_close_at_once() {
    let mut rig = Plan::default().open("");
    rig.text("a");
    rig.close(4000, "bye");
    let told = rig.answer("CLOSE 2|\u{10}\u{0}|");
    assert_eq!(told, ["close 4096".to_owned(), "hang up".to_owned(), format!("request {BYE}")]);
    assert_eq!(rig.answer(""), ["ended"]);
}

#[test]
fn woh_35_a_close_behind_messages_that_are_not_taken_is_said_again() {
    let mut rig = Plan::default().open("");
    rig.text("ab");
    rig.text("cd");
    rig.close(4000, "bye");
    rig.answer("");
    assert_eq!(rig.answer_with(&[("Content-Bytes-Accepted", "1")], ""), ["note events_retried"]);
    assert_eq!(rig.pass(2), [format!("request TEXT 1|d|{BYE}")]);
    assert_eq!(rig.answer(""), ["close 4000 bye", "hang up", "ended"]);
}

#[test]
fn woh_49_a_published_close_is_a_close_without_content() {
    let mut rig = Plan::default().open("");
    let told = rig.give(Input::PublishClose(close(4001, "out")));
    assert_eq!(told, ["close 4001 out", "request CLOSE|"]);
    assert!(rig.publish("behind").is_empty());
    assert!(rig.answer("CLOSE 2|\u{10}\u{0}|TEXT 1|x|").is_empty());
    assert_eq!(rig.close(4001, "out"), ["hang up", "ended"]);
}

#[test]
fn woh_49_what_the_client_said_before_still_reaches_the_backend() {
    let mut rig = Plan::default().open("");
    rig.text("a");
    rig.text("b");
    assert_eq!(rig.give(Input::PublishClose(Close::default())), ["close 1000"]);
    assert_eq!(rig.answer("TEXT 1|x|"), ["request TEXT 1|b|CLOSE|"]);
}

#[test]
fn woh_50_a_client_that_is_gone_is_one_disconnect_after_the_running_request() {
    let mut rig = Plan::default().open("");
    rig.text("a");
    rig.text("never said");
    assert!(rig.give(Input::Gone).is_empty());
    assert_eq!(rig.answer("TEXT 1|x|"), ["request DISCONNECT|"]);
    assert_eq!(rig.fail(Fault::Undelivered), ["note events_retried"]);
    assert_eq!(rig.pass(2), ["request DISCONNECT|"]);
    assert_eq!(rig.answer_status(500, ""), ["ended"]);
}

#[test]
fn woh_50_a_client_that_is_gone_after_its_close_was_said_needs_no_disconnect() {
    let mut rig = Plan::default().open("");
    rig.close(4000, "");
    assert!(rig.give(Input::Gone).is_empty());
    assert_eq!(rig.answer(""), ["ended"]);
}

#[test]
fn ctl_30_detach_works_in_order_and_the_client_stays() {
    let detach = control(r#"{"type":"detach"}"#);
    let mut rig = Plan::default().open_grip("");
    rig.text("a");
    rig.text("b");
    let told = rig.answer(&format!("TEXT 3|m:x|{detach}TEXT 3|m:y|"));
    assert_eq!(told, ["send text x", "request TEXT 1|b|CLOSE|"]);
    assert!(rig.answer("TEXT 3|m:z|").is_empty());
    assert_eq!(rig.publish("p"), ["send text p"]);
}

#[test]
fn woh_43_what_was_said_before_a_detach_is_said_once_more_over_another_connection() {
    let detach = control(r#"{"type":"detach"}"#);
    let mut plan = Plan::default();
    plan.target.one_event = true;
    let mut rig = plan.open_grip("");
    rig.text("a");
    assert!(rig.text("b").is_empty());
    assert_eq!(rig.answer(&detach), ["request TEXT 1|b|"]);
    assert_eq!(rig.fail(Fault::Stale), ["note events_retried", "request TEXT 1|b|"]);
    assert_eq!(rig.fail(Fault::Stale), ["request CLOSE|"]);
}

#[test]
fn ctl_31_a_detached_client_is_answered_by_the_proxy() {
    let mut rig = Plan::default().open_grip(&control(r#"{"type":"detach"}"#));
    assert_eq!(rig.told(), ["accept", "request CLOSE|"]);
    for _ in 0..2 {
        assert_eq!(rig.give(Input::Frame(Frame::Ping("hi".into()))), ["send pong hi"]);
        assert_eq!(rig.text("x"), ["note client_message_unheard"]);
        rig.answer("");
    }
    assert_eq!(rig.close(4000, "bye"), ["close 4000 bye", "hang up", "ended"]);
}

#[test]
fn ctl_31_nobody_is_told_when_a_detached_client_leaves() {
    let mut rig = Plan::default().open_grip(&control(r#"{"type":"detach"}"#));
    rig.answer("");
    assert_eq!(rig.give(Input::Gone), ["ended"]);
}

#[test]
fn ops_20_draining_tells_both_sides() {
    let mut rig = Plan::default().open("");
    assert_eq!(rig.give(Input::Drain), ["close 1001", "request DISCONNECT|"]);
    assert!(rig.answer("").is_empty());
    assert_eq!(rig.close(1001, ""), ["hang up", "ended"]);
}

#[test]
fn ctl_30_a_client_that_closes_while_the_backend_detaches_is_answered() {
    let mut rig = Plan::default().open_grip("");
    rig.text("a");
    rig.close(4000, "bye");
    let told = rig.answer(&control(r#"{"type":"detach"}"#));
    assert_eq!(told, ["close 4000 bye".to_owned(), "hang up".to_owned(), format!("request {BYE}")]);
}

#[test]
fn woh_49_a_client_that_was_paused_is_read_again_so_that_its_answer_is_seen() {
    let limits = Limits { woh_queue_bytes: 100, ..Limits::default() };
    let mut rig = Plan { limits, ..Plan::default() }.open("");
    rig.text("a");
    assert_eq!(rig.text("b"), ["pause"]);
    assert_eq!(rig.give(Input::PublishClose(close(4001, ""))), ["close 4001", "resume"]);
}

#[test]
fn woh_50_the_backend_hears_that_the_client_is_gone_though_the_running_request_fails() {
    let mut rig = Plan::default().open("");
    rig.text("a");
    rig.give(Input::Gone);
    assert_eq!(rig.fail(Fault::Broken), ["request DISCONNECT|"]);
    assert_eq!(rig.answer(""), ["ended"]);

    let mut rig = Plan::default().open("");
    rig.text("a");
    rig.give(Input::Gone);
    assert_eq!(rig.pass(60), ["drop request", "request DISCONNECT|"]);
    assert_eq!(rig.fail(Fault::Broken), ["ended"]);
}

#[test]
fn woh_49_a_close_is_said_though_the_running_request_fails_and_that_not_again() {
    let mut rig = Plan::default().open("");
    rig.text("a");
    rig.text("b");
    rig.give(Input::PublishClose(close(4000, "")));
    assert_eq!(rig.fail(Fault::Broken), ["request CLOSE|"]);
}

#[test]
fn woh_50_what_a_client_said_before_it_left_is_not_said_twice() {
    let mut rig = Plan::default().open("");
    rig.text("a");
    rig.give(Input::Gone);
    assert_eq!(rig.fail(Fault::Stale), ["request DISCONNECT|"]);
}

#[test]
fn ops_20_draining_answers_who_is_leaving() {
    let mut rig = Plan::default().open("");
    rig.close(4000, "bye");
    assert_eq!(rig.give(Input::Drain), ["close 4000 bye", "hang up"]);
    assert_eq!(rig.answer(""), ["ended"]);
}
