//! Requests at the edge of the grammar.

use super::support::requests_refused;
use crate::{
    case::{Case, Outcome, ensure, must, should},
    peer::message::ok,
    scene::Scene,
};

pub(super) fn cases() -> Vec<Case> {
    vec![
        must("LIM-30/leading-lines", "empty lines before a request are skipped", leading_lines),
        must("LIM-30/high-bytes", "bytes above ASCII in values pass", high_bytes),
        must("LIM-30/bare-lf", "a bare line feed ends a header line, or is a 400", bare_lf),
        must("LIM-30/length-form", "blanks and zeros around a length are fine", length_form),
        should("LIM-30/coding-case", "the word chunked counts in any case", coding_case),
        should("LIM-30/header-lines", "broken header lines are a 400", header_lines),
        should("LIM-30/target", "characters that no target may have are a 400", target),
        should("LIM-30/version", "other versions are refused", version),
        should("LIM-30/bad-length", "a length that is no number is a 400", bad_length),
        should("LIM-30/plus-length", "a signed length is a 400", plus_length),
        should("LIM-30/two-lengths", "two different lengths are a 400", two_lengths),
        should("LIM-30/chunked-twice", "chunked twice is a 400", chunked_twice),
        should("LIM-30/other-coding", "another transfer coding is a 501", other_coding),
        should("LIM-30/http10-coding", "a transfer coding on HTTP/1.0 is a 400", http10_coding),
        should("LIM-30/bad-chunks", "broken chunks are a 400", bad_chunks),
    ]
}

/// A GET with this in place of a header line.
fn with_line(s: &Scene, line: &str) -> String {
    format!("GET {} HTTP/1.1\r\nHost: {}\r\n{line}\r\n\r\n", s.origin.path, s.proxy())
}

/// A POST with these header lines and this body.
fn post(s: &Scene, version: &str, lines: &str, body: &str) -> String {
    format!("POST {} {version}\r\nHost: {}\r\n{lines}\r\n\r\n{body}", s.origin.path, s.proxy())
}

async fn leading_lines(s: Scene) -> Outcome {
    let request = format!("\r\n\r\n{}", with_line(&s, "X-A: 1"));
    s.origin.always(ok("served"));
    let mut client = s.connect().await?;
    client.raw(request.as_bytes()).await?;
    client.answer().await?.status(200)?.says("served")?.fine()
}

async fn high_bytes(s: Scene) -> Outcome {
    let seen = s.forwarded(s.get().with("X-A: \u{80}\u{e9}\u{ff}")).await?;
    seen.head.has("X-A", "\u{80}\u{e9}\u{ff}")?;
    Ok(())
}

async fn bare_lf(s: Scene) -> Outcome {
    let request = with_line(&s, "X-A: 1").replace("\r\n", "\n");
    requests_refused(&s, &[request], &["200", "400"]).await
}

async fn length_form(s: Scene) -> Outcome {
    for lines in ["Content-Length:   3  ", "Content-Length: 03"] {
        let mut client = s.connect().await?;
        client.raw(post(&s, "HTTP/1.1", lines, "abc").as_bytes()).await?;
        let mut asked = s.origin.asked().await?;
        ensure(asked.seen().await?.body == b"abc", format_args!("{lines:?} lost the body"))?;
        asked.reply(ok("x")).await?;
        client.answer().await?.status(200)?;
    }
    Ok(())
}

async fn coding_case(s: Scene) -> Outcome {
    let request = post(&s, "HTTP/1.1", "Transfer-Encoding: Chunked", "3\r\nabc\r\n0\r\n\r\n");
    requests_refused(&s, &[request], &["200"]).await
}

async fn header_lines(s: Scene) -> Outcome {
    let lines = ["X-A: 1\r\n folded", "X-A : 1", "X-A: a\0b", "X-A: a\rb", "X(A): 1", ": 1", "X-A"];
    let requests = lines.map(|line| with_line(&s, line));
    requests_refused(&s, &requests, &["400"]).await
}

async fn target(s: Scene) -> Outcome {
    let bad = ["<", ">", "\"", "{", "}", "^", "`", "|", " x", "\u{7f}", "\u{1}", "é"];
    let good = with_line(&s, "X-A: 1");
    let requests = bad.map(|bad| good.replace(" HTTP/1.1", &format!("/{bad}/ HTTP/1.1")));
    requests_refused(&s, &requests, &["400"]).await
}

async fn version(s: Scene) -> Outcome {
    let good = with_line(&s, "X-A: 1");
    let mut requests = ["HTTP/2.0", "HTTP/1.5", "HTTP/0.9", "HTTP/1", "ICY/1.1"]
        .map(|v| good.replace("HTTP/1.1", v))
        .to_vec();
    requests.push("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned());
    requests_refused(&s, &requests, &["400", "505"]).await
}

async fn bad_length(s: Scene) -> Outcome {
    let lengths = ["-3", "3, 3", "0x3", "", "3 3", "99999999999999999999999", "3.0"];
    let requests =
        lengths.map(|length| post(&s, "HTTP/1.1", &format!("Content-Length: {length}"), "abc"));
    requests_refused(&s, &requests, &["400"]).await
}

async fn plus_length(s: Scene) -> Outcome {
    let request = post(&s, "HTTP/1.1", "Content-Length: +3", "abc");
    requests_refused(&s, &[request], &["400"]).await
}

async fn two_lengths(s: Scene) -> Outcome {
    let request = post(&s, "HTTP/1.1", "Content-Length: 3\r\nContent-Length: 4", "abcd");
    requests_refused(&s, &[request], &["400"]).await
}

async fn chunked_twice(s: Scene) -> Outcome {
    let body = "3\r\nabc\r\n0\r\n\r\n";
    let requests = [
        post(&s, "HTTP/1.1", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", body),
        post(&s, "HTTP/1.1", "Transfer-Encoding: chunked, chunked", body),
    ];
    requests_refused(&s, &requests, &["400"]).await
}

async fn other_coding(s: Scene) -> Outcome {
    let body = "3\r\nabc\r\n0\r\n\r\n";
    let requests = ["gzip, chunked", "odd"]
        .map(|coding| post(&s, "HTTP/1.1", &format!("Transfer-Encoding: {coding}"), body));
    requests_refused(&s, &requests, &["501"]).await
}

async fn http10_coding(s: Scene) -> Outcome {
    let request = post(&s, "HTTP/1.0", "Transfer-Encoding: chunked", "3\r\nabc\r\n0\r\n\r\n");
    requests_refused(&s, &[request], &["400"]).await
}

async fn bad_chunks(s: Scene) -> Outcome {
    let bodies = [
        "3\nabc\r\n0\r\n\r\n",
        "zz\r\nabc\r\n0\r\n\r\n",
        "3\r\nabcX\r\n0\r\n\r\n",
        "-3\r\nabc\r\n0\r\n\r\n",
        "fffffffffffffffff\r\nabc\r\n0\r\n\r\n",
    ];
    let requests = bodies.map(|body| post(&s, "HTTP/1.1", "Transfer-Encoding: chunked", body));
    requests_refused(&s, &requests, &["400"]).await
}
