//! The publisher: writes items as JSON, some of them more than once.

use holdfast_core::ground::{Rng, Seed, Span};
use holdfast_core::publish::{Item, PublishError, parse_items};

use crate::dice::{log_range, span, weighted};
use crate::scene::{Scene, Wake};
use crate::script::{PREFIX, item_line};

#[derive(Debug)]
pub(crate) struct Publisher {
    rng: Rng,
    published: u64,
    /// A publish that will be made again.
    again: Option<String>,
}

impl Publisher {
    pub(crate) fn new(seed: Seed) -> Self {
        Self { rng: Rng::new(seed), published: 0, again: None }
    }

    /// The next publish.
    pub(crate) fn publish(&mut self, scene: &mut Scene) -> Result<Vec<Item>, PublishError> {
        let gap = span(&mut self.rng, scene.options.publishing.gap);
        scene.plan(gap + Span::from_millis(1), Wake::Publish);
        let body = match self.again.take() {
            Some(body) => {
                scene.tally.bump("fault: publish made twice");
                body
            }
            None => self.compose(scene),
        };
        parse_items(body.as_bytes())
    }

    fn compose(&mut self, scene: &Scene) -> String {
        let publishing = scene.options.publishing;
        // Without a memory for ids, what is published twice is delivered twice.
        let remembers = scene.setting.limits.id_ttl > publishing.gap + Span::from_secs(1);
        let doubled = remembers && self.rng.one_in(publishing.doubled_one_in);
        let count = log_range(&mut self.rng, 1, publishing.batch);
        let items: Vec<_> = (0..count).map(|_| self.item(scene, doubled)).collect();
        let body = format!(r#"{{"items": [{}]}}"#, items.join(","));
        self.again = doubled.then(|| body.clone());
        body
    }

    fn item(&mut self, scene: &Scene, with_id: bool) -> String {
        let publishing = scene.options.publishing;
        let channel = self.rng.below(u64::from(scene.options.channels)) as u32;
        self.published += 1;
        let number = self.published;
        let line = item_line(channel, number, log_range(&mut self.rng, 1, publishing.size));
        let line = line.replace('\n', "\\n");
        let id = match with_id || self.rng.one_in(2) {
            true => format!(r#""id": "{number}", "#),
            false => String::new(),
        };
        let order = self.order(publishing.chained_one_in);
        let stream = format!(r#""http-stream": {{"content": "{line}"}}"#);
        let response = format!(r#""http-response": {{"body": "{line}"}}"#);
        let formats = match weighted(&mut self.rng, &publishing.weights) {
            0 => format!("{stream}, {response}"),
            1 => stream,
            2 => response,
            3 => r#""http-stream": {"action": "close"}"#.to_owned(),
            4 => r#""http-stream": {"action": "hint"}"#.to_owned(),
            _ => r#""http-stream": {"content": ""}"#.to_owned(),
        };
        let formats = match self.ws_format(scene, &line) {
            Some(ws) if self.rng.one_in(2) => ws,
            Some(ws) => format!("{formats}, {ws}"),
            None => formats,
        };
        format!(r#"{{"channel": "{PREFIX}{channel}", {id}{order}{formats}}}"#)
    }

    /// What the item is to WebSockets, if anything.
    fn ws_format(&mut self, scene: &Scene, line: &str) -> Option<String> {
        let sockets = scene.options.sockets;
        if sockets.clients == 0 || !self.rng.one_in(sockets.items_one_in) {
            return None;
        }
        let number = self.published;
        let format = if self.rng.one_in(sockets.closes_one_in) {
            r#"{"action": "close", "code": 4100, "reason": "published"}"#.to_owned()
        } else {
            match self.rng.below(12) {
                0 => format!(r#"{{"type": "ping", "content": "q{number}"}}"#),
                1 => r#"{"action": "refresh"}"#.to_owned(),
                2 => r#"{"action": "hint"}"#.to_owned(),
                3..6 => format!(r#"{{"type": "binary", "content": "{line}"}}"#),
                _ => format!(r#"{{"content": "{line}"}}"#),
            }
        };
        Some(format!(r#""ws-message": {format}"#))
    }

    /// What an item says of its place, if anything: mostly nothing, and not always the truth.
    fn order(&mut self, one_in: u64) -> String {
        if !self.rng.one_in(one_in) {
            return String::new();
        }
        match self.rng.below(4) {
            0 => r#""no-seq": true, "#.to_owned(),
            back => format!(r#""prev-id": "{}", "#, self.published.saturating_sub(back)),
        }
    }
}
