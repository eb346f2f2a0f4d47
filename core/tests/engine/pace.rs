//! Deliveries at a rate (RATE-1 to RATE-5).

use crate::shard::{Did, Shard};
use holdfast_core::engine::{Event, Reason};
use holdfast_core::ground::{Count, Limits, Span};

const STREAM: &[(&str, &str)] = &[("Grip-Hold", "stream"), ("Grip-Channel", "a")];
const POLL: &[(&str, &str)] = &[("Grip-Hold", "response"), ("Grip-Channel", "a")];
const ROUTES: &str = "*,path_beg=/own,id=own localhost:80\n* localhost:80";
const TICK: Span = Span::from_millis(25);

/// A shard that delivers so many items a tick.
fn paced(a_tick: u32, change: impl FnOnce(&mut Limits)) -> Shard {
    Shard::with(ROUTES, |limits| {
        limits.message_rate = Some(a_tick * 40);
        change(limits);
    })
}

fn hold(shard: &mut Shard, slot: u32, target: &str, fields: &[(&'static str, &'static str)]) {
    shard.get(slot, target);
    shard.origin(slot, 200, fields);
    shard.body(slot, "", true);
}

fn streams(shard: &mut Shard, count: u32) {
    for slot in 0..count {
        hold(shard, slot, "/", STREAM);
    }
}

fn item(text: &str) -> String {
    format!(r#"{{"channel": "a", "http-stream": {{"content": "{text}"}}}}"#)
}

fn writes(slots: core::ops::Range<u32>, text: &str) -> Vec<Did> {
    slots.map(|slot| Did::Write(slot, text.to_owned())).collect()
}

#[test]
fn rate_1_a_fan_out_leaves_in_ticks_the_first_at_once() {
    let mut shard = paced(2, |_| {});
    streams(&mut shard, 5);
    assert_eq!(shard.publish(&item("x")), writes(0..2, "x"));
    let (at, why) = shard.engine.deadline().expect("a tick");
    assert_eq!((at, why), (shard.now + TICK, Reason::Pace));
    assert_eq!(shard.wait(Span::from_millis(24)), []);
    assert_eq!(shard.wait(Span::from_millis(1)), writes(2..4, "x"));
    assert_eq!(shard.publish(&item("y")), []);
    assert_eq!(shard.wait(TICK), [writes(4..5, "x"), writes(0..1, "y")].concat());
    assert_eq!(shard.wait(TICK), writes(1..3, "y"));
    shard.wait(Span::from_secs(1));
    assert_eq!(shard.publish(&item("z")), writes(0..2, "z"), "idle again");
    assert_eq!(shard.count(Count::Delivered), 5 + 5 + 2);
}

#[test]
fn rate_1_slow_rates_deliver_one_at_a_time() {
    let mut shard = Shard::with(ROUTES, |limits| limits.message_rate = Some(2));
    streams(&mut shard, 3);
    assert_eq!(shard.publish(&item("x")), writes(0..1, "x"));
    assert_eq!(shard.wait(Span::from_millis(499)), []);
    assert_eq!(shard.wait(Span::from_millis(1)), writes(1..2, "x"));
}

#[test]
fn rate_1_what_is_nothing_to_a_session_is_no_delivery() {
    let mut shard = paced(1, |_| {});
    hold(&mut shard, 0, "/", POLL);
    hold(&mut shard, 1, "/", STREAM);
    assert_eq!(shard.publish(&item("x")), writes(1..2, "x"));
}

#[test]
fn rate_1_a_close_ends_every_stream_in_its_turn() {
    let mut shard = paced(1, |_| {});
    streams(&mut shard, 2);
    let close = r#"{"channel": "a", "http-stream": {"action": "close"}}"#;
    assert_eq!(shard.publish(close), [Did::Finish(0)]);
    let last = Did::Interest("a".to_owned(), false);
    assert_eq!(shard.wait(TICK), [Did::Finish(1), last]);
    shard.assert_idle();
}

#[test]
fn rate_2_a_route_with_an_id_does_not_wait_for_others_and_each_keeps_its_order() {
    let mut shard = paced(2, |_| {});
    streams(&mut shard, 4);
    hold(&mut shard, 4, "/own", STREAM);
    let mut did = shard.publish(&item("x"));
    did.extend(shard.publish(&item("y")));
    assert_eq!(did, [writes(0..1, "x"), writes(4..5, "x")].concat(), "in one tick, one of each");
    assert_eq!(shard.wait(TICK), [writes(1..2, "x"), writes(4..5, "y")].concat());
    assert_eq!(shard.wait(TICK), writes(2..4, "x"), "alone it has the whole tick");
    assert_eq!(shard.wait(TICK), writes(0..2, "y"));
}

#[test]
fn rate_2_a_session_that_is_gone_costs_nothing() {
    let mut shard = paced(1, |_| {});
    streams(&mut shard, 4);
    shard.publish(&item("x"));
    shard.gone(1);
    shard.gone(2);
    assert_eq!(shard.wait(TICK), writes(3..4, "x"));
}

#[test]
fn rate_2_a_poll_that_comes_again_does_not_get_the_item_again() {
    let mut shard = paced(1, |_| {});
    hold(&mut shard, 0, "/", POLL);
    hold(&mut shard, 1, "/", POLL);
    let did = shard.publish(r#"{"channel": "a", "http-response": {"body": "x"}}"#);
    assert_eq!(did, [Did::Respond(0, 200, "x".to_owned())]);
    hold(&mut shard, 0, "/", POLL);
    assert_eq!(shard.wait(TICK), [Did::Respond(1, 200, "x".to_owned())]);
    assert_eq!(shard.wait(Span::from_secs(1)), []);
}

#[test]
fn rate_3_too_many_items_are_dropped_and_counted_but_no_fan_out_is_cut_short() {
    let mut shard = paced(1, |limits| limits.message_hwm = Some(1));
    streams(&mut shard, 20);
    assert_eq!(shard.publish(&item("x")), writes(0..1, "x"));
    for text in ["y", "z"] {
        assert_eq!(shard.publish(&item(text)), []);
    }
    assert_eq!(shard.count(Count::PaceFull), 1);
    let all = [writes(1..20, "x"), writes(0..20, "y")].concat();
    assert_eq!(shard.wait(Span::from_secs(2)), all);
}

#[test]
fn rate_3_the_bytes_that_wait_are_bounded_too() {
    let mut shard = paced(1, |limits| limits.paced_bytes = 2000);
    streams(&mut shard, 2);
    shard.publish(&item("x"));
    shard.publish(&item(&"y".repeat(2000)));
    assert_eq!(shard.count(Count::PaceFull), 1);
}

#[test]
fn rate_3_receipts_say_at_once_how_many_will_get_the_item() {
    let mut shard = paced(1, |limits| limits.message_hwm = Some(1));
    streams(&mut shard, 3);
    hold(&mut shard, 3, "/", POLL);
    let counted = |shard: &mut Shard| shard.publish_counted(&item("x")).into_iter();
    assert!(counted(&mut shard).any(|did| did == Did::Reached(3)));
    assert!(counted(&mut shard).any(|did| did == Did::Reached(3)));
    assert!(counted(&mut shard).any(|did| did == Did::Reached(0)), "no room");
    let nobody = r#"{"channel": "b", "http-stream": {"content": "x"}}"#;
    assert_eq!(shard.publish_counted(nobody), [Did::Reached(0)]);
}

#[test]
fn rate_4_without_a_rate_everything_leaves_at_once_also_what_has_waited() {
    let mut shard = paced(1, |_| {});
    streams(&mut shard, 3);
    shard.publish(&item("x"));
    shard.publish(&item("y"));
    let config = std::sync::Arc::default();
    let did = shard.handle(Event::Reconfigure(config));
    assert_eq!(did, [writes(1..3, "x"), writes(0..3, "y")].concat());
    assert_eq!(shard.publish(&item("z")), writes(0..3, "z"));
}

#[test]
fn rate_5_long_items_weigh_as_many_blocks_as_they_fill() {
    let mut shard = paced(4, |limits| limits.message_block_size = Some(10));
    streams(&mut shard, 3);
    let long = "x".repeat(11);
    assert_eq!(shard.publish(&item(&long)), writes(0..2, &long));
    assert_eq!(shard.wait(TICK), writes(2..3, &long));
    let sized = r#"{"channel": "a", "size": 79, "http-stream": {"content": "y"}}"#;
    shard.wait(TICK);
    assert_eq!(shard.publish(sized), writes(0..1, "y"));
    assert_eq!(shard.wait(TICK), [], "it was heavier than a tick");
    assert_eq!(shard.wait(TICK), writes(1..2, "y"));
}
