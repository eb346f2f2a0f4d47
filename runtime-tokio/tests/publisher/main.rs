//! `holdfast publish`, run as a program (CLI-1 to CLI-6).

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::process::{Command, Output};
use std::thread::{self, JoinHandle};

use serde_json::{Value, json};

/// A server for one request: it gives this answer, and the request to whoever joins it.
fn server(answer: &'static str) -> (SocketAddr, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let addr = listener.local_addr().expect("it is bound");
    let serving = thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a publisher");
        let (mut request, mut piece) = (String::new(), [0; 4096]);
        while !is_whole(&request) {
            let count = stream.read(&mut piece).expect("the rest of the request");
            assert!(count > 0, "closed after {request:?}");
            request.push_str(std::str::from_utf8(&piece[..count]).expect("text"));
        }
        stream.write_all(answer.as_bytes()).expect("it listens");
        request
    });
    (addr, serving)
}

fn is_whole(request: &str) -> bool {
    let Some((head, body)) = request.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: "));
    length.expect("a length").parse() == Ok(body.len())
}

fn publish(args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_holdfast"));
    command.env_remove("GRIP_URL").arg("publish").args(args).output().expect("the program runs")
}

fn said(output: &Output) -> (Option<i32>, String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("text");
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

const ACCEPTED: &str = "HTTP/1.0 200 OK\r\nContent-Length: 10\r\n\r\nPublished\n";

#[test]
fn cli_3_an_item_is_posted() {
    let (addr, serving) = server(ACCEPTED);
    let output = publish(&["--spec", &format!("http://{addr}"), "c", "hi", "--id", "7"]);
    assert_eq!(said(&output), (Some(0), "Published\n".to_owned(), String::new()));
    let request = serving.join().expect("served");
    let (head, body) = request.split_once("\r\n\r\n").expect("whole");
    assert!(head.starts_with("POST /publish/ HTTP/1.0\r\n"), "{head}");
    assert!(head.contains("\r\nContent-Type: application/json\r\n"), "{head}");
    assert!(!head.contains("Authorization"), "{head}");
    let body: Value = serde_json::from_str(body).expect("JSON");
    assert_eq!(body["items"][0]["id"], "7");
    assert_eq!(body["items"][0]["formats"]["ws-message"], json!({"content": "hi"}));
    assert_eq!(body["items"].as_array().map(Vec::len), Some(1));
}

#[test]
fn cli_2_a_file_is_sent_as_it_is() {
    let path = std::env::temp_dir().join(format!("holdfast-publisher-{}", std::process::id()));
    std::fs::write(&path, b"\xff").expect("a file can be written");
    let (addr, serving) = server(ACCEPTED);
    let file = format!("@{}", path.display());
    let output = publish(&["--spec", &format!("http://{addr}/"), "c", &file]);
    std::fs::remove_file(&path).expect("it is there");
    assert_eq!(output.status.code(), Some(0));
    let request = serving.join().expect("served");
    assert!(request.contains(r#""http-response":{"code":200,"body-bin":"/w=="}"#), "{request}");
    assert!(request.contains(r#""ws-message":{"content-bin":"/w=="}"#), "{request}");
}

#[test]
fn cli_5_the_url_comes_from_the_environment_and_its_key_signs() {
    let (addr, serving) = server(ACCEPTED);
    let output = Command::new(env!("CARGO_BIN_EXE_holdfast"))
        .env("GRIP_URL", format!("http://{addr}/base/?iss=me&key=secret"))
        .args(["publish", "c", "hi"])
        .output()
        .expect("the program runs");
    assert_eq!(output.status.code(), Some(0));
    let request = serving.join().expect("served");
    assert!(request.starts_with("POST /base/publish/ HTTP/1.0\r\n"), "{request}");
    assert!(request.contains("\r\nAuthorization: Bearer ey"), "{request}");
}

#[test]
fn cli_3_what_is_no_200_is_an_error() {
    for answer in ["HTTP/1.0 400 Bad\r\n\r\nno\n", "HTTP/1.1 202 Accepted\r\n\r\nno\n"] {
        let (addr, serving) = server(answer);
        let output = publish(&["--spec", &format!("http://{addr}"), "c", "hi"]);
        assert_eq!(said(&output), (Some(1), String::new(), "Error: no\n".to_owned()));
        serving.join().expect("served");
    }
}

#[test]
fn cli_4_failures_end_with_one_and_usage_with_two() {
    for args in [
        &["c"][..],
        &["c", "@/no/such/file"],
        &["c", "x", "--spec", "tcp://127.0.0.1:5560"],
        &["c", "x", "--spec", "https://localhost"],
        &["c", "x", "-u", "a:b"],
        &["c", "x", "-B", "t"],
        &["c", "x", "--spec", "http://127.0.0.1:1"],
    ] {
        let (code, _, error) = said(&publish(args));
        assert_eq!(code, Some(1), "{args:?}");
        assert!(error.starts_with("Error: "), "{args:?}: {error}");
    }
    for args in [&[][..], &["c", "x", "--what"], &["c", "x", "-u", "a:b", "-B", "t"]] {
        let (code, _, error) = said(&publish(args));
        assert_eq!(code, Some(2), "{args:?}");
        assert!(error.contains("Usage: holdfast publish "), "{args:?}: {error}");
    }
    for args in [["-h"], ["--help"], ["-V"], ["--version"]] {
        assert_eq!(publish(&args).status.code(), Some(0), "{args:?}");
    }
}
