//! What the tests of WebSockets speak with: tungstenite's clients and native backends, and
//! WebSocket-over-HTTP backends by hand.

use std::net::{SocketAddr, TcpStream};
use std::sync::mpsc::Receiver;
use std::time::Duration;

use holdfast::Proxy;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, frame::coding::CloseCode};
use tokio_tungstenite::tungstenite::{Error, Message, WebSocket};

use crate::wire::{Wire, client, field, next, origin_by_hand};

/// Either end of a WebSocket.
pub type Socket = WebSocket<TcpStream>;

/// Time enough for what must not happen.
pub const A_WHILE: Duration = Duration::from_millis(200);

/// A client that has asked for a WebSocket and not read the answer.
pub fn ask(proxy: &Proxy, path: &str) -> Wire {
    ask_with(proxy, path, "")
}

pub fn ask_with(proxy: &Proxy, path: &str, fields: &str) -> Wire {
    let mut wire = client(proxy);
    wire.send(format!(
        "GET {path} HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{fields}\r\n"
    ));
    wire
}

/// Its WebSocket, once it was accepted.
pub fn accepted(mut wire: Wire) -> Socket {
    let head = wire.head();
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    assert_eq!(field(&head, "sec-websocket-accept"), Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
    let (stream, read) = wire.into_parts();
    WebSocket::from_partially_read(stream, read, Role::Client, None)
}

/// A native backend's end, once it has accepted; `grip` is its element of `Sec-WebSocket-Extensions`.
pub fn native(mut wire: Wire, grip: Option<&str>) -> Socket {
    let asked = wire.head();
    let key = field(&asked, "sec-websocket-key").expect("a key");
    let accept = derive_accept_key(key.as_bytes());
    let grip = grip.map(|grip| format!("Sec-WebSocket-Extensions: {grip}\r\n"));
    wire.send(format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {accept}\r\n{}\r\n",
        grip.unwrap_or_default()
    ));
    let (stream, read) = wire.into_parts();
    WebSocket::from_partially_read(stream, read, Role::Server, None)
}

/// A client and its native backend.
pub fn joined(proxy: &Proxy, wires: &Receiver<Wire>, grip: Option<&str>) -> (Socket, Socket) {
    let client = ask(proxy, "/ws");
    let backend = native(next(wires), grip);
    (accepted(client), backend)
}

/// The next message, as text if it is one.
pub fn hear(socket: &mut Socket) -> Message {
    socket.read().expect("a message")
}

/// The text of the next message.
pub fn hear_text(socket: &mut Socket) -> String {
    match hear(socket) {
        Message::Text(text) => text.to_string(),
        other => panic!("{other:?} is no text"),
    }
}

pub fn say(socket: &mut Socket, text: impl Into<String>) {
    socket.send(Message::text(text.into())).expect("sent");
}

/// The close frame that comes next, and the end of the connection behind it.
pub fn closed(socket: &mut Socket) -> (u16, String) {
    let close = match hear(socket) {
        Message::Close(Some(CloseFrame { code, reason })) => (code.into(), reason.to_string()),
        other => panic!("{other:?} is no close with a code"),
    };
    assert!(is_over(socket), "nothing follows a close");
    close
}

/// Whether the client is told by 1014 that its backend has failed: a code that tungstenite does not know.
pub fn is_told_of_failure(socket: &mut Socket) -> bool {
    closed(socket) == (1002, "Protocol violation".to_owned())
}

/// Whether the connection ends, by the book or not.
pub fn is_over(socket: &mut Socket) -> bool {
    loop {
        match socket.read() {
            Ok(_) => {}
            Err(Error::Io(error)) if error.kind() == std::io::ErrorKind::WouldBlock => {
                return false;
            }
            Err(_) => return true,
        }
    }
}

pub fn close(socket: &mut Socket, code: u16, reason: &str) {
    let frame = CloseFrame { code: CloseCode::from(code), reason: reason.into() };
    socket.close(Some(frame)).expect("sent");
}

/// Whether nothing comes for a while.
pub fn is_silent(socket: &mut Socket) -> bool {
    socket.get_ref().set_read_timeout(Some(A_WHILE)).expect("a timeout");
    let read = socket.read();
    socket.get_ref().set_read_timeout(Some(crate::wire::PATIENCE)).expect("a timeout");
    matches!(read, Err(Error::Io(error)) if error.kind() == std::io::ErrorKind::WouldBlock)
}

/// A WebSocket-over-HTTP backend that is spoken by hand, one connection at a time.
pub struct Backend {
    pub addr: SocketAddr,
    wires: Receiver<Wire>,
    wire: Option<Wire>,
}

/// One request to it.
#[derive(Debug)]
pub struct Asked {
    pub head: String,
    pub events: String,
}

impl Backend {
    pub fn new() -> Self {
        let (addr, wires) = origin_by_hand();
        Self { addr, wires, wire: None }
    }

    /// The next request, on the connection of the last one if there is one.
    pub fn asked(&mut self) -> Asked {
        let wire = self.wire.get_or_insert_with(|| next(&self.wires));
        let head = wire.head();
        assert!(head.starts_with("POST "), "{head}");
        let length = field(&head, "content-length").expect("a length").parse().expect("a number");
        Asked { events: wire.exactly(length), head }
    }

    /// Checks what is asked next, and answers with these events.
    pub fn expect(&mut self, events: &str, answer: &str) {
        assert_eq!(self.asked().events, events);
        self.answer(answer);
    }

    pub fn answer(&mut self, events: &str) {
        self.answer_with("", events);
    }

    pub fn answer_with(&mut self, fields: &str, events: &str) {
        let length = events.len();
        self.send(&format!(
            "HTTP/1.1 200 OK\r\nContent-Type: application/websocket-events\r\n\
             Content-Length: {length}\r\n{fields}\r\n{events}"
        ));
    }

    pub fn send(&mut self, response: &str) {
        self.wire.as_mut().expect("asked before").send(response);
    }

    /// Closes the connection; the next request comes on another.
    pub fn hang_up(&mut self) {
        self.wire = None;
    }

    /// Whether nothing is asked for a while.
    pub fn is_silent(&mut self) -> bool {
        self.wire.as_mut().expect("asked before").is_silent(A_WHILE)
    }

    /// A client that it accepts with GRIP and these events.
    pub fn accept(&mut self, proxy: &Proxy, events: &str) -> Socket {
        let client = ask(proxy, "/ws");
        assert_eq!(self.asked().events, "OPEN\r\n");
        let grip = "Sec-WebSocket-Extensions: grip\r\n";
        self.answer_with(grip, &format!("OPEN\r\n{events}"));
        accepted(client)
    }
}

/// A text event.
pub fn event(text: &str) -> String {
    format!("TEXT {:x}\r\n{text}\r\n", text.len())
}

/// The event that subscribes to a channel.
pub fn subscription(channel: &str) -> String {
    event(&subscribe(channel))
}

/// The control message that subscribes to a channel.
pub fn subscribe(channel: &str) -> String {
    format!(r#"c:{{"type": "subscribe", "channel": "{channel}"}}"#)
}

/// An item of text for channel `c`.
pub fn item(content: &str) -> String {
    format!(r#"{{"channel": "c", "formats": {{"ws-message": {{"content": "{content}"}}}}}}"#)
}
