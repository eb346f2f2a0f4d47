//! Reading the frames of a WebSocket, the same for clients and origins.

use holdfast_core::engine::SocketFrame;
use holdfast_core::ws::{Decoder, Received, Violation};

/// Reads all there is in `input`; says how much of it is done with, and whether the peer has kept to the
/// protocol.
pub(crate) fn decode(
    decoder: &mut Decoder,
    input: &mut [u8],
    frames: &mut Vec<SocketFrame>,
) -> (usize, Result<(), Violation>) {
    let mut at = 0;
    loop {
        match decoder.receive(input.get_mut(at..).unwrap_or_default()) {
            Ok(Received { consumed, event }) => {
                at += consumed;
                let Some(event) = event else { return (at, Ok(())) };
                frames.push(event.into());
            }
            Err(violation) => return (at, Err(violation)),
        }
    }
}
