//! What filters do to a body that the backend sends itself: only `build-id` does anything (FILT-6, NOH-2).

use bytes::Bytes;

use super::build_id::BuildId;
use super::template::Template;
use super::{Context, Filter, FilterError};

/// An initial body, or that of a page, on its way to the client. However it is cut into pieces, what comes
/// out is the same.
#[derive(Debug)]
pub struct BodyFilter {
    template: Template,
    build_id: BuildId,
}

impl BodyFilter {
    /// The filter for a body whose instruct puts `filters` on its channels; `None` if they leave it alone.
    /// However many channels have `build-id`, the body is filtered once; `%I` is made of the positions that
    /// the instruct sets.
    pub fn new(
        filters: impl IntoIterator<Item = Filter>,
        context: &Context<'_>,
    ) -> Result<Option<Self>, FilterError> {
        if !filters.into_iter().any(|filter| filter == Filter::BuildId) {
            return Ok(None);
        }
        let template = Template::new(context.limits);
        Ok(Some(Self { template, build_id: BuildId::new(context)? }))
    }

    /// What the client gets for the next piece of the body.
    pub fn feed(&mut self, piece: Bytes) -> Result<Bytes, FilterError> {
        self.template.feed(piece, |directive, out| self.build_id.expand(directive, out))
    }

    /// The body is over.
    pub fn finish(self) -> Result<(), FilterError> {
        self.template.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filter::HttpFilter;
    use crate::filter::testing::{Channels, pairs};
    use crate::ground::Limits;

    fn filtered(meta: &[(&str, &str)], pieces: &[&'static str]) -> Result<String, FilterError> {
        let session = Channels(&[("a", Some("5")), ("b", None)]);
        let (meta, limits) = (pairs(meta), Limits::default());
        let context =
            Context { subscription: &meta, publication: &[], session: &session, limits: &limits };
        let filters = [Filter::SkipSelf, Filter::BuildId, Filter::BuildId];
        let mut filter = BodyFilter::new(filters, &context)?.expect("build-id is among them");
        let mut out = Vec::new();
        for &piece in pieces {
            out.extend_from_slice(&filter.feed(piece.into())?);
        }
        filter.finish()?;
        Ok(String::from_utf8(out).expect("text stays text"))
    }

    #[test]
    fn filt_6_an_id_is_made_of_the_positions_that_the_instruct_sets() {
        let format = [("id_format", "n:%(a)s")];
        assert_eq!(filtered(&format, &["%I %(x)I 100%%"]).as_deref(), Ok("n:5 x 100%"));
        let unset = [("id_format", "n:%(b)s")];
        assert_eq!(filtered(&unset, &["%(x)I"]).as_deref(), Ok("x"));
        assert_eq!(filtered(&unset, &["%I"]), Err(FilterError::NoPosition("b".to_owned())));
        assert_eq!(filtered(&[], &["x"]), Err(FilterError::NoIdFormat));
    }

    #[test]
    fn filt_6_a_directive_may_be_cut_anywhere() {
        let pieces = ["a%", "I%", "(b", "\\", ")", ")I", "", "%", "%c"];
        assert_eq!(filtered(&[("id_format", "i")], &pieces).as_deref(), Ok("aib)%c"));
        let open = filtered(&[("id_format", "i")], &["a%(b", "c)"]);
        assert_eq!(open, Err(FilterError::OpenDirective));
    }

    #[test]
    fn filt_8_other_filters_leave_bodies_alone() {
        let (session, limits) = (Channels(&[]), Limits::default());
        let context =
            Context { subscription: &[], publication: &[], session: &session, limits: &limits };
        let others = Filter::ALL.into_iter().filter(|filter| *filter != Filter::BuildId);
        assert!(BodyFilter::new(others, &context).expect("nothing to fail").is_none());
        let modify = [Filter::Http(HttpFilter::Modify)];
        assert!(BodyFilter::new(modify, &context).expect("nothing to fail").is_none());
    }
}
