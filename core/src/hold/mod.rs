//! L3, the machines of a held request: what it waits for and what it does with an item. They are told
//! what happened and answer with what shall be done; who is subscribed to what is not their business.

mod response;
mod stream;

pub use response::{ResponseHold, overlay};
pub use stream::{Opening, StreamHold, Woken};

/// A request that is held open.
#[derive(Debug)]
pub enum Hold {
    /// Long-polling.
    Response(ResponseHold),
    /// Streaming.
    Stream(StreamHold),
}
