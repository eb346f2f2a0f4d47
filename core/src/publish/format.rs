//! The formats of an item: what it is to each kind of hold (PUB-6, HRES-1 to HRES-6, WSM-1).

use bytes::Bytes;

use super::{
    Body, Content, HttpResponse, ResponseFormat, StreamFormat, WsFormat, WsMessage, WsType,
};
use crate::json::{self, Flaw, Json, Misfit, Object, choice, string, strings, whole};
use crate::message::Fields;

/// Reads `http-response`.
pub(super) fn response(value: Json<'_>) -> Result<ResponseFormat, Misfit> {
    let mut format = Object::of(value)?;
    Ok(match action(&mut format)? {
        Action::Send => ResponseFormat::Send(http_response(&mut format)?),
        Action::Hint => ResponseFormat::Hint,
        Action::Close => ResponseFormat::Close,
        Action::Refresh => ResponseFormat::Refresh,
    })
}

/// Reads `http-stream`.
pub(super) fn stream(value: Json<'_>) -> Result<StreamFormat, Misfit> {
    let mut format = Object::of(value)?;
    Ok(match action(&mut format)? {
        Action::Send => {
            let content = content(&mut format)?.ok_or(Flaw::NeedsOneOf(CONTENT))?;
            StreamFormat::Send(Content {
                data: content.into_data(),
                content_filters: format.take("content-filters", strings)?,
            })
        }
        Action::Hint => StreamFormat::Hint,
        Action::Close => StreamFormat::Close,
        Action::Refresh => StreamFormat::Refresh,
    })
}

/// Reads `ws-message`.
pub(super) fn ws(value: Json<'_>) -> Result<WsFormat, Misfit> {
    let mut format = Object::of(value)?;
    Ok(match action(&mut format)? {
        Action::Send => WsFormat::Send(ws_message(&mut format)?),
        Action::Hint => WsFormat::Hint,
        Action::Close => ws_close(&mut format)?,
        Action::Refresh => WsFormat::Refresh,
    })
}

/// What every format says first (PUB-6).
#[derive(Clone, Copy)]
enum Action {
    Send,
    Hint,
    Close,
    Refresh,
}

fn action(format: &mut Object<'_>) -> Result<Action, Misfit> {
    let actions = [
        ("send", Action::Send),
        ("hint", Action::Hint),
        ("close", Action::Close),
        ("refresh", Action::Refresh),
    ];
    let action = format.take("action", |value| choice(value, &actions))?;
    Ok(action.unwrap_or(Action::Send))
}

fn http_response(format: &mut Object<'_>) -> Result<HttpResponse, Misfit> {
    let status = format.take("code", json::status)?.unwrap_or(http::StatusCode::OK);
    let reason = format.take("reason", json::reason)?.filter(|reason| !reason.is_empty());
    let mut fields = format.take("headers", json::fields)?.unwrap_or_default();
    let body = http_body(format)?;
    let content_filters = format.take("content-filters", strings)?;
    let expose = exposed(&fields);
    fields.remove_control();
    Ok(HttpResponse { status, reason, fields, expose, body, content_filters })
}

/// The first of the body members that is there; the others are not looked at.
fn http_body(format: &mut Object<'_>) -> Result<Body, Misfit> {
    if let Some(body) = format.take("body-bin", json::base64)? {
        return Ok(Body::Whole(body));
    }
    if let Some(body) = format.take("body", json::text)? {
        return Ok(Body::Whole(body));
    }
    let patch = |value: Json<'_>| match value {
        Json::List(_) => Ok(Body::Patch(value.into())),
        _ => Err(Flaw::NotA("an array").into()),
    };
    let body = format.take("body-patch", patch)?;
    body.ok_or_else(|| Flaw::NeedsOneOf("body-bin, body, body-patch").into())
}

/// The names that `Grip-Expose-Headers` lists, if any (HRES-3). They come from JSON text, so they are
/// UTF-8.
fn exposed(fields: &Fields) -> Option<Vec<String>> {
    let tokens = fields.tokens("Grip-Expose-Headers");
    let names: Vec<String> = tokens.map(|token| String::from_utf8_lossy(token).into()).collect();
    (!names.is_empty()).then_some(names)
}

const CONTENT: &str = "content-bin, content";

/// Content, and which member it came in.
enum Given {
    Bin(Bytes),
    Text(Bytes),
}

impl Given {
    fn into_data(self) -> Bytes {
        match self {
            Self::Bin(data) | Self::Text(data) => data,
        }
    }
}

/// The first of the content members that is there.
fn content(format: &mut Object<'_>) -> Result<Option<Given>, Misfit> {
    match format.take("content-bin", json::base64)? {
        Some(data) => Ok(Some(Given::Bin(data))),
        None => Ok(format.take("content", json::text)?.map(Given::Text)),
    }
}

fn ws_message(format: &mut Object<'_>) -> Result<WsMessage, Misfit> {
    let types = [
        ("text", WsType::Text),
        ("binary", WsType::Binary),
        ("ping", WsType::Ping),
        ("pong", WsType::Pong),
    ];
    let kind = format.take("type", |value| choice(value, &types))?;
    let (kind, data) = match (kind, content(format)?) {
        (Some(kind @ (WsType::Ping | WsType::Pong)), given) => {
            (kind, control_data(given.map(Given::into_data).unwrap_or_default())?)
        }
        (_, None) => return Err(Flaw::NeedsOneOf(CONTENT).into()),
        (None, Some(Given::Bin(data))) => (WsType::Binary, data),
        (None, Some(Given::Text(data))) => (WsType::Text, data),
        (Some(kind), Some(given)) => (kind, given.into_data()),
    };
    let content_filters = format.take("content-filters", strings)?;
    Ok(WsMessage { kind, content: Content { data, content_filters } })
}

/// What fits in a control frame (RFC 6455 5.5): a longer one would break every connection it is sent to.
fn control_data(data: Bytes) -> Result<Bytes, Misfit> {
    const MAX: usize = 125;
    if data.len() > MAX {
        return Err(Flaw::TooManyBytes(MAX).into());
    }
    Ok(data)
}

fn ws_close(format: &mut Object<'_>) -> Result<WsFormat, Misfit> {
    let code = format.take("code", close_code)?.unwrap_or(NORMAL);
    let mut reason = format.take("reason", string)?.unwrap_or_default();
    while reason.len() > REASON_MAX {
        reason.pop();
    }
    Ok(WsFormat::Close { code, reason })
}

/// The close code that says nothing special, used where a publisher names none.
const NORMAL: u16 = 1000;

/// Bytes of a close reason: what a control frame holds beside the code; longer ones are cut (WS-32).
const REASON_MAX: usize = 123;

/// A code that may go over the wire; 0 and 1005 are ways to say "no code" (WS-31).
fn close_code(value: Json<'_>) -> Result<u16, Misfit> {
    match whole(value)? {
        0 | 1005 => Ok(NORMAL),
        code @ (1000..=1003 | 1007..=1014 | 3000..=4999) => Ok(code as u16),
        _ => Err(Flaw::NotACloseCode.into()),
    }
}
