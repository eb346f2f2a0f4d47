//! Clients that come and go.

use std::collections::VecDeque;
use std::io;
use std::time::{Duration, Instant};

use mio::{Events, Poll};

use super::Publisher;
use super::socket::{Answers, Response, Socket};
use crate::origin::Origin;
use crate::peer::{Hold, Running};
use crate::sys::wait;

/// Long-poll cycles a second, and how many there were: `count` clients poll, each poll asks the origin and is held, an item answers
/// it, and the client polls again.
pub fn cycles(
    server: &Running,
    origin: &Origin,
    count: usize,
    span: Duration,
) -> io::Result<(f64, usize)> {
    use std::sync::atomic::Ordering;
    let (mut poll, mut events) = (Poll::new()?, Events::with_capacity(256));
    let mut publisher = Publisher::new(server, Hold::Poll);
    let request = server.hold_request(Hold::Poll, "all");
    let mut conns = Vec::with_capacity(count);
    for token in 0..count {
        conns.push((Socket::open(server.http, &poll, token)?, Response::default()));
    }
    let (mut buffer, mut done) = ([0; 4096], 0_usize);
    let begin = Instant::now();
    let mut waiting: VecDeque<usize> = (0..count).collect();
    while begin.elapsed() < span {
        // One turn: everybody polls, the origin answers all, one item answers all polls.
        let asked = origin.answered.load(Ordering::Relaxed);
        let round = waiting.len() as u64;
        for token in waiting.drain(..) {
            conns[token].0.send(request.as_bytes())?;
        }
        while origin.answered.load(Ordering::Relaxed) < asked + round {
            wait(&mut poll, &mut events, Some(Duration::from_micros(100)))?;
            for event in &events {
                conns[event.token().0].0.flush()?;
            }
        }
        let mut answered = 0;
        while answered < round && begin.elapsed() < span {
            publisher.publish(server, "all")?;
            let patience = Instant::now();
            while answered < round && patience.elapsed() < Duration::from_millis(3) {
                wait(&mut poll, &mut events, Some(Duration::from_millis(1)))?;
                for event in &events {
                    let (socket, response) = &mut conns[event.token().0];
                    while let Some(read @ 1..) = socket.read(&mut buffer)? {
                        if response.advance(&buffer[..read])? > 0 {
                            answered += 1;
                            waiting.push_back(event.token().0);
                        }
                    }
                }
            }
        }
        done += waiting.len();
    }
    Ok((done as f64 / begin.elapsed().as_secs_f64(), done))
}

/// Connections a second that are opened, held as a stream, and closed when the stream has begun.
pub fn open_and_close(server: &Running, under_way: usize, span: Duration) -> io::Result<f64> {
    let (mut poll, mut events) = (Poll::new()?, Events::with_capacity(256));
    let request = server.hold_request(Hold::Stream, "churn");
    let open = |poll: &Poll, token: usize| -> io::Result<Socket> {
        let mut socket = Socket::open(server.http, poll, token)?;
        socket.send(request.as_bytes())?;
        Ok(socket)
    };
    let mut conns = Vec::with_capacity(under_way);
    for token in 0..under_way {
        conns.push(open(&poll, token)?);
    }
    let (mut buffer, mut done, begin) = ([0; 4096], 0_usize, Instant::now());
    while begin.elapsed() < span {
        wait(&mut poll, &mut events, Some(Duration::from_millis(100)))?;
        for event in &events {
            let token = event.token().0;
            conns[token].flush()?;
            if let Some(read) = conns[token].read(&mut buffer)? {
                done += usize::from(read > 0);
                // Reset instead of a lingering close, so that the ports of this machine last.
                socket2::SockRef::from(&conns[token].stream).set_linger(Some(Duration::ZERO))?;
                conns[token] = open(&poll, token)?;
            }
        }
    }
    Ok(done as f64 / begin.elapsed().as_secs_f64())
}
