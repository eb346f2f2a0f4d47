//! An item's content on its way through the filters of one subscription.

use core::fmt;

use bytes::Bytes;

use super::build_id::BuildId;
use super::template::Template;
use super::{Filter, FilterError, HttpFilter, value, var_subst};
use crate::ground::Limits;

/// What filters know.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// Subscription meta, each name once.
    pub subscription: &'a [(String, String)],
    /// Publish meta, each name once; none for a body from the backend.
    pub publication: &'a [(String, String)],
    /// The session.
    pub session: &'a dyn Session,
    /// The bounds.
    pub limits: &'a Limits,
}

/// What a session tells its filters. Channels go by their names without prefix (CHAN-1).
pub trait Session: fmt::Debug {
    /// Whether it is subscribed to a channel.
    fn is_subscribed(&self, channel: &str) -> bool;

    /// Its position on a channel: where it will be when the item is delivered (FILT-5).
    fn position(&self, channel: &str) -> Option<&str>;
}

/// What becomes of an item.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// It is delivered with this content.
    Pass(Bytes),
    /// This filter does not let it pass.
    Drop(Filter),
    /// The backend is to be asked. If it agrees, the run goes on behind filter `at`, with the content that
    /// the answer leaves ([`read_answer`](super::read_answer)).
    Ask {
        /// Which filter of the list asks.
        at: usize,
        /// How it asks.
        call: HttpFilter,
        /// The content so far.
        content: Bytes,
    },
    /// A filter failed, and the item is not for this session (FILT-10).
    Fail(FilterError),
}

/// Runs an item's content through `filters`, beginning with the one at `from`: 0, or one behind that which
/// asked. Items without content run with none (FILT-9).
pub fn run(filters: &[Filter], from: usize, content: Bytes, context: &Context<'_>) -> Outcome {
    let mut content = content;
    for (at, &filter) in filters.iter().enumerate().skip(from) {
        let passes = match filter {
            Filter::SkipSelf => !is_own(context),
            Filter::SkipUsers => !is_skipped(context),
            Filter::RequireSub => has_required(context),
            Filter::Http(call) => return Outcome::Ask { at, call, content },
            Filter::BuildId | Filter::VarSubst => match rewritten(filter, content, context) {
                Ok(rewritten) => {
                    content = rewritten;
                    true
                }
                Err(why) => return Outcome::Fail(why),
            },
        };
        if !passes {
            return Outcome::Drop(filter);
        }
    }
    Outcome::Pass(content)
}

fn is_own(context: &Context<'_>) -> bool {
    let user = value(context.subscription, "user");
    !user.is_empty() && user == value(context.publication, "sender")
}

fn is_skipped(context: &Context<'_>) -> bool {
    let user = value(context.subscription, "user");
    let mut names = value(context.publication, "skip_users").split(',').map(str::trim);
    !user.is_empty() && names.any(|name| name == user)
}

fn has_required(context: &Context<'_>) -> bool {
    let channel = value(context.publication, "require_sub");
    channel.is_empty() || context.session.is_subscribed(channel)
}

fn rewritten(filter: Filter, content: Bytes, context: &Context<'_>) -> Result<Bytes, FilterError> {
    if filter == Filter::VarSubst {
        return Template::render(content, context.limits, |directive, out| {
            var_subst::expand(directive, context.subscription, out)
        });
    }
    let build_id = BuildId::new(context)?;
    Template::render(content, context.limits, |directive, out| build_id.expand(directive, out))
}

#[cfg(test)]
mod tests {
    use super::Filter::{BuildId, Http, RequireSub, SkipSelf, SkipUsers, VarSubst};
    use super::*;
    use crate::filter::testing::{Channels, pairs};

    type Meta = [(&'static str, &'static str)];

    /// What `filters` make of `content` for a session that is at 7 on channel `a`, and on `b` and `c)` too.
    fn outcome(filters: &[Filter], sub: &Meta, publ: &Meta, content: &'static str) -> Outcome {
        let (sub, publ) = (pairs(sub), pairs(publ));
        let session = Channels(&[("a", Some("7")), ("b", None), ("c)", Some("é"))]);
        let limits = Limits::default();
        let context =
            Context { subscription: &sub, publication: &publ, session: &session, limits: &limits };
        run(filters, 0, Bytes::from(content), &context)
    }

    fn pass(content: &'static str) -> Outcome {
        Outcome::Pass(Bytes::from(content))
    }

    #[test]
    fn filt_1_to_3_who_gets_an_item() {
        let cases: [(Filter, &Meta, &Meta, bool); 17] = [
            (SkipSelf, &[("user", "bob")], &[("sender", "bob")], false),
            (SkipSelf, &[("user", "bob")], &[("sender", "Bob")], true),
            (SkipSelf, &[("user", "bob")], &[("user", "bob")], true),
            (SkipSelf, &[("user", "")], &[("sender", "")], true),
            (SkipSelf, &[], &[("sender", "bob")], true),
            (SkipSelf, &[], &[], true),
            (SkipUsers, &[("user", "bob")], &[("skip_users", "bob")], false),
            (SkipUsers, &[("user", "bob")], &[("skip_users", "al, bob ,cy")], false),
            (SkipUsers, &[("user", "bob")], &[("skip_users", "al,bobby")], true),
            (SkipUsers, &[("user", "")], &[("skip_users", "al,,cy")], true),
            (SkipUsers, &[], &[("skip_users", "")], true),
            (SkipUsers, &[("user", "bob")], &[], true),
            (RequireSub, &[], &[("require_sub", "b")], true),
            (RequireSub, &[], &[("require_sub", "x")], false),
            (RequireSub, &[], &[("require_sub", "b ")], false),
            (RequireSub, &[], &[("require_sub", "")], true),
            (RequireSub, &[("require_sub", "x")], &[], true),
        ];
        for (filter, sub, publ, passes) in cases {
            let expected = if passes { pass("100%") } else { Outcome::Drop(filter) };
            assert_eq!(outcome(&[filter], sub, publ, "100%"), expected, "{sub:?} {publ:?}");
        }
    }

    #[test]
    fn filt_4_and_5_build_id_writes_the_position_after_the_item() {
        let cases: [(&Meta, &'static str, &'static str); 6] = [
            (&[("id_format", "n:%(a)s")], "id: %I, %I", "id: n:7, n:7"),
            (&[("id_format", r"%(c\))s-%(a)s%%")], "%I", "é-7%"),
            (&[("id_format", "constant")], "%I 100%%", "constant 100%"),
            (&[("id_format", "n:%(a)s")], r"%(1 \) 2)I", "1 ) 2"),
            (&[("id_format", "%(a)s"), ("id_encoding", "hex")], "%I %(:é)I %%", "37 3ac3a9 %"),
            (&[("id_format", "%(b)s")], "no position needed", "no position needed"),
        ];
        for (sub, content, expected) in cases {
            assert_eq!(outcome(&[BuildId], sub, &[], content), pass(expected), "{sub:?} {content}");
        }
    }

    #[test]
    fn filt_7_build_id_fails() {
        let format = |format| [("id_format", format)];
        let no_position = |channel: &str| FilterError::NoPosition(channel.to_owned());
        let unknown = FilterError::UnknownDirective;
        let cases: [(&Meta, &'static str, FilterError); 9] = [
            (&[], "plain", FilterError::NoIdFormat),
            (&format(""), "plain", FilterError::NoIdFormat),
            (&format("%(b)s"), "%I", no_position("b")),
            (&format("%(x)s"), "%I", no_position("x")),
            (&format("%(a)d"), "%I", unknown('d')),
            (&format("%"), "%I", FilterError::OpenDirective),
            (&format("x"), "%s", unknown('s')),
            (&format("x"), "50%", FilterError::OpenDirective),
            (
                &[("id_format", "x"), ("id_encoding", "Hex")],
                "plain",
                FilterError::UnknownEncoding("Hex".to_owned()),
            ),
        ];
        for (sub, content, why) in cases {
            let made = outcome(&[BuildId], sub, &[], content);
            assert_eq!(made, Outcome::Fail(why), "{sub:?} {content}");
        }
    }

    #[test]
    fn filt_8_var_subst() {
        let meta: &Meta = &[("name", "Bob"), ("100%", "%(x)s"), ("empty", "")];
        let cases: [(&'static str, Result<&'static str, FilterError>); 7] = [
            ("hi %(name)s, %%", Ok("hi Bob, %")),
            ("%(100%)s", Ok("%(x)s")),
            ("<%(empty)s>", Ok("<>")),
            ("%(Name)s", Err(FilterError::UnknownVariable("Name".to_owned()))),
            ("%(name)I", Err(FilterError::UnknownDirective('I'))),
            ("%s", Err(FilterError::UnknownDirective('s'))),
            ("%(name", Err(FilterError::OpenDirective)),
        ];
        for (content, expected) in cases {
            let expected = expected.map_or_else(Outcome::Fail, pass);
            assert_eq!(outcome(&[VarSubst], meta, &[], content), expected, "{content}");
        }
    }

    #[test]
    fn filt_9_no_content_passes_and_can_be_asked_about() {
        let check = Http(HttpFilter::Check);
        let meta: &Meta = &[("id_format", "x")];
        assert_eq!(outcome(&[SkipSelf, BuildId, VarSubst], meta, &[], ""), pass(""));
        let asked = Outcome::Ask { at: 1, call: HttpFilter::Check, content: Bytes::new() };
        assert_eq!(outcome(&[BuildId, check], meta, &[], ""), asked);
    }

    #[test]
    fn filt_12_a_run_stops_to_ask_and_goes_on_behind() {
        let meta = pairs(&[("user", "bob"), ("name", "%%")]);
        let (session, limits) = (Channels(&[]), Limits::default());
        let context =
            Context { subscription: &meta, publication: &[], session: &session, limits: &limits };
        let filters = [VarSubst, Http(HttpFilter::Modify), VarSubst];
        let asked = Outcome::Ask { at: 1, call: HttpFilter::Modify, content: "%%".into() };
        assert_eq!(run(&filters, 0, "%(name)s".into(), &context), asked);
        assert_eq!(run(&filters, 2, "%(user)s %%".into(), &context), pass("bob %"));
        assert_eq!(run(&filters, 3, "%".into(), &context), pass("%"));
    }

    #[test]
    fn a_drop_ends_the_run() {
        let made = outcome(&[RequireSub, BuildId], &[], &[("require_sub", "x")], "%");
        assert_eq!(made, Outcome::Drop(RequireSub));
    }

    #[test]
    fn content_that_no_filter_changes_is_not_copied() {
        let meta = pairs(&[("id_format", "x")]);
        let (session, limits) = (Channels(&[]), Limits::default());
        let context =
            Context { subscription: &meta, publication: &[], session: &session, limits: &limits };
        let content = Bytes::from("plain".to_owned());
        match run(&[SkipSelf, BuildId, VarSubst], 0, content.clone(), &context) {
            Outcome::Pass(made) => assert_eq!(made.as_ptr(), content.as_ptr()),
            other => panic!("{other:?}"),
        }
    }
}
