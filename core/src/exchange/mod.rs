//! L3, the machine of one client request, from its head until it is relayed, answered or held.
//!
//! ```text
//!             forward            head is no instruct
//!  request ──────────▶ Asked ─────────────────────────▶ relayed (the engine forgets it)
//!                       │ ▲ next target
//!        instruct, whole│ └──┘            body complete
//!                       ├───────▶ Collecting ──────────▶ answered, or Held
//!        stream, at once│                  body complete
//!                       └───────▶ Opening ─────────────▶ Held
//! ```

mod asked;
mod test_origin;

pub use asked::{Asked, Refusal, Verdict};

use crate::hold::{Hold, Opening};

/// Where a request stands.
#[derive(Debug)]
pub enum Exchange {
    /// Forwarded; the origin has not answered yet.
    Asked(Box<Asked>),
    /// The origin answered with instructions; its body is being read whole.
    Collecting(Box<Collecting>),
    /// A stream whose first body is being passed on.
    Opening(Box<Opening>),
    /// Held.
    Held(Hold),
}

/// A request whose instruct is being read.
#[derive(Debug)]
pub struct Collecting {
    /// The request.
    pub asked: Asked,
    /// The head of the instruct.
    pub head: crate::message::ResponseHead,
}
