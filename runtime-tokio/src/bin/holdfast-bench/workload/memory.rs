//! Memory of what is held.

use std::{io, thread};

use super::{Figures, Scale, low};
use crate::load::Held;
use crate::peer::{Hold, Running};

/// Memory a connection, and what is kept of it after they have left.
pub fn held(server: &Running, hold: Hold, count: usize, scale: &Scale) -> io::Result<Figures> {
    let request = |n| server.hold_request(hold, &format!("m{n}"));
    // What a first handful of connections sets up once is not the cost of a connection.
    drop(Held::open(server.http, 64, hold, request)?);
    thread::sleep(scale.settle);
    let before = server.memory() as f64;
    let held = Held::open(server.http, count, hold, request)?;
    thread::sleep(scale.settle);
    let taken = server.memory() as f64 - before;
    let mut figures = vec![low("KB/connection", taken / count as f64 / 1024.0)];
    drop(held);
    if let Some(left) = scale.left {
        thread::sleep(left);
        let kept = server.memory() as f64 - before;
        figures.push(low("of that kept after %", kept / taken * 100.0));
    }
    Ok(figures)
}
