//! What goes wrong in a session (WOH-41 to WOH-44, WS-54).

use holdfast_core::socket::{Fault, Input};

use crate::rig::Plan;

const FAILED: [&str; 3] = ["note socket_failed", "close 1014", "request DISCONNECT|"];

#[test]
fn woh_41_num_9_what_did_not_reach_the_backend_is_said_again() {
    let mut rig = Plan::default().open("");
    rig.text("a");
    for secs in [1, 2, 4, 8, 16] {
        assert_eq!(rig.fail(Fault::Undelivered), ["note events_retried"]);
        rig.text("b");
        let due = rig.due_in().expect("a retry");
        assert!((f64::from(secs)..=f64::from(secs + 1)).contains(&due), "{due}");
        assert_eq!(rig.pass(secs as u64 + 1), ["request TEXT 1|a|"]);
    }
    assert_eq!(rig.fail(Fault::Undelivered), FAILED);
    assert!(rig.fail(Fault::Undelivered).is_empty(), "the farewell is tried once");
    assert_eq!(rig.close(1014, ""), ["hang up", "ended"]);
}

#[test]
fn woh_41_the_count_starts_again_after_an_answer() {
    let mut rig = Plan::default().open("");
    for _ in 0..3 {
        rig.text("a");
        for _ in 0..5 {
            assert_eq!(rig.fail(Fault::Undelivered), ["note events_retried"]);
            assert_eq!(rig.pass(20), ["request TEXT 1|a|"]);
        }
        assert!(rig.answer("").is_empty());
    }
}

#[test]
fn woh_42_anything_else_closes_and_tells_the_backend_once() {
    let with_1011 = ["note socket_failed", "close 1011", "request DISCONNECT|"];
    let said = || {
        let mut rig = Plan::default().open("");
        rig.text("a");
        rig
    };
    assert_eq!(said().answer_status(500, ""), with_1011);
    assert_eq!(said().answer_status(200, "TEXT 1\r\nx"), with_1011, "the wrong type");
    assert_eq!(said().answer("TEXT 9|x|"), with_1011);
    assert_eq!(said().fail(Fault::Broken), FAILED);
}

#[test]
fn woh_42_debug_clients_learn_why() {
    let mut rig = Plan { debug: true, ..Plan::default() }.open("");
    rig.text("a");
    let told = rig.answer_status(500, "");
    assert_eq!(told[1], "close 1011 the backend answered 500 Internal Server Error");
}

#[test]
fn woh_43_a_kept_connection_that_broke_is_replaced_once() {
    let mut rig = Plan::default().open("");
    rig.text("a");
    let again = ["note events_retried", "request TEXT 1|a|"];
    assert_eq!(rig.fail(Fault::Stale), again);
    assert_eq!(rig.fail(Fault::Stale), FAILED);
    let mut rig = Plan::default().over_http();
    assert_eq!(rig.fail(Fault::Stale), ["note events_retried", "request OPEN|"]);
}

#[test]
fn woh_44_published_messages_pass_while_the_backend_is_down() {
    let mut rig = Plan::default().open("");
    rig.text("a");
    rig.fail(Fault::Undelivered);
    assert_eq!(rig.publish("p"), ["send text p"]);
}

#[test]
fn woh_50_a_client_that_leaves_while_the_backend_is_down() {
    let mut rig = Plan::default().open("");
    rig.text("a");
    rig.fail(Fault::Undelivered);
    assert!(rig.give(Input::Gone).is_empty());
    assert_eq!(rig.pass(2), ["request DISCONNECT|"]);
}

#[test]
fn ws_54_a_backend_that_never_answers_is_given_up() {
    let mut rig = Plan::default().open("");
    rig.text("a");
    assert_eq!(rig.pass(59), [""; 0]);
    assert_eq!(rig.pass(1)[..3], ["drop request", "note socket_failed", "close 1014"]);
    assert!(rig.pass(11).contains(&"hang up".to_owned()));
    assert_eq!(rig.pass(60), ["drop request", "ended"]);
}

#[test]
fn a_late_answer_means_nothing() {
    let mut rig = Plan::default().open("");
    assert!(rig.answer("TEXT 1|x|").is_empty());
    assert!(rig.fail(Fault::Broken).is_empty());
}
