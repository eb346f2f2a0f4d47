//! The program itself: what it says, where it logs, and how it ends (CONF-8, CONF-22, CONF-30 to CONF-33).

use std::fs;
use std::net::TcpListener;
use std::process::{Child, Command, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::Dir;

const PATIENCE: Duration = Duration::from_secs(20);

#[test]
fn conf_8_a_file_is_found_where_one_is_looked_for() {
    let dir = Dir::with_conf("[runner]\nhttp_port=x\n");
    let said = text(&run(&dir, &[]).stderr);
    assert!(said.contains("holdfast: pushpin.conf:2: runner.http_port: "), "{said}");
    fs::create_dir(dir.path("config")).expect("a directory can be made");
    dir.write("config/pushpin.conf", "[runner]\nhttp_port=x\n");
    let said = text(&run(&dir, &[]).stderr);
    assert!(said.contains("holdfast: config/pushpin.conf:2: "), "{said}");
}

#[test]
fn conf_22_bad_options_end_with_one() {
    let dir = Dir::new();
    for args in [["--port", "0"], ["--id", "-1"], ["--loglevel", ""], ["demo", "--config=f"]] {
        let output = run(&dir, &args);
        assert_eq!(output.status.code(), Some(1), "{args:?}");
        assert!(!output.stderr.is_empty(), "{args:?}");
    }
    for args in [["-h"], ["-v"], ["-V"], ["--version"]] {
        assert_eq!(run(&dir, &args).status.code(), Some(0), "{args:?}");
    }
}

#[test]
fn no_listener_is_no_start() {
    let dir = Dir::with_conf("[runner]\n");
    let output = run(&dir, &["--config", "pushpin.conf"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("no server ports configured"));
}

#[test]
fn route_52_check_says_all_there_is_to_say() {
    let dir = Dir::with_conf("[runner]\nhttp_port=7999\n[proxy]\nroutesfile=routes\n");
    dir.write("routes", "* localhost:1\n");
    let check = || run(&dir, &["check", "--config", "pushpin.conf"]);
    let output = check();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert!(text(&output.stdout).contains("1 routes"));

    dir.write(
        "pushpin.conf",
        "[proxy]\nroutesfile=routes\ndebug=maybe\nfoo=1\n[runner]\nhttp_port=x\n",
    );
    dir.write("routes", "\"\n");
    let output = check();
    assert_eq!(output.status.code(), Some(1));
    let said = text(&output.stderr);
    for what in ["proxy.debug", "proxy.foo", "runner.http_port", "routes:1: "] {
        assert!(said.contains(what), "{what} is missing: {said}");
    }
}

#[test]
fn conf_32_a_port_in_use_ends_everything() {
    let dir = Dir::new();
    let taken = TcpListener::bind("127.0.0.1:0").expect("some port is free");
    let port = taken.local_addr().expect("it has an address").to_string();
    dir.write("pushpin.conf", &format!("[runner]\nhttp_port={port}\n"));
    let output = run(&dir, &["--config", "pushpin.conf"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("http_port: cannot listen on"));
    assert!(text(&output.stdout).contains("[ERR] "), "the log says it as well");
}

#[test]
fn conf_30_hangup_reopens_the_log_and_loads_the_routes() {
    for by_line in [false, true] {
        let dir = Dir::new();
        let port = free_port();
        dir.write(
            "pushpin.conf",
            &format!("[runner]\nhttp_port={port}\n[proxy]\nroutesfile=routes\n"),
        );
        dir.write("routes", "* localhost:1\n");
        let lines: &[&str] = if by_line { &["--route", "* localhost:1"] } else { &[] };
        let args = [&["--config", "pushpin.conf", "--logfile", "log"], lines].concat();
        let mut running = Running(start(&dir, &args));
        eventually(|| read(&dir, "log").contains("ready: http on"));
        assert!(read(&dir, "log").lines().all(is_log_line), "{}", read(&dir, "log"));

        fs::rename(dir.path("log"), dir.path("log.1")).expect("a log can be moved away");
        running.signal("HUP");
        eventually(|| read(&dir, "log").contains("routes loaded with 1 entries"));
        running.signal("TERM");
        assert_eq!(running.code(), Some(0));
        assert!(read(&dir, "log").contains("stopping"), "{by_line}");
    }
}

#[test]
fn route_51_a_written_routes_file_is_loaded() {
    let dir = Dir::new();
    dir.write(
        "pushpin.conf",
        &format!("[runner]\nhttp_port={}\n[proxy]\nroutesfile=routes\n", free_port()),
    );
    let running = Running(start(&dir, &["--config", "pushpin.conf", "--logfile", "log"]));
    eventually(|| read(&dir, "log").contains("ready: http on"));
    dir.write("routes", "* localhost:1\na.example localhost:1\n");
    eventually(|| read(&dir, "log").contains("routes loaded with 2 entries"));
    running.signal("INT");
}

/// `[LEVEL] date time message`, in plain characters (CONF-33).
fn is_log_line(line: &str) -> bool {
    let shape = |text: &str| -> String {
        text.chars().map(|char| if char.is_ascii_digit() { '0' } else { char }).collect()
    };
    let Some((level, rest)) = line.strip_prefix('[').and_then(|line| line.split_once("] ")) else {
        return false;
    };
    let known = ["ERR", "WARN", "INFO", "DEBUG", "TRACE"].contains(&level);
    let dated = rest.get(..24).is_some_and(|time| shape(time) == "0000-00-00 00:00:00.000 ");
    known && dated && !line.contains('\u{1b}')
}

/// A process that does not outlive its test.
struct Running(Child);

impl Running {
    fn signal(&self, name: &str) {
        let pid = self.0.id().to_string();
        let sent = Command::new("kill").args(["-s", name, &pid]).status();
        assert!(sent.expect("kill can be run").success());
    }

    fn code(&mut self) -> Option<i32> {
        eventually(|| self.0.try_wait().expect("it is our child").is_some());
        self.0.wait().expect("it is our child").code()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn command(dir: &Dir, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_holdfast"));
    command.args(args).current_dir(&dir.0).stdin(Stdio::null());
    command
}

fn run(dir: &Dir, args: &[&str]) -> Output {
    command(dir, args).output().expect("the program can be run")
}

fn start(dir: &Dir, args: &[&str]) -> Child {
    command(dir, args).stdout(Stdio::null()).spawn().expect("the program can be run")
}

fn free_port() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("some port is free");
    listener.local_addr().expect("it has an address").to_string()
}

fn read(dir: &Dir, name: &str) -> String {
    fs::read_to_string(dir.path(name)).unwrap_or_default()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn eventually(mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < PATIENCE, "it never came to hold");
        sleep(Duration::from_millis(20));
    }
}
