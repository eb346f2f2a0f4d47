//! Clients that speak WebSocket: each has its talks one after the other, and says what comes to its
//! mind. It reads strictly, with code of its own.

use holdfast_core::ground::{Rng, Seed, Span};

use crate::dice::{log_range, one_of, span, weighted};
use crate::oracle::Fact;
use crate::scene::{Outbox, Phase, Scene, Wake};
use crate::talk::{FrameReader, TalkId, Turn, Word, write_frames};
use crate::wire::{End, Ended, LinkId, Read};

#[derive(Debug)]
pub(crate) struct Talker {
    id: u32,
    rng: Rng,
    /// Talks that are still to come.
    left: u64,
    line: Option<Line>,
    /// Bytes that it reads at once, and how often, if it is slow.
    slow: Option<(usize, Span)>,
    /// It does not answer a close.
    mute: bool,
    /// How much it has said.
    said: u64,
}

/// One connection.
#[derive(Debug)]
struct Line {
    talk: TalkId,
    end: End,
    outbox: Outbox,
    /// What has come of the answer to the upgrade.
    head: Vec<u8>,
    frames: FrameReader,
    stage: Stage,
    /// Acts that are still to come.
    acts: u64,
    /// A read is planned.
    will_read: bool,
}

/// How far the talk is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Stage {
    Asking,
    Open,
    /// It has said the last that it says.
    Silent,
    /// It was refused; the connection will end.
    Refused,
}

/// How long a client waits for the end of a talk that is to end.
const PATIENCE: Span = Span::from_secs(40);

/// The payload of the proxy's own pings, the answers to which are for nobody else.
const PROXY: &[u8] = b"holdfast";

impl Talker {
    pub(crate) fn new(id: u32, scene: &Scene, seed: Seed) -> Self {
        let mut rng = Rng::new(seed);
        let sockets = &scene.options.sockets;
        let slow = (
            log_range(&mut rng, 1, 500) as usize,
            Span::from_millis(log_range(&mut rng, 10, 5000)),
        );
        Self {
            id,
            left: log_range(&mut rng, 1, sockets.talks),
            line: None,
            slow: rng.one_in(sockets.slow_one_in).then_some(slow),
            mute: rng.one_in(sockets.mute_one_in),
            said: 0,
            rng,
        }
    }

    /// Goes on.
    pub(crate) fn wake(&mut self, scene: &mut Scene) {
        if scene.phase != Phase::Live {
            return;
        }
        match self.line.as_ref().map(|line| line.stage) {
            None if self.left > 0 => self.open(scene),
            None => return,
            Some(Stage::Open) if self.has_more() => self.act(scene),
            // Its time will come.
            Some(_) => {}
        }
        self.rest(scene);
    }

    /// Whether there is another act in this talk.
    fn has_more(&mut self) -> bool {
        let Some(line) = &mut self.line else { return false };
        let more = line.acts > 0;
        line.acts -= u64::from(more);
        more
    }

    fn rest(&mut self, scene: &mut Scene) {
        let rest = span(&mut self.rng, scene.options.sockets.rest);
        scene.plan(rest + Span::from_millis(1), Wake::Talker(self.id));
    }

    fn open(&mut self, scene: &mut Scene) {
        self.left -= 1;
        let talk = scene.setting.talks.begin(&scene.options, &mut self.rng);
        let path = scene.setting.talks.path(talk);
        // Not more than can be done with until the world has come to rest.
        let acts = log_range(&mut self.rng, 1, 30);
        let mut line = Line::new(talk, scene.dial_for_talk(self.id), acts);
        scene.tally.bump("talks");
        scene.note(&Fact::Talk { talk, turn: &Turn::Opens });
        let head = format!(
            "GET {path} HTTP/1.1\r\nHost: sim\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        );
        line.outbox.buffer().extend_from_slice(head.as_bytes());
        line.outbox.flush(scene, line.end);
        self.line = Some(line);
    }

    fn act(&mut self, scene: &mut Scene) {
        let sockets = scene.options.sockets;
        self.said += 1;
        let number = self.said;
        let mut payload = format!("u{number}.").into_bytes();
        if self.rng.one_in(8) {
            payload.clear();
        }
        match weighted(&mut self.rng, &sockets.acts) {
            0 => {
                let size = log_range(&mut self.rng, 1, sockets.size) as usize;
                if !payload.is_empty() {
                    payload.resize(size.max(payload.len()), b'.');
                }
                let text = self.rng.one_in(2);
                self.say(scene, if text { Word::Text(payload) } else { Word::Binary(payload) });
            }
            1 => self.say(scene, Word::Ping(payload)),
            2 => self.say(scene, Word::Pong(payload)),
            3 => self.close(scene),
            4 => {
                scene.tally.bump("fault: talker drops its connection");
                self.hang_up(scene);
            }
            _ => self.misbehave(scene),
        }
    }

    fn close(&mut self, scene: &mut Scene) {
        let code = one_of(&mut self.rng, &[None, Some(1000), Some(3000), Some(4001)]);
        let reason = if code.is_some() && self.rng.one_in(2) { "enough" } else { "" };
        self.say(scene, Word::Close(code, reason.to_owned()));
    }

    fn say(&mut self, scene: &mut Scene, word: Word) {
        let Some(line) = &mut self.line else { return };
        let talk = line.talk;
        let key = (self.rng.next_u64() as u32).to_le_bytes();
        let pieces = 1 + self.rng.below(3) as usize;
        let mut frames = write_frames(&word, pieces, Some(key)).into_iter();
        line.outbox.buffer().extend(frames.next().unwrap_or_default());
        for frame in frames {
            // Between the pieces of a message there may be a ping.
            if self.rng.one_in(3) {
                let ping = Word::Ping(b"u".to_vec());
                line.outbox.buffer().extend(write_frames(&ping, 1, Some(key)).concat());
                scene.note(&Fact::Talk { talk, turn: &Turn::Says(ping) });
            }
            line.outbox.buffer().extend(frame);
        }
        if let Word::Close(..) = word {
            line.stage = Stage::Silent;
            scene.plan(PATIENCE, Wake::Weary(self.id, talk));
        }
        scene.tally.bump("words of clients");
        scene.note(&Fact::Talk { talk, turn: &Turn::Says(word) });
        line.outbox.flush(scene, line.end);
    }

    fn misbehave(&mut self, scene: &mut Scene) {
        let bad: &[&[u8]] = &[b"\x81\x01x", b"\x83\x80\0\0\0\0", b"\x81\x81\0\0\0\0\xff"];
        let bad = one_of(&mut self.rng, bad);
        let Some(line) = &mut self.line else { return };
        scene.note(&Fact::Talk { talk: line.talk, turn: &Turn::Misbehaves });
        line.stage = Stage::Silent;
        scene.plan(PATIENCE, Wake::Weary(self.id, line.talk));
        line.outbox.buffer().extend_from_slice(bad);
        line.outbox.flush(scene, line.end);
    }

    /// Something is new at its end of a link.
    pub(crate) fn notice(&mut self, scene: &mut Scene, link: LinkId) {
        let Some(line) = self.line.as_mut().filter(|line| line.end.link == link) else { return };
        line.outbox.flush(scene, line.end);
        match self.slow {
            None => self.read(scene, usize::MAX),
            Some((_, every)) if !line.will_read => {
                line.will_read = true;
                scene.plan(every, Wake::Listens(self.id));
            }
            Some(_) => {}
        }
    }

    /// A slow client reads a little.
    pub(crate) fn read_slowly(&mut self, scene: &mut Scene) {
        let Some(line) = &mut self.line else { return };
        line.will_read = false;
        let max = self.slow.map_or(usize::MAX, |(bytes, every)| {
            line.will_read = true;
            scene.plan(every, Wake::Listens(self.id));
            bytes
        });
        self.read(scene, max);
    }

    /// From now on it reads all that there is.
    pub(crate) fn hurry(&mut self, scene: &mut Scene) {
        self.slow = None;
        self.read(scene, usize::MAX);
    }

    /// A talk that was to end may not have.
    pub(crate) fn weary(&mut self, scene: &mut Scene, talk: TalkId) {
        if self.line.as_ref().is_some_and(|line| line.talk == talk) {
            scene.tally.bump("fault: talker does not wait for the end");
            self.hang_up(scene);
        }
    }

    /// It leaves for good.
    pub(crate) fn leave(&mut self, scene: &mut Scene) {
        let open = self.line.as_ref().is_some_and(|line| line.stage == Stage::Open);
        if open && self.rng.one_in(2) {
            self.close(scene);
        } else {
            self.hang_up(scene);
        }
    }

    /// Its link breaks.
    pub(crate) fn troubled(&mut self, scene: &mut Scene, link: LinkId) {
        if let Some(line) = self.line.as_ref().filter(|line| line.end.link == link) {
            scene.note(&Fact::Talk { talk: line.talk, turn: &Turn::Breaks });
        }
    }

    fn hang_up(&mut self, scene: &mut Scene) {
        let how = if self.rng.one_in(2) { Ended::Closed } else { Ended::Reset };
        if let Some(line) = self.line.take() {
            scene.note(&Fact::Talk { talk: line.talk, turn: &Turn::HangsUp });
            scene.close(line.end, how);
        }
    }

    fn read(&mut self, scene: &mut Scene, max: usize) {
        let Some(line) = &mut self.line else { return };
        let (talk, end) = (line.talk, line.end);
        let Read { bytes, ended } = scene.read(end, max);
        if let Some(status) = line.take(&bytes) {
            scene.note(&Fact::Talk { talk, turn: &Turn::Answered(status) });
        }
        while let Some(line) = &mut self.line {
            match line.frames.next() {
                Ok(Some(word)) => self.hear(scene, word),
                Ok(None) => break,
                Err(why) => {
                    scene.note(&Fact::Talk { talk, turn: &Turn::Garbled(why) });
                    break;
                }
            }
        }
        if let Some(how) = ended {
            self.line = None;
            scene.note(&Fact::Talk { talk, turn: &Turn::Ends(how) });
            scene.close(end, Ended::Closed);
        }
    }

    fn hear(&mut self, scene: &mut Scene, word: Word) {
        let Some(line) = &mut self.line else { return };
        let (talk, open) = (line.talk, line.stage == Stage::Open);
        scene.note(&Fact::Talk { talk, turn: &Turn::Gets(word.clone()) });
        match word {
            Word::Ping(payload) if open && payload == PROXY => {
                let key = Some([0, 1, 2, 3]);
                let pong = write_frames(&Word::Pong(payload), 1, key).concat();
                line.outbox.buffer().extend(pong);
                line.outbox.flush(scene, line.end);
            }
            Word::Ping(payload) if open => self.say(scene, Word::Pong(payload)),
            close @ Word::Close(..) if open && !self.mute => self.say(scene, close),
            Word::Close(..) => {
                line.stage = Stage::Silent;
                scene.plan(PATIENCE, Wake::Weary(self.id, talk));
            }
            _ => {}
        }
    }
}

impl Line {
    fn new(talk: TalkId, link: LinkId, acts: u64) -> Self {
        Self {
            talk,
            end: End::peer(link),
            outbox: Outbox::default(),
            head: Vec::new(),
            frames: FrameReader::new(false),
            stage: Stage::Asking,
            acts,
            will_read: false,
        }
    }

    /// Takes what has come; the status if the answer to the upgrade is complete by that.
    fn take(&mut self, bytes: &[u8]) -> Option<u16> {
        match self.stage {
            Stage::Open | Stage::Silent => self.frames.take(bytes),
            Stage::Refused => {}
            Stage::Asking => {
                self.head.extend_from_slice(bytes);
                let end = self.head.windows(4).position(|four| four == b"\r\n\r\n")?;
                let rest = self.head.split_off(end + 4);
                let line = String::from_utf8_lossy(&self.head).into_owned();
                let status = line.split(' ').nth(1).and_then(|status| status.parse().ok());
                let status = status.unwrap_or_default();
                self.stage = if status == 101 { Stage::Open } else { Stage::Refused };
                if status == 101 {
                    self.frames.take(&rest);
                }
                return Some(status);
            }
        }
        None
    }
}
