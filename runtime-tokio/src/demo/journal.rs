//! What happened lately, for the page to show: each request with its answer, and each publish.

use std::collections::VecDeque;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, Response};
use serde::Serialize;
use serde_json::Value;

/// How many entries are kept.
const KEPT: usize = 100;
/// How many characters of anything a client sent are kept.
const SHOWN: usize = 160;

/// The newest entries.
#[derive(Debug, Default)]
pub(super) struct Journal {
    entries: VecDeque<Numbered>,
    last: u64,
}

#[derive(Debug, Serialize)]
struct Numbered {
    seq: u64,
    at_ms: u64,
    #[serde(flatten)]
    entry: Entry,
}

#[derive(Debug, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
enum Entry {
    Exchange {
        request: String,
        asked: Vec<Field>,
        said: String,
        status: u16,
        answered: Vec<Field>,
        body: String,
        micros: u64,
    },
    Publish {
        item: Value,
        ok: bool,
        outcome: String,
    },
}

type Field = (String, String);

impl Journal {
    /// A request and its answer, which took the backend `spent`.
    pub(super) fn exchange(
        &mut self,
        asked: &Parts,
        said: &[u8],
        answered: &Response<Bytes>,
        spent: Duration,
    ) {
        self.push(Entry::Exchange {
            request: shorten(&format!("{} {}", asked.method, asked.uri)),
            asked: fields(&asked.headers, &["accept", "connection-id", "grip-sig", "grip-last"]),
            said: shorten(&String::from_utf8_lossy(said)),
            status: answered.status().as_u16(),
            answered: fields(
                answered.headers(),
                &[
                    "content-type",
                    "sec-websocket-extensions",
                    "grip-hold",
                    "grip-channel",
                    "grip-timeout",
                    "grip-link",
                    "grip-keep-alive",
                ],
            ),
            body: String::from_utf8_lossy(answered.body()).into_owned(),
            micros: u64::try_from(spent.as_micros()).unwrap_or(u64::MAX),
        });
    }

    /// A publish and what became of it.
    pub(super) fn publish(&mut self, item: Value, result: &Result<String, String>) {
        let (ok, outcome) = match result {
            Ok(said) => (true, said),
            Err(why) => (false, why),
        };
        self.push(Entry::Publish { item, ok, outcome: shorten(outcome) });
    }

    /// The entries after number `after`, as JSON. A number of the future is one of an earlier run, so it
    /// gets everything.
    pub(super) fn since(&self, after: u64) -> String {
        let after = if after > self.last { 0 } else { after };
        let entries: Vec<_> = self.entries.iter().filter(|entry| entry.seq > after).collect();
        serde_json::json!({ "last": self.last, "entries": entries }).to_string()
    }

    fn push(&mut self, entry: Entry) {
        if self.entries.len() == KEPT {
            self.entries.pop_front();
        }
        self.last += 1;
        let at = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let at_ms = u64::try_from(at.as_millis()).unwrap_or(u64::MAX);
        self.entries.push_back(Numbered { seq: self.last, at_ms, entry });
    }
}

fn fields(headers: &HeaderMap, names: &[&str]) -> Vec<Field> {
    let titled = |name: &str| -> String {
        let words: Vec<_> = name.split('-').map(capital).collect();
        words.join("-")
    };
    names
        .iter()
        .flat_map(|&name| headers.get_all(name).iter().map(move |value| (name, value)))
        .map(|(name, value)| (titled(name), shorten(&String::from_utf8_lossy(value.as_bytes()))))
        .collect()
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters
        .next()
        .map(|first| first.to_ascii_uppercase().to_string() + letters.as_str())
        .unwrap_or_default()
}

fn shorten(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(journal: &Journal, after: u64) -> (u64, Vec<u64>) {
        let told: Value = serde_json::from_str(&journal.since(after)).expect("JSON");
        let seqs = told["entries"].as_array().expect("a list").iter();
        (told["last"].as_u64().expect("a number"), seqs.filter_map(|e| e["seq"].as_u64()).collect())
    }

    #[test]
    fn keeps_the_newest_entries_and_tells_those_after_a_number() {
        let mut journal = Journal::default();
        for _ in 0..KEPT + 5 {
            journal.publish(Value::Null, &Ok("200".into()));
        }
        assert_eq!(told(&journal, 103), (105, vec![104, 105]));
        assert_eq!(told(&journal, 0).1.first(), Some(&6));
        assert_eq!(told(&journal, 105).1.len(), 0);
        assert_eq!(told(&journal, 9999).1.len(), KEPT, "a number of an earlier run");
    }

    #[test]
    fn what_a_client_sent_is_shortened_at_a_character() {
        let long = "ü".repeat(SHOWN + 1);
        assert_eq!(shorten(&long).chars().count(), SHOWN + 1);
        assert_eq!(shorten("short"), "short");
    }
}
