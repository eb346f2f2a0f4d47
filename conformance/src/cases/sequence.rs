//! The order of the items of a channel: what is released at once, and what waits for what.

use std::time::Instant;

use serde_json::{Value, json};

use super::support::{chained, for_polls, for_streams, stream_on, with_id};
use crate::{
    case::{Case, Outcome, ensure, must, should},
    peer::client::Client,
    scene::Scene,
};

pub(super) fn cases() -> Vec<Case> {
    vec![
        must("SEQ-2/unordered", "an item with no-seq is released at once", unordered),
        must("SEQ-2/unheard", "items that nobody hears do not count", unheard),
        must(
            "SEQ-3/first",
            "the first item of a channel is released, whatever is before it",
            first,
        ),
        must("SEQ-3/no-previous", "so is an item that names none before it", no_previous),
        must("SEQ-3/no-id", "after an item without an id anything may follow", no_id),
        must("SEQ-4/waits", "an item waits for the one before it", waits),
        must("SEQ-4/hundred", "a hundred items may wait", hundred),
        should("SEQ-4/fork", "of two items after the same one, the later is not lost", fork),
        must("SEQ-5/chain", "a released item releases those behind it", chain),
        must("SEQ-6/expires", "what waited for the set time is released as it is", expires),
        should("SEQ-6/exact", "and not much later", expires_exactly),
        should("SEQ-6/in-order", "such items come in the order they came in", expire_in_order),
        must("SEQ-7/formats", "items of other formats count in the sequence", formats),
        must("SEQ-8/forgotten", "the last hold takes the sequence with it", forgotten),
        must("SEQ-8/discarded", "and the items that wait", discarded),
        must("SEQ-9/in-order", "a session gets the items of a channel in order", in_order),
    ]
}

/// A stream on a channel of this case.
async fn stream(s: &Scene) -> Outcome<(String, Client)> {
    let channel = s.channel("a");
    let client = s.stream(stream_on(&channel), "hello\n").await?;
    Ok((channel, client))
}

/// An item that says its id.
fn item(channel: &str, previous: &str, id: &str) -> Value {
    chained(previous, id, for_streams(channel, &format!("{id}\n")))
}

/// An item that says its id, and names none before it.
fn root(channel: &str, id: &str) -> Value {
    with_id(id, for_streams(channel, &format!("{id}\n")))
}

async fn unordered(s: Scene) -> Outcome {
    let (channel, mut client) = stream(&s).await?;
    s.publish(root(&channel, "1")).await?;
    client.content("1\n").await?;
    let mut free = item(&channel, "8", "9");
    free["no-seq"] = true.into();
    s.publish(free).await?;
    client.content("9\n").await?;
    // It has not become the last item.
    s.publish_all(json!([item(&channel, "9", "10"), item(&channel, "1", "2")])).await?;
    client.content("2\n").await?;
    client.quiet(s.seconds(0.5)).await
}

async fn unheard(s: Scene) -> Outcome {
    s.publish(root(&s.channel("a"), "1")).await?;
    let (channel, mut client) = stream(&s).await?;
    s.publish(item(&channel, "2", "3")).await?;
    client.content("3\n").await
}

async fn first(s: Scene) -> Outcome {
    let (channel, mut client) = stream(&s).await?;
    s.publish(item(&channel, "4", "5")).await?;
    client.content("5\n").await?;
    s.publish_all(json!([item(&channel, "8", "9"), item(&channel, "5", "6")])).await?;
    client.content("6\n").await?;
    client.quiet(s.seconds(0.5)).await
}

async fn no_previous(s: Scene) -> Outcome {
    let (channel, mut client) = stream(&s).await?;
    s.publish_all(json!([root(&channel, "1"), root(&channel, "7"), item(&channel, "7", "8")]))
        .await?;
    client.content("1\n7\n8\n").await
}

async fn no_id(s: Scene) -> Outcome {
    let (channel, mut client) = stream(&s).await?;
    let nameless = for_streams(&channel, "none\n");
    s.publish_all(json!([root(&channel, "1"), nameless, item(&channel, "4", "5")])).await?;
    client.content("1\nnone\n5\n").await
}

async fn waits(s: Scene) -> Outcome {
    let (channel, mut client) = stream(&s).await?;
    s.publish_all(json!([root(&channel, "1"), item(&channel, "2", "3")])).await?;
    client.content("1\n").await?;
    client.quiet(s.seconds(3.0)).await
}

async fn hundred(s: Scene) -> Outcome {
    let (channel, mut client) = stream(&s).await?;
    s.publish(root(&channel, "0")).await?;
    client.content("0\n").await?;
    let step = |id: u32| item(&channel, &(id - 1).to_string(), &id.to_string());
    s.publish_all((2..=101).rev().map(step).collect()).await?;
    client.quiet(s.seconds(0.3)).await?;
    s.publish(step(1)).await?;
    let wanted: String = (1..=101).map(|id| format!("{id}\n")).collect();
    client.content(&wanted).await
}

async fn fork(s: Scene) -> Outcome {
    let (channel, mut client) = stream(&s).await?;
    s.publish_all(json!([
        root(&channel, "1"),
        item(&channel, "2", "3a"),
        item(&channel, "2", "3b"),
        item(&channel, "1", "2"),
    ]))
    .await?;
    client.content("1\n2\n3").await?;
    // The earlier one may come too.
    match client.content("a\n").await {
        Ok(()) => client.content("3b\n").await,
        Err(_) => client.content("b\n").await,
    }
}

async fn chain(s: Scene) -> Outcome {
    let (channel, mut client) = stream(&s).await?;
    s.publish_all(json!([root(&channel, "1"), item(&channel, "3", "4"), item(&channel, "2", "3")]))
        .await?;
    client.content("1\n").await?;
    client.quiet(s.seconds(0.3)).await?;
    s.publish(item(&channel, "1", "2")).await?;
    client.content("2\n3\n4\n").await
}

/// Requires that an item whose predecessor does not come is released after five seconds, and this slack.
async fn released_within(s: &Scene, slack: f64) -> Outcome<(String, Client)> {
    let (channel, mut client) = stream(s).await?;
    s.publish(root(&channel, "1")).await?;
    client.content("1\n").await?;
    let start = Instant::now();
    s.publish(item(&channel, "2", "3")).await?;
    client.content("3\n").await?;
    let took = start.elapsed();
    let fits = took >= s.seconds(4.75) && took <= s.seconds(5.0 + slack);
    ensure(fits, format_args!("an item that may wait 5 s was released after {took:?}"))?;
    Ok((channel, client))
}

async fn expires_exactly(s: Scene) -> Outcome {
    released_within(&s, 0.3).await.map(|_| ())
}

async fn expires(s: Scene) -> Outcome {
    let (channel, mut client) = released_within(&s, 1.5).await?;
    s.publish(item(&channel, "3", "4")).await?;
    client.content("4\n").await
}

async fn expire_in_order(s: Scene) -> Outcome {
    let (channel, mut client) = stream(&s).await?;
    s.publish(root(&channel, "1")).await?;
    client.content("1\n").await?;
    let ids = ["90", "20", "70", "40", "60", "30"];
    let waiting = ids.map(|id| item(&channel, &format!("before-{id}"), id));
    s.publish_all(waiting.to_vec().into()).await?;
    client.content(&ids.map(|id| format!("{id}\n")).concat()).await
}

async fn formats(s: Scene) -> Outcome {
    let (channel, mut client) = stream(&s).await?;
    let other = chained("1", "2", for_polls(&channel, "2\n"));
    s.publish_all(json!([root(&channel, "1"), other, item(&channel, "2", "3")])).await?;
    client.content("1\n3\n").await
}

async fn forgotten(s: Scene) -> Outcome {
    let (channel, mut client) = stream(&s).await?;
    s.publish(root(&channel, "1")).await?;
    client.content("1\n").await?;
    drop(client);
    s.pause(1.0).await;
    let mut client = s.send(&s.get()).await?;
    client.head().await?;
    client.content("hello\n").await?;
    s.settle().await;
    s.publish(item(&channel, "4", "5")).await?;
    client.content("5\n").await
}

async fn discarded(s: Scene) -> Outcome {
    let (channel, mut client) = stream(&s).await?;
    s.publish_all(json!([root(&channel, "1"), item(&channel, "2", "3")])).await?;
    client.content("1\n").await?;
    drop(client);
    s.pause(1.0).await;
    let mut client = s.send(&s.get()).await?;
    client.head().await?;
    client.content("hello\n").await?;
    s.settle().await;
    s.publish(item(&channel, "1", "2")).await?;
    client.content("2\n").await?;
    client.quiet(s.seconds(0.7)).await
}

async fn in_order(s: Scene) -> Outcome {
    let (channel, mut client) = stream(&s).await?;
    s.publish(root(&channel, "0")).await?;
    client.content("0\n").await?;
    let step = |id: u32| item(&channel, &(id - 1).to_string(), &id.to_string());
    // Seven steps ahead each time, which reaches every number once.
    let mixed = (0..60).map(|number| step(number * 7 % 60 + 1));
    s.publish_all(mixed.filter(|one| one["id"] != "1").collect()).await?;
    s.publish(step(1)).await?;
    let wanted: String = (1..=60).map(|id| format!("{id}\n")).collect();
    client.content(&wanted).await
}
