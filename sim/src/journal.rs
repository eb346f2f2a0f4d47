//! Journals: what a backend that keeps its promises remembers of a channel.
//!
//! Entry `n` of a journal is published with the id `n` and the `prev-id` `n - 1`, and whoever asks
//! for what comes after `n` gets exactly that. So the journal is what everybody who follows it must
//! have read in the end.

use core::fmt::Write;

use holdfast_core::ground::{Rng, Span, Time};

use crate::dice::{log_range, one_of, span};
use crate::script::{PREFIX, item_line};
use crate::swarm::Options;

/// The number of the first journal's channel; those below are no journals.
pub(crate) const FIRST: u32 = 1000;

/// One channel's log, and how its backend is.
#[derive(Debug)]
pub(crate) struct Journal {
    pub(crate) channel: u32,
    pub(crate) pages: Pages,
    /// Entries on one page at most.
    pub(crate) page: u64,
    /// The longest the backend thinks between looking into the log and answering.
    pub(crate) pause: Span,
    /// The timeout of its next links and long-polls, in seconds.
    pub(crate) timeout: u64,
    /// Whether its sessions say when they are over.
    pub(crate) farewells: bool,
    /// When every request fails.
    outages: Vec<(Time, Time)>,
    /// The sizes of the entries.
    sizes: Vec<u64>,
}

/// Whose the next pages are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Pages {
    /// Everybody's: one URL, and shared caches may keep them.
    Public,
    /// One URL for everybody, but each time it is fetched the page is another's.
    Common,
    /// Each session has a URL of its own.
    Own,
}

impl Journal {
    pub(crate) fn new(number: u32, options: &Options, rng: &mut Rng) -> Self {
        let journals = options.journals;
        let outage = |rng: &mut Rng| {
            let from = Time::ZERO + span(rng, options.length);
            let until = from + span(rng, journals.outage);
            (from, until.min(Time::ZERO + options.length))
        };
        let outages = (0..rng.below(journals.outages + 1)).map(|_| outage(rng)).collect();
        Self {
            channel: FIRST + number,
            pages: one_of(rng, &[Pages::Public, Pages::Common, Pages::Own]),
            page: log_range(rng, 1, 50),
            pause: Span::from_millis(one_of(rng, &[0, 1, 100, 1000])),
            timeout: 5 + rng.below(20),
            farewells: rng.one_in(2),
            outages,
            sizes: Vec::new(),
        }
    }

    /// The number of the last entry, which is how many there are.
    pub(crate) fn last(&self) -> u64 {
        self.sizes.len() as u64
    }

    /// Appends an entry; returns its number.
    pub(crate) fn append(&mut self, size: u64) -> u64 {
        self.sizes.push(size);
        self.last()
    }

    /// The text of the entries behind `after`, up to `to`.
    pub(crate) fn text(&self, after: u64, to: u64) -> String {
        (after..to).fold(String::new(), |text, before| text + &self.line(before + 1))
    }

    /// Entry `number` as it is published.
    pub(crate) fn publish(&self, number: u64) -> String {
        let line = self.line(number).replace('\n', "\\n");
        let mut json = format!(r#"{{"channel": "{PREFIX}{}", "id": "{number}""#, self.channel);
        // Writing into a string cannot fail.
        let _ = write!(json, r#", "prev-id": "{}""#, number - 1);
        let _ = write!(json, r#", "http-stream": {{"content": "{line}"}}"#);
        let _ = write!(json, r#", "http-response": {{"body": "{line}"}}}}"#);
        json
    }

    /// Word that there may be something new, without saying what.
    pub(crate) fn hint(&self) -> String {
        let hint = r#"{"action": "hint"}"#;
        format!(
            r#"{{"channel": "{PREFIX}{}", "no-seq": true, "http-stream": {hint}, "http-response": {hint}}}"#,
            self.channel
        )
    }

    pub(crate) fn fails(&self, now: Time) -> bool {
        self.outages.iter().any(|(from, until)| (*from..*until).contains(&now))
    }

    fn line(&self, number: u64) -> String {
        let size = number.checked_sub(1).and_then(|at| self.sizes.get(at as usize));
        item_line(self.channel, number, size.copied().unwrap_or_default())
    }
}
