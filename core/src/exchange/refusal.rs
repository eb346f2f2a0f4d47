//! Why requests get answers of the proxy's own, and which (FWD-90, FWD-91, ERR-1).

use http::StatusCode;
use thiserror::Error;

use super::guise::Guise;
use crate::filter::FilterError;
use crate::forward::{JsonpAnswer, JsonpError, UrlError, proxy_error};
use crate::grip::InstructError;
use crate::ground::Count;
use crate::message::Response;

/// Why a request gets an answer of the proxy's own.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum Refusal {
    /// The target or `Host` is unusable.
    #[error("{0}")]
    Url(UrlError),
    /// The request has passed through here before (FWD-38).
    #[error("Request loop detected.")]
    Loop,
    /// What was asked for by JSON-P cannot be, or is no script (CORS-22, STRM-3).
    #[error("{0}")]
    Jsonp(JsonpError),
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
    /// A link leads nowhere (LINK-1).
    #[error("Failed to parse accept instructions: Grip-Link: {0}")]
    Link(UrlError),
    /// A stream has a position and no next link to repair it by (REL-4).
    #[error("Failed to parse accept instructions: prev-id on channel {0:?} without a next link")]
    NoNextLink(String),
    /// A filter cannot do its work (NOH-2, FILT-10, FILT-13).
    #[error("Filter failed: {0}")]
    Filter(FilterError),
    /// The publisher means subscriptions with other filters (PUB-7).
    #[error("Filters of item and subscription differ.")]
    Mismatch,
    /// The request must be asked again, but its body was too large to be kept (ACT-4).
    #[error("Unable to repeat the request: its body was too large to be kept.")]
    NotKept,
}

/// A request that no target gets.
#[derive(Debug)]
pub struct Refused {
    /// Why.
    pub why: Refusal,
    pub(super) guise: Option<Box<Guise>>,
}

impl Refused {
    /// The answer.
    pub fn response(&self, debug: bool) -> Response {
        self.why.dressed(self.guise.as_deref(), debug)
    }
}

impl Refusal {
    /// The answer: the text of the case if it is no secret or `debug` is on, else the general one
    /// (FWD-90, FWD-91, ERR-1).
    fn response(&self, debug: bool) -> Response {
        match self {
            Self::Jsonp(error) => error.response(),
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

    /// The answer in the guise that the request asks for. What is no script is said in plain (CORS-22).
    pub(super) fn dressed(&self, guise: Option<&Guise>, debug: bool) -> Response {
        let mut response = self.response(debug);
        match (self, guise) {
            (_, None) => response,
            (Self::Jsonp(_), Some(guise)) => {
                guise.open(&mut response.head);
                response
            }
            (_, Some(guise)) => guise.dress(response, JsonpAnswer::Proxied),
        }
    }

    /// What is counted.
    pub fn count(&self) -> Count {
        match self {
            Self::Url(_) | Self::Loop | Self::Jsonp(_) => Count::BadRequests,
            Self::NoRoute => Count::NoRoute,
            Self::Unreachable(_) => Count::TargetsExhausted,
            Self::Denied => Count::TargetDenied,
            Self::Broken => Count::OriginBroken,
            Self::Timeout => Count::OriginTimeout,
            Self::TooLarge(_) => Count::InstructTooLarge,
            Self::Invalid(_) | Self::Link(_) | Self::NoNextLink(_) => Count::InstructInvalid,
            Self::Filter(_) => Count::FilterFailed,
            Self::Mismatch => Count::FilterMismatch,
            Self::NotKept => Count::RetryImpossible,
            Self::TooManyChannels { .. } => Count::ChannelLimit,
        }
    }
}
