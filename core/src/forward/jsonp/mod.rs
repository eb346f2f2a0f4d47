//! JSON-P: requests that are script tags, and answers that are scripts (CORS-20 to CORS-26, RESP-14).
//!
//! [`read_jsonp`] unpacks the request that such a GET stands for; [`Jsonp`] is what is kept of it until
//! there is an answer to wrap.

mod answer;
mod query;
mod request;

use http::StatusCode;
use thiserror::Error;

pub use self::answer::{JsonpAnswer, JsonpBody};
pub use self::request::{JsonpRequest, read_jsonp};
use crate::message::Response;
use crate::route::JsonpMode;

/// How the answer to a JSON-P request is wrapped.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Jsonp {
    callback: String,
    mode: JsonpMode,
}

/// Why a JSON-P request is refused (CORS-22).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum JsonpError {
    /// The callback could be something else than a name (CORS-24).
    #[error("Invalid callback parameter.")]
    Callback,
    /// The method is none.
    #[error("Invalid _method parameter.")]
    Method,
    /// The headers are no object of strings, or not for a client to send (CORS-25).
    #[error("Invalid _headers parameter.")]
    Headers,
    /// The parameter of the route that has the body is not percent-encoded.
    #[error("Invalid body parameter.")]
    Body,
    /// `_body` is not percent-encoded.
    #[error("Invalid _body parameter.")]
    PlainBody,
    /// A script runs when it is complete, which a stream never is (STRM-3).
    #[error("A stream cannot be a script.")]
    Stream,
}

impl JsonpError {
    /// The answer that tells the client.
    pub fn response(self) -> Response {
        let mut response = Response::text(StatusCode::BAD_REQUEST, &self.to_string());
        response.head.fields.push(NO_SNIFF.0, NO_SNIFF.1);
        response
    }
}

/// Whoever loads the answer as something else than it says must not find a script in it (CORS-24).
const NO_SNIFF: (&str, &str) = ("X-Content-Type-Options", "nosniff");

impl Jsonp {
    /// A callback is a name, perhaps within others: with more, the request could bring its own script.
    fn new(callback: &[u8], mode: JsonpMode) -> Result<Self, JsonpError> {
        const LEN_MAX: usize = 128;
        let is_safe = |byte: &u8| byte.is_ascii_alphanumeric() || b"_$.[]".contains(byte);
        let is_name = (1..=LEN_MAX).contains(&callback.len()) && callback.iter().all(is_safe);
        let callback = core::str::from_utf8(callback).ok().filter(|_| is_name);
        let callback = callback.ok_or(JsonpError::Callback)?.to_owned();
        Ok(Self { callback, mode })
    }
}
