//! L3, the machine of one client request, from its head until it is relayed, answered or held.
//!
//! ```text
//!             forward            head is no instruct
//!  request ──────────▶ Asked ─────────────────────────▶ relayed (the engine forgets it)
//!                       │ ▲ next target
//!        instruct, whole│ └──┘            body complete
//!                       ├───────▶ Collecting ──────────▶ answered, or Polling, or Streaming
//!    a body stays open  │                                    ▲ │ retry
//!                       └───────▶ Streaming                  └─┘
//!                                  ▲ │ page
//!                                  └─┘
//! ```

mod asked;
mod errand;
mod filtering;
mod guise;
mod place;
mod polling;
mod refusal;
mod streaming;
mod test_origin;

pub use asked::{Asked, Verdict, Within};
pub use errand::Errand;
pub use filtering::Filtering;
pub use guise::Wrapping;
pub use place::{LinkError, Place};
pub use polling::{Polling, Retry};
pub use refusal::{Refusal, Refused};
pub use streaming::{Body, Change, Guide, Next, Offered, Source, Streaming, Trail, Work};

use crate::ground::SocketId;

/// Where a request stands.
#[derive(Debug)]
pub enum Exchange {
    /// Forwarded; the origin has not answered yet.
    Asked(Box<Asked>),
    /// The origin answered with instructions; its body is being read whole.
    Collecting(Box<Collecting>),
    /// Held until an item answers it.
    Polling(Box<Polling>),
    /// Answered with a body that stays open.
    Streaming(Streaming),
    /// The client's side of a WebSocket, or of what may become one.
    Socket(SocketId),
}

/// A request whose instruct is being read.
#[derive(Debug)]
pub struct Collecting {
    /// The request.
    pub asked: Asked,
    /// The head of the instruct.
    pub head: crate::message::ResponseHead,
}
