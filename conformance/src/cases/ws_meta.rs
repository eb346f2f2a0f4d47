//! WebSocket-over-HTTP: what the backend leaves with the proxy, what it takes in part, and requests that no
//! client caused.

use serde_json::json;

use super::ws_support::{
    granted, opened, says, subscribe, upgrade_woh, woh, woh_subscribed, ws_item,
};
use crate::{
    case::{Case, Outcome, ensure, must, should, wrong},
    peer::{
        events::{bare_close, binary, close, text},
        head::Head,
        message::Reply,
        socket::{Incoming, Socket},
    },
    scene::Scene,
};

pub(super) fn cases() -> Vec<Case> {
    vec![
        must("WOH-30/stored", "Set-Meta on any answer comes back as Meta", stored),
        must("WOH-30/replaced", "a later value replaces, an empty one deletes", replaced),
        must("WOH-30/own", "each connection has its own", own),
        should("WOH-31/limit", "too much of it ends the connection by 1011", limit),
        should("WOH-32/part", "what the backend did not take is offered again", part),
        should("WOH-32/not-a-number", "a number that is none means all", not_a_number),
        should("WOH-32/too-many", "more than was offered ends the connection", too_many),
        should("WOH-33/waits", "it is offered again with the next event, not before", waits),
        should("WOH-34/replayed", "what was offered before is counted", replayed),
        should("WOH-35/close", "a close is said again with what was not taken", close_again),
        must("WOH-36/empty", "empty messages are not lost while a request is under way", empty),
        must("WOH-37/interval", "without events an empty request is made now and then", interval)
            .within(60),
        must("WOH-37/off", "0 ends that", interval_off).within(60),
        must("WOH-37/least", "less than 20 seconds act as 20", least).within(40),
        must("WOH-37/without", "without an interval no request is made", without).within(40),
        must("WOH-40/refresh", "refresh makes a request now", refresh),
        should("WOH-40/after", "after one that is under way, and with what waits", refresh_after),
    ]
}

/// Lets the client speak, and gives the head of the request; the backend answers with this.
async fn said(s: &Scene, client: &mut Socket, reply: Reply) -> Outcome<Head> {
    client.say("?").await?;
    let exchange = s.origin.told(&[text("?")]).await?;
    let head = exchange.seen.head.clone();
    exchange.reply(reply).await?;
    Ok(head)
}

async fn stored(s: Scene) -> Outcome {
    let reply = granted(&[]).with("Set-Meta-User: alice").with("Set-Meta-Room-Id: 1, 2; 3");
    let mut client = opened(&s, upgrade_woh(&s), reply).await?;
    let head = said(&s, &mut client, says(&[]).with("Set-Meta-Late: x")).await?;
    head.has("Meta-User", "alice")?.has("Meta-Room-Id", "1, 2; 3")?.lacks("Meta-Late")?;
    for _ in 0..2 {
        let head = said(&s, &mut client, says(&[])).await?;
        head.has("Meta-User", "alice")?.has("Meta-Late", "x")?.lacks_any("Set-Meta-")?;
    }
    Ok(())
}

async fn replaced(s: Scene) -> Outcome {
    let reply = granted(&[]).with("Set-Meta-A: 1").with("Set-Meta-B: 1");
    let mut client = opened(&s, upgrade_woh(&s), reply).await?;
    said(&s, &mut client, says(&[]).with("set-meta-a: 2").with("Set-Meta-B: ")).await?;
    let head = said(&s, &mut client, says(&[])).await?;
    head.has("Meta-A", "2")?.lacks("Meta-B")?;
    Ok(())
}

async fn own(s: Scene) -> Outcome {
    let mut first = opened(&s, upgrade_woh(&s), granted(&[]).with("Set-Meta-A: 1")).await?;
    let mut second = woh(&s, &[]).await?;
    said(&s, &mut second, says(&[])).await?.lacks("Meta-A")?;
    said(&s, &mut first, says(&[])).await?.has("Meta-A", "1")?;
    Ok(())
}

async fn limit(s: Scene) -> Outcome {
    let mut client = woh(&s, &[]).await?;
    for n in 0..20 {
        let line = format!("Set-Meta-A{n}: {}", "x".repeat(6_000));
        said(&s, &mut client, says(&[]).with(line)).await?;
        match client.next_within(s.seconds(0.1)).await? {
            None => {}
            Some(Incoming::Event(event)) if event.content.starts_with(&[3, 0xf3]) => return Ok(()),
            Some(other) => return wrong(format_args!("a close 1011 should come, came {other:?}")),
        }
    }
    wrong("120,000 bytes are kept")
}

async fn part(s: Scene) -> Outcome {
    let mut client = woh(&s, &[]).await?;
    client.say("hello world").await?;
    let exchange = s.origin.told(&[text("hello world")]).await?;
    exchange.reply(says(&[text("m:go on")]).with("Content-Bytes-Accepted: 3")).await?;
    client.hears_texts(&["go on"]).await?;
    client.send(binary("more")).await?;
    s.origin.told(&[text("lo world"), binary("more")]).await?.says(&[]).await
}

async fn not_a_number(s: Scene) -> Outcome {
    let mut client = woh(&s, &[]).await?;
    for value in ["x", "-1"] {
        let reply = says(&[]).with(format!("Content-Bytes-Accepted: {value}"));
        said(&s, &mut client, reply).await?;
    }
    // That this header has an effect at all is shown by what is taken in part.
    let reply = says(&[]).with("Content-Bytes-Accepted: 0");
    said(&s, &mut client, reply).await?;
    client.say("!").await?;
    s.origin.told(&[text("?"), text("!")]).await?.says(&[]).await
}

async fn too_many(s: Scene) -> Outcome {
    let mut client = woh(&s, &[]).await?;
    said(&s, &mut client, says(&[]).with("Content-Bytes-Accepted: 2")).await?;
    client.ends().await
}

async fn waits(s: Scene) -> Outcome {
    let mut client = woh(&s, &[]).await?;
    said(&s, &mut client, says(&[]).with("Content-Bytes-Accepted: 0")).await?;
    s.origin.unasked(s.seconds(1.0)).await?;
    client.say("!").await?;
    s.origin.told(&[text("?"), text("!")]).await?.says(&[]).await
}

async fn replayed(s: Scene) -> Outcome {
    let mut client = woh(&s, &[]).await?;
    client.say("hello").await?;
    let exchange = s.origin.told(&[text("hello")]).await?;
    exchange.seen.head.lacks("Content-Bytes-Replayed")?;
    exchange.reply(says(&[]).with("Content-Bytes-Accepted: 2")).await?;
    s.pause(0.2).await;
    client.say("!").await?;
    let exchange = s.origin.told(&[text("llo"), text("!")]).await?;
    exchange.seen.head.has("Content-Bytes-Replayed", "3")?;
    exchange.says(&[]).await?;
    said(&s, &mut client, says(&[])).await?.lacks("Content-Bytes-Replayed")?;
    Ok(())
}

async fn close_again(s: Scene) -> Outcome {
    let mut client = woh(&s, &[]).await?;
    client.say("ab").await?;
    let nothing = says(&[]).with("Content-Bytes-Accepted: 0");
    s.origin.told(&[text("ab")]).await?.reply(nothing).await?;
    s.pause(0.2).await;
    client.send(close(4000, "")).await?;
    let exchange = s.origin.told(&[text("ab"), close(4000, "")]).await?;
    exchange.reply(says(&[]).with("Content-Bytes-Accepted: 1")).await?;
    let exchange = s.origin.told(&[text("b"), close(4000, "")]).await?;
    exchange.says(&[close(4000, "")]).await?;
    client.closes(4000).await.map(drop)
}

async fn empty(s: Scene) -> Outcome {
    let mut client = woh(&s, &[]).await?;
    client.say("a").await?;
    let exchange = s.origin.told(&[text("a")]).await?;
    for event in [text(""), binary(""), text("b")] {
        client.send(event).await?;
    }
    s.pause(0.3).await;
    exchange.says(&[]).await?;
    s.origin.told(&[text(""), binary(""), text("b")]).await?.says(&[]).await
}

/// A client over HTTP with this interval in force.
async fn with_interval(s: &Scene, interval: u32) -> Outcome<Socket> {
    let reply = granted(&[]).with(format!("Keep-Alive-Interval: {interval}"));
    opened(s, upgrade_woh(s), reply).await
}

/// Waits for an empty request that comes after this many seconds, or a little later or earlier.
async fn after(s: &Scene, seconds: f64, reply: Reply) -> Outcome {
    s.origin.unasked(s.seconds(seconds * 0.9)).await?;
    let exchange = s.origin.told(&[]).await?;
    exchange.seen.head.has("Content-Length", "0")?;
    exchange.reply(reply).await
}

async fn interval(s: Scene) -> Outcome {
    let mut client = with_interval(&s, 21).await?.patient(s.seconds(30.0));
    s.pause(5.0).await;
    said(&s, &mut client, says(&[])).await?;
    after(&s, 21.0, says(&[text("m:tick")])).await?;
    client.hears_texts(&["tick"]).await?;
    after(&s, 21.0, says(&[])).await
}

async fn interval_off(s: Scene) -> Outcome {
    let _client = with_interval(&s, 20).await?;
    after(&s, 20.0, says(&[]).with("Keep-Alive-Interval: 0")).await?;
    s.origin.unasked(s.seconds(24.0)).await
}

async fn least(s: Scene) -> Outcome {
    let _client = with_interval(&s, 1).await?;
    after(&s, 20.0, says(&[])).await
}

async fn without(s: Scene) -> Outcome {
    let mut client = woh(&s, &[]).await?;
    s.origin.unasked(s.seconds(24.0)).await?;
    said(&s, &mut client, says(&[])).await?;
    Ok(())
}

async fn refresh(s: Scene) -> Outcome {
    let channel = s.channel("a");
    let mut client = woh_subscribed(&s, &channel).await?;
    s.publish(ws_item(&channel, json!({ "action": "refresh" }))).await?;
    s.origin.told(&[]).await?.says(&[text("m:fresh")]).await?;
    client.hears_texts(&["fresh"]).await?;
    client.send(bare_close()).await?;
    s.origin.told(&[bare_close()]).await?.says(&[bare_close()]).await
}

async fn refresh_after(s: Scene) -> Outcome {
    let channel = s.channel("a");
    let mut client = woh(&s, &[subscribe(&channel)]).await?;
    s.settle().await;
    client.say("one").await?;
    let exchange = s.origin.told(&[text("one")]).await?;
    s.publish(ws_item(&channel, json!({ "action": "refresh" }))).await?;
    s.origin.unasked(s.seconds(0.5)).await?;
    exchange.says(&[]).await?;
    s.origin.told(&[]).await?.says(&[]).await?;
    ensure(client.next_within(s.seconds(0.2)).await?.is_none(), "the client heard something")
}
