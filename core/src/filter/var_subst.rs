//! `var-subst`: subscription meta written into content (FILT-8).

use super::template::Directive;
use super::{FilterError, find};

/// What a directive in the text means.
pub(super) fn expand(
    directive: Directive<'_>,
    subscription: &[(String, String)],
    out: &mut Vec<u8>,
) -> Result<(), FilterError> {
    let (b's', Some(name)) = (directive.kind, directive.argument) else {
        return Err(directive.unknown());
    };
    let unknown = || FilterError::UnknownVariable(String::from_utf8_lossy(name).into());
    out.extend_from_slice(find(subscription, name).ok_or_else(unknown)?.as_bytes());
    Ok(())
}
