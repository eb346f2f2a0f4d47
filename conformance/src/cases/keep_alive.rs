//! Keep-alive data in streams.

use std::time::Instant;

use serde_json::json;

use super::support::{for_streams, hint, instruct, instructs_refused, next, open, stream_on, warm};
use crate::{
    case::{Case, Outcome, ensure, must, should},
    peer::client::Client,
    scene::Scene,
};

pub(super) fn cases() -> Vec<Case> {
    vec![
        must("KEEP-1/invalid", "what cannot be read is an error", invalid),
        must("KEEP-2/raw", "raw data is sent as written, without outer blanks", raw),
        must("KEEP-2/cstring", "cstring data has escapes", cstring),
        must("KEEP-2/base64", "base64 data is decoded", base64),
        should("KEEP-2/bad-escape", "an unknown escape is an error", bad_escape),
        should("KEEP-2/bad-base64", "broken base64 is an error", bad_base64),
        must("KEEP-3/repeated", "the data comes again and again, at its pace", repeated),
        must("KEEP-3/zero", "a timeout of zero acts as one second", zero),
        must("KEEP-4/idle", "items put the data off", idle),
        must("KEEP-4/interval", "in interval mode items do not matter", interval),
        must("KEEP-5/page", "the body of a page puts the data off", put_off_by_page),
        should("KEEP-5/empty-page", "a page without a body does not", not_put_off),
        must("KEEP-6/replaced", "a page brings its own data", replaced),
        must("KEEP-6/none", "or none", replaced_by_none),
        must("INS-7/empty", "a JSON keep-alive without content sends nothing", json_empty),
        should("INS-7/idle", "a JSON keep-alive is put off by items", json_idle),
        should("INS-7/interval", "unless its mode says otherwise", json_interval),
    ]
}

async fn invalid(s: Scene) -> Outcome {
    let values = [
        "; timeout=5",
        "x; mode=odd",
        "x; format=odd",
        "x; timeout=a",
        "x; timeout=-1",
        "x; timeout=",
        "a\\; format=cstring",
        "\\xZZ; format=cstring",
    ];
    refused(&s, &values).await
}

async fn refused(s: &Scene, values: &[&str]) -> Outcome {
    let hold = |value: &&str| stream_on("a").with(format!("Grip-Keep-Alive: {value}"));
    instructs_refused(s, values.iter().map(hold).collect()).await
}

async fn sends(s: Scene, value: &str, content: &str) -> Outcome {
    let hold = stream_on(&s.channel("a")).with(format!("Grip-Keep-Alive: {value}; timeout=1"));
    let (mut client, _) = s.held(hold).await?;
    client.head().await?;
    client.content(&format!("hello\n{content}{content}")).await
}

async fn raw(s: Scene) -> Outcome {
    sends(s, "  a \\n\"b\" ", "a \\n\"b\"").await
}

async fn cstring(s: Scene) -> Outcome {
    sends(s, "a\\\\b\\r\\n\\x41; format=cstring", "a\\b\r\nA").await
}

async fn base64(s: Scene) -> Outcome {
    sends(s, "YWJjCg==; Format=base64", "abc\n").await
}

async fn bad_escape(s: Scene) -> Outcome {
    refused(&s, &["a\\qb; format=cstring"]).await
}

async fn bad_base64(s: Scene) -> Outcome {
    refused(&s, &["%%%; format=base64", "YWJj!; format=base64"]).await
}

async fn repeated(s: Scene) -> Outcome {
    let hold =
        stream_on(&s.channel("a")).with("Grip-Keep-Alive: alive\\n; format=cstring; timeout=3");
    let (mut client, _) = s.held(hold).await?;
    client.head().await?;
    client.content("hello\n").await?;
    let start = Instant::now();
    client.content("alive\n").await?;
    client.content("alive\n").await?;
    let took = start.elapsed();
    // Each round takes from two to three seconds; some time had passed before the clock started.
    let fits = took >= s.seconds(3.2) && took <= s.seconds(6.5);
    ensure(fits, format_args!("two rounds took {took:?}"))
}

async fn zero(s: Scene) -> Outcome {
    let hold = stream_on(&s.channel("a")).with("Grip-Keep-Alive: x; timeout=0");
    let mut client = s.send(&s.get()).await?;
    s.origin.asked().await?.reply(hold).await?;
    client.head().await?;
    client.content("hello\nx").await
}

/// Publishes an item every 0.6 s for a while. Gives the time of the first keep-alive, if one came.
async fn under_traffic(s: &Scene, channel: &str, reply: impl Into<Vec<u8>>) -> Outcome<bool> {
    let mut client = s.stream(reply, "hello\n").await?;
    for number in 0..7 {
        let item = format!("item {number}\n");
        s.publish(for_streams(channel, &item)).await?;
        if client.content(&item).await.is_err() {
            return Ok(true);
        }
        s.pause(0.6).await;
    }
    Ok(false)
}

async fn idle(s: Scene) -> Outcome {
    let channel = s.channel("a");
    let hold = stream_on(&channel).with("Grip-Keep-Alive: alive; timeout=3; mode=idle");
    ensure(!under_traffic(&s, &channel, hold).await?, "keep-alive data came between items")
}

async fn interval(s: Scene) -> Outcome {
    let channel = s.channel("a");
    let hold = stream_on(&channel).with("Grip-Keep-Alive: alive; timeout=3; mode=interval");
    ensure(under_traffic(&s, &channel, hold).await?, "items put the keep-alive data off")
}

/// A stream on a channel that others hear, with keep-alive data each four seconds; after two of them
/// the next page is this one.
async fn turned(s: &Scene, page: &str, keep_alive: &str) -> Outcome<(Client, Client)> {
    let channel = s.channel("a");
    let other = warm(s, &channel).await?;
    let reply = stream_on(&channel).with("Grip-Keep-Alive: alive; timeout=4");
    let mut client = open(s, reply.with(next(&s.origin, "/2"))).await?;
    s.pause(2.0).await;
    s.publish(hint(&channel)).await?;
    let reply = stream_on(&channel).body(page).with(next(&s.origin, "/3"));
    let reply = match keep_alive {
        "" => reply,
        value => reply.with(format!("Grip-Keep-Alive: {value}")),
    };
    s.origin.asked_at("/2").await?.reply(reply).await?;
    client.content(page).await?;
    Ok((client, other))
}

async fn put_off_by_page(s: Scene) -> Outcome {
    let (mut client, _other) = turned(&s, "page\n", "alive; timeout=4").await?;
    client.quiet(s.seconds(2.5)).await?;
    client.content("alive").await
}

async fn not_put_off(s: Scene) -> Outcome {
    let (mut client, _other) = turned(&s, "", "alive; timeout=4").await?;
    let start = Instant::now();
    client.content("alive").await?;
    let took = start.elapsed();
    ensure(took <= s.seconds(2.2), format_args!("the data came {took:?} after the page"))
}

async fn replaced(s: Scene) -> Outcome {
    let (mut client, _other) = turned(&s, "page\n", "other; timeout=1").await?;
    client.content("otherother").await
}

async fn replaced_by_none(s: Scene) -> Outcome {
    let (mut client, _other) = turned(&s, "page\n", "").await?;
    client.quiet(s.seconds(4.5)).await
}

/// A JSON instruction for a stream with this keep-alive.
fn json_stream(channel: &str, keep_alive: serde_json::Value) -> crate::peer::message::Reply {
    instruct(&json!({
        "hold": { "mode": "stream", "channels": [{ "name": channel }], "keep-alive": keep_alive },
        "response": { "body": "hello\n" }
    }))
}

async fn json_empty(s: Scene) -> Outcome {
    let hold = json_stream(&s.channel("a"), json!({ "timeout": 1 }));
    let mut client = s.stream(hold, "hello\n").await?;
    client.quiet(s.seconds(2.5)).await
}

async fn json_idle(s: Scene) -> Outcome {
    let channel = s.channel("a");
    let hold = json_stream(&channel, json!({ "content": "alive", "timeout": 3 }));
    ensure(!under_traffic(&s, &channel, hold).await?, "keep-alive data came between items")
}

async fn json_interval(s: Scene) -> Outcome {
    let channel = s.channel("a");
    let keep_alive = json!({ "content": "alive", "timeout": 3, "mode": "interval" });
    let hold = json_stream(&channel, keep_alive);
    ensure(under_traffic(&s, &channel, hold).await?, "items put the keep-alive data off")
}
