//! Origins: one actor a connection. It reads a request, finds in the plan what it shall do, and
//! does it step by step.

use std::collections::VecDeque;

use holdfast_core::ground::{Rng, Seed, Span};

use super::events;
use super::journal::{self, Question};
use super::message::{Head, Kind, Part, Reader};
use crate::oracle::Fact;
use crate::scene::{Outbox, Scene, Wake};
use crate::script::{Ask, Break, Form, Framing, Method, Place, Serve, Way, origin_body};
use crate::wire::{End, Ended, LinkId, Read};

#[derive(Debug)]
pub(crate) struct Origin {
    end: End,
    rng: Rng,
    reader: Reader,
    outbox: Outbox,
    request: Option<Asked>,
    steps: VecDeque<Step>,
    sleeps: bool,
    gone: bool,
}

/// A request that is being read.
#[derive(Clone, Debug)]
enum Asked {
    Plan(Request),
    /// Events of a WebSocket.
    Events(events::Request),
}

/// One that is not about a WebSocket.
#[derive(Clone, Copy, Debug)]
struct Request {
    place: Place,
    way: Way,
    /// Where the proxy says that the reader stands.
    last: Option<u64>,
    posts: bool,
    body: u64,
}

#[derive(Debug)]
pub(super) enum Step {
    Say(Vec<u8>),
    Wait(Span),
    Close(Ended),
}

impl Origin {
    pub(crate) fn new(link: LinkId, seed: Seed) -> Self {
        Self {
            end: End::peer(link),
            rng: Rng::new(seed),
            reader: Reader::new(Kind::Requests),
            outbox: Outbox::default(),
            request: None,
            steps: VecDeque::new(),
            sleeps: false,
            gone: false,
        }
    }

    /// Something is new at its end of the link.
    pub(crate) fn notice(&mut self, scene: &mut Scene) {
        if self.gone {
            return;
        }
        let Read { bytes, ended } = scene.read(self.end, usize::MAX);
        self.reader.take(&bytes);
        self.listen(scene);
        if ended.is_some() {
            return self.leave(scene, Ended::Closed);
        }
        self.go_on(scene);
    }

    /// A pause is over.
    pub(crate) fn wake(&mut self, scene: &mut Scene) {
        self.sleeps = false;
        if !self.gone {
            self.go_on(scene);
        }
    }

    fn listen(&mut self, scene: &mut Scene) {
        loop {
            match self.reader.next(false) {
                Ok(None) => return,
                Ok(Some(Part::Head(head))) => self.begin(scene, &head),
                Ok(Some(Part::Data(data))) => match &mut self.request {
                    Some(Asked::Plan(request)) => request.body += data.len() as u64,
                    Some(Asked::Events(request)) => request.take(&data),
                    None => {}
                },
                Ok(Some(Part::End)) => match self.request.take() {
                    Some(Asked::Plan(request)) => self.answer(scene, request),
                    Some(Asked::Events(request)) => {
                        self.steps.extend(events::answer(scene, &mut self.rng, request));
                        self.may_close(scene);
                    }
                    None => {}
                },
                Err(why) => {
                    scene.note(&Fact::Strange(format!("an origin cannot read: {why}")));
                    return self.leave(scene, Ended::Closed);
                }
            }
        }
    }

    fn begin(&mut self, scene: &mut Scene, head: &Head) {
        self.request = match events::Request::read(head) {
            Some(request) => Some(Asked::Events(request)),
            None => Request::read(head).map(Asked::Plan),
        };
        if self.request.is_none() {
            scene.note(&Fact::Strange(format!("an origin is asked {head:?}")));
        }
    }

    fn answer(&mut self, scene: &mut Scene, request: Request) {
        let Request { place, way, last, posts, body } = request;
        let question = match place {
            Place::Ask(ask) => {
                scene.note(&Fact::Read { ask, body, last });
                let ask = scene.setting.book.ask(ask);
                let question = Question::of_ask(ask, last);
                if question.is_none() {
                    self.steps.extend(steps(ask));
                }
                question
            }
            Place::Page { .. } => Question::of_page(place, way, last),
            Place::Gone(ask) => {
                scene.note(&Fact::Farewell { ask, proper: posts && body == 0 });
                self.steps.push_back(say("HTTP/1.1 204 No Content\r\n\r\n".to_owned()));
                None
            }
        };
        if let Some(question) = question {
            self.steps.extend(journal::answer(scene, &mut self.rng, question));
        }
        self.may_close(scene);
    }

    /// Closes the connection after an answer, or not.
    fn may_close(&mut self, scene: &mut Scene) {
        let closes = scene.options.origins.closes_one_in;
        if self.rng.one_in(closes) {
            scene.tally.bump("fault: origin closes an idle connection");
            self.steps.push_back(Step::Wait(Span::from_millis(self.rng.below(20))));
            self.steps.push_back(Step::Close(Ended::Closed));
        }
    }

    fn go_on(&mut self, scene: &mut Scene) {
        self.outbox.flush(scene, self.end);
        while self.outbox.is_empty() && !self.sleeps {
            match self.steps.pop_front() {
                None => return,
                Some(Step::Say(bytes)) => {
                    self.outbox.buffer().extend_from_slice(&bytes);
                    self.outbox.flush(scene, self.end);
                }
                Some(Step::Wait(span)) => {
                    self.sleeps = true;
                    scene.plan(span, Wake::Origin(self.end.link));
                }
                Some(Step::Close(how)) => return self.leave(scene, how),
            }
        }
    }

    fn leave(&mut self, scene: &mut Scene, how: Ended) {
        self.gone = true;
        scene.close(self.end, how);
    }
}

impl Request {
    fn read(head: &Head) -> Option<Self> {
        let target = head.word(1);
        let last = head.field("grip-last").and_then(|field| field.split_once("last-id="));
        Some(Self {
            place: Place::parse(target.as_bytes())?,
            way: if target.starts_with("/b/") { Way::Fallback } else { Way::Direct },
            last: last.and_then(|(_, id)| id.parse().ok()),
            posts: head.word(0) == "POST",
            body: 0,
        })
    }
}

fn steps(ask: &Ask) -> Vec<Step> {
    match &ask.serve {
        Serve::Plain { body, framing, pause } => plain(ask, *body, *framing, *pause),
        Serve::Poll { channels, timeout, body, form, pause } => {
            let timeout = timeout.map(|secs| ("Grip-Timeout", secs.to_string(), "timeout"));
            instruct(ask, ("response", channels, *body), timeout, *form, *pause)
        }
        Serve::Stream { channels, keep_alive, body, form, pause } => {
            let value = |secs| match form {
                Form::Headers => format!("k\\n; format=cstring; timeout={secs}"),
                Form::Json => format!(r#"{{"content": "k\n", "timeout": {secs}}}"#),
            };
            let keep_alive = keep_alive.map(|secs| ("Grip-Keep-Alive", value(secs), "keep-alive"));
            instruct(ask, ("stream", channels, *body), keep_alive, *form, *pause)
        }
        Serve::InvalidInstruct => vec![say(invalid(ask))],
        Serve::LargeInstruct => {
            let body = String::from_utf8_lossy(&origin_body(5000)).into_owned();
            let head = head(ask, "Grip-Hold: response\r\nGrip-Channel: 0\r\nContent-Length: 5000");
            vec![say(format!("{head}{body}"))]
        }
        Serve::Silent | Serve::Follow(_) => Vec::new(),
        Serve::Broken(how) => broken(ask, *how),
    }
}

/// A hold of no known kind, or a stream with a position that nothing could repair.
fn invalid(ask: &Ask) -> String {
    let hold = match ask.id.0 % 2 {
        0 => "sometimes",
        _ => "stream\r\nGrip-Channel: 0; prev-id=1",
    };
    format!("HTTP/1.1 200 OK\r\nGrip-Hold: {hold}\r\nContent-Length: 0\r\n\r\n")
}

fn plain(ask: &Ask, body: u64, framing: Framing, pause: Span) -> Vec<Step> {
    let field = match framing {
        Framing::Length => format!("Content-Length: {body}"),
        Framing::Chunked => "Transfer-Encoding: chunked".to_owned(),
        Framing::Close => "Connection: close".to_owned(),
    };
    let mut steps = vec![Step::Wait(pause), say(head(ask, &field))];
    if ask.method != Method::Head {
        let body = origin_body(body);
        let (first, second) = body.split_at(body.len() / 3);
        for part in [first, second] {
            steps.push(Step::Say(match framing {
                Framing::Chunked => chunk(part),
                Framing::Length | Framing::Close => part.to_vec(),
            }));
            steps.push(Step::Wait(pause));
        }
        if framing == Framing::Chunked {
            steps.push(say("0\r\n\r\n".to_owned()));
        }
    }
    if framing == Framing::Close {
        steps.push(Step::Close(Ended::Closed));
    }
    steps
}

/// An instruct: its mode, channels and body, and one more thing that it says, by the names that it
/// has in headers and in JSON.
fn instruct(
    ask: &Ask,
    (mode, channels, body): (&str, &[u32], u64),
    more: Option<(&str, String, &str)>,
    form: Form,
    pause: Span,
) -> Vec<Step> {
    let body = String::from_utf8_lossy(&origin_body(body)).into_owned();
    let (fields, body) = match form {
        Form::Headers => {
            let channels = channels.iter().map(u32::to_string).collect::<Vec<_>>().join(", ");
            let more = more.map(|(name, value, _)| format!("{name}: {value}\r\n"));
            let more = more.unwrap_or_default();
            (format!("Grip-Hold: {mode}\r\n{more}Grip-Channel: {channels}"), body)
        }
        Form::Json => {
            let channels: Vec<_> =
                channels.iter().map(|name| format!(r#"{{"name": "{name}"}}"#)).collect();
            let more = more.map(|(_, value, name)| format!(r#", "{name}": {value}"#));
            let hold = format!(
                r#"{{"mode": "{mode}", "channels": [{}]{}}}"#,
                channels.join(","),
                more.unwrap_or_default()
            );
            let body = body.replace('\n', "\\n");
            let id = ask.id.0;
            let response = format!(r#"{{"headers": {{"X-Ask": "{id}"}}, "body": "{body}"}}"#);
            let json = format!(r#"{{"hold": {hold}, "response": {response}}}"#);
            ("Content-Type: application/grip-instruct".to_owned(), json)
        }
    };
    let head = head(ask, &format!("{fields}\r\nContent-Length: {}", body.len()));
    if ask.method == Method::Head && form == Form::Headers {
        return vec![Step::Wait(pause), say(head)];
    }
    let (first, second) = body.split_at(body.len() / 2);
    vec![Step::Wait(pause), say(head + first), Step::Wait(pause), say(second.to_owned())]
}

fn broken(ask: &Ask, how: Break) -> Vec<Step> {
    let half = |fields: &str| {
        let body = String::from_utf8_lossy(&origin_body(50)).into_owned();
        head(ask, &format!("{fields}\r\nContent-Length: 100")) + &body
    };
    let said = match how {
        Break::Garbage => "nonsense\r\n\r\n".to_owned(),
        Break::Hangup => String::new(),
        Break::HalfHead => "HTTP/1.1 200 OK\r\nContent-".to_owned(),
        Break::HalfBody => half("Content-Type: text/plain"),
        Break::HalfInstruct => half("Grip-Hold: response\r\nGrip-Channel: 0"),
        Break::HalfOpening => half("Grip-Hold: stream\r\nGrip-Channel: 0"),
    };
    vec![say(said), Step::Close(Ended::Closed)]
}

fn head(ask: &Ask, fields: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nX-Ask: {}\r\n{fields}\r\n\r\n", ask.id.0)
}

pub(super) fn say(text: String) -> Step {
    Step::Say(text.into_bytes())
}

fn chunk(data: &[u8]) -> Vec<u8> {
    if data.is_empty() {
        return Vec::new();
    }
    let mut chunk = format!("{:X}\r\n", data.len()).into_bytes();
    chunk.extend_from_slice(data);
    chunk.extend_from_slice(b"\r\n");
    chunk
}
