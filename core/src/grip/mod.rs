//! The GRIP words: what a backend's response asks for, and the token that is shown to it.

mod channel;
mod error;
mod headers;
mod instruct;
mod json;
mod keep_alive;
mod last;
mod link;
mod params;
mod sig;
mod status;

pub use channel::ChannelRef;
pub use error::{HeaderError, InstructError};
pub use instruct::{Hold, Instruct, is_instruct, is_json, parse_head, parse_whole};
pub use keep_alive::{KeepAlive, KeepAliveMode};
pub use last::Last;
pub use link::{GoneLink, Links, NextLink};
pub use sig::{Key, KeyError, sign, verify};

/// The value of `Grip-Feature`: exactly what is implemented (FWD-40).
pub const FEATURES: &str = "status, link:next, link:gone, filter:skip-self, filter:skip-users, \
    filter:require-sub, filter:build-id, filter:var-subst, filter:http-check, filter:http-modify";
