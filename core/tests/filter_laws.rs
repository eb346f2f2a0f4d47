//! What holds for filters and `Grip-Last` whatever the text: cuts mean nothing, and what is printed reads
//! back.

use bytes::Bytes;
use holdfast_core::filter::{BodyFilter, Context, Filter, FilterError, Outcome, Session, run};
use holdfast_core::grip::Last;
use holdfast_core::ground::Limits;
use proptest::collection::vec;
use proptest::prelude::{any, prop_assert_eq, proptest};
use proptest::sample::Index;

proptest! {
    /// A body that comes in pieces is what it is as an item (FILT-4, FILT-6).
    #[test]
    fn filt_6_cuts_mean_nothing(text in text(), cuts in vec(any::<Index>(), 0..6), hex in any::<bool>()) {
        let meta = meta(hex);
        let (limits, session) = (Limits::default(), AtSeven);
        let context =
            Context { subscription: &meta, publication: &[], session: &session, limits: &limits };
        let whole = match run(&[Filter::BuildId], 0, text.clone().into(), &context) {
            Outcome::Pass(content) => Ok(content),
            Outcome::Fail(why) => Err(why),
            other => panic!("build-id neither drops nor asks: {other:?}"),
        };
        prop_assert_eq!(in_pieces(&text, &cuts, &context), whole);
    }

    /// What is escaped for `var-subst` and `build-id` comes out as it was.
    #[test]
    fn filt_4_and_8_escaped_text_stays(text in any::<String>()) {
        let meta = meta(false);
        let (limits, session) = (Limits::default(), AtSeven);
        let context =
            Context { subscription: &meta, publication: &[], session: &session, limits: &limits };
        let escaped = Bytes::from(text.replace('%', "%%"));
        let filters = [Filter::BuildId];
        prop_assert_eq!(run(&filters, 0, escaped, &context), Outcome::Pass(text.clone().into()));
        let argument = text.replace('\\', "\\\\").replace(')', "\\)");
        let content = Bytes::from(format!("%({argument})I"));
        prop_assert_eq!(run(&filters, 0, content, &context), Outcome::Pass(text.into()));
    }

    #[test]
    fn w_34_grip_last_reads_back(list in vec(("[^\\x00-\\x1f\\x7f]*", "[^\\x00-\\x1f\\x7f]*"), 1..5)) {
        let lasts: Vec<Last<'_>> = list.iter().map(|(name, id)| Last::new(name, id)).collect();
        let printed: Option<Vec<String>> = lasts.iter().map(Last::write).collect();
        let line = printed.expect("no control characters").join(", ");
        prop_assert_eq!(Last::parse(line.as_bytes()), Ok(lasts));
    }
}

#[derive(Debug)]
struct AtSeven;

impl Session for AtSeven {
    fn is_subscribed(&self, channel: &str) -> bool {
        channel == "a"
    }

    fn position(&self, channel: &str) -> Option<&str> {
        self.is_subscribed(channel).then_some("7")
    }
}

fn meta(hex: bool) -> Vec<(String, String)> {
    let encoding = if hex { "hex" } else { "" };
    let pairs = [("id_format", "n:%(a)s%%"), ("id_encoding", encoding)];
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec()
}

/// Text in which directives are frequent.
fn text() -> &'static str {
    r"([a-c]{0,3}|%I|%%|%\([a-c\\%é]{0,4}\)I|%\(|\)|\\|I|%|[s]){0,12}"
}

fn in_pieces(text: &str, cuts: &[Index], context: &Context<'_>) -> Result<Bytes, FilterError> {
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(text.len() + 1)).collect();
    cuts.sort_unstable();
    let mut filter = BodyFilter::new([Filter::BuildId], context)?.expect("it changes bodies");
    let (mut out, mut from) = (Vec::new(), 0);
    for to in cuts.into_iter().chain([text.len()]) {
        let piece = Bytes::copy_from_slice(&text.as_bytes()[from..to]);
        out.extend_from_slice(&filter.feed(piece)?);
        from = to;
    }
    filter.finish()?;
    Ok(out.into())
}
