//! Every bound of the core, with its unit and default.

use super::Span;

/// Bounds. [`Limits::default`] gives the documented defaults; those that a configuration key sets name it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Bytes of a request line with its headers, or of an origin's status line with its headers
    /// (`client_buffer_size`).
    pub head_bytes: usize,
    /// Header lines of one message.
    pub head_fields: usize,
    /// Body bytes of a response that carries GRIP instructions and must be read whole.
    pub instruct_bytes: usize,
    /// Channels of one hold (`connection_subscription_max`).
    pub channels_per_hold: usize,
    /// Filters of one channel.
    pub filters_per_channel: usize,
    /// Bytes that may wait for one slow stream client before it is cut.
    pub backlog_bytes: u64,
    /// Time an origin may take to begin its answer.
    pub origin_timeout: Span,
    /// Time a response hold waits when the instruct does not say.
    pub hold_timeout: Span,
    /// Shortest time a response hold waits, whatever the instruct says.
    pub hold_timeout_min: Span,
    /// How long an item's id is remembered to recognise a duplicate (`id_cache_ttl`); zero is off.
    pub id_ttl: Span,
    /// How many item ids are remembered at most; the oldest are forgotten first.
    pub id_cache: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            head_bytes: 8192,
            head_fields: 100,
            instruct_bytes: 100_000,
            channels_per_hold: 20,
            filters_per_channel: 5,
            backlog_bytes: 4 << 20,
            origin_timeout: Span::from_secs(60),
            hold_timeout: Span::from_secs(55),
            hold_timeout_min: Span::from_secs(5),
            id_ttl: Span::ZERO,
            id_cache: 1_000_000,
        }
    }
}
