//! Backends that speak WebSocket-over-HTTP. They remember nothing between two requests.

use holdfast_core::ground::{Rng, Span, Time};

use super::message::Head;
use super::mind::{self, Utterance};
use super::origin::Step;
use crate::dice::span;
use crate::oracle::Fact;
use crate::scene::{Phase, Scene};
use crate::talk::{Event, TalkId, Tongue, Turn, Word, read_events, write_events};
use crate::wire::Ended;

/// A request that is being read.
#[derive(Clone, Debug)]
pub(super) struct Request {
    talk: TalkId,
    replayed: u64,
    body: Vec<u8>,
}

/// An answer as it is composed.
struct Answer {
    ticket: u64,
    fields: String,
    events: Vec<Event>,
}

impl Request {
    /// Reads its head, if it is one.
    pub(super) fn read(head: &Head) -> Option<Self> {
        let talk = TalkId::of(head.word(1).as_bytes())?;
        let replayed = head.field("content-bytes-replayed").and_then(|field| field.parse().ok());
        Some(Self { talk, replayed: replayed.unwrap_or_default(), body: Vec::new() })
    }

    pub(super) fn take(&mut self, data: &[u8]) {
        self.body.extend_from_slice(data);
    }
}

/// What the backend does about a request that is complete.
pub(super) fn answer(scene: &mut Scene, rng: &mut Rng, request: Request) -> Vec<Step> {
    let Request { talk, replayed, body } = request;
    let events = match read_events(&body) {
        Ok(events) => events,
        Err(why) => {
            let what = format!("{talk:?} offers {}: {why}", body.escape_ascii());
            scene.note(&Fact::Strange(what));
            return vec![Step::Close(Ended::Closed)];
        }
    };
    let ticket = scene.ticket();
    scene.tally.bump("requests with events");
    let turn = Turn::Offered { events: events.clone(), ticket, replayed };
    scene.note(&Fact::Talk { talk, turn: &turn });
    let pause = if scene.phase == Phase::Live { scene.options.sockets.pause } else { Span::ZERO };
    let pause = Step::Wait(span(rng, pause));
    let mut answer = Answer { ticket, fields: String::new(), events: Vec::new() };
    let fault = match events.first() {
        Some(Event::Open) => answer.decide(scene, rng, talk),
        Some(Event::Disconnect) => None,
        _ => answer.respond(scene, rng, talk, &events),
    };
    let mut steps = vec![pause];
    match fault {
        Some(fault) => steps.extend(fault),
        None => steps.extend(answer.write("200 OK", &write_events(&answer.events))),
    }
    steps
}

impl Answer {
    /// Whether the client may come in; what happens instead of an answer, if something does.
    fn decide(&mut self, scene: &mut Scene, rng: &mut Rng, talk: TalkId) -> Option<Vec<Step>> {
        let sockets = scene.options.sockets;
        if scene.phase == Phase::Live && rng.one_in(sockets.refuse_one_in) {
            scene.tally.bump("fault: upgrade refused");
            return self.refuse(rng);
        }
        if scene.setting.talks.plan(talk).grip {
            self.fields += "Sec-WebSocket-Extensions: grip\r\n";
        }
        if rng.one_in(3) {
            self.fields += &format!("Keep-Alive-Interval: {}\r\n", 20 + rng.below(20));
        }
        self.events.push(Event::Open);
        self.say(mind::greet(scene, rng, talk));
        None
    }

    fn refuse(&mut self, rng: &mut Rng) -> Option<Vec<Step>> {
        match rng.below(6) {
            0 => Some(vec![Step::Close(Ended::Closed)]),
            1 => Some(Vec::new()),
            2 => Some(self.write("403 Forbidden", b"no")),
            // It will decide later.
            3 => {
                self.fields += "Keep-Alive-Interval: 20\r\n";
                None
            }
            4 => {
                self.events.push(Event::Word(Word::Text(b"b".to_vec())));
                None
            }
            _ => None,
        }
    }

    /// Answers to events; says what happens instead, if something does.
    fn respond(
        &mut self,
        scene: &mut Scene,
        rng: &mut Rng,
        talk: TalkId,
        events: &[Event],
    ) -> Option<Vec<Step>> {
        let sockets = scene.options.sockets;
        let live = scene.phase == Phase::Live;
        if live && rng.one_in(sockets.crash_one_in) {
            scene.tally.bump("fault: backend crashes");
            let until = scene.now + span(rng, sockets.down);
            scene.setting.talks.crash(until.min(Time::ZERO + scene.options.length));
            return Some(vec![Step::Close(Ended::Reset)]);
        }
        let words = events.iter().filter_map(|event| match event {
            Event::Word(word) => Some(word),
            _ => None,
        });
        let total: u64 = words.clone().map(Word::size).sum();
        // A close is taken whole, if everything before it is (WOH-35).
        let closes = |word: &&Word| matches!(word, Word::Close(..));
        let close = words.clone().find(closes).map_or(0, Word::size);
        let most = if close > 0 { total - close } else { total + 1 };
        let partial = scene.setting.talks.plan(talk).tongue == Tongue::Events && total > 0;
        if live && partial && most > 0 && rng.one_in(sockets.partial_one_in) {
            scene.tally.bump("events taken in part");
            self.fields += &format!("Content-Bytes-Accepted: {}\r\n", rng.below(most));
        }
        for word in words {
            self.say(mind::reply(scene, rng, talk, word));
        }
        if rng.one_in(8) {
            self.events.insert(0, Event::Unknown);
        }
        if live && rng.one_in(sockets.bad_one_in) {
            scene.tally.bump("fault: bad answer");
            return self.spoil(rng, total);
        }
        None
    }

    /// Makes it one that cannot be used; says what happens instead, if something does.
    fn spoil(&mut self, rng: &mut Rng, total: u64) -> Option<Vec<Step>> {
        match rng.below(5) {
            0 => Some(Vec::new()),
            1 => Some(self.write("500 Oops", b"")),
            2 => {
                self.fields += "X-Bad: 1\r\n";
                Some(self.write("200 OK", b"TEXT 5\r\nm:b"))
            }
            3 => {
                self.fields = format!("X-Bad: 1\r\nContent-Bytes-Accepted: {}\r\n", total + 1);
                None
            }
            _ => {
                self.events.push(Event::Open);
                None
            }
        }
    }

    fn say(&mut self, said: Vec<Utterance>) {
        self.events.extend(said.into_iter().map(|said| match said {
            Utterance::Word(word) => Event::Word(word),
            Utterance::Disconnect => Event::Disconnect,
        }));
    }

    fn write(&self, status: &str, body: &[u8]) -> Vec<Step> {
        let Self { ticket, fields, .. } = self;
        let head = format!(
            "HTTP/1.1 {status}\r\nContent-Type: application/websocket-events\r\n\
             X-Ticket: {ticket}\r\n{fields}Content-Length: {}\r\n\r\n",
            body.len()
        );
        let (first, second) = body.split_at(body.len() / 2);
        vec![
            Step::Say([head.as_bytes(), first].concat()),
            Step::Wait(Span::from_millis(1)),
            Step::Say(second.to_vec()),
        ]
    }
}
