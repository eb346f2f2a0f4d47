//! L2, bookkeeping: who is subscribed to what, and what waits for whom.

mod index;
mod last;
mod queue;

pub use index::{
    ChannelKey, Index, Kind, Lane, Linger, SubKey, Subscribed, Subscription, Subscriptions,
};
pub use last::LastIds;
pub use queue::{Full, Queue};
