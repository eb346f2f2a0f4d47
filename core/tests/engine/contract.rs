//! What the engine may do with its calls, checked as it goes.

use std::collections::BTreeMap;

use holdfast_core::engine::{Action, CallRead, Event, OriginFault};
use holdfast_core::ground::CallId;

/// Every call that is not over.
#[derive(Default)]
pub struct Contract {
    live: BTreeMap<(u32, u32), State>,
}

#[derive(Clone, Copy, PartialEq, Debug)]
enum State {
    /// Its answer has not begun.
    Asked,
    /// Its answer has begun, and nothing is asked for.
    Resting,
    Reading(CallRead),
    /// The engine has been told that it failed; the same id may be called once more.
    Failed,
}

impl Contract {
    /// The adapter tells the engine something; only what it may.
    pub fn tells(&mut self, event: &Event) {
        match event {
            Event::CallHead { call, .. } => self.step(*call, State::Asked, State::Resting),
            Event::CallFailed { call, fault: OriginFault::Unreachable } => {
                self.step(*call, State::Asked, State::Failed);
            }
            Event::CallFailed { call, .. } => {
                self.live.insert(key(*call), State::Failed);
            }
            Event::CallData { call, data, end } => match self.live.get(&key(*call)) {
                Some(State::Reading(CallRead::Piece)) if !end => {
                    self.live.insert(key(*call), State::Resting);
                }
                Some(State::Reading(CallRead::Whole { limit })) if !end => {
                    assert!(data.len() > *limit, "{call}: a piece of what is read whole");
                    self.live.remove(&key(*call));
                }
                Some(State::Reading(_)) => drop(self.live.remove(&key(*call))),
                other => panic!("{call}: data, but it is {other:?}"),
            },
            _ => {}
        }
    }

    /// The engine does something; only what it may.
    pub fn does(&mut self, action: &Action) {
        match action {
            Action::Call { call, .. } => {
                let before = self.live.insert(key(*call), State::Asked);
                assert!(matches!(before, None | Some(State::Failed)), "{call} is {before:?}");
            }
            Action::ReadCall { call, read } => {
                self.step(*call, State::Resting, State::Reading(*read));
            }
            Action::DropCall { call } => {
                let state = self.live.remove(&key(*call));
                assert!(!matches!(state, None | Some(State::Failed)), "{call} is over");
            }
            _ => {}
        }
    }

    /// One event is dealt with: a call that failed is over unless it was made again.
    pub fn settles(&mut self) {
        self.live.retain(|_, state| *state != State::Failed);
    }

    /// Up to how many bytes a call is read whole, if it is.
    pub fn limit(&self, call: CallId) -> Option<usize> {
        match self.live.get(&key(call)) {
            Some(State::Reading(CallRead::Whole { limit })) => Some(*limit),
            _ => None,
        }
    }

    /// How many calls are under way.
    pub fn calls(&self) -> usize {
        self.live.len()
    }

    fn step(&mut self, call: CallId, from: State, to: State) {
        assert_eq!(self.live.get(&key(call)), Some(&from), "{call}");
        self.live.insert(key(call), to);
    }
}

fn key(call: CallId) -> (u32, u32) {
    (call.slot, call.generation)
}
