//! Held requests on a route whose answers any web page may read.

use serde_json::{Value, json};

use super::support::{for_polls, hint, hold, poll_on, stream_on};
use crate::{
    case::{Case, Outcome, ensure, must, should},
    peer::{
        client::Answer,
        head::Head,
        message::{Request, ok},
    },
    scene::Scene,
    target::host,
};

pub(super) fn cases() -> Vec<Case> {
    vec![
        must("RESP-13/item", "an item's answer may be read from everywhere", item),
        must("RESP-13/timeout", "so may the answer at the timeout", timeout),
        must("RESP-13/error", "and an error", error),
        must("RESP-13/present", "what is there already stays", present),
        must("RESP-13/anyone", "without an Origin it may be read by anyone", anyone),
        must("STRM-3/stream", "a stream may be read from everywhere", stream),
        should(
            "STRM-3/callback",
            "a stream is not sent raw to one who asked for a script",
            raw_stream,
        ),
        must("RESP-14/extended", "a callback gets the answer as a script", extended),
        must("RESP-14/basic", "on some routes the script has the bare body", basic),
        must("REC-9/cross-origin", "a repeated request is answered as the first", repeated),
        must("RESP-14/parameter", "the origin does not see the callback", parameter),
    ]
}

fn request(s: &Scene) -> Request {
    s.get().host(host::CROSS).with("Origin: http://page.test")
}

/// Requires the fields that let a page at `page.test` read the answer.
fn is_open(head: &Head) -> Outcome {
    head.has("Access-Control-Allow-Origin", "http://page.test")?;
    head.has("Access-Control-Allow-Credentials", "true")?;
    head.has("Access-Control-Max-Age", "3600")?;
    ensure(head.lists("Access-Control-Allow-Methods", "PUT"), "the methods are not listed")
}

/// The answer that an item gives to a request held with this reply.
async fn answered(s: &Scene, request: Request, item: Value) -> Outcome<Answer> {
    let channel = s.channel("a");
    let reply = poll_on(&channel).with("X-A: 1").with("Grip-Odd: 1");
    let mut client = hold(s, request, reply).await?;
    s.publish(json!({ "channel": channel, "http-response": item })).await?;
    client.answer().await
}

async fn item(s: Scene) -> Outcome {
    let item = json!({ "headers": { "X-B": "2" }, "body": "item\n" });
    let asking = request(&s).with("Access-Control-Request-Headers: X-C");
    let answer = answered(&s, asking, item).await?;
    answer.status(200)?.says("item\n")?.has("Access-Control-Allow-Headers", "X-C")?;
    is_open(&answer.head)?;
    let exposed = |name| answer.head.lists("Access-Control-Expose-Headers", name);
    ensure(exposed("X-A") && exposed("X-B"), "the answer's own fields are not exposed")?;
    ensure(!exposed("Grip-Odd"), "instructions are exposed")
}

async fn timeout(s: Scene) -> Outcome {
    let reply = ok("nothing\n").with("Grip-Hold: response").with("Grip-Timeout: 5");
    let mut client = hold(&s, request(&s), reply).await?;
    let answer = client.answer().await?;
    is_open(&answer.status(200)?.says("nothing\n")?.head)
}

async fn error(s: Scene) -> Outcome {
    let (_, answer) = s.relay(request(&s), ok("x").with("Grip-Hold: maybe")).await?;
    is_open(&answer.error(502)?.head)
}

async fn present(s: Scene) -> Outcome {
    let fields = json!({ "Access-Control-Allow-Origin": "http://other.test" });
    let answer = answered(&s, request(&s), json!({ "headers": fields, "body": "item\n" })).await?;
    answer.has("Access-Control-Allow-Origin", "http://other.test")?;
    answer.has("Access-Control-Max-Age", "3600")?.fine()
}

async fn anyone(s: Scene) -> Outcome {
    let answer = answered(&s, s.get().host(host::CROSS), json!({ "body": "item\n" })).await?;
    answer.says("item\n")?.has("Access-Control-Allow-Origin", "*")?.fine()
}

async fn stream(s: Scene) -> Outcome {
    let mut client = hold(&s, request(&s), stream_on(&s.channel("a"))).await?;
    is_open(&client.head().await?)?;
    client.content("hello\n").await
}

async fn raw_stream(s: Scene) -> Outcome {
    let asking = request(&s).at("?callback=cb");
    let mut client = s.send(&asking).await?;
    s.origin.asked().await?.reply(stream_on(&s.channel("a"))).await?;
    let head = client.head().await?;
    let script = head.first("Content-Type").is_some_and(|kind| kind.contains("javascript"));
    ensure(script || head.word(1) != "200", format_args!("{head}, and no script"))
}

/// What the function `cb` is called with.
fn called_with(answer: &Answer) -> Outcome<Value> {
    answer.status(200)?;
    let kind = answer.head.first("Content-Type").unwrap_or_default();
    ensure(kind.starts_with("application/javascript"), format_args!("the type is {kind:?}"))?;
    let text = answer.text();
    let inner = text.strip_prefix("/**/cb(").and_then(|rest| rest.strip_suffix(");\n"));
    match inner.and_then(|inner| serde_json::from_str(inner).ok()) {
        Some(value) => Ok(value),
        None => crate::case::wrong(format_args!("{text:?} calls no function")),
    }
}

async fn extended(s: Scene) -> Outcome {
    let item = json!({ "code": 404, "headers": [["X-B", "1"], ["X-B", "2"]], "body": "item\n" });
    let answer = answered(&s, request(&s).at("?callback=cb"), item).await?;
    let call = called_with(&answer)?;
    let same = call["code"] == 404 && call["reason"] == "Not Found" && call["body"] == "item\n";
    ensure(same, format_args!("the function is called with {call}"))?;
    ensure(call["headers"]["X-B"] == "1, 2", format_args!("the fields are {}", call["headers"]))
}

async fn basic(s: Scene) -> Outcome {
    let item = json!({ "body": "{\"a\":1}\n" });
    let asking = request(&s).host(host::CROSS_BASIC).at("?callback=cb");
    let call = called_with(&answered(&s, asking, item).await?)?;
    ensure(call == json!({ "a": 1 }), format_args!("the function is called with {call}"))
}

/// The final answer to a request that was held and is repeated.
async fn answered_anew(s: &Scene, channel: &str, query: &str) -> Outcome<Answer> {
    let mut client = hold(s, request(s).at(query), poll_on(channel)).await?;
    s.publish(hint(channel)).await?;
    s.origin.asked_at("").await?.reply(ok("fresh\n")).await?;
    client.answer().await
}

async fn repeated(s: Scene) -> Outcome {
    let answer = answered_anew(&s, &s.channel("a"), "").await?;
    is_open(&answer.status(200)?.says("fresh\n")?.head)?;
    let call = called_with(&answered_anew(&s, &s.channel("b"), "?callback=cb").await?)?;
    ensure(call["body"] == "fresh\n", format_args!("the function is called with {call}"))
}

async fn parameter(s: Scene) -> Outcome {
    let channel = s.channel("a");
    let mut client = s.send(&request(&s).at("?a=b&callback=cb")).await?;
    s.origin.asked_at("?a=b").await?.reply(poll_on(&channel)).await?;
    s.settle().await;
    s.publish(for_polls(&channel, "item\n")).await?;
    let call = called_with(&client.answer().await?)?;
    ensure(call["body"] == "item\n", format_args!("the function is called with {call}"))
}
