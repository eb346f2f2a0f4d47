//! Fuzz bodies.

pub mod engine;
pub mod filter;
pub mod forward;
pub mod grip;
pub mod http1;
pub mod jsonp;
pub mod patch;
pub mod publish;
pub mod route;
pub mod ws;
pub mod wsoh;
