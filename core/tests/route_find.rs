//! Which route a request takes (ROUTE-20 to ROUTE-32).

use holdfast_core::route::{Lookup, Proto, Route, Table, parse_routes};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::{Just, Strategy, prop_oneof, proptest};

fn table(text: &str) -> Table {
    let loaded = parse_routes(text, &mut |path| Err(path.to_owned()));
    assert_eq!(loaded.errors, []);
    loaded.table
}

/// The host of the first target of the route for a plain request over http.
fn found(table: &Table, host: &str, path: &str) -> Option<String> {
    full(table, host, path, Proto::Http, false)
}

fn full(table: &Table, host: &str, path: &str, proto: Proto, secure: bool) -> Option<String> {
    let route = table.find(Lookup { host, path: path.as_bytes(), proto, secure })?;
    Some(route.targets[0].to_string().split(':').next().expect("a name").to_owned())
}

fn assert_found(table: &Table, host: &str, path: &str, target: &str) {
    assert_eq!(found(table, host, path).as_deref(), Some(target), "{host}{path}");
}

#[test]
fn route_20_21_whole_names_only() {
    let table = table("a.com one:1\n*.com two:1\n");
    assert_found(&table, "a.com", "/", "one");
    assert_eq!(found(&table, "b.com", "/"), None);
    assert_eq!(found(&table, "x.a.com", "/"), None);
    assert_eq!(found(&table, "", "/"), None);
}

#[test]
fn route_23_a_condition_in_capitals_is_reachable() {
    assert_found(&table("Example.COM one:1"), "example.com", "/", "one");
}

#[test]
fn route_24_a_named_host_rules_out_the_star() {
    let table = table("a.com,path_beg=/x one:1\n* any:1\n");
    assert_found(&table, "a.com", "/x", "one");
    assert_found(&table, "b.com", "/y", "any");
    assert_eq!(found(&table, "a.com", "/y"), None);
}

#[test]
fn route_26_path_beg_is_a_prefix_of_bytes() {
    let table = table("*,path_beg=/api one:1");
    for path in ["/api", "/api/", "/apiary"] {
        assert_found(&table, "h", path, "one");
    }
    for path in ["/", "/ap", "/API", "/x/api", "/%61pi"] {
        assert_eq!(found(&table, "h", path), None, "{path}");
    }
}

#[test]
fn route_27_proto_before_path_before_ssl() {
    let table = table(
        "* plain:1\n*,path_beg=/a short:1\n*,path_beg=/a/b long:1\n*,ssl=no nossl:1\n\
                       *,ssl=yes ssl:1\n*,proto=ws ws:1\n*,proto=ws,path_beg=/w wsw:1\n",
    );
    let of = |path, proto, secure| full(&table, "h", path, proto, secure).expect("a route");
    assert_eq!(of("/a/b/c", Proto::Http, false), "long");
    assert_eq!(of("/a/c", Proto::Http, false), "short");
    assert_eq!(of("/", Proto::Http, false), "nossl");
    assert_eq!(of("/", Proto::Http, true), "ssl");
    assert_eq!(of("/a/b", Proto::Ws, true), "ws", "proto beats any path");
    assert_eq!(of("/w", Proto::Ws, false), "wsw");
}

#[test]
fn route_28_line_order_does_not_matter() {
    let lines = ["*,ssl=no nossl:1", "*,path_beg=/long long:1"];
    for text in [lines.join("\n"), [lines[1], lines[0]].join("\n")] {
        assert_found(&table(&text), "h", "/long", "long");
        assert_found(&table(&text), "h", "/", "nossl");
    }
}

#[test]
fn route_29_of_two_lines_with_one_condition_the_earlier_stays() {
    assert_found(&table("*,id=a one:1\n*,id=b two:1"), "h", "/", "one");
}

#[test]
fn route_31_a_route_without_host_is_found_by_its_id_only() {
    let table = table(",id=x one:1");
    assert_eq!(found(&table, "", "/"), None);
    assert_eq!(found(&table, "h", "/"), None);
    assert!(table.by_id("x").is_some());
}

proptest! {
    /// The table agrees with ROUTE-24 and ROUTE-27 taken literally.
    #[test]
    fn find_is_the_best_of_all_matches(
        routes in vec(some_route(), 0..12),
        host in some_host(),
        path in some_path(),
        proto in some_proto(),
        secure in proptest::bool::ANY,
    ) {
        let table: Table = routes.iter().cloned().collect();
        let lookup = Lookup { host: &host, path: path.as_bytes(), proto, secure };
        let found = table.find(lookup).map(|route| (**route).clone());
        assert_eq!(found, literally(&routes, lookup));
    }
}

fn literally(routes: &[Route], lookup: Lookup<'_>) -> Option<Route> {
    let named = |route: &Route| route.host.as_deref() == Some(lookup.host);
    let is_named = routes.iter().any(named);
    let candidates = routes.iter().filter(|route| {
        (if is_named { named(route) } else { route.host.is_none() })
            && route.proto.is_none_or(|proto| proto == lookup.proto)
            && route.secure.is_none_or(|secure| secure == lookup.secure)
            && lookup.path.starts_with(route.path_beg.as_bytes())
    });
    let rank =
        |route: &&Route| (route.proto.is_some(), route.path_beg.len(), route.secure.is_some());
    // `max_by_key` takes the last of equals, the earlier line must win.
    candidates.rev().max_by_key(rank).cloned()
}

fn some_host() -> impl Strategy<Value = String> {
    prop_oneof![Just("a"), Just("b"), Just("c")].prop_map(str::to_owned)
}

fn some_path() -> impl Strategy<Value = String> {
    prop_oneof![Just(""), Just("/"), Just("/a"), Just("/ab"), Just("/b")].prop_map(str::to_owned)
}

fn some_proto() -> impl Strategy<Value = Proto> {
    prop_oneof![Just(Proto::Http), Just(Proto::Ws)]
}

fn some_route() -> impl Strategy<Value = Route> {
    let condition = (
        option::of(some_host()),
        some_path(),
        option::of(some_proto()),
        option::of(proptest::bool::ANY),
        "[a-z]{4}",
    );
    condition.prop_map(|(host, path_beg, proto, secure, prefix)| Route {
        host,
        path_beg,
        proto,
        secure,
        prefix,
        ..Route::default()
    })
}
