//! Next links: following them, sharing what is the same for all, and going on when they fail.

use crate::shard::{Did, Said, Shard, call, forget, interest, item, write};
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
const ID_FORMAT: (&str, &str) = ("Grip-Set-Meta", "id_format=n:%(a)s");
const NEXT: &Said = &[("Grip-Link", "<next>; rel=next")];

fn shard() -> Shard {
    Shard::new("* localhost:80")
}

/// A feed at position 1 that has seen item 3, and asks for the page in between as call 0.
fn gap() -> Shard {
    let mut shard = shard();
    shard.hold(0, FEED, "");
    let did = shard.sequence(&item("a", "3", "2", "three"));
    assert_eq!(did[1..], [call(0, "GET /feed?after=1 (a; last-id=1)")]);
    shard
}

#[test]
fn next_1_pages_are_appended_until_one_has_no_link() {
    let mut shard = shard();
    shard.get(0, "/x/first");
    assert_eq!(shard.origin(0, 200, NEXT), [Did::Begin(0, 200), Did::Stream(0)]);
    assert_eq!(shard.body(0, "1", true), [write(0, "1"), call(0, "GET /x/next")]);
    assert_eq!(shard.call_head(0, 200, &[("Grip-Link", "</y/>; rel=next")]), [Did::ReadPiece(0)]);
    assert_eq!(shard.call_data(0, "2", false), [write(0, "2"), Did::ReadPiece(0)]);
    assert_eq!(shard.call_data(0, "", true), [call(1, "GET /y/")]);
    assert_eq!(shard.answer(1, NEXT, "3"), [write(0, "3"), call(2, "GET /y/next")]);
    assert_eq!(shard.answer(2, &[], "4"), [write(0, "4"), Did::Finish(0)]);
    shard.assert_idle();
}

#[test]
fn next_1_a_page_may_turn_the_response_into_a_hold() {
    let mut shard = shard();
    shard.hold(0, NEXT, "1");
    assert_eq!(shard.engine.subscribers("a"), 0);
    let did = shard.answer(0, FEED, "2");
    assert_eq!(did, [interest("a", true), write(0, "2")]);
    assert_eq!(shard.sequence(&item("a", "2", "1", "two")), [write(0, "two")]);
}

#[test]
fn rel_1_the_first_hold_of_a_page_may_be_behind() {
    let mut shard = shard();
    shard.sequence(&item("a", "3", "2", "three"));
    shard.hold(0, NEXT, "1");
    let did = shard.answer(0, FEED, "2");
    assert_eq!(did[2..], [write(0, "2"), call(1, "GET /feed?after=1 (a; last-id=1)")]);
}

#[test]
fn chan_8_what_the_route_adds_is_for_holds_only_and_stays_through_pages() {
    let mut shard = Shard::new("* localhost:80,sub=extra");
    shard.hold(0, NEXT, "1");
    assert_eq!(shard.engine.subscribers("extra"), 0);
    shard.answer(0, FEED, "2");
    assert_eq!(shard.engine.subscribers("extra"), 1);
    shard.publish(r#"{"channel": "a", "http-stream": {"action": "hint"}}"#);
    let other = [("Grip-Hold", "stream"), ("Grip-Channel", "b")];
    assert_eq!(shard.call_head(1, 200, &other), [Did::ReadPiece(1)]);
    let did = shard.call_data(1, "", true);
    assert_eq!(did, [interest("b", true), interest("a", false)]);
    assert_eq!(shard.engine.subscribers("extra"), 1);
}

#[test]
fn next_2_a_gap_is_closed_by_a_page() {
    let mut shard = gap();
    assert_eq!(shard.call_head(0, 200, FEED_3), [Did::ReadPiece(0)]);
    assert_eq!(shard.call_data(0, "2 3 ", true), [write(0, "2 3 ")]);
    assert_eq!(shard.count(Count::KnownItem), 1, "the item that showed the gap");
    assert_eq!(shard.sequence(&item("a", "4", "3", "4 ")), [write(0, "4 ")]);
    let did = shard.sequence(&item("a", "6", "5", "6 "));
    assert_eq!(did[1..], [call(1, "GET /feed?after=3 (a; last-id=4)")]);
}

#[test]
fn next_2_a_hint_fetches_at_once() {
    let mut shard = shard();
    shard.hold(0, FEED, "");
    let did = shard.publish(
        r#"{"channel": "a", "id": "2", "prev-id": "1", "http-stream": {"action": "hint"}}"#,
    );
    assert_eq!(did, [call(0, "GET /feed?after=1 (a; last-id=2)")]);
}

#[test]
fn next_3_links_are_relative_to_the_page_they_came_from() {
    let mut shard = shard();
    shard.get(0, "/a/b/c?x");
    shard.origin(0, 200, &[("Grip-Link", "<../d/e>; rel=next")]);
    assert_eq!(shard.body(0, "", true), [call(0, "GET /a/d/e")]);
    let did = shard.answer(0, &[("Grip-Link", "<?p=2>; rel=next")], "");
    assert_eq!(did, [call(1, "GET /a/d/e?p=2")]);
}

#[test]
fn next_4_a_page_is_asked_for_without_anything_of_the_client() {
    let mut shard = shard();
    shard.request(0, "GET", "/", &[("Cookie", "secret"), ("X-Mine", "yes")]);
    shard.origin(0, 200, FEED);
    shard.body(0, "", true);
    shard.publish(r#"{"channel": "a", "http-stream": {"action": "hint"}}"#);
    let fields = &shard.call(0).head.fields;
    assert!(!fields.has("Cookie") && !fields.has("X-Mine"), "{fields:?}");
    assert!(fields.has("Grip-Feature") && fields.has("Host"));
}

#[test]
fn next_5_only_links_of_the_same_origin_go_to_the_routes_targets() {
    let routes = "*,path_beg=/in,sig_key=s3cret,sig_iss=me one:80\n* other:80";
    for (link, target, signed) in [
        ("</in/x>; rel=next", "one:80", true),
        ("<http://example.com/in/x>; rel=next", "one:80", true),
        ("</out>; rel=next", "example.com:80", false),
        ("<http://elsewhere.com:81/in/x>; rel=next", "elsewhere.com:81", false),
    ] {
        let mut shard = Shard::new(routes);
        shard.get(0, "/in/");
        shard.origin(0, 200, &[("Grip-Link", link)]);
        shard.body(0, "", true);
        let call = shard.call(0);
        assert_eq!(call.target.to_string(), target, "{link}");
        assert_eq!(call.head.fields.has("Grip-Sig"), signed, "{link}");
    }
}

#[test]
fn next_5_status_and_fields_of_a_page_do_not_matter_to_the_client() {
    let mut shard = gap();
    let mut fields = FEED_3.to_vec();
    fields.extend([("Grip-Status", "404"), ("X-Page", "yes")]);
    assert_eq!(shard.call_head(0, 201, &fields), [Did::ReadPiece(0)]);
    assert_eq!(shard.call_data(0, "page", true), [write(0, "page")]);
}

#[test]
fn next_6_the_link_is_followed_when_nothing_has_come_on_any_channel() {
    let mut shard = shard();
    let fields = [
        ("Grip-Hold", "stream"),
        ("Grip-Channel", "a, b"),
        ("Grip-Link", "</more>; rel=next; timeout=10"),
    ];
    shard.hold(0, &fields, "");
    assert_eq!(shard.wait(Span::from_secs(8)), []);
    shard.publish(&item("b", "", "", "x"));
    assert_eq!(shard.wait(Span::from_millis(9_999)), []);
    assert_eq!(shard.wait(Span::from_millis(1_001)), [call(0, "GET /more")]);
    assert_eq!(shard.answer(0, &fields, ""), []);
    assert_eq!(shard.wait(Span::from_secs(9)), []);
    assert_eq!(shard.wait(Span::from_secs(2)), [call(1, "GET /more")]);
}

#[test]
fn next_6_the_default_is_two_minutes_and_none_at_all_is_ten_a_second() {
    let mut shard = shard();
    shard.hold(0, FEED, "");
    assert_eq!(shard.wait(Span::from_millis(119_999)), []);
    assert_eq!(shard.wait(Span::from_secs(12)).len(), 1);
    shard.hold(1, &[("Grip-Hold", "stream"), ("Grip-Link", "</m>; rel=next; timeout=0")], "");
    assert_eq!(shard.wait(Span::from_millis(99)), []);
    assert_eq!(shard.wait(Span::from_millis(20)).len(), 1);
}

#[test]
fn next_6_streams_that_begin_together_do_not_ask_together() {
    let calls = |seconds: usize| {
        let mut shard = shard();
        for slot in 0..200 {
            shard.get(slot, &format!("/{slot}/"));
            shard.origin(
                slot,
                200,
                &[("Grip-Hold", "stream"), ("Grip-Link", "<more>; rel=next; timeout=100")],
            );
            shard.body(slot, "", true);
        }
        assert_eq!(shard.wait(Span::from_millis(99_999)), []);
        let mut calls = vec![0; seconds];
        calls.fill_with(|| shard.wait(Span::from_secs(1)).len());
        calls
    };
    let asked = calls(11);
    assert_eq!(asked.iter().sum::<usize>(), 200, "all within a tenth more: {asked:?}");
    assert!(asked[..10].iter().all(|calls| (5..40).contains(calls)), "evenly: {asked:?}");
    assert_eq!(asked, calls(11), "by the seed");
}

#[test]
fn next_6_the_time_begins_with_the_hold_not_with_the_body_before_it() {
    let mut shard = shard();
    let fields = [("Grip-Hold", "stream"), ("Grip-Link", "</more>; rel=next; timeout=10")];
    shard.get(0, "/");
    shard.origin(0, 200, &fields);
    shard.wait(Span::from_secs(20));
    shard.body(0, "late", true);
    assert_eq!(shard.wait(Span::from_millis(9_999)), []);
    assert_eq!(shard.wait(Span::from_secs(1)).len(), 1);
}

#[test]
fn next_7_a_page_without_link_leaves_a_stream_that_cannot_recover() {
    let mut shard = gap();
    shard.answer(0, &[("Grip-Hold", "stream"), ("Grip-Channel", "a")], "");
    assert_eq!(shard.sequence(&item("a", "9", "8", "nine")), [write(0, "nine")]);
    assert_eq!(shard.wait(Span::from_secs(1000)), []);
}

#[test]
fn rel_4_a_page_with_a_position_and_no_link_ends_the_stream() {
    let mut shard = gap();
    shard.call_head(0, 200, &[("Grip-Hold", "stream"), ("Grip-Channel", "a; prev-id=3")]);
    let did = shard.call_data(0, "page", false);
    assert_eq!(did, [interest("a", false), Did::DropCall(0), Did::Abort(0)]);
    shard.assert_idle();
}

#[test]
fn next_8_what_comes_during_a_page_follows_it_if_it_belongs() {
    let mut shard = gap();
    assert_eq!(shard.sequence(&item("a", "4", "3", "4 ")), []);
    assert_eq!(shard.sequence(&item("a", "5", "4", "5 ")), []);
    shard.call_head(0, 200, FEED_3);
    let did = shard.call_data(0, "2 3 ", true);
    assert_eq!(did, [write(0, "2 3 "), write(0, "4 "), write(0, "5 ")]);
}

#[test]
fn next_8_a_stream_whose_page_has_not_its_turn_yet_takes_items() {
    let mut shard = Shard::with("* localhost:80", |limits| {
        (limits.recoveries_per_second, limits.recovery_burst) = (1, 1);
    });
    let hint = r#"{"channel": "a", "http-stream": {"action": "hint"}}"#;
    shard.hold(0, &[FEED[0], ("Grip-Channel", "b; prev-id=1"), FEED[2]], "");
    shard.sequence(&item("b", "9", "8", "nine"));
    shard.hold(1, FEED, "");
    assert_eq!(shard.publish(hint), [], "it has to wait");
    assert_eq!(shard.sequence(&item("a", "2", "1", "two ")), [write(1, "two ")]);
    assert_eq!(shard.sequence(&item("a", "4", "3", "four ")), [forget("a", "4")]);
    let did = shard.wait(Span::from_secs(2));
    assert!(did.contains(&call(1, "GET /feed?after=1 (a; last-id=2)")), "{did:?}");
    shard.call_head(1, 200, FEED_3);
    assert_eq!(shard.call_data(1, "three ", true), [write(1, "three "), write(1, "four ")]);
}

#[test]
fn next_8_a_page_that_is_newer_than_all_that_waits_needs_nothing_of_it() {
    let mut shard = gap();
    shard.sequence(&item("a", "4", "3", "4 "));
    let at_4 = [
        ("Grip-Hold", "stream"),
        ("Grip-Channel", "a; prev-id=4"),
        ("Grip-Link", "</feed>; rel=next"),
    ];
    shard.call_head(0, 200, &at_4);
    assert_eq!(shard.call_data(0, "2 3 4 ", true), [write(0, "2 3 4 ")]);
    assert_eq!(shard.sequence(&item("a", "5", "4", "5 ")), [write(0, "5 ")]);
}

#[test]
fn next_8_a_page_that_is_older_than_all_that_waits_is_followed_by_another() {
    let mut shard = gap();
    shard.sequence(&item("a", "5", "4", "5 "));
    shard.call_head(0, 200, FEED_3);
    let did = shard.call_data(0, "2 3 ", true);
    let forget = Did::Forget("a".to_owned(), "5".to_owned());
    assert_eq!(did, [write(0, "2 3 "), forget, call(1, "GET /feed?after=3 (a; last-id=3)")]);
}

#[test]
fn next_8_channels_that_a_page_drops_stop_at_once() {
    let mut shard = gap();
    shard.call_head(0, 200, &[("Grip-Hold", "stream"), ("Grip-Channel", "b")]);
    shard.publish(&item("a", "", "", "a"));
    assert_eq!(
        shard.call_data(0, "x", false),
        [interest("b", true), interest("a", false), write(0, "x"), Did::ReadPiece(0)]
    );
    shard.publish(&item("a", "", "", "a"));
    shard.publish(&item("b", "", "", "b"));
    assert_eq!(shard.call_data(0, "y", true), [write(0, "y"), write(0, "b")]);
}

#[test]
fn next_9_a_held_stream_tries_for_as_long_as_it_takes() {
    let mut shard = gap();
    let mut number = 0;
    for least in [1, 2, 4, 8, 16, 32, 32, 32, 32] {
        let did = match number % 3 {
            0 => shard.call_failed(number, OriginFault::Broken),
            1 => shard.call_failed(number, OriginFault::Unreachable),
            _ => shard.call_head(number, 302, FEED_3),
        };
        assert!(did.is_empty() || did == [Did::DropCall(number)], "{did:?}");
        assert_eq!(shard.wait(Span::from_millis(least * 1000 - 1)), [], "{number}");
        number += 1;
        let did = shard.wait(Span::from_millis(1002));
        assert_eq!(did, [call(number, "GET /feed?after=1 (a; last-id=1)")]);
    }
    shard.sequence(&item("a", "4", "3", "4 "));
    shard.call_head(number, 200, FEED_3);
    assert_eq!(shard.call_data(number, "2 3 ", true), [write(0, "2 3 "), write(0, "4 ")]);
    shard.gone(0);
    shard.assert_idle();
}

#[test]
fn next_9_a_chain_without_hold_ends_with_the_sixth_failure() {
    let mut shard = shard();
    shard.hold(0, NEXT, "1");
    for number in 0..5 {
        assert_eq!(shard.call_failed(number, OriginFault::Broken), []);
        assert_eq!(shard.wait(Span::from_secs(18)).len(), 1);
    }
    assert_eq!(shard.call_failed(5, OriginFault::Broken), [Did::Abort(0)]);
    assert_eq!(shard.count(Count::RecoveryFailed), 6);
    shard.assert_idle();
}

#[test]
fn next_9_once_the_client_has_some_of_a_page_a_failure_aborts() {
    for (routes, debug) in [("* h:80", false), ("*,debug h:80", true)] {
        let mut shard = Shard::new(routes);
        shard.hold(0, NEXT, "1");
        shard.call_head(0, 200, FEED);
        shard.call_data(0, "part", false);
        let mut did = shard.call_failed(0, OriginFault::Broken);
        if debug {
            let reason = did.remove(0);
            assert_eq!(reason, write(0, "\n\na page ended before its end\n"), "STRM-9");
        }
        assert_eq!(did, [interest("a", false), Did::Abort(0)]);
        shard.assert_idle();
    }
}

#[test]
fn next_9_a_page_whose_head_came_but_nothing_else_is_asked_for_again() {
    let mut shard = gap();
    shard.call_head(0, 200, &[("Grip-Hold", "response")]);
    assert_eq!(shard.call_failed(0, OriginFault::Broken), []);
    assert_eq!(shard.wait(Span::from_secs(3)).len(), 1);
}

#[test]
fn next_9_a_page_that_was_begun_is_not_asked_for_again_even_if_nothing_of_it_was_shown() {
    let mut shard = gap();
    let fields =
        [FEED_3[0], ("Grip-Channel", "a; prev-id=3; filter=build-id"), FEED_3[2], ID_FORMAT];
    shard.call_head(0, 200, &fields);
    assert_eq!(shard.call_data(0, "%", false), [Did::ReadPiece(0)], "half a directive");
    let did = shard.call_failed(0, OriginFault::Broken);
    assert_eq!(did, [interest("a", false), Did::Abort(0)]);
    shard.assert_idle();
}

#[test]
fn next_9_a_page_may_fall_to_the_test_origin_which_has_none() {
    let mut shard = Shard::new("* one:80 test");
    shard.hold(0, FEED, "");
    shard.sequence(&item("a", "3", "2", "three"));
    assert_eq!(shard.call_failed(0, OriginFault::Unreachable), []);
    assert_eq!(shard.count(Count::RecoveryFailed), 1);
    assert_eq!(shard.wait(Span::from_secs(2)), [call(1, "GET /feed?after=1 (a; last-id=1)")]);
}

#[test]
fn next_9_a_page_that_stalls_is_given_up() {
    let mut shard = gap();
    assert_eq!(shard.wait(Span::from_millis(60_010)), [Did::DropCall(0)]);
    assert_eq!(shard.wait(Span::from_secs(3)).len(), 1, "and asked for again");
    shard.call_head(1, 200, FEED_3);
    assert_eq!(shard.call_data(1, "2", false), [write(0, "2"), Did::ReadPiece(1)]);
    let did = shard.wait(Span::from_secs(61));
    assert_eq!(did, [Did::DropCall(1), interest("a", false), Did::Abort(0)]);
    shard.assert_idle();
}

#[test]
fn next_10_a_page_that_asks_for_a_response_hold_or_nonsense_ends_the_stream() {
    let poll = [("Grip-Hold", "response"), ("Grip-Channel", "a")];
    for fields in [&poll[..], &[("Grip-Hold", "maybe")], &[("Grip-Link", "<http://[>; rel=next")]] {
        let mut shard = gap();
        let mut did = shard.call_head(0, 200, fields);
        if did == [Did::ReadPiece(0)] {
            did = shard.call_data(0, "not shown", false);
        }
        assert_eq!((did.len(), did.last()), (3, Some(&Did::Abort(0))), "{fields:?}");
        assert!(did.contains(&Did::DropCall(0)), "{fields:?}");
        shard.assert_idle();
        let mut shard = gap();
        if shard.call_head(0, 200, fields) == [Did::ReadPiece(0)] {
            let did = shard.call_data(0, "not shown", true);
            assert_eq!(did, [interest("a", false), Did::Abort(0)], "{fields:?}");
        }
        shard.assert_idle();
    }
}

#[test]
fn next_11_a_page_may_be_json() {
    let mut shard = gap();
    let json =
        [("Content-Type", "application/grip-instruct"), ("Grip-Link", "</feed?after=3>; rel=next")];
    assert_eq!(shard.call_head(0, 200, &json), [Did::ReadWhole(0)]);
    let page = r#"{"hold": {"mode": "stream", "channels": [{"name": "a", "prev-id": "3"}]},
        "response": {"body": "2 3 "}}"#;
    assert_eq!(shard.call_data(0, page, true), [write(0, "2 3 ")]);
    assert_eq!(shard.sequence(&item("a", "4", "3", "4 ")), [write(0, "4 ")]);
}

#[test]
fn act_5_a_json_page_has_a_limit() {
    let mut shard = gap();
    shard.call_head(0, 200, &[("Content-Type", "application/grip-instruct")]);
    let did = shard.call_data(0, &"x".repeat(100_001), false);
    assert_eq!(did, [interest("a", false), Did::Abort(0)]);
    shard.assert_idle();
}

#[test]
fn next_13_a_page_has_no_limit() {
    let mut shard = gap();
    shard.call_head(0, 200, FEED_3);
    let piece = "x".repeat(100_000);
    for _ in 0..50 {
        assert_eq!(shard.call_data(0, &piece, false), [write(0, &piece), Did::ReadPiece(0)]);
    }
    assert_eq!(shard.call_data(0, "", true), []);
}

#[test]
fn next_13_a_pages_own_build_id_applies_to_its_body_held_or_not() {
    let mut shard = shard();
    let filtered = [
        ("Grip-Channel", "a; prev-id=7; filter=build-id"),
        ID_FORMAT,
        ("Grip-Link", "</n>; rel=next"),
    ];
    shard.get(0, "/");
    assert_eq!(shard.origin(0, 200, &filtered), [Did::Collect(0)]);
    let did = shard.body(0, "<%I>", true);
    assert_eq!(did, [Did::Begin(0, 200), write(0, "<n:7>"), call(0, "GET /n")]);
    assert_eq!(shard.answer(0, &filtered, "[%I]"), [write(0, "[n:7]"), call(1, "GET /n")]);
    let held = [&filtered[..], &[("Grip-Hold", "stream")]].concat();
    assert_eq!(shard.answer(1, &held, "(%I)"), [interest("a", true), write(0, "(n:7)")]);
}

#[test]
fn meta_2_the_meta_of_a_page_replaces_what_was() {
    let mut shard = shard();
    let hold = |meta| {
        [
            ("Grip-Hold", "stream"),
            ("Grip-Channel", "a; filter=var-subst"),
            ("Grip-Set-Meta", meta),
            ("Grip-Link", "</n>; rel=next"),
        ]
    };
    shard.hold(0, &hold("x=1, y=2"), "");
    assert_eq!(shard.publish(&item("a", "", "", "%(x)s%(y)s")), [write(0, "12")]);
    shard.publish(r#"{"channel": "a", "http-stream": {"action": "hint"}}"#);
    shard.answer(0, &hold("x=3"), "");
    assert_eq!(shard.publish(&item("a", "", "", "%(x)s")), [write(0, "3")]);
    assert_eq!(shard.publish(&item("a", "", "", "%(y)s")), []);
    assert_eq!(shard.count(Count::FilterFailed), 1);
}

#[test]
fn keep_5_keep_6_a_page_replaces_the_keep_alive_and_an_empty_one_does_not_put_it_off() {
    let mut shard = shard();
    let hold = |keep_alive| {
        [
            ("Grip-Hold", "stream"),
            ("Grip-Channel", "a"),
            ("Grip-Link", "</n>; rel=next; timeout=15"),
            ("Grip-Keep-Alive", keep_alive),
        ]
    };
    shard.hold(0, &hold("old; timeout=20"), "");
    assert_eq!(shard.wait(Span::from_secs(17)), [call(0, "GET /n")]);
    shard.answer(0, &hold("new; timeout=20"), "");
    assert_eq!(shard.wait(Span::from_secs(4)), [write(0, "new")], "20 seconds after the first");
    shard.wait(Span::from_secs(13));
    shard.answer(1, &hold("new; timeout=20"), "page");
    assert_eq!(shard.wait(Span::from_secs(14)), [], "a page with bytes puts it off");
    shard.publish(r#"{"channel": "a", "http-stream": {"action": "hint"}}"#);
    shard.answer(2, &[("Grip-Hold", "stream"), ("Grip-Channel", "a")], "");
    assert_eq!(shard.wait(Span::from_secs(1000)), [], "a page without keep-alive has none");
}

#[test]
fn keep_5_nothing_is_sent_in_the_middle_of_a_page() {
    let mut shard = shard();
    let fields = [FEED, &[("Grip-Keep-Alive", "ka; timeout=5")]].concat();
    shard.hold(0, &fields, "");
    shard.sequence(&item("a", "3", "2", "three"));
    assert_eq!(shard.wait(Span::from_secs(5)), [write(0, "ka")], "it is while one is asked for");
    let after = [FEED_3, &[("Grip-Keep-Alive", "ka; timeout=5")]].concat();
    shard.call_head(0, 200, &after);
    shard.call_data(0, "begun", false);
    assert_eq!(shard.wait(Span::from_secs(30)), []);
    assert_eq!(shard.call_data(0, "done", true), [write(0, "done")]);
    assert_eq!(shard.wait(Span::from_millis(4_400)), []);
    assert_eq!(shard.wait(Span::from_millis(600)), [write(0, "ka")]);
}

#[test]
fn draining_ends_a_stream_whose_page_is_asked_for() {
    let mut shard = gap();
    let did = shard.handle(holdfast_core::engine::Event::Drain);
    assert_eq!(did, [interest("a", false), Did::DropCall(0), Did::Finish(0)]);
    shard.assert_idle();
}
