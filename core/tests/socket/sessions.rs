//! Whatever happens, in whatever order: what a session owes to either side.

use std::collections::VecDeque;

use bytes::Bytes;
use holdfast_core::ground::Span;
use holdfast_core::socket::{Effect, Fault, Frame, Input};
use holdfast_core::ws::{Close, Kind};
use holdfast_core::wsoh::{WsEvent, decode};
use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any, prop_oneof, proptest};

use crate::rig::{Plan, Rig, close, control};

/// Something that may happen.
#[derive(Clone, Debug)]
enum Move {
    Text,
    Ping,
    ClientClose,
    Gone,
    Publish,
    PublishClose,
    Refresh,
    Backlog(u64),
    /// The backend takes so many bytes, or all, and says this.
    Answer(Option<u64>, &'static str),
    Status(u16),
    Fail(Fault),
    Pass(u64),
    Drain,
}

proptest! {
    #[test]
    fn woh_7_ws_29_a_session_keeps_its_word(
        moves in vec(a_move(), 0..40),
        one_event in any::<bool>(),
        interval in any::<bool>(),
    ) {
        let mut plan = Plan::default();
        plan.target.one_event = one_event;
        let mut session = Session::new(plan.over_http());
        let interval = if interval { "20" } else { "0" };
        let fields = [("Sec-WebSocket-Extensions", "grip"), ("Keep-Alive-Interval", interval)];
        session.answer(&fields, "OPEN|");
        for a_move in moves {
            session.make(a_move);
        }
        session.end();
    }
}

/// A session with the books of who said what.
struct Session {
    rig: Rig,
    said: u32,
    /// What the client said and the backend has not taken.
    owed: VecDeque<Bytes>,
    /// The content of the request under way.
    asked: Option<Vec<WsEvent>>,
    /// What could be sent again in the same words.
    failed: Option<Vec<WsEvent>>,
    accepted: bool,
    client_closed: bool,
    /// The backend has.
    detached: bool,
    closed: bool,
    hung_up: bool,
    ended: bool,
    paused: bool,
}

impl Session {
    fn new(rig: Rig) -> Self {
        let mut session = Self {
            rig,
            said: 0,
            owed: VecDeque::new(),
            asked: None,
            failed: None,
            accepted: false,
            client_closed: false,
            detached: false,
            closed: false,
            hung_up: false,
            ended: false,
            paused: false,
        };
        session.check();
        session
    }

    fn make(&mut self, a_move: Move) {
        let client = !self.hung_up && !self.client_closed;
        match a_move {
            Move::Text if client => {
                let text = format!("{:03}", self.said);
                self.said += 1;
                if !self.closed {
                    self.owed.push_back(text.clone().into());
                }
                self.give(Input::Frame(Frame::whole(Kind::Text, text.into())));
            }
            Move::Ping if client => self.give(Input::Frame(Frame::Ping("p".into()))),
            Move::ClientClose if client => {
                self.client_closed = true;
                self.give(Input::Close(close(4000, "bye")));
            }
            Move::Gone if !self.hung_up => {
                self.hung_up = true;
                self.give(Input::Gone);
            }
            Move::Backlog(bytes) if !self.hung_up => self.give(Input::Backlog(bytes)),
            Move::Publish => {
                self.rig.publish("published");
                self.check();
            }
            Move::PublishClose => self.give(Input::PublishClose(Close::default())),
            Move::Refresh => self.give(Input::Refresh),
            Move::Drain => self.give(Input::Drain),
            Move::Answer(taken, events) if self.asked.is_some() => {
                let taken = taken.map(|taken| taken.to_string());
                let fields: Vec<_> =
                    taken.iter().map(|taken| ("Content-Bytes-Accepted", &**taken)).collect();
                self.answer(&fields, events);
            }
            Move::Status(status) if self.asked.is_some() => {
                self.taken(usize::MAX);
                self.rig.answer_status(status, "");
                self.check();
            }
            Move::Fail(fault) if self.asked.is_some() => {
                self.failed = self.asked.take();
                self.rig.fail(fault);
                self.check();
            }
            Move::Pass(secs) => self.pass(secs),
            _ => {}
        }
    }

    fn give(&mut self, input: Input) {
        self.rig.give(input);
        self.check();
    }

    fn answer(&mut self, fields: &[(&'static str, &str)], events: &str) {
        let taken = fields.iter().find(|(name, _)| *name == "Content-Bytes-Accepted");
        let taken = taken.and_then(|(_, bytes)| bytes.parse().ok()).unwrap_or(usize::MAX);
        self.taken(taken);
        self.detached |= events.contains("detach");
        self.rig.answer_with(fields, events);
        self.check();
    }

    /// The backend takes so many bytes of what it was asked.
    fn taken(&mut self, mut left: usize) {
        for event in self.asked.take().expect("a request is under way") {
            let WsEvent::Text(offered) = event else { continue };
            let owed = self.owed.front_mut().expect("it was owed");
            assert_eq!(*owed, offered);
            if left < offered.len() {
                *owed = offered.slice(left..);
                break;
            }
            left -= offered.len();
            self.owed.pop_front();
        }
        self.failed = None;
    }

    fn pass(&mut self, secs: u64) {
        let end = self.rig.now() + Span::from_secs(secs);
        while self.rig.step(end) {
            self.check();
        }
    }

    /// The client leaves and the backend answers nothing any more: it must end, and in bounded time.
    fn end(&mut self) {
        self.make(Move::Gone);
        for _ in 0..20 {
            self.pass(10);
        }
        assert!(self.ended);
        assert_eq!(self.rig.due_in(), None);
        assert!(self.rig.text("late").is_empty() && self.rig.answer("OPEN|").is_empty());
    }

    fn check(&mut self) {
        for effect in std::mem::take(&mut self.rig.effects) {
            assert!(!self.ended, "{effect:?} after the end");
            match effect {
                Effect::Request(request) => self.asks(request.body),
                Effect::DropRequest => {
                    assert!(self.asked.take().is_some(), "nothing is under way");
                }
                Effect::Accept(_) => {
                    assert!(!self.accepted);
                    self.accepted = true;
                }
                Effect::Send(_) => {
                    assert!(self.accepted && !self.closed && !self.hung_up, "{effect:?}");
                }
                Effect::Close(_) => {
                    assert!(self.accepted && !self.closed && !self.hung_up, "{effect:?}");
                    self.closed = true;
                }
                Effect::HangUp => {
                    assert!(!self.hung_up);
                    self.hung_up = true;
                }
                Effect::PauseClient | Effect::ResumeClient => {
                    assert_eq!(self.paused, effect == Effect::ResumeClient);
                    self.paused = !self.paused;
                }
                Effect::Ended => {
                    assert!(self.hung_up && self.asked.is_none());
                    self.ended = true;
                }
                Effect::Note(..) | Effect::Subscribe { .. } | Effect::Unsubscribe { .. } => {}
                Effect::Reject(_)
                | Effect::ToBackend(_)
                | Effect::CloseBackend(_)
                | Effect::DropBackend => panic!("{effect:?}"),
            }
        }
    }

    /// One at a time, and in it what is owed, from its beginning and in order.
    fn asks(&mut self, body: Bytes) {
        assert!(self.asked.is_none(), "a second request");
        let events = decode(body, 99).expect("events");
        let texts: Vec<_> =
            events.iter().filter(|event| matches!(event, WsEvent::Text(_))).collect();
        for (event, owed) in texts.iter().zip(&self.owed) {
            assert_eq!(**event, WsEvent::Text(owed.clone()));
        }
        assert!(texts.len() <= self.owed.len(), "said twice: {texts:?}");
        let last = events.len().saturating_sub(1);
        for (at, event) in events.iter().enumerate() {
            match event {
                WsEvent::Text(_) => {}
                WsEvent::Close(_) => assert_eq!(at, last),
                WsEvent::Disconnect | WsEvent::Open => assert_eq!(last, 0, "it is alone"),
                other => panic!("{other:?}"),
            }
        }
        if let Some(failed) = &self.failed
            && !self.hung_up
            && !self.closed
        {
            // Who has detached need not hear again what it may have heard.
            let last_word = self.detached && matches!(&events[..], [WsEvent::Close(None)]);
            assert!(events == *failed || last_word, "the same body again: {events:?}, {failed:?}");
        }
        self.failed = None;
        self.asked = Some(events);
    }
}

fn a_move() -> impl Strategy<Value = Move> {
    let events: Vec<&'static str> = vec![
        "",
        "TEXT 1|x|",
        "TEXT 3|m:x|",
        "CLOSE|",
        "TEXT 3|m:x|CLOSE 2|AB|TEXT 3|m:y|",
        "DISCONNECT|",
        "OPEN|",
        "TEXT",
        control(r#"{"type":"send-delayed","content":"d"}"#).leak(),
        control(r#"{"type":"keep-alive","content":"k","timeout":3}"#).leak(),
        control(r#"{"type":"detach"}"#).leak(),
    ];
    let some =
        (prop_oneof![Just(None), (0_u64..9).prop_map(Some)], proptest::sample::select(events));
    let fault = prop_oneof![Just(Fault::Undelivered), Just(Fault::Stale), Just(Fault::Broken)];
    prop_oneof![
        8 => Just(Move::Text),
        4 => Just(Move::Answer(None, "")),
        4 => some.prop_map(|(taken, events)| Move::Answer(taken, events)),
        3 => fault.prop_map(Move::Fail),
        3 => (1_u64..70).prop_map(Move::Pass),
        2 => prop_oneof![Just(0), Just(300_000)].prop_map(Move::Backlog),
        2 => Just(Move::Publish),
        1 => Just(Move::Ping),
        1 => Just(Move::ClientClose),
        1 => Just(Move::Gone),
        1 => Just(Move::PublishClose),
        1 => Just(Move::Refresh),
        1 => Just(Move::Drain),
        1 => prop_oneof![Just(204_u16), Just(500)].prop_map(Move::Status),
    ]
}
