//! What many cases say and check.

use serde_json::{Value, json};

use crate::{
    case::{Outcome, ensure, wrong},
    peer::message::{Reply, ok},
    scene::Scene,
};

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
