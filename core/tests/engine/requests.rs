//! Requests on their way to an origin and back.

use crate::shard::{Did, Shard, conn};
use bytes::Bytes;
use holdfast_core::engine::{ClientGone, Event, OriginFault};
use holdfast_core::ground::{Count, Span};

const PLAIN: &[(&str, &str)] = &[("Content-Type", "text/plain")];

fn forward(slot: u32, target: &str) -> Did {
    Did::Forward(slot, target.to_owned())
}

#[test]
fn a_plain_request_costs_two_calls_and_two_actions() {
    let mut shard = Shard::new("* localhost:80");
    assert_eq!(shard.get(0, "/x?y"), [forward(0, "localhost:80")]);
    assert_eq!(shard.forwarded().target, "/x?y");
    assert_eq!(shard.origin(0, 404, PLAIN), [Did::Relay(0, 404)]);
    assert_eq!((shard.engine.exchanges(), shard.engine.deadline()), (0, None));
}

#[test]
fn fwd_2_no_route_is_502() {
    let mut shard = Shard::new("other.com localhost:80");
    let did = shard.get(0, "/");
    assert_eq!(did, [Did::Respond(0, 502, "Route not found\n".to_owned())]);
    assert_eq!(shard.engine.counters().of(Count::NoRoute), 1);
}

#[test]
fn route_45_only_an_unreached_target_fails_over() {
    let mut shard = Shard::new("* one:80 two:80");
    assert_eq!(shard.get(0, "/"), [forward(0, "one:80")]);
    assert_eq!(shard.failed(0, OriginFault::Unreachable), [forward(0, "two:80")]);
    let did = shard.failed(0, OriginFault::Unreachable);
    assert_eq!(did, [Did::Respond(0, 502, "Error while proxying to origin.\n".to_owned())]);
    shard.get(0, "/");
    let did = shard.failed(0, OriginFault::Broken);
    assert_eq!(did, [Did::Respond(0, 502, "Error while proxying to origin.\n".to_owned())]);
}

#[test]
fn fwd_91_debug_names_the_targets() {
    let mut shard = Shard::new("*,debug one:80 two:80");
    shard.get(0, "/");
    shard.failed(0, OriginFault::Unreachable);
    let did = shard.failed(0, OriginFault::Unreachable);
    let text = "Unable to connect to any targets. Tried: one:80, two:80\n";
    assert_eq!(did, [Did::Respond(0, 502, text.to_owned())]);
}

#[test]
fn lim_22_a_silent_origin_is_502_and_is_not_asked_twice() {
    let mut shard = Shard::new("* one:80 two:80");
    shard.get(0, "/");
    assert_eq!(shard.wait(Span::from_secs(59)), []);
    let did = shard.wait(Span::from_secs(2));
    assert!(matches!(&did[..], [Did::DropOrigin(0), Did::Respond(0, 502, _)]), "{did:?}");
    assert_eq!(shard.engine.counters().of(Count::OriginTimeout), 1);
}

#[test]
fn err_1_an_invalid_instruct_is_502_and_subscribes_nothing() {
    for fields in [
        &[("Grip-Hold", "maybe"), ("Grip-Channel", "a")][..],
        &[("Grip-Hold", "response"), ("Grip-Channel", "a"), ("Grip-Timeout", "x")],
        &[("Grip-Hold", "stream"), ("Grip-Channel", "a"), ("Grip-Keep-Alive", "; timeout=5")],
    ] {
        let mut shard = Shard::new("* localhost:80");
        let did = shard.hold(0, fields, "");
        let refusal = Did::Respond(0, 502, "Error while proxying to origin.\n".to_owned());
        assert!(did.contains(&refusal), "{fields:?}: {did:?}");
        assert_eq!((shard.engine.exchanges(), shard.engine.subscribers("a")), (0, 0));
        assert_eq!(shard.engine.counters().of(Count::InstructInvalid), 1);
    }
}

#[test]
fn act_5_an_instruct_is_read_up_to_its_limit() {
    let mut shard = Shard::new("* localhost:80");
    for (size, status) in [(100_000, 200), (100_001, 502)] {
        shard.get(0, "/");
        assert_eq!(shard.origin(0, 200, &[("Grip-X", "y")]), [Did::Collect(0)]);
        let data = Bytes::from(vec![b'x'; size]);
        let did = shard.handle(Event::OriginData { conn: conn(0), data, end: true });
        assert!(matches!(&did[..], [Did::Respond(0, s, _)] if *s == status), "{size}");
    }
}

#[test]
fn act_2_no_grip_passes_instructs_unchanged() {
    let mut shard = Shard::new("*,no_grip localhost:80");
    shard.get(0, "/");
    assert_eq!(shard.origin(0, 200, &[("Grip-Hold", "response")]), [Did::Relay(0, 200)]);
    assert!(shard.head().fields.has("grip-hold"));
}

#[test]
fn noh_1_an_instruct_without_hold_answers_at_once_with_its_status() {
    let mut shard = Shard::new("* localhost:80");
    let did = shard.hold(0, &[("Grip-Status", "404 No Way"), ("X-A", "b")], "body");
    assert_eq!(did, [Did::Collect(0), Did::Respond(0, 404, "body".to_owned())]);
    assert_eq!(shard.head().reason, "No Way");
    assert!(shard.head().fields.has("x-a") && !shard.head().fields.has("grip-status"));
}

#[test]
fn a_stream_whose_first_body_breaks_is_cut() {
    let mut shard = Shard::new("* localhost:80");
    shard.get(0, "/");
    shard.origin(0, 200, &[("Grip-Hold", "stream"), ("Grip-Channel", "a")]);
    let did = shard.failed(0, OriginFault::Broken);
    assert_eq!(did, [Did::Interest("a".to_owned(), false), Did::Abort(0)]);
}

#[test]
fn what_comes_for_an_ended_exchange_is_counted_and_ignored() {
    let mut shard = Shard::new("* localhost:80");
    shard.get(0, "/");
    shard.handle(Event::Gone { conn: conn(0), why: ClientGone::Left });
    assert_eq!(shard.origin(0, 200, PLAIN), []);
    assert_eq!(shard.body(0, "x", true), []);
    assert_eq!(shard.failed(0, OriginFault::Broken), []);
    assert_eq!(shard.handle(Event::Backlog { conn: conn(7), bytes: 1 }), []);
    assert_eq!(shard.engine.counters().of(Count::StaleEvent), 4);
}

#[test]
fn route_54_a_request_under_way_keeps_its_route() {
    let mut shard = Shard::new("* one:80 two:80");
    shard.get(0, "/");
    shard.handle(Event::Reconfigure(Default::default()));
    assert_eq!(shard.failed(0, OriginFault::Unreachable), [forward(0, "two:80")]);
    assert_eq!(shard.get(1, "/").len(), 1, "and a new one sees the new table");
    assert_eq!(shard.engine.counters().of(Count::NoRoute), 1);
}

#[test]
fn fwd_11_options_star_is_about_the_proxy_itself() {
    let mut shard = Shard::new("* localhost:80");
    assert_eq!(shard.request(0, "OPTIONS", "*", &[]), [Did::Respond(0, 204, String::new())]);
}
