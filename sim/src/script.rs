//! What is asked and what shall be answered: the plan that clients, origins and ledgers share.
//!
//! A request names its place in the plan in its path, `/{way}/{number}`, and so does the answer in
//! its `X-Ask` field. Bodies are lines: `o…` is what an origin says, `k` a keep-alive,
//! `i{channel}.{item}.…` an item, `p{number}` says that what comes with it is for one reader only.
//! Those who follow a journal add to the plan as they go.

use holdfast_core::ground::{Rng, Span};

use crate::dice::{log_range, one_of, span, weighted};
use crate::swarm::{Options, Origins};

/// One request of the plan.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct AskId(pub(crate) u32);

/// What stands before the names of channels on the side of the publishers.
pub(crate) const PREFIX: &str = "sim-";

/// A request, and what it meets.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    pub(crate) id: AskId,
    pub(crate) method: Method,
    /// Bytes of the request's body.
    pub(crate) body: u64,
    /// The client waits to be asked for the body.
    pub(crate) expects_continue: bool,
    pub(crate) way: Way,
    pub(crate) serve: Serve,
    /// How long the client waits before it gives up.
    pub(crate) patience: Option<Span>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Method {
    Get,
    Head,
    Post,
}

/// The route of a request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Way {
    /// To an origin.
    Direct,
    /// To a target that refuses, then to an origin.
    Fallback,
    /// To a target that refuses.
    Dead,
}

/// What the origin does.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Serve {
    Plain {
        body: u64,
        framing: Framing,
        pause: Span,
    },
    Poll {
        channels: Vec<u32>,
        timeout: Option<u64>,
        body: u64,
        form: Form,
        pause: Span,
    },
    Stream {
        channels: Vec<u32>,
        keep_alive: Option<u64>,
        body: u64,
        form: Form,
        pause: Span,
    },
    InvalidInstruct,
    LargeInstruct,
    Silent,
    Broken(Break),
    /// Whatever the journal's backend says to this.
    Follow(Follow),
}

/// A request of somebody who follows a journal.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Follow {
    /// The client.
    pub(crate) reader: u32,
    pub(crate) journal: u32,
    pub(crate) mode: Mode,
    /// The last entry that the client has read.
    pub(crate) after: u64,
}

/// How a journal is followed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Mode {
    Poll,
    Stream,
}

/// What a URL at an origin names.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Place {
    Ask(AskId),
    /// What comes after an entry of a journal, for the session of this request or for anybody.
    Page {
        journal: u32,
        owner: Option<AskId>,
        after: u64,
    },
    /// Where it is said that the session of this request is over.
    Gone(AskId),
}

/// How a response is framed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Framing {
    Length,
    Chunked,
    Close,
}

/// Where instructions stand.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Form {
    Headers,
    Json,
}

/// How an origin breaks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Break {
    /// Sends what is not HTTP.
    Garbage,
    /// Closes without an answer.
    Hangup,
    /// Closes in the middle of a head.
    HalfHead,
    /// Closes in the middle of a body.
    HalfBody,
    /// Closes in the middle of the body of a long-poll's instruct.
    HalfInstruct,
    /// Closes in the middle of the first body of a stream.
    HalfOpening,
}

/// How a request must end, as far as nothing is in its way.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Outcome {
    /// With the origin's answer.
    Served,
    /// With an error of the proxy's own.
    Refused,
    /// With the beginning of the origin's answer.
    Cut,
}

/// All requests of a run.
#[derive(Debug, Default)]
pub(crate) struct Book {
    asks: Vec<Ask>,
}

impl Book {
    pub(crate) fn ask(&self, id: AskId) -> &Ask {
        &self.asks[id.0 as usize]
    }

    /// The request that a target names.
    pub(crate) fn find(&self, target: &[u8]) -> Option<&Ask> {
        match Place::parse(target)? {
            Place::Ask(id) => self.asks.get(id.0 as usize),
            Place::Page { .. } | Place::Gone(_) => None,
        }
    }

    /// Writes the next request of a follower into the plan.
    pub(crate) fn follow(&mut self, follow: Follow, options: &Options, rng: &mut Rng) -> AskId {
        let id = self.next_id();
        let clientele = &options.clientele;
        let posts = follow.mode == Mode::Poll && rng.one_in(clientele.posts_one_in);
        let fallback = rng.one_in(options.origins.fallback_one_in);
        self.asks.push(Ask {
            id,
            method: if posts { Method::Post } else { Method::Get },
            body: if posts { log_range(rng, 0, 10_000) } else { 0 },
            expects_continue: false,
            way: if fallback { Way::Fallback } else { Way::Direct },
            serve: Serve::Follow(follow),
            patience: rng.one_in(clientele.impatient_one_in).then(|| span(rng, clientele.patience)),
        });
        id
    }

    /// Writes a request into the plan.
    pub(crate) fn plan(&mut self, options: &Options, rng: &mut Rng) -> AskId {
        let id = self.next_id();
        let clientele = &options.clientele;
        let serve = serve(options, rng);
        // There is no JSON in the answer to a `HEAD`, and nothing of a stream.
        let heads = matches!(serve, Serve::Plain { .. } | Serve::Poll { form: Form::Headers, .. });
        let method = match () {
            () if heads && rng.one_in(clientele.heads_one_in) => Method::Head,
            () if rng.one_in(clientele.posts_one_in) => Method::Post,
            () => Method::Get,
        };
        let way = match () {
            () if rng.one_in(options.origins.dead_one_in) => Way::Dead,
            () if rng.one_in(options.origins.fallback_one_in) => Way::Fallback,
            () => Way::Direct,
        };
        let impatient = rng.one_in(clientele.impatient_one_in);
        self.asks.push(Ask {
            id,
            method,
            body: if method == Method::Post { log_range(rng, 0, 10_000) } else { 0 },
            expects_continue: method == Method::Post && rng.one_in(3),
            way,
            serve,
            patience: impatient.then(|| span(rng, clientele.patience)),
        });
        id
    }

    fn next_id(&self) -> AskId {
        AskId(u32::try_from(self.asks.len()).expect("a run has few requests"))
    }
}

impl Ask {
    pub(crate) fn path(&self) -> String {
        let way = self.way.letter();
        match self.follow() {
            Some(follow) => format!("/{way}/{}?after={}", self.id.0, follow.after),
            None => format!("/{way}/{}", self.id.0),
        }
    }

    pub(crate) fn follow(&self) -> Option<Follow> {
        match self.serve {
            Serve::Follow(follow) => Some(follow),
            _ => None,
        }
    }

    pub(crate) fn outcome(&self) -> Outcome {
        match &self.serve {
            _ if self.way == Way::Dead => Outcome::Refused,
            Serve::Plain { .. } | Serve::Poll { .. } | Serve::Stream { .. } | Serve::Follow(_) => {
                Outcome::Served
            }
            Serve::Broken(Break::HalfBody | Break::HalfOpening) => Outcome::Cut,
            Serve::InvalidInstruct | Serve::LargeInstruct | Serve::Silent | Serve::Broken(_) => {
                Outcome::Refused
            }
        }
    }

    /// The channels that a hold is subscribed to, at most `limit` of those that are named.
    pub(crate) fn channels(&self, limit: usize) -> &[u32] {
        match &self.serve {
            Serve::Poll { channels, .. } | Serve::Stream { channels, .. } => {
                &channels[..channels.len().min(limit)]
            }
            Serve::Broken(Break::HalfOpening) => &[0],
            _ => &[],
        }
    }

    pub(crate) fn is_stream(&self) -> bool {
        matches!(self.serve, Serve::Stream { .. } | Serve::Broken(Break::HalfOpening))
    }
}

impl Way {
    pub(crate) fn letter(self) -> char {
        match self {
            Self::Direct => 'a',
            Self::Fallback => 'b',
            Self::Dead => 'c',
        }
    }
}

impl Place {
    /// Reads the target of a request.
    pub(crate) fn parse(target: &[u8]) -> Option<Self> {
        let target = core::str::from_utf8(target).ok()?;
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let (_, name) = path.rsplit_once('/')?;
        let ask = |name: &str| name.parse().ok().map(AskId);
        if let Some(name) = name.strip_prefix("gone") {
            return ask(name).map(Self::Gone);
        }
        let Some(name) = name.strip_prefix("page") else { return ask(name).map(Self::Ask) };
        let (journal, owner) = name.split_once('-')?;
        let owner = if owner.is_empty() { None } else { Some(ask(owner)?) };
        let after = query.strip_prefix("after=")?.parse().ok()?;
        Some(Self::Page { journal: journal.parse().ok()?, owner, after })
    }

    /// The last part of its URL.
    pub(crate) fn name(self) -> String {
        match self {
            Self::Ask(id) => id.0.to_string(),
            Self::Page { journal, owner, after } => {
                let owner = owner.map(|owner| owner.0.to_string()).unwrap_or_default();
                format!("page{journal}-{owner}?after={after}")
            }
            Self::Gone(id) => format!("gone{}", id.0),
        }
    }
}

/// What a line of a body is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Line {
    Origin,
    KeepAlive,
    /// For one reader only.
    Private(u64),
    Item {
        channel: u32,
        item: u64,
    },
}

impl Line {
    /// Reads a line, without its line feed.
    pub(crate) fn parse(line: &[u8]) -> Option<Self> {
        match line {
            [b'k'] => Some(Self::KeepAlive),
            [b'p', rest @ ..] => core::str::from_utf8(rest).ok()?.parse().ok().map(Self::Private),
            [b'o', rest @ ..] if rest.iter().all(|&byte| byte == b'o') => Some(Self::Origin),
            [b'i', rest @ ..] => {
                let mut parts = core::str::from_utf8(rest).ok()?.splitn(3, '.');
                let (channel, item) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
                let whole = parts.next()?.bytes().all(|byte| byte == b'.');
                whole.then_some(Self::Item { channel, item })
            }
            _ => None,
        }
    }
}

/// The line of an item, about `size` bytes long.
pub(crate) fn item_line(channel: u32, item: u64, size: u64) -> String {
    let mut line = format!("i{channel}.{item}.");
    while (line.len() as u64) < size {
        line.push('.');
    }
    line.push('\n');
    line
}

/// What an origin says in `len` bytes: nothing, or one line.
pub(crate) fn origin_body(len: u64) -> Vec<u8> {
    let mut body = vec![b'o'; len as usize];
    if let Some(last) = body.last_mut() {
        *last = b'\n';
    }
    body
}

fn serve(options: &Options, rng: &mut Rng) -> Serve {
    let origins = &options.origins;
    let body = |rng: &mut Rng| body(origins, rng);
    let pause = span(rng, origins.pause);
    let form = one_of(rng, &[Form::Headers, Form::Headers, Form::Json]);
    match weighted(rng, &origins.weights) {
        0 => {
            let framing = one_of(rng, &[Framing::Length, Framing::Chunked, Framing::Close]);
            Serve::Plain { body: body(rng), framing, pause }
        }
        1 => {
            let timeout = (!rng.one_in(3)).then(|| rng.below(20));
            let channels = channels(options, rng);
            Serve::Poll { channels, timeout, body: body(rng).min(2000), form, pause }
        }
        2 => {
            let keep_alive = (!rng.one_in(3)).then(|| 1 + rng.below(20));
            // A JSON instruct is read whole, and there is a bound to that.
            let most = if form == Form::Json { 2000 } else { u64::MAX };
            let channels = channels(options, rng);
            Serve::Stream { channels, keep_alive, body: body(rng).min(most), form, pause }
        }
        3 => Serve::InvalidInstruct,
        4 => Serve::LargeInstruct,
        5 => Serve::Silent,
        _ => Serve::Broken(one_of(
            rng,
            &[
                Break::Garbage,
                Break::Hangup,
                Break::HalfHead,
                Break::HalfBody,
                Break::HalfInstruct,
                Break::HalfOpening,
            ],
        )),
    }
}

/// A size that is nothing or a line.
fn body(origins: &Origins, rng: &mut Rng) -> u64 {
    match log_range(rng, 0, origins.body) {
        1 => 2,
        len => len,
    }
}

/// Some of the channels, in any order, each once.
fn channels(options: &Options, rng: &mut Rng) -> Vec<u32> {
    let first = rng.below(u64::from(options.channels)) as u32;
    let count = 1 + rng.below(u64::from(options.channels)) as u32;
    (first..first + count).map(|channel| channel % options.channels).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_back() {
        let line = item_line(3, 42, 30);
        assert_eq!(line.len(), 31);
        let parsed = Line::parse(line.trim_end().as_bytes());
        assert_eq!(parsed, Some(Line::Item { channel: 3, item: 42 }));
        assert_eq!(Line::parse(b"ooo"), Some(Line::Origin));
        assert_eq!(Line::parse(b"oxo"), None);
        assert_eq!(origin_body(3), b"oo\n");
    }

    #[test]
    fn places_are_read_back() {
        let page = Place::Page { journal: 2, owner: Some(AskId(7)), after: 30 };
        let common = Place::Page { journal: 2, owner: None, after: 0 };
        for place in [Place::Ask(AskId(4)), page, common, Place::Gone(AskId(9))] {
            assert_eq!(Place::parse(format!("/a/{}", place.name()).as_bytes()), Some(place));
        }
        assert_eq!(Place::parse(b"/a/4?after=3"), Some(Place::Ask(AskId(4))));
    }
}
