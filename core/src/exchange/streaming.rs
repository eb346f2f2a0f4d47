//! A stream: a response whose body stays open (STRM-1 to STRM-8), and what makes it more than a list of
//! channels: positions, filters, links, and bodies on their way.

use std::sync::Arc;

use bytes::Bytes;

use super::{Asked, Filtering, Place};
use crate::channel::Subscriptions;
use crate::filter::{BodyFilter, FilterError};
use crate::forward::{JsonpBody, RequestUrl};
use crate::ground::{CallId, Limits, Rng, Span, Time};
use crate::hold::{Ask, Carried, Judged, Session, Timer, Waiting};
use crate::publish::{Item, StreamFormat};

/// A response whose body is open. While nothing happens this is all that a stream costs.
#[derive(Debug)]
pub struct Streaming {
    /// What it is subscribed to.
    pub subs: Subscriptions,
    /// Bytes that wait in the adapter because the client does not take them.
    pub backlog: u64,
    /// When to send what if nothing else is sent.
    pub timer: Option<Box<Timer>>,
    /// What is to be minded beside that.
    pub guide: Option<Box<Guide>>,
}

/// What is to be minded of a stream whose items are judged, which has links, or whose body is under way.
#[derive(Debug)]
pub struct Guide {
    /// Where it stands on its channels.
    pub session: Session,
    /// Where its links lead.
    pub trail: Trail,
    /// Whether it is held when the body that is under way is complete.
    pub holds: bool,
    /// What it is busy with. Unless that is nothing, items wait.
    pub work: Work,
    /// Items that wait.
    pub waiting: Waiting,
    /// Whether another recovery is wanted when the work is done (REC-4).
    pub again: bool,
    /// When a recovery was last wanted.
    pub wanted: Time,
    /// Whether it takes no items until its client has taken what was sent, and then recovers (STRM-7).
    pub lagging: bool,
}

/// The links of a session.
#[derive(Debug)]
pub struct Trail {
    /// What the client asked for.
    pub place: Place,
    /// The page that is shown or was shown last; links are relative to it.
    pub page: RequestUrl,
    /// Where to go on.
    pub next: Option<Next>,
    /// Whom to tell when it is over; as the first instruct says (GONE-1).
    pub gone: Option<RequestUrl>,
}

/// A next link.
#[derive(Debug)]
pub struct Next {
    /// Where it leads.
    pub url: RequestUrl,
    /// With no item for this long it is followed: what the link says, and a little more (NEXT-6).
    pub timeout: Span,
    /// When the hold began.
    pub since: Time,
}

/// What a stream is busy with.
#[derive(Debug)]
pub enum Work {
    /// Nothing: it takes items.
    Idle,
    /// A body is passed on to the client.
    Body(Body),
    /// A page is wanted, and waits for its turn.
    Queued {
        /// How many attempts have failed.
        failures: u32,
    },
    /// A page was asked for, and its answer has not begun.
    Asked {
        /// The request.
        call: CallId,
        /// How many attempts have failed.
        failures: u32,
    },
    /// A page could not be had.
    Later {
        /// When to try again.
        at: Time,
        /// How many attempts have failed.
        failures: u32,
    },
    /// A filter asks the backend about an item.
    Filter(Filtering),
}

/// A body on its way to the client.
#[derive(Debug)]
pub struct Body {
    /// Where it comes from.
    pub source: Source,
    /// What changes it.
    pub change: Option<Change>,
    /// Whether anything of it was sent, the head of the response included (KEEP-5).
    pub begun: bool,
    /// Whether the origin was told to wait, because the client does not take what it has.
    pub paused: bool,
}

/// What changes a body.
#[derive(Debug)]
pub enum Change {
    /// Filters of the session.
    Filter(BodyFilter),
    /// It becomes a script.
    Script(JsonpBody),
}

/// Where a body comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Source {
    /// The answer to the client's own request. If nothing comes until then, it is given up.
    Client(Time),
    /// A call.
    Call(CallId),
    /// It is here.
    Complete,
}

/// What a stream makes of an item.
#[derive(Debug)]
pub enum Offered {
    /// It is dealt with.
    Judged(Judged),
    /// It waits.
    Waits,
    /// Too much waits already; what is reliable is forgotten and will be recovered, if everything is.
    Overflow {
        /// Whether it will be.
        recovers: bool,
    },
    /// The client is behind; it will be recovered.
    Lags,
}

impl Streaming {
    /// A response that is no hold: its body is passed on, and then it ends.
    pub fn passing(asked: &Asked, source: Source, change: Option<Change>) -> Self {
        let place = asked.place();
        let page = place.url.clone();
        let guide = Guide {
            session: Session::default(),
            trail: Trail { place, page, next: None, gone: None },
            holds: false,
            work: Work::Body(Body { source, change, begun: true, paused: false }),
            waiting: Waiting::default(),
            again: false,
            wanted: Time::ZERO,
            lagging: false,
        };
        let subs = Subscriptions::default();
        Self { subs, backlog: 0, timer: None, guide: Some(Box::new(guide)) }
    }

    /// Whether it waits for items, and no body is on its way.
    pub fn is_held(&self) -> bool {
        self.guide.as_ref().is_none_or(|guide| guide.holds && !matches!(guide.work, Work::Body(_)))
    }

    /// Whether items have to wait, or are left out.
    pub fn is_busy(&self) -> bool {
        let busy = |guide: &Guide| guide.lagging || !matches!(guide.work, Work::Idle);
        self.guide.as_deref().is_some_and(busy)
    }

    /// Where the body comes from that is passed on.
    pub fn source(&self) -> Option<Source> {
        match &self.guide.as_ref()?.work {
            Work::Body(body) => Some(body.source),
            _ => None,
        }
    }

    /// Whether the client takes what it is sent.
    pub fn flows(&self) -> bool {
        self.backlog == 0
    }

    /// What an item is to the stream.
    pub fn offer(&mut self, item: &Arc<Item>, limits: &Limits) -> Offered {
        match &mut self.guide {
            None => Offered::Judged(plain(item)),
            Some(guide) => guide.offer(item, limits),
        }
    }

    /// When it has to be looked at; `delivered` is when it last had an item.
    pub fn due(&self, delivered: Time) -> Option<Time> {
        let timer = self.timer.as_ref().map(|timer| timer.due());
        let Some(guide) = &self.guide else { return timer };
        match &guide.work {
            Work::Body(Body { source: Source::Client(until), .. }) => Some(*until),
            Work::Body(_) => None,
            Work::Later { at, .. } => Some(timer.map_or(*at, |timer| timer.min(*at))),
            Work::Idle => timer.into_iter().chain(guide.link_due(delivered)).min(),
            Work::Queued { .. } | Work::Asked { .. } | Work::Filter(_) => timer,
        }
    }

    /// What is sent if nothing else has been; nothing is while the client does not read, or a body is under
    /// way (KEEP-5).
    pub fn keep_alive(&mut self, now: Time, delivered: Time, rng: &mut Rng) -> Option<Bytes> {
        let flows = self.flows();
        let paging = self.guide.as_ref().is_some_and(|guide| matches!(guide.work, Work::Body(_)));
        let data = self.timer.as_mut()?.wake(now, delivered, rng)?;
        (flows && !paging).then_some(data)
    }
}

impl Change {
    /// The next piece.
    pub fn feed(&mut self, piece: Bytes) -> Result<Bytes, FilterError> {
        match self {
            Self::Filter(filter) => filter.feed(piece),
            Self::Script(script) => Ok(script.feed(&piece)),
        }
    }

    /// The body is over: what comes at its end.
    pub fn finish(self) -> Result<Bytes, FilterError> {
        match self {
            Self::Filter(filter) => filter.finish().map(|()| Bytes::new()),
            Self::Script(script) => Ok(script.finish()),
        }
    }
}

impl Guide {
    /// Whether the stream can be repaired by its next link, whatever is lost.
    pub fn recovers(&self) -> bool {
        self.trail.next.is_some() && self.session.is_reliable()
    }

    /// Whether nothing needs minding any more.
    pub fn is_spent(&self) -> bool {
        let trail = &self.trail;
        matches!(self.work, Work::Idle)
            && self.session.is_plain()
            && trail.next.is_none()
            && trail.gone.is_none()
            // Where clients see details, it knows how to say them.
            && !trail.place.debug
    }

    /// Judges an item of a stream that is not busy.
    pub fn judge(&mut self, item: &Arc<Item>, limits: &Limits) -> Judged {
        self.session.judge(item, carried(item), limits)
    }

    /// The backend has answered a filter's question: the item goes on with `content`.
    pub fn resume(&mut self, ask: &Ask, content: Bytes, limits: &Limits) -> Judged {
        let carried = match carried(&ask.item) {
            Carried::Send(..) => Carried::Send(content.clone(), None),
            other => other,
        };
        self.session.resume(ask, content, carried, limits)
    }

    fn offer(&mut self, item: &Arc<Item>, limits: &Limits) -> Offered {
        if self.lagging {
            return Offered::Lags;
        }
        match self.work {
            Work::Idle => Offered::Judged(self.judge(item, limits)),
            // The page is not asked for yet, and will be from behind this item.
            Work::Queued { failures: 0 } if self.waiting.is_empty() && !self.is_told_by(item) => {
                Offered::Judged(self.judge(item, limits))
            }
            _ => self.put_off(item, limits),
        }
    }

    /// Whether an item says no more than that the page is to be fetched.
    fn is_told_by(&self, item: &Item) -> bool {
        matches!(item.stream, Some(StreamFormat::Hint)) && self.trail.next.is_some()
    }

    /// The item waits until the stream is not busy any more.
    pub fn put_off(&mut self, item: &Arc<Item>, limits: &Limits) -> Offered {
        if self.is_told_by(item) && !matches!(self.work, Work::Filter(_)) {
            // What it asks for is on its way, or will be asked for once more after it (REC-4).
            self.again |= matches!(self.work, Work::Asked { .. } | Work::Body(_));
            return Offered::Waits;
        }
        let bytes = weight(item);
        if self.waiting.push(item.clone(), bytes, limits.waiting_bytes).is_ok() {
            return Offered::Waits;
        }
        let recovers = self.recovers();
        if recovers {
            self.waiting.take();
            self.again = true;
        }
        Offered::Overflow { recovers }
    }

    /// When the next link is to be followed, because nothing has come (NEXT-6).
    pub fn link_due(&self, delivered: Time) -> Option<Time> {
        let next = self.trail.next.as_ref()?;
        Some(next.since.max(delivered) + next.timeout)
    }
}

fn plain(item: &Item) -> Judged {
    match carried(item) {
        Carried::Send(content, expected) if crate::filter::expects(expected, &[]) => {
            Judged::Content(content)
        }
        Carried::Send(..) => Judged::Mismatch,
        Carried::Close => Judged::Close,
        Carried::Hint | Carried::Nothing => Judged::Nothing,
    }
}

fn carried(item: &Item) -> Carried<'_> {
    match &item.stream {
        Some(StreamFormat::Send(content)) => {
            Carried::Send(content.data.clone(), content.content_filters.as_deref())
        }
        Some(StreamFormat::Hint) => Carried::Hint,
        Some(StreamFormat::Close) => Carried::Close,
        Some(StreamFormat::Refresh) | None => Carried::Nothing,
    }
}

/// What an item weighs while it waits for a stream.
fn weight(item: &Item) -> u64 {
    match &item.stream {
        Some(StreamFormat::Send(content)) => content.data.len() as u64,
        _ => 0,
    }
}
