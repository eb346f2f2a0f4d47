//! The HTTP API for publishers.

mod accept;
mod http;

pub(crate) use http::{Bounds, serve};
