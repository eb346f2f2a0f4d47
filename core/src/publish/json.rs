//! The JSON form of items (PUB-1 to PUB-7, CTRL-1 to CTRL-5).

use thiserror::Error;

use super::Item;
use super::format::{response, stream, ws};
use crate::json::{Flaw, Json, Misfit, Object, boolean, string, string_map, whole};

/// Why a publish was refused. Nothing of it was published (CTRL-3).
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum PublishError {
    /// The body is no JSON object with a list of items.
    #[error("{0}")]
    Envelope(Misfit),
    /// An item is not as it must be.
    #[error("items[{index}]: {why}")]
    Item {
        /// Which one, counted from zero.
        index: usize,
        /// What is wrong with it.
        why: Misfit,
    },
}

/// Reads `{"items": [...]}`; all items or none.
pub fn parse_items(body: &[u8]) -> Result<Vec<Item>, PublishError> {
    let items = items(body).map_err(PublishError::Envelope)?;
    let item = |(index, value)| item(value).map_err(|why| PublishError::Item { index, why });
    items.into_iter().enumerate().map(item).collect()
}

fn items(body: &[u8]) -> Result<Vec<Json<'_>>, Misfit> {
    Object::parse(body)?.need("items", |value| match value {
        Json::List(items) => Ok(items),
        _ => Err(Flaw::NotA("an array").into()),
    })
}

const FORMATS: &str = "http-response, http-stream, ws-message";

fn item(value: Json<'_>) -> Result<Item, Misfit> {
    let mut object = Object::of(value)?;
    let mut item = Item {
        channel: object.need("channel", string)?,
        id: object.take("id", string)?,
        prev_id: object.take("prev-id", string)?,
        no_seq: object.take("no-seq", boolean)?.unwrap_or_default(),
        meta: object.take("meta", string_map)?.unwrap_or_default(),
        size: object.take("size", whole)?,
        ..Item::default()
    };
    // Under `formats` there may be words that are not known here; they are somebody else's (PUB-3).
    let nested = object.take("formats", |value| {
        let mut formats = Object::of(value)?;
        match formats.is_empty() {
            true => Err(Flaw::NeedsOneOf(FORMATS).into()),
            false => formats_of(&mut formats, &mut item),
        }
    })?;
    if nested.is_none() {
        formats_of(&mut object, &mut item)?;
        if item.response.is_none() && item.stream.is_none() && item.ws.is_none() {
            return Err(Flaw::NeedsOneOf(FORMATS).into());
        }
    }
    Ok(item)
}

/// Takes the formats out of `formats`, or out of an item in the short form (PUB-1).
fn formats_of(formats: &mut Object<'_>, item: &mut Item) -> Result<(), Misfit> {
    item.response = formats.take("http-response", response)?;
    item.stream = formats.take("http-stream", stream)?;
    item.ws = formats.take("ws-message", ws)?;
    Ok(())
}
