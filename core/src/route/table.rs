//! How a request finds its route.

use core::cmp::{Ordering, Reverse};
use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Proto, Route, Warning};

/// All routes of a configuration.
#[derive(Clone, Debug, Default)]
pub struct Table {
    /// By host, `*` first; those of one host in the order of preference.
    routes: Vec<Arc<Route>>,
    /// Routes with an id; `None` where more than one has it.
    ids: BTreeMap<String, Option<Arc<Route>>>,
    /// Routes that only their id finds, if they have one.
    hidden: usize,
}

/// What a request is looked up by.
#[derive(Clone, Copy, Debug)]
pub struct Lookup<'a> {
    /// Host without port, lower case.
    pub host: &'a str,
    /// The encoded path without query.
    pub path: &'a [u8],
    /// HTTP or WebSocket.
    pub proto: Proto,
    /// Whether it came over TLS, or so it is declared.
    pub secure: bool,
}

impl Table {
    /// The route for a request (ROUTE-22 to ROUTE-28). Routes that name the host rule out all others, even if
    /// none of them matches (ROUTE-24).
    pub fn find(&self, lookup: Lookup<'_>) -> Option<&Arc<Route>> {
        let candidates = match self.of_host(Some(lookup.host)) {
            [] => self.of_host(None),
            named => named,
        };
        candidates.iter().find(|route| route.matches(lookup))
    }

    /// The route with this id; `None` if there is none or more than one (ROUTE-32).
    pub fn by_id(&self, id: &str) -> Option<&Arc<Route>> {
        self.ids.get(id)?.as_ref()
    }

    /// Adds a route and says what is odd about it: a route with the condition of an earlier one is dropped
    /// (ROUTE-29), an id that an earlier one has makes both unreachable by it (ROUTE-32).
    pub fn add(&mut self, mut route: Route) -> Option<Warning> {
        if let Some(host) = &mut route.host {
            host.make_ascii_lowercase();
        }
        let route = Arc::new(route);
        if route.host.as_deref() == Some("") {
            self.hidden += 1;
        } else {
            match self.routes.binary_search_by(|other| order(other, &route)) {
                Ok(_) => return Some(Warning::DuplicateCondition),
                Err(at) => self.routes.insert(at, route.clone()),
            }
        }
        self.add_id(route)
    }

    /// How many routes there are.
    pub fn len(&self) -> usize {
        self.routes.len() + self.hidden
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The routes that requests find by their host.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Route>> {
        self.routes.iter()
    }

    fn of_host(&self, host: Option<&str>) -> &[Arc<Route>] {
        let start = self.routes.partition_point(|route| route.host.as_deref() < host);
        let rest = &self.routes[start..];
        &rest[..rest.partition_point(|route| route.host.as_deref() == host)]
    }

    fn add_id(&mut self, route: Arc<Route>) -> Option<Warning> {
        let id = route.id.clone()?;
        if let Some(known) = self.ids.get_mut(&id) {
            *known = None;
            return Some(Warning::SharedId(id));
        }
        self.ids.insert(id, Some(route));
        None
    }
}

impl FromIterator<Route> for Table {
    /// Later routes with the condition of an earlier one are dropped.
    fn from_iter<I: IntoIterator<Item = Route>>(routes: I) -> Self {
        let mut table = Self::default();
        for route in routes {
            table.add(route);
        }
        table
    }
}

impl Route {
    /// Whether a request for this route's host meets the rest of its condition.
    fn matches(&self, lookup: Lookup<'_>) -> bool {
        self.proto.is_none_or(|proto| proto == lookup.proto)
            && self.secure.is_none_or(|secure| secure == lookup.secure)
            && lookup.path.starts_with(self.path_beg.as_bytes())
    }
}

/// By host, then by preference (ROUTE-27): with `proto` before without, longer path before shorter, with
/// `ssl` before without. Routes that are equal in all this and match the same request have the same
/// condition; the last part tells the others apart, so that only duplicates compare as equal.
fn order(a: &Route, b: &Route) -> Ordering {
    let preference = |route: &Route| {
        (route.proto.is_none(), Reverse(route.path_beg.len()), route.secure.is_none())
    };
    a.host
        .cmp(&b.host)
        .then_with(|| preference(a).cmp(&preference(b)))
        .then_with(|| (a.proto, &a.path_beg, a.secure).cmp(&(b.proto, &b.path_beg, b.secure)))
}
