//! What control messages do (CTL-2 to CTL-52).

use holdfast_core::ground::{Limits, Span};
use holdfast_core::publish::WsType;
use holdfast_core::socket::{Frame, Input};

use crate::rig::{Plan, Rig, control, message};

fn open(plan: Plan) -> Rig {
    plan.open_grip("")
}

impl Rig {
    /// The backend says this on an occasion.
    fn says(&mut self, json: &str) -> Vec<String> {
        self.give(Input::Refresh);
        self.answer(&control(json))
    }
}

#[test]
fn ctl_2_what_cannot_be_understood_is_counted_and_told_to_debug_clients() {
    let mut rig = open(Plan::default());
    assert_eq!(rig.says("{}"), ["note control_invalid"]);
    assert_eq!(rig.text("goes on"), ["request TEXT 7|goes on|"]);
    let mut rig = open(Plan { debug: true, ..Plan::default() });
    assert_eq!(rig.says("{}")[..2], ["note control_invalid", "close 1011 type: missing"]);
}

#[test]
fn ctl_10_ctl_13_subscriptions() {
    let mut plan = Plan::default();
    plan.target.subs = vec!["p-fixed".to_owned()];
    let mut rig = open(plan);
    let room = r#"{"type":"subscribe","channel":"room","filters":["skip-self"]}"#;
    assert_eq!(rig.says(room), ["subscribe p-|room [SkipSelf]"]);
    assert_eq!(rig.says(r#"{"type":"subscribe","channel":"room"}"#), ["subscribe p-|room"]);
    assert_eq!(rig.says(r#"{"type":"unsubscribe","channel":"room"}"#), ["unsubscribe p-room"]);
    assert!(rig.says(r#"{"type":"unsubscribe","channel":"room"}"#).is_empty());
    assert!(rig.says(r#"{"type":"unsubscribe","channel":"fixed"}"#).is_empty(), "CTL-13");
}

#[test]
fn ctl_11_channels_have_a_limit_and_known_ones_always_have_room() {
    let limits = Limits { channels_per_hold: 2, ..Limits::default() };
    let mut plan = Plan { limits, ..Plan::default() };
    plan.target.subs = vec!["fixed".to_owned()];
    let mut rig = open(plan);
    assert_eq!(rig.says(r#"{"type":"subscribe","channel":"a"}"#), ["subscribe p-|a"]);
    assert_eq!(rig.says(r#"{"type":"subscribe","channel":"b"}"#), ["note channel_limit"]);
    assert_eq!(rig.says(r#"{"type":"subscribe","channel":"a"}"#), ["subscribe p-|a"]);
    rig.says(r#"{"type":"unsubscribe","channel":"a"}"#);
    assert_eq!(rig.says(r#"{"type":"subscribe","channel":"b"}"#), ["subscribe p-|b"]);
}

#[test]
fn ctl_12_an_unknown_filter_refuses_the_subscription() {
    let control = r#"{"type":"subscribe","channel":"a","filters":["skip-self","only-me"]}"#;
    let mut rig = open(Plan::default());
    assert_eq!(rig.says(control), ["note filter_unknown"]);
    let mut rig = open(Plan { debug: true, ..Plan::default() });
    assert_eq!(rig.says(control)[0], "note filter_unknown");
    assert!(rig.told()[1].starts_with("close 1011 "), "{:?}", rig.told());
}

#[test]
fn ctl_12_too_many_filters_close_the_client() {
    let mut rig = open(Plan::default());
    let told =
        rig.says(r#"{"type":"subscribe","channel":"a","filters":["1","2","3","4","5","6"]}"#);
    assert_eq!(told[..2], ["note socket_failed", "close 1011"]);
}

#[test]
fn ctl_15_meta_is_kept_replaced_removed_and_limited() {
    let limits = Limits { socket_meta_bytes: 100, ..Limits::default() };
    let mut rig = open(Plan { limits, ..Plan::default() });
    let meta = |rig: &Rig| -> Vec<String> {
        rig.socket().meta().iter().map(|(name, value)| format!("{name}={value}")).collect()
    };
    assert!(rig.says(r#"{"type":"set-meta","name":"user","value":"a"}"#).is_empty());
    rig.says(r#"{"type":"set-meta","name":"id","value":"1"}"#);
    rig.says(r#"{"type":"set-meta","name":"user","value":"b"}"#);
    assert_eq!(meta(&rig), ["user=b", "id=1"]);
    rig.says(r#"{"type":"set-meta","name":"user"}"#);
    assert_eq!(meta(&rig), ["id=1"]);
    let long = "x".repeat(100);
    let told = rig.says(&format!(r#"{{"type":"set-meta","name":"x","value":"{long}"}}"#));
    assert_eq!(told[..2], ["note socket_failed", "close 1011"]);
}

#[test]
fn ctl_40_ctl_41_a_quiet_client_is_sent_a_heartbeat() {
    let mut rig = open(Plan::default());
    rig.says(r#"{"type":"keep-alive","content":"beat","timeout":10}"#);
    assert_eq!(rig.pass(8), [""; 0]);
    assert_eq!(rig.pass(2), ["send text beat"]);
    rig.pass(5);
    rig.publish("p");
    rig.text("x");
    assert_eq!(rig.pass(8), [""; 0], "what was published counts");
    rig.fan_out();
    assert_eq!(rig.pass(8), [""; 0], "also past the socket");
    assert_eq!(rig.pass(2), ["send text beat"]);
}

#[test]
fn ctl_40_interval_heartbeats_do_not_look_at_what_is_sent() {
    let mut rig = open(Plan::default());
    rig.says(r#"{"type":"keep-alive","content":"beat","timeout":10,"mode":"interval"}"#);
    rig.pass(8);
    rig.publish("p");
    assert_eq!(rig.pass(2), ["send text beat"]);
}

#[test]
fn ctl_42_ctl_43_heartbeats_are_replaced_and_turned_off() {
    let mut rig = open(Plan::default());
    rig.says(r#"{"type":"keep-alive","content":"beat","timeout":10}"#);
    rig.pass(8);
    rig.says(r#"{"type":"keep-alive","message-type":"ping","timeout":10}"#);
    assert_eq!(rig.pass(8), [""; 0]);
    assert_eq!(rig.pass(2), ["send ping "]);
    rig.says(r#"{"type":"keep-alive"}"#);
    assert_eq!(rig.due_in(), None);
}

#[test]
fn ctl_45_a_client_that_does_not_read_gets_no_heartbeat_until_it_reads() {
    let mut rig = open(Plan::default());
    rig.says(r#"{"type":"keep-alive","content":"beat","timeout":10}"#);
    rig.give(Input::Backlog(1));
    assert_eq!(rig.pass(15), ["note socket_keep_alive_skipped"]);
    rig.give(Input::Backlog(0));
    assert_eq!(rig.pass(10), ["send text beat"]);
}

#[test]
fn ctl_46_ctl_51_timers_work_detached() {
    let mut rig = open(Plan::default());
    rig.says(r#"{"type":"keep-alive","content":"beat","timeout":10}"#);
    rig.says(r#"{"type":"send-delayed","content":"later","timeout":3}"#);
    rig.says(r#"{"type":"detach"}"#);
    rig.answer("");
    assert_eq!(rig.pass(3), ["send text later"]);
    assert_eq!(rig.pass(10), ["send text beat"]);
}

#[test]
fn ctl_50_delayed_messages() {
    let mut rig = open(Plan::default());
    assert!(rig.says(r#"{"type":"send-delayed","content":"1"}"#).is_empty());
    assert_eq!(rig.says(r#"{"type":"send-delayed","content":"2"}"#), ["send text 1"]);
    assert_eq!(rig.says(r#"{"type":"flush-delayed"}"#), ["send text 2"]);
    assert!(rig.says(r#"{"type":"flush-delayed"}"#).is_empty());
    rig.says(r#"{"type":"send-delayed","content-bin":"aGk="}"#);
    assert_eq!(rig.pass(1), ["send binary hi"]);
}

#[test]
fn ctl_50_a_delayed_message_does_not_outlive_its_connection() {
    let mut rig = open(Plan::default());
    rig.says(r#"{"type":"send-delayed","content":"1"}"#);
    rig.give(Input::PublishClose(Default::default()));
    rig.answer("");
    assert_eq!(rig.pass(10), ["note close_unanswered", "hang up", "ended"]);
    assert!(rig.give(Input::Publish(message(WsType::Text, "x"))).is_empty());
}

#[test]
fn ws_53_a_silent_client_is_closed_and_one_that_gets_something_is_not() {
    let mut rig = open(Plan::default());
    rig.pass(1000);
    rig.publish("x");
    rig.pass(1000);
    rig.fan_out();
    rig.pass(1000);
    rig.give(Input::Frame(Frame::Ping("x".into())));
    assert_eq!(rig.pass(1799), [""; 0]);
    let told = rig.pass(1);
    assert_eq!(told, ["note socket_idle", "close 1001", "request CLOSE|"]);
}

#[test]
fn ws_53_pings_of_the_proxy_are_between_it_and_the_client() {
    let limits = Limits { socket_ping_interval: Some(Span::from_secs(60)), ..Limits::default() };
    let mut rig = open(Plan { limits, ..Plan::default() });
    assert_eq!(rig.pass(60), ["send ping holdfast"]);
    assert!(rig.give(Input::Frame(Frame::Pong("holdfast".into()))).is_empty());
    assert_eq!(rig.pass(59), [""; 0]);
    assert_eq!(rig.pass(1), ["send ping holdfast"]);
    let told = rig.pass(60);
    assert_eq!(told, ["note socket_idle", "close 1001", "request CLOSE|"]);
    let mut rig = open(Plan::default());
    assert_eq!(rig.give(Input::Frame(Frame::Pong("x".into()))), ["request PONG 1|x|"]);
}
