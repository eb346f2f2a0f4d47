//! Texts that filters rewrite, and positions as the backend is told them.

use bytes::Bytes;
use holdfast_core::filter::{BodyFilter, Context, Filter, FilterError, Outcome, Session, run};
use holdfast_core::grip::Last;
use holdfast_core::ground::Limits;

/// `id_format`, `id_encoding`, a position and a text, a line each but the last. However the text is cut, it
/// becomes the same.
pub fn rewrite(data: &[u8]) {
    let mut parts = data.splitn(4, |&byte| byte == b'\n');
    let mut part = || parts.next().unwrap_or_default();
    let [format, encoding, position] =
        [(); 3].map(|()| String::from_utf8_lossy(part()).into_owned());
    let text = Bytes::copy_from_slice(part());
    let subscription = [("id_format".to_owned(), format), ("id_encoding".to_owned(), encoding)];
    let limits =
        Limits { filter_argument_bytes: 50, filter_growth_bytes: 500, ..Limits::default() };
    let session = At(position);
    let context = Context {
        subscription: &subscription,
        publication: &subscription,
        session: &session,
        limits: &limits,
    };

    let whole = match run(&[Filter::BuildId], 0, text.clone(), &context) {
        Outcome::Pass(made) => Ok(made),
        Outcome::Fail(why) => Err(why),
        Outcome::Drop(_) | Outcome::Ask { .. } => panic!("build-id neither drops nor asks"),
    };
    if let Ok(made) = &whole {
        assert!(made.len() <= text.len() + limits.filter_growth_bytes);
    }
    for piece in [1, 2, 7] {
        assert_eq!(in_pieces(&text, piece, &context), whole);
    }
    if let Outcome::Fail(why) = run(&[Filter::VarSubst], 0, text, &context) {
        assert!(!why.to_string().contains(['\r', '\n']));
    }
}

/// A value of `Grip-Last`: what is read can be written and read again.
pub fn last(data: &[u8]) {
    let Ok(lasts) = Last::parse(data) else { return };
    for last in lasts {
        let Some(written) = last.write() else { continue };
        assert_eq!(Last::parse(written.as_bytes()).as_deref(), Ok(&[last][..]));
    }
}

#[derive(Debug)]
struct At(String);

impl Session for At {
    fn is_subscribed(&self, channel: &str) -> bool {
        channel == "a"
    }

    fn position(&self, channel: &str) -> Option<&str> {
        self.is_subscribed(channel).then_some(&self.0)
    }
}

fn in_pieces(text: &Bytes, size: usize, context: &Context<'_>) -> Result<Bytes, FilterError> {
    let filter = BodyFilter::new([Filter::BuildId], context)?;
    let mut filter = filter.expect("build-id changes bodies");
    let mut out = Vec::new();
    for piece in text.chunks(size) {
        out.extend_from_slice(&filter.feed(text.slice_ref(piece))?);
    }
    filter.finish().map(|()| out.into())
}
