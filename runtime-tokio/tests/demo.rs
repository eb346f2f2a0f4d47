//! The demo backend: asked directly, with a publish API of the test, and once behind the proxy.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use holdfast::Proxy;
use holdfast::config::{PublishListener, Settings};
use holdfast::demo::{self, DemoHandle, DemoOptions};
use holdfast_core::engine::Config;
use holdfast_core::route::parse_routes;
use serde_json::Value;
use tokio_tungstenite::tungstenite::{Message, client};

const PATIENCE: Duration = Duration::from_secs(10);
const NO_BODY: &str = "Content-Length: 0\r\n";

#[test]
fn behind_the_proxy_a_poll_and_a_stream_see_the_counter_change() {
    let (proxy, _backend) = demo_behind_proxy();
    let site = proxy.http_addrs()[0];
    let mut stream = open(site, "GET", "/counter/events/", "");
    let (_, fields) = read_head(&mut stream);
    assert!(!fields.iter().any(|(name, _)| name.starts_with("grip-")), "{fields:?}");
    await_line(&mut stream, "data: {\"value\": 0}");

    let began = Instant::now();
    let poll = thread::spawn(move || get(site, "/counter/value/?last=0"));
    // Raising starts once the poll has been answered by the backend, and goes on because only the proxy
    // knows when it holds it.
    await_log(site, "GET /counter/value/?last=0");
    let mut raised = 0;
    while !poll.is_finished() {
        raised =
            send(site, "POST", "/counter/value/", NO_BODY).json()["value"].as_u64().unwrap_or(0);
        thread::sleep(Duration::from_millis(20));
    }
    let polled = poll.join().expect("an answer");
    assert!(began.elapsed() < PATIENCE, "answered by an item, not by the hold's end");
    assert!((1..=raised).contains(&polled.json()["value"].as_u64().expect("a value")));
    assert_eq!(polled.header("content-type"), Some("application/json"));
    for value in 1..=raised {
        await_line(&mut stream, &format!("data: {{\"value\": {value}}}"));
    }
    proxy.stop().expect("a clean stop");
}

#[test]
fn behind_the_proxy_a_websocket_sees_the_counter_change_and_changes_it() {
    let (proxy, _backend) = demo_behind_proxy();
    let site = proxy.http_addrs()[0];
    let mut sockets = [(); 2].map(|()| {
        let stream = TcpStream::connect(site).expect("a connection");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        let (socket, _) = client("ws://demo/counter/socket/", stream).expect("accepted");
        socket
    });
    for (at, value) in [(0, 1), (1, 2), (0, 3)] {
        sockets[at].send(Message::text("add")).expect("sent");
        for socket in &mut sockets {
            let told = socket.read().expect("a message");
            assert_eq!(told, Message::text(format!("{{\"value\": {value}}}\n")));
        }
    }
    send(site, "POST", "/counter/value/", NO_BODY);
    sockets[0].read().expect("told of that as well");
    sockets[0].send(Message::text("value")).expect("sent");
    assert_eq!(sockets[0].read().expect("an answer"), Message::text("{\"value\": 4}\n"));
    sockets[0].close(None).expect("sent");
    assert!(matches!(sockets[0].read(), Ok(Message::Close(Some(_)))));
    let asked = log_of(site, "exchange", 9);
    assert!(asked.iter().any(|entry| entry["said"] == "TEXT 3\r\nadd\r\n"), "{asked:?}");
    proxy.stop().expect("a clean stop");
}

#[test]
fn only_events_are_taken_where_websockets_ask() {
    let (backend, _published) = demo_with(&[]);
    let post = |fields: &str| send(backend.addr, "POST", "/counter/socket/", fields).status;
    assert_eq!(post("Content-Type: text/plain\r\nContent-Length: 0\r\n"), 415);
    assert_eq!(post("Content-Type: application/websocket-events\r\nContent-Length: 0\r\n"), 200);
}

#[test]
fn the_value_is_answered_at_once_unless_the_client_has_it() {
    let (backend, _published) = demo_with(&[]);
    let fresh = get(backend.addr, "/counter/value/");
    assert_eq!((fresh.status, fresh.json()["value"].as_u64()), (200, Some(0)));
    assert_eq!(fresh.header("grip-hold"), None);

    let other = get(backend.addr, "/counter/value/?last=7");
    assert_eq!((other.header("grip-hold"), other.json()["value"].as_u64()), (None, Some(0)));

    let known = get(backend.addr, "/counter/value/?last=0");
    assert_eq!(known.header("grip-hold"), Some("response"));
    assert_eq!(known.header("grip-channel"), Some("counter; prev-id=0"));
    assert_eq!(known.header("grip-timeout"), Some("20"));
    assert_eq!((known.status, known.body.trim()), (200, "{}"), "what a timeout answers");
}

#[test]
fn a_head_request_is_never_held() {
    let (backend, _published) = demo_with(&[]);
    let answer = send(backend.addr, "HEAD", "/counter/value/?last=0", "");
    assert_eq!((answer.status, answer.header("grip-hold"), answer.body.as_str()), (200, None, ""));
}

#[test]
fn events_begin_with_the_value_and_ask_for_a_stream() {
    let (backend, _published) = demo_with(&[]);
    let answer = get(backend.addr, "/counter/events/");
    assert_eq!(answer.header("content-type"), Some("text/event-stream"));
    assert_eq!(answer.header("grip-hold"), Some("stream"));
    assert_eq!(answer.header("grip-channel"), Some("counter; prev-id=0"));
    assert_eq!(answer.header("grip-link"), Some("</counter/events/>; rel=next"));
    assert_eq!(answer.header("grip-keep-alive"), Some(r":\n\n; format=cstring; timeout=20"));
    assert_eq!(answer.body, "data: {\"value\": 0}\n\n");
}

#[test]
fn a_proxy_that_asks_for_a_held_stream_gets_only_what_is_missing() {
    let (backend, _published) = demo_with(&[]);
    let path = "/counter/events/";
    let same = send(backend.addr, "GET", path, "Grip-Last: counter; last-id=0\r\n");
    assert_eq!((same.body.as_str(), same.header("grip-hold")), ("", Some("stream")));
    let behind = send(backend.addr, "GET", path, "Grip-Last: counter; last-id=9\r\n");
    assert_eq!(behind.body, "data: {\"value\": 0}\n\n");
    let elsewhere = send(backend.addr, "GET", path, "Grip-Last: other; last-id=0\r\n");
    assert_eq!(elsewhere.body, "data: {\"value\": 0}\n\n");
}

#[test]
fn raising_answers_the_new_value_and_publishes_in_order() {
    let (backend, published) = demo_with(&[200, 200, 200]);
    for expected in 1..=3 {
        let answer = send(backend.addr, "POST", "/counter/value/", NO_BODY);
        assert_eq!((answer.status, answer.json()["value"].as_u64()), (200, Some(expected)));
    }
    for n in 1..=3 {
        let item = published.recv_timeout(PATIENCE).expect("an item");
        assert_eq!(item["channel"], "counter");
        assert_eq!(item["id"], n.to_string());
        assert_eq!(item["prev-id"], (n - 1).to_string());
        let formats = &item["formats"];
        assert_eq!(formats["http-response"]["body"], format!("{{\"value\": {n}}}\n"));
        assert_eq!(formats["http-stream"]["content"], format!("data: {{\"value\": {n}}}\n\n"));
        assert_eq!(formats["ws-message"]["content"], format!("{{\"value\": {n}}}\n"));
    }
}

#[test]
fn a_publish_that_fails_is_tried_again_and_one_that_is_refused_is_not() {
    let (backend, published) = demo_with(&[503, 200, 400]);
    for _ in 0..2 {
        send(backend.addr, "POST", "/counter/value/", NO_BODY);
    }
    let items: Vec<_> = (0..3).map(|_| published.recv_timeout(PATIENCE).expect("item")).collect();
    assert_eq!(items.iter().map(|item| &item["id"]).collect::<Vec<_>>(), ["1", "1", "2"]);

    let outcomes = log_of(backend.addr, "publish", 2);
    let told: Vec<_> = outcomes.iter().map(|entry| (&entry["item"]["id"], &entry["ok"])).collect();
    assert_eq!(told, [(&Value::from("1"), &true.into()), (&Value::from("2"), &false.into())]);
    assert_eq!(outcomes[1]["outcome"], "400 ok", "one attempt, and what it was told");
}

#[test]
fn raising_does_not_wait_for_a_publish_api_that_is_not_there() {
    let nobody = TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a port");
    let backend = start(nobody);
    let began = Instant::now();
    let answer = send(backend.addr, "POST", "/counter/value/", NO_BODY);
    assert_eq!(answer.json()["value"], 1);
    assert!(began.elapsed() < Duration::from_millis(400), "less than the attempts take");
    assert_eq!(log_of(backend.addr, "publish", 1)[0]["ok"], false);
}

#[test]
fn the_log_tells_what_was_asked_and_answered_after_a_number() {
    let (backend, _published) = demo_with(&[]);
    get(backend.addr, "/counter/value/");
    get(backend.addr, "/counter/value/?last=0");
    let all = get(backend.addr, "/demo/log?after=0").json();
    assert_eq!(all["last"], 2);
    assert_eq!(all["entries"][1]["request"], "GET /counter/value/?last=0");
    let answered = all["entries"][1]["answered"].as_array().expect("fields");
    assert!(answered.contains(&serde_json::json!(["Grip-Hold", "response"])), "{answered:?}");
    let later = get(backend.addr, "/demo/log?after=1").json();
    assert_eq!(later["entries"].as_array().map(Vec::len), Some(1));
}

#[test]
fn the_page_needs_nothing_from_elsewhere() {
    let (backend, _published) = demo_with(&[]);
    let page = get(backend.addr, "/");
    assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
    for foreign in ["http://", "https://", "src=", "@import", "url("] {
        assert!(!page.body.contains(foreign), "{foreign}");
    }
}

#[test]
fn other_paths_and_methods_are_refused() {
    let (backend, _published) = demo_with(&[]);
    assert_eq!(get(backend.addr, "/nothing").status, 404);
    for (path, allow) in [
        ("/", "GET, HEAD"),
        ("/demo/log", "GET, HEAD"),
        ("/counter/value/", "GET, HEAD, POST"),
        ("/counter/events/", "GET"),
        ("/counter/socket/", "POST"),
    ] {
        let answer = send(backend.addr, "DELETE", path, "");
        assert_eq!((answer.status, answer.header("allow")), (405, Some(allow)), "{path}");
    }
}

#[test]
fn a_taken_port_gives_another_and_a_bad_publish_url_an_error() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let addr = taken.local_addr().expect("an address");
    let options = |url: &str| DemoOptions { backend: addr, publish_url: url.into() };
    let backend = demo::start(options("http://127.0.0.1:9/publish/")).expect("another port");
    assert_ne!(backend.addr.port(), addr.port());
    assert_eq!(get(backend.addr, "/").status, 200);
    let refused = demo::start(options("https://127.0.0.1/publish/")).expect_err("no TLS");
    assert_eq!(refused.kind(), io::ErrorKind::InvalidInput);
}

#[test]
fn it_stops_when_its_handle_is_dropped() {
    let (backend, _published) = demo_with(&[]);
    let addr = backend.addr;
    drop(backend);
    let began = Instant::now();
    while TcpStream::connect(addr).is_ok() {
        assert!(began.elapsed() < PATIENCE, "still listening");
        thread::sleep(Duration::from_millis(5));
    }
}

struct Answer {
    status: u16,
    fields: Vec<(String, String)>,
    body: String,
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(field, _)| field == name).map(|(_, value)| value.as_str())
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect("a JSON body")
    }
}

fn demo_behind_proxy() -> (Proxy, DemoHandle) {
    let any = "127.0.0.1:0".parse().expect("an address");
    let publish = PublishListener { addr: any, max_headers: 10_000, max_body: 1_000_000 };
    let settings = Settings {
        listeners: vec![any],
        publish: Some(publish),
        drain_timeout: Duration::from_millis(200),
        ..Settings::default()
    };
    let proxy = Proxy::start(settings).expect("a proxy");
    let backend = start(proxy.publish_addr().expect("a publish API"));
    let loaded = parse_routes(&backend.route(), &mut |path| Err(path.to_owned()));
    proxy.reconfigure(Config { routes: loaded.table, ..Config::default() });
    let began = Instant::now();
    while get(proxy.http_addrs()[0], "/counter/value/").status != 200 {
        assert!(began.elapsed() < PATIENCE, "the route is not there");
        thread::sleep(Duration::from_millis(5));
    }
    (proxy, backend)
}

fn await_log(site: SocketAddr, request: &str) {
    let began = Instant::now();
    while !log_of(site, "exchange", 1).iter().any(|entry| entry["request"] == request) {
        assert!(began.elapsed() < PATIENCE, "{request} is not in the log");
        thread::sleep(Duration::from_millis(5));
    }
}

fn await_line(stream: &mut BufReader<TcpStream>, wanted: &str) {
    let mut line = String::new();
    while line.trim_end() != wanted {
        line.clear();
        assert_ne!(stream.read_line(&mut line).expect("a line in time"), 0, "no {wanted}");
    }
}

/// A demo backend with a publish API that answers with `statuses`, one after the other, and hands over
/// the items it got.
fn demo_with(statuses: &'static [u16]) -> (DemoHandle, mpsc::Receiver<Value>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let addr = listener.local_addr().expect("an address");
    let (items, published) = mpsc::channel();
    thread::spawn(move || {
        for status in statuses {
            let (socket, _) = listener.accept().expect("a connection");
            let item = take_publish(socket, *status);
            if items.send(item).is_err() {
                return;
            }
        }
    });
    (start(addr), published)
}

fn take_publish(socket: TcpStream, status: u16) -> Value {
    let mut reader = BufReader::new(socket);
    let (start, fields) = read_head(&mut reader);
    assert_eq!(start, "POST /publish/ HTTP/1.1");
    let length = fields.iter().find(|(name, _)| name == "content-length");
    let length = length.and_then(|(_, value)| value.parse().ok()).expect("a length");
    let mut body = vec![0; length];
    reader.read_exact(&mut body).expect("a body");
    let said = format!("HTTP/1.1 {status} Said\r\nContent-Length: 2\r\n\r\nok");
    reader.get_mut().write_all(said.as_bytes()).expect("an answer");
    let body: Value = serde_json::from_slice(&body).expect("JSON");
    assert_eq!(body["items"].as_array().map(Vec::len), Some(1));
    body["items"][0].clone()
}

fn start(publish: SocketAddr) -> DemoHandle {
    let publish_url = format!("http://{publish}/publish/");
    let backend = "127.0.0.1:0".parse().expect("an address");
    demo::start(DemoOptions { backend, publish_url }).expect("a demo backend")
}

/// The log's entries of a kind, once there are `count` of them.
fn log_of(backend: SocketAddr, kind: &str, count: usize) -> Vec<Value> {
    let began = Instant::now();
    loop {
        let log = get(backend, "/demo/log").json();
        let entries = log["entries"].as_array().cloned().unwrap_or_default();
        let found: Vec<_> = entries.into_iter().filter(|entry| entry["kind"] == kind).collect();
        if found.len() >= count {
            return found;
        }
        assert!(began.elapsed() < PATIENCE, "{found:?}");
        thread::sleep(Duration::from_millis(5));
    }
}

fn get(backend: SocketAddr, target: &str) -> Answer {
    send(backend, "GET", target, "")
}

fn send(backend: SocketAddr, method: &str, target: &str, fields: &str) -> Answer {
    let mut reader = open(backend, method, target, fields);
    let (start, fields) = read_head(&mut reader);
    let status = start.split(' ').nth(1).and_then(|code| code.parse().ok()).expect("a status");
    let mut body = String::new();
    reader.read_to_string(&mut body).expect("a body");
    Answer { status, fields, body }
}

fn open(at: SocketAddr, method: &str, target: &str, fields: &str) -> BufReader<TcpStream> {
    let mut socket = TcpStream::connect(at).expect("a connection");
    socket.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    let request =
        format!("{method} {target} HTTP/1.1\r\nHost: demo\r\nConnection: close\r\n{fields}\r\n");
    socket.write_all(request.as_bytes()).expect("a request");
    BufReader::new(socket)
}

fn read_head(reader: &mut BufReader<TcpStream>) -> (String, Vec<(String, String)>) {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).expect("a line");
        match line.trim_end() {
            "" => break,
            line => lines.push(line.to_owned()),
        }
    }
    let fields = lines.iter().skip(1).filter_map(|line| line.split_once(": "));
    let fields = fields.map(|(name, value)| (name.to_lowercase(), value.to_owned())).collect();
    (lines.first().cloned().unwrap_or_default(), fields)
}
