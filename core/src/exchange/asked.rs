//! A request on its way through the targets of its route, and the judgement of the answer.

use core::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::{Method, StatusCode};
use thiserror::Error;

use super::test_origin;
use crate::forward::{
    Policy, RequestUrl, Rewrite, UrlError, clean_response, is_trusted, loops, proxy_error,
    rewrite_request,
};
use crate::grip::{
    Hold as HoldMode, Instruct, InstructError, KeepAlive, is_instruct, is_json, parse_head,
    parse_whole,
};
use crate::ground::{Count, Limits, UnixTime};
use crate::message::{BodySize, RequestHead, Response, ResponseHead};
use crate::route::{Connect, Lookup, Proto, Route, Table, Target};

/// A request with the route it took. The route stays, whatever is reconfigured meanwhile (ROUTE-54).
#[derive(Debug)]
pub struct Asked {
    head: RequestHead,
    body: BodySize,
    peer: Option<IpAddr>,
    url: RequestUrl,
    route: Arc<Route>,
    trusted: bool,
    debug: bool,
    target: usize,
}

/// Why a request gets an answer of the proxy's own.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum Refusal {
    /// The target or `Host` is unusable.
    #[error("{0}")]
    Url(UrlError),
    /// The request has passed through here before (FWD-38).
    #[error("Request loop detected.")]
    Loop,
    /// No route matches (FWD-2).
    #[error("Route not found")]
    NoRoute,
    /// Every target failed before it got the request (FWD-91).
    #[error("Unable to connect to any targets. Tried: {0}")]
    Unreachable(String),
    /// The target's addresses are all denied to it (ROUTE-43).
    #[error("Error: Origin host/IP blocked.")]
    Denied,
    /// The origin closed, reset, or sent what cannot be parsed.
    #[error("Error while proxying to origin.")]
    Broken,
    /// The origin was silent for too long.
    #[error("Error while proxying to origin: no answer in time.")]
    Timeout,
    /// The instruct is larger than what is read of one (ACT-5).
    #[error("GRIP instruct response too large from {0}")]
    TooLarge(String),
    /// In debug mode: more channels than one hold may have (CHAN-6).
    #[error(
        "Failed to parse accept instructions: more than {limit} channels, the first too many: {name}"
    )]
    TooManyChannels {
        /// The limit.
        limit: usize,
        /// The first channel beyond it.
        name: String,
    },
    /// The instruct is invalid (ERR-1).
    #[error("Failed to parse accept instructions: {0}")]
    Invalid(InstructError),
}

/// What is to be done with an origin's answer.
#[derive(Debug)]
pub enum Verdict {
    /// Not ours: pass it through.
    Relay(ResponseHead),
    /// Instructions; the whole body is needed to know more.
    Collect(ResponseHead),
    /// A stream that can begin with what the head says.
    Open {
        /// What the head says.
        instruct: Box<Instruct>,
        /// The stream's keep-alive.
        keep_alive: Option<KeepAlive>,
    },
    /// Not usable.
    Refuse(Refusal),
}

impl Asked {
    /// Finds the route of a request.
    pub fn new(
        head: RequestHead,
        body: BodySize,
        (peer, secure): (Option<IpAddr>, bool),
        (routes, policy, wall): (&Table, &Policy, UnixTime),
    ) -> Result<Self, Refusal> {
        let secure = secure || policy.declares_tls(&head);
        let url = RequestUrl::of(&head, secure).map_err(Refusal::Url)?;
        if loops(&head, policy) {
            return Err(Refusal::Loop);
        }
        let route = find(&head, &url, routes, policy).ok_or(Refusal::NoRoute)?.clone();
        let trusted = is_trusted(&head, policy, wall);
        let debug = policy.debug || route.debug;
        Ok(Self { head, body, peer, url, route, trusted, debug, target: 0 })
    }

    /// The request as the current target gets it.
    pub fn forwarded(&self, policy: &Policy, wall: UnixTime) -> RequestHead {
        let by = Rewrite {
            policy,
            route: &self.route,
            target: self.target(),
            url: &self.url,
            peer: self.peer,
            trusted: self.trusted,
            wall,
        };
        rewrite_request(&self.head, by)
    }

    /// Whether a body goes with the request.
    pub fn has_body(&self) -> bool {
        !matches!(self.body, BodySize::Empty | BodySize::Known(0))
    }

    /// The current target. A route without targets does not load.
    pub fn target(&self) -> &Arc<Target> {
        &self.route.targets[self.target]
    }

    /// The route.
    pub fn route(&self) -> &Route {
        &self.route
    }

    /// Whether clients of this route see details.
    pub fn debug(&self) -> bool {
        self.debug
    }

    /// Goes on to the next target; false if there is none (ROUTE-45, ROUTE-47).
    pub fn next_target(&mut self) -> bool {
        let more = self.target + 1 < self.route.targets.len();
        self.target += usize::from(more);
        more
    }

    /// No target could be reached.
    pub fn unreachable(&self) -> Refusal {
        let tried: Vec<_> = self.route.targets.iter().map(|target| target.to_string()).collect();
        Refusal::Unreachable(tried.join(", "))
    }

    /// The answer of the built-in test origin, if that is the current target (ROUTE-70).
    pub fn test_answer(&self, policy: &Policy, wall: UnixTime) -> Option<Response> {
        (self.target().connect == Connect::Test).then(|| {
            let request = self.forwarded(policy, wall);
            test_origin::answer(&request.target, self.route.path_beg.as_bytes())
        })
    }

    /// What the head of an answer asks for.
    pub fn judge(&self, mut head: ResponseHead, limits: &Limits) -> Verdict {
        if self.trusted || self.route.no_grip || !is_instruct(&head) {
            clean_response(&mut head);
            return Verdict::Relay(head);
        }
        if is_json(&head) {
            return Verdict::Collect(head);
        }
        let mut instruct = match parse_head(&head, limits) {
            Ok(instruct) => instruct,
            Err(error) => return Verdict::Refuse(Refusal::Invalid(error)),
        };
        if let Err(refusal) = self.check_channels(&instruct, limits) {
            return Verdict::Refuse(refusal);
        }
        match instruct.hold.take() {
            Some(HoldMode::Stream { keep_alive }) if self.can_have_body(&instruct) => {
                Verdict::Open { instruct: Box::new(instruct), keep_alive }
            }
            _ => Verdict::Collect(head),
        }
    }

    /// The instructions of a complete answer.
    pub fn read(
        &self,
        head: &ResponseHead,
        body: Bytes,
        limits: &Limits,
    ) -> Result<Instruct, Refusal> {
        if body.len() > limits.instruct_bytes {
            return Err(Refusal::TooLarge(self.target().to_string()));
        }
        let instruct = parse_whole(head, body, limits).map_err(Refusal::Invalid)?;
        self.check_channels(&instruct, limits)?;
        Ok(instruct)
    }

    /// Where clients see details, a hold that would lack channels is refused (CHAN-6).
    fn check_channels(&self, instruct: &Instruct, limits: &Limits) -> Result<(), Refusal> {
        let limit = limits.channels_per_hold;
        match instruct.channels.get(limit).filter(|_| self.debug && instruct.hold.is_some()) {
            Some(first) => Err(Refusal::TooManyChannels { limit, name: first.name.clone() }),
            None => Ok(()),
        }
    }

    /// Whether a body may follow the head that the client gets (STRM-10).
    pub fn can_have_body(&self, instruct: &Instruct) -> bool {
        self.head.method != Method::HEAD && !instruct.response.head.is_bodiless()
    }
}

fn find<'a>(
    head: &RequestHead,
    url: &RequestUrl,
    routes: &'a Table,
    policy: &Policy,
) -> Option<&'a Arc<Route>> {
    if policy.accept_pushpin_route
        && let Some(id) = head.fields.first("Pushpin-Route").filter(|id| !id.is_empty())
    {
        let route = routes.by_id(core::str::from_utf8(id).ok()?)?;
        return url.path().starts_with(route.path_beg.as_bytes()).then_some(route);
    }
    let proto = Proto::Http;
    routes.find(Lookup { host: &url.host, path: url.path(), proto, secure: url.secure })
}

impl Refusal {
    /// The answer: the text of the case if it is no secret or `debug` is on, else the general one
    /// (FWD-90, FWD-91, ERR-1).
    pub fn response(&self, debug: bool) -> Response {
        match self {
            Self::Url(error) => Response::text(error.status(), &self.to_string()),
            Self::Loop => Response::text(StatusCode::LOOP_DETECTED, &self.to_string()),
            Self::NoRoute => Response::text(StatusCode::BAD_GATEWAY, &self.to_string()),
            Self::Timeout => Response::text(StatusCode::BAD_GATEWAY, &self.to_string()),
            _ => {
                let detail = debug.then(|| self.to_string());
                proxy_error(StatusCode::BAD_GATEWAY, detail.as_deref())
            }
        }
    }

    /// What is counted.
    pub fn count(&self) -> Count {
        match self {
            Self::Url(_) | Self::Loop => Count::BadRequests,
            Self::NoRoute => Count::NoRoute,
            Self::Unreachable(_) => Count::TargetsExhausted,
            Self::Denied => Count::TargetDenied,
            Self::Broken => Count::OriginBroken,
            Self::Timeout => Count::OriginTimeout,
            Self::TooLarge(_) => Count::InstructTooLarge,
            Self::Invalid(_) => Count::InstructInvalid,
            Self::TooManyChannels { .. } => Count::ChannelLimit,
        }
    }
}
