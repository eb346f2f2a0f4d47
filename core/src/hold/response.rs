//! Response mode: one item answers the request, or the timeout response does (RESP-1 to RESP-5).

use crate::channel::Subscriptions;
use crate::message::{Fields, Response, ResponseHead};
use crate::publish::{Body, HttpResponse, ResponseFormat};

/// A long-poll that waits.
#[derive(Debug)]
pub struct ResponseHold {
    subs: Subscriptions,
    timeout_response: Box<Response>,
}

impl ResponseHold {
    /// A hold that is answered with `timeout_response` if no item comes in time.
    pub fn new(subs: Subscriptions, timeout_response: Response) -> Self {
        Self { subs, timeout_response: Box::new(timeout_response) }
    }

    /// What it is subscribed to.
    pub fn subscriptions(&self) -> &Subscriptions {
        &self.subs
    }

    /// What an item makes of the request; `None`: the hold goes on. Only a `send` answers (RESP-7).
    pub fn offer(&self, format: &ResponseFormat) -> Option<Response> {
        match format {
            ResponseFormat::Send(item) => overlay(&self.timeout_response.head, item),
            ResponseFormat::Hint | ResponseFormat::Close | ResponseFormat::Refresh => None,
        }
    }

    /// Ends the hold without an item (RESP-2).
    pub fn expire(self) -> (Subscriptions, Response) {
        (self.subs, *self.timeout_response)
    }

    /// Ends the hold.
    pub fn end(self) -> Subscriptions {
        self.subs
    }
}

/// The answer that an item gives over the head of the timeout response (HRES-1, HRES-3). `None` for a body
/// patch, which needs more than the item.
pub fn overlay(base: &ResponseHead, item: &HttpResponse) -> Option<Response> {
    let Body::Whole(body) = &item.body else { return None };
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
    Some(Response { head, body: body.clone() })
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
        let made = overlay(&base(), &item(&[("content-type", "a/b"), ("X-Z", "1"), ("x-z", "2")]));
        let made = made.expect("a whole body");
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
        let made = overlay(&base(), &item).expect("a whole body");
        assert_eq!(made.head.fields, [("X-Z", "old")].into_iter().collect());
    }
}
