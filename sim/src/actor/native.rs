//! Backends that speak WebSocket: one actor a connection.

use std::collections::VecDeque;

use holdfast_core::ground::{Rng, Seed, Span};
use holdfast_core::message::{BodySize, Fields, RequestHead, Version};
use holdfast_core::ws::Upgrade;

use super::message::{Head, Kind, Part, Reader};
use super::mind::{self, Utterance};
use super::origin::{Step, say};
use crate::dice::span;
use crate::oracle::Fact;
use crate::scene::{Outbox, Phase, Scene, Wake};
use crate::talk::{FrameReader, TalkId, Turn, Word, write_frames};
use crate::wire::{End, Ended, LinkId, Read};

#[derive(Debug)]
pub(crate) struct Native {
    end: End,
    rng: Rng,
    outbox: Outbox,
    reader: Reader,
    frames: FrameReader,
    talk: Option<TalkId>,
    steps: VecDeque<Step>,
    sleeps: bool,
    /// It has heard the last that the proxy says.
    heard_close: bool,
    stage: Stage,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Stage {
    Talking,
    /// The last that it says is among its steps, or said.
    Closing,
    Gone,
}

impl Native {
    pub(crate) fn new(link: LinkId, seed: Seed) -> Self {
        Self {
            end: End::peer(link),
            rng: Rng::new(seed),
            outbox: Outbox::default(),
            reader: Reader::new(Kind::Requests),
            frames: FrameReader::new(true),
            talk: None,
            steps: VecDeque::new(),
            sleeps: false,
            heard_close: false,
            stage: Stage::Talking,
        }
    }

    /// Something is new at its end of the link.
    pub(crate) fn notice(&mut self, scene: &mut Scene) {
        if self.stage == Stage::Gone {
            return;
        }
        let Read { bytes, ended } = scene.read(self.end, usize::MAX);
        match self.talk {
            Some(talk) => {
                self.frames.take(&bytes);
                self.listen(scene, talk);
            }
            None => {
                self.reader.take(&bytes);
                self.open(scene);
            }
        }
        if ended.is_some() {
            return self.leave(scene, Ended::Closed);
        }
        self.go_on(scene);
    }

    /// A pause is over.
    pub(crate) fn wake(&mut self, scene: &mut Scene) {
        self.sleeps = false;
        if self.stage != Stage::Gone {
            self.go_on(scene);
        }
    }

    fn open(&mut self, scene: &mut Scene) {
        let Ok(Some(Part::Head(head))) = self.reader.next(true) else { return };
        let talk = TalkId::of(head.word(1).as_bytes());
        let (Some(talk), Some(accept)) = (talk, accept(&head)) else {
            scene.note(&Fact::Strange(format!("a native backend is asked {head:?}")));
            return self.leave(scene, Ended::Closed);
        };
        self.talk = Some(talk);
        self.steps.push_back(Step::Wait(span(&mut self.rng, scene.options.sockets.pause)));
        if scene.phase == Phase::Live && self.rng.one_in(scene.options.sockets.refuse_one_in) {
            scene.tally.bump("fault: upgrade refused");
            return self.refuse();
        }
        let grip = scene.setting.talks.plan(talk).grip;
        let extension = if grip { "Sec-WebSocket-Extensions: grip\r\n" } else { "" };
        self.steps.push_back(say(format!(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Accept: {accept}\r\n{extension}\r\n"
        )));
        let greeting = mind::greet(scene, &mut self.rng, talk);
        self.say(greeting);
    }

    fn refuse(&mut self) {
        match self.rng.below(4) {
            0 => self.steps.push_back(Step::Close(Ended::Closed)),
            1 => {}
            2 => self
                .steps
                .push_back(say("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno".to_owned())),
            _ => self.steps.push_back(say(
                "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\
                 Connection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n"
                    .to_owned(),
            )),
        }
    }

    fn listen(&mut self, scene: &mut Scene, talk: TalkId) {
        loop {
            let word = match self.frames.next() {
                Ok(Some(word)) => word,
                Ok(None) => return,
                Err(why) => {
                    scene.note(&Fact::Strange(format!("a native backend cannot read: {why}")));
                    return self.leave(scene, Ended::Closed);
                }
            };
            scene.note(&Fact::Talk { talk, turn: &Turn::Hears(word.clone()) });
            self.heard_close |= matches!(word, Word::Close(..));
            let crashes = scene.options.sockets.crash_one_in;
            if scene.phase == Phase::Live && self.rng.one_in(crashes) {
                scene.tally.bump("fault: backend crashes");
                return self.steps.push_back(Step::Close(Ended::Reset));
            }
            self.steps.push_back(Step::Wait(span(&mut self.rng, scene.options.sockets.pause)));
            let said = mind::reply(scene, &mut self.rng, talk, &word);
            self.say(said);
        }
    }

    /// Plans to say something, with pauses in the middle of messages.
    fn say(&mut self, said: Vec<Utterance>) {
        for said in said {
            let Utterance::Word(word) = said else { continue };
            if self.stage != Stage::Talking {
                return;
            }
            let pieces = 1 + self.rng.below(3) as usize;
            for frame in write_frames(&word, pieces, None) {
                self.steps.push_back(Step::Say(frame));
                if self.rng.one_in(4) {
                    let pause = Span::from_millis(self.rng.below(3000));
                    self.steps.push_back(Step::Wait(pause));
                }
            }
            if let Word::Close(..) = word {
                self.stage = Stage::Closing;
            }
        }
    }

    fn go_on(&mut self, scene: &mut Scene) {
        self.outbox.flush(scene, self.end);
        while self.outbox.is_empty() && !self.sleeps {
            match self.steps.pop_front() {
                // Both have said their last.
                None if self.stage == Stage::Closing && self.heard_close => {
                    return self.leave(scene, Ended::Closed);
                }
                None => return,
                Some(Step::Say(bytes)) => {
                    self.outbox.buffer().extend_from_slice(&bytes);
                    self.outbox.flush(scene, self.end);
                }
                // In the end it does not make others wait.
                Some(Step::Wait(_)) if scene.phase != Phase::Live => {}
                Some(Step::Wait(span)) => {
                    self.sleeps = true;
                    scene.plan(span, Wake::Origin(self.end.link));
                }
                Some(Step::Close(how)) => return self.leave(scene, how),
            }
        }
    }

    fn leave(&mut self, scene: &mut Scene, how: Ended) {
        self.stage = Stage::Gone;
        scene.close(self.end, how);
    }
}

/// What proves that the upgrade was understood. The digest is not worth code of the simulator's own.
fn accept(head: &Head) -> Option<String> {
    let mut fields = Fields::default();
    for (name, value) in &head.fields {
        fields.push(name.clone(), value.clone());
    }
    let method = head.word(0).parse().ok()?;
    let target = head.word(1).to_owned().into();
    let head = RequestHead { method, target, version: Version::Http11, fields };
    let Upgrade::Valid(accept) = Upgrade::of(&head, BodySize::Empty) else { return None };
    let head = accept.grant(&Fields::default(), None);
    let accept = head.fields.first("sec-websocket-accept")?;
    Some(String::from_utf8_lossy(accept).into_owned())
}
