//! What the `Grip-` headers of a response say (HOLD-1, CHAN-1, TIME-1, META-1, EXPO-1 and around them).

use bytes::Bytes;

use super::channel::ChannelRef;
use super::error::{HeaderError, InstructError};
use super::keep_alive::KeepAlive;
use super::link::Links;
use super::params::{Param, seconds, split, utf8_or_latin1};
use super::status::Status;
use crate::ground::Span;
use crate::message::{Fields, ResponseHead};

/// The two kinds of hold.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Mode {
    Response,
    Stream,
}

/// Everything that headers say, and that a JSON body may then say differently (INS-3).
#[derive(Debug)]
pub(super) struct Said {
    pub(super) mode: Option<Mode>,
    pub(super) channels: Vec<ChannelRef>,
    pub(super) timeout: Option<Span>,
    pub(super) keep_alive: Option<KeepAlive>,
    pub(super) meta: Vec<(String, String)>,
    pub(super) links: Links,
    pub(super) status: Option<Status>,
}

impl Said {
    /// Reads all headers, whether the hold needs them or not: every error counts (NOH-1, RESP-8).
    pub(super) fn read(fields: &Fields, max_filters: usize) -> Result<Self, InstructError> {
        let channel = |element: &str| ChannelRef::from_header(element, max_filters);
        let keep_alive = |value: &Bytes| KeepAlive::from_header(value);
        let mut links = Links::default();
        for value in fields.all("Grip-Link") {
            links.read(value).map_err(in_header("Grip-Link"))?;
        }
        Ok(Self {
            mode: single(fields, "Grip-Hold", |value| mode(value))?,
            channels: elements(fields, "Grip-Channel", channel)?,
            timeout: single(fields, "Grip-Timeout", |value| seconds(value))?,
            keep_alive: single(fields, "Grip-Keep-Alive", keep_alive)?.flatten(),
            meta: elements(fields, "Grip-Set-Meta", meta)?,
            links,
            status: single(fields, "Grip-Status", Status::from_header)?.flatten(),
        })
    }
}

/// What the client sees of the head of a header instruct (ACT-8, EXPO-1, HOLD-2).
pub(super) fn visible(head: &ResponseHead, status: Option<Status>) -> ResponseHead {
    const EXPOSE: &str = "Grip-Expose-Headers";
    let exposes = head.fields.tokens(EXPOSE).next().is_some();
    let is_exposed =
        |name: &[u8]| head.fields.tokens(EXPOSE).any(|token| token.eq_ignore_ascii_case(name));
    let fields =
        head.fields.select(|field| !field.is_control() && (!exposes || is_exposed(&field.name)));
    match status {
        Some(status) => ResponseHead { fields, ..status.into_head() },
        None => ResponseHead { status: head.status, reason: head.reason.clone(), fields },
    }
}

/// A header of which the first occurrence counts (PARM-5).
fn single<T>(
    fields: &Fields,
    header: &'static str,
    read: impl Fn(&Bytes) -> Result<T, HeaderError>,
) -> Result<Option<T>, InstructError> {
    fields.first(header).map(read).transpose().map_err(in_header(header))
}

/// A header that is a list, in one line or several (PARM-1).
fn elements<T>(
    fields: &Fields,
    header: &'static str,
    read: impl Fn(&str) -> Result<T, HeaderError>,
) -> Result<Vec<T>, InstructError> {
    let mut list = Vec::new();
    for value in fields.all(header) {
        for element in split(&utf8_or_latin1(value), b',') {
            list.push(element.and_then(&read).map_err(in_header(header))?);
        }
    }
    Ok(list)
}

fn in_header(header: &'static str) -> impl Fn(HeaderError) -> InstructError {
    move |why| InstructError::Header { header, why }
}

fn mode(value: &[u8]) -> Result<Mode, HeaderError> {
    match value.trim_ascii() {
        b"response" => Ok(Mode::Response),
        b"stream" => Ok(Mode::Stream),
        _ => Err(HeaderError::UnknownHold),
    }
}

/// A pair of subscription meta: the first parameter of an element (META-1).
fn meta(element: &str) -> Result<(String, String), HeaderError> {
    let pair = split(element, b';').next().transpose()?.unwrap_or_default();
    Param::parse(pair).map(Param::into_pair)
}
