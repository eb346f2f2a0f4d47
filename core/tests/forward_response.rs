//! What clients see of an origin's answer, and of the proxy's own errors (FWD-61 to FWD-64, FWD-90, FWD-91).

use holdfast_core::forward::{clean_response, proxy_error};
use holdfast_core::message::{Fields, ResponseHead};
use http::StatusCode;

fn cleaned(fields: &[(&'static str, &'static str)]) -> Fields {
    let mut head = ResponseHead::new(StatusCode::OK);
    head.fields = fields.iter().copied().collect();
    clean_response(&mut head);
    head.fields
}

fn fields(fields: &[(&'static str, &'static str)]) -> Fields {
    fields.iter().copied().collect()
}

#[test]
fn fwd_61_63_hop_by_hop_fields_are_removed() {
    let hop = [
        ("connection", "close"),
        ("Keep-Alive", "timeout=5"),
        ("Proxy-Connection", "x"),
        ("TE", "x"),
        ("Trailer", "X-Sum"),
        ("TRANSFER-ENCODING", "chunked"),
        ("Upgrade", "h2c"),
        ("Proxy-Authenticate", "Basic"),
    ];
    for field in hop {
        assert_eq!(cleaned(&[field]), Fields::new(), "{field:?}");
    }
}

#[test]
fn fwd_63_so_are_those_that_connection_names() {
    let before = [
        ("X-Mine", "1"),
        ("Connection", "keep-alive, x-mine"),
        ("X-Yours", "2"),
        ("Connection", ",X-Other ,"),
        ("x-other", "3"),
        ("X-Mine", "4"),
    ];
    assert_eq!(cleaned(&before), fields(&[("X-Yours", "2")]));
}

#[test]
fn fwd_62_64_everything_else_passes_as_it_is() {
    let all = [
        ("Set-Cookie", "a"),
        ("content-encoding", "gzip"),
        ("Set-Cookie", "b"),
        ("Server", "s"),
        ("Set-Cookie", "a"),
        ("X-Raw", "\u{fffd}"),
    ];
    assert_eq!(cleaned(&all), fields(&all));
}

#[test]
fn fwd_90_91_the_proxys_own_errors() {
    let plain = proxy_error(StatusCode::BAD_GATEWAY, None);
    assert_eq!(plain.head.status, StatusCode::BAD_GATEWAY);
    assert_eq!(plain.head.fields.first("Content-Type").expect("a type"), "text/plain");
    assert_eq!(plain.body, "Error while proxying to origin.\n");
    let detailed = proxy_error(StatusCode::BAD_GATEWAY, Some("Unable to connect."));
    assert_eq!(detailed.body, "Unable to connect.\n");
}
