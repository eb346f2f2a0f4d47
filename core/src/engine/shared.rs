//! Pages that several streams ask for at once: one call for all of them, where the page is the same for all
//! (NEXT-12).

use std::sync::Arc;

use bytes::Bytes;

use super::calls::Owner;
use super::{Actions, Engine};
use crate::exchange::{Exchange, Guide, Next, Work};
use crate::ground::{CallId, ConnId};
use crate::message::ResponseHead;
use crate::route::Route;

/// Pages that may be one: asked for by the same URL and positions on the same route (NEXT-12).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct PageKey {
    url: (bool, Box<str>, Bytes),
    positions: Vec<String>,
    /// The route by its place in memory: only whether it is the same matters.
    route: usize,
    /// Whether it is on the origin that the client asked, and so may be for the route's own targets.
    at_home: bool,
}

impl Engine {
    /// Whether a recovery of this stream would join a call that is under way.
    pub(super) fn joins(&self, conn: ConnId) -> bool {
        let Some(Exchange::Streaming(stream)) = self.exchanges.get(conn) else { return false };
        let Some(guide) = &stream.guide else { return false };
        let next = guide.trail.next.as_ref();
        next.is_some_and(|next| self.calls.pages.contains_key(&PageKey::of(guide, next)))
    }

    pub(super) fn join_call(&mut self, conn: ConnId, failures: u32, key: &PageKey) -> bool {
        let Some(&call) = self.calls.pages.get(key) else { return false };
        let Some(known) = self.calls.get_mut(call) else { return false };
        let Owner::Page(_, readers) = &mut known.owner else { return false };
        readers.push(conn);
        let since = known.since;
        self.set_asked(conn, Some(call), failures);
        if let Some(guide) = self.guide(conn) {
            // The backend may have answered before there was what this session misses.
            guide.again = since < guide.wanted;
        }
        true
    }

    /// A stream wants nothing of a call any more.
    pub(super) fn leave_call(&mut self, conn: ConnId, call: CallId, out: &mut Actions) {
        let Some(known) = self.calls.get_mut(call) else { return };
        match &mut known.owner {
            Owner::Page(_, readers) if readers.len() > 1 => {
                readers.retain(|reader| *reader != conn)
            }
            _ => {
                self.drop_call(call, out);
            }
        }
    }

    pub(super) fn readers(&self, call: CallId) -> Vec<ConnId> {
        match self.calls.get(call).map(|known| &known.owner) {
            Some(Owner::Page(_, readers)) => readers.clone(),
            _ => Vec::new(),
        }
    }

    /// The page is for one: the first who asked keeps it, the others ask for themselves, and nobody joins.
    pub(super) fn scatter(&mut self, call: CallId, readers: &[ConnId]) {
        let Some(known) = self.calls.get_mut(call) else { return };
        if let Owner::Page(key, all) = &mut known.owner {
            all.truncate(1);
            let key = key.clone();
            self.calls.unlist(call, &key);
        }
        self.requeue(readers.get(1..).unwrap_or_default());
    }

    pub(super) fn requeue(&mut self, readers: &[ConnId]) {
        for &conn in readers {
            if let Some(guide) = self.guide(conn) {
                guide.work = Work::Queued { failures: 0 };
                self.queue_up(conn, true);
            }
        }
    }
}

impl PageKey {
    pub(super) fn of(guide: &Guide, next: &Next) -> Self {
        let mut positions: Vec<_> = guide.session.lasts().filter_map(|last| last.write()).collect();
        positions.sort_unstable();
        let url = (next.url.secure, next.url.authority.clone(), next.url.path_and_query.clone());
        let place = &guide.trail.place;
        let at_home = next.url.is_same_origin(&place.url);
        Self { url, positions, route: address(&place.route), at_home }
    }
}

/// Whether a page is the same for all who ask for it with the same URL and positions: its cache rules must
/// say so (RFC 9111 5.2.2).
pub(super) fn is_shareable(head: &ResponseHead) -> bool {
    let rules = |name: &str| head.fields.has_token("Cache-Control", name);
    let shared_age = head.fields.tokens("Cache-Control").any(|rule| {
        rule.to_ascii_lowercase().strip_prefix(b"s-maxage=").is_some_and(|age| age != b"0")
    });
    let private = ["private", "no-store", "no-cache"].iter().any(|rule| rules(rule));
    (rules("public") || shared_age) && !private && !head.fields.has("Set-Cookie")
}

fn address(route: &Arc<Route>) -> usize {
    Arc::as_ptr(route) as usize
}
