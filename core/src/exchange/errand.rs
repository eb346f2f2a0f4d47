//! A request that the proxy makes of its own: a retry of what a client asked, a page, a farewell, a filter's
//! question (REC-1, NEXT-4, NEXT-5, GONE-1, FILT-12).

use core::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;

use super::test_origin;
use crate::forward::{Policy, RequestUrl, Rewrite, rewrite_request};
use crate::ground::UnixTime;
use crate::message::{Fields, RequestHead, Response};
use crate::route::{Connect, Route, Target};
use crate::wsoh::request_head;

/// A request with the targets it may go to.
#[derive(Debug)]
pub struct Errand {
    head: RequestHead,
    url: RequestUrl,
    route: Arc<Route>,
    peer: Option<IpAddr>,
    /// Whether the route's key may sign it: only for the route's own targets (NEXT-5).
    signed: bool,
    /// Whether the client is a trusted proxy, whose fields go on as they are (SIG-20).
    trusted: bool,
    adds: Adds,
    target: usize,
    /// Whether only this target is asked.
    fixed: bool,
}

/// What goes out with an errand beside what every request says.
#[derive(Debug)]
enum Adds {
    /// These fields.
    Fields(Fields),
    /// What makes a request to a WebSocket-over-HTTP backend of the client's upgrade (WOH-1, WOH-2).
    Events(Fields),
}

impl Errand {
    /// A request for `url` to the targets of `route`. What the proxy says in every request is added to the
    /// fields of `head`, and `adds` to that.
    pub(super) fn to_route(
        head: RequestHead,
        url: RequestUrl,
        route: Arc<Route>,
        peer: Option<IpAddr>,
        adds: Fields,
    ) -> Self {
        let adds = Adds::Fields(adds);
        Self { head, url, route, peer, signed: true, trusted: false, adds, target: 0, fixed: false }
    }

    /// A request with events to the backend of a WebSocket, which is asked for by `head`; `offer` is what the
    /// session says (WOH-1).
    pub(super) fn with_events(
        (head, url): (RequestHead, RequestUrl),
        route: Arc<Route>,
        (peer, trusted): (Option<IpAddr>, bool),
        offer: Fields,
        target: usize,
        fixed: bool,
    ) -> Self {
        let adds = Adds::Events(offer);
        Self { head, url, route, peer, signed: true, trusted, adds, target, fixed }
    }

    /// A request for `url` to wherever it leads.
    pub(super) fn to_network(head: RequestHead, url: RequestUrl, adds: Fields) -> Self {
        let connect = Connect::Tcp { host: url.host().to_owned(), port: url.port() };
        let targets = vec![Arc::new(Target::from(connect))];
        let route = Arc::new(Route { targets, ..Route::default() });
        let adds = Adds::Fields(adds);
        let (peer, signed) = (None, false);
        Self { head, url, route, peer, signed, trusted: false, adds, target: 0, fixed: true }
    }

    /// The request as the current target gets it.
    pub fn head(&self, policy: &Policy, wall: UnixTime) -> RequestHead {
        let by = Rewrite {
            policy,
            route: &self.route,
            target: self.target(),
            url: &self.url,
            peer: self.peer,
            trusted: self.trusted,
            signed: self.signed,
            wall,
        };
        let mut head = rewrite_request(&self.head, by);
        match &self.adds {
            Adds::Events(offer) => return request_head(head, offer),
            Adds::Fields(fields) => {
                for field in fields {
                    head.fields.push(field.name.clone(), field.value.clone());
                }
            }
        }
        head
    }

    /// The current target. A route without targets does not load.
    pub fn target(&self) -> &Arc<Target> {
        &self.route.targets[self.target]
    }

    /// Which of the route's targets that is.
    pub fn target_number(&self) -> usize {
        self.target
    }

    /// Goes on to the next target; false if there is none.
    pub fn next_target(&mut self) -> bool {
        let more = !self.fixed && self.target + 1 < self.route.targets.len();
        self.target += usize::from(more);
        more
    }

    /// The answer of the built-in test origin, if that is the current target.
    pub fn test_answer(&self, policy: &Policy, wall: UnixTime) -> Option<Response> {
        let request = || self.head(policy, wall);
        test_origin::ask((&self.route, self.target()), request, test_origin::answer)
    }
}

/// The positions of a session as fields.
pub(super) fn lasts<'a>(lasts: impl IntoIterator<Item = crate::grip::Last<'a>>) -> Fields {
    let values = lasts.into_iter().filter_map(|last| last.write());
    values.map(|value| ("Grip-Last", Bytes::from(value))).collect()
}
