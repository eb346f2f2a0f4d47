//! Holds that may have missed something, and ask again.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::shard::{Did, Said, Shard, call, forget, item, respond, write};
use holdfast_core::engine::Event;
use holdfast_core::ground::{Count, Span};
use holdfast_core::publish::{Release, Scope};

const AT_1: &Said = &[("Grip-Hold", "response"), ("Grip-Channel", "a; prev-id=1")];
const AT_2: &Said = &[("Grip-Hold", "response"), ("Grip-Channel", "a; prev-id=2")];
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

/// These channels have had their first subscription a while ago.
fn first_subscription<const N: usize>(channels: [&str; N]) -> Event {
    let channels: BTreeSet<Arc<str>> = channels.map(Arc::from).into();
    Event::Released(Release::Recover(Scope::Channels(Arc::new(channels))))
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
        shard.hold_post(3, fields);
        let did = shard.handle(Event::Released(Release::Recover(Scope::All)));
        assert_eq!(did.len(), calls, "{did:?}");
    }
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
        shard.hold_post(3, fields);
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
