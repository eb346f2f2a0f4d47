//! How a session begins (WOH-14, WS-9 to WS-14).

use holdfast_core::ground::Limits;
use holdfast_core::socket::{Effect, Fault, Grip, Input};

use crate::rig::{Plan, control};

#[test]
fn woh_8_open_is_alone_in_the_first_request() {
    let rig = Plan::default().over_http();
    assert_eq!(rig.told(), ["request OPEN|"]);
    let fields = rig.request_fields();
    assert_eq!(fields.first("Connection-Id").map(|id| id.len()), Some(36));
    assert_eq!(fields.first("Sec-WebSocket-Extensions").map(|it| &it[..]), Some(&b"grip"[..]));
    let quiet = Plan { grip: Grip::Nowhere, ..Plan::default() }.over_http();
    assert!(!quiet.request_fields().has("Sec-WebSocket-Extensions"));
}

#[test]
fn woh_14_open_and_then_the_other_events_in_order() {
    let mut rig = Plan::default().over_http();
    let told = rig.answer("OPEN|TEXT 1|a|PING|BINARY 1|b|");
    assert_eq!(told, ["accept", "send text a", "send ping ", "send binary b"]);
}

#[test]
fn woh_13_the_101_has_what_concerns_the_client() {
    let mut rig = Plan::default().over_http();
    rig.answer_with(
        &[
            ("Sec-WebSocket-Protocol", "chat"),
            ("Sec-WebSocket-Extensions", "grip"),
            ("Set-Meta-A", "1"),
            ("Keep-Alive-Interval", "30"),
            ("Content-Bytes-Accepted", "0"),
            ("Connection", "X-Hop"),
            ("X-Hop", "1"),
        ],
        "OPEN|",
    );
    let [Effect::Accept(fields)] = &rig.effects[..] else { panic!("accepted, no more") };
    let names: Vec<_> = fields.iter().map(|field| &field.name[..]).collect();
    assert_eq!(names, [b"Sec-WebSocket-Protocol"]);
}

#[test]
fn nat_10_a_trusted_proxy_gets_the_element_and_does_the_work() {
    let mut rig = Plan { grip: Grip::Beyond, ..Plan::default() }.over_http();
    assert!(rig.request_fields().has("Sec-WebSocket-Extensions"));
    let grip = "grip; message-prefix=\"x\"";
    let told = rig.answer_with(&[("Sec-WebSocket-Extensions", grip)], "OPEN|TEXT 4|c:{}|");
    assert_eq!(told, ["accept", "send text c:{}"]);
    let Effect::Accept(fields) = &rig.effects[0] else { panic!("accepted") };
    assert_eq!(fields.first("Sec-WebSocket-Extensions").map(|it| &it[..]), Some(grip.as_bytes()));
}

#[test]
fn ctl_4_subscriptions_work_before_the_101() {
    let mut plan = Plan::default();
    plan.target.subs = vec!["fixed".to_owned()];
    let mut rig = plan.over_http();
    let events = format!("OPEN|TEXT 3|m:a|{}", control(r#"{"type":"subscribe","channel":"room"}"#));
    let told = rig.answer_with(&[("Sec-WebSocket-Extensions", "grip")], &events);
    assert_eq!(told, ["subscribe fixed", "subscribe p-|room", "accept", "send text a"]);
}

#[test]
fn woh_20_without_the_extension_prefixes_mean_nothing() {
    let mut rig = Plan::default().open("");
    rig.text("x");
    let told = rig.answer_with(&[("Sec-WebSocket-Extensions", "grip")], "TEXT 4|c:{}|TEXT 2|m:|");
    assert_eq!(told, ["send text c:{}", "send text m:"]);
}

#[test]
fn woh_14_an_empty_answer_leaves_it_undecided_if_there_is_an_interval() {
    let mut rig = Plan::default().over_http();
    assert!(rig.answer_with(&[("Keep-Alive-Interval", "30")], "").is_empty());
    assert_eq!(rig.pass(28), [""; 0]);
    assert_eq!(rig.pass(4), ["request OPEN|"]);
    assert_eq!(rig.answer("OPEN|"), ["accept"]);

    let mut rig = Plan::default().over_http();
    let told = ["note socket_failed", "reject 502 Error while proxying to origin.", "ended"];
    assert_eq!(rig.answer(""), told);
}

#[test]
fn woh_14_what_is_not_an_answer_to_open_is_502() {
    let told = ["note socket_failed", "reject 502 Error while proxying to origin.", "ended"];
    for events in ["open|", "CLOSE|", "TEXT 1|a|", "OPEN", "OPEN|TEXT x|"] {
        assert_eq!(Plan::default().over_http().answer(events), told, "{events}");
    }
    let limits = Limits { woh_response_bytes: 9, ..Limits::default() };
    let mut rig = Plan { limits, ..Plan::default() }.over_http();
    assert_eq!(rig.answer("OPEN|OPEN|"), told);
}

#[test]
fn ws_10_a_refusal_is_relayed_and_a_success_that_is_none_is_502() {
    let mut rig = Plan::default().over_http();
    assert_eq!(rig.answer_status(403, "go away"), ["reject 403 go away", "ended"]);
    let mut rig = Plan::default().over_http();
    rig.answer_status(302, "");
    let Effect::Reject(response) = &rig.effects[0] else { panic!("refused") };
    assert_eq!(response.head.status, 302);
    assert!(response.head.fields.has("Content-Type") && !response.head.fields.has("Connection"));
    for status in [200, 204] {
        let mut rig = Plan { debug: true, ..Plan::default() }.over_http();
        let told = rig.answer_status(status, "hi");
        assert_eq!(told[1], "reject 502 the backend did not accept the upgrade");
    }
}

#[test]
fn ws_11_a_long_refusal_is_cut() {
    let limits = Limits { refusal_bytes: 3, ..Limits::default() };
    let mut rig = Plan { limits, ..Plan::default() }.over_http();
    assert_eq!(rig.answer_status(500, "abcdef"), ["reject 500 abc", "ended"]);
}

#[test]
fn ws_12_failure_before_acceptance_is_502_and_timeout_504() {
    for fault in [Fault::Undelivered, Fault::Broken] {
        let told = Plan::default().over_http().fail(fault);
        assert_eq!(told[1], "reject 502 Error while proxying to origin.");
    }
    let mut rig = Plan { debug: true, ..Plan::default() }.over_http();
    let detail = Some("Unable to connect to any targets. Tried: h:1".to_owned());
    let told = rig.give(Input::Failed { fault: Fault::Undelivered, detail });
    assert_eq!(told[1], "reject 502 Unable to connect to any targets. Tried: h:1");

    let mut rig = Plan::default().over_http();
    let told = rig.pass(61);
    assert_eq!(told[0], "drop request");
    assert_eq!(told[2], "reject 504 Error while proxying to origin.");
}

#[test]
fn ws_14_the_client_leaves_while_the_backend_decides() {
    let mut rig = Plan::default().over_http();
    assert!(rig.give(Input::Gone).is_empty());
    assert_eq!(rig.answer("OPEN|TEXT 1|a|"), ["request DISCONNECT|"]);
    assert_eq!(rig.answer(""), ["ended"]);

    let mut rig = Plan::default().over_http();
    rig.give(Input::Gone);
    assert_eq!(rig.answer_status(403, ""), ["ended"]);

    let mut rig = Plan::default().over_http();
    rig.answer_with(&[("Keep-Alive-Interval", "30")], "");
    assert_eq!(rig.give(Input::Gone), ["ended"]);
}

#[test]
fn ops_20_draining_refuses_who_is_undecided() {
    let mut rig = Plan::default().over_http();
    assert_eq!(rig.give(Input::Drain), ["reject 503 The service is going down."]);
    assert_eq!(rig.answer("OPEN|"), ["request DISCONNECT|"]);
}
