//! Memory of what is held.

use std::time::Duration;
use std::{io, thread};

use super::{Figures, Scale, low};
use crate::load::Held;
use crate::peer::{Hold, Running};

/// Fewer connections take so little that what they leave behind says nothing.
const CROWD: usize = 10_000;
/// Longer than servers wait for the next poll of a channel, and than it takes them to notice that it has not come.
const LINGER: Duration = Duration::from_secs(70);

/// Memory a connection, and what is kept of it after they have left.
///
/// The level before which the level after is held is that after a first crowd of the same kind and size: a server
/// that has never been busy has not begun to keep what it keeps for good. Of long-polls there is no second crowd; it
/// would take too long, because channels linger.
pub fn held(server: &Running, hold: Hold, count: usize, scale: &Scale) -> io::Result<Figures> {
    let come = |count| {
        let request = |n| server.hold_request(hold, &format!("m{n}"));
        let held = Held::open(server.http, count, hold, request)?;
        thread::sleep(scale.settle);
        io::Result::Ok(held)
    };
    // What a first handful of connections sets up once is not the cost of a connection.
    drop(come(64)?);
    let before = server.memory() as f64;
    let held = come(count)?;
    let taken = server.memory() as f64 - before;
    let mut figures = vec![low("KB/connection", taken / count as f64 / 1024.0)];
    drop(held);
    let Some(left) = scale.left.filter(|_| count >= CROWD) else { return Ok(figures) };
    thread::sleep(if hold == Hold::Poll { left + LINGER } else { left });
    let level = server.memory() as f64;
    figures.push(low("of that kept after %", (level - before) / taken * 100.0));
    if hold != Hold::Poll {
        drop(come(count)?);
        thread::sleep(left);
        let after = server.memory() as f64;
        figures.push(low("next crowd: level after of that before %", after / level * 100.0));
    }
    Ok(figures)
}
