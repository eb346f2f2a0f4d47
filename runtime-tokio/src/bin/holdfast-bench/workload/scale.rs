//! How large and how long.

use std::time::Duration;

/// How large and how long.
pub struct Scale {
    /// Repeats of everything; medians are reported.
    pub repeats: usize,
    /// Length of a timed phase.
    pub span: Duration,
    /// Numbers of held connections whose memory is measured.
    pub held: &'static [usize],
    /// How long servers may sort themselves out before their memory is looked at.
    pub settle: Duration,
    /// How long after held connections have left their memory is looked at again, if at all: allocators give it
    /// back slowly.
    pub left: Option<Duration>,
    /// How long Pushpin has before a fan-out: it asks the origin again a second or more after a channel's first
    /// subscription.
    pub again: Duration,
    /// Numbers of streams of a fan-out.
    pub fans: &'static [usize],
    /// Connections of the plain workload.
    pub plain: &'static [usize],
}

impl Scale {
    /// For the table in the README.
    pub fn full() -> Self {
        Self {
            repeats: 5,
            span: Duration::from_secs(3),
            held: &[1000, 15_000],
            settle: Duration::from_millis(1500),
            left: Some(Duration::from_secs(40)),
            again: Duration::from_secs(4),
            fans: &[1000, 10_000],
            plain: &[1, 64, 256],
        }
    }

    /// For a look.
    pub fn quick() -> Self {
        Self {
            repeats: 1,
            span: Duration::from_secs(1),
            held: &[1000],
            settle: Duration::from_millis(500),
            left: None,
            again: Duration::from_secs(2),
            fans: &[1000],
            plain: &[64],
        }
    }
}
