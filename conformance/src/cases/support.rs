//! What many cases say and check.

use serde_json::{Value, json};

use crate::{
    case::{Outcome, ensure, wrong},
    peer::{
        client::Client,
        message::{Reply, Request, ok},
        origin::Place,
    },
    scene::Scene,
};

/// By then a proxy has made the recovery that a channel's first hold asks for, in seconds.
const FIRST_RECOVERY: f64 = 1.3;

/// A reply that asks to hold the request as a stream which begins with `hello`.
pub(super) fn stream_on(channel: &str) -> Reply {
    ok("hello\n").with("Grip-Hold: stream").with(format!("Grip-Channel: {channel}"))
}

/// A reply that asks to hold the request until an item comes; without one it says `nothing`.
pub(super) fn poll_on(channel: &str) -> Reply {
    ok("nothing\n").with("Grip-Hold: response").with(format!("Grip-Channel: {channel}"))
}

/// A reply whose whole body is an instruction in JSON.
pub(super) fn instruct(document: &Value) -> Reply {
    instruct_text(document.to_string())
}

/// As [`instruct`], from text.
pub(super) fn instruct_text(document: impl AsRef<[u8]>) -> Reply {
    ok(document).with("Content-Type: application/grip-instruct")
}

/// An item that appends to streams.
pub(super) fn for_streams(channel: &str, content: &str) -> Value {
    json!({ "channel": channel, "http-stream": { "content": content } })
}

/// An item that answers held requests.
pub(super) fn for_polls(channel: &str, body: &str) -> Value {
    json!({ "channel": channel, "http-response": { "body": body } })
}

/// An item that says the same to streams and to held requests.
pub(super) fn for_both(channel: &str, content: &str) -> Value {
    json!({
        "channel": channel, "http-stream": { "content": content }, "http-response": { "body": content }
    })
}

/// An item that asks streams and held requests to look for news at the origin.
pub(super) fn hint(channel: &str) -> Value {
    let hint = json!({ "action": "hint" });
    json!({ "channel": channel, "http-stream": hint, "http-response": hint })
}

/// The same item with an id.
pub(super) fn with_id(id: &str, mut item: Value) -> Value {
    item["id"] = id.into();
    item
}

/// The same item with an id, and with the id of the item before it.
pub(super) fn chained(previous: &str, id: &str, item: Value) -> Value {
    let mut item = with_id(id, item);
    item["prev-id"] = previous.into();
    item
}

/// A link to where a stream goes on: this place, and a path or query beyond it.
pub(super) fn next(place: &Place, more: &str) -> String {
    format!("Grip-Link: <{}{more}>; rel=next", place.path)
}

/// Another client's stream on this channel, old enough that a new hold is not the channel's first.
pub(super) async fn warm(s: &Scene, channel: &str) -> Outcome<Client> {
    let (mut client, _) = s.held_for(&s.place(), stream_on(channel)).await?;
    client.head().await?;
    client.content("hello\n").await?;
    s.pause(FIRST_RECOVERY).await;
    Ok(client)
}

/// Sends a request and lets the origin answer it once; what it is asked later is the script's business.
pub(super) async fn hold(s: &Scene, request: Request, reply: Reply) -> Outcome<Client> {
    let client = s.send(&request).await?;
    s.origin.asked().await?.reply(reply).await?;
    s.settle().await;
    Ok(client)
}

/// As [`hold`], for a stream that begins with `hello`, which is read.
pub(super) async fn open(s: &Scene, reply: Reply) -> Outcome<Client> {
    let mut client = s.send(&s.get()).await?;
    s.origin.asked().await?.reply(reply).await?;
    let head = client.head().await?;
    ensure(head.word(1) == "200", format_args!("the stream began with {head}"))?;
    client.content("hello\n").await?;
    s.settle().await;
    Ok(client)
}

/// Requires that each of these replies is refused as an invalid instruction.
pub(super) async fn instructs_refused(s: &Scene, replies: Vec<Reply>) -> Outcome {
    for reply in replies {
        let told = reply.to_string();
        let answer = s.answered(reply).await?;
        ensure(answer.head.word(1) == "502", format_args!("{} for {told}", answer.head))?;
        answer.error(502)?;
    }
    Ok(())
}

/// Requires that the proxy answers each of these requests with one of these codes, and does not just
/// refuse everything.
pub(super) async fn requests_refused<R>(s: &Scene, requests: &[R], codes: &[&str]) -> Outcome
where
    R: AsRef<[u8]>,
{
    s.origin.always(ok("good"));
    for request in requests {
        let mut client = s.connect().await?;
        client.raw(request.as_ref()).await?;
        let shown = String::from_utf8_lossy(request.as_ref());
        match client.answer().await {
            Ok(answer) => {
                let code = answer.head.word(1);
                let told = format!("{code} instead of {codes:?} for {shown:.200?}");
                ensure(codes.contains(&code), told)?;
            }
            Err(trouble) => return wrong(format_args!("{trouble}, for {shown:.200?}")),
        }
    }
    s.ask(s.get()).await?.status(200)?.says("good")?.fine()
}
