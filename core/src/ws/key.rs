//! The keys of the handshake (RFC 6455 sections 4.1 and 4.2.2).

use base64::Engine as _;
use base64::alphabet;
use base64::engine::GeneralPurpose;
use base64::engine::general_purpose::{PAD, STANDARD};
use bytes::Bytes;
use sha1::{Digest as _, Sha1};

/// What is hashed with a key, so that only who speaks WebSocket can answer.
const SUFFIX: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// The last character of a key has bits to spare, and some clients leave something in them.
const LENIENT: GeneralPurpose =
    GeneralPurpose::new(&alphabet::STANDARD, PAD.with_decode_allow_trailing_bits(true));

/// Whether `key` is 16 bytes in base64.
pub(super) fn is_key(key: &[u8]) -> bool {
    let mut bytes = [0; 18];
    key.len() == 24 && LENIENT.decode_slice(key, &mut bytes) == Ok(16)
}

/// A key of these bytes.
pub(super) fn key(nonce: [u8; 16]) -> Bytes {
    STANDARD.encode(nonce).into()
}

/// What answers `key`.
pub(super) fn accept(key: &[u8]) -> Bytes {
    spelled(digest(key))
}

/// The bytes of the answer to `key`.
pub(super) fn digest(key: &[u8]) -> [u8; 20] {
    Sha1::new().chain_update(key).chain_update(SUFFIX).finalize().into()
}

/// The answer of these bytes.
pub(super) fn spelled(digest: [u8; 20]) -> Bytes {
    STANDARD.encode(digest).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_is_that_of_the_rfc() {
        assert_eq!(accept(b"dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        assert_eq!(key(*b"the sample nonce"), "dGhlIHNhbXBsZSBub25jZQ==");
    }

    #[test]
    fn ws_3_a_key_is_16_bytes() {
        assert!(is_key(b"dGhlIHNhbXBsZSBub25jZQ=="));
        assert!(is_key(b"AQIDBAUGBwgJCgsMDQ4PEC=="), "bits to spare");
        for bad in [
            "",
            "abc",
            "dGhlIHNhbXBsZSBub25jZQ",
            "dGhlIHNhbXBsZSBub25jZQ= ",
            "dGhlIHNhbXBsZSBub25jZSE=",
            "dGhlIHNhbXBsZSBub25jZSEh",
            "dGhlIHNhbXBsZSBub25j!Q==",
            "dGhlIHNhbXBsZSBub25jZQ==dGhlIHNhbXBsZSBub25jZQ==",
        ] {
            assert!(!is_key(bad.as_bytes()), "{bad}");
        }
    }
}
