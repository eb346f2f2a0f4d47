//! The retry of a long-poll: what is asked again, and what its answer may be.

use crate::shard::{Did, Said, Shard, call, conn, forget, item, respond, write};
use holdfast_core::engine::{CallBody, Event, OriginFault};
use holdfast_core::ground::{Count, Span};

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

/// A shard on which item `id` of channel `a` was the last.
fn after(id: &str) -> Shard {
    let mut shard = shard();
    shard.sequence(&item("a", id, "", "old"));
    shard
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
    shard.hold_post(3, AT_1);
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
    shard.hold_post(200_000, AT_1);
    shard.sequence(&item("a", "3", "2", "three"));
    let did = shard.call_failed(0, OriginFault::NotKept);
    assert!(matches!(did[..], [Did::Respond(0, 502, _)]), "{did:?}");
    assert_eq!(shard.count(Count::RetryImpossible), 1);
    shard.assert_idle();
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
