//! The process: signals, and routes that change.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use crate::wire::{PATIENCE, Wire, next, nobody, origin_by_hand};

/// A running binary with a configuration of its own.
struct Process {
    child: Child,
    lines: mpsc::Receiver<String>,
    http: SocketAddr,
    publish: SocketAddr,
    dir: PathBuf,
}

impl Process {
    fn start(name: &str, routes: &str) -> Self {
        let dir = std::env::temp_dir().join(format!("holdfast-{name}-{}", std::process::id()));
        fs::create_dir_all(&dir).unwrap();
        let (http, publish) = (nobody(), nobody());
        fs::write(
            dir.join("holdfast.conf"),
            format!(
                "[runner]\nhttp_port={http}\n[proxy]\nroutesfile=routes\n[handler]\n\
                 push_in_http_addr=127.0.0.1\npush_in_http_port={}\n",
                publish.port()
            ),
        )
        .unwrap();
        fs::write(dir.join("routes"), routes).unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_holdfast"))
            .arg("--config")
            .arg(dir.join("holdfast.conf"))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || {
            output.lines().map_while(Result::ok).try_for_each(|l| sender.send(l))
        });
        let process = Self { child, lines, http, publish, dir };
        process.says(&format!("ready: http on {http}, publish on {publish}"));
        process
    }

    /// Waits for a line of the log that contains `text`.
    fn says(&self, text: &str) {
        while !self.lines.recv_timeout(PATIENCE).expect("the log has that line").contains(text) {}
    }

    fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", name, &pid]).status().unwrap().success());
    }

    fn exit_code(&mut self) -> Option<i32> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            assert!(Instant::now() < deadline, "the process ends");
            thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended, which is fine.
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.dir);
    }
}

#[test]
fn conf_31_a_signal_ends_what_is_held_and_then_the_process() {
    for name in ["TERM", "INT"] {
        let mut process = Process::start(&format!("stop-{name}"), "* test");
        let mut client = Wire::connect(process.http);
        client.send("GET /stream HTTP/1.1\r\nHost: h\r\n\r\n");
        client.until("[stream opened]\n\r\n");
        process.signal(name);
        assert_eq!(client.rest(), "0\r\n\r\n");
        assert_eq!(process.exit_code(), Some(0));
    }
}

#[test]
fn conf_31_a_second_signal_waits_for_nothing() {
    let (origin, wires) = origin_by_hand();
    let mut process = Process::start("hurry", &format!("* {origin}"));
    let mut client = Wire::connect(process.http);
    client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    let mut wire = next(&wires);
    wire.head();
    process.signal("TERM");
    process.says("stopping");
    process.signal("TERM");
    assert_eq!(process.exit_code(), Some(130));
}

#[test]
fn route_51_52_changed_routes_are_loaded_by_themselves_and_on_sighup() {
    let (origin, wires) = origin_by_hand();
    let process = Process::start("reload", "* test");
    let serves = |status: &str| {
        let mut client = Wire::connect(process.http);
        client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
        if let Ok(mut wire) = wires.recv_timeout(Duration::from_millis(100)) {
            wire.head();
            wire.send("HTTP/1.1 299 Here\r\nContent-Length: 0\r\n\r\n");
        }
        client.head().starts_with(&format!("HTTP/1.1 {status} "))
    };
    let until = |status: &str| {
        let deadline = Instant::now() + PATIENCE;
        while !serves(status) {
            assert!(Instant::now() < deadline, "the routes have changed");
        }
    };
    assert!(serves("200"));
    fs::write(process.dir.join("routes"), format!("* {origin}\n")).unwrap();
    process.says("routes loaded with 1 entries");
    until("299");
    process.signal("HUP");
    process.says("routes loaded with 1 entries");
    assert!(serves("299"));
}

#[test]
fn ops_5_the_log_tells_of_upgrades_subscriptions_and_publishes() {
    let process = Process::start("log", "* test");
    let ask = |path: &str| {
        let mut client = Wire::connect(process.http);
        client.send(format!(
            "GET {path} HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        ));
        client.head();
        client
    };
    let _client = ask("/ws?channel=a");
    process.says("status=101 target=test over_http=false");
    process.says("channel=\"a\"");
    let _other = ask("/none");
    process.says("status=404 target=test over_http=false");
    let body = r#"{"items": [{"channel": "a", "id": "7", "ws-message": {"content": "x"}}]}"#;
    let mut publisher = Wire::connect(process.publish);
    publisher.send(format!(
        "POST /publish/ HTTP/1.1\r\nHost: h\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    ));
    process.says("channel=\"a\" id=\"7\" holds=1");
}
