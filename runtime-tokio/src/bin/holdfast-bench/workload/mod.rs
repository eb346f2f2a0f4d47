//! What is measured.

mod memory;
mod push;
mod scale;
mod shards;

use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::load::{Turns, cycles, download, echo, open_and_close, plain};
use crate::origin::Origin;
use crate::peer::{Hold, Peer, Running};
use crate::sys::Cores;

pub use scale::Scale;
pub use shards::Job;

/// One row, or a few that come from one run.
pub enum Workload {
    /// Plain requests for `size` bytes.
    Plain { size: usize, conns: usize },
    /// One large body.
    Download,
    /// Memory a held connection.
    Held(Hold, usize),
    /// One item to many, again and again.
    FanOut(Hold, usize),
    /// Many channels with one subscriber each.
    Unicast,
    /// A steady trickle of items: the time to the client.
    Trickle,
    /// Long-poll cycles.
    Cycles,
    /// Connections that come, are held, and go.
    Churn,
    /// A plain request's time while a large fan-out runs.
    Flat(usize),
    /// Messages to the backend and back, over requests.
    EchoOverHttp,
    /// Messages to the backend and back, over a WebSocket to it.
    EchoNative,
    /// Work a second of CPU time, with one shard and with two.
    Shards(Job),
}

/// Named numbers, each with whether more is better.
pub type Figures = Vec<(String, f64, Better)>;

/// Which way a figure is better.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Better {
    /// More.
    High,
    /// Less.
    Low,
}

impl Workload {
    /// All of them.
    pub fn all(scale: &Scale) -> Vec<Self> {
        let mut all: Vec<_> =
            scale.plain.iter().map(|&conns| Self::Plain { size: 1024, conns }).collect();
        all.extend([Self::Plain { size: 65_536, conns: 64 }, Self::Download]);
        for hold in [Hold::Stream, Hold::Poll, Hold::Socket] {
            all.extend(scale.held.iter().map(|&count| Self::Held(hold, count)));
        }
        for hold in [Hold::Stream, Hold::Socket] {
            all.extend(scale.fans.iter().map(|&count| Self::FanOut(hold, count)));
        }
        all.extend([Self::Unicast, Self::Trickle, Self::Cycles, Self::Churn]);
        all.extend(scale.fans.last().map(|&count| Self::Flat(count)));
        all.extend([Self::EchoOverHttp, Self::EchoNative]);
        all.extend([Self::Shards(Job::Plain), Self::Shards(Job::FanOut)]);
        all
    }

    /// Its name.
    pub fn name(&self) -> String {
        match self {
            Self::Plain { size, conns: 1 } => format!("plain {} KB, 1 connection", size / 1024),
            Self::Plain { size, conns } => format!("plain {} KB, {conns} connections", size / 1024),
            Self::Download => "100 MB download".to_owned(),
            Self::Held(hold, count) => format!("{count} held {}", hold.plural()),
            Self::FanOut(hold, count) => format!("fan-out to {count} {}", hold.plural()),
            Self::Unicast => "unicast publish, 64 under way".to_owned(),
            Self::Trickle => "publish at 200/s".to_owned(),
            Self::Cycles => "long-poll cycles, 64 clients".to_owned(),
            Self::Churn => "connect, hold, close".to_owned(),
            Self::Flat(count) => format!("plain request during fan-out to {count}"),
            Self::EchoOverHttp => "WebSocket echo over HTTP, 64 clients".to_owned(),
            Self::EchoNative => "WebSocket echo natively, 64 clients".to_owned(),
            Self::Shards(job) => format!("two shards: {}", job.name()),
        }
    }

    /// Whether it means anything for a peer.
    pub fn runs_on(&self, peer: Peer) -> bool {
        match self {
            Self::Plain { size: 1024, .. } => peer != Peer::Nchan,
            Self::Plain { .. } => !matches!(peer, Peer::Nchan | Peer::Ceiling),
            Self::Download => !matches!(peer, Peer::Nchan | Peer::Ceiling),
            Self::FanOut(..) => peer != Peer::Nginx,
            // nchan holds without asking an origin: no cycle and no echo to compare.
            Self::Cycles | Self::Flat(_) | Self::EchoOverHttp => {
                matches!(peer, Peer::Holdfast | Peer::Pushpin)
            }
            Self::EchoNative => matches!(peer, Peer::Holdfast | Peer::Pushpin | Peer::Nginx),
            Self::Shards(job) => job.runs_on(peer),
            _ => !matches!(peer, Peer::Nginx | Peer::Ceiling),
        }
    }

    /// What a reader should know to understand the figures.
    pub fn note(&self) -> Option<&'static str> {
        matches!(self, Self::Shards(Job::Plain)).then_some(shards::NOTE)
    }

    /// Measures it once, on a server of its own.
    pub fn measure(&self, peer: Peer, origin: &Origin, scale: &Scale) -> io::Result<Figures> {
        let start = || peer.start(origin.addr, Cores::Own);
        let span = scale.span;
        match *self {
            Self::Plain { size, conns } => {
                let path = format!("/plain/{size}");
                turns("requests/s", &start()?, |addr| plain(addr, &path, conns, span))
            }
            Self::Download => downloads(&start()?, scale),
            Self::Held(hold, count) => memory::held(&start()?, hold, count, scale),
            Self::FanOut(_, count) if peer == Peer::Ceiling => push::writes(count),
            Self::FanOut(hold, count) => push::fan_out(&start()?, hold, count, scale),
            Self::Unicast => push::narrow(&start()?, scale),
            Self::Trickle => push::trickle(&start()?, scale),
            Self::Cycles => polling(&start()?, origin, span),
            Self::Churn => Ok(vec![high("connections/s", open_and_close(&start()?, 64, span)?)]),
            Self::Flat(count) => push::flat(&start()?, count, scale),
            Self::EchoOverHttp => {
                turns("messages/s", &start()?, |addr| echo(addr, "/woh/echo", 64, span))
            }
            Self::EchoNative => {
                turns("messages/s", &start()?, |addr| echo(addr, "/native/", 64, span))
            }
            Self::Shards(job) => shards::measure(job, peer, origin, scale),
        }
    }
}

/// Turns a second, their times, and what they cost.
fn turns(
    figure: &str,
    server: &Running,
    take: impl FnOnce(SocketAddr) -> io::Result<Turns>,
) -> io::Result<Figures> {
    let before = server.cpu();
    let mut done = take(server.http)?;
    let cost = cost(server, before, done.count);
    Ok(vec![high(figure, done.rate), low("p99 ms", done.latencies.quantile(0.99)), cost])
}

fn polling(server: &Running, origin: &Origin, span: Duration) -> io::Result<Figures> {
    let before = server.cpu();
    let (rate, count) = cycles(server, origin, 64, span)?;
    Ok(vec![high("cycles/s", rate), cost(server, before, count)])
}

/// The server's CPU time for each of `count`, of which there were none at `before`.
fn cost(server: &Running, before: Duration, count: usize) -> (String, f64, Better) {
    let spent = server.cpu().saturating_sub(before);
    low("CPU \u{b5}s each", spent.as_secs_f64() * 1e6 / count as f64)
}

fn high(name: &str, value: f64) -> (String, f64, Better) {
    (name.to_owned(), value, Better::High)
}

fn low(name: &str, value: f64) -> (String, f64, Better) {
    (name.to_owned(), value, Better::Low)
}

/// The median of a few downloads: a single one is over before anything has settled.
fn downloads(server: &Running, scale: &Scale) -> io::Result<Figures> {
    let (begin, mut rates) = (Instant::now(), Vec::new());
    while rates.is_empty() || begin.elapsed() < scale.span {
        rates.push(download(server.http, 100_000_000)?);
    }
    rates.sort_by(f64::total_cmp);
    Ok(vec![high("MB/s", rates[rates.len() / 2] / 1e6)])
}
