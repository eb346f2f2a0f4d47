//! The filters there are.

/// A filter of a subscription.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Filter {
    /// `skip-self`: not to the one who sent it (FILT-1).
    SkipSelf,
    /// `skip-users`: not to those whom the publisher names (FILT-2).
    SkipUsers,
    /// `require-sub`: only to those who are on another channel too (FILT-3).
    RequireSub,
    /// `build-id`: positions are written into the content (FILT-4).
    BuildId,
    /// `var-subst`: subscription meta is written into the content (FILT-8).
    VarSubst,
    /// `http-check` and `http-modify`: the backend is asked (FILT-12).
    Http(HttpFilter),
}

/// A filter that asks the backend.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum HttpFilter {
    /// `http-check`: whether to deliver.
    Check,
    /// `http-modify`: whether, and what.
    Modify,
}

impl From<HttpFilter> for Filter {
    fn from(filter: HttpFilter) -> Self {
        Self::Http(filter)
    }
}

impl Filter {
    /// Every filter there is.
    pub const ALL: [Self; 7] = [
        Self::SkipSelf,
        Self::SkipUsers,
        Self::RequireSub,
        Self::BuildId,
        Self::VarSubst,
        Self::Http(HttpFilter::Check),
        Self::Http(HttpFilter::Modify),
    ];

    /// The filter of that name, in this very spelling (CHAN-7).
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|filter| filter.name() == name)
    }

    /// Its name in instructs and in `content-filters`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::SkipSelf => "skip-self",
            Self::SkipUsers => "skip-users",
            Self::RequireSub => "require-sub",
            Self::BuildId => "build-id",
            Self::VarSubst => "var-subst",
            Self::Http(HttpFilter::Check) => "http-check",
            Self::Http(HttpFilter::Modify) => "http-modify",
        }
    }

    /// Whether it may change what an item says: the ones that `content-filters` speaks of.
    pub const fn changes_content(self) -> bool {
        matches!(self, Self::BuildId | Self::VarSubst | Self::Http(HttpFilter::Modify))
    }
}

/// Whether a subscription with `filters` is one that the publisher's `content-filters` are meant for: they
/// name, in order, exactly those that change content (PUB-7, WPUB-10). A publisher that says nothing means
/// all.
pub fn expects(content_filters: Option<&[String]>, filters: &[Filter]) -> bool {
    let changing = || filters.iter().filter(|filter| filter.changes_content());
    content_filters.is_none_or(|names| names.iter().eq(changing().map(|filter| filter.name())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chan_7_names_are_read_as_they_are_written() {
        for filter in Filter::ALL {
            assert_eq!(Filter::parse(filter.name()), Some(filter));
        }
        for unknown in ["", "Skip-Self", "skip_self", " skip-self", "http"] {
            assert_eq!(Filter::parse(unknown), None, "{unknown:?}");
        }
    }

    #[test]
    fn filters_are_small() {
        assert_eq!(size_of::<Filter>(), 1);
        assert_eq!(size_of::<Option<Filter>>(), 1);
    }

    #[test]
    fn pub_7_content_filters_are_those_of_the_subscription_in_order() {
        use Filter::{BuildId, Http, SkipSelf, VarSubst};
        let modify = Http(HttpFilter::Modify);
        let check = Http(HttpFilter::Check);
        let cases: [(&[&str], &[Filter], bool); 8] = [
            (&[], &[], true),
            (&[], &[SkipSelf, check], true),
            (&[], &[VarSubst], false),
            (&["build-id"], &[], false),
            (&["build-id", "http-modify"], &[BuildId, SkipSelf, modify], true),
            (&["http-modify", "build-id"], &[BuildId, modify], false),
            (&["build-id"], &[BuildId, VarSubst], false),
            (&["skip-self"], &[SkipSelf], false),
        ];
        for (names, filters, expected) in cases {
            let given: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
            assert_eq!(expects(Some(&given), filters), expected, "{names:?} {filters:?}");
            assert!(expects(None, filters), "who says nothing means all");
        }
    }
}
