//! Backends behind WebSocket-over-HTTP, with their own reading of events.

use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};

use crate::stage::Log;

/// The content that the proxy takes for a subscription.
const SUBSCRIBE: &[u8] = br#"c:{"type": "subscribe", "channel": "news"}"#;

/// Who hears what is said on one connection of a client: this, and the connection's id.
pub const CONNECTION: &str = "connection ";

/// What becomes of the connection to the proxy after an answer.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum After {
    Keep,
    Close,
}

/// One event, as it came.
pub struct Event {
    kind: String,
    content: Option<Vec<u8>>,
}

/// Reads the events of a request, and notes them.
pub async fn hear(log: &Log, request: Request<Incoming>) -> Vec<Event> {
    let id = request.headers()["Connection-Id"].to_str().expect("an id");
    let connection = format!("{CONNECTION}{id}");
    let body = request.into_body().collect().await.expect("a whole body");
    let events = parse(&body.to_bytes());
    for event in &events {
        log.note("backend", event.line());
        log.note(&connection, event.line());
    }
    events
}

/// Accepts whoever comes, subscribed to `news`; answers every text; closes with who closes.
pub fn echo(events: &[Event], after: After) -> Response<Full<Bytes>> {
    let mut body = Vec::new();
    for Event { kind, content } in events {
        let content = content.as_deref().unwrap_or_default();
        match &kind[..] {
            "OPEN" => body.extend([&b"OPEN\r\n"[..], &event("TEXT", SUBSCRIBE)].concat()),
            "TEXT" => body.extend(event("TEXT", &[b"m:re ", content].concat())),
            "CLOSE" => body.extend(event("CLOSE", content)),
            _ => {}
        }
    }
    let builder = Response::builder()
        .header("Content-Type", "application/websocket-events")
        .header("Sec-WebSocket-Extensions", "grip");
    let builder = match after {
        After::Keep => builder,
        After::Close => builder.header("Connection", "close"),
    };
    builder.body(body.into()).expect("a response")
}

fn event(kind: &str, content: &[u8]) -> Vec<u8> {
    [format!("{kind} {:X}\r\n", content.len()).as_bytes(), content, b"\r\n"].concat()
}

impl Event {
    /// Itself for the log.
    fn line(&self) -> String {
        let kind = &self.kind;
        match self.content.as_deref() {
            None => kind.clone(),
            Some([high, low, reason @ ..]) if kind == "CLOSE" => {
                let code = u16::from_be_bytes([*high, *low]);
                format!("CLOSE {code} {}", String::from_utf8_lossy(reason))
            }
            Some(content) => format!("{kind} {}", String::from_utf8_lossy(content)),
        }
    }
}

fn parse(mut body: &[u8]) -> Vec<Event> {
    let mut events = Vec::new();
    while !body.is_empty() {
        let end = body.windows(2).position(|two| two == b"\r\n").expect("a line");
        let line = std::str::from_utf8(&body[..end]).expect("text");
        body = &body[end + 2..];
        let (kind, size) =
            line.split_once(' ').map_or((line, None), |(kind, size)| (kind, Some(size)));
        let content = size.map(|size| {
            let size = usize::from_str_radix(size, 16).expect("a size");
            let content = body[..size].to_vec();
            body = body[size..].strip_prefix(b"\r\n").expect("an end");
            content
        });
        events.push(Event { kind: kind.to_owned(), content });
    }
    events
}
