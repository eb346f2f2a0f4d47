//! Holds that may have missed something, and ask again.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::shard::{Did, Said, Shard, conn, item};
use bytes::Bytes;
use holdfast_core::engine::{CallBody, Event, OriginFault, Request};
use holdfast_core::ground::{Count, Span};
use holdfast_core::message::{BodySize, Fields, RequestHead, Version};
use holdfast_core::publish::{Release, Scope};

const AT_1: &Said = &[("Grip-Hold", "response"), ("Grip-Channel", "a; prev-id=1")];
const AT_2: &Said = &[("Grip-Hold", "response"), ("Grip-Channel", "a; prev-id=2")];
const AT_3: &Said = &[("Grip-Hold", "response"), ("Grip-Channel", "a; prev-id=3")];
const PLAIN: &Said = &[("Grip-Hold", "response"), ("Grip-Channel", "a")];
const STREAM_1: &Said = &[
    ("Grip-Hold", "stream"),
    ("Grip-Channel", "a; prev-id=1"),
    ("Grip-Link", "</more>; rel=next"),
];

fn shard() -> Shard {
    Shard::new("* localhost:80")
}

fn respond(slot: u32, body: &str) -> Did {
    Did::Respond(slot, 200, body.to_owned())
}

fn write(slot: u32, data: &str) -> Did {
    Did::Write(slot, data.to_owned())
}

fn call(number: usize, what: &str) -> Did {
    Did::Call(number, what.to_owned())
}

fn forget(channel: &str, id: &str) -> Did {
    Did::Forget(channel.to_owned(), id.to_owned())
}

/// A shard on which item `id` of channel `a` was the last.
fn after(id: &str) -> Shard {
    let mut shard = shard();
    shard.sequence(&item("a", id, "", "old"));
    shard
}

/// These channels have had their first subscription a while ago.
fn first_subscription<const N: usize>(channels: [&str; N]) -> Event {
    let channels: BTreeSet<Arc<str>> = channels.map(Arc::from).into();
    Event::Released(Release::Recover(Scope::Channels(Arc::new(channels))))
}

/// What comes when a `POST` of this size is held.
fn hold_post(shard: &mut Shard, size: u64, fields: &Said) {
    let head = RequestHead {
        method: http::Method::POST,
        target: Bytes::from_static(b"/"),
        version: Version::Http11,
        fields: Fields::from_iter([("Host", "example.com")]),
    };
    let request = Request { head, body: BodySize::Known(size), peer: None, secure: false };
    shard.handle(Event::Request { conn: conn(0), request });
    shard.origin(0, 200, fields);
    shard.body(0, "none", true);
}

#[test]
fn rel_1_a_poll_that_starts_behind_asks_again_at_once() {
    let mut shard = after("2");
    let did = shard.hold(0, AT_1, "none");
    assert_eq!(did[2..], [forget("a", "2"), call(0, "GET / (a; last-id=1)")]);
    assert_eq!(shard.call_sized(0, &[("Content-Type", "text/plain")], 3), [Did::ReadWhole(0)]);
    assert_eq!(shard.call_data(0, "two", true), [respond(0, "two")]);
    shard.assert_idle();
}

#[test]
fn rel_1_a_poll_that_starts_in_step_or_with_nothing_known_is_held() {
    for mut shard in [after("1"), shard()] {
        let did = shard.hold(0, AT_1, "none");
        assert_eq!(did, [Did::Collect(0), Did::Interest("a".to_owned(), true)]);
        assert_eq!(shard.sequence(&item("a", "2", "1", "two")), [respond(0, "two")]);
    }
}

#[test]
fn rel_1_a_stream_that_starts_behind_fetches_its_next_link_after_its_body() {
    let mut shard = after("2");
    shard.get(0, "/");
    let did = shard.origin(0, 200, STREAM_1);
    assert!(did.contains(&forget("a", "2")), "{did:?}");
    let did = shard.body(0, "one", true);
    assert_eq!(did, [write(0, "one"), call(0, "GET /more (a; last-id=1)")]);
}

#[test]
fn rel_2_an_item_is_delivered_only_if_it_continues_the_position() {
    let mut shard = shard();
    shard.hold(0, STREAM_1, "");
    assert_eq!(shard.sequence(&item("a", "2", "1", "two")), [write(0, "two")]);
    assert_eq!(shard.sequence(&item("a", "3", "2", "three")), [write(0, "three")]);
    let did = shard.sequence(&item("a", "5", "4", "five"));
    assert_eq!(did, [forget("a", "5"), call(0, "GET /more (a; last-id=3)")]);
    assert_eq!(shard.count(Count::Gap), 1);
}

#[test]
fn rel_2_an_item_without_id_keeps_the_position_where_it_is() {
    let mut shard = shard();
    shard.hold(0, STREAM_1, "");
    assert_eq!(shard.sequence(&item("a", "", "1", "x")), [write(0, "x")]);
    assert_eq!(shard.sequence(&item("a", "2", "1", "two")), [write(0, "two")]);
}

#[test]
fn rel_2_an_item_that_the_backend_told_first_is_counted_as_known() {
    let mut shard = shard();
    shard.hold(0, STREAM_1, "");
    shard.hold(1, AT_1, "none");
    assert_eq!(shard.sequence(&item("a", "1", "0", "one")), []);
    assert_eq!(shard.count(Count::KnownItem), 2);
    let did = shard.sequence(&item("a", "2", "1", "two"));
    assert_eq!(did, [respond(1, "two"), write(0, "two")]);
}

#[test]
fn rel_3_an_item_without_prev_id_is_a_gap_too() {
    let mut shard = shard();
    shard.hold(0, AT_1, "none");
    let did = shard.sequence(&item("a", "7", "", "seven"));
    assert_eq!(did, [forget("a", "7"), call(0, "GET / (a; last-id=1)")]);
}

#[test]
fn rel_4_a_position_without_next_link_is_refused_before_anything_is_sent() {
    let fields = [("Grip-Hold", "stream"), ("Grip-Channel", "a; prev-id=1")];
    let mut shard = shard();
    shard.get(0, "/");
    let did = shard.origin(0, 200, &fields);
    assert!(matches!(did[..], [Did::DropOrigin(0), Did::Respond(0, 502, _)]), "{did:?}");
    let json = r#"{"hold": {"mode": "stream", "channels": [{"name": "a", "prev-id": "1"}]}}"#;
    shard.get(0, "/");
    shard.origin(0, 200, &[("Content-Type", "application/grip-instruct")]);
    let did = shard.body(0, json, true);
    assert!(matches!(did[..], [Did::Respond(0, 502, _)]), "{did:?}");
    shard.assert_idle();
}

#[test]
fn rel_5_without_position_nothing_is_checked() {
    let mut shard = after("9");
    let did = shard.hold(0, PLAIN, "none");
    assert_eq!(did.len(), 2, "{did:?}");
    assert_eq!(shard.sequence(&item("a", "5", "4", "five")), [respond(0, "five")]);
}

#[test]
fn rel_6_an_item_that_is_kept_back_moves_the_position_all_the_same() {
    let mut shard = shard();
    let fields = [
        ("Grip-Hold", "stream"),
        ("Grip-Channel", "a; prev-id=1; filter=skip-self"),
        ("Grip-Set-Meta", "user=bob"),
        ("Grip-Link", "</more>; rel=next"),
    ];
    shard.hold(0, &fields, "");
    let own = r#"{"channel": "a", "id": "2", "prev-id": "1", "meta": {"sender": "bob"},
        "http-stream": {"content": "x"}}"#;
    assert_eq!(shard.sequence(own), []);
    let other = r#"{"channel": "a", "id": "3", "prev-id": "2", "http-stream": {"content": "y",
        "content-filters": ["build-id"]}}"#;
    assert_eq!(shard.sequence(other), []);
    assert_eq!((shard.count(Count::Filtered), shard.count(Count::FilterMismatch)), (1, 1));
    assert_eq!(shard.sequence(&item("a", "4", "3", "four")), [write(0, "four")]);
}

#[test]
fn rec_1_a_retry_is_the_clients_request_with_the_positions() {
    let mut shard = Shard::new("*,prefix=p- localhost:80");
    let own = [("X-Mine", "yes"), ("Grip-Last", "evil; last-id=0"), ("Cookie", "c")];
    shard.request(0, "GET", "/path?q", &own);
    let fields = [("Grip-Hold", "response"), ("Grip-Channel", "a; prev-id=1, b; prev-id=2, c")];
    shard.origin(0, 200, &fields);
    shard.body(0, "none", true);
    let did = shard.sequence(&item("p-b", "4", "3", "four"));
    let expected = "GET /path?q (a; last-id=1) (b; last-id=2)";
    assert_eq!(did, [forget("p-b", "4"), call(0, expected)]);
    let head = &shard.call(0).head;
    assert!(
        head.fields.has("X-Mine") && head.fields.has("Cookie") && head.fields.has("Grip-Feature")
    );
    assert_eq!(head.fields.first("Host").map(|host| &host[..]), Some(&b"example.com"[..]));
}

#[test]
fn rec_1_a_retry_sends_the_clients_body_again() {
    let mut shard = shard();
    hold_post(&mut shard, 3, AT_1);
    let did = shard.sequence(&item("a", "3", "2", "three"));
    assert_eq!(did[1..], [call(0, "POST / (a; last-id=1) body of 0")]);
    assert_eq!(shard.call(0).body, CallBody::OfClient(conn(0)));
}

#[test]
fn rec_1_the_answer_to_a_retry_may_hold_again() {
    let mut shard = shard();
    shard.hold(0, AT_1, "old");
    shard.sequence(&item("a", "3", "2", "three"));
    assert_eq!(shard.call_head(0, 200, AT_3), [Did::ReadWhole(0)]);
    assert_eq!(shard.call_data(0, "new", true), [], "the channel stays subscribed");
    assert_eq!(shard.sequence(&item("a", "4", "3", "four")), [respond(0, "four")]);
    shard.assert_idle();
}

#[test]
fn rec_1_the_answer_to_a_retry_may_be_a_long_final_response() {
    let mut shard = shard();
    shard.hold(0, AT_1, "old");
    shard.sequence(&item("a", "3", "2", "three"));
    let did = shard.call_head(0, 404, &[]);
    assert_eq!(did, [Did::Begin(0, 404), Did::ReadPiece(0)], "of unknown size");
    assert_eq!(shard.call_data(0, "part", false), [write(0, "part"), Did::ReadPiece(0)]);
    assert_eq!(shard.call_data(0, "end", true), [write(0, "end"), Did::Finish(0)]);
    shard.hold(1, AT_1, "old");
    shard.sequence(&item("a", "3", "2", "three"));
    assert_eq!(shard.call_sized(1, &[], 3), [Did::ReadWhole(1)]);
    assert_eq!(shard.call_data(1, "yes", true), [respond(1, "yes")]);
    shard.assert_idle();
}

#[test]
fn rec_1_a_final_response_that_breaks_is_aborted() {
    let mut shard = shard();
    shard.hold(0, AT_1, "old");
    shard.sequence(&item("a", "3", "2", "three"));
    shard.call_head(0, 200, &[]);
    shard.call_data(0, "part", false);
    assert_eq!(shard.call_failed(0, OriginFault::Broken), [Did::Abort(0)]);
    shard.assert_idle();
}

#[test]
fn rec_1_the_answer_to_a_retry_may_be_a_stream() {
    let mut shard = shard();
    shard.hold(0, AT_1, "old");
    shard.sequence(&item("a", "3", "2", "three"));
    assert_eq!(shard.call_head(0, 200, STREAM_1), [Did::Begin(0, 200), Did::ReadPiece(0)]);
    assert_eq!(shard.call_data(0, "one", true), [write(0, "one")]);
    assert_eq!(shard.sequence(&item("a", "2", "1", "two")), [write(0, "two")]);
    shard.gone(0);
    shard.assert_idle();
}

#[test]
fn rec_2_a_stream_without_next_link_has_nothing_to_ask() {
    let mut shard = shard();
    shard.hold(0, &[("Grip-Hold", "stream"), ("Grip-Channel", "a")], "");
    let hint = r#"{"channel": "a", "http-stream": {"action": "hint"}}"#;
    assert_eq!(shard.publish(hint), []);
    assert_eq!(shard.handle(Event::Released(Release::Recover(Scope::All))), []);
    assert_eq!(shard.sequence(&item("a", "9", "8", "nine")), [write(0, "nine")]);
}

#[test]
fn rec_3_recoveries_are_paced_and_each_has_its_turn() {
    let mut shard = Shard::with("* localhost:80", |limits| {
        (limits.recoveries_per_second, limits.recovery_burst) = (10, 3);
    });
    for slot in 0..8 {
        shard.hold(slot, AT_1, "none");
    }
    let did = shard.sequence(&item("a", "3", "2", "three"));
    let calls = |did: &[Did]| did.iter().filter(|did| matches!(did, Did::Call(..))).count();
    assert_eq!(calls(&did), 3);
    assert_eq!(calls(&shard.wait(Span::from_millis(200))), 2);
    assert_eq!(calls(&shard.wait(Span::from_secs(10))), 3);
}

#[test]
fn rec_3_so_many_recoveries_are_under_way_at_once() {
    let mut shard = Shard::with("* localhost:80", |limits| limits.recovery_calls = 2);
    for slot in 0..4 {
        shard.hold(slot, AT_1, "none");
    }
    let did = shard.sequence(&item("a", "3", "2", "three"));
    let (first, second) = (call(0, "GET / (a; last-id=1)"), call(1, "GET / (a; last-id=1)"));
    assert_eq!(did, [forget("a", "3"), first, second]);
    let did = shard.gone(0);
    assert_eq!(did, [Did::DropCall(0), call(2, "GET / (a; last-id=1)")], "the next one's turn");
    shard.gone(3);
    let did = shard.answer(1, &[], "x");
    assert!(
        !did.iter().any(|did| matches!(did, Did::Call(..))),
        "who has left has no turn: {did:?}"
    );
}

#[test]
fn rec_4_wishes_while_one_is_under_way_become_one_more() {
    let mut shard = shard();
    let hint = r#"{"channel": "a", "http-response": {"action": "hint"}}"#;
    shard.hold(0, PLAIN, "none");
    assert_eq!(shard.publish(hint), [call(0, "GET /")]);
    assert_eq!((shard.publish(hint), shard.publish(hint)), (vec![], vec![]));
    shard.call_head(0, 200, PLAIN);
    assert_eq!(shard.call_data(0, "none", true), [call(1, "GET /")]);
    assert_eq!(shard.answer(1, PLAIN, "none"), [], "and no more");
}

#[test]
fn rec_4_also_if_the_answer_in_between_makes_a_stream_of_it() {
    let mut shard = shard();
    shard.hold(0, AT_1, "none");
    shard.sequence(&item("a", "3", "2", "three"));
    shard.publish(
        r#"{"channel": "a", "http-response": {"action": "hint"},
        "id": "2", "prev-id": "1"}"#,
    );
    shard.call_head(0, 200, STREAM_1);
    let did = shard.call_data(0, "", true);
    assert_eq!(did, [call(1, "GET /more (a; last-id=1)")]);
}

#[test]
fn rec_5_rec_6_a_first_subscription_concerns_those_with_a_position_there() {
    let mut shard = shard();
    shard.hold(0, PLAIN, "none");
    shard.hold(1, AT_1, "none");
    shard.hold(2, &[("Grip-Hold", "response"), ("Grip-Channel", "b; prev-id=1, a")], "none");
    shard.hold(3, STREAM_1, "");
    let expected = [call(0, "GET / (a; last-id=1)"), call(1, "GET /more (a; last-id=1)")];
    assert_eq!(shard.handle(first_subscription(["a"])), expected);
}

#[test]
fn rec_3_rec_5_a_hold_on_several_channels_asks_once() {
    let mut shard = shard();
    let poll = [("Grip-Hold", "response"), ("Grip-Channel", "a; prev-id=1, b; prev-id=2")];
    let stream = [
        ("Grip-Hold", "stream"),
        ("Grip-Channel", "a; prev-id=1, b; prev-id=2"),
        ("Grip-Link", "</more>; rel=next"),
    ];
    shard.hold(0, &poll, "none");
    shard.hold(1, &stream, "");
    let positions = "(a; last-id=1) (b; last-id=2)";
    let did = shard.handle(first_subscription(["a", "b"]));
    let expected = [format!("GET / {positions}"), format!("GET /more {positions}")];
    assert_eq!(did, [call(0, &expected[0]), call(1, &expected[1])]);
    assert_eq!(shard.answer(0, &poll, "none"), []);
    assert_eq!(shard.answer(1, &stream, ""), []);
    assert_eq!(shard.wait(Span::from_secs(20)), []);
}

#[test]
fn rec_7_recover_concerns_everybody_and_forgets_all_last_ids() {
    let mut shard = after("9");
    shard.hold(0, PLAIN, "none");
    shard.hold(3, STREAM_1, "");
    let did = shard.handle(Event::Released(Release::Recover(Scope::All)));
    assert_eq!(did, [call(1, "GET /")], "the stream's is under way");
    let did = shard.hold(4, &[("Grip-Hold", "response"), ("Grip-Channel", "a; prev-id=5")], "");
    assert_eq!(did, [Did::Collect(4)], "no last id contradicts it");
}

#[test]
fn rec_6_a_request_that_must_not_be_repeated_is_only_with_a_position() {
    for (fields, calls) in [(PLAIN, 0), (AT_1, 1)] {
        let mut shard = shard();
        hold_post(&mut shard, 3, fields);
        let did = shard.handle(Event::Released(Release::Recover(Scope::All)));
        assert_eq!(did.len(), calls, "{did:?}");
    }
}

#[test]
fn rec_8_an_item_that_continues_the_position_answers_and_ends_the_retry() {
    let mut shard = shard();
    shard.hold(0, AT_1, "none");
    shard.sequence(&item("a", "3", "2", "three"));
    let did = shard.publish(&item("a", "2", "1", "two"));
    assert_eq!(did, [Did::DropCall(0), respond(0, "two")]);
    shard.assert_idle();
}

#[test]
fn rec_8_what_comes_during_a_retry_and_does_not_fit_is_found_afterwards() {
    let mut shard = shard();
    shard.hold(0, AT_1, "none");
    shard.sequence(&item("a", "3", "2", "three"));
    assert_eq!(shard.sequence(&item("a", "4", "3", "four")), []);
    shard.call_head(0, 200, AT_3);
    let did = shard.call_data(0, "none", true);
    assert_eq!(did, [forget("a", "4"), call(1, "GET / (a; last-id=3)")]);
}

#[test]
fn rec_8_an_item_answers_while_the_retry_waits_for_its_turn_or_for_the_backend() {
    let mut shard = Shard::with("* localhost:80", |limits| limits.recovery_calls = 0);
    shard.hold(0, PLAIN, "none");
    shard.publish(r#"{"channel": "a", "http-response": {"action": "hint"}}"#);
    assert_eq!(shard.publish(&item("a", "", "", "x")), [respond(0, "x")]);
    shard.assert_idle();
}

#[test]
fn rec_9_a_retry_keeps_its_route_and_tries_its_targets() {
    let mut shard = Shard::new("* one:80 two:80");
    shard.hold(0, AT_1, "none");
    shard.handle(Event::Reconfigure(Default::default()));
    shard.sequence(&item("a", "3", "2", "three"));
    assert_eq!(shard.call(0).target.to_string(), "one:80");
    let did = shard.call_failed(0, OriginFault::Unreachable);
    assert!(matches!(did[..], [Did::Call(1, _)]), "{did:?}");
    assert_eq!(shard.call(1).target.to_string(), "two:80");
    assert_eq!(shard.call_failed(1, OriginFault::Unreachable), []);
    assert_eq!(shard.count(Count::RecoveryFailed), 1);
}

#[test]
fn rec_10_a_backend_that_says_the_same_again_is_held() {
    let mut shard = after("5");
    shard.hold(0, AT_1, "none");
    shard.call_head(0, 200, AT_1);
    assert_eq!(shard.call_data(0, "none", true), []);
    assert_eq!(shard.publish(&item("a", "2", "1", "two")), [respond(0, "two")]);
}

#[test]
fn resp_3_the_deadline_is_that_of_the_clients_request() {
    let mut shard = shard();
    shard.hold(0, AT_1, "none");
    shard.wait(Span::from_secs(40));
    shard.sequence(&item("a", "3", "2", "three"));
    shard.answer(0, AT_3, "later");
    assert_eq!(shard.wait(Span::from_millis(14_990)), []);
    assert_eq!(shard.wait(Span::from_millis(20)), [respond(0, "later")]);
}

#[test]
fn resp_3_the_deadline_comes_also_while_a_retry_is_under_way() {
    let mut shard = shard();
    shard.hold(0, AT_1, "none");
    shard.wait(Span::from_secs(50));
    shard.sequence(&item("a", "3", "2", "three"));
    assert_eq!(shard.wait(Span::from_secs(6)), [Did::DropCall(0), respond(0, "none")]);
    shard.assert_idle();
}

#[test]
fn a_retry_that_fails_is_repeated_more_and_more_slowly() {
    let mut shard = shard();
    shard.hold(0, AT_1, "none");
    shard.sequence(&item("a", "3", "2", "three"));
    for (number, least) in [(0, 1), (1, 2), (2, 4), (3, 8)] {
        assert_eq!(shard.call_failed(number, OriginFault::Broken), []);
        assert_eq!(shard.wait(Span::from_millis(least * 1000 - 1)), [], "{number}");
        let did = shard.wait(Span::from_millis(1002));
        assert_eq!(did, [call(number + 1, "GET / (a; last-id=1)")]);
    }
    assert_eq!(shard.answer(4, AT_2, "x"), []);
    shard.gone(0);
    shard.assert_idle();
}

#[test]
fn a_retry_without_answer_is_given_up_and_repeated() {
    let mut shard = Shard::with("* localhost:80", |limits| {
        limits.origin_timeout = Span::from_secs(10);
    });
    shard.hold(0, AT_1, "none");
    shard.sequence(&item("a", "3", "2", "three"));
    assert_eq!(shard.wait(Span::from_millis(9_999)), []);
    let did = shard.wait(Span::from_millis(2_010));
    assert_eq!(did, [Did::DropCall(0), call(1, "GET / (a; last-id=1)")]);
}

#[test]
fn act_4_a_body_that_was_not_kept_cannot_be_sent_again() {
    let mut shard = shard();
    hold_post(&mut shard, 200_000, AT_1);
    shard.sequence(&item("a", "3", "2", "three"));
    let did = shard.call_failed(0, OriginFault::NotKept);
    assert!(matches!(did[..], [Did::Respond(0, 502, _)]), "{did:?}");
    assert_eq!(shard.count(Count::RetryImpossible), 1);
    shard.assert_idle();
}

#[test]
fn resp_7_a_hint_asks_again_at_once() {
    let mut shard = shard();
    shard.hold(0, PLAIN, "none");
    let did = shard.publish(r#"{"channel": "a", "http-response": {"action": "hint"}}"#);
    assert_eq!(did, [call(0, "GET /")]);
    assert_eq!(shard.answer(0, &[], "news").last(), Some(&Did::Finish(0)));
}

#[test]
fn resp_12_an_invalid_answer_to_a_retry_is_502_and_says_why_in_debug() {
    for (routes, why) in [("* h:80", "Error while"), ("*,debug h:80", "Failed to parse")] {
        let mut shard = Shard::new(routes);
        for (slot, fields) in [(0, &[("Grip-Hold", "maybe")][..]), (1, &[("Grip-Timeout", "x")])] {
            shard.hold(slot, AT_1, "none");
            shard.sequence(&item("a", "3", "2", "three"));
            let did = shard.call_head(slot as usize, 200, fields);
            assert!(
                matches!(&did[..], [Did::DropCall(_), Did::Respond(_, 502, text)] if text.starts_with(why)),
                "{did:?}"
            );
        }
        shard.assert_idle();
    }
}

#[test]
fn act_5_an_answer_to_a_retry_that_is_too_long_is_502() {
    let mut shard = Shard::with("* localhost:80", |limits| limits.instruct_bytes = 5);
    shard.hold(0, AT_1, "none");
    shard.sequence(&item("a", "3", "2", "three"));
    assert_eq!(shard.call_head(0, 200, AT_1), [Did::ReadWhole(0)]);
    let did = shard.call_data(0, "too long", false);
    assert!(matches!(did[..], [Did::Respond(0, 502, _)]), "{did:?}");
    shard.assert_idle();
}

#[test]
fn patch_4_a_patch_that_does_not_fit_asks_the_backend() {
    let mut shard = shard();
    shard.hold(0, AT_1, r#"{"n": 1}"#);
    let patch = |op: &str| {
        format!(
            r#"{{"channel": "a", "id": "2", "prev-id": "1", "http-response":
            {{"body-patch": [{op}]}}}}"#
        )
    };
    let did = shard.publish(&patch(r#"{"op": "remove", "path": "/x"}"#));
    assert_eq!(did, [call(0, "GET / (a; last-id=1)")]);
    assert_eq!(shard.count(Count::PatchUnfit), 1);
    let did = shard.publish(&patch(r#"{"op": "replace", "path": "/n", "value": 2}"#));
    assert_eq!(did, [Did::DropCall(0), respond(0, r#"{"n":2}"#)]);
}

#[test]
fn patch_4_rec_6_but_not_where_that_could_do_something_twice() {
    for (fields, calls) in [(PLAIN, 0), (AT_1, 1)] {
        let mut shard = shard();
        hold_post(&mut shard, 3, fields);
        let patch =
            r#"{"channel": "a", "id": "2", "prev-id": "1", "http-response": {"body-patch": []}}"#;
        assert_eq!(shard.publish(patch).len(), calls, "the body is no JSON");
        let hint =
            r#"{"channel": "a", "id": "2", "prev-id": "1", "http-response": {"action": "hint"}}"#;
        assert_eq!(shard.publish(hint).len(), 1 - calls, "a hint means it (RESP-7)");
    }
}

#[test]
fn resp_10_a_channel_lingers_so_that_the_next_poll_can_be_told_what_it_missed() {
    let mut shard = shard();
    shard.hold(0, AT_1, "none");
    assert_eq!(shard.sequence(&item("a", "2", "1", "two")), [respond(0, "two")]);
    assert_eq!(shard.sequence(&item("a", "3", "2", "three")), []);
    let did = shard.hold(0, AT_2, "none");
    assert_eq!(did, [Did::Collect(0), forget("a", "3"), call(0, "GET / (a; last-id=2)")]);
    shard.gone(0);
    assert_eq!(shard.wait(Span::from_millis(59_999)), []);
    assert_eq!(shard.wait(Span::from_millis(1)), [Did::Interest("a".to_owned(), false)]);
}

#[test]
fn resp_11_a_stream_that_ends_does_not_cut_the_linger_short() {
    let mut shard = shard();
    shard.hold(0, PLAIN, "none");
    shard.gone(0);
    shard.hold(1, &[("Grip-Hold", "stream"), ("Grip-Channel", "a")], "");
    assert_eq!(shard.gone(1), []);
    assert_eq!(shard.wait(Span::from_secs(60)), [Did::Interest("a".to_owned(), false)]);
}

#[test]
fn seq_8_a_last_id_that_the_hub_forgets_contradicts_nothing() {
    let mut shard = after("2");
    shard.handle(Event::Released(Release::Forget { channel: "a".into() }));
    assert_eq!(shard.hold(0, AT_1, "none").len(), 2);
    shard.gone(0);
    shard.sequence(&item("a", "3", "2", "three"));
    shard.sequence(&item("a", "", "3", "without id"));
    assert_eq!(shard.hold(0, AT_1, "none").len(), 1, "the last item has no id (SEQ-3)");
}

#[test]
fn seq_2_what_is_outside_the_sequence_leaves_the_last_id_alone() {
    let mut shard = after("1");
    shard.publish(&item("a", "7", "", "seven"));
    assert_eq!(shard.hold(0, AT_1, "none").len(), 2);
}

#[test]
fn receipts_count_the_holds_that_took_the_item() {
    let mut shard = shard();
    shard.hold(0, PLAIN, "none");
    shard.hold(1, &[("Grip-Hold", "stream"), ("Grip-Channel", "a")], "");
    shard.get(2, "/");
    shard.origin(2, 200, &[("Grip-Hold", "stream"), ("Grip-Channel", "a")]);
    let did = shard.publish_counted(&item("a", "", "", "x"));
    assert_eq!(did, [respond(0, "x"), write(1, "x"), Did::Reached(3)]);
    let did = shard.publish_counted(&item("b", "", "", "x"));
    assert_eq!(did, [Did::Reached(0)]);
    shard.body(2, "", true);
    assert_eq!(shard.count(Count::Delivered), 3, "what waited counts once");
}
