//! Clients: each works through its part of the plan, or follows a journal, over as many connections
//! as that takes.

use std::collections::VecDeque;

use holdfast_core::ground::{Rng, Seed, Span};

use super::follower::Follower;
use super::message::{Head, Kind, Part, Reader};
use crate::dice::{log_range, span};
use crate::oracle::Fact;
use crate::scene::{Outbox, Phase, Scene, Wake};
use crate::script::{Ask, AskId, Method, origin_body};
use crate::wire::{End, Ended, LinkId, Read};

#[derive(Debug)]
pub(crate) struct Client {
    id: u32,
    rng: Rng,
    aim: Aim,
    /// Asked on the connection that there is, and not answered.
    sent: VecDeque<AskId>,
    line: Option<Line>,
    manner: Manner,
    pace: Pace,
}

/// What it wants.
#[derive(Debug)]
enum Aim {
    /// The answers to these, which are not asked yet.
    Errands(VecDeque<AskId>),
    /// All of a journal.
    Journal(Follower),
}

/// How it speaks.
#[derive(Clone, Copy, Debug)]
struct Manner {
    old: bool,
    pipelined: u64,
    rest: Span,
}

/// How fast it reads.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Pace {
    Prompt,
    Slow { bytes: usize, every: Span },
}

/// One connection.
#[derive(Debug)]
struct Line {
    end: End,
    reader: Reader,
    outbox: Outbox,
    /// An answer has begun.
    begun: bool,
    /// The last answer said that there will be no other.
    last: bool,
    /// A read is planned.
    will_read: bool,
    /// Its link is broken; a slow reader may not have noticed.
    broken: bool,
}

impl Client {
    pub(crate) fn new(id: u32, scene: &mut Scene, seed: Seed) -> Self {
        let mut rng = Rng::new(seed);
        let clientele = scene.options.clientele;
        let count = log_range(&mut rng, 1, clientele.requests);
        let journals = scene.options.journals.count;
        let follows = journals > 0 && rng.one_in(2);
        let (book, options) = (&mut scene.setting.book, &scene.options);
        let aim = match follows {
            true => Aim::Journal(Follower::new(id, journals, count, &mut rng)),
            false => Aim::Errands((0..count).map(|_| book.plan(options, &mut rng)).collect()),
        };
        let slow = Pace::Slow {
            bytes: log_range(&mut rng, 1, 500) as usize,
            every: Span::from_millis(log_range(&mut rng, 10, 5000)),
        };
        let old = rng.one_in(clientele.old_one_in);
        Self {
            id,
            aim,
            sent: VecDeque::new(),
            line: None,
            manner: Manner {
                old,
                pipelined: if old || follows { 1 } else { clientele.pipelined },
                rest: clientele.rest,
            },
            pace: if rng.one_in(clientele.slow_one_in) { slow } else { Pace::Prompt },
            rng,
        }
    }

    /// Goes on with the plan.
    pub(crate) fn wake(&mut self, scene: &mut Scene) {
        if !self.has_more(scene.phase) {
            return;
        }
        let mut line = match self.line.take() {
            Some(line) => line,
            None => Line::new(scene.dial_proxy(self.id)),
        };
        if line.last {
            // The proxy is about to close it.
            self.line = Some(line);
            return;
        }
        while (self.sent.len() as u64) < self.manner.pipelined {
            let Some(ask) = self.next_ask(scene) else { break };
            self.ask(scene, &mut line, ask);
        }
        line.outbox.flush(scene, line.end);
        self.line = Some(line);
    }

    /// Those who follow a journal go on until they must leave.
    fn has_more(&self, phase: Phase) -> bool {
        match &self.aim {
            Aim::Errands(plan) => phase == Phase::Live && !plan.is_empty(),
            Aim::Journal(follower) => phase < Phase::Leaving && follower.has_more(),
        }
    }

    fn next_ask(&mut self, scene: &mut Scene) -> Option<AskId> {
        match &mut self.aim {
            Aim::Errands(plan) => plan.pop_front(),
            Aim::Journal(follower) => follower.next(scene, &mut self.rng),
        }
    }

    /// Itself and the journal that it must have read in the end, if any.
    pub(crate) fn must_read(&self) -> Option<(u32, u32)> {
        match &self.aim {
            Aim::Journal(follower) => follower.must_read().map(|journal| (self.id, journal)),
            Aim::Errands(_) => None,
        }
    }

    fn ask(&mut self, scene: &mut Scene, line: &mut Line, ask: AskId) {
        self.sent.push_back(ask);
        scene.note(&Fact::Sent(ask));
        if line.broken {
            scene.note(&Fact::Trouble(ask));
        }
        scene.tally.bump("requests");
        let keeps = !self.rng.one_in(4);
        let ask = scene.setting.book.ask(ask);
        write_request(ask, self.manner.old, keeps, line.outbox.buffer());
        if let Some(patience) = ask.patience {
            scene.plan(patience, Wake::Impatient(self.id, ask.id));
        }
    }

    /// Something is new at its end of a link.
    pub(crate) fn notice(&mut self, scene: &mut Scene, link: LinkId) {
        let Some(line) = self.line.as_mut().filter(|line| line.end.link == link) else { return };
        line.outbox.flush(scene, line.end);
        match self.pace {
            Pace::Prompt => self.read(scene, usize::MAX),
            Pace::Slow { every, .. } if !line.will_read => {
                line.will_read = true;
                scene.plan(every, Wake::Reads(self.id));
            }
            Pace::Slow { .. } => {}
        }
    }

    /// A slow client reads a little.
    pub(crate) fn read_slowly(&mut self, scene: &mut Scene) {
        let Some(line) = &mut self.line else { return };
        line.will_read = false;
        let max = match self.pace {
            Pace::Prompt => usize::MAX,
            Pace::Slow { bytes, every } => {
                line.will_read = true;
                scene.plan(every, Wake::Reads(self.id));
                bytes
            }
        };
        self.read(scene, max);
    }

    /// From now on it reads all that there is.
    pub(crate) fn hurry(&mut self, scene: &mut Scene) {
        self.pace = Pace::Prompt;
        self.read(scene, usize::MAX);
    }

    /// It may have waited for too long.
    pub(crate) fn give_up(&mut self, scene: &mut Scene, ask: AskId) {
        if scene.phase != Phase::Live || self.sent.front() != Some(&ask) {
            return;
        }
        scene.tally.bump("fault: client gives up");
        self.sent.pop_front();
        scene.note(&Fact::GivenUp(ask));
        self.hang_up(scene);
        self.rest(scene);
    }

    /// What it has asked behind a stream that goes on is not answered before that ends.
    pub(crate) fn forgo_queued(&mut self, scene: &mut Scene) {
        let streams = self.line.as_ref().is_some_and(|line| line.begun)
            && self.sent.front().is_some_and(|ask| scene.setting.book.ask(*ask).is_stream());
        if streams {
            for ask in self.sent.drain(1..) {
                scene.note(&Fact::GivenUp(ask));
            }
        }
    }

    /// It leaves for good.
    pub(crate) fn leave(&mut self, scene: &mut Scene) {
        self.hang_up(scene);
        self.aim = Aim::Errands(VecDeque::new());
    }

    /// Its link breaks.
    pub(crate) fn troubled(&mut self, scene: &mut Scene, link: LinkId) {
        let Some(line) = self.line.as_mut().filter(|line| line.end.link == link) else { return };
        line.broken = true;
        for ask in &self.sent {
            scene.note(&Fact::Trouble(*ask));
        }
    }

    fn hang_up(&mut self, scene: &mut Scene) {
        let how = if self.rng.one_in(2) { Ended::Closed } else { Ended::Reset };
        if let Some(line) = self.line.take() {
            scene.close(line.end, how);
        }
        self.take_back(scene);
    }

    /// What was not answered is asked again.
    fn take_back(&mut self, scene: &mut Scene) {
        while let Some(ask) = self.sent.pop_back() {
            scene.note(&Fact::GivenUp(ask));
            if let Aim::Errands(plan) = &mut self.aim {
                plan.push_front(ask);
            }
        }
    }

    fn rest(&mut self, scene: &mut Scene) {
        let mut rest = span(&mut self.rng, self.manner.rest);
        if let Aim::Journal(_) = self.aim {
            // There is no end to what it asks.
            rest = rest.max(Span::from_millis(if scene.phase == Phase::Live { 100 } else { 2000 }));
        }
        scene.plan(rest, Wake::Client(self.id));
    }

    fn read(&mut self, scene: &mut Scene, max: usize) {
        let Some(mut line) = self.line.take() else { return };
        let Read { bytes, ended } = scene.read(line.end, max);
        line.reader.take(&bytes);
        if let Err(why) = self.understand(scene, &mut line) {
            return scene.note(&Fact::Strange(format!("client {}: {why}", self.id)));
        }
        match ended {
            None => self.line = Some(line),
            Some(how) => {
                scene.close(line.end, Ended::Closed);
                self.lost(scene, &line, how);
            }
        }
    }

    fn understand(&mut self, scene: &mut Scene, line: &mut Line) -> Result<(), String> {
        loop {
            let ask = self.sent.front().map(|ask| scene.setting.book.ask(*ask));
            let bodiless = ask.is_some_and(|ask| ask.method == Method::Head);
            let Some(part) = line.reader.next(bodiless)? else {
                let silent = ask.is_some() || line.reader.is_at_rest();
                return if silent { Ok(()) } else { Err("bytes that nobody asked for".to_owned()) };
            };
            let Some(ask) = ask.map(|ask| ask.id) else {
                return Err(format!("{part:?} that nobody asked for"));
            };
            match part {
                Part::Head(head) => begun(scene, line, ask, &head)?,
                Part::Data(data) => {
                    scene.note(&Fact::Body { ask, data: &data });
                    if let Aim::Journal(follower) = &mut self.aim {
                        follower.took(&data);
                    }
                }
                Part::End => self.answered(scene, line, ask),
            }
        }
    }

    fn answered(&mut self, scene: &mut Scene, line: &mut Line, ask: AskId) {
        line.begun = false;
        self.sent.pop_front();
        scene.note(&Fact::End(ask));
        scene.tally.bump("answers");
        if !line.last {
            self.rest(scene);
        }
    }

    /// The connection has come to its end.
    fn lost(&mut self, scene: &mut Scene, line: &Line, how: Ended) {
        match self.sent.pop_front() {
            Some(ask) if line.begun && how == Ended::Closed && line.reader.ends_by_close() => {
                scene.note(&Fact::End(ask));
                scene.tally.bump("answers");
            }
            Some(ask) if line.begun || !line.last => {
                scene.note(&Fact::Cut(ask));
                scene.tally.bump("cut answers");
            }
            Some(ask) => self.sent.push_front(ask),
            None => {}
        }
        self.take_back(scene);
        self.rest(scene);
    }
}

impl Line {
    fn new(link: LinkId) -> Self {
        Self {
            end: End::peer(link),
            reader: Reader::new(Kind::Responses),
            outbox: Outbox::default(),
            begun: false,
            last: false,
            will_read: false,
            broken: false,
        }
    }
}

fn begun(scene: &mut Scene, line: &mut Line, ask: AskId, head: &Head) -> Result<(), String> {
    line.begun = true;
    line.last = head.field("connection") == Some("close");
    let status = head.word(1).parse().map_err(|_| format!("status line {:?}", head.line))?;
    let name = |text: &str| text.parse().map(AskId).map_err(|_| format!("names {text:?}"));
    let names = head.field("x-ask").map(name).transpose()?;
    scene.note(&Fact::Head { ask, status, names });
    Ok(())
}

fn write_request(ask: &Ask, old: bool, keeps: bool, out: &mut Vec<u8>) {
    let method = match ask.method {
        Method::Get => "GET",
        Method::Head => "HEAD",
        Method::Post => "POST",
    };
    let (version, connection) = match (old, keeps) {
        (true, true) => ("HTTP/1.0", "Connection: keep-alive\r\n"),
        (true, false) => ("HTTP/1.0", ""),
        (false, _) => ("HTTP/1.1", ""),
    };
    let head = format!("{method} {} {version}\r\nHost: sim\r\n{connection}", ask.path());
    out.extend_from_slice(head.as_bytes());
    if ask.method != Method::Post {
        return out.extend_from_slice(b"\r\n");
    }
    let body = origin_body(ask.body);
    if ask.expects_continue && !old {
        out.extend_from_slice(b"Expect: 100-continue\r\n");
    }
    if old || ask.id.0.is_multiple_of(2) {
        out.extend_from_slice(format!("Content-Length: {}\r\n\r\n", body.len()).as_bytes());
        return out.extend_from_slice(&body);
    }
    out.extend_from_slice(b"Transfer-Encoding: chunked\r\n\r\n");
    for chunk in body.chunks(1000) {
        out.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
        out.extend_from_slice(chunk);
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(b"0\r\n\r\n");
}
