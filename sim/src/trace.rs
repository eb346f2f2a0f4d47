//! What happened to a shard, as plain data, and what it said to that.

use core::fmt::{self, Write};
use std::sync::Arc;

use holdfast_core::engine::{Actions, Config, Engine, Event};
use holdfast_core::ground::{Seed, ShardId, Time, UnixTime};

/// Everything that one engine was told, and a digest of its actions.
#[derive(Clone, Debug)]
pub struct Trace {
    /// The shard.
    pub shard: ShardId,
    /// The engine's seed.
    pub seed: Seed,
    /// The engine's first configuration.
    pub config: Arc<Config>,
    /// The events with their times.
    pub events: Vec<(Time, Event)>,
    /// Of all events and actions, in their order.
    pub digest: Digest,
}

/// The wall clock of every world at its zero.
const WALL: UnixTime = UnixTime(1_790_000_000);

impl Trace {
    pub(crate) fn new(shard: ShardId, seed: Seed, config: Arc<Config>) -> Self {
        Self { shard, seed, config, events: Vec::new(), digest: Digest::default() }
    }

    /// An engine to which nothing has happened yet.
    pub fn engine(&self) -> Engine {
        Engine::new(self.config.clone(), self.shard, self.seed, WALL)
    }

    pub(crate) fn record(&mut self, now: Time, event: &Event) {
        self.events.push((now, event.clone()));
        self.digest.add(format_args!("{now:?} {event:?}"));
    }

    pub(crate) fn did(&mut self, actions: &Actions) {
        self.digest.add(format_args!("{actions:?}"));
    }

    /// Tells a new engine the same; returns the digest that comes of it.
    pub fn replay(&self) -> Digest {
        let (mut engine, mut actions) = (self.engine(), Actions::new());
        let mut again = Self::new(self.shard, self.seed, self.config.clone());
        for (now, event) in &self.events {
            again.record(*now, event);
            engine.handle(*now, event.clone(), &mut actions);
            again.did(&actions);
            actions.clear();
        }
        again.digest
    }
}

/// One line an event.
impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (now, event) in &self.events {
            write!(f, "shard {} {now:?} ", self.shard.0)?;
            match event {
                Event::Reconfigure(_) => writeln!(f, "Reconfigure")?,
                event => writeln!(f, "{event:?}")?,
            }
        }
        Ok(())
    }
}

/// A number that differs if anything differs (64-bit FNV-1a over the printed form).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Digest(pub u64);

impl Default for Digest {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Digest {
    /// Adds something that can be printed.
    pub fn add(&mut self, what: fmt::Arguments<'_>) {
        // Writing into a number cannot fail.
        let _ = self.write_fmt(what);
    }
}

impl Write for Digest {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        Ok(())
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}
