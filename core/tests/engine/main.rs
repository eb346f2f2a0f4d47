//! The engine as its adapter sees it: events in, actions out.

mod contract;
mod cross_origin;
mod filters;
mod gone;
mod holds;
mod jsonp;
mod log;
mod pace;
mod pages;
mod recovery;
mod requests;
mod retries;
mod shard;
mod shared;
mod slow;
mod sockets;
