//! The proxy under test: what it has to be configured like, and starting one.

mod config;
mod process;

pub(crate) use config::{
    ADDED, Addresses, BACKLOG, PREFIX, RATE, SIG_ISS, SIG_KEY, SUB, SUB_WOH, host, printed,
};
pub(crate) use process::{Proxy, Spawn};
