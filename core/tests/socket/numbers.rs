//! The numbers that an operator can set (NUM-1 to NUM-20), where no other test looks at them.

use holdfast_core::ground::{Limits, Span};
use holdfast_core::socket::Fault;

use crate::rig::{Plan, Rig, control};

fn plan(change: impl FnOnce(&mut Limits)) -> Plan {
    let mut limits = Limits::default();
    change(&mut limits);
    Plan { limits, ..Plan::default() }
}

fn due(rig: &Rig) -> f64 {
    rig.due_in().expect("something is due")
}

#[test]
fn num_8_the_shortest_interval_of_an_idle_session() {
    let mut rig = plan(|it| it.woh_interval_min = Span::from_secs(100)).over_http();
    rig.answer_with(&[("Keep-Alive-Interval", "3")], "OPEN|");
    assert!((95.0..=105.0).contains(&due(&rig)), "{}", due(&rig));
}

#[test]
fn num_9_how_often_a_request_is_tried_again() {
    for (retries, told) in [(0, "note socket_failed"), (1, "note events_retried")] {
        let mut rig = plan(|it| it.woh_retries = retries).open("");
        rig.text("a");
        assert_eq!(rig.fail(Fault::Undelivered)[0], told, "{retries}");
    }
}

#[test]
fn num_10_long_messages_of_a_response_are_several_frames() {
    let plan = || plan(|it| it.woh_frame_bytes = 2);
    let pieces = ["send text ab...", "send text ...cd...", "send text ...e"];
    let rig = plan().open("TEXT 5|abcde|BINARY 2|ab|TEXT 0||PING 3|abc|");
    let others = ["send binary ab", "send text ", "send ping abc"];
    assert_eq!(rig.told(), [&["accept"], &pieces[..], &others].concat());
    let told = plan().open_grip("TEXT 7|m:abcde|").told();
    assert_eq!(told, [&["accept"], &pieces[..]].concat(), "the prefix is no part of it");
}

#[test]
fn num_13_the_timeout_of_a_heartbeat_that_names_none() {
    let beat = control(r#"{"type":"keep-alive","content":"beat"}"#);
    let rig = plan(|it| it.socket_keep_alive = Span::from_secs(200)).open_grip(&beat);
    assert!((199.0..=200.0).contains(&due(&rig)), "{}", due(&rig));
}

#[test]
fn num_14_how_long_a_message_is_delayed_that_does_not_say() {
    let delayed = control(r#"{"type":"send-delayed","content":"x"}"#);
    let mut rig = plan(|it| it.socket_delay = Span::from_secs(9)).open_grip(&delayed);
    assert_eq!(rig.pass(8), [""; 0]);
    assert_eq!(rig.pass(1), ["send text x"]);
}
