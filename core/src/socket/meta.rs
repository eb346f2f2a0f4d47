//! What a backend said for filters (CTL-15).

/// Names with their values, in the order in which they were first named.
#[derive(Debug, Default)]
pub(super) struct Meta(Vec<(String, String)>);

/// All names and values together are larger than the limit, in bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Full(pub(super) usize);

/// What a pair costs beside its text, so that empty values have a limit as well.
const OVERHEAD: usize = 32;

impl Meta {
    /// Sets a value, or removes it.
    pub(super) fn set(
        &mut self,
        name: String,
        value: Option<String>,
        max: usize,
    ) -> Result<(), Full> {
        let at = self.0.iter().position(|(known, _)| *known == name);
        match (at, value) {
            (Some(at), Some(value)) => {
                if let Some(pair) = self.0.get_mut(at) {
                    pair.1 = value;
                }
            }
            (Some(at), None) => {
                self.0.remove(at);
            }
            (None, Some(value)) => self.0.push((name, value)),
            (None, None) => {}
        }
        let size: usize =
            self.0.iter().map(|(name, value)| name.len() + value.len() + OVERHEAD).sum();
        if size > max { Err(Full(max)) } else { Ok(()) }
    }

    /// All pairs.
    pub(super) fn pairs(&self) -> &[(String, String)] {
        &self.0
    }
}
