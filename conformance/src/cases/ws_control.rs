//! Control messages: subscriptions, their filters, and giving the backend up.

use serde_json::{Value, json};

use super::ws_support::{
    GRIP, control, for_sockets, granted, grip, native, opened, subscribe, subscribed, upgrade, woh,
    ws_item,
};
use crate::{
    case::{Case, Outcome, must, should, wrong},
    peer::{
        events::{Event, bare_close, close, ping, pong, text},
        socket::{Incoming, Socket},
    },
    scene::Scene,
    target::{PREFIX, SUB, SUB_WOH, host},
};

pub(super) fn cases() -> Vec<Case> {
    vec![
        must("CTL-1/unknown-members", "members that are not known are ignored", unknown_members),
        must("CTL-2/ignored", "what is no control message is ignored", ignored),
        should("CTL-2/debug", "with debug it ends in 1011", debug),
        should("CTL-4/native", "a subscription is in force before the next message", race),
        should("CTL-4/woh", "and one in the first answer before the 101", race_woh),
        must("CTL-5/in-order", "control messages take effect in their order", in_order),
        must("CTL-10/item", "an item for the channel arrives", item),
        must("CTL-10/woh", "and so with WebSocket-over-HTTP", item_woh),
        must("CTL-10/prefix", "the route's prefix stands before the channel", prefix),
        must("CTL-10/twice", "a channel subscribed twice is one subscription", twice),
        must("CTL-10/filters", "later filters replace earlier ones", filters_replaced),
        must("CTL-11/limit", "beyond twenty channels there is no more room", limit),
        must("CTL-11/room", "unsubscribing makes room", room),
        should("CTL-11/repeat", "a channel that is there can change its filters", repeat_at_limit),
        must("CTL-12/no-list", "filters that are no list refuse the subscription", no_list),
        should("CTL-12/unknown", "and so does an unknown filter", unknown_filter),
        must("CTL-13/unsubscribe", "an unsubscribed channel is silent", unsubscribe),
        must("CTL-15/meta", "filters see the connection's meta", meta),
        must("CTL-16/session", "naming a session does no harm", session),
        must("CTL-25/native", "a target's channel is subscribed at once, without prefix", sub),
        must("CTL-25/woh", "and so with WebSocket-over-HTTP; it cannot be left", sub_woh),
        must("CTL-30/native", "detach closes the backend's connection alone", detach),
        must("CTL-30/woh", "and so with WebSocket-over-HTTP", detach_woh),
        should("CTL-30/in-order", "what follows a detach does not pass", detach_in_order),
        must("CTL-31/items", "items still arrive, and the client talks to nobody", detached_items),
        should("CTL-31/pings", "its pings are answered", detached_pings),
        must("CTL-31/close", "its close is answered", detached_close),
        should("CTL-31/code", "by its own code", detached_code),
    ]
}

/// Requires that an item for the channel arrives next.
async fn reaches(s: &Scene, client: &mut Socket, channel: &str, content: &str) -> Outcome {
    s.publish(for_sockets(channel, content)).await?;
    client.hears_texts(&[content]).await
}

/// A `subscribe` with filters.
fn filtered(channel: &str, filters: &Value) -> Event {
    control(&json!({ "type": "subscribe", "channel": channel, "filters": filters }))
}

fn unsubscribed(channel: &str) -> Event {
    control(&json!({ "type": "unsubscribe", "channel": channel }))
}

async fn unknown_members(s: Scene) -> Outcome {
    let (mut client, mut backend) = grip(&s).await?;
    let channel = s.channel("a");
    let message = json!({ "type": "subscribe", "channel": channel, "x": [1], "filters": [] });
    backend.send(control(&message)).await?;
    s.settle().await;
    reaches(&s, &mut client, &channel, "item").await
}

/// Messages that are no control messages, though they look it.
fn no_control(channel: &str) -> Vec<String> {
    let documents = [
        json!([]),
        json!({}),
        json!({ "channel": channel }),
        json!({ "type": 1, "channel": channel }),
        json!({ "type": "nonsense", "channel": channel }),
        json!({ "type": "subscribe" }),
        json!({ "type": "subscribe", "channel": "" }),
        json!({ "type": "subscribe", "channel": [channel] }),
        json!({ "type": "unsubscribe", "channel": "" }),
        json!({ "type": "set-meta", "value": "x" }),
        json!({ "type": "keep-alive", "content": "x", "timeout": -1 }),
    ];
    let texts = ["", "{", "no json"].map(str::to_owned);
    texts.into_iter().chain(documents.iter().map(Value::to_string)).collect()
}

async fn ignored(s: Scene) -> Outcome {
    let (mut client, mut backend) = grip(&s).await?;
    let channel = s.channel("a");
    for message in no_control(&channel) {
        backend.say(format!("c:{message}")).await?;
    }
    s.settle().await;
    s.publish(for_sockets(&channel, "too early")).await?;
    client.quiet(s.seconds(0.5)).await?;
    backend.send(subscribe(&channel)).await?;
    s.settle().await;
    reaches(&s, &mut client, &channel, "item").await
}

async fn debug(s: Scene) -> Outcome {
    let (mut client, mut backend) = native(&s, upgrade(&s).host(host::DEBUG), &[GRIP]).await?;
    backend.say("c:no json").await?;
    client.closes(1011).await.map(drop)
}

async fn race(s: Scene) -> Outcome {
    let (mut client, mut backend) = grip(&s).await?;
    for n in 0..20 {
        let (channel, item) = (s.channel(&n.to_string()), format!("item {n}"));
        backend.send(subscribe(&channel)).await?;
        backend.say("m:ready").await?;
        client.hears_texts(&["ready"]).await?;
        reaches(&s, &mut client, &channel, &item).await?;
    }
    Ok(())
}

async fn race_woh(s: Scene) -> Outcome {
    let mut clients = Vec::new();
    for n in 0..10 {
        let (channel, item) = (s.channel(&n.to_string()), format!("item {n}"));
        let mut client = woh(&s, &[subscribe(&channel)]).await?;
        reaches(&s, &mut client, &channel, &item).await?;
        // Its end would be told to the origin, where the next is awaited.
        clients.push(client);
    }
    Ok(())
}

async fn in_order(s: Scene) -> Outcome {
    let (on, off) = (s.channel("on"), s.channel("off"));
    let (mut client, mut backend) = grip(&s).await?;
    for message in [subscribe(&on), unsubscribed(&on), subscribe(&on)] {
        backend.send(message).await?;
    }
    for message in [unsubscribed(&off), subscribe(&off), unsubscribed(&off)] {
        backend.send(message).await?;
    }
    s.settle().await;
    s.publish(for_sockets(&off, "nobody")).await?;
    reaches(&s, &mut client, &on, "item").await?;
    client.quiet(s.seconds(0.3)).await
}

async fn item(s: Scene) -> Outcome {
    let channel = s.channel("a");
    let (mut client, mut backend) = subscribed(&s, &channel).await?;
    reaches(&s, &mut client, &channel, "item").await?;
    backend.quiet(s.seconds(0.3)).await
}

async fn item_woh(s: Scene) -> Outcome {
    let channel = s.channel("a");
    let mut client = woh(&s, &[subscribe(&channel)]).await?;
    s.settle().await;
    reaches(&s, &mut client, &channel, "item").await?;
    s.origin.unasked(s.seconds(0.3)).await
}

async fn prefix(s: Scene) -> Outcome {
    let channel = s.channel("a");
    let (mut client, mut backend) = native(&s, upgrade(&s).host(host::PREFIX), &[GRIP]).await?;
    backend.send(subscribe(&channel)).await?;
    s.settle().await;
    s.publish(for_sockets(&channel, "nobody")).await?;
    reaches(&s, &mut client, &format!("{PREFIX}{channel}"), "item").await
}

async fn twice(s: Scene) -> Outcome {
    let channel = s.channel("a");
    let (mut client, mut backend) = grip(&s).await?;
    backend.send(subscribe(&channel)).await?;
    backend.send(subscribe(&channel)).await?;
    s.settle().await;
    reaches(&s, &mut client, &channel, "item").await?;
    client.quiet(s.seconds(0.3)).await?;
    backend.send(unsubscribed(&channel)).await?;
    s.settle().await;
    s.publish(for_sockets(&channel, "nobody")).await?;
    client.quiet(s.seconds(0.5)).await
}

/// An item that connections of its sender skip, if they filter.
fn from_alice(channel: &str, content: &str) -> Value {
    let mut item = for_sockets(channel, content);
    item["meta"] = json!({ "sender": "alice" });
    item
}

/// Says who the client is.
fn is_alice() -> Event {
    control(&json!({ "type": "set-meta", "name": "user", "value": "alice" }))
}

async fn filters_replaced(s: Scene) -> Outcome {
    let channel = s.channel("a");
    let (mut client, mut backend) = grip(&s).await?;
    backend.send(is_alice()).await?;
    backend.send(filtered(&channel, &json!(["skip-self"]))).await?;
    s.settle().await;
    s.publish(from_alice(&channel, "own")).await?;
    reaches(&s, &mut client, &channel, "item").await?;
    backend.send(filtered(&channel, &json!([]))).await?;
    s.settle().await;
    s.publish(from_alice(&channel, "own again")).await?;
    client.hears_texts(&["own again"]).await
}

/// Subscribes to as many channels as there is room for, and tells their names.
async fn fill(s: &Scene, backend: &mut Socket) -> Outcome<Vec<String>> {
    let channels: Vec<String> = (0..20).map(|n| s.channel(&n.to_string())).collect();
    for channel in &channels {
        backend.send(subscribe(channel)).await?;
    }
    Ok(channels)
}

async fn limit(s: Scene) -> Outcome {
    let surplus = s.channel("surplus");
    let (mut client, mut backend) = grip(&s).await?;
    let channels = fill(&s, &mut backend).await?;
    backend.send(subscribe(&surplus)).await?;
    s.settle().await;
    s.publish(for_sockets(&surplus, "nobody")).await?;
    for channel in [&channels[0], &channels[19]] {
        reaches(&s, &mut client, channel, channel).await?;
    }
    client.quiet(s.seconds(0.3)).await
}

async fn room(s: Scene) -> Outcome {
    let surplus = s.channel("surplus");
    let (mut client, mut backend) = grip(&s).await?;
    let channels = fill(&s, &mut backend).await?;
    backend.send(unsubscribed(&channels[7])).await?;
    backend.send(subscribe(&surplus)).await?;
    s.settle().await;
    s.publish(for_sockets(&channels[7], "nobody")).await?;
    reaches(&s, &mut client, &surplus, "item").await
}

async fn repeat_at_limit(s: Scene) -> Outcome {
    let (mut client, mut backend) = grip(&s).await?;
    let channels = fill(&s, &mut backend).await?;
    backend.send(is_alice()).await?;
    backend.send(filtered(&channels[0], &json!(["skip-self"]))).await?;
    s.settle().await;
    s.publish(from_alice(&channels[0], "own")).await?;
    reaches(&s, &mut client, &channels[0], "item").await
}

async fn no_list(s: Scene) -> Outcome {
    let (bad, good) = (s.channel("bad"), s.channel("good"));
    let (mut client, mut backend) = grip(&s).await?;
    for filters in [json!("skip-self"), json!({}), json!([1]), json!(["skip-self", null])] {
        backend.send(filtered(&bad, &filters)).await?;
    }
    backend.send(subscribe(&good)).await?;
    s.settle().await;
    s.publish(for_sockets(&bad, "nobody")).await?;
    reaches(&s, &mut client, &good, "item").await
}

async fn unknown_filter(s: Scene) -> Outcome {
    let (bad, good) = (s.channel("bad"), s.channel("good"));
    let (mut client, mut backend) = grip(&s).await?;
    backend.send(filtered(&bad, &json!(["no-such-filter"]))).await?;
    backend.send(subscribe(&good)).await?;
    s.settle().await;
    s.publish(for_sockets(&bad, "nobody")).await?;
    reaches(&s, &mut client, &good, "item").await
}

async fn unsubscribe(s: Scene) -> Outcome {
    let (left, kept) = (s.channel("left"), s.channel("kept"));
    let (mut client, mut backend) = grip(&s).await?;
    for message in [subscribe(&left), subscribe(&kept), unsubscribed("no such channel")] {
        backend.send(message).await?;
    }
    s.settle().await;
    reaches(&s, &mut client, &left, "item").await?;
    backend.send(unsubscribed(&left)).await?;
    s.settle().await;
    s.publish(for_sockets(&left, "nobody")).await?;
    reaches(&s, &mut client, &kept, "item").await
}

async fn meta(s: Scene) -> Outcome {
    let channel = s.channel("a");
    let (mut client, mut backend) = grip(&s).await?;
    backend.send(filtered(&channel, &json!(["skip-self"]))).await?;
    backend.send(is_alice()).await?;
    s.settle().await;
    s.publish(from_alice(&channel, "own")).await?;
    reaches(&s, &mut client, &channel, "item").await?;
    backend.send(control(&json!({ "type": "set-meta", "name": "user" }))).await?;
    s.settle().await;
    s.publish(from_alice(&channel, "not own")).await?;
    client.hears_texts(&["not own"]).await
}

async fn session(s: Scene) -> Outcome {
    let channel = s.channel("a");
    let (mut client, mut backend) = grip(&s).await?;
    backend.send(control(&json!({ "type": "session", "id": "x" }))).await?;
    backend.send(control(&json!({ "type": "session" }))).await?;
    backend.send(subscribe(&channel)).await?;
    s.settle().await;
    reaches(&s, &mut client, &channel, "item").await
}

/// Waits for a text among others: the channel of a route is shared with other runs of its case.
async fn hears_among_others(client: &mut Socket, wanted: &str) -> Outcome {
    while client.next().await? != Incoming::Event(text(wanted)) {}
    Ok(())
}

async fn sub(s: Scene) -> Outcome {
    let own = s.channel("own item");
    let (mut client, _backend) = native(&s, upgrade(&s).host(host::SUB), &[]).await?;
    s.settle().await;
    s.publish(for_sockets(SUB, &own)).await?;
    hears_among_others(&mut client, &own).await
}

async fn sub_woh(s: Scene) -> Outcome {
    let own = s.channel("own item");
    let leave = [unsubscribed(SUB_WOH), text("m:left")];
    let request = upgrade(&s).host(host::WOH_SUB);
    let mut client = opened(&s, request, granted(&leave)).await?;
    hears_among_others(&mut client, "left").await?;
    s.settle().await;
    s.publish(for_sockets(SUB_WOH, &own)).await?;
    hears_among_others(&mut client, &own).await
}

fn detach_message() -> Event {
    control(&json!({ "type": "detach" }))
}

/// A client whose backend has subscribed it and left.
async fn detached(s: &Scene, channel: &str) -> Outcome<(Socket, Socket)> {
    let (client, mut backend) = subscribed(s, channel).await?;
    backend.send(detach_message()).await?;
    s.settle().await;
    Ok((client, backend))
}

async fn detach(s: Scene) -> Outcome {
    let (mut client, mut backend) = detached(&s, &s.channel("a")).await?;
    match backend.next().await? {
        Incoming::Event(event) if event == bare_close() || event == close(1000, "") => {}
        other => return wrong(format_args!("a close should come, came {other:?}")),
    }
    // The proxy need not wait for this.
    let _ = backend.say("m:too late").await;
    let _ = backend.send(bare_close()).await;
    client.quiet(s.seconds(0.5)).await
}

async fn detach_woh(s: Scene) -> Outcome {
    let channel = s.channel("a");
    let mut client = woh(&s, &[subscribe(&channel), detach_message()]).await?;
    s.origin.told(&[bare_close()]).await?.says(&[text("m:too late"), bare_close()]).await?;
    client.quiet(s.seconds(0.5)).await?;
    reaches(&s, &mut client, &channel, "item").await?;
    client.say("into the void").await?;
    s.origin.unasked(s.seconds(0.5)).await
}

async fn detach_in_order(s: Scene) -> Outcome {
    let channel = s.channel("a");
    let (mut client, mut backend) = grip(&s).await?;
    for event in [subscribe(&channel), text("m:before"), detach_message(), text("m:after")] {
        backend.send(event).await?;
    }
    client.hears_texts(&["before"]).await?;
    client.quiet(s.seconds(0.5)).await?;
    reaches(&s, &mut client, &channel, "item").await
}

async fn detached_items(s: Scene) -> Outcome {
    let channel = s.channel("a");
    let (mut client, _backend) = detached(&s, &channel).await?;
    for n in 0..3 {
        client.say("into the void").await?;
        reaches(&s, &mut client, &channel, &format!("item {n}")).await?;
    }
    let format = json!({ "action": "close", "code": 4000, "reason": "end" });
    s.publish(ws_item(&channel, format)).await?;
    client.hears(close(4000, "end")).await
}

async fn detached_pings(s: Scene) -> Outcome {
    let (mut client, _backend) = detached(&s, &s.channel("a")).await?;
    client.send(ping("sign")).await?;
    client.hears(pong("sign")).await
}

async fn detached_close(s: Scene) -> Outcome {
    let (mut client, _backend) = detached(&s, &s.channel("a")).await?;
    client.leave(1000).await
}

async fn detached_code(s: Scene) -> Outcome {
    let (mut client, _backend) = detached(&s, &s.channel("a")).await?;
    client.leave(4000).await
}
