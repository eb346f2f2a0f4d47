//! The backend of a journal. It keeps its promises: what it sends joins at `prev-id` to what will be
//! published, whenever it looks into its log, as often as it is asked and wherever it is told that
//! the reader stands. That it is slow, fails for a while, or ends a stream is no breach of that.

use holdfast_core::ground::{Rng, Span};

use super::origin::{Step, say};
use crate::dice::{one_of, span};
use crate::journal::{Journal, Pages};
use crate::oracle::Fact;
use crate::scene::{Phase, Scene};
use crate::script::{Ask, AskId, Mode, Place, Way};
use crate::wire::Ended;

/// Who asks for what.
#[derive(Clone, Copy, Debug)]
pub(super) struct Question {
    journal: u32,
    /// The request that is answered, if it is not a page.
    ask: Option<AskId>,
    mode: Mode,
    owner: Option<AskId>,
    way: Way,
    /// Where the reader stands.
    at: u64,
}

impl Question {
    /// A client's request, its first time or once more, with the position that the proxy names.
    pub(super) fn of_ask(ask: &Ask, last: Option<u64>) -> Option<Self> {
        let follow = ask.follow()?;
        Some(Self {
            journal: follow.journal,
            ask: Some(ask.id),
            mode: follow.mode,
            owner: Some(ask.id),
            way: ask.way,
            at: last.unwrap_or(follow.after),
        })
    }

    /// The request for a page.
    pub(super) fn of_page(place: Place, way: Way, last: Option<u64>) -> Option<Self> {
        let Place::Page { journal, owner, after } = place else { return None };
        let at = last.unwrap_or(after);
        Some(Self { journal, ask: None, mode: Mode::Stream, owner, way, at })
    }
}

/// What the backend does.
pub(super) fn answer(scene: &mut Scene, rng: &mut Rng, question: Question) -> Vec<Step> {
    let now = scene.now;
    let journal = &scene.setting.journals[question.journal as usize];
    let pause = Step::Wait(span(rng, journal.pause));
    if journal.fails(now) {
        if let Some(ask) = question.ask {
            scene.note(&Fact::Trouble(ask));
        }
        scene.tally.bump("fault: a journal's backend fails");
        return failure(rng, question, pause);
    }
    if question.at > journal.last() {
        let what = format!("a journal of {} entries is asked {question:?}", journal.last());
        scene.note(&Fact::Strange(what));
        return vec![Step::Close(Ended::Closed)];
    }
    let live = scene.phase == Phase::Live;
    let odd = live && rng.one_in(scene.options.journals.odd_one_in);
    let private = match question.ask {
        None => journal.pages != Pages::Public,
        Some(_) => question.mode == Mode::Stream,
    };
    let owner = question.owner;
    let ticket = private.then(|| scene.ticket());
    if let Some(ticket) = ticket {
        scene.note(&Fact::Ticket { ticket, owner });
    }
    let journal = &scene.setting.journals[question.journal as usize];
    // In the end all that is left fits onto one page.
    let to = match live {
        true => journal.last().min(question.at + journal.page),
        false => journal.last(),
    };
    let text = match question.mode {
        Mode::Poll => poll(journal, question, to),
        Mode::Stream => stream(journal, question, to, rng, (odd, ticket)),
    };
    if question.ask.is_none() {
        scene.tally.bump("next pages");
    }
    let cut = odd && rng.one_in(3) && question.ask.is_none();
    let half = text.len() - if cut { 1 + rng.below(30) as usize } else { 0 };
    let mut steps = vec![pause, say(text[..half].to_owned())];
    if cut {
        steps.push(Step::Close(Ended::Closed));
    }
    steps
}

/// What has been written since, at once, or a hold.
fn poll(journal: &Journal, question: Question, to: u64) -> String {
    let at = question.at;
    let hold = format!(
        "Grip-Hold: response\r\nGrip-Channel: {}; prev-id={at}\r\nGrip-Timeout: {}\r\n{}",
        journal.channel,
        journal.timeout,
        gone(journal, question)
    );
    let hold = if to > at { String::new() } else { hold };
    compose(question, &hold, &journal.text(at, to))
}

/// A page, and the word where the next one is; a hold behind the last one.
fn stream(
    journal: &Journal,
    question: Question,
    to: u64,
    rng: &mut Rng,
    (odd, ticket): (bool, Option<u64>),
) -> String {
    let mut text = ticket.map(|ticket| format!("p{ticket}\n")).unwrap_or_default();
    text += &journal.text(question.at, to);
    if odd {
        // The last one, or one that is none.
        let hold = one_of(rng, &["", "response", "sometimes", "stream"]);
        let channel = journal.channel;
        let fields = match hold {
            "stream" => format!("Grip-Hold: stream\r\nGrip-Channel: {channel}; prev-id={to}\r\n"),
            "" => String::new(),
            hold => format!("Grip-Hold: {hold}\r\n"),
        };
        let last = question.ask.is_some();
        return compose(question, if last { "" } else { &fields }, &text);
    }
    let next = Place::Page {
        journal: question.journal,
        owner: question.owner.filter(|_| journal.pages == Pages::Own),
        after: to,
    };
    let base = one_of(rng, &["", "/w/", "http://sim/w/"]);
    let base = base.replace('w', &question.way.letter().to_string());
    let mut fields =
        format!("Grip-Link: <{base}{}>; rel=next; timeout={}\r\n", next.name(), journal.timeout);
    fields += &gone(journal, question);
    if journal.pages == Pages::Public {
        fields += "Cache-Control: public, max-age=60\r\n";
    }
    if to == journal.last() {
        let channel = journal.channel;
        fields += &format!("Grip-Hold: stream\r\nGrip-Channel: {channel}; prev-id={to}\r\n");
    }
    compose(question, &fields, &text)
}

fn gone(journal: &Journal, question: Question) -> String {
    match question.owner.filter(|_| journal.farewells) {
        Some(owner) => {
            let way = question.way.letter();
            format!("Grip-Link: </{way}/{}>; rel=gone\r\n", Place::Gone(owner).name())
        }
        None => String::new(),
    }
}

fn compose(question: Question, fields: &str, body: &str) -> String {
    let name = question.ask.map(|ask| format!("X-Ask: {}\r\n", ask.0)).unwrap_or_default();
    format!("HTTP/1.1 200 OK\r\n{name}{fields}Content-Length: {}\r\n\r\n{body}", body.len())
}

/// A backend that cannot answer properly.
fn failure(rng: &mut Rng, question: Question, pause: Step) -> Vec<Step> {
    let name = question.ask.map(|ask| format!("X-Ask: {}\r\n", ask.0)).unwrap_or_default();
    let moved = "HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n";
    let failed = format!("HTTP/1.1 503 Busy\r\n{name}Content-Length: 0\r\n\r\n");
    match rng.below(4) {
        0 => vec![pause, say(failed)],
        1 if question.ask.is_none() => vec![pause, say(moved.to_owned())],
        2 => vec![pause, say("HTTP/1.1 200 OK\r\nGrip".to_owned()), Step::Close(Ended::Closed)],
        3 => vec![Step::Wait(Span::from_secs(rng.below(60))), say(failed)],
        _ => vec![pause, Step::Close(Ended::Reset)],
    }
}
