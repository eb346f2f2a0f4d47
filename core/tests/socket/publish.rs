//! What publishers send (WPUB-1 to WPUB-23).

use holdfast_core::ground::Limits;
use holdfast_core::publish::WsType;
use holdfast_core::socket::Input;

use crate::rig::{Plan, message};

#[test]
fn wpub_2_wpub_3_messages_of_every_kind_go_as_they_are() {
    let mut rig = Plan::default().open_grip("");
    let mut publish = |kind, text| rig.give(Input::Publish(message(kind, text)));
    assert_eq!(publish(WsType::Text, "c:x"), ["send text c:x"]);
    assert_eq!(publish(WsType::Binary, ""), ["send binary "]);
    assert_eq!(publish(WsType::Ping, ""), ["send ping "]);
    assert_eq!(publish(WsType::Pong, "m:"), ["send pong m:"]);
}

#[test]
fn wpub_7_only_open_sockets_receive() {
    let mut rig = Plan::default().over_http();
    assert!(rig.publish("early").is_empty());
    assert!(!rig.socket().takes_fanout() && !rig.socket().takes_items());
    rig.answer("OPEN|");
    assert!(rig.socket().takes_fanout() && rig.socket().takes_items());
    rig.close(1000, "");
    assert!(rig.publish("late").is_empty());
    assert!(!rig.socket().takes_fanout() && !rig.socket().takes_items());
}

#[test]
fn wpub_20_no_loss_below_the_limit_and_a_close_above() {
    let limits = Limits { socket_backlog_bytes: 10, ..Limits::default() };
    let mut rig = Plan { limits, ..Plan::default() }.open("");
    assert_eq!(rig.publish("a message of any size").len(), 1, "WPUB-21");
    rig.give(Input::Backlog(6));
    assert!(!rig.socket().takes_fanout());
    assert_eq!(rig.publish("12"), ["send text 12"]);
    assert_eq!(rig.publish("34"), ["send text 34"]);
    let told = ["note slow_client_cut", "close 1008", "request DISCONNECT|"];
    assert_eq!(rig.publish("5"), told);
}

#[test]
fn wpub_20_a_client_that_catches_up_receives_again() {
    let limits = Limits { socket_backlog_bytes: 10, ..Limits::default() };
    let mut rig = Plan { limits, ..Plan::default() }.open("");
    rig.give(Input::Backlog(10));
    rig.give(Input::Backlog(0));
    assert!(rig.socket().takes_fanout());
    assert_eq!(rig.publish("goes on"), ["send text goes on"]);
}
