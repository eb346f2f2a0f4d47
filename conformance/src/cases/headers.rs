//! Holds that are asked for by header fields: mode, timeout, status, exposed fields.

use std::time::Instant;

use serde_json::json;

use super::support::{for_polls, instructs_refused, poll_on, stream_on};
use crate::{
    case::{Case, Outcome, ensure, must, should},
    peer::message::{Reply, ok},
    scene::Scene,
};

pub(super) fn cases() -> Vec<Case> {
    vec![
        must("HOLD-1/modes", "only response and stream are modes", modes),
        must("HOLD-2/no-hold", "Grip-Status sets code and reason", status_without_hold),
        must("HOLD-2/bare-code", "a bare code gets its usual reason", bare_code),
        must("HOLD-2/stream", "a stream has the status at once", status_of_stream),
        must("HOLD-2/poll", "a response hold has it when it times out", status_of_poll),
        must("HOLD-2/invalid", "what is no code is an error", bad_status),
        must("HOLD-2/empty", "an empty value is ignored", empty_status),
        should("HOLD-2/unusable", "codes that no response can have are errors", unusable_status),
        must("TIME-1/invalid", "a timeout is a number from zero on", bad_timeout),
        must("TIME-1/minimum", "a timeout below five seconds acts as five", minimum_timeout),
        must("EXPO-1/listed", "only exposed fields reach the client", exposed),
        must("EXPO-1/item", "fields of an item are exposed anyway", exposed_item),
    ]
}

async fn modes(s: Scene) -> Outcome {
    let modes = ["Stream", "RESPONSE", "maybe", "stream, response", ""];
    let replies = modes.map(|mode| ok("x").with(format!("Grip-Hold: {mode}"))).to_vec();
    instructs_refused(&s, replies).await
}

async fn status_without_hold(s: Scene) -> Outcome {
    let reply = ok("gone\n").with("Grip-Status: 404 No Way");
    s.answered(reply).await?.status(404)?.reason("No Way")?.says("gone\n")?.fine()
}

async fn bare_code(s: Scene) -> Outcome {
    let answer = s.answered(ok("x").with("Grip-Status: 404")).await?;
    answer.status(404)?.reason("Not Found")?.fine()
}

async fn status_of_stream(s: Scene) -> Outcome {
    let (mut client, _) = s.held(stream_on(&s.channel("a")).with("Grip-Status: 202 Soon")).await?;
    let head = client.head().await?;
    ensure(head.start.ends_with(" 202 Soon"), format_args!("{head}"))
}

async fn status_of_poll(s: Scene) -> Outcome {
    let hold = poll_on(&s.channel("a")).with("Grip-Timeout: 5").with("Grip-Status: 504 Late");
    let (mut client, _) = s.held(hold).await?;
    client.answer().await?.status(504)?.reason("Late")?.says("nothing\n")?.fine()
}

async fn refused_statuses(s: &Scene, values: &[&str]) -> Outcome {
    let replies: Vec<Reply> =
        values.iter().map(|value| ok("x").with(format!("Grip-Status: {value}"))).collect();
    instructs_refused(s, replies).await
}

async fn bad_status(s: Scene) -> Outcome {
    refused_statuses(&s, &["fine", "1000", "-1", "20x OK"]).await
}

async fn empty_status(s: Scene) -> Outcome {
    s.answered(ok("x").with("Grip-Status: ")).await?.status(200)?.says("x")?.fine()
}

async fn unusable_status(s: Scene) -> Outcome {
    refused_statuses(&s, &["0", "99", "101 Switching", "600"]).await
}

async fn bad_timeout(s: Scene) -> Outcome {
    let values = ["x", "-1", "5s", ""];
    let hold = |value| poll_on("a").with(format!("Grip-Timeout: {value}"));
    instructs_refused(&s, values.map(hold).to_vec()).await
}

async fn minimum_timeout(s: Scene) -> Outcome {
    s.origin.always(poll_on(&s.channel("a")).with("Grip-Timeout: 0"));
    let start = Instant::now();
    let mut client = s.send(&s.get()).await?;
    client.answer().await?.status(200)?.says("nothing\n")?;
    let took = start.elapsed();
    ensure(took >= s.seconds(4.75), format_args!("the timeout came after {took:?}"))
}

async fn exposed(s: Scene) -> Outcome {
    let fields = |reply: Reply| reply.with("X-A: 1").with("X-B: 2").with("X-C: 3");
    let reply = fields(ok("x\n")).with("Grip-Expose-Headers: x-a, X-Other");
    let answer = s.answered(reply.with("Grip-Expose-Headers: X-C")).await?;
    answer.status(200)?.has("X-A", "1")?.has("X-C", "3")?.lacks("X-B")?.says("x\n")?.fine()
}

async fn exposed_item(s: Scene) -> Outcome {
    let channel = s.channel("a");
    let hold = poll_on(&channel).with("X-A: 1").with("X-B: 2").with("Grip-Expose-Headers: X-A");
    let (mut client, _) = s.held(hold).await?;
    let mut item = for_polls(&channel, "item\n");
    item["http-response"]["headers"] = json!({ "X-Item": "3" });
    s.publish(item).await?;
    let answer = client.answer().await?;
    answer.status(200)?.has("X-A", "1")?.has("X-Item", "3")?.lacks("X-B")?.fine()
}
