//! Requests, and what the backend says to them.

use std::collections::HashMap;
use std::sync::Arc;

use holdfast_core::message::{BodySize, Fields, RequestHead, Version};
use holdfast_core::ws::Upgrade;

/// A request with its body.
pub struct Request {
    head: String,
    body: Vec<u8>,
}

/// What is said to a request.
pub struct Answer {
    /// The bytes.
    pub data: Arc<[u8]>,
    /// Whether the connection is a WebSocket from then on.
    pub upgraded: bool,
}

/// All answers; the large ones are made once.
#[derive(Default)]
pub struct Answers {
    bodies: HashMap<usize, Arc<[u8]>>,
}

impl Request {
    /// Takes the first request out of what was received, if all of it is there.
    pub fn take(input: &mut Vec<u8>) -> Option<Self> {
        let end = input.windows(4).position(|window| window == b"\r\n\r\n")?;
        let head = String::from_utf8_lossy(&input[..end]).into_owned();
        let length = match head.starts_with("POST ") {
            true => field(&head, "content-length").and_then(|it| it.parse().ok()).unwrap_or(0),
            false => 0,
        };
        let body = input.get(end + 4..end + 4 + length)?.to_vec();
        input.drain(..end + 4 + length);
        Some(Self { head, body })
    }
}

impl Answers {
    /// What is said to `request`.
    pub fn to(&mut self, request: &Request) -> Answer {
        let path = request.head.split(' ').nth(1).unwrap_or("/");
        let data = match path.get(1..).and_then(|path| path.split_once('/')) {
            Some(("stream", channel)) => hold("stream", channel),
            Some(("poll", channel)) => hold("response", channel),
            Some(("woh", "echo")) => events("", &repeated(&request.body)),
            Some(("woh", channel)) => events(GRIP, &subscribed(&request.body, channel)),
            Some(("native", _)) => return accept(&request.head),
            Some(("plain", size)) => self.plain(size.parse().unwrap_or(0)),
            _ => self.plain(5),
        };
        Answer { data, upgraded: false }
    }

    fn plain(&mut self, size: usize) -> Arc<[u8]> {
        self.bodies.entry(size).or_insert_with(|| plain(size)).clone()
    }
}

fn field<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let mut fields = head.lines().skip(1).filter_map(|line| line.split_once(':'));
    fields.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
}

fn plain(size: usize) -> Arc<[u8]> {
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: {size}\r\n\r\n"
    );
    [head.as_bytes(), &vec![b'x'; size]].concat().into()
}

fn hold(mode: &str, channel: &str) -> Arc<[u8]> {
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nGrip-Hold: {mode}\r\nGrip-Channel: {channel}\r\n\
         Content-Length: 0\r\n\r\n"
    );
    head.into_bytes().into()
}

const GRIP: &str = "Sec-WebSocket-Extensions: grip\r\n";

fn events(fields: &str, body: &[u8]) -> Arc<[u8]> {
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/websocket-events\r\n{fields}Content-Length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat().into()
}

/// The same events; nobody hears an answer to the last one.
fn repeated(events: &[u8]) -> Vec<u8> {
    if events.starts_with(b"DISCONNECT") { Vec::new() } else { events.to_vec() }
}

fn subscribed(events: &[u8], channel: &str) -> Vec<u8> {
    if !events.starts_with(b"OPEN\r\n") {
        return Vec::new();
    }
    let order = format!(r#"c:{{"type":"subscribe","channel":"{channel}"}}"#);
    format!("OPEN\r\nTEXT {:x}\r\n{order}\r\n", order.len()).into_bytes()
}

fn accept(head: &str) -> Answer {
    let owned = |text: &str| text.trim().to_owned();
    let fields = head.lines().skip(1).filter_map(|line| line.split_once(':'));
    let fields: Fields = fields.map(|(name, value)| (owned(name), owned(value))).collect();
    let head = RequestHead {
        method: http::Method::GET,
        target: "/".into(),
        version: Version::Http11,
        fields,
    };
    let Upgrade::Valid(accept) = Upgrade::of(&head, BodySize::Empty) else {
        let refusal = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n";
        return Answer { data: refusal[..].into(), upgraded: false };
    };
    let mut data = b"HTTP/1.1 101 Switching Protocols\r\n".to_vec();
    for field in accept.grant(&Fields::new(), None).fields.iter() {
        data.extend([&field.name[..], b": ", &field.value, b"\r\n"].concat());
    }
    data.extend(b"\r\n");
    Answer { data: data.into(), upgraded: true }
}
