//! Answers that scripts of other origins may read (CORS-1 to CORS-3, RESP-13, STRM-3).

use crate::shard::{Did, Shard};
use holdfast_core::engine::OriginFault;
use holdfast_core::ground::Span;

const POLL: &[(&str, &str)] = &[("Grip-Hold", "response"), ("Grip-Channel", "a")];
const ASKING: &[(&str, &str)] = &[("Origin", "http://page")];

fn shard() -> Shard {
    Shard::new("*,aco localhost:80")
}

/// Whether the last answer may be read by a script of the page.
fn is_open(shard: &Shard) -> bool {
    let fields = &shard.head().fields;
    let is = |name, value: &str| fields.first(name).is_some_and(|found| found == value);
    is("Access-Control-Allow-Origin", "http://page")
        && is("Access-Control-Allow-Credentials", "true")
        && is("Access-Control-Max-Age", "3600")
        && is("Vary", "Origin")
}

fn poll(shard: &mut Shard) {
    shard.request(0, "GET", "/", ASKING);
    shard.origin(0, 200, POLL);
    assert_eq!(shard.body(0, "none", true).len(), 1);
}

#[test]
fn cors_1_cors_2_every_relayed_answer_is_decorated_and_options_goes_to_the_origin() {
    for method in ["GET", "OPTIONS", "PUT"] {
        let mut shard = shard();
        shard.request(0, method, "/", ASKING);
        assert_eq!(shard.origin(0, 404, &[("X-A", "1")]), [Did::Relay(0, 404)]);
        assert!(is_open(&shard), "{method}");
        let fields = &shard.head().fields;
        assert_eq!(fields.first("Access-Control-Expose-Headers").expect("one"), "X-A");
    }
}

#[test]
fn cors_1_a_route_without_the_option_leaves_answers_alone() {
    let mut shard = Shard::new("* localhost:80");
    shard.request(0, "GET", "/?callback=cb", ASKING);
    assert_eq!(shard.forwarded().target, "/?callback=cb");
    assert_eq!(shard.origin(0, 200, &[]), [Did::Relay(0, 200)]);
    assert!(shard.head().fields.is_empty());
}

#[test]
fn cors_1_errors_of_the_proxy_are_decorated() {
    let mut shard = shard();
    shard.request(0, "GET", "/", ASKING);
    shard.failed(0, OriginFault::Broken);
    assert_eq!(shard.head().status, 502);
    assert!(is_open(&shard));
}

#[test]
fn cors_1_switched_on_for_all_even_an_answer_without_a_route_is_decorated() {
    let mut shard = Shard::configured("*,path_beg=/a test", |config| {
        config.policy.auto_cross_origin = true;
    });
    for (target, status) in [("/", 502), ("/a", 200)] {
        shard.request(0, "GET", target, ASKING);
        assert_eq!(shard.head().status, status);
        assert!(is_open(&shard), "{target}");
    }
}

#[test]
fn cors_3_origins_beyond_the_allowed_ones_are_not_let_in() {
    let mut shard = Shard::configured("*,aco test", |config| {
        config.policy.cross_origin_allow = vec!["http://friend".to_owned()];
    });
    shard.request(0, "GET", "/", ASKING);
    assert!(!shard.head().fields.has("Access-Control-Allow-Origin"));
    shard.request(0, "GET", "/", &[("Origin", "http://friend")]);
    assert!(shard.head().fields.has("Access-Control-Allow-Origin"));
}

#[test]
fn resp_13_item_timeout_and_what_is_not_held_are_decorated() {
    let mut item = shard();
    poll(&mut item);
    let overlay = r#"{"headers": {"X-B": "2", "Access-Control-Max-Age": "3600"}, "body": "item"}"#;
    item.publish(&format!(r#"{{"channel": "a", "http-response": {overlay}}}"#));
    assert!(is_open(&item));
    let fields = &item.head().fields;
    assert_eq!(fields.first("Access-Control-Expose-Headers").expect("one"), "X-B");
    assert_eq!(fields.all("Access-Control-Max-Age").count(), 1, "what is there stays");

    let mut timeout = shard();
    poll(&mut timeout);
    timeout.wait(Span::from_secs(56));
    assert!(is_open(&timeout));

    let mut instruct = shard();
    instruct.request(0, "GET", "/", ASKING);
    instruct.origin(0, 200, &[("Content-Type", "application/grip-instruct")]);
    instruct.body(0, r#"{"response": {"body": "now"}}"#, true);
    assert_eq!(instruct.head().status, 200);
    assert!(is_open(&instruct));
}

#[test]
fn resp_13_invalid_instructs_and_drained_holds_are_decorated() {
    let mut invalid = shard();
    invalid.request(0, "GET", "/", ASKING);
    invalid.origin(0, 200, &[("Grip-Hold", "maybe")]);
    assert_eq!(invalid.head().status, 502);
    assert!(is_open(&invalid));

    let mut drained = shard();
    poll(&mut drained);
    drained.handle(holdfast_core::engine::Event::Drain);
    assert!(is_open(&drained));
}

#[test]
fn strm_3_the_head_of_a_stream_is_decorated() {
    let mut shard = shard();
    shard.request(0, "GET", "/", ASKING);
    let fields = [("Grip-Hold", "stream"), ("Grip-Channel", "a")];
    assert!(shard.origin(0, 200, &fields).contains(&Did::Begin(0, 200)));
    assert!(is_open(&shard));
}
