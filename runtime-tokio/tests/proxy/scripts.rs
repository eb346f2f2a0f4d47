//! Requests by script tags, and answers that are scripts.

use std::net::SocketAddr;

use crate::wire::{Wire, client, field, next, origin_by_hand, proxy};

/// Asks as a script tag does.
fn ask(client: &mut Wire, target: &str) {
    client.send(format!("GET {target} HTTP/1.1\r\nHost: h\r\n\r\n"));
}

fn routes(origin: SocketAddr) -> String {
    format!("*,aco,jsonp_mode=basic {origin}")
}

#[test]
fn cors_21_cors_23_a_script_tag_sends_a_body_and_gets_a_script_over_connections_that_stay() {
    let (origin, wires) = origin_by_hand();
    let proxy = proxy(&routes(origin));
    let mut client = client(&proxy);
    let mut wire = None;
    for number in ["1", "2"] {
        ask(&mut client, &format!("/?callback=cb&_method=PUT&_body=hi{number}"));
        let wire = wire.get_or_insert_with(|| next(&wires));
        let head = wire.head();
        assert!(head.starts_with("PUT / HTTP/1.1\r\n"), "{head}");
        assert_eq!(field(&head, "content-length"), Some("3"));
        assert_eq!(wire.exactly(3), format!("hi{number}"));
        wire.send("HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n{\"a\r\n");
        let head = client.head();
        assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
        assert_eq!(field(&head, "content-type"), Some("application/javascript"));
        assert!(client.until("{\"a\r\n").contains("/**/cb("));
        wire.send("4\r\n\":1}\r\n0\r\n\r\n");
        let rest = client.until("0\r\n\r\n");
        assert!(rest.contains("\":1}") && rest.contains(");\n"), "{rest:?}");
    }
}

#[test]
fn cors_23_an_answer_without_a_body_is_a_script_too() {
    let (origin, wires) = origin_by_hand();
    let proxy = proxy(&routes(origin));
    let mut client = client(&proxy);
    ask(&mut client, "/?callback=cb&_method=HEAD");
    let mut wire = next(&wires);
    assert!(wire.head().starts_with("HEAD / HTTP/1.1\r\n"));
    wire.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
    client.head();
    let script = client.until("0\r\n\r\n");
    assert!(script.contains("/**/cb(") && script.contains(");\n"), "{script:?}");
}
