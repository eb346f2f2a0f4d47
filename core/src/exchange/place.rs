//! Where the links of a session lead (NEXT-3, NEXT-5, GONE-1).

use std::sync::Arc;

use bytes::Bytes;
use http::Method;
use thiserror::Error;

use super::errand::{Errand, lasts};
use crate::forward::{Policy, RequestUrl};
use crate::grip::Last;
use crate::message::{Fields, RequestHead, Version};
use crate::route::{Route, Target};

/// What the client of a session asked for, as far as links depend on it.
#[derive(Clone, Debug)]
pub struct Place {
    /// The URL.
    pub url: RequestUrl,
    /// The route.
    pub route: Arc<Route>,
    /// The target that answered; what it subscribes stays subscribed (CHAN-8).
    pub target: Arc<Target>,
    /// Whether clients of this route see details.
    pub debug: bool,
}

/// A link cannot be followed.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum LinkError {
    /// The operator does not let links lead there (NEXT-5).
    #[error("links must not lead to {0}")]
    Forbidden(String),
    /// It asks for TLS, which is not spoken to origins yet.
    #[error("https is not available for links beyond the route")]
    Tls,
}

impl Place {
    /// The request for a page of this session.
    pub fn page<'a>(
        &self,
        url: &RequestUrl,
        positions: impl IntoIterator<Item = Last<'a>>,
        policy: &Policy,
    ) -> Result<Errand, LinkError> {
        self.errand(bare(Method::GET, url), url, positions, policy)
    }

    /// The request that says that this session is over.
    pub fn farewell(&self, url: &RequestUrl, policy: &Policy) -> Result<Errand, LinkError> {
        self.errand(bare(Method::POST, url), url, [], policy)
    }

    /// A request to wherever `url` leads: to the targets of the session's route if it is of the same origin
    /// and the route is for its path, else into the network, without the route's signature.
    pub fn errand<'a>(
        &self,
        head: RequestHead,
        url: &RequestUrl,
        positions: impl IntoIterator<Item = Last<'a>>,
        policy: &Policy,
    ) -> Result<Errand, LinkError> {
        let adds = lasts(positions);
        let path_beg = self.route.path_beg.as_bytes();
        if url.is_same_origin(&self.url) && url.path().starts_with(path_beg) {
            return Ok(Errand::to_route(head, url.clone(), self.route.clone(), None, adds));
        }
        if !policy.link_hosts.allow(url.host()) {
            return Err(LinkError::Forbidden(url.authority.to_string()));
        }
        if url.secure {
            return Err(LinkError::Tls);
        }
        Ok(Errand::to_network(head, url.clone(), adds))
    }
}

fn bare(method: Method, url: &RequestUrl) -> RequestHead {
    let fields = Fields::from_iter([("Host", Bytes::copy_from_slice(url.authority.as_bytes()))]);
    RequestHead { method, target: url.path_and_query.clone(), version: Version::Http11, fields }
}
