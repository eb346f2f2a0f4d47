//! The peers of the proxy. They speak HTTP with words of their own, so that the proxy's codec is
//! judged by code that is not it.

pub(crate) mod client;
mod events;
mod follower;
mod journal;
pub(crate) mod message;
mod mind;
pub(crate) mod native;
pub(crate) mod origin;
pub(crate) mod press;
pub(crate) mod publisher;
pub(crate) mod talker;
