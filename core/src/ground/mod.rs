//! L0, the ground: time, ids, stores, timers, limits, randomness. Knows nothing of HTTP or GRIP.

mod count;
mod fault;
mod ids;
mod limits;
mod rng;
mod slab;
mod time;
mod wheel;

pub use count::{Count, Counters};
pub(crate) use fault::broken;
pub use ids::{ConnId, ShardId};
pub use limits::Limits;
pub use rng::{Rng, Seed};
pub use slab::{Slab, Table};
pub use time::{Span, Time, UnixTime};
pub use wheel::Wheel;
