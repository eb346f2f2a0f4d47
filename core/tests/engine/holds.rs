//! Holds as a backend asks for them and publishers answer them.

use crate::shard::{Did, Shard, conn, interest, respond, write};
use holdfast_core::engine::{ClientGone, Event};
use holdfast_core::ground::{Count, Span};

const POLL: &[(&str, &str)] = &[("Grip-Hold", "response"), ("Grip-Channel", "a")];
const STREAM: &[(&str, &str)] = &[("Grip-Hold", "stream"), ("Grip-Channel", "a")];

const TO_RESPONSE: &str = r#"{"channel": "a", "http-response": {"body": "item"}}"#;
const TO_STREAM: &str = r#"{"channel": "a", "http-stream": {"content": "item"}}"#;
const CLOSE: &str = r#"{"channel": "a", "http-stream": {"action": "close"}}"#;

fn shard() -> Shard {
    Shard::new("* localhost:80")
}

#[test]
fn resp_1_resp_4_the_first_item_answers_a_response_hold_and_no_other_does() {
    let mut shard = shard();
    assert_eq!(shard.hold(0, POLL, "none"), [Did::Collect(0), interest("a", true)]);
    assert_eq!(shard.publish(TO_STREAM), [], "not its format (PUB-4)");
    assert_eq!(shard.publish(TO_RESPONSE), [respond(0, "item")]);
    assert_eq!(shard.publish(TO_RESPONSE), []);
    assert_eq!(shard.engine.exchanges(), 0);
}

#[test]
fn resp_2_a_response_hold_ends_at_its_timeout_which_is_at_least_five_seconds() {
    for (timeout, secs) in [(None, 55), (Some("20"), 20), (Some("1"), 5)] {
        let mut shard = shard();
        let mut fields = POLL.to_vec();
        fields.extend(timeout.map(|timeout| ("Grip-Timeout", timeout)));
        shard.hold(0, &fields, "none");
        assert_eq!(shard.wait(Span::from_millis(secs * 1000 - 1)), []);
        let did = shard.wait(Span::from_millis(6));
        assert_eq!(did, [respond(0, "none")], "{timeout:?}");
    }
}

#[test]
fn resp_5_an_item_on_any_channel_answers_and_all_subscriptions_end() {
    let mut shard = shard();
    shard.hold(
        0,
        &[("Grip-Hold", "response"), ("Grip-Channel", "a, b"), ("Grip-Channel", "c")],
        "",
    );
    assert_eq!(shard.engine.subscribers("c"), 1);
    let did = shard.publish(r#"{"channel": "b", "http-response": {"body": "b"}}"#);
    assert_eq!(did.last(), Some(&respond(0, "b")));
    assert_eq!(["a", "b", "c"].map(|name| shard.engine.subscribers(name)), [0; 3]);
}

#[test]
fn resp_7_close_does_nothing_to_a_response_hold() {
    let mut shard = shard();
    shard.hold(0, POLL, "none");
    assert_eq!(shard.publish(r#"{"channel": "a", "http-response": {"action": "close"}}"#), []);
    assert_eq!(shard.engine.counters().of(Count::NoEffect), 1);
    assert_eq!(shard.publish(TO_RESPONSE).last(), Some(&respond(0, "item")));
}

#[test]
fn strm_1_a_stream_begins_at_once_and_items_are_appended() {
    let mut shard = shard();
    shard.get(0, "/");
    let did = shard.origin(0, 200, STREAM);
    assert_eq!(did, [interest("a", true), Did::Begin(0, 200), Did::Stream(0)]);
    assert_eq!(shard.body(0, "first ", false), [write(0, "first ")]);
    assert_eq!(shard.body(0, "body ", true), [write(0, "body ")]);
    assert_eq!(shard.publish(TO_STREAM), [write(0, "item")]);
    assert_eq!(shard.publish(TO_RESPONSE), [], "not its format (PUB-4)");
    assert_eq!(shard.wait(Span::from_secs(10_000)), [], "nothing ends it (STRM-8)");
}

#[test]
fn strm_4_items_that_come_during_the_first_body_follow_it() {
    let mut shard = shard();
    shard.get(0, "/");
    shard.origin(0, 200, STREAM);
    assert_eq!(shard.publish(TO_STREAM), []);
    assert_eq!(shard.body(0, "first ", true), [write(0, "first "), write(0, "item")]);
    assert_eq!(shard.publish(TO_STREAM), [write(0, "item")]);
}

#[test]
fn strm_5_a_close_ends_streams_properly_also_one_that_is_still_opening() {
    let mut shard = shard();
    shard.hold(0, STREAM, "");
    shard.get(1, "/");
    shard.origin(1, 200, STREAM);
    assert_eq!(shard.publish(CLOSE), [Did::Finish(0)]);
    let did = shard.body(1, "first", true);
    assert_eq!(did, [write(1, "first"), interest("a", false), Did::Finish(1)]);
    assert_eq!(shard.engine.exchanges(), 0);
}

#[test]
fn strm_6_empty_content_sends_nothing() {
    let mut shard = shard();
    shard.hold(0, STREAM, "");
    assert_eq!(shard.publish(r#"{"channel": "a", "http-stream": {"content": ""}}"#), []);
}

#[test]
fn strm_7_a_slow_client_is_cut_and_counted_not_ended_cleanly() {
    let mut shard = Shard::with("* localhost:80", |limits| limits.backlog_bytes = 10);
    shard.hold(0, STREAM, "");
    assert_eq!(shard.handle(Event::Backlog { conn: conn(0), bytes: 10 }), []);
    let did = shard.handle(Event::Backlog { conn: conn(0), bytes: 11 });
    assert_eq!(did, [interest("a", false), Did::Abort(0)]);
    assert_eq!(shard.engine.counters().of(Count::SlowClient), 1);
}

#[test]
fn strm_7_what_waits_behind_a_first_body_is_bounded_too() {
    let mut shard = Shard::with("* localhost:80", |limits| limits.waiting_bytes = 100);
    shard.get(0, "/");
    shard.origin(0, 200, STREAM);
    assert_eq!(shard.publish(TO_STREAM), []);
    let did = shard.publish(TO_STREAM);
    assert_eq!(did, [Did::DropOrigin(0), interest("a", false), Did::Abort(0)]);
    assert_eq!(shard.count(Count::WaitingFull), 1);
}

#[test]
fn strm_10_no_stream_where_no_body_may_be() {
    let mut shard = shard();
    shard.request(0, "HEAD", "/", &[]);
    assert_eq!(shard.origin(0, 200, STREAM), [Did::Collect(0)]);
    assert_eq!(shard.body(0, "", true), [respond(0, "")]);
    shard.get(0, "/");
    assert_eq!(shard.origin(0, 204, STREAM), [Did::Collect(0)]);
    assert_eq!(shard.body(0, "", true), [Did::Respond(0, 204, String::new())]);
}

#[test]
fn keep_4_items_put_off_the_keep_alive_of_an_idle_stream() {
    let mut shard = shard();
    let fields = [STREAM, &[("Grip-Keep-Alive", "ka; timeout=20")]].concat();
    shard.hold(0, &fields, "");
    shard.wait(Span::from_secs(15));
    shard.publish(TO_STREAM);
    assert_eq!(shard.wait(Span::from_secs(17)), []);
    assert_eq!(shard.wait(Span::from_secs(4)), [write(0, "ka")]);
    assert_eq!(shard.wait(Span::from_secs(21)), [write(0, "ka")]);
}

#[test]
fn chan_1_chan_8_prefix_and_route_channels() {
    let mut shard = Shard::new("*,prefix=p- localhost:80,sub=extra");
    shard.hold(0, STREAM, "");
    assert_eq!(["a", "p-a", "extra"].map(|name| shard.engine.subscribers(name)), [0, 1, 1]);
}

#[test]
fn chan_6_channels_beyond_the_limit_are_counted() {
    let mut shard = Shard::with("* localhost:80", |limits| limits.channels_per_hold = 2);
    shard.hold(0, &[("Grip-Hold", "stream"), ("Grip-Channel", "a, b, c")], "");
    assert_eq!(["a", "b", "c"].map(|name| shard.engine.subscribers(name)), [1, 1, 0]);
    assert_eq!(shard.engine.counters().of(Count::ChannelLimit), 1);
}

#[test]
fn chan_7_a_filter_without_effect_is_counted_and_the_hold_goes_on() {
    let mut shard = shard();
    shard.hold(0, &[("Grip-Hold", "stream"), ("Grip-Channel", "a; filter=skip-sefl")], "");
    assert_eq!(shard.engine.subscribers("a"), 1);
    assert_eq!(shard.engine.counters().of(Count::FilterUnknown), 1);
}

#[test]
fn chan_6_with_debug_more_channels_are_an_error() {
    let mut shard = Shard::with("*,debug localhost:80", |limits| limits.channels_per_hold = 2);
    for mode in ["stream", "response"] {
        let did = shard.hold(0, &[("Grip-Hold", mode), ("Grip-Channel", "a, b, third")], "");
        let refused = |did: &Did| matches!(did, Did::Respond(0, 502, why) if why.contains("third"));
        assert!(did.iter().any(refused), "{did:?}");
    }
}

#[test]
fn a_client_that_leaves_takes_its_subscriptions_along() {
    let mut shard = shard();
    shard.hold(0, POLL, "");
    shard.hold(1, STREAM, "");
    for slot in [0, 1] {
        shard.handle(Event::Gone { conn: conn(slot), why: ClientGone::Left });
    }
    assert_eq!((shard.engine.exchanges(), shard.engine.subscribers("a")), (0, 0));
    shard.assert_idle();
}

#[test]
fn a_peak_of_holds_leaves_a_sound_engine() {
    let mut shard = shard();
    for round in 0..2 {
        for slot in 0..1100 {
            shard.hold(slot, POLL, "none");
        }
        let did = shard.wait(Span::from_secs(60));
        assert_eq!(did.len(), 1100, "round {round}: every poll");
        assert_eq!(shard.wait(Span::from_secs(60)), [interest("a", false)], "round {round}");
        assert_eq!((shard.engine.exchanges(), shard.engine.deadline()), (0, None));
    }
}

#[test]
fn one_fanout_reaches_every_stream_and_leaves_polls_to_their_own() {
    let mut shard = shard();
    for slot in 0..10 {
        shard.hold(slot, if slot % 2 == 0 { STREAM } else { POLL }, "");
    }
    let did = shard.publish(
        r#"{"channel": "a", "http-stream": {"content": "s"}, "http-response": {"body": "r"}}"#,
    );
    let mut expected: Vec<_> = (0..5).map(|n| respond(2 * n + 1, "r")).collect();
    expected.extend((0..5).map(|n| write(2 * n, "s")));
    assert_eq!(did, expected);
    assert_eq!(shard.engine.counters().of(Count::Delivered), 10);
}

#[test]
fn draining_ends_holds_as_if_their_time_were_over() {
    let mut shard = shard();
    shard.hold(0, POLL, "none");
    shard.hold(1, STREAM, "");
    let did = shard.handle(Event::Drain);
    assert_eq!(did, [respond(0, "none"), Did::Finish(1)]);
    assert_eq!(shard.hold(0, POLL, "none"), [Did::Collect(0), respond(0, "none")]);
    let late = shard.hold(1, STREAM, "");
    assert_eq!(late.last(), Some(&Did::Finish(1)));
    assert_eq!(shard.engine.exchanges(), 0);
}

#[test]
fn the_test_origin_holds_without_a_network() {
    let mut shard = Shard::new("* test");
    assert_eq!(shard.get(0, "/response?channel=a"), [interest("a", true)]);
    let did = shard.get(1, "/stream?channel=a");
    assert_eq!(did, [Did::Begin(1, 200), write(1, "[stream opened]\n")]);
    assert_eq!(shard.publish(TO_RESPONSE), [respond(0, "item")]);
}
