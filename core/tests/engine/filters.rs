//! Filters of subscriptions, as sessions feel them.

use crate::shard::{Did, Shard, call, item};
use holdfast_core::engine::{Event, OriginFault};
use holdfast_core::ground::{Count, Span};
use holdfast_core::publish::{Release, Scope};

type Line = (&'static str, &'static str);

const META: Line = ("Grip-Set-Meta", r#"user=bob, url="/check", id_format="n:%(a)s""#);
const MODES: [Line; 2] = [("Grip-Hold", "stream"), ("Grip-Hold", "response")];
const LINK: Line = ("Grip-Link", "</more>; rel=next");

/// Both kinds of hold on channel `a` at position 1, with these filters; stream on 0, response on 1.
fn both(routes: &str, channel: &'static str) -> Shard {
    let mut shard = Shard::new(routes);
    for (slot, mode) in (0..).zip(MODES) {
        shard.hold(slot, &[mode, ("Grip-Channel", channel), META, LINK], "none");
    }
    shard
}

fn write(data: &str) -> Did {
    Did::Write(0, data.to_owned())
}

fn respond(body: &str) -> Did {
    Did::Respond(1, 200, body.to_owned())
}

fn stream(filter: &'static str) -> Shard {
    let mut shard = Shard::new("* localhost:80");
    shard.hold(0, &[MODES[0], ("Grip-Channel", filter), META, LINK], "");
    shard
}

fn with_meta(id: u32, meta: &str, text: &str) -> String {
    format!(
        r#"{{"channel": "a", "id": "{id}", "prev-id": "{}", "meta": {meta},
        "http-stream": {{"content": "{text}"}}, "http-response": {{"body": "{text}"}}}}"#,
        id - 1
    )
}

#[test]
fn filt_1_filt_2_filt_3_keep_items_back_from_both_kinds() {
    for (filter, meta) in [
        ("a; prev-id=1; filter=skip-self", r#"{"sender": "bob"}"#),
        ("a; prev-id=1; filter=skip-users", r#"{"skip_users": "al, bob"}"#),
        ("a; prev-id=1; filter=require-sub", r#"{"require_sub": "other"}"#),
    ] {
        let mut shard = both("* localhost:80", filter);
        assert_eq!(shard.sequence(&with_meta(2, meta, "x")), []);
        assert_eq!(shard.count(Count::Filtered), 2);
        let did = shard.sequence(&with_meta(3, "{}", "y"));
        assert_eq!(did, [respond("y"), write("y")], "{filter}: the position has moved");
    }
}

#[test]
fn filt_3_channels_go_by_their_names_without_prefix() {
    let mut shard = Shard::new("*,prefix=p- localhost:80");
    shard.hold(0, &[MODES[0], ("Grip-Channel", "a; filter=require-sub, b")], "");
    let item = |sub: &str| {
        format!(
            r#"{{"channel": "p-a", "meta": {{"require_sub": "{sub}"}}, "http-stream": {{"content": "x"}}}}"#
        )
    };
    assert_eq!(shard.publish(&item("b")), [write("x")]);
    assert_eq!(shard.publish(&item("p-b")), []);
}

#[test]
fn filt_5_build_id_shows_the_position_after_the_item() {
    let mut shard = both("* localhost:80", "a; prev-id=1; filter=build-id");
    let did = shard.sequence(&item("a", "2", "1", "<%I>"));
    assert_eq!(did, [write("<n:2>"), respond("<n:2>")]);
}

#[test]
fn filt_6_a_first_body_knows_the_position_that_its_instruct_sets() {
    let mut shard = Shard::new("* localhost:80");
    let fields = [MODES[0], ("Grip-Channel", "a; prev-id=1; filter=build-id"), META, LINK];
    shard.get(0, "/");
    assert_eq!(shard.origin(0, 200, &fields), [Did::Collect(0)]);
    assert!(shard.body(0, "[%I]", true).contains(&write("[n:1]")));
    let unheld = [fields[1], META];
    let did = shard.hold(1, &unheld, "[%I]");
    assert_eq!(did[1], respond("[n:1]"), "NOH-2");
}

#[test]
fn filt_8_var_subst_writes_meta_into_items_only() {
    let mut shard = both("* localhost:80", "a; prev-id=1; filter=var-subst");
    let did = shard.sequence(&item("a", "2", "1", "%(user)s"));
    assert_eq!(did, [write("bob"), respond("bob")]);
}

#[test]
fn filt_9_a_close_can_be_vetoed() {
    for (veto, ends) in [(true, false), (false, true)] {
        let mut shard = stream("a; filter=http-check");
        let close = r#"{"channel": "a", "http-stream": {"action": "close"}}"#;
        assert_eq!(shard.publish(close), [call(0, "POST /check")]);
        let fields: &[Line] = if veto { &[("Action", "drop")] } else { &[] };
        let did = shard.answer(0, fields, "");
        assert_eq!(did.contains(&Did::Finish(0)), ends, "{did:?}");
    }
}

#[test]
fn filt_9_a_hint_can_be_vetoed_and_passes_other_filters() {
    for (slot, mode) in (0..).zip(MODES) {
        let mut shard = Shard::new("* localhost:80");
        shard.hold(
            slot,
            &[mode, ("Grip-Channel", "a; filter=build-id; filter=http-modify"), META, LINK],
            "",
        );
        let hint = r#"{"channel": "a", "http-stream": {"action": "hint"},
            "http-response": {"action": "hint"}}"#;
        assert_eq!(shard.publish(hint), [call(0, "POST /check")]);
        assert_eq!(shard.answer(0, &[("Action", "drop")], ""), []);
        shard.publish(hint);
        let did = shard.answer(1, &[], "");
        assert!(matches!(did[..], [Did::Call(2, _)]), "{did:?}");
    }
}

#[test]
fn filt_10_an_item_whose_filter_fails_is_skipped_and_the_position_moves() {
    let mut shard = both("* localhost:80", "a; prev-id=1; filter=var-subst");
    assert_eq!(shard.sequence(&item("a", "2", "1", "%(nobody)s")), []);
    assert_eq!(shard.count(Count::FilterFailed), 2);
    let did = shard.sequence(&item("a", "3", "2", "ok"));
    assert_eq!(did, [respond("ok"), write("ok")]);
}

#[test]
fn filt_10_in_debug_the_session_ends_with_the_reason() {
    let mut shard = both("*,debug localhost:80", "a; prev-id=1; filter=var-subst");
    let did = shard.sequence(&item("a", "2", "1", "%(nobody)s"));
    let why = |did: &Did| match did {
        Did::Respond(1, 502, text) | Did::Write(0, text) => text.contains("nobody"),
        _ => false,
    };
    assert_eq!(did.iter().filter(|did| why(did)).count(), 2, "{did:?}");
    assert!(did.contains(&Did::Abort(0)), "{did:?}");
    shard.assert_idle();
}

#[test]
fn filt_11_a_first_body_that_fails_is_502_where_nothing_has_gone_out() {
    let bad: [&[Line]; 3] = [&[], &[MODES[0]], &[LINK]];
    for fields in bad {
        let fields = [fields, &[("Grip-Channel", "a; filter=build-id"), META]].concat();
        let mut shard = Shard::new("* localhost:80");
        let did = shard.hold(1, &fields, "%I");
        let refused = did.iter().any(|did| matches!(did, Did::Respond(1, 502, _)));
        let aborted = did.iter().any(|did| matches!(did, Did::Abort(1)));
        assert!(refused || aborted, "{fields:?}: {did:?}");
        assert_eq!(refused, fields.len() == 2, "{fields:?}: {did:?}");
        shard.assert_idle();
    }
}

#[test]
fn pub_7_the_publisher_says_which_filters_it_expects() {
    let item = |filters: &str| {
        format!(
            r#"{{"channel": "a", "http-stream": {{"content": "x", "content-filters": {filters}}},
            "http-response": {{"body": "x", "content-filters": {filters}}}}}"#
        )
    };
    let mut shard = both("* localhost:80", "a; filter=skip-self; filter=var-subst");
    assert_eq!(shard.publish(&item(r#"["build-id"]"#)), []);
    assert_eq!(shard.publish(&item("[]")), []);
    assert_eq!(shard.count(Count::FilterMismatch), 4);
    assert_eq!(shard.publish(&item(r#"["var-subst"]"#)), [respond("x"), write("x")]);
}

#[test]
fn pub_7_in_debug_a_mismatch_ends_the_session_with_or_without_filters() {
    for channel in ["a; filter=var-subst", "a"] {
        let mut shard = Shard::new("*,debug localhost:80");
        for (slot, mode) in (0..).zip(MODES) {
            shard.hold(slot, &[mode, ("Grip-Channel", channel), META], "none");
        }
        let did = shard.publish(
            r#"{"channel": "a", "http-stream": {"content": "x", "content-filters": ["build-id"]},
            "http-response": {"body": "x", "content-filters": ["build-id"]}}"#,
        );
        assert!(did.iter().any(|did| matches!(did, Did::Respond(1, 502, _))), "{channel}: {did:?}");
        assert!(did.contains(&Did::Abort(0)), "{channel}: {did:?}");
        shard.assert_idle();
    }
}

#[test]
fn filt_12_the_backend_is_asked_about_each_item() {
    let mut shard = both("*,prefix=p- localhost:80", "a; prev-id=1; filter=http-modify");
    let item = with_meta(2, r#"{"sender": "al"}"#, "hello").replace(r#""a""#, r#""p-a""#);
    let did = shard.sequence(&item);
    let question = "POST /check (a; last-id=1) hello";
    assert_eq!(did, [call(0, question), call(1, question)]);
    let fields = &shard.call(0).head.fields;
    let said = |name| String::from_utf8_lossy(fields.first(name).expect(name)).into_owned();
    assert!(said("Sub-Meta").contains(r#""user":"bob""#));
    assert_eq!(said("Pub-Meta"), r#"{"sender":"al"}"#);
    assert!(fields.has("Grip-Feature"));
    assert_eq!(shard.answer(0, &[], "changed"), [write("changed")]);
    assert_eq!(shard.answer(1, &[], "also"), [respond("also")]);
    shard.gone(0);
    shard.assert_idle();
}

#[test]
fn filt_12_a_check_sends_no_content_and_leaves_it_as_it_is() {
    for status in [200, 204] {
        let mut shard = stream("a; filter=http-check");
        assert_eq!(shard.publish(&item("a", "", "", "hello")), [call(0, "POST /check")]);
        shard.call_head(0, status, &[]);
        assert_eq!(shard.call_data(0, "ignored", true), [write("hello")]);
    }
}

#[test]
fn filt_12_a_drop_moves_the_position() {
    let mut shard = both("* localhost:80", "a; prev-id=1; filter=http-check");
    shard.sequence(&item("a", "2", "1", "x"));
    assert_eq!(shard.answer(0, &[("Action", "drop")], ""), []);
    assert_eq!(shard.answer(1, &[("Action", "drop")], ""), []);
    assert_eq!(shard.count(Count::Filtered), 2);
    let did = shard.sequence(&item("a", "3", "2", "y"));
    let question = "POST /check (a; last-id=2)";
    assert_eq!(did, [call(2, question), call(3, question)]);
}

#[test]
fn filt_12_filters_behind_a_question_go_on_with_its_answer() {
    let mut shard = both(
        "* localhost:80",
        "a; prev-id=1; filter=http-modify; filter=http-check; filter=var-subst",
    );
    shard.sequence(&item("a", "2", "1", "x"));
    let second = "POST /check (a; last-id=1)";
    assert_eq!(shard.answer(0, &[], "%(user)s"), [call(2, second)]);
    assert_eq!(shard.answer(1, &[], "%(user)s"), [call(3, second)]);
    assert_eq!(shard.answer(2, &[], ""), [write("bob")]);
    assert_eq!(shard.answer(3, &[], ""), [respond("bob")]);
}

#[test]
fn filt_12_the_answer_must_be_there_in_ten_seconds() {
    let mut shard = stream("a; filter=http-modify");
    shard.publish(&item("a", "", "", "x"));
    shard.wait(Span::from_secs(6));
    shard.call_head(0, 200, &[]);
    assert_eq!(shard.wait(Span::from_millis(3_900)), []);
    assert_eq!(shard.wait(Span::from_millis(200)), [Did::DropCall(0)]);
    assert_eq!(shard.count(Count::FilterFailed), 1);
    assert_eq!(shard.publish(&item("a", "", "", "y")).len(), 1, "and the next item is asked about");
}

#[test]
fn filt_13_whatever_fails_skips_the_item() {
    let fails: [fn(&mut Shard); 4] = [
        |shard| drop(shard.call_failed(0, OriginFault::Broken)),
        |shard| drop(shard.call_failed(0, OriginFault::Unreachable)),
        |shard| {
            shard.call_head(0, 302, &[]);
            shard.call_data(0, "", true);
        },
        |shard| {
            shard.call_head(0, 200, &[]);
            shard.call_data(0, &"x".repeat(100_001), false);
        },
    ];
    for fail in fails {
        let mut shard = stream("a; prev-id=1; filter=http-modify");
        shard.sequence(&item("a", "2", "1", "x"));
        fail(&mut shard);
        assert_eq!(shard.count(Count::FilterFailed), 1);
        let did = shard.sequence(&item("a", "3", "2", "y"));
        assert_eq!(did, [call(1, "POST /check (a; last-id=2) y")]);
    }
}

#[test]
fn filt_13_without_url_there_is_nobody_to_ask() {
    for meta in ["x=y", "url=http://[", "url=https://elsewhere.com/"] {
        let mut shard = Shard::new("* localhost:80");
        shard.hold(
            0,
            &[MODES[0], ("Grip-Channel", "a; filter=http-check"), ("Grip-Set-Meta", meta)],
            "",
        );
        assert_eq!(shard.publish(&item("a", "", "", "x")), [], "{meta}");
        assert_eq!(shard.count(Count::FilterFailed), 1, "{meta}");
        shard.gone(0);
        shard.assert_idle();
    }
}

#[test]
fn filt_13_the_backend_may_choose_that_failure_lets_pass() {
    let mut shard = Shard::new("* localhost:80");
    let meta = ("Grip-Set-Meta", "url=/check, on_failure=pass");
    shard.hold(0, &[MODES[0], ("Grip-Channel", "a; filter=http-check"), meta], "");
    shard.publish(&item("a", "", "", "x"));
    assert_eq!(shard.call_failed(0, OriginFault::Broken), [write("x")]);
}

#[test]
fn filt_14_later_items_wait_in_order() {
    let mut shard = both("* localhost:80", "a; prev-id=1; filter=http-check, b");
    shard.sequence(&item("a", "2", "1", "2"));
    assert_eq!(shard.publish(&item("b", "", "", "b")), []);
    assert_eq!(shard.sequence(&item("a", "3", "2", "3")), []);
    let did = shard.answer(0, &[], "");
    assert_eq!(did, [write("2"), write("b"), call(2, "POST /check (a; last-id=2)")]);
    assert_eq!(shard.answer(2, &[], ""), [write("3")]);
    let did = shard.answer(1, &[("Action", "drop")], "");
    assert_eq!(did, [respond("b")]);
    shard.gone(0);
    shard.assert_idle();
}

#[test]
fn filt_14_a_gap_behind_a_question_is_seen_afterwards() {
    let mut shard = stream("a; prev-id=1; filter=http-check");
    shard.sequence(&item("a", "2", "1", "2"));
    assert_eq!(shard.sequence(&item("a", "4", "3", "4")), []);
    let did = shard.answer(0, &[], "");
    let forget = Did::Forget("a".to_owned(), "4".to_owned());
    assert_eq!(did, [write("2"), forget, call(1, "GET /more (a; last-id=2)")]);
}

#[test]
fn filt_14_an_item_in_question_that_continues_a_page_is_no_reason_to_fetch_another() {
    let mut shard = stream("a; prev-id=1; filter=http-check");
    shard.sequence(&item("a", "3", "2", "3"));
    shard.sequence(&item("a", "4", "3", "4"));
    let at_3 = [MODES[0], ("Grip-Channel", "a; prev-id=3; filter=http-check"), META, LINK];
    assert_eq!(shard.answer(0, &at_3, ""), [call(1, "POST /check (a; last-id=3)")]);
    assert_eq!(shard.answer(1, &[], ""), [write("4")]);
}

#[test]
fn filt_14_rec_4_a_question_before_the_turn_of_a_page_does_not_make_it_forgotten() {
    let mut shard = Shard::with("* localhost:80", |limits| {
        (limits.recoveries_per_second, limits.recovery_burst) = (1, 1);
    });
    shard.hold(1, &[MODES[0], ("Grip-Channel", "b; prev-id=1"), LINK], "");
    shard.sequence(&item("b", "9", "8", "nine"));
    shard.hold(0, &[MODES[0], ("Grip-Channel", "a; prev-id=1; filter=http-check"), META, LINK], "");
    shard.publish(r#"{"channel": "a", "http-stream": {"action": "hint"}}"#);
    let did = shard.sequence(&item("a", "2", "1", "two"));
    assert!(matches!(&did[..], [Did::Call(1, question)] if question.contains("/check")), "{did:?}");
    assert_eq!(shard.wait(Span::from_secs(2)), []);
    assert_eq!(shard.answer(1, &[], ""), [write("two"), call(2, "GET /more (a; last-id=2)")]);
}

#[test]
fn filt_14_questions_are_paced_and_the_urls_take_turns() {
    let mut shard = Shard::with("* localhost:80", |limits| limits.filter_calls_per_second = 10);
    let metas = [("Grip-Set-Meta", "url=/one"), ("Grip-Set-Meta", "url=/two")];
    for slot in 0..30 {
        let meta = metas[usize::from(slot >= 28)];
        shard.hold(slot, &[MODES[0], ("Grip-Channel", "a; filter=http-check"), meta], "");
    }
    let did = shard.publish(&item("a", "", "", "x"));
    assert_eq!(did.len(), 10);
    assert_eq!(
        did.iter().filter(|did| matches!(did, Did::Call(_, to) if to == "POST /two")).count(),
        2
    );
    assert_eq!(shard.wait(Span::from_secs(1)).len(), 10);
    for slot in 0..30 {
        shard.gone(slot);
    }
    shard.assert_idle();
}

#[test]
fn filt_14_whoever_has_left_uses_up_no_turn() {
    let mut shard = Shard::with("* localhost:80", |limits| limits.filter_calls_per_second = 1);
    for slot in 0..40 {
        shard.hold(slot, &[MODES[0], ("Grip-Channel", "a; filter=http-check"), META], "");
    }
    assert_eq!(shard.publish(&item("a", "", "", "x")).len(), 10);
    for slot in 0..39 {
        shard.gone(slot);
    }
    assert_eq!(shard.wait(Span::from_secs(1)).len(), 1, "the last one's turn");
    shard.gone(39);
    assert_eq!(shard.engine.deadline(), None);
}

#[test]
fn filt_14_a_retry_meanwhile_asks_again_about_the_item() {
    let mut shard = Shard::new("* localhost:80");
    let fields = [MODES[1], ("Grip-Channel", "a; prev-id=1; filter=http-check"), META];
    shard.hold(1, &fields, "none");
    shard.sequence(&item("a", "2", "1", "two"));
    let did = shard.handle(Event::Released(Release::Recover(Scope::All)));
    assert_eq!(did, [call(1, "GET / (a; last-id=1)")]);
    shard.call_head(1, 200, &fields);
    let did = shard.call_data(1, "none", true);
    assert_eq!(did, [Did::DropCall(0), call(2, "POST /check (a; last-id=1)")]);
    assert_eq!(shard.answer(2, &[], ""), [respond("two")]);
    shard.assert_idle();
}

#[test]
fn filt_14_a_question_that_has_waited_through_a_retry_is_asked_once() {
    let mut shard = Shard::with("* localhost:80", |limits| limits.filter_calls_per_second = 1);
    let fields = [MODES[1], ("Grip-Channel", "a; prev-id=1; filter=http-check"), META];
    for slot in 0..11 {
        shard.hold(slot, &fields, "none");
    }
    shard.sequence(&item("a", "2", "1", "two"));
    let scope = Scope::All;
    shard.handle(Event::Released(Release::Recover(scope)));
    shard.call_head(20, 200, &fields);
    shard.call_data(20, "none", true);
    for slot in 0..10 {
        shard.gone(slot);
    }
    let did = shard.wait(Span::from_secs(5));
    assert_eq!(did, [call(21, "POST /check (a; last-id=1)")]);
    assert_eq!(shard.answer(21, &[], ""), [Did::Respond(10, 200, "two".to_owned())]);
    shard.assert_idle();
}

#[test]
fn filt_14_what_waits_behind_a_question_is_looked_at_even_if_a_wish_to_recover_cannot_be_granted() {
    let mut shard = stream("a");
    shard.publish(r#"{"channel": "a", "http-stream": {"action": "hint"}}"#);
    shard.handle(Event::Released(Release::Recover(Scope::All)));
    shard.call_head(0, 200, &[MODES[0], ("Grip-Channel", "a; filter=http-check"), META]);
    assert_eq!(shard.call_data(0, "page", false), [write("page"), Did::ReadPiece(0)]);
    shard.publish(&item("a", "", "", "1"));
    shard.publish(&item("a", "", "", "2"));
    assert_eq!(shard.call_data(0, "", true), [call(1, "POST /check")]);
    assert_eq!(shard.answer(1, &[], ""), [write("1"), call(2, "POST /check")]);
    assert_eq!(shard.answer(2, &[], ""), [write("2")]);
}

#[test]
fn a_call_that_begins_when_others_time_out_does_not_time_out_with_them() {
    let timeout = Span::from_secs(10);
    let mut shard = Shard::with("*,debug localhost:80", |limits| limits.origin_timeout = timeout);
    let bye = ("Grip-Link", "</bye>; rel=gone");
    shard.hold(1, &[MODES[1], ("Grip-Channel", "a; filter=http-check"), META, bye], "");
    shard.publish(&item("a", "", "", "x"));
    shard.handle(Event::Released(Release::Recover(Scope::All)));
    let did = shard.wait(Span::from_millis(10_010));
    // In debug the failure of the filter ends the session, and the farewell may take the place of the retry.
    let refused = Did::Respond(1, 502, "Filter failed: asked, and got no answer\n".to_owned());
    let ends = [Did::DropCall(0), Did::DropCall(1), call(2, "POST /bye"), refused];
    assert_eq!(did, ends);
}
