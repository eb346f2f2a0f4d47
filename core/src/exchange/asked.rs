//! A request on its way through the targets of its route, and the judgement of the answer.

use core::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::Method;

use super::errand::{Errand, lasts};
use super::guise::{Guise, Wrapping};
use super::{Place, Refusal, Refused, test_origin};
use crate::forward::{
    JsonpAnswer, JsonpError, Policy, RequestUrl, Rewrite, clean_response, is_trusted, loops,
    rewrite_request,
};
use crate::grip::{
    Hold as HoldMode, Instruct, Last, is_instruct, is_json, parse_head, parse_whole,
};
use crate::ground::{Limits, UnixTime};
use crate::message::{BodySize, Fields, RequestHead, Response, ResponseHead};
use crate::route::{Lookup, Proto, Route, Table, Target};

/// A request with the route it took. The route stays, whatever is reconfigured meanwhile (ROUTE-54).
#[derive(Debug)]
pub struct Asked {
    head: RequestHead,
    peer: Option<IpAddr>,
    url: RequestUrl,
    route: Arc<Route>,
    has_body: bool,
    trusted: bool,
    debug: bool,
    /// The number of the current target.
    target: u32,
    /// How its answers look; none: as they are.
    guise: Option<Box<Guise>>,
}

/// What a request is looked at with.
#[derive(Clone, Copy, Debug)]
pub struct Within<'a> {
    /// Where requests go.
    pub routes: &'a Table,
    /// What kind of request it is.
    pub proto: Proto,
    /// How they are changed.
    pub policy: &'a Policy,
    /// Bounds.
    pub limits: &'a Limits,
    /// The wall-clock time.
    pub wall: UnixTime,
}

/// What is to be done with an origin's answer.
#[derive(Debug)]
pub enum Verdict {
    /// Not ours: pass it through.
    Relay(ResponseHead),
    /// Instructions; the whole body is needed to know more.
    Collect(ResponseHead),
    /// A response whose body stays open: it can begin with what the head says (ACT-6).
    Open(Box<Instruct>),
    /// Not usable.
    Refuse(Refusal),
}

impl Asked {
    /// Finds the route of a request, and the request that is meant.
    pub fn new(
        head: RequestHead,
        body: BodySize,
        (peer, secure): (Option<IpAddr>, bool),
        within: Within<'_>,
    ) -> Result<Self, Refused> {
        let Within { policy, limits, wall, .. } = within;
        let (url, route) = match locate(&head, secure, within) {
            Ok((url, route)) => (url, route.clone()),
            Err(why) => return Err(Refused { why, guise: Guise::of(&head, None, within) }),
        };
        let trusted = is_trusted(&head, policy, wall);
        let debug = policy.debug || route.debug;
        let guise = Guise::of(&head, Some(&route), within);
        let has_body = !matches!(body, BodySize::Empty | BodySize::Known(0));
        let asked = Self { head, peer, url, route, has_body, trusted, debug, target: 0, guise };
        if asked.guise.is_some() { asked.unpacked(limits) } else { Ok(asked) }
    }

    /// The request that is meant, if a script tag made this one.
    fn unpacked(mut self, limits: &Limits) -> Result<Self, Refused> {
        let Some(guise) = &mut self.guise else { return Ok(self) };
        let meant = match guise.unpack(&self.head, &self.route, limits) {
            Ok(None) => return Ok(self),
            Ok(Some(head)) => {
                RequestUrl::of(&head, self.url.secure).map(|url| (head, url)).map_err(Refusal::Url)
            }
            Err(why) => Err(Refusal::Jsonp(why)),
        };
        match meant {
            Ok((head, url)) => Ok(Self { head, url, has_body: false, ..self }),
            Err(why) => Err(Refused { why, guise: self.guise }),
        }
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
            signed: true,
            wall,
        };
        rewrite_request(&self.head, by)
    }

    /// The body that goes with the request in place of the client's; the client's does if there is none.
    pub fn own_body(&self) -> Option<&Bytes> {
        self.guise.as_ref().and_then(|guise| guise.body())
    }

    /// Whether the client's body goes with the request.
    pub fn has_body(&self) -> bool {
        self.has_body
    }

    /// The request once more, with the positions of the session that it became (REC-1).
    pub fn retry<'a>(&self, positions: impl IntoIterator<Item = Last<'a>>) -> Errand {
        let (head, url) = (self.head.clone(), self.url.clone());
        Errand::to_route(head, url, self.route.clone(), self.peer, lasts(positions))
    }

    /// A request with events to the backend of the WebSocket that was asked for. With `fixed` only the current
    /// target is asked.
    pub fn events(&self, offer: Fields, fixed: bool) -> Errand {
        let (head, url) = (self.head.clone(), self.url.clone());
        let (from, target) = ((self.peer, self.trusted), self.target as usize);
        Errand::with_events((head, url), self.route.clone(), from, offer, target, fixed)
    }

    /// The target with this number has answered; it is the current one from now on.
    pub fn settle_on(&mut self, target: usize) {
        if target < self.route.targets.len() {
            self.target = target as u32;
        }
    }

    /// Whether the client is a trusted proxy (SIG-20).
    pub fn is_trusted(&self) -> bool {
        self.trusted
    }

    /// What the built-in test origin says to a request for a WebSocket, if that is the current target (WS-16).
    pub fn test_socket(
        &self,
        policy: &Policy,
        wall: UnixTime,
    ) -> Option<Result<Vec<String>, Response>> {
        let request = || self.forwarded(policy, wall);
        test_origin::ask((&self.route, self.target()), request, test_origin::socket)
    }

    /// What links of the answer depend on.
    pub fn place(&self) -> Place {
        let (url, route) = (self.url.clone(), self.route.clone());
        Place { url, route, target: self.target().clone(), debug: self.debug }
    }

    /// Whether repeating the request has no other effect than asking it once (RFC 9110 9.2.2).
    pub fn is_idempotent(&self) -> bool {
        self.head.method.is_idempotent()
    }

    /// The URL that was asked for.
    pub fn url(&self) -> &RequestUrl {
        &self.url
    }

    /// The current target. A route without targets does not load.
    pub fn target(&self) -> &Arc<Target> {
        &self.route.targets[self.target as usize]
    }

    /// The route.
    pub fn route(&self) -> &Arc<Route> {
        &self.route
    }

    /// Whether clients of this route see details.
    pub fn debug(&self) -> bool {
        self.debug
    }

    /// Goes on to the next target; false if there is none (ROUTE-45, ROUTE-47).
    pub fn next_target(&mut self) -> bool {
        let more = self.target as usize + 1 < self.route.targets.len();
        self.target += u32::from(more);
        more
    }

    /// No target could be reached.
    pub fn unreachable(&self) -> Refusal {
        let tried: Vec<_> = self.route.targets.iter().map(|target| target.to_string()).collect();
        Refusal::Unreachable(tried.join(", "))
    }

    /// The answer of the built-in test origin, if that is the current target (ROUTE-70).
    pub fn test_answer(&self, policy: &Policy, wall: UnixTime) -> Option<Response> {
        let request = || self.forwarded(policy, wall);
        test_origin::ask((&self.route, self.target()), request, test_origin::answer)
    }

    /// A whole answer as the client gets it.
    pub fn dress(&self, response: Response, whose: JsonpAnswer) -> Response {
        match &self.guise {
            Some(guise) => guise.dress(response, whose),
            None => response,
        }
    }

    /// The head of an answer as the client gets it, if that is no script.
    pub fn dress_head(&self, mut head: ResponseHead) -> ResponseHead {
        if let Some(guise) = &self.guise {
            guise.open(&mut head);
        }
        head
    }

    /// Whether the client gets answers of the origin as scripts.
    pub fn is_script(&self) -> bool {
        self.guise.as_ref().is_some_and(|guise| guise.is_script())
    }

    /// Begins the script that the client gets of an answer of the origin, if that is what it wants.
    pub fn wrap(&self, head: &ResponseHead) -> Option<Wrapping> {
        self.guise.as_ref()?.wrap(head)
    }

    /// The answer to a request that is refused.
    pub fn refuse(&self, why: &Refusal) -> Response {
        why.dressed(self.guise.as_deref(), self.debug)
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
        let instruct = match parse_head(&head, limits) {
            Ok(instruct) => instruct,
            Err(error) => return Verdict::Refuse(Refusal::Invalid(error)),
        };
        if let Err(refusal) = self.check(&instruct, limits) {
            return Verdict::Refuse(refusal);
        }
        if self.stays_open(&instruct) && !instruct.changes_body() {
            return Verdict::Open(Box::new(instruct));
        }
        Verdict::Collect(head)
    }

    /// Whether the client's response goes on after the body that comes with `instruct`.
    pub fn stays_open(&self, instruct: &Instruct) -> bool {
        let open = match &instruct.hold {
            Some(HoldMode::Stream { .. }) => true,
            Some(HoldMode::Response { .. }) => false,
            None => instruct.links.next.is_some(),
        };
        open && self.can_have_body(instruct)
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
        self.check(&instruct, limits)?;
        Ok(instruct)
    }

    fn check(&self, instruct: &Instruct, limits: &Limits) -> Result<(), Refusal> {
        if self.is_script() && self.stays_open(instruct) {
            return Err(Refusal::Jsonp(JsonpError::Stream));
        }
        let links = &instruct.links;
        let urls = links.next.iter().map(|next| &next.url);
        for url in urls.chain(links.gone.iter().map(|gone| &gone.url)) {
            self.url.resolve(url).map_err(Refusal::Link)?;
        }
        if let (Some(HoldMode::Stream { .. }), None) = (&instruct.hold, &links.next)
            && let Some(channel) =
                instruct.channels.iter().find(|channel| channel.prev_id.is_some())
        {
            return Err(Refusal::NoNextLink(channel.name.clone()));
        }
        self.check_channels(instruct, limits)
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

/// The URL and the route of a request.
fn locate<'a>(
    head: &RequestHead,
    secure: bool,
    within: Within<'a>,
) -> Result<(RequestUrl, &'a Arc<Route>), Refusal> {
    let Within { policy, .. } = within;
    let secure = secure || policy.declares_tls(head);
    let url = RequestUrl::of(head, secure).map_err(Refusal::Url)?;
    if loops(head, policy) {
        return Err(Refusal::Loop);
    }
    let route = find(head, &url, within).ok_or(Refusal::NoRoute)?;
    Ok((url, route))
}

fn find<'a>(head: &RequestHead, url: &RequestUrl, within: Within<'a>) -> Option<&'a Arc<Route>> {
    let Within { routes, proto, policy, .. } = within;
    if policy.accept_pushpin_route
        && let Some(id) = head.fields.first("Pushpin-Route").filter(|id| !id.is_empty())
    {
        let route = routes.by_id(core::str::from_utf8(id).ok()?)?;
        return url.path().starts_with(route.path_beg.as_bytes()).then_some(route);
    }
    routes.find(Lookup { host: url.host(), path: url.path(), proto, secure: url.secure })
}
