//! Who speaks with the proxy.

pub mod duo;
pub mod events;
pub mod http;
pub mod socket;
pub mod talk;
