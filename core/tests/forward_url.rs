//! Which URL a request is for, and which requests are refused (FWD-10 to FWD-15).

use bytes::Bytes;
use holdfast_core::forward::{RequestUrl, UrlError};
use holdfast_core::message::{RequestHead, Version};
use http::{Method, StatusCode};

fn head(method: &str, target: &str, hosts: &[&str]) -> RequestHead {
    RequestHead {
        method: Method::from_bytes(method.as_bytes()).expect("a method"),
        target: Bytes::copy_from_slice(target.as_bytes()),
        version: Version::Http11,
        fields: hosts.iter().map(|host| ("host", host.to_string())).collect(),
    }
}

fn url(method: &str, target: &str, host: &str) -> Result<RequestUrl, UrlError> {
    RequestUrl::of(&head(method, target, &[host]), false)
}

fn assert_url(url: &RequestUrl, host: &str, authority: &str, path_and_query: &str) {
    assert_eq!((url.host(), &*url.authority), (host, authority));
    assert_eq!(url.path_and_query, path_and_query);
}

fn assert_refused(target: &str, error: UrlError) {
    assert_eq!(url("GET", target, "a.com"), Err(error), "{target}");
    assert_eq!(error.status(), StatusCode::BAD_REQUEST);
}

#[test]
fn fwd_10_a_path_with_the_host_field() {
    let url = url("GET", "/a/b?c=/d?e", "A.Example:8080").expect("a url");
    assert_url(&url, "a.example", "a.example:8080", "/a/b?c=/d?e");
    assert_eq!(url.path(), b"/a/b");
    assert!(!url.secure);
}

#[test]
fn fwd_15_the_port_of_the_scheme_is_left_out() {
    let authority =
        |host, secure| RequestUrl::of(&head("GET", "/", &[host]), secure).expect("a url").authority;
    assert_eq!(&*authority("a:80", false), "a");
    assert_eq!(&*authority("a:80", true), "a:80");
    assert_eq!(&*authority("a:443", true), "a");
    assert_eq!(&*authority("a:443", false), "a:443");
    assert_eq!(&*authority("a:", false), "a");
    assert_eq!(&*authority("[::1]:80", false), "[::1]");
    assert_eq!(&*authority("[::80]", false), "[::80]");
}

#[test]
fn an_ipv6_host_loses_its_brackets_but_not_in_the_field() {
    assert_url(&url("GET", "/", "[::1]:81").expect("a url"), "::1", "[::1]:81", "/");
}

#[test]
fn fwd_11_the_authority_of_an_absolute_form_wins() {
    let of = |method, target| url(method, target, "ignored.com").expect(target);
    assert_url(&of("GET", "http://A.com:81/x?y"), "a.com", "a.com:81", "/x?y");
    assert_url(&of("GET", "HTTP://a.com"), "a.com", "a.com", "/");
    assert_url(&of("GET", "http://a.com?y=/"), "a.com", "a.com", "/?y=/");
    assert_url(&of("OPTIONS", "http://a.com"), "a.com", "a.com", "*");
    assert!(!of("GET", "https://a.com/").secure, "the client's word is no TLS");
}

#[test]
fn fwd_11_the_host_field_of_an_absolute_form_must_be_good_all_the_same() {
    assert_eq!(url("GET", "http://a.com/", "b/c"), Err(UrlError::BadHost));
    let without = RequestUrl::of(&head("GET", "http://a.com/", &[]), false);
    assert_eq!(without, Err(UrlError::NoHost));
}

#[test]
fn fwd_11_other_targets_are_refused() {
    for target in
        ["", "a.com", "a.com/x", "ftp://a.com/", "*", "http:/a.com/", "?x", "/a\u{7f}", "/a b"]
    {
        assert_refused(target, UrlError::BadTarget);
    }
    for target in ["http://", "http:///x", "http://u@a.com/", "http://a.com:x/", "http://a\\b/"] {
        assert_refused(target, UrlError::BadHost);
    }
}

#[test]
fn fwd_11_options_may_ask_about_the_server() {
    assert_url(&url("OPTIONS", "*", "a.com").expect("a url"), "a.com", "a.com", "*");
}

#[test]
fn fwd_11_connect_is_not_implemented() {
    let error = url("CONNECT", "a.com:443", "a.com").expect_err("refused");
    assert_eq!((error, error.status()), (UrlError::Connect, StatusCode::NOT_IMPLEMENTED));
}

#[test]
fn fwd_11_12_a_host_is_nothing_but_a_host() {
    for host in
        ["", "a/b", "a.com/", "a?b", "a#b", "u@a", "a b", "a,b", "a:b", "a:99999", "::1", "é"]
    {
        assert_eq!(url("GET", "/", host), Err(UrlError::BadHost), "{host}");
    }
}

#[test]
fn fwd_12_one_host_no_more_no_less() {
    let of = |hosts: &[&str]| RequestUrl::of(&head("GET", "/", hosts), false);
    assert_eq!(of(&[]), Err(UrlError::NoHost));
    assert_eq!(of(&["a", "a"]), Err(UrlError::ManyHosts));
}

#[test]
fn fwd_12_http_1_0_may_leave_the_host_out() {
    let mut head = head("GET", "/x", &[]);
    head.version = Version::Http10;
    let url = RequestUrl::of(&head, false).expect("a url");
    assert_url(&url, "localhost", "localhost", "/x");
    head.fields.push("Host", "");
    assert_eq!(RequestUrl::of(&head, false), Err(UrlError::BadHost));
}

#[test]
fn fwd_13_paths_are_not_touched() {
    for path in
        ["//a//b/", "/a/../b", "/./a/.", "/%7e%zz%2F", "/a\\b", "/...", "/a/..b/c..", "/..a"]
    {
        assert_eq!(url("GET", path, "a.com").expect(path).path_and_query, path);
    }
}

#[test]
fn fwd_13_paths_above_the_root_are_refused() {
    let paths = [
        "/..",
        "/../",
        "/a/../..",
        "/%2e%2e",
        "/.%2E/x",
        "/%2e./x",
        "/a/./../../b",
        "/a/b/../../../c/d/e",
        "/\\..",
        "/a\\..\\..\\b",
        "//../a",
        "/a//../../b",
        "/..?x",
        "http://a.com/../x",
    ];
    for path in paths {
        assert_refused(path, UrlError::AboveRoot);
    }
    assert!(url("GET", "/a?b=/../../..", "a.com").is_ok(), "a query is no path");
}

#[test]
fn fwd_14_fragments_are_refused() {
    for target in ["/a#b", "/#", "#", "http://a.com/#b", "/a?b#c"] {
        assert_refused(target, UrlError::Fragment);
    }
}

#[test]
fn next_3_links_resolve_against_the_page_they_stand_on() {
    let page = url("GET", "/a/b/page?x=1", "h.example:8000").expect("a url");
    let cases = [
        ("/feed?after=3", "/feed?after=3"),
        ("next", "/a/b/next"),
        ("../up?y", "/a/up?y"),
        ("./", "/a/b/"),
        ("..", "/a/"),
        ("../../../over", "/over"),
        ("?after=3", "/a/b/page?after=3"),
        ("", "/a/b/page?x=1"),
        ("n#part", "/a/b/n"),
        ("/caf\u{e9}?q=a;b,c", "/caf%C3%A9?q=a;b,c"),
    ];
    for (reference, expected) in cases {
        let url = page.resolve(reference).expect(reference);
        assert_url(&url, "h.example", "h.example:8000", expected);
        assert!(url.is_same_origin(&page));
    }
    let other = page.resolve("https://O.example:8443").expect("absolute");
    assert_url(&other, "o.example", "o.example:8443", "/");
    assert_eq!((other.secure, other.port()), (true, 8443));
    assert!(!other.is_same_origin(&page));
    let same_scheme = page.resolve("//o.example/x").expect("without scheme");
    assert_eq!((same_scheme.secure, same_scheme.port()), (false, 80));
    for bad in ["ftp://o/x", "mailto:a", "http:///x", "http://a b/", "/a\nb"] {
        assert!(page.resolve(bad).is_err(), "{bad}");
    }
}
