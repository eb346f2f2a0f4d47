//! The proxy under test: what it has to be configured like, and starting one.

mod config;
mod process;

pub(crate) use config::{Addresses, PREFIX, SIG_ISS, SIG_KEY, host, printed};
pub(crate) use process::{Proxy, Spawn};
