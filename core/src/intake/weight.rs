//! How much memory an item keeps, about.

use serde_json::Value;

use crate::publish::{Body, Item, ResponseFormat, StreamFormat, WsFormat};

/// Bytes of an item with what it points to.
pub(super) fn weight(item: &Item) -> usize {
    let text = |text: &Option<String>| text.as_ref().map_or(0, String::len);
    let meta =
        item.meta.iter().map(|(name, value)| size_of::<[String; 2]>() + name.len() + value.len());
    let names = item.channel.len() + text(&item.id) + text(&item.prev_id) + meta.sum::<usize>();
    let response = match &item.response {
        Some(ResponseFormat::Send(response)) => {
            let fields = response
                .fields
                .iter()
                .map(|field| size_of_val(field) + field.name.len() + field.value.len());
            let body = match &response.body {
                Body::Whole(body) => body.len(),
                Body::Patch(patch) => of_value(patch),
            };
            fields.sum::<usize>() + body
        }
        _ => 0,
    };
    let stream = match &item.stream {
        Some(StreamFormat::Send(content)) => content.data.len(),
        _ => 0,
    };
    let ws = match &item.ws {
        Some(WsFormat::Send(message)) => message.content.data.len(),
        _ => 0,
    };
    size_of::<Item>() + names + response + stream + ws
}

fn of_value(value: &Value) -> usize {
    size_of_val(value)
        + match value {
            Value::Null | Value::Bool(_) | Value::Number(_) => 0,
            Value::String(text) => text.len(),
            Value::Array(list) => list.iter().map(of_value).sum(),
            Value::Object(members) => {
                members.iter().map(|(name, value)| name.len() + of_value(value)).sum()
            }
        }
}
