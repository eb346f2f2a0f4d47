//! Fuzz bodies.

pub mod engine;
pub mod forward;
pub mod grip;
pub mod http1;
pub mod publish;
pub mod route;
