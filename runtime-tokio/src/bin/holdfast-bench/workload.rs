//! What is measured.

use std::io;
use std::time::{Duration, Instant};

use crate::load::{Held, Publisher, cycles, download, open_and_close, plain, unicast};
use crate::origin::Origin;
use crate::peer::{Peer, Running};
use crate::sys;

/// How large and how long.
pub struct Scale {
    /// Repeats of everything; medians are reported.
    pub repeats: usize,
    /// Length of a timed phase.
    pub span: Duration,
    /// Numbers of held connections whose memory is measured.
    pub held: &'static [usize],
    /// How long after held connections have left their memory is looked at: allocators give it back slowly.
    pub left: Duration,
    /// Numbers of streams of a fan-out.
    pub fans: &'static [usize],
    /// Connections of the plain workload.
    pub plain: &'static [usize],
}

impl Scale {
    /// For the table in the README.
    pub fn full() -> Self {
        Self {
            repeats: 3,
            span: Duration::from_secs(5),
            held: &[1000, 15_000],
            left: Duration::from_secs(25),
            fans: &[1000, 10_000],
            plain: &[1, 64, 256],
        }
    }

    /// For a look.
    pub fn quick() -> Self {
        Self {
            repeats: 1,
            span: Duration::from_secs(2),
            held: &[1000],
            left: Duration::from_secs(2),
            fans: &[1000],
            plain: &[64],
        }
    }
}

/// One row, or a few that come from one run.
pub enum Workload {
    /// Plain requests for `size` bytes.
    Plain { size: usize, conns: usize },
    /// One large body.
    Download,
    /// Memory a held stream.
    HeldStreams(usize),
    /// Memory a held long-poll.
    HeldPolls(usize),
    /// One item to many streams, again and again.
    FanOut(usize),
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
        all.extend(scale.held.iter().map(|&count| Self::HeldStreams(count)));
        all.extend(scale.held.iter().map(|&count| Self::HeldPolls(count)));
        all.extend(scale.fans.iter().map(|&count| Self::FanOut(count)));
        all.extend([Self::Unicast, Self::Trickle, Self::Cycles, Self::Churn]);
        all.extend(scale.fans.last().map(|&count| Self::Flat(count)));
        all
    }

    /// Its name.
    pub fn name(&self) -> String {
        match self {
            Self::Plain { size, conns } => format!("plain {} KB, {conns} connections", size / 1024),
            Self::Download => "100 MB download".to_owned(),
            Self::HeldStreams(count) => format!("{count} held streams"),
            Self::HeldPolls(count) => format!("{count} held long-polls"),
            Self::FanOut(count) => format!("fan-out to {count} streams"),
            Self::Unicast => "unicast publish, 64 under way".to_owned(),
            Self::Trickle => "publish at 200/s".to_owned(),
            Self::Cycles => "long-poll cycles, 64 clients".to_owned(),
            Self::Churn => "connect, hold, close".to_owned(),
            Self::Flat(count) => format!("plain request during fan-out to {count}"),
        }
    }

    /// Whether it means anything for a peer.
    pub fn runs_on(&self, peer: Peer) -> bool {
        match self {
            Self::Plain { size: 1024, .. } => peer != Peer::Nchan,
            Self::Plain { .. } => !matches!(peer, Peer::Nchan | Peer::Ceiling),
            Self::Download => !matches!(peer, Peer::Nchan | Peer::Ceiling),
            Self::FanOut(_) => peer != Peer::Nginx,
            // nchan holds without asking an origin: no cycle to compare.
            Self::Cycles | Self::Flat(_) => matches!(peer, Peer::Holdfast | Peer::Pushpin),
            _ => !matches!(peer, Peer::Nginx | Peer::Ceiling),
        }
    }

    /// Measures it once, on a server of its own.
    pub fn measure(&self, peer: Peer, origin: &Origin, scale: &Scale) -> io::Result<Figures> {
        if let (Self::FanOut(count), Peer::Ceiling) = (self, peer) {
            return writes(*count);
        }
        let server = peer.start(origin.addr)?;
        match *self {
            Self::Plain { size, conns } => {
                let mut done = plain(server.http, &format!("/plain/{size}"), conns, scale.span)?;
                let p99 = done.latencies.quantile(0.99);
                Ok(vec![high("requests/s", done.rate), low("p99 ms", p99)])
            }
            Self::Download => downloads(&server),
            Self::HeldStreams(count) => {
                memory(&server, (count, scale), true, |n| server.stream_request(&format!("m{n}")))
            }
            Self::HeldPolls(count) => {
                memory(&server, (count, scale), false, |n| server.poll_request(&format!("m{n}")))
            }
            Self::FanOut(count) => fan_out(&server, count, scale),
            Self::Unicast => narrow(&server, scale),
            Self::Trickle => trickle(&server, scale),
            Self::Cycles => Ok(vec![high("cycles/s", cycles(&server, origin, 64, scale.span)?)]),
            Self::Churn => {
                Ok(vec![high("connections/s", open_and_close(&server, 64, scale.span)?)])
            }
            Self::Flat(count) => flat(&server, count, scale),
        }
    }
}

fn high(name: &str, value: f64) -> (String, f64, Better) {
    (name.to_owned(), value, Better::High)
}

fn low(name: &str, value: f64) -> (String, f64, Better) {
    (name.to_owned(), value, Better::Low)
}

/// The median of a few downloads: a single one is over before anything has settled.
fn downloads(server: &Running) -> io::Result<Figures> {
    let once = |_| download(server.http, 100_000_000);
    let mut rates = (0..7).map(once).collect::<io::Result<Vec<_>>>()?;
    rates.sort_by(f64::total_cmp);
    Ok(vec![high("MB/s", rates[rates.len() / 2] / 1e6)])
}

/// Memory a connection, and what is kept of it after they have left.
fn memory(
    server: &Running,
    (count, scale): (usize, &Scale),
    begins: bool,
    request: impl Fn(usize) -> String,
) -> io::Result<Figures> {
    let settle = Duration::from_millis(1500);
    // What a first handful of connections sets up once is not the cost of a connection.
    drop(Held::open(server.http, 64, begins, &request)?);
    std::thread::sleep(settle);
    let before = server.pss() as f64;
    let held = Held::open(server.http, count, begins, &request)?;
    std::thread::sleep(settle);
    let during = server.pss() as f64;
    drop(held);
    std::thread::sleep(scale.left);
    let after = server.pss() as f64;
    Ok(vec![
        low("KB/connection", (during - before) / count as f64 / 1024.0),
        low("kept afterwards %", (after - before) / before * 100.0),
    ])
}

fn writes(count: usize) -> io::Result<Figures> {
    // Both ends are in one process here, and a process has a limited number of descriptors.
    let count = count.min(9000).to_string();
    let out = std::process::Command::new("taskset")
        .args(["-c", sys::SERVER_CORE])
        .arg(std::env::current_exe()?)
        .args(["writes", "--count", &count])
        .output()?;
    let rate = String::from_utf8_lossy(&out.stdout).trim().parse().map_err(io::Error::other)?;
    Ok(vec![high("deliveries/s", rate)])
}

fn fan_out(server: &Running, count: usize, scale: &Scale) -> io::Result<Figures> {
    let mut held = Held::open(server.http, count, true, |_| server.stream_request("fan"))?;
    let mut publisher = Publisher::new(server);
    settle_subscriptions(server, &mut held)?;
    let (mut rates, mut lost) = (Vec::new(), 0);
    let begin = Instant::now();
    while begin.elapsed() < scale.span * 2 || rates.len() < 3 {
        let sent = Instant::now();
        publisher.publish(server, "fan")?;
        let received = held.collect(count, Duration::from_secs(3))?;
        lost += count - received.messages.min(count);
        rates.push(count as f64 / sent.elapsed().as_secs_f64());
    }
    rates.sort_by(f64::total_cmp);
    let rate = rates[rates.len() / 2];
    Ok(vec![
        high("deliveries/s", rate),
        low("ms to the last", count as f64 / rate * 1e3),
        low("lost", lost as f64),
    ])
}

/// Pushpin asks the origin again a second or more after a channel's first subscription; let that pass.
fn settle_subscriptions(server: &Running, held: &mut Held) -> io::Result<()> {
    if server.peer == Peer::Pushpin {
        held.collect(usize::MAX, Duration::from_secs(4))?;
    }
    Ok(())
}

fn narrow(server: &Running, scale: &Scale) -> io::Result<Figures> {
    const CHANNELS: usize = 1000;
    let mut held =
        Held::open(server.http, CHANNELS, true, |n| server.stream_request(&format!("c{n}")))?;
    settle_subscriptions(server, &mut held)?;
    let (rate, accepted, mut received) = unicast(server, &mut held, CHANNELS, 64, scale.span)?;
    Ok(vec![
        high("messages/s", rate),
        low("p99 ms", received.latencies.quantile(0.99)),
        low("lost", accepted.saturating_sub(received.messages) as f64),
    ])
}

fn trickle(server: &Running, scale: &Scale) -> io::Result<Figures> {
    let mut held = Held::open(server.http, 100, true, |n| server.stream_request(&format!("c{n}")))?;
    settle_subscriptions(server, &mut held)?;
    let mut publisher = Publisher::new(server);
    let (begin, period) = (Instant::now(), Duration::from_millis(5));
    let mut all = crate::load::Received::default();
    let mut sent = 0_u32;
    while begin.elapsed() < scale.span {
        publisher.publish(server, &format!("c{}", sent % 100))?;
        sent += 1;
        let due = begin + period * sent;
        while let Some(left) = due.checked_duration_since(Instant::now()) {
            all.add(held.turn(left)?);
        }
    }
    all.add(held.collect(sent as usize - all.messages, Duration::from_secs(1))?);
    Ok(vec![
        low("p50 ms", all.latencies.quantile(0.5)),
        low("p99 ms", all.latencies.quantile(0.99)),
        low("lost", f64::from(sent) - all.messages as f64),
    ])
}

fn flat(server: &Running, count: usize, scale: &Scale) -> io::Result<Figures> {
    let idle = plain(server.http, "/plain/1024", 1, scale.span)?.latencies.quantile(0.99);
    let mut held = Held::open(server.http, count, true, |_| server.stream_request("fan"))?;
    settle_subscriptions(server, &mut held)?;
    let (addr, span) = (server.http, scale.span);
    let asking = std::thread::spawn(move || {
        sys::prefer_this_thread();
        plain(addr, "/plain/1024", 1, span)
    });
    let mut publisher = Publisher::new(server);
    while !asking.is_finished() {
        publisher.publish(server, "fan")?;
        held.collect(count, Duration::from_secs(1))?;
    }
    let mut busy = asking.join().map_err(|_| io::Error::other("the asking thread panicked"))??;
    let p99 = busy.latencies.quantile(0.99);
    Ok(vec![low("p99 ms idle", idle), low("p99 ms busy", p99), low("busy / idle", p99 / idle)])
}
