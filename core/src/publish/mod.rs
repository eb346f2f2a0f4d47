//! What publishers send: items, their formats, and the JSON they come in.

mod format;
pub mod item;
mod json;
mod release;

pub use item::{
    Body, Content, HttpResponse, Item, ResponseFormat, StreamFormat, WsFormat, WsMessage, WsType,
};
pub use json::{PublishError, parse_items};
pub use release::{Release, Scope};
