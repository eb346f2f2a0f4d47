//! A JSON instruct's body (INS-1 to INS-9).

use bytes::Bytes;
use http::StatusCode;

use super::channel::ChannelRef;
use super::headers::{Mode, Said};
use super::keep_alive::KeepAlive;
use super::status::Status;
use crate::json::{self, Json, Misfit, Object, choice, list};
use crate::message::{Fields, Response};

/// Reads a body over what the headers `said`. Returns what the client sees, which is built from the body
/// alone but for the status (INS-4).
pub(super) fn read(body: &[u8], said: &mut Said, max_filters: usize) -> Result<Response, Misfit> {
    let mut instruct = Object::parse(body)?;
    instruct.take("hold", |value| hold(value, said, max_filters))?;
    let answer = instruct.take("response", Answer::read)?.unwrap_or_default();
    Ok(answer.into_response(said.status.take()))
}

/// A mode left out is `response`, even where a header says another (INS-1).
fn hold(value: Json<'_>, said: &mut Said, max_filters: usize) -> Result<(), Misfit> {
    let modes = [("response", Mode::Response), ("stream", Mode::Stream)];
    let mut hold = Object::of(value)?;
    let mode = hold.take("mode", |mode| choice(mode, &modes))?;
    said.mode = Some(mode.unwrap_or(Mode::Response));
    let channel = |value| ChannelRef::from_json(value, max_filters);
    said.channels.extend(hold.need("channels", |channels| list(channels, channel))?);
    if let Some(timeout) = hold.take("timeout", json::seconds)? {
        said.timeout = Some(timeout);
    }
    if let Some(keep_alive) = hold.take("keep-alive", KeepAlive::from_json)? {
        said.keep_alive = keep_alive;
    }
    said.meta.extend(hold.take("meta", json::string_map)?.unwrap_or_default());
    Ok(())
}

/// The member `response`.
#[derive(Default)]
struct Answer {
    code: Option<StatusCode>,
    reason: Option<Bytes>,
    fields: Fields,
    body: Bytes,
}

impl Answer {
    fn read(value: Json<'_>) -> Result<Self, Misfit> {
        let mut answer = Object::of(value)?;
        let code = answer.take("code", json::status)?;
        let reason = answer.take("reason", json::reason)?;
        let mut fields = answer.take("headers", json::fields)?.unwrap_or_default();
        fields.remove_control();
        let body = match answer.take("body-bin", json::base64)? {
            Some(body) => body,
            None => answer.take("body", json::text)?.unwrap_or_default(),
        };
        Ok(Self { code, reason: reason.filter(|reason| !reason.is_empty()), fields, body })
    }

    /// The code is this one's, else that of `Grip-Status`, else 200; a reason goes with its own code.
    fn into_response(self, grip_status: Option<Status>) -> Response {
        let Self { code, reason, fields, body } = self;
        let status = match (code, grip_status) {
            (Some(code), _) => Status { code, reason },
            (None, Some(status)) => Status { code: status.code, reason: reason.or(status.reason) },
            (None, None) => Status { code: StatusCode::OK, reason },
        };
        let mut head = status.into_head();
        head.fields = fields;
        Response { head, body }
    }
}
