//! Requests that are script tags, and answers that are scripts (CORS-20 to CORS-26, RESP-14, STRM-3).

use crate::shard::{Did, Shard};
use holdfast_core::engine::{BodySource, CallBody, OriginFault};
use holdfast_core::ground::{Count, Span};
use holdfast_core::message::ResponseHead;

const POLL: &[(&str, &str)] = &[("Grip-Hold", "response"), ("Grip-Channel", "a")];

fn shard() -> Shard {
    Shard::new("*,aco localhost:80")
}

fn basic() -> Shard {
    Shard::new("*,aco,jsonp_mode=basic,jsonp_defmethod=GET localhost:80")
}

fn script(body: &str) -> String {
    format!("/**/cb({body});\n")
}

fn object(code: u16, reason: &str, headers: &str, body: &str) -> String {
    script(&format!(
        r#"{{"code": {code}, "reason": "{reason}", "headers": {{{headers}}}, "body": "{body}"}}"#
    ))
}

fn written(did: &[Did]) -> String {
    let data = |did: &Did| match did {
        Did::Write(0, data) => Some(data.clone()),
        _ => None,
    };
    did.iter().filter_map(data).collect()
}

fn has(head: &ResponseHead, name: &str, value: &str) -> bool {
    head.fields.first(name).is_some_and(|found| found == value)
}

#[test]
fn cors_23_a_proxied_answer_of_any_length_is_wrapped_as_it_comes() {
    let mut shard = shard();
    shard.get(0, "/x?a=1&callback=cb");
    assert_eq!(shard.forwarded().target, "/x?a=1");
    let fields = [("ETag", "e"), ("Cache-Control", "no-store")];
    let mut did = shard.origin(0, 404, &fields);
    assert_eq!((did.first(), did.last()), (Some(&Did::Begin(0, 200)), Some(&Did::Stream(0))));
    let head = shard.head();
    assert!(has(head, "Content-Type", "application/javascript"));
    assert!(
        has(head, "X-Content-Type-Options", "nosniff") && has(head, "Cache-Control", "no-store")
    );
    assert_eq!(head.fields.len(), 3, "no other field of the origin's, and none of CORS");
    did.extend(shard.body(0, "a\"", false));
    did.extend(shard.body(0, "b", true));
    assert_eq!(did.last(), Some(&Did::Finish(0)));
    let headers = r#""ETag":"e","Cache-Control":"no-store""#;
    assert_eq!(written(&did), object(404, "Not Found", headers, "a\\\"b"));
    assert_eq!(shard.engine.exchanges(), 0);
}

#[test]
fn cors_23_errors_and_answers_at_once_are_wrapped() {
    let mut shard = shard();
    shard.get(0, "/?callback=cb");
    let did = shard.failed(0, OriginFault::Broken);
    let kind = r#""Content-Type":"text/plain""#;
    let expected = object(502, "Bad Gateway", kind, "Error while proxying to origin.\\n");
    assert_eq!(did, [Did::Respond(0, 200, expected)]);

    shard.get(0, "/?callback=cb");
    shard.origin(0, 200, &[("Content-Type", "application/grip-instruct")]);
    let did = shard.body(0, r#"{"response": {"body": "now"}}"#, true);
    assert_eq!(did, [Did::Respond(0, 200, object(200, "OK", "", "now"))]);
}

#[test]
fn cors_23_a_broken_origin_leaves_the_script_incomplete() {
    let mut shard = shard();
    shard.get(0, "/?callback=cb");
    shard.origin(0, 200, &[]);
    shard.body(0, "x", false);
    assert_eq!(shard.failed(0, OriginFault::Broken), [Did::Abort(0)]);
}

#[test]
fn cors_21_the_request_that_is_meant_goes_out_with_its_own_body() {
    let mut shard = shard();
    let fields = [("Accept-Encoding", "gzip"), ("Cookie", "c")];
    let target = "/?callback=cb&_method=PUT&_body=hi&_headers=%7B%22X-A%22:%221%22%7D";
    shard.request(0, "GET", target, &fields);
    let head = shard.forwarded();
    assert_eq!((head.method.as_str(), &head.target[..]), ("PUT", &b"/"[..]));
    assert!(head.fields.has("X-A") && head.fields.has("Cookie"));
    let coding = head.fields.first("Accept-Encoding");
    assert_eq!(coding.map(|coding| &coding[..]), Some(&b"identity"[..]), "to make a script of");
    assert_eq!(shard.outgoing().body, BodySource::Bytes("hi".into()));
    assert!(shard.engine.deadline().is_some(), "the origin does not have for ever");
}

#[test]
fn cors_22_bad_parameters_are_refused_in_plain_and_readable() {
    let cases = [
        ("/?callback=", "Invalid callback parameter.\n"),
        ("/?callback=alert(1)", "Invalid callback parameter.\n"),
        ("/?callback=cb&_method=", "Invalid _method parameter.\n"),
        ("/?callback=cb&_headers=1", "Invalid _headers parameter.\n"),
        ("/?callback=cb&_body=%", "Invalid _body parameter.\n"),
    ];
    let mut shard = shard();
    for (target, why) in cases {
        assert_eq!(shard.get(0, target), [Did::Respond(0, 400, why.to_owned())]);
        assert!(has(shard.head(), "Access-Control-Allow-Origin", "*"), "{target}");
    }
    assert_eq!(shard.engine.counters().of(Count::BadRequests), 5);
}

#[test]
fn cors_20_only_a_get_on_such_a_route_is_a_script_tag() {
    let mut shard = shard();
    shard.request(0, "POST", "/?callback=cb", &[]);
    assert_eq!(shard.forwarded().target, "/?callback=cb");
}

#[test]
fn resp_14_an_item_and_a_timeout_are_wrapped_and_keep_their_fields_outside() {
    let mut shard = shard();
    shard.get(0, "/?callback=cb");
    shard.origin(0, 200, POLL);
    shard.body(0, "none", true);
    let did = shard.publish(
        r#"{"channel": "a", "http-response":
            {"code": 404, "headers": [["X-B", "1"], ["X-B", "2"]], "body": "item\n"}}"#,
    );
    let expected = object(404, "Not Found", r#""X-B":"1, 2""#, "item\\n");
    assert_eq!(did.last(), Some(&Did::Respond(0, 200, expected)));
    let head = shard.head();
    assert!(has(head, "X-B", "1") && has(head, "Content-Type", "application/javascript"));
    assert!(has(head, "Access-Control-Allow-Origin", "*"), "RESP-13");

    let mut shard = basic();
    shard.get(0, "/?callback=cb");
    shard.origin(0, 200, POLL);
    shard.body(0, "{}\n", true);
    let did = shard.wait(Span::from_secs(56));
    assert_eq!(did.last(), Some(&Did::Respond(0, 200, script("{}"))));
}

#[test]
fn rec_9_the_answer_to_a_retry_is_wrapped_as_the_first_would_be() {
    for short in [true, false] {
        let mut shard = basic();
        shard.get(0, "/?a=b&callback=cb&_method=POST&_body=x");
        shard.origin(0, 200, POLL);
        shard.body(0, "none", true);
        shard.publish(r#"{"channel": "a", "http-response": {"action": "hint"}}"#);
        assert_eq!(&shard.call(0).head.target[..], b"/?a=b");
        assert_eq!(shard.call(0).body, CallBody::Bytes("x".into()));
        let mut did =
            if short { shard.call_sized(0, &[], 6) } else { shard.call_head(0, 200, &[]) };
        did.extend(shard.call_data(0, "fresh\n", true));
        let body = match did.last() {
            Some(Did::Respond(0, 200, body)) => body.clone(),
            Some(Did::Finish(0)) => written(&did),
            other => panic!("{other:?}"),
        };
        assert_eq!(body, script("fresh"), "short: {short}");
    }
}

#[test]
fn strm_3_a_stream_is_refused_before_anything_is_held() {
    let instructs: [(&[_], &str); 3] = [
        (&[("Grip-Hold", "stream"), ("Grip-Channel", "a")], ""),
        (&[("Grip-Link", "</n>; rel=next")], ""),
        (
            &[("Content-Type", "application/grip-instruct")],
            r#"{"hold": {"mode": "stream", "channels": [{"name": "a"}]}}"#,
        ),
    ];
    for (fields, body) in instructs {
        let mut shard = shard();
        shard.get(0, "/?callback=cb");
        let mut did = shard.origin(0, 200, fields);
        if !body.is_empty() {
            did.extend(shard.body(0, body, true));
        }
        let refusal = Did::Respond(0, 400, "A stream cannot be a script.\n".to_owned());
        assert_eq!(did.last(), Some(&refusal));
        assert!(has(shard.head(), "Access-Control-Allow-Origin", "*"));
        assert_eq!((shard.engine.exchanges(), shard.engine.subscribers("a")), (0, 0));
    }
}
