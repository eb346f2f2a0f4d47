//! A socket with a clock to turn by hand; what it does is told in short lines.

use std::sync::Arc;

use bytes::Bytes;
use holdfast_core::ground::{Limits, Rng, Seed, Span, Time};
use holdfast_core::message::{Fields, ResponseHead};
use holdfast_core::publish::WsType;
use holdfast_core::route::{Connect, Route, Target};
use holdfast_core::socket::{Effect, Fault, Frame, Grip, Input, Setup, Socket, Turn};
use holdfast_core::ws::{Close, CloseCode, Kind};
use holdfast_core::wsoh::{ConnectionId, MEDIA_TYPE, Message, Piece};
use http::StatusCode;

/// A socket under test.
pub struct Rig {
    socket: Socket,
    limits: Limits,
    rng: Rng,
    now: Time,
    delivered: Time,
    /// What was to be done for the last input.
    pub effects: Vec<Effect>,
}

/// How a socket is set up, with handles for what tests vary.
pub struct Plan {
    pub route: Route,
    pub target: Target,
    pub grip: Grip,
    pub debug: bool,
    pub pass_pings: bool,
    pub limits: Limits,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            route: Route { prefix: "p-".to_owned(), ..Route::default() },
            target: Target::from(Connect::Test),
            grip: Grip::Here,
            debug: false,
            pass_pings: false,
            limits: Limits::default(),
        }
    }
}

impl Plan {
    pub fn over_http(self) -> Rig {
        self.start(|setup, turn| Socket::over_http(setup, ConnectionId::from_random([7; 16]), turn))
    }

    pub fn native(self) -> Rig {
        self.start(Socket::native)
    }

    /// A session whose `OPEN` was answered so.
    pub fn open(self, events: &str) -> Rig {
        let mut rig = self.over_http();
        rig.answer(&format!("OPEN|{events}"));
        rig
    }

    /// A session whose backend speaks GRIP.
    pub fn open_grip(self, events: &str) -> Rig {
        let mut rig = self.over_http();
        rig.answer_with(&[("Sec-WebSocket-Extensions", "grip")], &format!("OPEN|{events}"));
        rig
    }

    fn start(self, make: impl FnOnce(Setup, &mut Turn<'_>) -> Socket) -> Rig {
        let setup = Setup {
            route: Arc::new(self.route),
            target: Arc::new(self.target),
            grip: self.grip,
            debug: self.debug,
            pass_pings: self.pass_pings,
        };
        let (limits, mut rng, now) = (self.limits, Rng::new(Seed(1)), Time::ZERO);
        let mut effects = Vec::new();
        let mut turn = Turn { now, limits: &limits, rng: &mut rng, out: &mut effects };
        let socket = make(setup, &mut turn);
        Rig { socket, limits, rng, now, delivered: now, effects }
    }
}

impl Rig {
    /// Hands an input in and tells what is to be done.
    pub fn give(&mut self, input: Input) -> Vec<String> {
        self.effects.clear();
        let Self { limits, rng, now, effects, .. } = self;
        self.socket.handle(input, &mut Turn { now: *now, limits, rng, out: effects });
        self.told()
    }

    /// What was to be done for the last input.
    pub fn told(&self) -> Vec<String> {
        self.effects.iter().map(line).collect()
    }

    /// The backend answers with these events; `|` stands for a line end.
    pub fn answer(&mut self, events: &str) -> Vec<String> {
        self.answer_with(&[], events)
    }

    pub fn answer_with(&mut self, fields: &[(&'static str, &str)], events: &str) -> Vec<String> {
        let mut head = ResponseHead::new(StatusCode::OK);
        head.fields.push("Content-Type", MEDIA_TYPE);
        for (name, value) in fields {
            head.fields.push(*name, value.to_string());
        }
        self.give(Input::Answered { head, body: events.replace('|', "\r\n").into() })
    }

    pub fn answer_status(&mut self, status: u16, body: &'static str) -> Vec<String> {
        let status = StatusCode::from_u16(status).expect("a status");
        let fields = Fields::from_iter([("Content-Type", "text/plain"), ("Connection", "x")]);
        let head = ResponseHead { fields, ..ResponseHead::new(status) };
        self.give(Input::Answered { head, body: body.into() })
    }

    pub fn fail(&mut self, fault: Fault) -> Vec<String> {
        self.give(Input::Failed { fault, detail: None })
    }

    /// The client sends a text.
    pub fn text(&mut self, text: &'static str) -> Vec<String> {
        self.give(Input::Frame(Frame::whole(Kind::Text, text.into())))
    }

    pub fn close(&mut self, code: u16, reason: &str) -> Vec<String> {
        self.give(Input::Close(close(code, reason)))
    }

    pub fn publish(&mut self, text: &str) -> Vec<String> {
        self.give(Input::Publish(message(WsType::Text, text)))
    }

    /// Seconds pass without anything, but for what is due by then.
    pub fn pass(&mut self, secs: u64) -> Vec<String> {
        let end = self.now + Span::from_secs(secs);
        let mut told = Vec::new();
        while self.step(end) {
            told.extend(self.told());
        }
        told
    }

    /// Goes to what is due next, or to `end` if nothing is due by then.
    pub fn step(&mut self, end: Time) -> bool {
        let Some(due) = self.socket.deadline().filter(|due| *due <= end) else {
            self.now = end;
            return false;
        };
        self.now = self.now.max(due);
        self.give(Input::Woken { delivered: self.delivered });
        assert!(self.socket.deadline().is_none_or(|next| next > self.now), "it has moved");
        true
    }

    pub fn now(&self) -> Time {
        self.now
    }

    /// Something goes to the client past the socket.
    pub fn fan_out(&mut self) {
        assert!(self.socket.takes_fanout());
        self.delivered = self.now;
    }

    /// Seconds until the socket must be woken for anything but its silence.
    pub fn due_in(&self) -> Option<f64> {
        const SOON: f64 = 1000.0;
        let due = self.socket.deadline()?;
        Some(due.since(self.now).as_nanos() as f64 / 1e9).filter(|due| *due < SOON)
    }

    pub fn socket(&self) -> &Socket {
        &self.socket
    }

    /// The fields of the request that was just made.
    pub fn request_fields(&self) -> &Fields {
        let request = self.effects.iter().find_map(|effect| match effect {
            Effect::Request(request) => Some(request),
            _ => None,
        });
        &request.expect("a request was made").fields
    }
}

pub fn close(code: u16, reason: &str) -> Close {
    Close { code: CloseCode::new(code.into()), reason: reason.to_owned() }
}

pub fn message(kind: WsType, text: &str) -> Message {
    Message { kind, payload: Bytes::from(text.to_owned()) }
}

/// A control message as an event.
pub fn control(json: &str) -> String {
    format!("TEXT {:x}|c:{json}|", json.len() + 2)
}

/// A part of a text.
pub fn part(text: &'static str, first: bool, last: bool) -> Frame {
    Frame::Data(Piece { kind: Kind::Text, first, payload: text.into(), last })
}

fn line(effect: &Effect) -> String {
    match effect {
        Effect::Request(request) => format!("request {}", text(&request.body).replace("\r\n", "|")),
        Effect::DropRequest => "drop request".to_owned(),
        Effect::Accept(_) => "accept".to_owned(),
        Effect::Reject(response) => {
            format!("reject {} {}", response.head.status.as_u16(), text(&response.body).trim_end())
        }
        Effect::Send(frame) => format!("send {}", frame_line(frame)),
        Effect::Close(close) => format!("close {}", close_line(close)),
        Effect::HangUp => "hang up".to_owned(),
        Effect::PauseClient => "pause".to_owned(),
        Effect::ResumeClient => "resume".to_owned(),
        Effect::ToBackend(frame) => format!("to backend {}", frame_line(frame)),
        Effect::CloseBackend(close) => format!("close backend {}", close_line(close)),
        Effect::DropBackend => "drop backend".to_owned(),
        Effect::Subscribe { channel, prefix, filters } => {
            // What the route puts in front stands apart.
            let (front, name) = channel.split_at(*prefix);
            let front = if front.is_empty() { String::new() } else { format!("{front}|") };
            let filters = if filters.is_empty() { String::new() } else { format!(" {filters:?}") };
            format!("subscribe {front}{name}{filters}")
        }
        Effect::Unsubscribe { channel } => format!("unsubscribe {channel}"),
        Effect::Note(count, _) => format!("note {}", count.name()),
        Effect::Ended => "ended".to_owned(),
    }
}

fn frame_line(frame: &Frame) -> String {
    match frame {
        Frame::Data(piece) => {
            let kind = format!("{:?}", piece.kind).to_lowercase();
            let front = if piece.first { "" } else { "..." };
            let back = if piece.last { "" } else { "..." };
            format!("{kind} {front}{}{back}", text(&piece.payload))
        }
        Frame::Ping(payload) => format!("ping {}", text(payload)),
        Frame::Pong(payload) => format!("pong {}", text(payload)),
    }
}

fn close_line(close: &Close) -> String {
    let code = close.code.map(|code| code.get().to_string());
    format!("{} {}", code.unwrap_or("-".to_owned()), close.reason).trim_end().to_owned()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
