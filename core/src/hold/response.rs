//! Response mode: one item answers the request, or the timeout response does (RESP-1 to RESP-5).

use std::sync::Arc;

use bytes::Bytes;

use super::session::{Ask, Carried, Judged, Session, Standing};
use crate::channel::Subscriptions;
use crate::ground::{Limits, Time};
use crate::json::patch::{self, PatchError};
use crate::message::{Fields, Response, ResponseHead};
use crate::publish::{Body, HttpResponse, Item, ResponseFormat};

/// A long-poll that waits.
#[derive(Debug)]
pub struct ResponseHold {
    subs: Subscriptions,
    /// None if there is nothing to judge items by, which is the rule.
    session: Option<Box<Session>>,
    timeout_response: Box<Response>,
    deadline: Time,
}

/// What an item is to a long-poll.
#[derive(Debug)]
pub enum Offer {
    /// It answers the request.
    Answer(Response),
    /// Its patch does not fit to what the backend answered: the backend knows better (PATCH-4).
    Unfit(PatchError),
    /// Anything else.
    Judged(Judged),
}

impl ResponseHold {
    /// A hold that is answered with `timeout_response` if no item comes before `deadline`.
    pub fn new(
        subs: Subscriptions,
        session: Session,
        timeout_response: Response,
        deadline: Time,
    ) -> Self {
        let session = (!session.is_plain()).then(|| Box::new(session));
        Self { subs, session, timeout_response: Box::new(timeout_response), deadline }
    }

    /// What it is subscribed to.
    pub fn subscriptions(&self) -> &Subscriptions {
        &self.subs
    }

    /// Where it stands on its channels, if there is anything to judge items by.
    pub fn session(&self) -> Option<&Session> {
        self.session.as_deref()
    }

    /// A filter has dropped the item that it asked about.
    pub fn pass_over(&mut self, ask: &Ask) {
        self.with_session(|session| session.pass_over(ask));
    }

    /// When its time is over. It belongs to the client's request, however often that is repeated (RESP-3).
    pub fn deadline(&self) -> Time {
        self.deadline
    }

    /// What an item makes of the request. Only a `send` answers (RESP-7).
    pub fn offer(&mut self, item: &Arc<Item>, limits: &Limits) -> Offer {
        let standing = self.session.as_ref().map(|session| session.standing_of(item));
        let fits = matches!(standing, None | Some(Standing::Next));
        let carried = match &item.response {
            // Not worth the work if it is not its turn.
            Some(ResponseFormat::Send(format)) if fits => match self.body(format, limits) {
                Ok(body) => Carried::Send(body, format.content_filters.as_deref()),
                Err(why) => return Offer::Unfit(why),
            },
            Some(ResponseFormat::Hint) => Carried::Hint,
            _ => Carried::Nothing,
        };
        let judged = self.with_session(|session| session.judge(item, carried, limits));
        self.answer(item, judged)
    }

    /// The backend has answered a filter's question: the item goes on with `content`.
    pub fn resume(&mut self, ask: &Ask, content: Bytes, limits: &Limits) -> Offer {
        let carried = match &ask.item.response {
            Some(ResponseFormat::Hint) => Carried::Hint,
            _ => Carried::Send(content.clone(), None),
        };
        let judged = self.with_session(|session| session.resume(ask, content, carried, limits));
        self.answer(&ask.item, judged)
    }

    /// Ends the hold without an item (RESP-2).
    pub fn expire(self) -> (Subscriptions, Response) {
        (self.subs, *self.timeout_response)
    }

    /// Ends the hold.
    pub fn end(self) -> Subscriptions {
        self.subs
    }

    fn with_session<T>(&mut self, with: impl FnOnce(&mut Session) -> T) -> T {
        match &mut self.session {
            Some(session) => with(session),
            None => with(&mut Session::default()),
        }
    }

    fn body(&self, format: &HttpResponse, limits: &Limits) -> Result<Bytes, PatchError> {
        match &format.body {
            Body::Whole(body) => Ok(body.clone()),
            Body::Patch(patch) => patch::apply(&self.timeout_response.body, patch, limits),
        }
    }

    fn answer(&self, item: &Item, judged: Judged) -> Offer {
        match (judged, &item.response) {
            (Judged::Content(body), Some(ResponseFormat::Send(format))) => {
                Offer::Answer(overlay(&self.timeout_response.head, format, body))
            }
            (judged, _) => Offer::Judged(judged),
        }
    }
}

/// The answer that an item gives over the head of the timeout response (HRES-1, HRES-3).
fn overlay(base: &ResponseHead, item: &HttpResponse, body: Bytes) -> Response {
    let mut head = ResponseHead::new(item.status);
    if let Some(reason) = &item.reason {
        head.reason = reason.clone();
    }
    let replaced =
        |name: &[u8]| item.fields.iter().any(|field| field.name.eq_ignore_ascii_case(name));
    let mut fields = Fields::with_capacity(base.fields.len() + item.fields.len());
    for field in base.fields.iter().filter(|field| !replaced(&field.name)).chain(&item.fields) {
        fields.push(field.name.clone(), field.value.clone());
    }
    if let Some(expose) = &item.expose {
        fields.retain(|field| expose.iter().any(|name| field.is(name)));
    }
    head.fields = fields;
    Response { head, body }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use http::StatusCode;

    fn base() -> ResponseHead {
        let mut head = ResponseHead::new(StatusCode::OK);
        head.fields =
            [("Content-Type", "text/plain"), ("X-Z", "old"), ("X-Orig", "o")].into_iter().collect();
        head
    }

    fn item(fields: &[(&'static str, &'static str)]) -> HttpResponse {
        HttpResponse {
            status: StatusCode::CREATED,
            reason: Some(Bytes::from_static(b"Yo")),
            fields: fields.iter().copied().collect(),
            expose: None,
            body: Body::Whole(Bytes::from_static(b"hi")),
            content_filters: None,
        }
    }

    #[test]
    fn hres_1_the_items_fields_replace_those_of_the_same_name() {
        let item = item(&[("content-type", "a/b"), ("X-Z", "1"), ("x-z", "2")]);
        let made = overlay(&base(), &item, Bytes::from_static(b"hi"));
        let expected: Fields =
            [("X-Orig", "o"), ("content-type", "a/b"), ("X-Z", "1"), ("x-z", "2")]
                .into_iter()
                .collect();
        assert_eq!(made.head.fields, expected);
        assert_eq!((made.head.status.as_u16(), &made.head.reason[..]), (201, &b"Yo"[..]));
        assert_eq!(made.body, "hi");
    }

    #[test]
    fn hres_3_expose_keeps_only_what_it_names() {
        let item = HttpResponse { expose: Some(vec!["x-z".to_owned()]), ..item(&[("X-New", "n")]) };
        let made = overlay(&base(), &item, Bytes::new());
        assert_eq!(made.head.fields, [("X-Z", "old")].into_iter().collect());
    }
}
