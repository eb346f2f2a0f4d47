//! Clients that take too little.

use crate::shard::{Did, Said, Shard, call, item, write};
use holdfast_core::ground::{Count, Span};

const FEED: &Said = &[
    ("Grip-Hold", "stream"),
    ("Grip-Channel", "a; prev-id=1"),
    ("Grip-Link", "</more>; rel=next; timeout=10"),
];

fn shard() -> Shard {
    Shard::with("* localhost:80", |limits| limits.backlog_bytes = 10)
}

#[test]
fn strm_7_a_slow_client_that_can_be_recovered_is_left_out_until_it_has_read() {
    let mut shard = shard();
    shard.hold(0, FEED, "");
    assert_eq!(shard.sequence(&item("a", "2", "1", "two")), [write(0, "two")]);
    assert_eq!(shard.backlog(0, 11), []);
    assert_eq!(shard.sequence(&item("a", "3", "2", "three")), []);
    assert_eq!(shard.sequence(&item("a", "4", "3", "four")), []);
    assert_eq!(shard.count(Count::Lagged), 2);
    assert_eq!(shard.wait(Span::from_secs(100)), [], "nothing is fetched meanwhile");
    assert_eq!(shard.backlog(0, 5), []);
    assert_eq!(shard.backlog(0, 0), [call(0, "GET /more (a; last-id=2)")]);
    let at_4 = [FEED[0], ("Grip-Channel", "a; prev-id=4"), FEED[2]];
    assert_eq!(shard.answer(0, &at_4, "three four"), [write(0, "three four")]);
    assert_eq!(shard.sequence(&item("a", "5", "4", "five")), [write(0, "five")]);
}

#[test]
fn strm_7_a_slow_client_is_cut_if_anything_could_be_lost() {
    let channels = ["a; prev-id=1, b", "a", ""];
    for channel in channels {
        let mut shard = shard();
        shard.hold(0, &[FEED[0], ("Grip-Channel", channel), FEED[2]], "");
        assert_eq!(shard.backlog(0, 11).last(), Some(&Did::Abort(0)), "{channel}");
        assert_eq!(shard.count(Count::SlowClient), 1);
        shard.assert_idle();
    }
}

#[test]
fn strm_7_whoever_becomes_slow_while_a_page_is_asked_for_is_left_out_too() {
    let mut shard = shard();
    shard.hold(0, FEED, "");
    shard.sequence(&item("a", "3", "2", "three"));
    assert_eq!(shard.backlog(0, 11), []);
    let at_3 = [FEED[0], ("Grip-Channel", "a; prev-id=3"), FEED[2]];
    shard.call_head(0, 200, &at_3);
    assert_eq!(shard.call_data(0, "two", false), [write(0, "two")], "and then it rests");
    assert_eq!(shard.wait(Span::from_secs(1000)), []);
    shard.sequence(&item("a", "4", "3", "four"));
    assert_eq!(shard.backlog(0, 0), [Did::ReadPiece(0)]);
    let did = shard.call_data(0, "three", true);
    let forget = Did::Forget("a".to_owned(), "4".to_owned());
    assert_eq!(did, [write(0, "three"), forget, call(1, "GET /more (a; last-id=3)")]);
}

#[test]
fn strm_7_whoever_lags_and_gets_a_page_without_link_is_cut() {
    let mut shard = shard();
    shard.hold(0, FEED, "");
    shard.sequence(&item("a", "3", "2", "three"));
    shard.backlog(0, 11);
    let did = shard.answer(0, &[("Grip-Hold", "stream"), ("Grip-Channel", "a")], "");
    assert_eq!(did.last(), Some(&Did::Abort(0)));
    shard.assert_idle();
}

#[test]
fn next_13_a_page_is_read_only_as_fast_as_the_client_takes_it() {
    let mut shard = shard();
    shard.hold(0, FEED, "");
    shard.sequence(&item("a", "3", "2", "three"));
    shard.call_head(0, 200, FEED);
    assert_eq!(shard.call_data(0, "1", false), [write(0, "1"), Did::ReadPiece(0)]);
    shard.backlog(0, 1);
    assert_eq!(shard.call_data(0, "2", false), [write(0, "2")]);
    assert_eq!(shard.wait(Span::from_secs(1000)), [], "not the backend is slow");
    assert_eq!(shard.backlog(0, 0), [Did::ReadPiece(0)]);
    let did = shard.wait(Span::from_secs(61));
    assert_eq!(did[0], Did::DropCall(0), "now it is");
    assert_eq!(did.last(), Some(&Did::Abort(0)));
    shard.assert_idle();
}

#[test]
fn next_8_what_waits_for_a_page_is_bounded_and_then_recovered() {
    let mut shard = Shard::with("* localhost:80", |limits| limits.waiting_bytes = 200);
    shard.hold(0, FEED, "");
    shard.sequence(&item("a", "3", "2", "three"));
    for id in 4..8 {
        shard.sequence(&item("a", &id.to_string(), &(id - 1).to_string(), "x"));
    }
    assert_eq!(shard.count(Count::WaitingFull), 1);
    let at_3 = [FEED[0], ("Grip-Channel", "a; prev-id=3"), FEED[2]];
    let did = shard.answer(0, &at_3, "page");
    assert_eq!(did[0], write(0, "page"));
    assert_eq!(did.last(), Some(&call(1, "GET /more (a; last-id=3)")));
}

#[test]
fn keep_5_the_keep_alive_pauses_while_the_client_does_not_read() {
    let mut shard = shard();
    let fields =
        [("Grip-Hold", "stream"), ("Grip-Channel", "a"), ("Grip-Keep-Alive", "k; timeout=5")];
    shard.hold(0, &fields, "");
    shard.backlog(0, 5);
    assert_eq!(shard.wait(Span::from_secs(60)), []);
    shard.backlog(0, 0);
    assert_eq!(shard.wait(Span::from_secs(6)), [write(0, "k")]);
}

#[test]
fn keep_5_the_keep_alive_begins_with_the_hold() {
    let mut shard = shard();
    shard.get(0, "/");
    let fields =
        [("Grip-Hold", "stream"), ("Grip-Channel", "a"), ("Grip-Keep-Alive", "k; timeout=5")];
    shard.origin(0, 200, &fields);
    assert_eq!(shard.wait(Span::from_secs(4)), []);
    shard.body(0, "", true);
    assert_eq!(shard.wait(Span::from_secs(4)), []);
    assert_eq!(shard.wait(Span::from_secs(1)), [write(0, "k")]);
}
