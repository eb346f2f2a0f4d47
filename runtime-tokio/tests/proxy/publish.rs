//! The API for publishers.

use std::time::Duration;

use holdfast_core::grip::{Key, sign};
use holdfast_core::ground::{Limits, Span, UnixTime};

use crate::wire::{Wire, client, field, proxy, proxy_with};

fn ask(wire: &mut Wire, request: &str, body: &str) -> (String, String) {
    wire.send(format!(
        "{request} HTTP/1.1\r\nHost: p\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    ));
    wire.response()
}

#[test]
fn ctrl_1_to_10_the_publish_resource() {
    let proxy = proxy("* test");
    let mut wire = Wire::connect(proxy.publish_addr().unwrap());
    for (request, body, status, said) in [
        ("POST /publish", r#"{"items": []}"#, "200", "Published\n"),
        ("POST /publish/", r#"{"items": []}"#, "200", "Published\n"),
        ("POST /publish/?x=y", r#"{"items": []}"#, "200", "Published\n"),
        ("POST /recover", "", "200", "Updated\n"),
        ("GET /", "", "200", "Holdfast publish API\n"),
        ("GET /nothing", "", "404", "Not Found\n"),
        ("POST /publish//", "", "404", "Not Found\n"),
        ("GET /publish", "", "405", "Method Not Allowed\n"),
    ] {
        let (head, answer) = ask(&mut wire, request, body);
        assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{request}: {head}");
        assert_eq!(field(&head, "content-type"), Some("text/plain"));
        assert_eq!(answer, said, "{request}");
        assert_eq!(field(&head, "allow"), (status == "405").then_some("POST"));
    }
}

#[test]
fn ctrl_3_5_what_is_wrong_is_said_and_nothing_is_published() {
    let proxy = proxy("* test");
    let mut client = client(&proxy);
    client.send("GET /stream?channel=c HTTP/1.1\r\nHost: h\r\n\r\n");
    client.until("[stream opened]\n\r\n");
    let mut wire = Wire::connect(proxy.publish_addr().unwrap());
    let good = r#"{"channel": "c", "http-stream": {"content": "x"}}"#;
    for body in ["no JSON", "[]", "{}", &format!(r#"{{"items": [{good}, {{}}]}}"#)[..]] {
        let (head, said) = ask(&mut wire, "POST /publish", body);
        assert!(head.starts_with("HTTP/1.1 400 "), "{head}");
        assert!(said.ends_with('\n') && said.lines().count() == 1, "{said}");
    }
    assert!(client.is_silent(Duration::from_millis(200)));
}

#[test]
fn ctrl_9_json_for_those_who_accept_it() {
    let proxy = proxy("* test");
    let mut wire = Wire::connect(proxy.publish_addr().unwrap());
    let json = "Accept: application/json\r\n";
    wire.send(format!(
        "POST /publish HTTP/1.1\r\nHost: p\r\n{json}Content-Length: 12\r\n\r\n{{\"items\":[]}}"
    ));
    let (head, body) = wire.response();
    assert_eq!(field(&head, "content-type"), Some("application/json"));
    assert_eq!(body, "{\"message\":\"Published\"}\n");
    wire.send(format!("POST /publish HTTP/1.1\r\nHost: p\r\n{json}Content-Length: 1\r\n\r\nx"));
    let (head, body) = wire.response();
    assert!(head.starts_with("HTTP/1.1 400 "), "{head}");
    assert!(body.starts_with("{\"error\":\""), "{body}");
    wire.send("GET / HTTP/1.1\r\nHost: p\r\nAccept: image/png\r\n\r\n");
    assert!(wire.response().0.starts_with("HTTP/1.1 406 "));
}

#[test]
fn ctrl_12_bodies_may_be_chunked_and_not_too_large() {
    let proxy = proxy("* test");
    let mut wire = Wire::connect(proxy.publish_addr().unwrap());
    wire.send(
        "POST /publish HTTP/1.1\r\nHost: p\r\nTransfer-Encoding: chunked\r\n\r\n\
         c\r\n{\"items\":[]}\r\n0\r\n\r\n",
    );
    assert_eq!(wire.response().1, "Published\n");
    wire.send("POST /publish HTTP/1.1\r\nHost: p\r\nContent-Length: 5000000\r\n\r\n");
    let (head, _) = wire.response();
    assert!(head.starts_with("HTTP/1.1 413 "), "{head}");
    assert_eq!(field(&head, "connection"), Some("close"));
}

#[test]
fn ctrl_14_a_full_house_is_said_to_be_full() {
    let proxy = proxy("* test");
    let mut house: Vec<_> =
        (0..256).map(|_| Wire::connect(proxy.publish_addr().unwrap())).collect();
    let mut late = Wire::connect(proxy.publish_addr().unwrap());
    let (head, _) = late.response();
    assert!(head.starts_with("HTTP/1.1 503 "), "{head}");
    assert_eq!(ask(&mut house[0], "POST /publish", r#"{"items": []}"#).1, "Published\n");
}

#[test]
fn ctrl_5_json_errors_name_the_item() {
    let proxy = proxy("* test");
    let mut wire = Wire::connect(proxy.publish_addr().unwrap());
    let good = r#"{"channel": "c", "http-stream": {"content": "x"}}"#;
    let body = format!(r#"{{"items": [{good}, {{}}]}}"#);
    let request = "POST /publish HTTP/1.1\r\nHost: p\r\nAccept: application/json";
    wire.send(format!("{request}\r\nContent-Length: {}\r\n\r\n{body}", body.len()));
    assert_eq!(wire.response().1, "{\"error\":\"items[1]: channel: missing\",\"item\":1}\n");
}

#[test]
fn ctrl_6_with_a_key_publishers_need_a_token() {
    let key = Key::parse("secret").unwrap();
    let proxy = proxy_with("* test", |settings| settings.publish_key = key.clone());
    let mut wire = Wire::connect(proxy.publish_addr().unwrap());
    let mut status = |path: &str, field: &str| {
        let rest = "Host: p\r\nContent-Length: 12\r\n\r\n{\"items\":[]}";
        wire.send(format!("POST {path} HTTP/1.1\r\n{field}{rest}"));
        wire.response().0[9..12].to_owned()
    };
    let bearer = |key: &str, exp: u64| {
        let key = Key::parse(key).unwrap().unwrap();
        format!("Authorization: Bearer {}\r\n", sign(&key, "me", UnixTime(exp)))
    };
    const LATE: u64 = 9_000_000_000;
    assert_eq!(status("/publish", ""), "401");
    assert_eq!(status("/publish", &bearer("other", LATE)), "401");
    assert_eq!(status("/publish", &bearer("secret", 1)), "401");
    assert_eq!(status("/publish", "Authorization: Basic x\r\n"), "401");
    assert_eq!(status("/recover", ""), "401");
    assert_eq!(status("/", ""), "200");
    assert_eq!(status("/publish", &bearer("secret", LATE)), "200");
    assert_eq!(status("/recover", &bearer("secret", LATE)), "200");
}

#[test]
fn ctrl_10_pipelined_requests_are_answered_in_order() {
    let proxy = proxy("* test");
    let mut wire = Wire::connect(proxy.publish_addr().unwrap());
    let publish = "POST /publish HTTP/1.1\r\nHost: p\r\nContent-Length: 12\r\n\r\n{\"items\":[]}";
    let recover = "POST /recover HTTP/1.1\r\nHost: p\r\nContent-Length: 0\r\n\r\n";
    wire.send([publish, recover, publish, "GET / HTTP/1.0\r\n\r\n"].concat());
    for expected in ["Published\n", "Updated\n", "Published\n", "Holdfast publish API\n"] {
        assert_eq!(wire.response().1, expected);
    }
    assert_eq!(wire.rest(), "", "HTTP/1.0 ends");
}

#[test]
fn ctrl_12_what_is_wrong_with_a_request() {
    let proxy = proxy("* test");
    let long = format!("GET / HTTP/1.1\r\nHost: p\r\nA: {}", "x".repeat(10_000));
    for (request, status) in [
        ("POST /publish HTTP/1.1\r\nHost: p\r\n\r\n", "411"),
        ("POST /publish HTTP/1.1\r\nHost: p\r\nContent-Length: x\r\n\r\n", "400"),
        ("hello\r\n\r\n", "400"),
        (&long, "400"),
        ("POST /publish HTTP/1.1\r\nHost: p\r\nTransfer-Encoding: chunked\r\n\r\nz\r\n", "400"),
        (
            "GET /publish HTTP/1.1\r\nHost: p\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n",
            "405",
        ),
    ] {
        let mut wire = Wire::connect(proxy.publish_addr().unwrap());
        wire.send(request);
        let (head, _) = wire.response();
        assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{request}: {head}");
        assert_eq!(field(&head, "connection"), Some("close"), "{request}");
        assert_eq!(wire.rest(), "", "{request}");
    }
}

#[test]
fn ctrl_12_lines_may_end_in_a_bare_lf_wherever_the_pieces_end() {
    let proxy = proxy("* test");
    let request = "POST /publish HTTP/1.1\nHost: p\nContent-Length: 14\n\n{\n\"items\":[]\n}";
    for pieces in [1, request.len()] {
        let mut wire = Wire::connect(proxy.publish_addr().unwrap());
        for piece in request.as_bytes().chunks(request.len() / pieces) {
            wire.send(piece);
        }
        assert_eq!(wire.response().1, "Published\n");
        wire.send("GET / HTTP/1.1\nHost: p\n\n");
        assert_eq!(wire.response().1, "Holdfast publish API\n");
    }
}

#[test]
fn ctrl_12_continue_is_said_before_the_body() {
    let proxy = proxy("* test");
    let mut wire = Wire::connect(proxy.publish_addr().unwrap());
    wire.send(
        "POST /publish HTTP/1.1\r\nHost: p\r\nExpect: 100-continue\r\nContent-Length: 12\r\n\r\n",
    );
    assert_eq!(wire.head(), "HTTP/1.1 100 Continue\r\n\r\n");
    wire.send("{\"items\":[]}");
    assert_eq!(wire.response().1, "Published\n");
}

#[test]
fn ctrl_13_head_has_no_body() {
    let proxy = proxy("* test");
    let mut wire = Wire::connect(proxy.publish_addr().unwrap());
    wire.send("HEAD / HTTP/1.1\r\nHost: p\r\n\r\n");
    assert_eq!(field(&wire.head(), "content-length"), Some("21"));
    assert_eq!(ask(&mut wire, "GET /", "").1, "Holdfast publish API\n");
}

#[test]
fn ctrl_16_a_receipt_says_what_was_dropped() {
    let proxy = proxy_with("* test", |settings| {
        let limits = &mut settings.core.limits;
        *limits = Limits { id_ttl: Span::from_secs(60), ..limits.clone() };
    });
    let mut stream = client(&proxy);
    stream.send("GET /stream?channel=c HTTP/1.1\r\nHost: h\r\n\r\n");
    stream.until("[stream opened]\n\r\n");
    let mut wire = Wire::connect(proxy.publish_addr().unwrap());
    let item = r#"{"channel": "c", "id": "1", "http-stream": {"content": "x\n"}}"#;
    let body = format!(r#"{{"items": [{item}]}}"#);
    // The hub has heard of the subscriber before the stream began; what it delivers it remembers.
    ask(&mut wire, "POST /publish", &body);
    stream.until("x\n");
    let answer = ask(&mut wire, "POST /publish/?receipt=1", &body);
    assert_eq!(field(&answer.0, "content-type"), Some("application/json"));
    let expected = "{\"message\":\"Published\",\"items\":[{\"dropped\":\"item_duplicate\"}]}\n";
    assert_eq!(answer.1, expected);
    let none = ask(&mut wire, "POST /publish?receipt=1", r#"{"items": []}"#).1;
    assert_eq!(none, "{\"message\":\"Published\",\"items\":[]}\n");
    let many = format!(r#"{{"items": [{}]}}"#, vec![item; 1001].join(","));
    assert!(ask(&mut wire, "POST /publish?receipt=1", &many).0.starts_with("HTTP/1.1 400 "));
}

#[test]
fn ctrl_16_a_receipt_counts_the_holds_of_all_shards_and_says_what_waits() {
    let proxy = proxy_with("* test", |settings| settings.workers = 2);
    let mut clients: Vec<_> = (0..8).map(|_| client(&proxy)).collect();
    for client in &mut clients {
        client.send("GET /stream?channel=c HTTP/1.1\r\nHost: h\r\n\r\n");
        client.until("[stream opened]\n\r\n");
    }
    let mut wire = Wire::connect(proxy.publish_addr().unwrap());
    let item = |channel: &str, id: &str, prev_id: &str| {
        let format = r#""http-stream": {"content": "x\n"}"#;
        format!(r#"{{"channel": "{channel}", "id": "{id}", "prev-id": "{prev_id}", {format}}}"#)
    };
    let mut fates = |items: &[String]| {
        let body = format!(r#"{{"items": [{}]}}"#, items.join(","));
        let said = ask(&mut wire, "POST /publish/?receipt=1", &body).1;
        said.trim_end().replacen(r#"{"message":"Published","items":"#, "", 1)
    };
    let reached = fates(&[item("c", "1", "0"), item("nobody", "1", "0")]);
    assert_eq!(reached, r#"[{"reached":8},{"reached":0}]}"#);
    assert_eq!(fates(&[item("c", "3", "2")]), r#"[{"waiting":true}]}"#);
    assert_eq!(fates(&[item("c", "2", "1")]), r#"[{"reached":8}]}"#);
    for client in &mut clients {
        client.until("x\n\r\n2\r\nx\n\r\n2\r\nx\n\r\n");
    }
}
