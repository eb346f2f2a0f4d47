//! What the tests speak with: a proxy, raw clients and raw origins.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use holdfast::config::{PublishListener, Settings};
use holdfast::{Proxy, StartError};
use holdfast_core::engine::Config;
use holdfast_core::route::parse_routes;

/// Longer than anything takes that works.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// One end of a connection, with what was read and not used yet.
pub struct Wire {
    pub stream: TcpStream,
    read: Vec<u8>,
}

impl Wire {
    pub fn connect(addr: SocketAddr) -> Self {
        Self::new(TcpStream::connect(addr).unwrap())
    }

    pub fn new(stream: TcpStream) -> Self {
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream, read: Vec::new() }
    }

    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).unwrap();
    }

    /// Reads up to and with `end`.
    pub fn until(&mut self, end: &str) -> String {
        let end = end.as_bytes();
        loop {
            if let Some(at) = self.read.windows(end.len()).position(|window| window == end) {
                let rest = self.read.split_off(at + end.len());
                return text(std::mem::replace(&mut self.read, rest));
            }
            assert!(self.fill() > 0, "closed after {:?}", text(self.read.clone()));
        }
    }

    /// Reads a head.
    pub fn head(&mut self) -> String {
        self.until("\r\n\r\n")
    }

    /// Reads exactly `count` bytes.
    pub fn exactly(&mut self, count: usize) -> String {
        while self.read.len() < count {
            assert!(self.fill() > 0, "closed after {:?}", text(self.read.clone()));
        }
        let rest = self.read.split_off(count);
        text(std::mem::replace(&mut self.read, rest))
    }

    /// Reads some bytes; none at the end of the stream.
    pub fn some(&mut self) -> Vec<u8> {
        if self.read.is_empty() {
            self.fill();
        }
        std::mem::take(&mut self.read)
    }

    /// Reads a response with a length.
    pub fn response(&mut self) -> (String, String) {
        let head = self.head();
        let length = field(&head, "content-length").expect("a length").parse().unwrap();
        let body = self.exactly(length);
        (head, body)
    }

    /// Reads to the end of the stream, however it comes.
    pub fn rest(&mut self) -> String {
        let mut chunk = [0; 4096];
        while let Ok(count @ 1..) = self.stream.read(&mut chunk) {
            self.read.extend_from_slice(&chunk[..count]);
        }
        text(std::mem::take(&mut self.read))
    }

    /// Whether nothing comes for a while, not even the end.
    pub fn is_silent(&mut self, span: Duration) -> bool {
        self.stream.set_read_timeout(Some(span)).unwrap();
        let read = self.stream.read(&mut [0; 1]);
        self.stream.set_read_timeout(Some(PATIENCE)).unwrap();
        self.read.is_empty()
            && matches!(read, Err(error) if error.kind() == std::io::ErrorKind::WouldBlock)
    }

    /// Whether the stream has ended, by a close or a reset.
    pub fn is_closed(&mut self) -> bool {
        let left = self.stream.read(&mut [0; 1]);
        self.read.is_empty()
            && match left {
                Ok(count) => count == 0,
                Err(error) => error.kind() == std::io::ErrorKind::ConnectionReset,
            }
    }

    /// The stream, with what was read of it and not used yet.
    pub fn into_parts(self) -> (TcpStream, Vec<u8>) {
        (self.stream, self.read)
    }

    pub fn half_close(&self) {
        self.stream.shutdown(Shutdown::Write).unwrap();
    }

    fn fill(&mut self) -> usize {
        let mut chunk = [0; 64 << 10];
        let count = self.stream.read(&mut chunk).unwrap();
        self.read.extend_from_slice(&chunk[..count]);
        count
    }
}

/// Serves every connection with `script` in a thread of its own.
pub fn origin(script: impl Fn(Wire) + Send + Sync + Clone + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let script = script.clone();
            thread::spawn(move || script(Wire::new(stream.unwrap())));
        }
    });
    addr
}

/// Hands every connection to the test.
pub fn origin_by_hand() -> (SocketAddr, mpsc::Receiver<Wire>) {
    let (sender, wires) = mpsc::channel();
    // A test that has ended takes no more connections.
    let addr = origin(move |wire| drop(sender.send(wire)));
    (addr, wires)
}

/// The next connection of an origin that is scripted by hand.
pub fn next(wires: &mpsc::Receiver<Wire>) -> Wire {
    wires.recv_timeout(PATIENCE).expect("the proxy connects")
}

/// Answers every request without body with the same response.
pub fn answering(response: &'static str) -> SocketAddr {
    origin(move |mut wire| {
        loop {
            let mut first = [0];
            if !matches!(wire.stream.read(&mut first), Ok(1)) {
                return;
            }
            wire.read.push(first[0]);
            wire.head();
            wire.send(response);
        }
    })
}

/// A port on which nobody listens.
pub fn nobody() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// A proxy with these routes.
pub fn proxy(routes: &str) -> Proxy {
    proxy_with(routes, |_| {})
}

pub fn proxy_with(routes: &str, change: impl FnOnce(&mut Settings)) -> Proxy {
    start(routes, change).unwrap()
}

pub fn start(routes: &str, change: impl FnOnce(&mut Settings)) -> Result<Proxy, StartError> {
    let loaded = parse_routes(routes, &mut |path| Err(format!("no file {path}")));
    assert!(loaded.errors.is_empty(), "{:?}", loaded.errors);
    let any = "127.0.0.1:0".parse().unwrap();
    let mut settings = Settings {
        listeners: vec![any],
        publish: Some(PublishListener { addr: any, max_headers: 10_000, max_body: 1_000_000 }),
        core: Config { routes: loaded.table, ..Config::default() },
        client_maxconn: 1000,
        workers: 1,
        connect_timeout: Duration::from_secs(2),
        drain_timeout: Duration::from_secs(1),
        ..Settings::default()
    };
    change(&mut settings);
    Proxy::start(settings)
}

/// A proxy before one origin, and a client of it.
pub fn before(origin: SocketAddr) -> (Proxy, Wire) {
    let proxy = proxy(&format!("* {origin}"));
    let client = client(&proxy);
    (proxy, client)
}

pub fn client(proxy: &Proxy) -> Wire {
    Wire::connect(proxy.http_addrs()[0])
}

/// Publishes items, with commas between them, and checks that they are taken.
pub fn publish(proxy: &Proxy, items: &str) {
    let body = format!(r#"{{"items": [{items}]}}"#);
    let mut publisher = Wire::connect(proxy.publish_addr().unwrap());
    publisher.send(format!(
        "POST /publish/ HTTP/1.1\r\nHost: p\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    ));
    let (head, said) = publisher.response();
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    assert_eq!(said, "Published\n");
}

/// The value of a field in a head.
pub fn field<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines()
        .filter_map(|line| line.split_once(": "))
        .find_map(|(field, value)| field.eq_ignore_ascii_case(name).then_some(value))
}

pub fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).expect("the tests send text")
}
