//! The filter that writes positions into content.

use super::support::{chained, for_streams, next, open, stream_on, warm};
use crate::{
    case::{Case, Outcome, must, should},
    peer::{
        client::Client,
        message::{Reply, ok},
    },
    scene::Scene,
};

pub(super) fn cases() -> Vec<Case> {
    vec![
        must("FILT-4/text", "text in parentheses stands for itself", text),
        must("FILT-4/hex", "ids may be written as hexadecimal digits", hex),
        must("FILT-5/after", "an item shows the position behind it", after),
        must("FILT-6/first-body", "a first body may have such text", first_body),
        should("FILT-6/position", "and its position, if the instruction sets one", first_position),
        must("FILT-7/errors", "what cannot be written is an error", errors),
        must("FILT-7/encoding", "so is an unknown encoding", bad_encoding),
        must("FILT-11/no-hold", "an error in a body without a hold is a 502", error_without_hold),
        should("FILT-11/stream", "in a stream it cuts the response", error_in_stream),
        must("NOH-2/applied", "the filter works without a hold", text_without_hold),
        should("NEXT-13/filtered", "the filters of a page work on its body", page),
    ]
}

/// How ids are written: the first channel's position behind `n:`, and any further values.
fn written(reply: Reply, channel: &str, more: &str) -> Reply {
    reply.with(format!("Grip-Set-Meta: id_format=\"n:%({channel})s\"{more}"))
}

/// A stream at position 5 on a channel that others hear, whose items have their ids written in.
async fn at_five(s: &Scene, more: &str) -> Outcome<(String, Client, Client)> {
    let channel = s.channel("a");
    let other = warm(s, &channel).await?;
    let reply = stream_on(&format!("{channel}; prev-id=5; filter=build-id"));
    let client = open(s, written(reply, &channel, more).with(next(&s.origin, "/2"))).await?;
    Ok((channel, client, other))
}

async fn text(s: Scene) -> Outcome {
    let (channel, mut client, _other) = at_five(&s, "").await?;
    let content = "%(x y)I, %(a\\)b)I, 100%%\n";
    s.publish(chained("5", "7", for_streams(&channel, content))).await?;
    client.content("x y, a)b, 100%\n").await
}

async fn hex(s: Scene) -> Outcome {
    let (channel, mut client, _other) = at_five(&s, ", id_encoding=hex").await?;
    s.publish(chained("5", "7", for_streams(&channel, "%I %(ab)I\n"))).await?;
    client.content("6e3a37 6162\n").await
}

async fn after(s: Scene) -> Outcome {
    let (channel, mut client, _other) = at_five(&s, "").await?;
    s.publish(chained("5", "7", for_streams(&channel, "id %I\n"))).await?;
    client.content("id n:7\n").await?;
    s.publish(chained("7", "8", for_streams(&channel, "id %I\n"))).await?;
    client.content("id n:8\n").await
}

async fn first_body(s: Scene) -> Outcome {
    let channel = s.channel("a");
    let reply = stream_on(&format!("{channel}; filter=build-id")).body("id %(x)I, 100%%\n");
    let mut client = s.stream(written(reply, &channel, ""), "id x, 100%\n").await?;
    client.quiet(s.seconds(0.3)).await
}

async fn first_position(s: Scene) -> Outcome {
    let reply = ok("id %I\n").with("Grip-Channel: a; prev-id=5; filter=build-id");
    s.answered(written(reply, "a", "")).await?.status(200)?.says("id n:5\n")?.fine()
}

/// Requires that a body with these values for its ids is a 502.
async fn fails(s: &Scene, body: &str, meta: &str) -> Outcome {
    let reply = ok(body).with("Grip-Channel: a; filter=build-id, b");
    s.answered(reply.with(format!("Grip-Set-Meta: {meta}"))).await?.error(502)?.fine()
}

async fn errors(s: Scene) -> Outcome {
    for body in ["%x\n", "100%", "%(a", "%(a)x"] {
        fails(&s, body, "id_format=x").await?;
    }
    fails(&s, "%I\n", "user=bob").await?;
    fails(&s, "%I\n", "id_format=\"%(other)s\"").await?;
    fails(&s, "%I\n", "id_format=\"%(a)s\"").await
}

async fn bad_encoding(s: Scene) -> Outcome {
    fails(&s, "%(a)I\n", "id_format=x, id_encoding=odd").await
}

async fn error_without_hold(s: Scene) -> Outcome {
    fails(&s, "%x\n", "id_format=x").await
}

async fn error_in_stream(s: Scene) -> Outcome {
    let reply = stream_on(&format!("{}; filter=build-id", s.channel("a"))).body("one %x\n");
    let mut client = s.send(&s.get()).await?;
    s.origin.asked().await?.reply(reply.with("Grip-Set-Meta: id_format=x")).await?;
    client.head().await?;
    let (_, end) = client.rest().await?;
    crate::case::ensure(
        end == crate::peer::client::End::Cut,
        "the stream ended as if all were well",
    )
}

async fn text_without_hold(s: Scene) -> Outcome {
    let reply = ok("id %(x)I, 100%%\n").with("Grip-Channel: a; filter=build-id");
    let answer = s.answered(written(reply, "a", "")).await?;
    answer.status(200)?.says("id x, 100%\n")?.has("Content-Length", "11")?.fine()
}

async fn page(s: Scene) -> Outcome {
    let channel = s.channel("a");
    let mut client = s.send(&s.get()).await?;
    s.origin.asked().await?.reply(ok("%(x)I ").with(next(&s.origin, "/2"))).await?;
    client.head().await?;
    client.content("%(x)I ").await?;
    let reply = stream_on(&format!("{channel}; filter=build-id")).body("id %(x)I\n");
    s.origin.asked_at("/2").await?.reply(written(reply, &channel, "")).await?;
    client.content("id x\n").await
}
