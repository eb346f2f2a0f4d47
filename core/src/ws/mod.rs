//! WebSocket on the wire, without the wire: bytes in, events and bytes out (RFC 6455).
//!
//! [`Upgrade`] judges a client's handshake and [`Challenge`] leads ours with a backend. After that a
//! [`Decoder`] reads one direction of a connection and a [`Sender`] writes the other, the same for both
//! roles. Neither holds a buffer: data goes through in the pieces in which it came, so that a message of any
//! size passes a proxy at the cost of a read. Who needs whole messages joins them with an [`Assembler`].
//!
//! No extension that changes frames is spoken; where `permessage-deflate` would come in, [`Header`] takes the
//! [`Reserved`] bits that are in use.

mod assembler;
mod challenge;
mod close;
mod decoder;
mod extensions;
mod frame;
mod key;
mod mask;
mod sender;
mod upgrade;
mod utf8;
mod violation;

pub use assembler::{Assembler, Message};
pub use challenge::{Challenge, NotAccepted};
pub use close::{Close, CloseCode, ForbiddenCode, REASON_MAX};
pub use decoder::{Decoder, Event, Piece, Received};
pub use extensions::{Prefix, grip_element, grip_prefix, lacks_prefix};
pub use frame::{CONTROL_MAX, HEADER_MAX, Header, Opcode, Reserved};
pub use mask::Mask;
pub use sender::{Sender, render};
pub use upgrade::{Accept, Upgrade, remove_handshake};
pub use violation::Violation;

/// Which end of a connection we are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    /// Towards a client: what it sends is masked, what we send is not.
    Server,
    /// Towards a backend: the other way round.
    Client,
}

/// What a message is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// UTF-8.
    Text,
    /// Any bytes.
    Binary,
}
