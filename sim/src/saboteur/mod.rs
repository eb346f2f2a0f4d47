//! Those who stand between the core and the world and break its rules: what the core hears is not
//! what happened, or what it says is not what the world gets. The ledgers see what truly happened,
//! and what came of it.

mod engine;
mod hub;
mod socket;

pub(crate) use engine::BadEngine;
pub(crate) use hub::BadHub;
