//! How the answer to a request looks to who asked: open to scripts of other origins, or a script itself
//! (CORS-1 to CORS-26, RESP-13, RESP-14).

use bytes::Bytes;

use super::Within;
use crate::forward::{
    CrossOrigin, Jsonp, JsonpAnswer, JsonpBody, JsonpError, JsonpRequest, read_jsonp,
};
use crate::ground::Limits;
use crate::message::{RequestHead, Response, ResponseHead};
use crate::route::{Proto, Route};

/// What every answer to a request needs, on a route whose answers are for scripts.
#[derive(Debug)]
pub(super) struct Guise {
    cross_origin: CrossOrigin,
    script: Option<Script>,
}

/// A request that a script tag made.
#[derive(Debug)]
struct Script {
    jsonp: Jsonp,
    /// The body of the request that is meant; it came in the query.
    body: Bytes,
}

/// A script that is made of a body as that comes.
#[derive(Debug)]
pub struct Wrapping {
    /// The head to begin with.
    pub head: ResponseHead,
    /// What goes in front of the body.
    pub start: Bytes,
    /// What makes it of the body.
    pub body: JsonpBody,
}

impl Guise {
    /// What a request needs that may find a route or not; none if its answers are not for scripts. Those to
    /// WebSockets never are.
    pub(super) fn of(
        head: &RequestHead,
        route: Option<&Route>,
        within: Within<'_>,
    ) -> Option<Box<Self>> {
        let Within { proto, policy, .. } = within;
        let opens = policy.auto_cross_origin || route.is_some_and(|route| route.cross_origin);
        (opens && proto == Proto::Http).then(|| {
            let cross_origin = CrossOrigin::of(head, &policy.cross_origin_allow);
            Box::new(Self { cross_origin, script: None })
        })
    }

    /// Unpacks the request, if a script tag made it: the head that is meant, or none.
    pub(super) fn unpack(
        &mut self,
        head: &RequestHead,
        route: &Route,
        limits: &Limits,
    ) -> Result<Option<RequestHead>, JsonpError> {
        let Some(JsonpRequest { jsonp, head, body }) = read_jsonp(head, &route.jsonp, limits)?
        else {
            return Ok(None);
        };
        self.script = Some(Script { jsonp, body });
        Ok(Some(head))
    }

    /// Whether the answer has to be a script.
    pub(super) fn is_script(&self) -> bool {
        self.script.is_some()
    }

    /// The body to send instead of the client's, if it is not empty.
    pub(super) fn body(&self) -> Option<&Bytes> {
        self.script.as_ref().map(|script| &script.body).filter(|body| !body.is_empty())
    }

    /// A whole answer as the client gets it. A script of an origin's answer needs nobody's permission.
    pub(super) fn dress(&self, response: Response, whose: JsonpAnswer) -> Response {
        let mut response = match &self.script {
            Some(script) => script.jsonp.wrap(&response, whose),
            None => response,
        };
        if !self.is_script() || whose == JsonpAnswer::Held {
            self.open(&mut response.head);
        }
        response
    }

    /// Lets scripts of other origins read an answer.
    pub(super) fn open(&self, head: &mut ResponseHead) {
        self.cross_origin.add_to(head);
    }

    /// Begins the script that is made of an origin's answer, if it has to be one.
    pub(super) fn wrap(&self, head: &ResponseHead) -> Option<Wrapping> {
        let Script { jsonp, .. } = self.script.as_ref()?;
        let (body, start) = jsonp.begin(head);
        Some(Wrapping { head: jsonp.head(head, JsonpAnswer::Proxied), start, body })
    }
}
