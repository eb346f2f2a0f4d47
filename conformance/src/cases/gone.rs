//! Links that the proxy tells when a client is gone.

use serde_json::json;

use super::support::{for_polls, hint, hold, next, open, poll_on, stream_on, warm};
use crate::{
    case::{Case, Outcome, ensure, must, should},
    peer::{
        message::{Reply, ok, reply},
        origin::Seen,
    },
    scene::Scene,
};

pub(super) fn cases() -> Vec<Case> {
    vec![
        must("GONE-1/left", "a client that leaves a stream is told of", left),
        must("GONE-1/closed", "a stream that ends is told of", closed),
        must("GONE-1/answered", "an answered poll is told of", answered),
        must("GONE-1/timeout", "a poll that got its timeout is told of", timeout),
        must("GONE-1/pages", "the last page of a response is its end", pages),
        must("GONE-1/plain", "it is an empty POST with the proxy's fields only", plain),
        must("GONE-1/relative", "the link is relative to the client's request", relative),
        must("GONE-1/first-only", "the link of the first instruction counts", first_only),
        must("GONE-2/ignored", "the answer means nothing, and a failure is not repeated", ignored),
        should("GONE-3/once", "a repeated request is no end", once),
        must("NOH-5/nothing", "without a hold and a page nobody is told", nothing),
    ]
}

/// The same reply with a link to tell of the client's end.
fn telling(s: &Scene, reply: Reply) -> Reply {
    reply.with(format!("Grip-Link: <{}/gone>; rel=gone", s.origin.path))
}

/// Waits until the origin is told, and answers.
async fn told(s: &Scene) -> Outcome<Seen> {
    let mut asked = s.origin.asked_at("/gone").await?;
    let seen = asked.seen().await?;
    ensure(seen.head.word(0) == "POST", format_args!("{} instead of a POST", seen.head))?;
    asked.reply(reply("204 No Content")).await?;
    Ok(seen)
}

/// Requires that the origin hears no more of this.
async fn told_no_more(s: &Scene) -> Outcome {
    s.origin.unasked(s.seconds(1.0)).await
}

async fn left(s: Scene) -> Outcome {
    let client = open(&s, telling(&s, stream_on(&s.channel("a")))).await?;
    drop(client);
    told(&s).await?;
    told_no_more(&s).await
}

async fn closed(s: Scene) -> Outcome {
    let channel = s.channel("a");
    let mut client = open(&s, telling(&s, stream_on(&channel))).await?;
    s.publish(json!({ "channel": channel, "http-stream": { "action": "close" } })).await?;
    client.rest().await?;
    told(&s).await?;
    told_no_more(&s).await
}

async fn answered(s: Scene) -> Outcome {
    let channel = s.channel("a");
    let mut client = hold(&s, s.get(), telling(&s, poll_on(&channel))).await?;
    s.publish(for_polls(&channel, "item\n")).await?;
    client.answer().await?.status(200)?.says("item\n")?;
    told(&s).await?;
    told_no_more(&s).await
}

async fn timeout(s: Scene) -> Outcome {
    // Without a channel nothing makes a proxy repeat the request.
    let reply = ok("nothing\n").with("Grip-Hold: response").with("Grip-Timeout: 5");
    let mut client = hold(&s, s.get(), telling(&s, reply)).await?;
    client.answer().await?.status(200)?.says("nothing\n")?;
    told(&s).await?;
    told_no_more(&s).await
}

async fn pages(s: Scene) -> Outcome {
    let mut client = s.send(&s.get()).await?;
    let first = telling(&s, ok("one ").with(next(&s.origin, "/2")));
    s.origin.asked().await?.reply(first).await?;
    s.origin.asked_at("/2").await?.reply(ok("two\n")).await?;
    client.answer().await?.says("one two\n")?;
    told(&s).await?;
    told_no_more(&s).await
}

async fn plain(s: Scene) -> Outcome {
    let request = s.request("PUT").body("asked\n").with("Cookie: a=b").with("X-A: 1");
    let reply = telling(&s, stream_on(&format!("{}; prev-id=1", s.channel("a"))));
    let client = hold(&s, request, reply.with(next(&s.origin, "/2"))).await?;
    drop(client);
    let seen = told(&s).await?;
    seen.head.has("Content-Length", "0")?.lacks("Cookie")?.lacks("X-A")?;
    ensure(seen.head.first("Grip-Sig").is_some(), "the request is not signed")
}

async fn relative(s: Scene) -> Outcome {
    let mut client = s.send(&s.get().at("/deep/start?a=b")).await?;
    let first = ok("one ").with("Grip-Link: <../gone>; rel=gone").with(next(&s.origin, "/2"));
    s.origin.asked().await?.reply(first).await?;
    s.origin.asked_at("/2").await?.reply(ok("two\n")).await?;
    client.answer().await?.says("one two\n")?;
    told(&s).await.map(|_| ())
}

async fn first_only(s: Scene) -> Outcome {
    let mut client = s.send(&s.get()).await?;
    s.origin.asked().await?.reply(telling(&s, ok("one ").with(next(&s.origin, "/2")))).await?;
    let other = format!("Grip-Link: <{}/other>; rel=gone", s.origin.path);
    s.origin.asked_at("/2").await?.reply(ok("two\n").with(other)).await?;
    client.answer().await?.says("one two\n")?;
    told(&s).await?;
    told_no_more(&s).await
}

async fn ignored(s: Scene) -> Outcome {
    let channel = s.channel("a");
    let mut client = hold(&s, s.get(), telling(&s, poll_on(&channel))).await?;
    s.publish(for_polls(&channel, "item\n")).await?;
    client.answer().await?.says("item\n")?;
    s.origin.asked_at("/gone").await?.reply(reply("500 Sorry").body("sorry\n")).await?;
    s.origin.unasked(s.seconds(2.5)).await?;
    client.send(&s.get()).await?;
    s.origin.asked().await?.reply(ok("after")).await?;
    client.answer().await?.says("after")?.fine()
}

async fn once(s: Scene) -> Outcome {
    let channel = s.channel("a");
    let _other = warm(&s, &channel).await?;
    let mut client = hold(&s, s.get(), telling(&s, poll_on(&channel))).await?;
    for _ in 0..2 {
        s.publish(hint(&channel)).await?;
        s.origin.asked_at("").await?.reply(telling(&s, poll_on(&channel))).await?;
        s.settle().await;
    }
    s.publish(for_polls(&channel, "item\n")).await?;
    client.answer().await?.says("item\n")?;
    told(&s).await?;
    told_no_more(&s).await
}

async fn nothing(s: Scene) -> Outcome {
    s.answered(telling(&s, ok("all\n"))).await?.status(200)?.says("all\n")?;
    told_no_more(&s).await
}
