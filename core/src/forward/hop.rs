//! Fields that belong to one connection and not to the message (FWD-34, FWD-35, FWD-61, FWD-63).

use bytes::Bytes;

use crate::message::{Field, Fields};

/// Whether a field never crosses the proxy, in either direction.
pub(super) fn is_hop(field: &Field) -> bool {
    HOP_BY_HOP.iter().any(|name| field.is(name))
}

const HOP_BY_HOP: [&str; 7] = [
    "Connection",
    "Keep-Alive",
    "Proxy-Connection",
    "TE",
    "Trailer",
    "Transfer-Encoding",
    "Upgrade",
];

/// The fields that a message's `Connection` names as its own.
pub(super) struct Named(Vec<Bytes>);

impl Named {
    pub(super) fn by(fields: &Fields) -> Self {
        let values = fields.all("Connection");
        Self(values.flat_map(|value| tokens(value).map(|token| value.slice_ref(token))).collect())
    }

    pub(super) fn has(&self, field: &Field) -> bool {
        self.0.iter().any(|name| field.name.eq_ignore_ascii_case(name))
    }
}

/// What a `Connection` field names, but for the two words that stand in most of them and name nothing
/// that is left to remove: usually nothing, and no allocation.
fn tokens(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    const USUAL: [&[u8]; 2] = [b"close", b"keep-alive"];
    value
        .split(|&byte| byte == b',')
        .map(<[u8]>::trim_ascii)
        .filter(|token| !token.is_empty())
        .filter(|token| !USUAL.iter().any(|usual| token.eq_ignore_ascii_case(usual)))
}
