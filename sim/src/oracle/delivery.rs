//! Items arrive in the order of their release, each once, none left out: on one stream from the first that it
//! gets to its end, and in any case from the moment when its client had the whole first body (STRM-1, STRM-4,
//! SEQ-2). A stream ends cleanly only where its publisher closed it (STRM-5), or when the proxy stops. What is cut
//! has lost only its end.

use std::collections::BTreeMap;

use holdfast_core::engine::Event;
use holdfast_core::ground::Time;
use holdfast_core::publish::{Body, Item, ResponseFormat, StreamFormat};

use super::{Fact, Ledger, Setting, ensure};
use crate::script::{Ask, AskId, Break, Line, PREFIX, Serve};

#[derive(Debug, Default)]
pub(super) struct Delivery {
    log: Vec<Entry>,
    readers: BTreeMap<AskId, Reader>,
    drained: bool,
}

/// What was released and means something to holds.
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
    /// Everything from here on in the log must come, since this client knows that its stream is open.
    owed_from: Option<usize>,
    /// Where in the log the last item was, plus one.
    next: Option<usize>,
    items: u64,
}

impl Ledger for Delivery {
    fn name(&self) -> &'static str {
        "delivery"
    }

    fn see(&mut self, _: Time, fact: &Fact<'_>, setting: &Setting) -> Result<(), String> {
        match fact {
            Fact::Released(item) => self.log.extend(Entry::of(item)),
            Fact::Told { event: Event::Drain, .. } => self.drained = true,
            Fact::Head { ask, names: Some(_), .. } => {
                self.readers.insert(*ask, Reader::default());
                self.took(setting.book.ask(*ask), &[], setting)?;
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
                Line::KeepAlive => {}
                Line::Item { channel, item } => {
                    self.item((ask, &mut reader), channel, item, setting)?;
                }
            }
            let early = ask.is_stream() && parsed != Line::Origin && reader.first != first;
            ensure(!early, || format!("{parsed:?} comes before the first body of {ask:?}"))?;
        }
        if reader.first == first && reader.owed_from.is_none() {
            reader.owed_from = Some(self.log.len());
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
        let is_it =
            |entry: &Entry| entry.channel == channel && entry.stream == Some(ToStream::Item(item));
        let Some(at) = self.log.iter().position(is_it) else {
            return Err(format!("item {item} on {channel} was never released: {ask:?}"));
        };
        let due = reader.next.or(reader.owed_from);
        let skipped = due.and_then(|due| self.first_for(ask, limit, due));
        let good = match reader.next {
            Some(_) => skipped == Some(at),
            None => skipped.is_none_or(|skipped| at <= skipped),
        };
        reader.next = Some(at + 1);
        ensure(good, || format!("entry {at} where {skipped:?} is due: {reader:?} {ask:?}"))
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
        let closes = |at: usize| self.log[at].stream == Some(ToStream::Close);
        let closed = match reader.next {
            Some(next) => self.first_for(ask, limit, next).is_some_and(closes),
            // It may have been subscribed before its client knew.
            None => {
                let owed = reader.owed_from.and_then(|from| self.first_for(ask, limit, from));
                (0..=owed.unwrap_or(self.log.len()))
                    .any(|at| at < self.log.len() && self.is_for(ask, limit, at) && closes(at))
            }
        };
        ensure(closed, || format!("nobody closed {ask:?}: {reader:?}"))
    }

    /// Nothing that was released is missing.
    fn has_all(&self, ask: &Ask, reader: &Reader, setting: &Setting) -> Result<(), String> {
        if !ask.is_stream() {
            return Ok(());
        }
        let Some(from) = reader.next.or(reader.owed_from) else {
            return Err(format!("the first body never came whole to {ask:?}"));
        };
        match self.first_for(ask, setting.limits.channels_per_hold, from) {
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
    fn of(item: &Item) -> Option<Self> {
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
        let channel = item.channel.strip_prefix(PREFIX)?.parse().ok()?;
        Some(Self { channel, stream, response })
    }
}

fn number(line: &[u8]) -> Option<u64> {
    match Line::parse(line.strip_suffix(b"\n")?)? {
        Line::Item { item, .. } => Some(item),
        Line::Origin | Line::KeepAlive => None,
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
