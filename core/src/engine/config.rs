//! What an engine is configured with.

use crate::forward::Policy;
use crate::ground::Limits;
use crate::route::Table;

/// The configuration of a shard; shared, replaced as a whole.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// Where requests go.
    pub routes: Table,
    /// How forwarded requests are changed.
    pub policy: Policy,
    /// Bounds.
    pub limits: Limits,
}
