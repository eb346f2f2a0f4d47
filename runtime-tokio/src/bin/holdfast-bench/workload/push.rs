//! Items, and the time they take to those who are held.

use std::time::{Duration, Instant};
use std::{io, process, thread};

use super::{Figures, Scale, high, low};
use crate::load::{Between, Held, Publisher, Received, plain, unicast};
use crate::peer::{Hold, Peer, Running};
use crate::sys;

/// A message to `count` clients of one channel, the next when it has come to all.
pub fn fan_out(server: &Running, hold: Hold, count: usize, scale: &Scale) -> io::Result<Figures> {
    let mut fan = Fan::open(server, scale, (hold, count), Between::Watch)?;
    let (mut rates, mut lost) = (Vec::new(), 0);
    let begin = Instant::now();
    while begin.elapsed() < scale.span || rates.len() < 3 {
        let (received, span) = fan.publish()?;
        lost += count - received;
        rates.push(count as f64 / span.as_secs_f64());
    }
    rates.sort_by(f64::total_cmp);
    let rate = rates[rates.len() / 2];
    Ok(vec![
        high("deliveries/s", rate),
        low("ms to the last", count as f64 / rate * 1e3),
        low("lost", lost as f64),
    ])
}

/// The subscribers of one channel, and who publishes to them.
pub struct Fan<'a> {
    server: &'a Running,
    held: Held,
    between: Between,
    publisher: Publisher,
}

impl<'a> Fan<'a> {
    /// `count` subscribers.
    pub fn open(
        server: &'a Running,
        scale: &Scale,
        (hold, count): (Hold, usize),
        between: Between,
    ) -> io::Result<Self> {
        let held = hold_many(server, scale, (hold, count), |_| "fan".to_owned())?;
        Ok(Self { server, held, between, publisher: Publisher::new(server, hold) })
    }

    /// Publishes a message; returns how many it has come to, and how long that took.
    pub fn publish(&mut self) -> io::Result<(usize, Duration)> {
        self.publisher.ready()?;
        let (count, begin) = (self.held.len(), Instant::now());
        self.publisher.publish(self.server, "fan")?;
        let received = self.held.collect(count, Duration::from_secs(3), self.between)?;
        let span = begin.elapsed();
        self.publisher.accepted()?;
        Ok((received.messages.min(count), span))
    }
}

/// Holds `count` connections, each on its channel, and waits until the subscriptions have settled.
fn hold_many(
    server: &Running,
    scale: &Scale,
    (hold, count): (Hold, usize),
    channel: impl Fn(usize) -> String,
) -> io::Result<Held> {
    let mut held =
        Held::open(server.http, count, hold, |n| server.hold_request(hold, &channel(n)))?;
    let settle = match server.peer {
        Peer::Pushpin => scale.again,
        _ => Duration::from_millis(100),
    };
    held.collect(usize::MAX, settle, Between::Sleep)?;
    Ok(held)
}

/// As many writes as the machine allows.
pub fn writes(count: usize) -> io::Result<Figures> {
    // Both ends are in one process here, and a process has a limited number of descriptors.
    let count = count.min(9000).to_string();
    let out = process::Command::new("taskset")
        .args(["-c", sys::SERVER_CORE])
        .arg(std::env::current_exe()?)
        .args(["writes", "--count", &count])
        .output()?;
    let rate = String::from_utf8_lossy(&out.stdout).trim().parse().map_err(io::Error::other)?;
    Ok(vec![high("deliveries/s", rate)])
}

/// Messages to one subscriber each.
pub fn narrow(server: &Running, scale: &Scale) -> io::Result<Figures> {
    const CHANNELS: usize = 1000;
    let mut held = hold_many(server, scale, (Hold::Stream, CHANNELS), |n| format!("c{n}"))?;
    let (rate, accepted, mut received) = unicast(server, &mut held, CHANNELS, 64, scale.span)?;
    Ok(vec![
        high("messages/s", rate),
        low("p99 ms", received.latencies.quantile(0.99)),
        low("lost", accepted.saturating_sub(received.messages) as f64),
    ])
}

/// 200 messages a second.
pub fn trickle(server: &Running, scale: &Scale) -> io::Result<Figures> {
    let mut held = hold_many(server, scale, (Hold::Stream, 100), |n| format!("c{n}"))?;
    let mut publisher = Publisher::new(server, Hold::Stream);
    let (begin, period) = (Instant::now(), Duration::from_millis(5));
    let mut all = Received::default();
    let mut sent = 0_u32;
    while begin.elapsed() < scale.span {
        publisher.publish(server, &format!("c{}", sent % 100))?;
        sent += 1;
        let due = begin + period * sent;
        while let Some(left) = due.checked_duration_since(Instant::now()) {
            all.add(held.turn(left)?);
        }
        publisher.accepted()?;
    }
    let missing = sent as usize - all.messages;
    all.add(held.collect(missing, Duration::from_secs(1), Between::Sleep)?);
    Ok(vec![
        low("p50 ms", all.latencies.quantile(0.5)),
        low("p99 ms", all.latencies.quantile(0.99)),
        low("lost", f64::from(sent) - all.messages as f64),
    ])
}

/// One plain request after the other while messages go to many.
pub fn flat(server: &Running, count: usize, scale: &Scale) -> io::Result<Figures> {
    let idle = plain(server.http, "/plain/1024", 1, scale.span)?.latencies.quantile(0.99);
    let mut fan = Fan::open(server, scale, (Hold::Stream, count), Between::Sleep)?;
    let (addr, span) = (server.http, scale.span);
    let asking = thread::spawn(move || {
        sys::prefer_this_thread();
        plain(addr, "/plain/1024", 1, span)
    });
    while !asking.is_finished() {
        fan.publish()?;
    }
    let mut busy = asking.join().map_err(|_| io::Error::other("the asking thread panicked"))??;
    let p99 = busy.latencies.quantile(0.99);
    Ok(vec![low("p99 ms idle", idle), low("p99 ms busy", p99), low("busy / idle", p99 / idle)])
}
