//! Where a session stands on each of its channels, and what an item is to it (REL-2, REL-3, META-1).

use std::sync::Arc;

use bytes::Bytes;

use crate::filter::{self, BodyFilter, Context, Filter, FilterError, HttpFilter, Outcome};
use crate::grip::Last;
use crate::ground::Limits;
use crate::publish::Item;

/// What an instruct says of the channels of one hold.
#[derive(Debug, Default)]
pub struct Session {
    tracks: Vec<Track>,
    meta: Vec<(String, String)>,
}

/// One channel of a session.
#[derive(Debug)]
pub struct Track {
    /// Its name as publishers use it.
    pub name: Arc<str>,
    /// How many bytes of the name the route puts in front; backends do not know them (CHAN-1).
    pub prefix: usize,
    /// The id that the next item must follow; without one nothing is checked (REL-5).
    pub position: Option<Box<str>>,
    /// What stands between the channel and the session.
    pub filters: Box<[Filter]>,
}

/// What an item carries for one kind of hold.
#[derive(Clone, PartialEq, Debug)]
pub enum Carried<'a> {
    /// Nothing that this kind of hold takes.
    Nothing,
    /// Content to deliver, and the filters that the publisher expects on it (PUB-7).
    Send(Bytes, Option<&'a [String]>),
    /// The advice to ask the backend.
    Hint,
    /// The end.
    Close,
}

/// What a session makes of an item.
#[derive(Clone, PartialEq, Debug)]
pub enum Judged {
    /// There is nothing to do.
    Nothing,
    /// Its content is to be delivered; this is what filters left of it.
    Content(Bytes),
    /// The backend is to be asked for more.
    Hint,
    /// The hold ends.
    Close,
    /// The session knows it already.
    Known,
    /// Something before it is missing.
    Gap,
    /// A filter does not let it pass.
    Filtered(Filter),
    /// The publisher means subscriptions with other filters (PUB-7).
    Mismatch,
    /// A filter failed (FILT-10).
    Failed(FilterError),
    /// The backend is to be asked about it; until it has answered, the session stands before it.
    Ask(Ask),
}

/// A filter's question to the backend.
#[derive(Clone, PartialEq, Debug)]
pub struct Ask {
    /// The item.
    pub item: Arc<Item>,
    /// On which of the session's channels it came.
    pub at: usize,
    /// Which filter of that channel asks.
    pub step: usize,
    /// How.
    pub call: HttpFilter,
    /// The content so far.
    pub content: Bytes,
}

/// How an item fits to the position of a session.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Standing {
    /// It is next, or there is no position to compare with.
    Next,
    /// The session is there already: the backend told it, before the publisher did.
    Known,
    /// Something is missing in between.
    Gap,
}

impl Track {
    fn bare_name(&self) -> &str {
        self.name.get(self.prefix..).unwrap_or_default()
    }

    fn standing(&self, item: &Item) -> Standing {
        match &self.position {
            None => Standing::Next,
            Some(at) if item.prev_id.as_deref() == Some(at) => Standing::Next,
            Some(at) if item.id.as_deref() == Some(at) => Standing::Known,
            Some(_) => Standing::Gap,
        }
    }
}

impl Session {
    /// A session on these channels with this meta.
    pub fn new(tracks: Vec<Track>, meta: Vec<(String, String)>) -> Self {
        Self { tracks, meta }
    }

    /// Adds a channel, or puts other filters on one that is there.
    pub fn subscribe(&mut self, track: Track) {
        match self.tracks.iter_mut().find(|known| known.name == track.name) {
            Some(known) => known.filters = track.filters,
            None => {
                // Most have but one.
                self.tracks.reserve_exact(usize::from(self.tracks.is_empty()));
                self.tracks.push(track);
            }
        }
    }

    /// Takes a channel out.
    pub fn unsubscribe(&mut self, name: &str) {
        self.tracks.retain(|track| *track.name != *name);
    }

    /// Puts other meta in the place of what there is.
    pub fn set_meta(&mut self, meta: &[(String, String)]) {
        if self.meta != meta {
            self.meta = meta.to_vec();
        }
    }

    /// Its channels.
    pub fn tracks(&self) -> &[Track] {
        &self.tracks
    }

    /// Whether there is nothing to judge an item by: no position and no filter.
    pub fn is_plain(&self) -> bool {
        self.tracks.iter().all(|track| track.position.is_none() && track.filters.is_empty())
    }

    /// Whether there is a position on some channel.
    pub fn has_position(&self) -> bool {
        self.tracks.iter().any(|track| track.position.is_some())
    }

    /// Whether there is a position on every channel, so that nothing can be lost unnoticed.
    pub fn is_reliable(&self) -> bool {
        !self.tracks.is_empty() && self.tracks.iter().all(|track| track.position.is_some())
    }

    /// Whether there is a position on this channel.
    pub fn is_reliable_on(&self, name: &str) -> bool {
        self.tracks.iter().any(|track| *track.name == *name && track.position.is_some())
    }

    /// Where the session stands, for the backend.
    pub fn lasts(&self) -> impl Iterator<Item = Last<'_>> {
        self.tracks
            .iter()
            .filter_map(|track| Some(Last::new(track.bare_name(), track.position.as_deref()?)))
    }

    /// Whether it is on this channel.
    pub fn is_on(&self, name: &str) -> bool {
        self.find(name).is_some()
    }

    fn find(&self, name: &str) -> Option<usize> {
        self.tracks.iter().position(|track| *track.name == *name)
    }

    /// How `item` fits to where the session stands on its channel.
    pub fn standing_of(&self, item: &Item) -> Standing {
        self.standing(self.find(&item.channel).unwrap_or(usize::MAX), item)
    }

    /// The item will not be delivered, and the session moves behind it.
    pub fn pass_over(&mut self, ask: &Ask) {
        self.advance(ask.at, &ask.item);
    }

    fn standing(&self, at: usize, item: &Item) -> Standing {
        self.tracks.get(at).map_or(Standing::Next, |track| track.standing(item))
    }

    /// Judges an item that came on one of its channels, and moves behind it (REL-2, REL-6). A session that
    /// was made without channels has nothing to judge by.
    pub fn judge(&mut self, item: &Arc<Item>, carried: Carried<'_>, limits: &Limits) -> Judged {
        let at = self.find(&item.channel).unwrap_or(usize::MAX);
        match self.standing(at, item) {
            Standing::Known => return Judged::Known,
            Standing::Gap => return Judged::Gap,
            Standing::Next => {}
        }
        if let Carried::Send(_, expected) = &carried
            && !filter::expects(*expected, self.filters(at))
        {
            self.advance(at, item);
            return Judged::Mismatch;
        }
        self.filtered(at, item, 0, carried, limits)
    }

    /// The backend has answered a filter's question: the item goes on with `content`.
    pub fn resume(
        &mut self,
        ask: &Ask,
        content: Bytes,
        carried: Carried<'_>,
        limits: &Limits,
    ) -> Judged {
        let carried = match carried {
            Carried::Send(..) => Carried::Send(content, None),
            other => other,
        };
        self.filtered(ask.at, &ask.item, ask.step + 1, carried, limits)
    }

    fn filtered(
        &mut self,
        at: usize,
        item: &Arc<Item>,
        step: usize,
        carried: Carried<'_>,
        limits: &Limits,
    ) -> Judged {
        // Whatever is not content goes through the filters with none (FILT-9).
        let content = match &carried {
            Carried::Send(content, _) => content.clone(),
            Carried::Hint | Carried::Close => Bytes::new(),
            Carried::Nothing => {
                self.advance(at, item);
                return Judged::Nothing;
            }
        };
        let judged = match (self.run(at, step, content, item, limits), carried) {
            (Outcome::Ask { at: step, call, content }, _) => {
                return Judged::Ask(Ask { item: item.clone(), at, step, call, content });
            }
            (Outcome::Drop(filter), _) => Judged::Filtered(filter),
            (Outcome::Fail(why), _) => Judged::Failed(why),
            (Outcome::Pass(_), Carried::Hint) => Judged::Hint,
            (Outcome::Pass(_), Carried::Close) => Judged::Close,
            (Outcome::Pass(content), _) => Judged::Content(content),
        };
        self.advance(at, item);
        judged
    }

    /// The item has been dealt with: the session stands behind it now. An item without id leaves the position
    /// where it is (REL-2).
    fn advance(&mut self, at: usize, item: &Item) {
        if let (Some(track), Some(id)) = (self.tracks.get_mut(at), &item.id)
            && track.position.is_some()
        {
            track.position = Some(id.as_str().into());
        }
    }

    fn filters(&self, at: usize) -> &[Filter] {
        self.tracks.get(at).map_or(&[], |track| &track.filters)
    }

    /// Takes an item's content through the filters of its channel, from the filter `step` on.
    fn run(&self, at: usize, step: usize, content: Bytes, item: &Item, limits: &Limits) -> Outcome {
        let filters = self.filters(at);
        if filters.is_empty() {
            return Outcome::Pass(content);
        }
        let view = View { session: self, after: item.id.as_deref().map(|id| (at, id)) };
        filter::run(filters, step, content, &self.context(&view, &item.meta, limits))
    }

    /// What a filter knows before the item is delivered, shown to `look`.
    pub fn with_context<T>(
        &self,
        item: &Item,
        limits: &Limits,
        look: impl FnOnce(&Context<'_>) -> T,
    ) -> T {
        look(&self.context(&View { session: self, after: None }, &item.meta, limits))
    }

    /// What filters do to the body that came with the instruct (FILT-6).
    pub fn body_filter(&self, limits: &Limits) -> Result<Option<BodyFilter>, FilterError> {
        let filters = self.tracks.iter().flat_map(|track| track.filters.iter().copied());
        BodyFilter::new(filters, &self.context(&View { session: self, after: None }, &[], limits))
    }

    fn context<'a>(
        &'a self,
        view: &'a View<'a>,
        publication: &'a [(String, String)],
        limits: &'a Limits,
    ) -> Context<'a> {
        Context { subscription: &self.meta, publication, session: view, limits }
    }
}

/// A session as its filters see it.
#[derive(Debug)]
struct View<'a> {
    session: &'a Session,
    /// The channel on which it will stand elsewhere once the item is delivered, and where.
    after: Option<(usize, &'a str)>,
}

impl filter::Session for View<'_> {
    fn is_subscribed(&self, channel: &str) -> bool {
        self.session.tracks.iter().any(|track| track.bare_name() == channel)
    }

    fn position(&self, channel: &str) -> Option<&str> {
        let named = |track: &Track| track.bare_name() == channel && track.position.is_some();
        let at = self.session.tracks.iter().position(named)?;
        match self.after {
            Some((moved, id)) if moved == at => Some(id),
            _ => self.session.tracks.get(at)?.position.as_deref(),
        }
    }
}
