//! Why an instruct is refused.

use thiserror::Error;

use crate::json::Misfit;

/// Why an instruct is refused. The client gets 502 (ERR-1); the text, one line, is for debug mode and
/// the log.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum InstructError {
    /// A header breaks its grammar.
    #[error("{header}: {why}")]
    Header {
        /// The header's name.
        header: &'static str,
        /// What is wrong.
        why: HeaderError,
    },
    /// The body of a JSON instruct breaks its grammar (INS-1).
    #[error("instruct body: {0}")]
    Body(#[from] Misfit),
    /// A JSON instruct came with another status than 200 (ACT-3).
    #[error("instruct body: needs status 200, not {0}")]
    BodyStatus(u16),
}

/// What is wrong with the value of a GRIP header.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum HeaderError {
    /// Text must be UTF-8, but for channels and meta variables.
    #[error("not UTF-8")]
    NotUtf8,
    /// A quote opens and does not close (PARM-4).
    #[error("a quote does not close")]
    OpenQuote,
    /// Something stands between a closing quote and the next separator (PARM-4).
    #[error("text after a closing quote")]
    AfterQuote,
    /// It is not a decimal number, zero or more (PARM-6).
    #[error("not a decimal number of 0 or more")]
    NotDecimal,
    /// `Grip-Hold` says something else (HOLD-1).
    #[error("neither response nor stream")]
    UnknownHold,
    /// `Grip-Status` begins with something that cannot answer a request (HOLD-2).
    #[error("not a status code from 200 to 599")]
    NotAStatus,
    /// A reason phrase has a control character (INS-9).
    #[error("has a control character")]
    NotFieldText,
    /// A channel has more filters than the limit (CHAN-5).
    #[error("more than {0} filters on one channel")]
    TooManyFilters(usize),
    /// `Grip-Keep-Alive` has nothing to send (KEEP-1).
    #[error("no data")]
    NoData,
    /// The format of the keep-alive data is unknown (KEEP-1).
    #[error("format is none of raw, cstring, base64")]
    UnknownFormat,
    /// The keep-alive mode is unknown (KEEP-1).
    #[error("mode is neither idle nor interval")]
    UnknownMode,
    /// A backslash is followed by something unknown, or by nothing (KEEP-2).
    #[error("bad escape in cstring data")]
    BadEscape,
    /// Keep-alive data is not base64 (KEEP-2).
    #[error("not base64")]
    NotBase64,
    /// A link does not begin with a URL in angle brackets (LINK-1).
    #[error("a link is not <url>")]
    NotALink,
    /// A link's URL has a blank or a control character (LINK-1).
    #[error("a link's URL has a blank or control character")]
    NotAUrl,
}
