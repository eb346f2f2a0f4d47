//! Clients that come and go.

use std::io;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use mio::{Events, Poll};

use super::held::message;
use super::publisher::Poster;
use super::socket::{Answers, Response, Socket};
use crate::origin::Origin;
use crate::peer::{Hold, Running};
use crate::sys::wait;

/// Crowds of long-polls, so that while one is being answered the others ask: clients of the world keep no common step.
const CROWDS: usize = 4;
/// An item may come before the last of a crowd is held; after this time there is another one for those.
const AGAIN: Duration = Duration::from_millis(3);

/// Long-poll cycles a second, and how many there were: `count` clients poll, each poll asks the origin and is held, an
/// item for its crowd answers it, and the client polls again.
pub fn cycles(
    server: &Running,
    origin: &Origin,
    count: usize,
    span: Duration,
) -> io::Result<(f64, usize)> {
    let (mut poll, mut events) = (Poll::new()?, Events::with_capacity(256));
    let mut crowds = Vec::with_capacity(CROWDS);
    for number in 0..CROWDS {
        let poster = Poster::open(server, &poll, count + number)?;
        crowds.push(Crowd::new(server, poster, number, count / CROWDS));
    }
    let answered = || origin.answered.load(Ordering::Relaxed);
    let (mut conns, mut asked) = (Vec::with_capacity(count), answered());
    for token in 0..count {
        let mut socket = Socket::open(server.http, &poll, token)?;
        socket.send(crowds[token % CROWDS].request.as_bytes())?;
        asked += 1;
        crowds[token % CROWDS].due = asked;
        conns.push((socket, Response::default()));
    }
    let (mut buffer, mut done, begin) = ([0; 4096], 0, Instant::now());
    while begin.elapsed() < span {
        // Without patience: the origin, which has the same core and goes first, tells nobody that it has answered.
        wait(&mut poll, &mut events, Some(Duration::ZERO))?;
        for event in &events {
            let token = event.token().0;
            let Some((socket, response)) = conns.get_mut(token) else {
                crowds[token - count].poster.accepted(&poll, &mut buffer)?;
                continue;
            };
            socket.flush()?;
            if let Some(read @ 1..) = socket.read(&mut buffer)?
                && response.advance(&buffer[..read])? > 0
            {
                let crowd = &mut crowds[token % CROWDS];
                socket.send(crowd.request.as_bytes())?;
                (done, asked) = (done + 1, asked + 1);
                crowd.is_answered(asked);
            }
        }
        for crowd in &mut crowds {
            if crowd.wants_item(answered()) {
                let item = server.publish_request(Hold::Poll, &crowd.channel, &message());
                crowd.poster.send(&item)?;
            }
        }
    }
    Ok((done as f64 / begin.elapsed().as_secs_f64(), done))
}

/// Clients that poll the same channel.
struct Crowd {
    poster: Poster,
    channel: String,
    request: String,
    size: usize,
    /// How many of them have had the last item.
    answered: usize,
    /// When all of them have asked again, the origin has answered so many requests.
    due: u64,
    published: Option<Instant>,
}

impl Crowd {
    fn new(server: &Running, poster: Poster, number: usize, size: usize) -> Self {
        let channel = format!("crowd{number}");
        let request = server.hold_request(Hold::Poll, &channel);
        Self { poster, channel, request, size, answered: 0, due: 0, published: None }
    }

    /// One of them has been answered and was the `asked`th to ask.
    fn is_answered(&mut self, asked: u64) {
        self.answered += 1;
        if self.answered >= self.size {
            (self.answered, self.due, self.published) = (0, asked, None);
        }
    }

    /// Whether it is time to publish, which is then done.
    fn wants_item(&mut self, answered_by_origin: u64) -> bool {
        let wants = match self.published {
            None => answered_by_origin >= self.due,
            Some(published) => published.elapsed() > AGAIN,
        };
        if wants {
            self.published = Some(Instant::now());
        }
        wants
    }
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
