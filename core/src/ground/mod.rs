//! L0, the ground: time, ids, stores, timers, limits, randomness. Knows nothing of HTTP or GRIP.

mod count;
mod fault;
mod hash;
mod ids;
mod limits;
mod pace;
mod rng;
mod slab;
mod time;
mod wheel;

pub use count::{Count, Counters};
pub(crate) use fault::broken;
pub use hash::{SeededMap, SeededSet};
pub use ids::{CallId, ConnId, ReceiptId, ShardId, SocketId};
pub use limits::Limits;
pub use pace::Pace;
pub use rng::{Rng, Seed};
pub use slab::{Slab, Table};
pub use time::{Span, Time, UnixTime};
pub use wheel::Wheel;
