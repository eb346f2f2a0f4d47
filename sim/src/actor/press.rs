//! Publishers of journals: what they write reaches its journal at once, but the hub late, twice, or
//! never.

use std::collections::BTreeMap;

use holdfast_core::ground::{Rng, Seed, Span};

use crate::dice::{log_range, span};
use crate::scene::{Scene, Wake};

#[derive(Debug)]
pub(crate) struct Press {
    rng: Rng,
    /// Publishes on their way to the hub.
    sent: BTreeMap<u32, String>,
    next: u32,
}

impl Press {
    pub(crate) fn new(seed: Seed) -> Self {
        Self { rng: Rng::new(seed), sent: BTreeMap::new(), next: 0 }
    }

    /// Writes some entries into a journal, and publishes them.
    pub(crate) fn write(&mut self, scene: &mut Scene, journal: u32) {
        let options = scene.options.journals;
        let gap = span(&mut self.rng, options.gap) + Span::from_millis(1);
        scene.plan(gap, Wake::Write(journal));
        let count = log_range(&mut self.rng, 1, options.burst);
        let at_once = self.rng.one_in(2);
        let mut items = Vec::new();
        for _ in 0..count {
            let size = log_range(&mut self.rng, 1, options.size);
            let log = &mut scene.setting.journals[journal as usize];
            let number = log.append(size);
            items.push(log.publish(number));
        }
        scene.tally.add("entries of journals", count);
        if self.rng.one_in(options.hints_one_in) {
            scene.tally.bump("hints");
            items.push(scene.setting.journals[journal as usize].hint());
        }
        if at_once {
            return self.send(scene, &items.join(","));
        }
        for item in items {
            self.send(scene, &item);
        }
    }

    /// A publish arrives at the hub.
    pub(crate) fn arrived(&mut self, publish: u32) -> Option<String> {
        self.sent.remove(&publish)
    }

    fn send(&mut self, scene: &mut Scene, items: &str) {
        let options = scene.options.journals;
        if self.rng.one_in(options.lost_one_in) {
            return scene.tally.bump("fault: publish lost");
        }
        let twice = self.rng.one_in(options.doubled_one_in);
        if twice {
            scene.tally.bump("fault: publish doubled");
        }
        for _ in 0..if twice { 2 } else { 1 } {
            let late = self.rng.one_in(options.late_one_in);
            let delay = match late {
                true => span(&mut self.rng, options.late),
                false => Span::from_millis(1),
            };
            if late {
                scene.tally.bump("fault: publish late");
            }
            self.sent.insert(self.next, format!(r#"{{"items": [{items}]}}"#));
            scene.plan(delay, Wake::Arrive(self.next));
            self.next += 1;
        }
    }
}
