//! JSON Pointers (RFC 6901).

use super::OperationError;

/// A way into a document.
#[derive(PartialEq, Eq, Debug)]
pub(super) struct Pointer(Vec<String>);

/// Parts of a pointer: as deep as a JSON text may be nested.
const PARTS_MAX: usize = 128;

impl Pointer {
    pub(super) const fn root() -> Self {
        Self(Vec::new())
    }

    /// `None` if it is no pointer.
    pub(super) fn parse(text: &str) -> Option<Self> {
        if text.is_empty() {
            return Some(Self::root());
        }
        let parts = text.strip_prefix('/')?.split('/');
        let parts: Vec<String> = parts.map(part).take(PARTS_MAX + 1).collect::<Option<_>>()?;
        (parts.len() <= PARTS_MAX).then_some(Self(parts))
    }

    pub(super) fn parts(&self) -> &[String] {
        &self.0
    }

    /// The key or index at the end.
    pub(super) fn last(&self) -> Option<&str> {
        self.0.last().map(String::as_str)
    }

    /// Whether `deeper` lies within what this names.
    pub(super) fn leads_to(&self, deeper: &Self) -> bool {
        deeper.0.len() > self.0.len() && deeper.0.starts_with(&self.0)
    }
}

/// Undoes `~0` and `~1`; nothing else may follow a `~`.
fn part(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(char) = chars.next() {
        out.push(match char {
            '~' => match chars.next()? {
                '0' => '~',
                '1' => '/',
                _ => return None,
            },
            char => char,
        });
    }
    Some(out)
}

/// The place in an array that a part names: decimal digits without a leading zero.
pub(super) fn index(part: &str) -> Result<usize, OperationError> {
    let plain = part == "0" || !part.starts_with(['0', '+']);
    part.parse().ok().filter(|_| plain).ok_or(OperationError::NoPlace)
}
