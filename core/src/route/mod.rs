//! The routes language and its table (ROUTE-1 to ROUTE-61).
//!
//! A line of a routes file is a condition and the targets for the requests that meet it, say
//! `*,path_beg=/events localhost:8000`. `lex` cuts it into sections of a value with properties, `parse`
//! makes a [`Route`] of them, and the [`Table`] keeps routes in the order in which they are preferred, so
//! that a look-up is the search for the first match.

mod authority;
mod deny;
mod jsonp;
mod lex;
mod model;
mod parse;
mod problem;
mod table;

pub use authority::Authority;
pub use deny::is_denied;
pub use jsonp::{JsonpMode, JsonpRules};
pub use model::{Connect, Proto, Route, Target};
pub use parse::{Loaded, parse_line, parse_routes};
pub use problem::{LineError, Warning};
pub use table::{Lookup, Table};
