//! The API for publishers over HTTP (CTRL-1 to CTRL-16): who connects, what is on the wire, what is answered.

mod accept;
mod api;
mod said;
mod serve;
mod wire;

pub(crate) use api::{Api, Terms};
pub(crate) use serve::serve;
