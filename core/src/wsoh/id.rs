//! The name of a connection towards its backend.

use core::fmt;

use bytes::Bytes;

/// What `Connection-Id` says: a UUID, the same for the whole connection (WOH-1).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ConnectionId([u8; 16]);

impl ConnectionId {
    /// The id made of random bytes, which the caller draws: whoever guesses it must not gain by it.
    pub const fn from_random(mut bytes: [u8; 16]) -> Self {
        // A UUID says which kind it is: version 4, random (RFC 9562 5.4).
        bytes[6] = (bytes[6] & 0x0f) | 0x40;
        bytes[8] = (bytes[8] & 0x3f) | 0x80;
        Self(bytes)
    }

    /// The id as a header value.
    pub fn to_bytes(self) -> Bytes {
        self.to_string().into()
    }
}

impl fmt::Display for ConnectionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, byte) in self.0.iter().enumerate() {
            let dash = if matches!(at, 4 | 6 | 8 | 10) { "-" } else { "" };
            write!(f, "{dash}{byte:02x}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for ConnectionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn woh_1_an_id_is_a_uuid_in_lower_case() {
        let id = ConnectionId::from_random([0xab; 16]).to_string();
        assert_eq!(id, "abababab-abab-4bab-abab-abababababab");
        assert_eq!(id.len(), 36);
    }
}
