//! What a socket is subscribed to, by name (CTL-10 to CTL-14, CTL-25).

use super::Setup;

/// The channels of one socket: those of its target, which cannot be left, and those its backend named.
#[derive(Debug, Default)]
pub(super) struct Channels {
    named: Vec<Box<str>>,
}

/// There are as many channels as there may be (CTL-11).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Full;

impl Channels {
    /// Adds a channel and gives its full name. One that is there already always has room.
    pub(super) fn add(
        &mut self,
        setup: &Setup,
        channel: &str,
        limit: usize,
    ) -> Result<String, Full> {
        let name = full(setup, channel);
        if !is_fixed(setup, &name) && !self.named.iter().any(|named| **named == *name) {
            if self.named.len() + setup.target.subs.len() >= limit {
                return Err(Full);
            }
            // Most have but one.
            self.named.reserve_exact(usize::from(self.named.is_empty()));
            self.named.push(name.as_str().into());
        }
        Ok(name)
    }

    /// Removes a channel and gives its full name, if it was there and can be left (CTL-13).
    pub(super) fn remove(&mut self, setup: &Setup, channel: &str) -> Option<String> {
        let name = full(setup, channel);
        let at = self.named.iter().position(|named| **named == *name)?;
        self.named.remove(at);
        Some(name)
    }
}

fn full(setup: &Setup, channel: &str) -> String {
    format!("{}{channel}", setup.route.prefix)
}

fn is_fixed(setup: &Setup, name: &str) -> bool {
    setup.target.subs.iter().any(|fixed| fixed == name)
}
