//! Byte links between the proxy and its peers: delay, pieces, bounded windows, stalls and resets.
//!
//! A link is two pipes. What is written into one flies in pieces, each of which lands at the other
//! end at a time of its own, never before the one written earlier. A pipe holds a bounded number of
//! bytes, landed ones that nobody has read included; so a peer that does not read blocks the one
//! that writes.

use std::collections::VecDeque;

use holdfast_core::ground::{Rng, Seed, Span, Time};

/// One connection.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct LinkId(pub(crate) u32);

/// Whose end of a link.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Side {
    Proxy,
    Peer,
}

/// One end of a link.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct End {
    pub(crate) link: LinkId,
    pub(crate) side: Side,
}

/// How a pipe came to its end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Ended {
    Closed,
    Reset,
}

/// What was read.
#[derive(Debug)]
pub(crate) struct Read {
    pub(crate) bytes: Vec<u8>,
    /// There is nothing behind these bytes.
    pub(crate) ended: Option<Ended>,
}

/// How the links of a world are.
#[derive(Clone, Copy, Debug)]
pub struct Weather {
    /// The longest a piece flies.
    pub delay: Span,
    /// The most pieces that one write is torn into.
    pub pieces: u64,
    /// Bytes that one pipe holds.
    pub window: usize,
    /// On a rough link, one write in so many is followed by a stall; 0 is never.
    pub stall_one_in: u64,
    /// The longest stall.
    pub stall: Span,
}

/// Something that must be told to whoever holds an end, at a time.
pub(crate) type Notice = (Time, End);

/// All links of a world.
#[derive(Debug)]
pub(crate) struct Wire {
    links: Vec<Link>,
    weather: Weather,
    rng: Rng,
    stalls: u64,
}

#[derive(Debug)]
struct Link {
    to_proxy: Pipe,
    to_peer: Pipe,
    rough: bool,
}

#[derive(Debug, Default)]
struct Pipe {
    flying: VecDeque<(Time, Flight)>,
    landed: Vec<u8>,
    bytes: usize,
    last: Time,
    ended: Option<Ended>,
    /// The reader is gone; what lands is dropped.
    deaf: bool,
    /// Nothing can be written any more.
    shut: bool,
    /// The writer was refused and waits for room.
    starved: bool,
}

#[derive(Debug)]
enum Flight {
    Data(Vec<u8>),
    End(Ended),
}

impl End {
    pub(crate) const fn proxy(link: LinkId) -> Self {
        Self { link, side: Side::Proxy }
    }

    pub(crate) const fn peer(link: LinkId) -> Self {
        Self { link, side: Side::Peer }
    }

    const fn other(self) -> Self {
        let side = match self.side {
            Side::Proxy => Side::Peer,
            Side::Peer => Side::Proxy,
        };
        Self { link: self.link, side }
    }
}

impl Wire {
    pub(crate) fn new(weather: Weather, seed: Seed) -> Self {
        Self { links: Vec::new(), weather, rng: Rng::new(seed), stalls: 0 }
    }

    pub(crate) fn open(&mut self, rough: bool) -> LinkId {
        let id = LinkId(u32::try_from(self.links.len()).expect("a world has few links"));
        self.links.push(Link { to_proxy: Pipe::default(), to_peer: Pipe::default(), rough });
        id
    }

    pub(crate) fn is_rough(&self, link: LinkId) -> bool {
        self.links[link.0 as usize].rough
    }

    pub(crate) fn stalls(&self) -> u64 {
        self.stalls
    }

    /// From now on nothing stalls.
    pub(crate) fn calm(&mut self) {
        self.weather.stall_one_in = 0;
    }

    /// How long something takes now.
    pub(crate) fn delay(&mut self) -> Span {
        Span::from_nanos(self.rng.below(self.weather.delay.as_nanos() + 1))
    }

    /// Writes as much as there is room for; says how much. Where nobody reads any more everything
    /// can be written.
    pub(crate) fn write(
        &mut self,
        now: Time,
        from: End,
        bytes: &[u8],
        notices: &mut Vec<Notice>,
    ) -> usize {
        let window = self.weather.window;
        let pipe = self.pipe(from.other());
        if pipe.shut || pipe.deaf {
            return bytes.len();
        }
        let taken = bytes.len().min(window.saturating_sub(pipe.bytes));
        pipe.starved = taken < bytes.len();
        pipe.bytes += taken;
        let mut rest = &bytes[..taken];
        let mut pieces = 1 + self.rng.below(self.weather.pieces);
        while !rest.is_empty() {
            let len = match pieces {
                1 => rest.len(),
                _ => 1 + self.rng.below(rest.len() as u64) as usize,
            };
            pieces -= u64::from(pieces > 1);
            let (piece, others) = rest.split_at(len);
            self.fly(now, from, Flight::Data(piece.to_vec()), notices);
            rest = others;
        }
        taken
    }

    /// Takes up to `max` bytes of what has landed.
    pub(crate) fn read(
        &mut self,
        now: Time,
        at: End,
        max: usize,
        notices: &mut Vec<Notice>,
    ) -> Read {
        let pipe = self.pipe(at);
        let rest = pipe.landed.split_off(pipe.landed.len().min(max));
        let bytes = core::mem::replace(&mut pipe.landed, rest);
        pipe.bytes -= bytes.len();
        if !bytes.is_empty() && core::mem::take(&mut pipe.starved) {
            notices.push((now, at.other()));
        }
        let ended = pipe.ended.filter(|_| pipe.landed.is_empty());
        Read { bytes, ended }
    }

    /// Whatever is due at this end lands.
    pub(crate) fn land(&mut self, now: Time, at: End, notices: &mut Vec<Notice>) {
        let pipe = self.pipe(at);
        while pipe.flying.front().is_some_and(|(due, _)| *due <= now) {
            let Some((_, flight)) = pipe.flying.pop_front() else { break };
            match flight {
                Flight::Data(bytes) if pipe.deaf => {
                    pipe.bytes -= bytes.len();
                    if core::mem::take(&mut pipe.starved) {
                        notices.push((now, at.other()));
                    }
                }
                Flight::Data(bytes) => pipe.landed.extend_from_slice(&bytes),
                Flight::End(how) => pipe.end(how),
            }
        }
    }

    /// Closes an end: what was written still arrives, what comes is not read.
    pub(crate) fn close(&mut self, now: Time, from: End, notices: &mut Vec<Notice>) {
        self.end(now, from, Ended::Closed, notices);
    }

    /// Resets a link: what was written and not read may be lost.
    pub(crate) fn reset(&mut self, now: Time, from: End, notices: &mut Vec<Notice>) {
        self.pipe(from.other()).flying.clear();
        self.end(now, from, Ended::Reset, notices);
    }

    /// The link breaks in the middle: both ends see a reset at once.
    pub(crate) fn snap(&mut self, now: Time, link: LinkId, notices: &mut Vec<Notice>) {
        for end in [End::proxy(link), End::peer(link)] {
            let pipe = self.pipe(end);
            pipe.flying.clear();
            pipe.shut = true;
            pipe.end(Ended::Reset);
            notices.push((now, end));
        }
    }

    fn end(&mut self, now: Time, from: End, how: Ended, notices: &mut Vec<Notice>) {
        let incoming = self.pipe(from);
        incoming.deaf = true;
        incoming.bytes -= incoming.landed.len();
        incoming.landed.clear();
        if core::mem::take(&mut incoming.starved) {
            notices.push((now, from.other()));
        }
        if !self.pipe(from.other()).shut {
            self.fly(now, from, Flight::End(how), notices);
            self.pipe(from.other()).shut = true;
        }
    }

    fn fly(&mut self, now: Time, from: End, flight: Flight, notices: &mut Vec<Notice>) {
        let mut due = now + self.delay();
        let stalls = self.is_rough(from.link) && self.rng.one_in(self.weather.stall_one_in);
        if stalls {
            self.stalls += 1;
            due = due + Span::from_nanos(self.rng.below(self.weather.stall.as_nanos()));
        }
        let pipe = self.pipe(from.other());
        due = due.max(pipe.last);
        pipe.last = due;
        pipe.flying.push_back((due, flight));
        notices.push((due, from.other()));
    }

    /// The pipe that leads to an end.
    fn pipe(&mut self, to: End) -> &mut Pipe {
        let link = &mut self.links[to.link.0 as usize];
        match to.side {
            Side::Proxy => &mut link.to_proxy,
            Side::Peer => &mut link.to_peer,
        }
    }
}

impl Pipe {
    /// A reset takes what was not read, and is seen even behind a close.
    fn end(&mut self, how: Ended) {
        if how == Ended::Reset {
            self.landed.clear();
            self.bytes = 0;
        }
        self.ended = Some(how);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wire() -> (Wire, LinkId, Vec<Notice>) {
        let weather = Weather {
            delay: Span::from_millis(10),
            pieces: 4,
            window: 8,
            stall_one_in: 0,
            stall: Span::ZERO,
        };
        let mut wire = Wire::new(weather, Seed(1));
        let link = wire.open(false);
        (wire, link, Vec::new())
    }

    const LATER: Time = Time::from_nanos(1_000_000_000);

    #[test]
    fn bytes_arrive_in_order_and_a_full_pipe_takes_no_more() {
        let (mut wire, link, mut notices) = wire();
        assert_eq!(wire.write(Time::ZERO, End::peer(link), b"0123456789", &mut notices), 8);
        assert_eq!(wire.write(Time::ZERO, End::peer(link), b"89", &mut notices), 0);
        wire.land(LATER, End::proxy(link), &mut notices);
        notices.clear();
        let read = wire.read(LATER, End::proxy(link), 5, &mut notices);
        assert_eq!((&read.bytes[..], read.ended), (&b"01234"[..], None));
        assert_eq!(notices, [(LATER, End::peer(link))], "the writer hears of the room");
        assert_eq!(wire.write(LATER, End::peer(link), b"89", &mut notices), 2);
        wire.close(LATER, End::peer(link), &mut notices);
        wire.land(LATER + Span::from_secs(1), End::proxy(link), &mut notices);
        let read = wire.read(LATER, End::proxy(link), 99, &mut notices);
        assert_eq!((&read.bytes[..], read.ended), (&b"56789"[..], Some(Ended::Closed)));
    }

    #[test]
    fn a_reset_takes_what_was_not_read() {
        let (mut wire, link, mut notices) = wire();
        wire.write(Time::ZERO, End::proxy(link), b"0123", &mut notices);
        wire.land(LATER, End::peer(link), &mut notices);
        wire.reset(LATER, End::proxy(link), &mut notices);
        wire.land(LATER + Span::from_secs(1), End::peer(link), &mut notices);
        let read = wire.read(LATER, End::peer(link), 99, &mut notices);
        assert_eq!((&read.bytes[..], read.ended), (&b""[..], Some(Ended::Reset)));
        assert_eq!(wire.write(LATER, End::peer(link), &[0; 99], &mut notices), 99, "into the void");
    }
}
