//! What the tests of filters share.

use super::Session;

/// A session on these channels, some with a position.
#[derive(Debug)]
pub(super) struct Channels<'a>(pub(super) &'a [(&'a str, Option<&'a str>)]);

impl Session for Channels<'_> {
    fn is_subscribed(&self, channel: &str) -> bool {
        self.0.iter().any(|(name, _)| *name == channel)
    }

    fn position(&self, channel: &str) -> Option<&str> {
        self.0.iter().find(|(name, _)| *name == channel).and_then(|(_, position)| *position)
    }
}

pub(super) fn pairs(meta: &[(&str, &str)]) -> Vec<(String, String)> {
    meta.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect()
}
