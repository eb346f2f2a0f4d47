//! The filters that ask the backend: the request, and what the answer means (FILT-12, FILT-13).

use bytes::Bytes;
use http::{Method, StatusCode};

use super::{Context, FilterError, HttpFilter, value};
use crate::ground::Limits;
use crate::message::{Fields, RequestHead, ResponseHead, Version};

/// What the backend decided.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Answered {
    /// The item goes on as it is.
    Keep,
    /// The item goes on with this content.
    Replace(Bytes),
    /// The item is not for this session.
    Drop,
}

/// The URL to ask, as the backend wrote it: absolute, or relative to the session's current one.
pub fn url<'a>(context: &Context<'a>) -> Result<&'a str, FilterError> {
    match value(context.subscription, "url") {
        "" => Err(FilterError::NoUrl),
        url => Ok(url),
    }
}

/// Whether an item passes when the backend cannot be asked or does not answer well. It is dropped, unless
/// the subscription's meta says `on_failure=pass` (FILT-13).
pub fn fails_open(context: &Context<'_>) -> bool {
    value(context.subscription, "on_failure") == "pass"
}

/// The request that asks about `content`, without what a proxy adds to every request of a session: its
/// positions too.
pub fn request(
    call: HttpFilter,
    target: Bytes,
    content: &Bytes,
    context: &Context<'_>,
) -> (RequestHead, Bytes) {
    let mut fields = Fields::new();
    fields.push("Sub-Meta", json(context.subscription));
    fields.push("Pub-Meta", json(context.publication));
    let head = RequestHead { method: Method::POST, target, version: Version::Http11, fields };
    match call {
        HttpFilter::Check => (head, Bytes::new()),
        HttpFilter::Modify => (head, content.clone()),
    }
}

/// What an answer means. Its body only matters to a filter that modifies, and is read up to
/// [`Limits::filter_answer_bytes`].
pub fn read_answer(
    call: HttpFilter,
    head: &ResponseHead,
    body: Bytes,
    limits: &Limits,
) -> Result<Answered, FilterError> {
    if !matches!(head.status, StatusCode::OK | StatusCode::NO_CONTENT) {
        return Err(FilterError::Status(head.status.as_u16()));
    }
    if head.fields.first("Action").is_some_and(|action| &action[..] == b"drop") {
        return Ok(Answered::Drop);
    }
    match call {
        HttpFilter::Check => Ok(Answered::Keep),
        HttpFilter::Modify if head.status == StatusCode::NO_CONTENT => Ok(Answered::Keep),
        HttpFilter::Modify if body.len() > limits.filter_answer_bytes => {
            Err(FilterError::LongAnswer(limits.filter_answer_bytes))
        }
        HttpFilter::Modify => Ok(Answered::Replace(body)),
    }
}

/// Meta as a JSON object that fits into a header: JSON leaves one control character as it is.
fn json(meta: &[(String, String)]) -> String {
    let pairs = meta.iter().map(|(name, value)| (name.clone(), value.as_str().into()));
    let object = serde_json::Value::Object(pairs.collect());
    object.to_string().replace('\x7f', "\\u007f")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filter::testing::{Channels, pairs};

    fn asked(call: HttpFilter, sub: &[(&str, &str)]) -> (RequestHead, Bytes) {
        let (sub, publ) = (pairs(sub), pairs(&[("sender", "\r\n\x7f\"é")]));
        let (session, limits) = (Channels(&[]), Limits::default());
        let context =
            Context { subscription: &sub, publication: &publ, session: &session, limits: &limits };
        request(call, "/check?x".into(), &"hello".into(), &context)
    }

    #[test]
    fn filt_12_the_request() {
        let (head, body) = asked(HttpFilter::Modify, &[("url", "/check"), ("user", "bob")]);
        assert_eq!((&head.method, &head.target[..]), (&Method::POST, &b"/check?x"[..]));
        let expected: Fields = [
            ("Sub-Meta", r#"{"url":"/check","user":"bob"}"#),
            ("Pub-Meta", r#"{"sender":"\r\n\u007f\"é"}"#),
        ]
        .into_iter()
        .collect();
        assert_eq!((head.fields, &body[..]), (expected, &b"hello"[..]));
        let (head, body) = asked(HttpFilter::Check, &[]);
        assert_eq!(head.fields.first("Sub-Meta").map(|value| &value[..]), Some(&b"{}"[..]));
        assert_eq!(body, "");
    }

    #[test]
    fn filt_12_the_answer() {
        use HttpFilter::{Check, Modify};
        let new = || Ok(Answered::Replace("new".into()));
        let cases = [
            (Check, 200, None, Ok(Answered::Keep)),
            (Check, 204, None, Ok(Answered::Keep)),
            (Check, 200, Some("drop"), Ok(Answered::Drop)),
            (Check, 204, Some("drop"), Ok(Answered::Drop)),
            (Check, 200, Some("Drop"), Ok(Answered::Keep)),
            (Check, 302, Some("drop"), Err(FilterError::Status(302))),
            (Check, 500, None, Err(FilterError::Status(500))),
            (Modify, 200, None, new()),
            (Modify, 200, Some("send"), new()),
            (Modify, 204, None, Ok(Answered::Keep)),
            (Modify, 200, Some("drop"), Ok(Answered::Drop)),
            (Modify, 204, Some("drop"), Ok(Answered::Drop)),
            (Modify, 201, None, Err(FilterError::Status(201))),
            (Modify, 404, None, Err(FilterError::Status(404))),
        ];
        for (call, status, action, expected) in cases {
            let status = StatusCode::from_u16(status).expect("a status");
            let mut head = ResponseHead::new(status);
            if let Some(action) = action {
                head.fields.push("Action", action);
            }
            let read = read_answer(call, &head, "new".into(), &Limits::default());
            assert_eq!(read, expected, "{call:?} {status} {action:?}");
        }
    }

    #[test]
    fn filt_12_the_length_of_an_answer_only_matters_where_it_is_used() {
        let limits = Limits { filter_answer_bytes: 2, ..Limits::default() };
        let read = |call, body: &'static str| {
            read_answer(call, &ResponseHead::new(StatusCode::OK), body.into(), &limits)
        };
        assert_eq!(read(HttpFilter::Modify, ""), Ok(Answered::Replace(Bytes::new())));
        assert_eq!(read(HttpFilter::Modify, "12"), Ok(Answered::Replace("12".into())));
        assert_eq!(read(HttpFilter::Modify, "123"), Err(FilterError::LongAnswer(2)));
        assert_eq!(read(HttpFilter::Check, "123"), Ok(Answered::Keep));
    }

    #[test]
    fn filt_12_and_13_what_meta_says_about_calls() {
        let (session, limits) = (Channels(&[]), Limits::default());
        let of = |meta: &[(&str, &str)]| {
            let meta = pairs(meta);
            let context = Context {
                subscription: &meta,
                publication: &[],
                session: &session,
                limits: &limits,
            };
            (url(&context).map(str::to_owned), fails_open(&context))
        };
        assert_eq!(of(&[]), (Err(FilterError::NoUrl), false));
        assert_eq!(of(&[("url", ""), ("on_failure", "drop")]), (Err(FilterError::NoUrl), false));
        assert_eq!(of(&[("url", "/f"), ("on_failure", "pass")]), (Ok("/f".to_owned()), true));
    }
}
