//! Whatever happens, in whatever order: what passes between a client and a backend that speaks WebSocket.

use std::collections::VecDeque;

use holdfast_core::ground::Span;
use holdfast_core::socket::{Effect, Frame, Input};
use holdfast_core::ws::Close;
use holdfast_core::wsoh::Piece;
use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any, prop_oneof, proptest};

use crate::native::accepted;
use crate::rig::{Plan, Rig, close, part};

/// Something that may happen.
#[derive(Clone, Debug)]
enum Move {
    /// The backend sends a piece; whether its message ends.
    Backend(&'static str, bool),
    BackendClose,
    BackendGone,
    Client(bool),
    ClientClose,
    Gone,
    Publish,
    PublishClose,
    Pass(u64),
    Drain,
}

proptest! {
    #[test]
    fn wpub_9_ws_20_nothing_is_lost_or_mixed(moves in vec(a_move(), 0..40), grip in any::<bool>()) {
        let mut rig = Plan::default().native();
        rig.give(accepted(if grip { "grip" } else { "x" }));
        let mut passage = Passage::new(rig);
        moves.into_iter().for_each(|a_move| passage.make(a_move));
        passage.make(Move::Gone);
        passage.make(Move::Pass(20));
        assert!(passage.ended && passage.dropped | passage.backend_gone);
        assert_eq!(passage.rig.due_in(), None);
    }
}

#[test]
fn wpub_9_what_waits_for_an_endless_message_is_not_put_into_it_by_a_close() {
    let mut rig = Plan::default().native();
    rig.give(accepted("x"));
    let mut passage = Passage::new(rig);
    passage.make(Move::Backend("m:", false));
    for a_move in [Move::Publish, Move::PublishClose, Move::Pass(11)] {
        passage.make(a_move);
    }
    assert!(passage.closed, "the close does not wait for ever");
}

/// A connection with the books of who said what.
struct Passage {
    rig: Rig,
    /// Whether the backend, the client, and what goes to the client are within a message.
    within: [bool; 3],
    published: u32,
    /// What was published and not sent yet.
    owed: VecDeque<String>,
    client_closed: bool,
    backend_closed: bool,
    backend_gone: bool,
    closed: bool,
    hung_up: bool,
    closed_backend: bool,
    dropped: bool,
    ended: bool,
}

impl Passage {
    fn new(mut rig: Rig) -> Self {
        rig.effects.clear();
        Self {
            rig,
            within: [false; 3],
            published: 0,
            owed: VecDeque::new(),
            client_closed: false,
            backend_closed: false,
            backend_gone: false,
            closed: false,
            hung_up: false,
            closed_backend: false,
            dropped: false,
            ended: false,
        }
    }

    fn make(&mut self, a_move: Move) {
        let backend = !self.backend_closed && !self.backend_gone && !self.dropped;
        let client = !self.client_closed && !self.hung_up;
        match a_move {
            Move::Backend(text, last) if backend => {
                let frame = self.part(0, text, last);
                self.give(Input::BackendFrame(frame));
            }
            Move::BackendClose if backend => {
                self.backend_closed = true;
                self.give(Input::BackendClose(close(4001, "")));
            }
            Move::BackendGone if !self.backend_gone && !self.dropped => {
                self.backend_gone = true;
                self.give(Input::BackendGone);
            }
            Move::Client(last) if client => {
                let heard = backend && !self.closed && !self.closed_backend;
                let frame = self.part(1, "x", last);
                self.rig.give(Input::Frame(frame.clone()));
                let passes = self.rig.effects.contains(&Effect::ToBackend(frame));
                assert_eq!(passes, heard, "it passes as it is, or not at all");
                self.check();
            }
            Move::ClientClose if client => {
                self.client_closed = true;
                self.give(Input::Close(close(4000, "")));
            }
            Move::Gone if !self.hung_up => {
                self.hung_up = true;
                self.give(Input::Gone);
            }
            Move::Publish => {
                let text = format!("p{}", self.published);
                self.published += 1;
                if client && !self.closed {
                    self.owed.push_back(text.clone());
                }
                self.rig.publish(&text);
                self.check();
            }
            Move::PublishClose => self.give(Input::PublishClose(Close::default())),
            Move::Drain => self.give(Input::Drain),
            Move::Pass(secs) => {
                let end = self.rig.now() + Span::from_secs(secs);
                while self.rig.step(end) {
                    self.check();
                }
            }
            _ => {}
        }
    }

    fn part(&mut self, side: usize, text: &'static str, last: bool) -> Frame {
        let first = !std::mem::replace(&mut self.within[side], !last);
        part(text, first, last)
    }

    fn give(&mut self, input: Input) {
        self.rig.give(input);
        self.check();
    }

    fn check(&mut self) {
        for effect in std::mem::take(&mut self.rig.effects) {
            assert!(!self.ended, "{effect:?} after the end");
            match effect {
                Effect::Send(Frame::Data(piece)) => self.sent(&piece),
                Effect::Close(_) => {
                    assert!(!self.closed && !self.hung_up);
                    self.closed = true;
                }
                Effect::HangUp => {
                    assert!(!self.hung_up);
                    self.hung_up = true;
                }
                Effect::ToBackend(_) => assert!(!self.closed_backend && !self.dropped),
                Effect::CloseBackend(_) => {
                    assert!(!self.closed_backend && !self.dropped && !self.backend_gone);
                    self.closed_backend = true;
                }
                Effect::DropBackend => {
                    assert!(!self.dropped);
                    self.dropped = true;
                }
                Effect::Ended => {
                    assert!(self.hung_up);
                    self.ended = true;
                }
                Effect::Note(..) => {}
                other => panic!("{other:?}"),
            }
        }
        let waits = self.within[2] || self.closed || self.hung_up || self.client_closed;
        assert!(waits || self.owed.is_empty(), "sent as soon as it can be");
    }

    /// Messages are whole, and what is published comes in order.
    fn sent(&mut self, piece: &Piece) {
        assert!(!self.closed && !self.hung_up);
        assert_eq!(piece.first, !self.within[2], "a message within another");
        self.within[2] = !piece.last;
        if piece.payload.starts_with(b"p") {
            assert_eq!(
                self.owed.pop_front().map(String::into_bytes).as_deref(),
                Some(&piece.payload[..])
            );
        }
    }
}

fn a_move() -> impl Strategy<Value = Move> {
    let text =
        proptest::sample::select(&["m:", "m", ":a", "b", "", "c:{}", r#"c:{"type":"detach"}"#][..]);
    prop_oneof![
        12 => (text, any::<bool>()).prop_map(|(text, last)| Move::Backend(text, last)),
        4 => any::<bool>().prop_map(Move::Client),
        4 => Just(Move::Publish),
        2 => (1_u64..8).prop_map(Move::Pass),
        1 => Just(Move::PublishClose),
        1 => Just(Move::BackendClose),
        1 => Just(Move::BackendGone),
        1 => Just(Move::ClientClose),
        1 => Just(Move::Gone),
        1 => Just(Move::Drain),
    ]
}
