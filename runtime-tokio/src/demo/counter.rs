//! The application: a number that can be read, waited for, followed and raised.
//!
//! Every answer is given at once. Where the client should wait, the answer says so in `Grip-` fields, and
//! names the value it was made from as `prev-id`: a proxy that knows a newer item of the channel then asks
//! again instead of holding, so no change falls between the answer and the hold.

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{Response, StatusCode};
use serde_json::{Value, json};

/// The channel that carries the counter's changes.
pub(super) const CHANNEL: &str = "counter";
/// Where the value is read, waited for and raised.
pub(super) const VALUE_PATH: &str = "/counter/value/";
/// Where the value is followed.
pub(super) const EVENTS_PATH: &str = "/counter/events/";

const JSON: &str = "application/json";
const POLL_SECONDS: &str = "20";
const KEEP_ALIVE: &str = r":\n\n; format=cstring; timeout=20";

/// The counter.
#[derive(Debug, Default)]
pub(super) struct Counter {
    value: u64,
}

impl Counter {
    /// The value; or, if the client has it already, the wish to be held until it changes.
    pub(super) fn read(&self, last: Option<&str>) -> Response<Bytes> {
        if last != Some(self.value.to_string().as_str()) {
            return answer(JSON, self.json());
        }
        // The body is what the client gets if nothing changes in time.
        let mut response = answer(JSON, "{}\n".into());
        set(&mut response, "Grip-Hold", "response");
        set(&mut response, "Grip-Channel", &self.position());
        set(&mut response, "Grip-Timeout", POLL_SECONDS);
        response
    }

    /// The value as a server-sent event, and the wish to keep the stream open. `seen` is what a proxy that
    /// asks on behalf of a stream it already holds has sent last.
    pub(super) fn follow(&self, seen: Option<&str>) -> Response<Bytes> {
        let news = if seen == Some(self.value.to_string().as_str()) {
            String::new()
        } else {
            self.event()
        };
        let mut response = answer("text/event-stream", news);
        set(&mut response, "Grip-Hold", "stream");
        set(&mut response, "Grip-Channel", &self.position());
        set(&mut response, "Grip-Link", &format!("<{EVENTS_PATH}>; rel=next"));
        set(&mut response, "Grip-Keep-Alive", KEEP_ALIVE);
        response
    }

    /// Adds one; the answer, and the item that tells everyone.
    pub(super) fn raise(&mut self) -> (Response<Bytes>, Value) {
        let before = self.value;
        self.value = before.saturating_add(1);
        let item = json!({
            "channel": CHANNEL,
            "id": self.value.to_string(),
            "prev-id": before.to_string(),
            "formats": {
                "http-response": { "headers": { "Content-Type": JSON }, "body": self.json() },
                "http-stream": { "content": self.event() },
                "ws-message": { "content": self.json() },
            },
        });
        (answer(JSON, self.json()), item)
    }

    /// The value as JSON.
    pub(super) fn json(&self) -> String {
        format!("{{\"value\": {}}}\n", self.value)
    }

    fn event(&self) -> String {
        format!("data: {{\"value\": {}}}\n\n", self.value)
    }

    fn position(&self) -> String {
        format!("{CHANNEL}; prev-id={}", self.value)
    }
}

fn answer(kind: &str, body: String) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(body));
    *response.status_mut() = StatusCode::OK;
    set(&mut response, CONTENT_TYPE.as_str(), kind);
    set(&mut response, CACHE_CONTROL.as_str(), "no-store");
    response
}

fn set(response: &mut Response<Bytes>, name: &str, value: &str) {
    let name = name.parse::<http::HeaderName>().expect("the names here are literals");
    let value = value.parse().expect("the values here are plain ASCII");
    response.headers_mut().insert(name, value);
}
