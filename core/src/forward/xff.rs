//! `X-Forwarded-For` (FWD-43).

use core::net::IpAddr;

use bytes::Bytes;
use thiserror::Error;

use crate::message::Fields;

/// The rules of `x_forwarded_for`: a list of `truncate:N` and `append`. Whatever their order, what came is
/// cut first, and then the peer is added.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct XffRule {
    /// How many entries are kept, from the end; all if it is not said.
    truncate: Option<usize>,
    /// Whether the peer's address is added.
    append: bool,
}

/// Why a rule is refused.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[error("unknown X-Forwarded-For rule {0:?}")]
pub struct XffRuleError(pub String);

impl XffRule {
    /// The value to forward; `None` if nothing is left to say.
    pub(super) fn value(self, fields: &Fields, peer: Option<IpAddr>) -> Option<Bytes> {
        let mut value = Vec::new();
        for entry in self.kept(fields) {
            append(&mut value, entry);
        }
        if let Some(peer) = peer.filter(|_| self.append) {
            append(&mut value, peer.to_canonical().to_string().as_bytes());
        }
        (!value.is_empty()).then(|| value.into())
    }

    /// Who the client is: the first entry that survives a rule; without a rule anybody could have written
    /// it, so it is the peer (FWD-44).
    pub(super) fn client(self, fields: &Fields, peer: Option<IpAddr>) -> Option<IpAddr> {
        if self == Self::default() {
            return peer;
        }
        let claimed = self.kept(fields).next();
        let address = claimed.and_then(|entry| core::str::from_utf8(entry).ok()?.parse().ok());
        address.or(peer)
    }

    fn kept(self, fields: &Fields) -> impl Iterator<Item = &[u8]> {
        let entries = || fields.tokens(NAME);
        let cut = self.truncate.map_or(0, |keep| entries().count().saturating_sub(keep));
        entries().skip(cut)
    }
}

impl core::str::FromStr for XffRule {
    type Err = XffRuleError;

    fn from_str(text: &str) -> Result<Self, XffRuleError> {
        let mut rule = Self::default();
        for word in text.split(',').map(str::trim).filter(|word| !word.is_empty()) {
            let count = word.strip_prefix("truncate:").and_then(|count| count.parse().ok());
            match (word, count) {
                ("append", _) => rule.append = true,
                (_, Some(count)) => rule.truncate = Some(count),
                _ => return Err(XffRuleError(word.to_owned())),
            }
        }
        Ok(rule)
    }
}

/// The field's name.
pub(super) const NAME: &str = "X-Forwarded-For";

fn append(list: &mut Vec<u8>, entry: &[u8]) {
    if !list.is_empty() {
        list.extend_from_slice(b", ");
    }
    list.extend_from_slice(entry);
}
