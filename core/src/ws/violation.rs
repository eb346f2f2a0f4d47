//! What a peer does wrong.

use thiserror::Error;

use super::CloseCode;

/// A peer breaks the protocol. Nothing more is read of it: answer with a close frame that has
/// [`Violation::code`], then end the connection (WS-26, WS-27).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum Violation {
    /// A client's frame is not masked.
    #[error("frame is not masked")]
    Unmasked,
    /// A backend's frame is masked.
    #[error("frame is masked")]
    Masked,
    /// A reserved bit is set that no extension uses.
    #[error("reserved bit is set")]
    Reserved,
    /// The opcode means nothing.
    #[error("opcode {0} is unknown")]
    Opcode(u8),
    /// A length is not written in the shortest way, or has more than 63 bits.
    #[error("bad length")]
    Length,
    /// A control frame is longer than 125 bytes.
    #[error("control frame is too long")]
    ControlTooLong,
    /// A control frame is only a fragment.
    #[error("control frame is fragmented")]
    ControlFragmented,
    /// A fragment continues no message.
    #[error("fragment without a beginning")]
    Stray,
    /// A message begins before the one before it has ended.
    #[error("message within a message")]
    Nested,
    /// A close frame has half a code.
    #[error("close frame of one byte")]
    CloseLength,
    /// A close code that may not be on the wire.
    #[error("close code {0} is not allowed")]
    CloseCode(u16),
    /// A close reason is not UTF-8.
    #[error("close reason is not UTF-8")]
    CloseReason,
    /// A text is not UTF-8.
    #[error("text is not UTF-8")]
    Text,
    /// A message is larger than whoever needs it whole can take.
    #[error("message is too large")]
    TooLarge,
}

impl Violation {
    /// The close code that answers.
    pub const fn code(self) -> CloseCode {
        match self {
            Self::CloseReason | Self::Text => CloseCode::INVALID_PAYLOAD,
            Self::TooLarge => CloseCode::TOO_BIG,
            Self::Unmasked
            | Self::Masked
            | Self::Reserved
            | Self::Opcode(_)
            | Self::Length
            | Self::ControlTooLong
            | Self::ControlFragmented
            | Self::Stray
            | Self::Nested
            | Self::CloseLength
            | Self::CloseCode(_) => CloseCode::PROTOCOL_ERROR,
        }
    }
}
