//! L3, the machines of the publish intake: who wants what, what comes after what, what came before, and
//! how fast it leaves.

mod dedupe;
mod interest;
mod line;
mod order;
mod out;
mod rate;
mod weight;

pub use dedupe::Dedupe;
pub use interest::{Interest, Turn};
pub use order::Order;
pub use out::{HubAction, Out};
pub use rate::{Backlog, FanOut, Ticks};

/// Channels for which the tables have room even when none is wanted; what a peak leaves beyond is given back.
const KEPT_CHANNELS: usize = 128;
