//! Stream mode: items are appended to a body that stays open (STRM-1 to STRM-8, KEEP-3 to KEEP-5).

use bytes::Bytes;

use crate::channel::{Full, Queue, Subscriptions};
use crate::grip::{KeepAlive, KeepAliveMode};
use crate::ground::{Rng, Span, Time};

/// A stream whose first body is still on its way from the origin. It is subscribed already; what is
/// published meanwhile waits behind that body (STRM-4).
#[derive(Debug)]
pub struct Opening {
    hold: StreamHold,
    queue: Queue,
    ends: bool,
}

/// A stream that waits for items.
#[derive(Debug)]
pub struct StreamHold {
    subs: Subscriptions,
    backlog: u64,
    keep_alive: Option<Box<Timer>>,
}

/// The keep-alive of one stream.
#[derive(Debug)]
struct Timer {
    keep_alive: KeepAlive,
    /// When it was started or last fired.
    since: Time,
    /// How long it runs this time, jitter included.
    span: Span,
}

/// What is to be done when a stream's timer has run out.
#[derive(Debug, PartialEq, Eq)]
pub struct Woken {
    /// Bytes to send, if its time has really come.
    pub data: Option<Bytes>,
    /// When to wake next.
    pub next: Time,
}

impl Opening {
    /// A stream that begins.
    pub fn new(hold: StreamHold) -> Self {
        Self { hold, queue: Queue::default(), ends: false }
    }

    /// An item came before the first body was complete. What follows a close is not taken.
    pub fn offer(&mut self, data: Bytes, limit: u64) -> Result<(), Full> {
        if self.ends { Ok(()) } else { self.queue.push(data, limit) }
    }

    /// A close came before the first body was complete: the stream ends after what waits by now.
    pub fn close(&mut self) {
        self.ends = true;
    }

    /// The first body is complete: what waited, the hold, and whether it has already ended.
    pub fn open(self) -> (impl Iterator<Item = Bytes>, StreamHold, bool) {
        (self.queue.into_pieces(), self.hold, self.ends)
    }

    /// The hold within.
    pub fn hold(&self) -> &StreamHold {
        &self.hold
    }

    /// The hold within, to change it.
    pub fn hold_mut(&mut self) -> &mut StreamHold {
        &mut self.hold
    }

    /// Ends the stream.
    pub fn end(self) -> Subscriptions {
        self.hold.end()
    }
}

impl StreamHold {
    /// A stream with these subscriptions. Its keep-alive does not run before [`Self::start`].
    pub fn new(subs: Subscriptions, keep_alive: Option<KeepAlive>) -> Self {
        let timer = |keep_alive| Timer { keep_alive, since: Time::ZERO, span: Span::ZERO };
        Self { subs, backlog: 0, keep_alive: keep_alive.map(|k| Box::new(timer(k))) }
    }

    /// What it is subscribed to.
    pub fn subscriptions(&self) -> &Subscriptions {
        &self.subs
    }

    /// Ends the stream.
    pub fn end(self) -> Subscriptions {
        self.subs
    }

    /// Bytes that wait in the adapter because the client does not take them.
    pub fn set_backlog(&mut self, bytes: u64) {
        self.backlog = bytes;
    }

    /// Whether the client takes what it is sent.
    pub fn flows(&self) -> bool {
        self.backlog == 0
    }

    /// Starts the keep-alive timer; returns when to wake, if ever.
    pub fn start(&mut self, now: Time, rng: &mut Rng) -> Option<Time> {
        self.keep_alive.as_mut().map(|timer| timer.restart(now, rng))
    }

    /// The timer has run out at `now`; the last delivery on any channel of the stream was at `delivered`.
    ///
    /// Deliveries do not touch the timer: it looks back when it wakes. So a fan-out need not visit the
    /// timers of its receivers.
    pub fn wake(&mut self, now: Time, delivered: Time, rng: &mut Rng) -> Option<Woken> {
        let flows = self.flows();
        let timer = self.keep_alive.as_mut()?;
        if timer.keep_alive.mode == KeepAliveMode::Idle {
            let due = timer.since.max(delivered) + timer.span;
            if due > now {
                return Some(Woken { data: None, next: due });
            }
        }
        // A client that does not read gets nothing more to read (KEEP-5).
        let data = flows.then(|| timer.keep_alive.data.clone());
        Some(Woken { data, next: timer.restart(now, rng) })
    }
}

impl Timer {
    /// Runs for the timeout less up to a tenth, so that streams begun together do not stay together.
    fn restart(&mut self, now: Time, rng: &mut Rng) -> Time {
        let timeout = self.keep_alive.timeout.max(Span::from_secs(1));
        let jitter = rng.below(timeout.as_nanos() / 10);
        (self.since, self.span) = (now, timeout - Span::from_nanos(jitter));
        now + self.span
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ground::Seed;

    fn hold(mode: KeepAliveMode) -> (StreamHold, Rng) {
        let keep_alive =
            KeepAlive { data: Bytes::from_static(b"\n"), mode, timeout: Span::from_secs(20) };
        (StreamHold::new(Subscriptions::default(), Some(keep_alive)), Rng::new(Seed(3)))
    }

    fn at(secs: u64) -> Time {
        Time::ZERO + Span::from_secs(secs)
    }

    #[test]
    fn keep_3_fires_within_the_last_tenth_of_the_timeout() {
        let (mut hold, mut rng) = hold(KeepAliveMode::Idle);
        let first = hold.start(at(100), &mut rng).expect("a keep-alive");
        assert!(at(118) <= first && first <= at(120), "{first:?}");
        let woken = hold.wake(first, Time::ZERO, &mut rng).expect("a keep-alive");
        assert_eq!(woken.data.as_deref(), Some(&b"\n"[..]));
        assert!(first + Span::from_secs(18) <= woken.next);
    }

    #[test]
    fn keep_4_an_item_restarts_an_idle_timer_and_no_interval_timer() {
        for (mode, sends) in [(KeepAliveMode::Idle, false), (KeepAliveMode::Interval, true)] {
            let (mut hold, mut rng) = hold(mode);
            let first = hold.start(at(100), &mut rng).expect("a keep-alive");
            let woken = hold.wake(first, at(110), &mut rng).expect("a keep-alive");
            assert_eq!(woken.data.is_some(), sends, "{mode:?}");
            if mode == KeepAliveMode::Idle {
                assert!(at(128) <= woken.next && woken.next <= at(130));
            }
        }
    }

    #[test]
    fn keep_5_a_client_that_does_not_read_gets_no_keep_alive() {
        let (mut hold, mut rng) = hold(KeepAliveMode::Interval);
        let first = hold.start(at(0), &mut rng).expect("a keep-alive");
        hold.set_backlog(1);
        assert_eq!(hold.wake(first, Time::ZERO, &mut rng).expect("a timer").data, None);
    }

    #[test]
    fn strm_4_items_wait_behind_the_first_body_and_stop_at_a_close() {
        let (inner, _) = hold(KeepAliveMode::Idle);
        let mut opening = Opening::new(inner);
        assert_eq!(opening.offer(Bytes::from_static(b"1"), 2), Ok(()));
        assert_eq!(opening.offer(Bytes::from_static(b"22"), 2), Err(Full));
        opening.close();
        assert_eq!(opening.offer(Bytes::from_static(b"3"), 2), Ok(()));
        let (waiting, _, ended) = opening.open();
        assert_eq!(waiting.collect::<Vec<_>>(), ["1"]);
        assert!(ended);
    }
}
