//! L3, the machines of the publish intake.

mod dedupe;

pub use dedupe::Dedupe;
