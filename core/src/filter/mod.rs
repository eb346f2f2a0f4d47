//! The filters that a backend puts between a channel and a session: what is delivered, and as what
//! (FILT-1 to FILT-14).
//!
//! [`run`] takes an item's content through the filters of one subscription; [`BodyFilter`] does what they
//! do to a body that comes from the backend itself. Both are pure: a filter that must ask the backend
//! stops the run with [`Outcome::Ask`], and whoever does the asking resumes it.

mod body;
mod build_id;
mod call;
mod chain;
mod error;
mod name;
mod template;
#[cfg(test)]
mod testing;
mod var_subst;

pub use body::BodyFilter;
pub use call::{Answered, fails_open, read_answer, request, url};
pub use chain::{Context, Outcome, Session, run};
pub use error::FilterError;
pub use name::{Filter, HttpFilter, expects};

/// The value of a meta pair; a name that is not there is as good as an empty one.
fn value<'a>(meta: &'a [(String, String)], name: &str) -> &'a str {
    find(meta, name.as_bytes()).unwrap_or_default()
}

fn find<'a>(meta: &'a [(String, String)], name: &[u8]) -> Option<&'a str> {
    let pair = meta.iter().find(|(known, _)| known.as_bytes() == name);
    pair.map(|(_, value)| value.as_str())
}
