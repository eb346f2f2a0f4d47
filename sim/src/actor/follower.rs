//! Those who follow a journal: each asks for what comes after the last entry that it has read whole.

use holdfast_core::ground::Rng;

use crate::dice::one_of;
use crate::journal::FIRST;
use crate::scene::Scene;
use crate::script::{AskId, Follow, Line, Mode};

#[derive(Debug)]
pub(crate) struct Follower {
    reader: u32,
    journal: u32,
    mode: Mode,
    read: u64,
    line: Vec<u8>,
    /// Requests until it has enough; none at all is never.
    left: Option<u64>,
}

impl Follower {
    /// One that begins anywhere in its journal and, perhaps, has enough after so many requests.
    pub(crate) fn new(reader: u32, journals: u32, requests: u64, rng: &mut Rng) -> Self {
        Self {
            reader,
            journal: rng.below(u64::from(journals)) as u32,
            mode: one_of(rng, &[Mode::Poll, Mode::Stream]),
            read: 0,
            line: Vec::new(),
            left: rng.one_in(3).then_some(requests),
        }
    }

    /// The next request; none if it has enough.
    pub(crate) fn next(&mut self, scene: &mut Scene, rng: &mut Rng) -> Option<AskId> {
        if let Some(left) = &mut self.left {
            *left = left.checked_sub(1)?;
        }
        self.line.clear();
        let follow = Follow {
            reader: self.reader,
            journal: self.journal,
            mode: self.mode,
            after: self.read,
        };
        Some(scene.setting.book.follow(follow, &scene.options, rng))
    }

    pub(crate) fn has_more(&self) -> bool {
        self.left != Some(0)
    }

    /// Its journal, if it never has enough.
    pub(crate) fn must_read(&self) -> Option<u32> {
        self.left.is_none().then_some(self.journal)
    }

    /// Some of an answer came.
    pub(crate) fn took(&mut self, data: &[u8]) {
        for &byte in data {
            if byte != b'\n' {
                self.line.push(byte);
                continue;
            }
            let line = Line::parse(&core::mem::take(&mut self.line));
            if let Some(Line::Item { channel, item }) = line
                && channel == FIRST + self.journal
            {
                self.read = item;
            }
        }
    }
}
