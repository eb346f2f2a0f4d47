//! An item about which a filter asks the backend (FILT-12 to FILT-14).

use crate::ground::CallId;
use crate::hold::{Ask, Waiting};

/// A filter's question, and whatever came behind the item that it is about.
#[derive(Debug)]
pub struct Filtering {
    /// The question.
    pub ask: Ask,
    /// The request, once it is its turn.
    pub call: Option<CallId>,
    /// Items that wait; those of a stream wait with the stream itself.
    pub waiting: Waiting,
}

impl Filtering {
    /// A question that waits for its turn.
    pub fn new(ask: Ask) -> Self {
        Self { ask, call: None, waiting: Waiting::default() }
    }
}
