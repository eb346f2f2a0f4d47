//! Items arrive in the order of their release, each once, none left out: on a stream all those that
//! reach its shard from its beginning to its end, behind the whole first body (STRM-1, STRM-4,
//! SEQ-2). So in any case those come that are published after its client has seen that body. A
//! stream ends cleanly only where its publisher closed it (STRM-5), or when the proxy stops. What
//! is cut has lost only its end.

use std::collections::BTreeMap;

use holdfast_core::engine::{Action, Event};
use holdfast_core::ground::{ShardId, Time};
use holdfast_core::publish::{Body, Item, Release, ResponseFormat, StreamFormat};

use super::seats::Seats;
use super::{Fact, Ledger, Setting, ensure};
use crate::script::{Ask, AskId, Break, Line, PREFIX, Serve};

#[derive(Debug, Default)]
pub(super) struct Delivery {
    seats: Seats,
    /// Every item that was released.
    log: Vec<Entry>,
    /// How many of them each shard has got.
    reached: BTreeMap<ShardId, usize>,
    /// Where in the log the streams begin.
    begins: BTreeMap<AskId, usize>,
    readers: BTreeMap<AskId, Reader>,
    drained: bool,
}

/// What one item is to holds.
#[derive(Debug)]
struct Entry {
    channel: u32,
    /// Its number, if streams get it.
    stream: Option<ToStream>,
    /// Its number, if it answers long-polls.
    response: Option<u64>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum ToStream {
    Item(u64),
    Close,
}

/// What one client has got of one answer.
#[derive(Debug, Default)]
struct Reader {
    line: Vec<u8>,
    /// Bytes of the origin's.
    first: u64,
    /// Where in the log the last item was, plus one; at first, where the stream begins.
    next: usize,
    items: u64,
}

impl Ledger for Delivery {
    fn name(&self) -> &'static str {
        "delivery"
    }

    fn see(&mut self, _: Time, fact: &Fact<'_>, setting: &Setting) -> Result<(), String> {
        self.seats.seat(fact, setting);
        match fact {
            Fact::Released(Release::Item { item, .. }) => self.log.push(Entry::of(item)),
            Fact::Told { shard, event: Event::Released(Release::Item { .. }) } => {
                *self.reached.entry(*shard).or_default() += 1;
            }
            Fact::Told { event: Event::Drain, .. } => self.drained = true,
            Fact::Did { shard, action: Action::Begin { conn, .. }, .. } => {
                let begin = self.reached.get(shard).copied().unwrap_or_default();
                self.begins.extend(self.seats.at((*shard, *conn)).map(|ask| (ask, begin)));
            }
            Fact::Head { ask, names: Some(_), .. } => {
                let next = self.begins.get(ask).copied().unwrap_or_default();
                self.readers.insert(*ask, Reader { next, ..Reader::default() });
            }
            Fact::Body { ask, data } => self.took(setting.book.ask(*ask), data, setting)?,
            Fact::End(ask) => {
                if let Some(reader) = self.readers.remove(ask) {
                    self.ended(setting.book.ask(*ask), &reader, setting)?;
                }
            }
            Fact::Cut(ask) | Fact::GivenUp(ask) => {
                self.readers.remove(ask);
            }
            Fact::Rested => {
                for (ask, reader) in &self.readers {
                    self.has_all(setting.book.ask(*ask), reader, setting)?;
                }
            }
            _ => {}
        }
        Ok(())
    }
}

impl Delivery {
    fn took(&mut self, ask: &Ask, data: &[u8], setting: &Setting) -> Result<(), String> {
        let Some(first) = first_body(ask) else { return Ok(()) };
        let Some(mut reader) = self.readers.remove(&ask.id) else { return Ok(()) };
        for &byte in data {
            if byte != b'\n' {
                reader.line.push(byte);
                continue;
            }
            let line = core::mem::take(&mut reader.line);
            let Some(parsed) = Line::parse(&line) else {
                return Err(format!("{} is no line of {ask:?}", line.escape_ascii()));
            };
            match parsed {
                Line::Origin => reader.first += line.len() as u64 + 1,
                Line::KeepAlive | Line::Private(_) => {}
                Line::Item { channel, item } => {
                    self.item((ask, &mut reader), channel, item, setting)?;
                }
            }
            let early = ask.is_stream() && parsed != Line::Origin && reader.first != first;
            ensure(!early, || format!("{parsed:?} comes before the first body of {ask:?}"))?;
        }
        self.readers.insert(ask.id, reader);
        Ok(())
    }

    fn item(
        &self,
        (ask, reader): (&Ask, &mut Reader),
        channel: u32,
        item: u64,
        setting: &Setting,
    ) -> Result<(), String> {
        reader.items += 1;
        let limit = setting.limits.channels_per_hold;
        if !ask.is_stream() {
            let is_it = |entry: &Entry| entry.channel == channel && entry.response == Some(item);
            let known = ask.channels(limit).contains(&channel) && self.log.iter().any(is_it);
            return ensure(known, || format!("item {item} on {channel} is not for {ask:?}"));
        }
        let due = self.first_for(ask, limit, reader.next);
        let is_it = |at: usize| {
            let Entry { channel: of, stream, .. } = self.log[at];
            of == channel && stream == Some(ToStream::Item(item))
        };
        ensure(due.is_some_and(is_it), || {
            let due = due.map(|at| &self.log[at]);
            format!("item {item} on {channel} where {due:?} is due: {reader:?} {ask:?}")
        })?;
        reader.next = due.map_or(reader.next, |at| at + 1);
        Ok(())
    }

    /// A clean end: of a long-poll after one body, of a stream where a publisher closed it.
    fn ended(&self, ask: &Ask, reader: &Reader, setting: &Setting) -> Result<(), String> {
        if !ask.is_stream() {
            let one = reader.items <= 1 && (reader.items == 0 || reader.first == 0);
            return ensure(one, || format!("more than one answer in one to {ask:?}"));
        }
        if self.drained {
            return self.has_all(ask, reader, setting);
        }
        let limit = setting.limits.channels_per_hold;
        let next = self.first_for(ask, limit, reader.next);
        let closed = next.is_some_and(|at| self.log[at].stream == Some(ToStream::Close));
        ensure(closed, || format!("nobody closed {ask:?}: {reader:?}"))
    }

    /// Nothing that was released is missing.
    fn has_all(&self, ask: &Ask, reader: &Reader, setting: &Setting) -> Result<(), String> {
        if !ask.is_stream() {
            return Ok(());
        }
        let whole = first_body(ask) == Some(reader.first);
        ensure(whole, || format!("the first body never came whole to {ask:?}: {reader:?}"))?;
        match self.first_for(ask, setting.limits.channels_per_hold, reader.next) {
            Some(at) => Err(format!("{:?} never came to {ask:?}: {reader:?}", self.log[at])),
            None => Ok(()),
        }
    }

    /// The first entry at `from` or after that a stream must get.
    fn first_for(&self, ask: &Ask, limit: usize, from: usize) -> Option<usize> {
        (from..self.log.len()).find(|&at| self.is_for(ask, limit, at))
    }

    fn is_for(&self, ask: &Ask, limit: usize, at: usize) -> bool {
        let Entry { channel, stream, .. } = &self.log[at];
        stream.is_some() && ask.channels(limit).contains(channel)
    }
}

impl Entry {
    fn of(item: &Item) -> Self {
        let stream = match &item.stream {
            Some(StreamFormat::Send(content)) => number(&content.data).map(ToStream::Item),
            Some(StreamFormat::Close) => Some(ToStream::Close),
            _ => None,
        };
        let response = match &item.response {
            Some(ResponseFormat::Send(response)) => match &response.body {
                Body::Whole(body) => number(body),
                Body::Patch(_) => None,
            },
            _ => None,
        };
        let channel = item.channel.strip_prefix(PREFIX).and_then(|name| name.parse().ok());
        Self { channel: channel.unwrap_or(u32::MAX), stream, response }
    }
}

fn number(line: &[u8]) -> Option<u64> {
    match Line::parse(line.strip_suffix(b"\n")?)? {
        Line::Item { item, .. } => Some(item),
        Line::Origin | Line::KeepAlive | Line::Private(_) => None,
    }
}

/// How long the origin's body is, where items may come behind it or instead of it.
fn first_body(ask: &Ask) -> Option<u64> {
    match ask.serve {
        Serve::Poll { body, .. } | Serve::Stream { body, .. } => Some(body),
        Serve::Broken(Break::HalfOpening) => Some(u64::MAX),
        _ => None,
    }
}
