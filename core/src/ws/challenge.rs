//! Our handshake with a backend (RFC 6455 sections 4.1 and 4.2).

use bytes::Bytes;
use http::StatusCode;
use thiserror::Error;

use super::key;
use super::upgrade::{ACCEPT, EXTENSIONS, KEY, VERSION, VERSION_13, put};
use crate::message::{Fields, ResponseHead};

/// What we ask a backend, and know how to answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Challenge {
    key: Bytes,
}

/// What a backend says 101 with is no WebSocket (WS-12).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum NotAccepted {
    /// The status is not 101.
    #[error("status is not 101")]
    Status,
    /// `Upgrade` does not name it.
    #[error("no websocket in Upgrade")]
    Upgrade,
    /// `Connection` does not say that the protocol changes.
    #[error("no upgrade in Connection")]
    Connection,
    /// The answer is none to our key.
    #[error("Sec-WebSocket-Accept does not match")]
    Accept,
}

impl Challenge {
    /// A challenge of 16 random bytes.
    pub fn new(nonce: [u8; 16]) -> Self {
        Self { key: key::key(nonce) }
    }

    /// Makes an upgrade of a request that is on its way to a backend: what the client said of its own handshake
    /// goes, but for `Sec-WebSocket-Protocol` (WS-6), and ours comes (NAT-1). `grip`: the extension is offered
    /// (WS-7).
    pub fn pose(&self, fields: &mut Fields, grip: bool) {
        const THEIRS: [&str; 5] = ["Upgrade", "Connection", KEY, VERSION, EXTENSIONS];
        fields.retain(|field| !THEIRS.iter().any(|name| field.is(name)));
        put(fields, "Upgrade", "websocket");
        put(fields, "Connection", "Upgrade");
        put(fields, VERSION, VERSION_13);
        fields.push(KEY.as_bytes(), self.key.clone());
        if grip {
            put(fields, EXTENSIONS, "grip");
        }
    }

    /// Checks that a backend's answer is an acceptance (NAT-2).
    ///
    /// # Errors
    /// Why it is none.
    pub fn check(&self, head: &ResponseHead) -> Result<(), NotAccepted> {
        let fields = &head.fields;
        let mut accepts = fields.all(ACCEPT);
        if head.status != StatusCode::SWITCHING_PROTOCOLS {
            Err(NotAccepted::Status)
        } else if !fields.has_token("Upgrade", "websocket") {
            Err(NotAccepted::Upgrade)
        } else if !fields.has_token("Connection", "upgrade") {
            Err(NotAccepted::Connection)
        } else if (accepts.next(), accepts.next()) != (Some(&key::accept(&self.key)), None) {
            Err(NotAccepted::Accept)
        } else {
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nat_1_ws_6_ws_7_the_request_has_our_handshake() {
        let client = [
            ("Host", "h"),
            ("sec-websocket-key", "theirs"),
            ("Sec-WebSocket-Protocol", "chat"),
            ("sec-websocket-version", "13"),
            ("Cookie", "a=b"),
            ("sec-websocket-extensions", "permessage-deflate"),
            ("upgrade", "websocket"),
            ("connection", "upgrade"),
        ];
        let expected = [
            ("Host", "h"),
            ("Sec-WebSocket-Protocol", "chat"),
            ("Cookie", "a=b"),
            ("Upgrade", "websocket"),
            ("Connection", "Upgrade"),
            ("Sec-WebSocket-Version", "13"),
            ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ];
        let mut fields: Fields = client.into_iter().collect();
        challenge().pose(&mut fields, false);
        assert_eq!(fields, expected.into_iter().collect());
        challenge().pose(&mut fields, true);
        let grip = [("Sec-WebSocket-Extensions", "grip")];
        assert_eq!(fields, expected.into_iter().chain(grip).collect());
    }

    #[test]
    fn nat_2_the_answer_must_fit() {
        let check = |status: StatusCode, changes: &[(&'static str, &'static str)]| {
            let mut head = ResponseHead::new(status);
            put(&mut head.fields, "upgrade", "WebSocket");
            put(&mut head.fields, "connection", "upgrade");
            put(&mut head.fields, "sec-websocket-accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
            changes.iter().for_each(|(name, value)| head.fields.set(name, *value));
            challenge().check(&head)
        };
        let switching = StatusCode::SWITCHING_PROTOCOLS;
        assert_eq!(check(switching, &[]), Ok(()));
        assert_eq!(check(StatusCode::OK, &[]), Err(NotAccepted::Status));
        assert_eq!(check(switching, &[("Upgrade", "h2c")]), Err(NotAccepted::Upgrade));
        assert_eq!(check(switching, &[("Connection", "close")]), Err(NotAccepted::Connection));
        for accept in ["", "x", "S3pPLMBiTxaQ9kYGzzhZRbK+xOo=", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo"] {
            assert_eq!(check(switching, &[(ACCEPT, accept)]), Err(NotAccepted::Accept), "{accept}");
        }
    }

    fn challenge() -> Challenge {
        Challenge::new(*b"the sample nonce")
    }
}
