//! The time of holds. A long-poll is answered by the first item on one of its channels as that is
//! delivered, or at its timeout, and not otherwise (RESP-1 to RESP-5). A silent stream gets its
//! keep-alive in time, not too often, and only if its client reads (KEEP-3 to KEEP-5). A shard that
//! drains holds nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use holdfast_core::engine::{Action, Event};
use holdfast_core::ground::{ShardId, Span, Time};
use holdfast_core::publish::{Item, Release, ResponseFormat, StreamFormat, WsFormat};

use super::seats::{Seat, Seats, ended};
use super::{Fact, Ledger, Setting, ensure};
use crate::script::{PREFIX, Serve};

/// How much later than due a timer may fire: one tick of the wheel.
const TICK: Span = Span::from_nanos(1 << 22);

#[derive(Debug, Default)]
pub(super) struct Holds {
    seats: Seats,
    polls: BTreeMap<Seat, Poll>,
    streams: BTreeMap<Seat, Stream>,
    /// A request whose instruct, or whose first body, is complete.
    complete: Option<Seat>,
    cause: Cause,
}

#[derive(Debug)]
struct Poll {
    channels: Vec<u32>,
    due: Time,
}

#[derive(Debug)]
struct Stream {
    channels: Vec<u32>,
    every: Span,
    /// When the keep-alive timer began to run, or ran out last.
    since: Time,
    /// The last item on one of the channels.
    delivered: Time,
    backlog: u64,
}

/// What the engine is told.
#[derive(Debug, Default)]
enum Cause {
    #[default]
    Other,
    Deliver(Arc<Item>),
    Deadline,
    Drain,
}

impl Ledger for Holds {
    fn name(&self) -> &'static str {
        "holds"
    }

    fn see(&mut self, now: Time, fact: &Fact<'_>, setting: &Setting) -> Result<(), String> {
        self.seats.seat(fact, setting);
        match fact {
            Fact::Told { shard, event } => self.told(now, *shard, event),
            Fact::Did { shard, action: Action::Respond { conn, .. }, .. } => {
                if let Some(poll) = self.polls.get(&(*shard, *conn)) {
                    self.answered(now, poll)?;
                }
            }
            Fact::Did { shard, action: Action::Write { conn, data }, .. } => {
                if let Some(stream) = self.streams.get_mut(&(*shard, *conn))
                    && data == "k\n"
                {
                    stream.kept_alive(now)?;
                }
            }
            Fact::Settled { shard, .. } => {
                if let Some(seat) = self.complete.take() {
                    self.hold(now, seat, setting);
                }
                self.answered_all(*shard)?;
            }
            Fact::Rested => self.rested(now)?,
            _ => {}
        }
        for seat in ended(fact) {
            self.polls.remove(&seat);
            self.streams.remove(&seat);
            self.complete = self.complete.filter(|other| *other != seat);
        }
        Ok(())
    }
}

impl Holds {
    fn told(&mut self, now: Time, shard: ShardId, event: &Event) {
        self.cause = match event {
            Event::Released(Release::Item { item, .. }) => Cause::Deliver(item.clone()),
            Event::Deadline => Cause::Deadline,
            Event::Drain => Cause::Drain,
            _ => Cause::Other,
        };
        match event {
            Event::OriginData { conn, end: true, .. } => self.complete = Some((shard, *conn)),
            Event::Backlog { conn, bytes } => {
                if let Some(stream) = self.streams.get_mut(&(shard, *conn)) {
                    stream.backlog = *bytes;
                }
            }
            // Only what is sent breaks the silence; a hint does not (KEEP-4).
            Event::Released(Release::Item { item, .. })
                if matches!(item.stream, Some(StreamFormat::Send(_)))
                    || matches!(item.ws, Some(WsFormat::Send(_))) =>
            {
                let here = self.streams.iter_mut().filter(|((at, _), _)| *at == shard);
                for (_, stream) in here.filter(|(_, stream)| is_on(&stream.channels, item)) {
                    stream.delivered = now;
                }
            }
            _ => {}
        }
    }

    fn hold(&mut self, now: Time, seat: Seat, setting: &Setting) {
        let Some(ask) = self.seats.at(seat).map(|ask| setting.book.ask(ask)) else { return };
        let channels = ask.channels(setting.limits.channels_per_hold).to_vec();
        match &ask.serve {
            Serve::Poll { timeout, .. } => {
                let timeout = timeout.map_or(setting.limits.hold_timeout, Span::from_secs);
                let due = now + timeout.max(setting.limits.hold_timeout_min);
                self.polls.insert(seat, Poll { channels, due });
            }
            Serve::Stream { keep_alive: Some(every), .. } => {
                let every = Span::from_secs(*every);
                let stream = Stream { channels, every, since: now, delivered: now, backlog: 0 };
                self.streams.insert(seat, stream);
            }
            _ => {}
        }
    }

    /// A poll is answered: is there a reason?
    fn answered(&self, now: Time, poll: &Poll) -> Result<(), String> {
        match &self.cause {
            Cause::Drain => Ok(()),
            Cause::Deliver(item) => ensure(answers(&poll.channels, item), || {
                format!("a long-poll on {:?} is answered by {item:?}", poll.channels)
            }),
            Cause::Deadline => ensure(poll.due <= now && now <= poll.due + TICK, || {
                format!("a long-poll that is due at {:?} times out now", poll.due)
            }),
            Cause::Other => Err("a long-poll is answered without a reason".to_owned()),
        }
    }

    /// After the delivery of an item no poll waits for it any more, and after a drain none waits
    /// for anything.
    fn answered_all(&self, shard: ShardId) -> Result<(), String> {
        let mut polls = self.polls.iter().filter(|((at, _), _)| *at == shard);
        match &self.cause {
            Cause::Deliver(item) => ensure(!polls.any(|(_, p)| answers(&p.channels, item)), || {
                format!("a long-poll is not answered by {item:?}")
            }),
            Cause::Drain => {
                let stream = self.streams.keys().find(|(at, _)| *at == shard);
                ensure(polls.next().is_none() && stream.is_none(), || {
                    "a hold goes on though its shard drains".to_owned()
                })
            }
            Cause::Deadline | Cause::Other => Ok(()),
        }
    }

    fn rested(&self, now: Time) -> Result<(), String> {
        if let Some(poll) = self.polls.values().find(|poll| poll.due + TICK < now) {
            return Err(format!("a long-poll that was due at {:?} is still held", poll.due));
        }
        let silent = |stream: &&Stream| {
            let heard = stream.since.max(stream.delivered);
            stream.backlog == 0 && heard + stream.every + TICK < now
        };
        match self.streams.values().find(silent) {
            Some(stream) => Err(format!("a stream is not kept alive: {stream:?}")),
            None => Ok(()),
        }
    }
}

impl Stream {
    fn kept_alive(&mut self, now: Time) -> Result<(), String> {
        let earliest = self.every.as_nanos() / 10 * 9;
        let early = now.since(self.since.max(self.delivered)).as_nanos() < earliest;
        self.since = now;
        ensure(self.backlog == 0, || format!("kept alive though nobody reads: {self:?}"))?;
        ensure(!early, || format!("a keep-alive too early: {self:?}"))
    }
}

fn answers(channels: &[u32], item: &Item) -> bool {
    matches!(item.response, Some(ResponseFormat::Send(_))) && is_on(channels, item)
}

fn is_on(channels: &[u32], item: &Item) -> bool {
    let name = item.channel.strip_prefix(PREFIX);
    let channel = name.and_then(|name| name.parse::<u32>().ok());
    channel.is_some_and(|channel| channels.contains(&channel))
}
