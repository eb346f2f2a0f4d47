//! Channels as an instruct names them: `Grip-Channel`, and its twin in JSON.

use std::collections::BTreeMap;

use super::HeaderError;
use super::params::{Params, first, utf8};
use crate::json::{Flaw, Json, Misfit, Object, string, strings};

/// A channel named by an instruct.
#[derive(Clone, PartialEq, Debug)]
pub struct ChannelRef {
    /// The name, without the route's prefix.
    pub name: String,
    /// The id that the next item must follow.
    pub prev_id: Option<String>,
    /// Filter names in order, known or not.
    pub filters: Vec<String>,
}

impl ChannelRef {
    /// Reads an element of `Grip-Channel`, which is not empty; its name may be: `; prev-id=1` names the
    /// channel without a name, as `""` does in JSON.
    pub(super) fn from_header(element: &str, max_filters: usize) -> Result<Self, HeaderError> {
        let (name, rest) = first(element.as_bytes());
        let params = Params::parse(utf8(rest)?)?;
        let filters: Vec<String> = params.all("filter").map(str::to_owned).collect();
        if filters.len() > max_filters {
            return Err(HeaderError::TooManyFilters(max_filters));
        }
        let prev_id = params.value("prev-id").map(str::to_owned);
        Ok(Self { name: utf8(name)?.to_owned(), prev_id, filters })
    }

    /// Reads an element of `hold.channels` (INS-1).
    pub(super) fn from_json(value: Json<'_>, max_filters: usize) -> Result<Self, Misfit> {
        let mut channel = Object::of(value)?;
        let filters = |value| match strings(value)? {
            filters if filters.len() > max_filters => Err(Flaw::TooMany(max_filters).into()),
            filters => Ok(filters),
        };
        Ok(Self {
            name: channel.need("name", string)?,
            prev_id: channel.take("prev-id", string)?,
            filters: channel.take("filters", filters)?.unwrap_or_default(),
        })
    }
}

/// `list` with each key once: where it first stood, as it was said last (CHAN-4).
pub(super) fn last_wins<T>(list: Vec<T>, key: impl Fn(&T) -> &str) -> Vec<T> {
    let mut slots = BTreeMap::new();
    let mut winners: Vec<usize> = Vec::new();
    for (index, element) in list.iter().enumerate() {
        let slot = *slots.entry(key(element)).or_insert(winners.len());
        match winners.get_mut(slot) {
            Some(winner) => *winner = index,
            None => winners.push(index),
        }
    }
    let mut list: Vec<Option<T>> = list.into_iter().map(Some).collect();
    winners.into_iter().filter_map(|winner| list.get_mut(winner)?.take()).collect()
}
