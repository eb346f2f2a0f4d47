//! The API for publishers.

use crate::wire::{Wire, field, proxy};

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
    let mut client = crate::wire::client(&proxy);
    client.send("GET /stream?channel=c HTTP/1.1\r\nHost: h\r\n\r\n");
    client.until("[stream opened]\n\r\n");
    let mut wire = Wire::connect(proxy.publish_addr().unwrap());
    let good = r#"{"channel": "c", "http-stream": {"content": "x"}}"#;
    for body in ["no JSON", "[]", "{}", &format!(r#"{{"items": [{good}, {{}}]}}"#)[..]] {
        let (head, said) = ask(&mut wire, "POST /publish", body);
        assert!(head.starts_with("HTTP/1.1 400 "), "{head}");
        assert!(said.ends_with('\n') && said.lines().count() == 1, "{said}");
    }
    assert!(client.is_silent(std::time::Duration::from_millis(200)));
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
