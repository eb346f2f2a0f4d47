//! How long a body is, as known when its head goes out.

/// The length of a message body, known or not.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BodySize {
    /// There is no body and no length is announced.
    Empty,
    /// Exactly this many bytes; zero is an announced empty body.
    Known(u64),
    /// The end is marked when it comes.
    Unknown,
}
