//! What can be wrong with a line of a routes file.

use thiserror::Error;

use crate::grip::KeyError;

/// Why a line is skipped.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum LineError {
    /// A quote is not closed (ROUTE-6).
    #[error("unterminated quote")]
    Quote,
    /// In quotes a backslash stands before something else than a quote or a backslash (ROUTE-6).
    #[error("unknown escape \\{0}")]
    Escape(char),
    /// There is nothing between two commas, or after the last (ROUTE-6).
    #[error("empty property")]
    EmptyProperty,
    /// There is nothing before a `=` (ROUTE-6).
    #[error("property without a name: ={0}")]
    NamelessProperty(String),
    /// There is only a condition (ROUTE-8).
    #[error("no target")]
    NoTarget,
    /// The value of a property is not one that it can have (ROUTE-25).
    #[error("{property} cannot be {value:?}")]
    Value {
        /// The property.
        property: String,
        /// The value.
        value: String,
    },
    /// A target is neither `host:port`, `[ipv6]:port` nor `test` (ROUTE-40).
    #[error("{0:?} is no target; expected host:port, [ipv6]:port or test")]
    Target(String),
    /// A `header` is not `Name: value`.
    #[error("{0:?} is no header; expected Name: value")]
    Header(String),
    /// A key is unusable (SIG-5).
    #[error("sig_key: {0}")]
    Key(#[from] KeyError),
    /// The file of a key cannot be read (SIG-5).
    #[error("sig_key: cannot read {path}: {why}")]
    KeyFile {
        /// The path as written.
        path: String,
        /// What the reader said.
        why: String,
    },
    /// Ignoring this would change where requests go or how.
    #[error("{0} is not supported yet")]
    Unsupported(String),
}

/// What is odd in a line that loads.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum Warning {
    /// A property that does not exist (ROUTE-9).
    #[error("unknown property {0:?}")]
    UnknownProperty(String),
    /// A property that is known but does nothing yet.
    #[error("{0} has no effect yet")]
    NoEffect(String),
    /// A flag with a value that switches it off (ROUTE-10).
    #[error("{0} is off; leave it out instead")]
    FlagOff(String),
    /// A number that is none, and counts as zero.
    #[error("{property}: {value:?} is no number, taken as 0")]
    NotANumber {
        /// The property.
        property: String,
        /// The value.
        value: String,
    },
    /// A tab separates; it is taken as a space (ROUTE-2).
    #[error("tab taken as a space")]
    Tab,
    /// A host that no request can have: there are no wildcards but `*`, and no ports (ROUTE-21).
    #[error("no request has the host {0:?}: only whole names match, without port")]
    StrangeHost(String),
    /// A condition without host and without id (ROUTE-31).
    #[error("route without host and id is never used")]
    Unreachable,
    /// The condition of an earlier line; this line is dropped (ROUTE-29).
    #[error("duplicate condition, line dropped")]
    DuplicateCondition,
    /// The id of an earlier line; no request can name it now (ROUTE-32).
    #[error("id {0:?} is used twice and cannot be looked up")]
    SharedId(String),
}
