//! Pages that are the same for all who ask for them, and those that are not (NEXT-12).

use crate::shard::{Did, Said, Shard, item, write};
use holdfast_core::engine::OriginFault;
use holdfast_core::ground::{Count, Span};

const FEED: &Said = &[
    ("Grip-Hold", "stream"),
    ("Grip-Channel", "a; prev-id=1"),
    ("Grip-Link", "</feed?after=1>; rel=next"),
];
const FEED_3: &Said = &[
    ("Grip-Hold", "stream"),
    ("Grip-Channel", "a; prev-id=3"),
    ("Grip-Link", "</feed?after=3>; rel=next"),
];

/// Many feeds with the same gap, and what the backend is asked.
fn many_gaps(count: u32) -> (Shard, Vec<Did>) {
    let mut shard = Shard::new("* localhost:80");
    for slot in 0..count {
        shard.hold(slot, FEED, "");
    }
    let did = shard.sequence(&item("a", "3", "2", "three"));
    (shard, did)
}

fn calls(did: &[Did]) -> usize {
    did.iter().filter(|did| matches!(did, Did::Call(..))).count()
}

fn public(fields: &Said) -> Vec<(&'static str, &'static str)> {
    [fields, &[("Cache-Control", "max-age=1, public")]].concat()
}

#[test]
fn next_12_thousands_with_the_same_gap_are_one_request_if_the_page_is_public() {
    let (mut shard, did) = many_gaps(1000);
    assert_eq!(calls(&did), 1);
    assert_eq!(shard.call_head(0, 200, &public(FEED_3)), [Did::ReadWhole(0)]);
    shard.gone(7);
    let did = shard.call_data(0, "2 3 ", true);
    assert_eq!(did.len(), 999);
    assert_eq!(did.last(), Some(&write(999, "2 3 ")));
    assert_eq!(shard.count(Count::PagesShared), 998);
    assert_eq!(shard.sequence(&item("a", "4", "3", "4 ")).len(), 999);
    let leave = |shard: &mut Shard| (0..1000).for_each(|slot| drop(shard.gone(slot)));
    leave(&mut shard);
    shard.assert_idle();
}

#[test]
fn next_6_next_12_those_who_share_a_page_share_the_next_one_too() {
    let (mut shard, _) = many_gaps(100);
    shard.call_head(0, 200, &public(FEED_3));
    assert_eq!(shard.call_data(0, "2 3 ", true).len(), 100);
    assert_eq!(shard.wait(Span::from_secs(119)), []);
    let asked = (0..1400).find_map(|_| shard.wait(Span::from_millis(10)).pop());
    assert!(matches!(asked, Some(Did::Call(1, _))), "{asked:?}");
    shard.call_head(1, 200, &public(FEED_3));
    assert_eq!(shard.call_data(1, "4 ", true).len(), 100, "all of them were due at once");
}

#[test]
fn next_12_a_page_that_is_not_public_is_for_the_one_who_asked() {
    let private: [&Said; 5] = [
        &[],
        &[("Cache-Control", "private")],
        &[("Cache-Control", "public, no-store")],
        &[("Cache-Control", "s-maxage=0")],
        &[("Cache-Control", "public"), ("Set-Cookie", "a=b")],
    ];
    for rules in private {
        let (mut shard, did) = many_gaps(3);
        assert_eq!(calls(&did), 1);
        let fields = [FEED_3, rules].concat();
        let did = shard.call_head(0, 200, &fields);
        assert_eq!((calls(&did), did.contains(&Did::ReadPiece(0))), (2, true), "{rules:?}");
        assert_eq!(shard.call_data(0, "for 0", true), [write(0, "for 0")]);
        assert_eq!(shard.answer(1, &fields, "for 1"), [write(1, "for 1")]);
        assert_eq!(shard.answer(2, &fields, "for 2"), [write(2, "for 2")]);
        assert_eq!(shard.count(Count::PagesShared), 0);
    }
}

#[test]
fn next_12_private_pages_are_paced() {
    let mut shard = Shard::with("* localhost:80", |limits| {
        (limits.recoveries_per_second, limits.recovery_burst) = (10, 5);
    });
    for slot in 0..20 {
        shard.hold(slot, FEED, "");
    }
    shard.sequence(&item("a", "3", "2", "three"));
    let did = shard.call_head(0, 200, FEED_3);
    assert_eq!(calls(&did), 4);
    assert_eq!(calls(&shard.wait(Span::from_secs(1))), 10);
    assert_eq!(calls(&shard.wait(Span::from_secs(10))), 5);
}

#[test]
fn next_12_only_what_is_equal_is_shared() {
    let mut shard = Shard::new("*,path_beg=/x h:80\n* h:80");
    let fields =
        |link, channel| [("Grip-Hold", "stream"), ("Grip-Channel", channel), ("Grip-Link", link)];
    let holds = [
        ("/", "</n>; rel=next", "a; prev-id=1"),
        ("/", "</n?>; rel=next", "a; prev-id=1"),
        ("/", "</n>; rel=next", "a; prev-id=0"),
        ("/", "</n>; rel=next", "a; prev-id=1, b; prev-id=1"),
        ("/x", "</n>; rel=next", "a; prev-id=1"),
        ("/other", "</n>; rel=next", "a; prev-id=1"),
    ];
    for (slot, (target, link, channel)) in (0..).zip(holds) {
        shard.get(slot, target);
        shard.origin(slot, 200, &fields(link, channel));
        shard.body(slot, "", true);
    }
    let did = shard.sequence(&item("a", "3", "2", "three"));
    assert_eq!(calls(&did), 5, "only the last shares with the first: {did:?}");
}

#[test]
fn next_12_a_page_of_the_route_is_not_one_of_the_network() {
    let mut shard = Shard::new("* localhost:80");
    let away = [
        ("Grip-Hold", "stream"),
        ("Grip-Channel", "a; prev-id=1"),
        ("Grip-Link", "<http://there.com/n>; rel=next"),
    ];
    for (slot, url) in [(0, "http://here.com/"), (1, "http://there.com/")] {
        shard.get(slot, url);
        shard.origin(slot, 200, &away);
        shard.body(slot, "", true);
    }
    shard.sequence(&item("a", "3", "2", "three"));
    let targets = [0, 1].map(|number| shard.call(number).target.to_string());
    assert_eq!(targets, ["there.com:80", "localhost:80"]);
}

#[test]
fn next_12_a_shared_page_that_fails_fails_for_all_and_is_shared_again() {
    let (mut shard, _) = many_gaps(100);
    assert_eq!(shard.call_failed(0, OriginFault::Broken), []);
    let did = shard.wait(Span::from_millis(2001));
    assert_eq!(calls(&did), 1, "one for all");
    shard.call_head(1, 200, &public(FEED_3));
    assert_eq!(shard.call_data(1, "2 3 ", true).len(), 100);
}

#[test]
fn next_12_a_shared_page_that_is_too_long_is_fetched_for_each() {
    let mut shard = Shard::with("* localhost:80", |limits| limits.shared_page_bytes = 3);
    for slot in 0..3 {
        shard.hold(slot, FEED, "");
    }
    shard.sequence(&item("a", "3", "2", "three"));
    shard.call_head(0, 200, &public(FEED_3));
    shard.gone(0);
    shard.gone(1);
    let did = shard.call_data(0, "2 3 ", false);
    assert_eq!(calls(&did), 1, "even if only one is left: {did:?}");
    assert_eq!(shard.answer(1, &public(FEED_3), "2 3 "), [write(2, "2 3 ")]);
}

#[test]
fn next_12_whoever_leaves_ends_a_call_only_with_the_last() {
    let (mut shard, _) = many_gaps(2);
    assert_eq!(shard.gone(0), []);
    let did = shard.gone(1);
    assert_eq!(did, [Did::Interest("a".to_owned(), false), Did::DropCall(0)]);
    shard.assert_idle();
}

#[test]
fn rec_4_who_joins_a_page_that_was_asked_for_before_asks_once_more() {
    let mut shard = Shard::new("* localhost:80");
    shard.hold(0, FEED, "");
    shard.hold(1, FEED, "");
    let first = r#"{"channel": "a", "http-stream": {"action": "hint"}}"#;
    assert_eq!(calls(&shard.publish(first)), 1, "both share it");
    shard.wait(Span::from_secs(1));
    shard.hold(2, FEED, "");
    // The page may be older than what this is about.
    assert_eq!(calls(&shard.sequence(&item("a", "4", "3", "four "))), 0, "the third joins");
    shard.call_head(0, 200, &public(FEED_3));
    let did = shard.call_data(0, "2 3 ", true);
    assert_eq!(calls(&did), 1, "one more for it: {did:?}");
}
