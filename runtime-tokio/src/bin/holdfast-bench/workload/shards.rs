//! What a second shard brings.

use std::io;
use std::time::Instant;

use super::push::Fan;
use super::{Figures, Scale, high};
use crate::load::{Between, plain};
use crate::origin::Origin;
use crate::peer::{Hold, Peer, Running};
use crate::sys::Cores;

/// What the figures of this module mean.
pub const NOTE: &str = "two shards: the load generator needs a core of its own, so two shards are not \
     measured by what they serve but by the CPU time (user and system) that the server takes for it. One \
     shard is measured on the core of the server and again on that of the load generator, since it is less \
     work to wake somebody on the same core; two shards are on both cores. \"Scales\" is what two cores \
     would serve, if they were there for the server alone, over what one serves.";

/// What is done.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Job {
    /// Plain requests for 1 KB on 64 connections.
    Plain,
    /// Messages to 1000 streams.
    FanOut,
}

impl Job {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain 1 KB, 64 connections",
            Self::FanOut => "fan-out to 1000 streams",
        }
    }

    /// Whether it means anything for a peer.
    pub fn runs_on(self, peer: Peer) -> bool {
        match self {
            Self::Plain => matches!(peer, Peer::Holdfast | Peer::Nginx),
            Self::FanOut => matches!(peer, Peer::Holdfast | Peer::Nchan),
        }
    }

    /// Does it; returns the seconds of the server's CPU time that a request or a delivery takes.
    fn cost(self, server: &Running, scale: &Scale) -> io::Result<f64> {
        let (count, spent) = match self {
            Self::Plain => {
                let before = server.cpu();
                let done = plain(server.http, "/plain/1024", 64, scale.span)?;
                (done.count, server.cpu() - before)
            }
            Self::FanOut => {
                let mut fan = Fan::open(server, scale, (Hold::Stream, 1000), Between::Sleep)?;
                let (before, begin, mut count) = (server.cpu(), Instant::now(), 0);
                while begin.elapsed() < scale.span {
                    count += fan.publish()?.0;
                }
                (count, server.cpu() - before)
            }
        };
        Ok(spent.as_secs_f64() / count as f64)
    }
}

/// Measures with one shard and with two.
pub fn measure(job: Job, peer: Peer, origin: &Origin, scale: &Scale) -> io::Result<Figures> {
    let cost = |cores| job.cost(&peer.start(origin.addr, cores)?, scale);
    let (apart, beside, two) = (cost(Cores::Own)?, cost(Cores::Load)?, cost(Cores::Both)?);
    let one = (apart + beside) / 2.0;
    Ok(vec![
        high("1 shard, per CPU s", 1.0 / one),
        high("2 shards, per CPU s", 1.0 / two),
        high("scales", 2.0 * one / two),
    ])
}
