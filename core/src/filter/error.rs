//! Why a filter fails.

use thiserror::Error;

/// Why a filter fails: the item does not reach that session. The text, one line, is for debug mode and the
/// log.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum FilterError {
    /// The subscription's meta has no `id_format` (FILT-7).
    #[error("build-id: no id_format")]
    NoIdFormat,
    /// `id_encoding` is something else than `hex` (FILT-4).
    #[error("build-id: unknown id_encoding {0:?}")]
    UnknownEncoding(String),
    /// A channel in `id_format` has no position in this session (FILT-7).
    #[error("build-id: no position on channel {0:?}")]
    NoPosition(String),
    /// The subscription's meta has no such name (FILT-8).
    #[error("var-subst: no variable {0:?}")]
    UnknownVariable(String),
    /// A percent sign begins nothing that means something here (FILT-7, FILT-8).
    #[error("unknown directive ending in {0:?}")]
    UnknownDirective(char),
    /// The text ends within a directive (FILT-7).
    #[error("text ends within a directive")]
    OpenDirective,
    /// What stands in the parentheses of a directive is longer than the limit, in bytes.
    #[error("a directive with more than {0} bytes in parentheses")]
    LongDirective(usize),
    /// The filter would add more than the limit, in bytes.
    #[error("more than {0} bytes added")]
    Growth(usize),
    /// The subscription's meta has no `url` (FILT-12).
    #[error("no url to ask")]
    NoUrl,
    /// The backend answered with a status that says neither yes nor no (FILT-12).
    #[error("asked, and got status {0}")]
    Status(u16),
    /// The backend's answer is longer than the limit, in bytes (FILT-12).
    #[error("asked, and got more than {0} bytes")]
    LongAnswer(usize),
    /// The backend could not be asked, or did not answer in time (FILT-12).
    #[error("asked, and got no answer")]
    NoAnswer,
    /// The subscription's `url` leads nowhere, or where links must not lead (FILT-12).
    #[error("url to ask leads nowhere")]
    BadUrl,
}
