//! A backend's response, read as instructions: by headers, by a JSON body, or by both.

use bytes::Bytes;

use super::channel::{ChannelRef, last_wins};
use super::error::InstructError;
use super::headers::{Mode, Said, visible};
use super::json;
use super::keep_alive::KeepAlive;
use super::link::Links;
use crate::ground::{Limits, Span};
use crate::message::{Response, ResponseHead};

/// What a backend wants done with a request.
#[derive(Clone, PartialEq, Debug)]
pub struct Instruct {
    /// Whether and how to hold.
    pub hold: Option<Hold>,
    /// The channels to subscribe, unprefixed, in order, each name once (CHAN-4). Not cut to the limit of
    /// channels per hold: the engine does that and counts.
    pub channels: Vec<ChannelRef>,
    /// Subscription meta, each name once.
    pub meta: Vec<(String, String)>,
    /// `Grip-Link`.
    pub links: Links,
    /// What the client sees: at once for no hold and stream, as the timeout response for a response hold.
    /// `Grip-*`, framing and connection fields are gone, `Grip-Status` and `Grip-Expose-Headers` applied.
    pub response: Response,
}

/// How to hold.
#[derive(Clone, PartialEq, Debug)]
pub enum Hold {
    /// Long-polling: one item answers the request.
    Response {
        /// How long to wait; `None` is the default. Never below the minimum (RESP-2).
        timeout: Option<Span>,
    },
    /// Streaming: items are appended to the body.
    Stream {
        /// Data to send when nothing else is sent.
        keep_alive: Option<KeepAlive>,
    },
}

impl Instruct {
    /// Whether a filter of some channel has to see the whole body that comes with the instruct (ACT-6).
    pub fn changes_body(&self) -> bool {
        let mut filters = self.channels.iter().flat_map(|channel| &channel.filters);
        filters.any(|filter| filter == "build-id")
    }
}

/// Whether a response carries instructions (ACT-1).
pub fn is_instruct(head: &ResponseHead) -> bool {
    head.fields.iter().any(|field| field.begins("Grip-")) || is_json(head)
}

/// Whether a response's body carries instructions, so that it must be read whole (ACT-1).
pub fn is_json(head: &ResponseHead) -> bool {
    head.fields.first("Content-Type").is_some_and(|value| {
        let end = value.iter().position(|&byte| byte == b';').unwrap_or(value.len());
        let (media_type, _) = value.split_at(end);
        media_type.trim_ascii().eq_ignore_ascii_case(b"application/grip-instruct")
    })
}

/// Reads the instructions of a header instruct; `response.body` is empty. For a JSON instruct, whose body
/// says the rest, use [`parse_whole`].
pub fn parse_head(head: &ResponseHead, limits: &Limits) -> Result<Instruct, InstructError> {
    parse_headers(head, Bytes::new(), limits)
}

/// Reads the instructions of a complete response, by headers and, if it is one, by JSON (INS-1 to INS-9).
pub fn parse_whole(
    head: &ResponseHead,
    body: Bytes,
    limits: &Limits,
) -> Result<Instruct, InstructError> {
    if !is_json(head) {
        return parse_headers(head, body, limits);
    }
    if head.status != http::StatusCode::OK {
        return Err(InstructError::BodyStatus(head.status.as_u16()));
    }
    let mut said = Said::read(&head.fields, limits.filters_per_channel)?;
    let response = json::read(&body, &mut said, limits.filters_per_channel)?;
    Ok(instruct(said, response, limits))
}

fn parse_headers(
    head: &ResponseHead,
    body: Bytes,
    limits: &Limits,
) -> Result<Instruct, InstructError> {
    let mut said = Said::read(&head.fields, limits.filters_per_channel)?;
    let head = visible(head, said.status.take());
    Ok(instruct(said, Response { head, body }, limits))
}

fn instruct(said: Said, response: Response, limits: &Limits) -> Instruct {
    let timeout = said.timeout.map(|timeout| timeout.max(limits.hold_timeout_min));
    let hold = said.mode.map(|mode| match mode {
        Mode::Response => Hold::Response { timeout },
        Mode::Stream => Hold::Stream { keep_alive: said.keep_alive },
    });
    Instruct {
        hold,
        channels: last_wins(said.channels, |channel| &channel.name),
        meta: last_wins(said.meta, |(name, _)| name),
        links: said.links,
        response,
    }
}
