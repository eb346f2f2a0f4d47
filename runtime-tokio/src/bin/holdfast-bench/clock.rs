//! One monotonic clock for the sending and the receiving side, which are one process.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

static BEGIN: OnceLock<Instant> = OnceLock::new();

/// Nanoseconds since the first call.
pub fn now() -> u64 {
    u64::try_from(BEGIN.get_or_init(Instant::now).elapsed().as_nanos()).unwrap_or(u64::MAX)
}

/// The time since `then`, which [`now`] gave.
pub fn since(then: u64) -> Duration {
    Duration::from_nanos(now().saturating_sub(then))
}
