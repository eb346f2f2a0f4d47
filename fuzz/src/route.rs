//! The routes language.

use holdfast_core::route::{Lookup, Proto, Route, parse_routes};

/// A request line of sorts (`host path`), and below it a routes file. Every line is a route, an error or
/// neither, and what is found is what no other match is preferred to (ROUTE-24, ROUTE-27).
pub fn routes(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let (request, file) = text.split_once('\n').unwrap_or(("", &text));
    let loaded = parse_routes(file, &mut |path| match path {
        "bad" => Err("bad".to_owned()),
        path => Ok(path.to_owned()),
    });
    let lines = file.lines().count();
    assert!(loaded.table.len() + loaded.errors.len() <= lines);
    let mut numbers = loaded.errors.iter().map(|(number, _)| *number);
    assert!(numbers.all(|number| (1..=lines).contains(&number)));
    assert!(loaded.table.iter().all(|route| !route.targets.is_empty()));

    let (host, path) = request.split_once(' ').unwrap_or((request, "/"));
    for (proto, secure) in [(Proto::Http, false), (Proto::Http, true), (Proto::Ws, false)] {
        let lookup = Lookup { host, path: path.as_bytes(), proto, secure };
        let named = |route: &Route| route.host.as_deref() == Some(host);
        let is_named = loaded.table.iter().any(|route| named(route));
        let best = loaded
            .table
            .iter()
            .filter(|route| if is_named { named(route) } else { route.host.is_none() })
            .filter(|route| meets(route, lookup))
            .max_by_key(|route| rank(route));
        assert_eq!(loaded.table.find(lookup), best);
    }
}

fn meets(route: &Route, lookup: Lookup<'_>) -> bool {
    route.proto.is_none_or(|proto| proto == lookup.proto)
        && route.secure.is_none_or(|secure| secure == lookup.secure)
        && lookup.path.starts_with(route.path_beg.as_bytes())
}

fn rank(route: &Route) -> (bool, usize, bool) {
    (route.proto.is_some(), route.path_beg.len(), route.secure.is_some())
}
