//! The engine as its adapter sees it: events in, actions out.

mod holds;
mod requests;
mod shard;
