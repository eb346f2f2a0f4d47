//! A list of times with its quantiles.

use std::time::Duration;

/// Measured times.
#[derive(Clone, Debug, Default)]
pub struct Latencies(Vec<u64>);

impl Latencies {
    /// Adds one.
    pub fn add(&mut self, time: Duration) {
        self.0.push(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX));
    }

    /// Adds all of `other`.
    pub fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The time below which `part` (0 to 1) of them lie, in milliseconds.
    pub fn quantile(&mut self, part: f64) -> f64 {
        self.0.sort_unstable();
        let at = (self.0.len().saturating_sub(1) as f64 * part).round() as usize;
        self.0.get(at).map_or(f64::NAN, |nanos| *nanos as f64 / 1e6)
    }
}
