//! Gone links: the backend is told once that a session is over.

use crate::shard::{Did, Said, Shard, item};
use holdfast_core::engine::{Event, OriginFault};
use holdfast_core::ground::{Count, Span};

const GONE: (&str, &str) = ("Grip-Link", "</bye>; rel=gone");

fn poll() -> Vec<(&'static str, &'static str)> {
    vec![("Grip-Hold", "response"), ("Grip-Channel", "a; prev-id=1"), GONE]
}

fn stream() -> Vec<(&'static str, &'static str)> {
    vec![("Grip-Hold", "stream"), ("Grip-Channel", "a"), GONE]
}

fn shard() -> Shard {
    Shard::new("* localhost:80")
}

fn bye(number: usize) -> Did {
    Did::Call(number, "POST /bye".to_owned())
}

fn byes(did: &[Did]) -> usize {
    did.iter().filter(|did| matches!(did, Did::Call(_, what) if what == "POST /bye")).count()
}

#[test]
fn gone_1_every_end_of_a_session_says_goodbye_once() {
    let close = r#"{"channel": "a", "http-stream": {"action": "close"}}"#;
    type End = fn(&mut Shard) -> Vec<Did>;
    let ends: [(_, End); 5] = [
        (poll(), |shard| shard.gone(0)),
        (poll(), |shard| shard.wait(Span::from_secs(56))),
        (poll(), |shard| shard.sequence(&item("a", "2", "1", "two"))),
        (stream(), |shard| shard.gone(0)),
        (stream(), |shard| shard.handle(Event::Drain)),
    ];
    for (fields, end) in ends {
        let mut shard = shard();
        shard.hold(0, &fields, "none");
        let did = end(&mut shard);
        assert_eq!(byes(&did), 1, "{did:?}");
        assert_eq!(shard.count(Count::Farewells), 1);
        shard.call_head(0, 204, &[]);
        shard.call_data(0, "", true);
        shard.assert_idle();
    }
    let mut shard = shard();
    shard.hold(0, &stream(), "");
    assert_eq!(byes(&shard.publish(close)), 1);
}

#[test]
fn gone_1_a_body_that_is_complete_is_an_end_too() {
    let mut shard = shard();
    let both = [("Grip-Link", "</next>; rel=next, </bye>; rel=gone")];
    shard.get(0, "/dir/page");
    shard.origin(0, 200, &both);
    shard.body(0, "1", true);
    let did = shard.answer(0, &[], "2");
    assert_eq!(did, [Did::Write(0, "2".to_owned()), bye(1), Did::Finish(0)]);
}

#[test]
fn gone_1_the_link_is_relative_to_the_clients_url_and_the_request_has_nothing_of_the_client() {
    let mut shard = shard();
    shard.request(0, "GET", "/dir/x?y", &[("Cookie", "secret")]);
    shard.origin(0, 200, &[("Grip-Hold", "stream"), ("Grip-Link", "<bye>; rel=gone")]);
    shard.body(0, "", true);
    assert_eq!(shard.gone(0), [Did::Call(0, "POST /dir/bye".to_owned())]);
    assert!(!shard.call(0).head.fields.has("Cookie"));
}

#[test]
fn gone_1_links_of_later_pages_do_not_count() {
    let later: [&Said; 2] = [&[("Grip-Hold", "stream"), GONE], &[("Grip-Hold", "stream")]];
    for (first, page, expected) in
        [("</next>; rel=next", later[0], 0), ("</next>; rel=next, </bye>; rel=gone", later[1], 1)]
    {
        let mut shard = shard();
        shard.hold(0, &[("Grip-Hold", "stream"), ("Grip-Channel", "a"), ("Grip-Link", first)], "");
        shard.publish(r#"{"channel": "a", "http-stream": {"action": "hint"}}"#);
        shard.answer(0, page, "");
        assert_eq!(byes(&shard.gone(0)), expected, "{first}");
    }
}

#[test]
fn gone_2_the_answer_does_not_matter_and_failure_is_not_repeated() {
    for fault in [OriginFault::Broken, OriginFault::Unreachable] {
        let mut shard = shard();
        shard.hold(0, &stream(), "");
        shard.gone(0);
        assert_eq!(shard.call_failed(0, fault), []);
        shard.assert_idle();
    }
    let mut shard = shard();
    shard.hold(0, &stream(), "");
    shard.gone(0);
    assert_eq!(shard.call_head(0, 500, &stream()), [Did::ReadWhole(0)]);
    assert_eq!(shard.call_data(0, &"x".repeat(5000), false), []);
    shard.assert_idle();
}

#[test]
fn gone_2_a_backend_that_says_nothing_is_not_waited_for_for_ever() {
    let mut shard = shard();
    shard.hold(0, &stream(), "");
    shard.gone(0);
    assert_eq!(shard.wait(Span::from_secs(61)), [Did::DropCall(0)]);
    shard.assert_idle();
}

#[test]
fn gone_3_a_retry_is_no_end() {
    let mut shard = shard();
    shard.hold(0, &poll(), "none");
    let did = shard.sequence(&item("a", "3", "2", "three"));
    assert_eq!(byes(&did), 0, "{did:?}");
    let again = [("Grip-Hold", "response"), ("Grip-Channel", "a; prev-id=3")];
    assert_eq!(shard.answer(0, &again, "none"), []);
    let did = shard.sequence(&item("a", "4", "3", "four"));
    assert_eq!(byes(&did), 1, "the first instruct's link: {did:?}");
}

#[test]
fn gone_3_the_final_answer_to_a_retry_is_one() {
    let answers: [(&Said, usize); 4] = [
        (&[("Content-Type", "text/plain")], 1),
        (&[("Grip-Status", "404")], 1),
        (&[("Grip-Hold", "maybe")], 1),
        (&[("Grip-Hold", "stream")], 0),
    ];
    for (fields, expected) in answers {
        let mut shard = shard();
        shard.hold(0, &poll(), "none");
        shard.sequence(&item("a", "3", "2", "three"));
        let mut did = shard.call_sized(0, fields, 2);
        if matches!(did.last(), Some(Did::ReadWhole(_) | Did::ReadPiece(_))) {
            did.extend(shard.call_data(0, "no", true));
        }
        assert_eq!(byes(&did), expected, "{fields:?}: {did:?}");
        let did = shard.gone(0);
        assert_eq!(byes(&did), 1 - expected, "{fields:?}: {did:?}");
    }
}

#[test]
fn noh_5_without_hold_and_next_link_there_is_no_session_to_end() {
    let mut shard = shard();
    assert_eq!(byes(&shard.hold(0, &[GONE], "body")), 0);
    shard.request(0, "HEAD", "/", &[]);
    shard.origin(0, 200, &stream());
    assert_eq!(byes(&shard.body(0, "", true)), 0, "HEAD is not held");
}

#[test]
fn there_are_only_so_many_farewells_at_once() {
    let mut shard = Shard::with("* localhost:80", |limits| limits.farewells = 2);
    for slot in 0..3 {
        shard.hold(slot, &stream(), "");
    }
    let did = shard.handle(Event::Drain);
    assert_eq!(byes(&did), 2);
    assert_eq!(shard.count(Count::FarewellsDropped), 1);
}
