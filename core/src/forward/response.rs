//! What is changed in a response on its way to the client, and the proxy's own errors.

use http::StatusCode;

use super::hop::{Named, is_hop};
use crate::message::{Response, ResponseHead};

/// Takes out what belongs to the hop and not to the message (FWD-61, FWD-63). `Content-Encoding` says what
/// the body is and stays (FWD-62).
pub fn clean_response(head: &mut ResponseHead) {
    let named = Named::by(&head.fields);
    head.fields
        .retain(|field| !is_hop(field) && !field.is("Proxy-Authenticate") && !named.has(field));
}

/// An error of the proxy's own (FWD-90, FWD-91): `detail` is what debug mode shows instead of the plain
/// text.
pub fn proxy_error(status: StatusCode, detail: Option<&str>) -> Response {
    Response::text(status, detail.unwrap_or("Error while proxying to origin."))
}
