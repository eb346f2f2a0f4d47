//! The calls that the engine makes, as an adapter keeps them.

use bytes::Bytes;
use holdfast_core::engine::{Action, CallRead, Event, OriginFault};
use holdfast_core::ground::CallId;
use holdfast_core::message::BodySize;

use super::words::{BODIES, LONG, head, pick};

/// Every call that is not over, in the order in which they were made.
#[derive(Default)]
pub(super) struct Calls {
    live: Vec<(CallId, State)>,
    /// The last one that was over.
    over: Option<CallId>,
}

#[derive(Clone, Copy, PartialEq, Debug)]
enum State {
    /// Its answer has not begun.
    Asked,
    /// Its answer has begun, and nothing is asked for.
    Resting,
    Reading(CallRead),
}

impl Calls {
    pub(super) fn is_empty(&self) -> bool {
        self.live.is_empty()
    }

    /// The next thing to happen to the call at this place: its answer begins, or goes on.
    pub(super) fn goes_on(&mut self, place: u8, what: u8) -> Option<Event> {
        let at = usize::from(place) % self.live.len().max(1);
        let (call, state) = *self.live.get(at)?;
        let size = u64::from(what);
        Some(match state {
            State::Asked => {
                self.live[at].1 = State::Resting;
                let sizes = [BodySize::Unknown, BodySize::Known(size), BodySize::Empty];
                Event::CallHead { call, head: head(what), body: *pick(&sizes, what >> 1) }
            }
            State::Resting => return None,
            State::Reading(CallRead::Whole { limit }) => {
                self.end(at);
                let data = Bytes::from_static(pick(&BODIES, what).as_bytes());
                match data.len() > limit {
                    true => Event::CallData { call, data: LONG.into(), end: false },
                    false => Event::CallData { call, data, end: true },
                }
            }
            State::Reading(CallRead::Piece) => {
                let (data, end) = (pick(&BODIES, what >> 1).as_bytes(), what & 1 == 1);
                match end {
                    true => self.end(at),
                    false => self.live[at].1 = State::Resting,
                }
                Event::CallData { call, data: Bytes::from_static(data), end }
            }
        })
    }

    /// The call at this place fails.
    pub(super) fn fails(&mut self, place: u8, what: u8) -> Option<Event> {
        let at = usize::from(place) % self.live.len().max(1);
        let (call, state) = *self.live.get(at)?;
        let fault = match (what & 3, state) {
            (0 | 1, State::Asked) => OriginFault::Unreachable,
            (2, State::Asked) => OriginFault::NotKept,
            _ => OriginFault::Broken,
        };
        self.end(at);
        Some(Event::CallFailed { call, fault })
    }

    /// Something is said about a call that is over.
    pub(super) fn stale(&self, what: u8) -> Option<Event> {
        let call = self.over.filter(|over| self.live.iter().all(|(call, _)| call != over))?;
        Some(match what & 3 {
            0 => Event::CallHead { call, head: head(what), body: BodySize::Unknown },
            1 => Event::CallFailed { call, fault: OriginFault::Unreachable },
            end => Event::CallData { call, data: Bytes::new(), end: end == 2 },
        })
    }

    /// The engine does something with a call; only what it may.
    pub(super) fn check(&mut self, action: &Action) {
        match action {
            Action::Call { call, .. } => {
                assert!(self.find(*call).is_none(), "{call} is under way");
                self.live.push((*call, State::Asked));
            }
            Action::ReadCall { call, read } => {
                let at = self.find(*call).expect("a call that is under way");
                assert_eq!(self.live[at].1, State::Resting, "{call}");
                self.live[at].1 = State::Reading(*read);
            }
            Action::DropCall { call } => {
                let at = self.find(*call).expect("a call that is under way");
                self.end(at);
            }
            _ => {}
        }
    }

    fn find(&self, call: CallId) -> Option<usize> {
        self.live.iter().position(|(live, _)| *live == call)
    }

    fn end(&mut self, at: usize) {
        self.over = Some(self.live.remove(at).0);
    }
}
