//! L2, bookkeeping: who is subscribed to what, and what waits for whom.

mod index;
mod queue;

pub use index::{ChannelKey, Index, Kind, SubKey, Subscription, Subscriptions};
pub use queue::{Full, Queue};
