//! What a publisher can learn of its items, and of its mistakes.

use serde_json::{Value, json};

use super::support::{chained, for_streams, stream_on, with_id};
use crate::{
    case::{Case, Outcome, ensure, should},
    peer::client::Answer,
    scene::Scene,
};

pub(super) fn cases() -> Vec<Case> {
    vec![
        should("CTRL-5/index", "a JSON error says which item is to blame", index),
        should("CTRL-5/whole", "and names none, if it is the whole request", whole),
        should("CTRL-12/too-large", "a body that is too long is a 413", too_large),
        should("CTRL-14/idle", "idle connections do not stop others", idle),
        should("CTRL-16/reached", "on request an item's receivers are counted", reached),
        should("CTRL-16/duplicate", "a duplicate is told", duplicate),
        should("CTRL-16/waiting", "and so is an item that waits", waiting),
    ]
}

/// Publishes with a wish for JSON.
async fn publish(s: &Scene, path: &str, body: &Value) -> Outcome<Answer> {
    let request = s.publisher()?.request("POST", path).with("Accept: application/json");
    s.control(request.body(body.to_string())).await
}

fn document(answer: &Answer) -> Value {
    serde_json::from_slice(&answer.body).unwrap_or_default()
}

/// Requires a JSON error about this item.
fn blames(answer: &Answer, item: Option<u64>) -> Outcome {
    answer.status(400)?.has("Content-Type", "application/json")?;
    let found = document(answer);
    let told = found["error"].is_string() && found.get("item").and_then(Value::as_u64) == item;
    ensure(told, format_args!("{:?} should blame {item:?}", answer.text()))
}

async fn index(s: Scene) -> Outcome {
    let good = for_streams("nobody", "x");
    let items = json!({ "items": [good, good, { "channel": 1 }, good] });
    blames(&publish(&s, "/publish", &items).await?, Some(2))
}

async fn whole(s: Scene) -> Outcome {
    blames(&publish(&s, "/publish", &json!({ "items": 7 })).await?, None)
}

async fn too_large(s: Scene) -> Outcome {
    let request = s.publisher()?.request("POST", "/publish").with("Content-Length: 1000001");
    let mut client = s.publisher_client().await?;
    client.send(&request).await?;
    let head = client.head().await?;
    ensure(head.word(1) == "413", format_args!("{head} instead of 413"))
}

async fn idle(s: Scene) -> Outcome {
    let channel = s.channel("a");
    let mut client = s.stream(stream_on(&channel), "hello\n").await?;
    let mut idle = Vec::new();
    for _ in 0..140 {
        idle.push(s.publisher_client().await?);
    }
    s.publish(for_streams(&channel, "item\n")).await?;
    client.content("item\n").await
}

/// Publishes with a wish for a receipt, and requires that it says this of the items.
async fn receipt(s: &Scene, items: Value, wanted: Value) -> Outcome {
    let answer = publish(s, "/publish?receipt=1", &json!({ "items": items })).await?;
    answer.status(200)?.has("Content-Type", "application/json")?;
    let found = document(&answer);
    let wanted = json!({ "message": "Published", "items": wanted });
    ensure(found == wanted, format_args!("{found} instead of {wanted}"))
}

async fn reached(s: Scene) -> Outcome {
    let [a, b, c] = ["a", "b", "c"].map(|name| s.channel(name));
    let mut first = s.stream(stream_on(&format!("{a}, {b}")), "hello\n").await?;
    let (mut second, _) = s.held_for(&s.place(), stream_on(&b)).await?;
    second.head().await?;
    second.content("hello\n").await?;
    s.settle().await;
    let items = json!([for_streams(&a, "1\n"), for_streams(&b, "2\n"), for_streams(&c, "3\n")]);
    receipt(&s, items, json!([{ "reached": 1 }, { "reached": 2 }, { "reached": 0 }])).await?;
    first.content("1\n2\n").await?;
    second.content("2\n").await
}

async fn duplicate(s: Scene) -> Outcome {
    let channel = s.channel("a");
    let mut client = s.stream(stream_on(&channel), "hello\n").await?;
    let item = with_id("1", for_streams(&channel, "1\n"));
    let wanted = json!([{ "reached": 1 }, { "dropped": "item_duplicate" }]);
    receipt(&s, json!([item, item]), wanted).await?;
    client.content("1\n").await
}

async fn waiting(s: Scene) -> Outcome {
    let channel = s.channel("a");
    let mut client = s.stream(stream_on(&channel), "hello\n").await?;
    let first = with_id("1", for_streams(&channel, "1\n"));
    let third = chained("2", "3", for_streams(&channel, "3\n"));
    let wanted = json!([{ "reached": 1 }, { "waiting": true }]);
    receipt(&s, json!([first, third]), wanted).await?;
    client.content("1\n").await
}
