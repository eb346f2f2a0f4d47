//! Items for WebSockets.

use serde_json::{Value, json};

use super::ws_support::{
    control, for_sockets, granted, grip, subscribe, subscribed, upgrade, woh_subscribed, ws_item,
};
use crate::{
    case::{Case, Outcome, ensure, must, should, wrong},
    peer::{
        events::{Event, Kind, binary, close, open, ping, pong, text},
        frame::Frame,
        socket::{Incoming, Socket},
    },
    scene::Scene,
    target::{SUB_WOH, host},
};

pub(super) fn cases() -> Vec<Case> {
    vec![
        must("WPUB-1/content", "content is text, content-bin binary, and type overrides", content),
        must("WPUB-1/empty", "empty content is an empty message", empty),
        must("WPUB-2/signals", "an item may be a ping or a pong, and the answer goes on", signals),
        should("WPUB-2/bare-ping", "a ping needs no content", bare_ping),
        must("WPUB-3/as-is", "prefixes mean nothing in items", as_is),
        must("WPUB-4/close", "an item can close, and what is behind it is lost", closes),
        must("WPUB-5/hint", "a hint does nothing", hint),
        must("WPUB-5/unknown", "an unknown action is refused", unknown_action),
        must("WPUB-6/two-channels", "an item for two channels comes twice", two_channels),
        must("WPUB-7/undecided", "before the 101 there is nobody to receive", undecided),
        must("WPUB-8/in-order", "items come in their order", in_order),
        should("WPUB-9/waits", "an item waits for the end of a message in parts", waits),
        must("WPUB-10/skipped", "an item for other filters is skipped", content_filters),
        should("WPUB-11/require-sub", "require-sub works on WebSockets", require_sub),
        must("WPUB-11/close", "a close passes the filters", filtered_close),
        must("WPUB-12/failing", "an item that a filter cannot handle is not sent", failing_filter),
        should("WPUB-20/burst", "a burst of items arrives whole", burst),
        should("WPUB-20/single", "and so one of larger items", large_burst),
        should("WPUB-20/stalled", "a client too slow is closed, not cheated", stalled).alone(),
        must("WPUB-21/large", "a large item arrives whole", large),
        must("WSM-1/invalid", "an invalid format is refused", invalid),
        should("WSM-1/codes", "and so are codes that may not be sent", bad_codes),
    ]
}

async fn content(s: Scene) -> Outcome {
    let channel = s.channel("a");
    let (mut client, _backend) = subscribed(&s, &channel).await?;
    let table = [
        (json!({ "content": "größe" }), text("größe")),
        (json!({ "content-bin": "AP8=" }), binary(b"\x00\xff")),
        (json!({ "content": "x", "content-bin": "eQ==" }), binary("y")),
        (json!({ "type": "text", "content-bin": "eQ==" }), text("y")),
        (json!({ "type": "binary", "content": "x" }), binary("x")),
    ];
    for (format, wanted) in table {
        s.publish(ws_item(&channel, format)).await?;
        client.hears(wanted).await?;
    }
    Ok(())
}

async fn empty(s: Scene) -> Outcome {
    let channel = s.channel("a");
    let (mut client, _backend) = subscribed(&s, &channel).await?;
    s.publish(for_sockets(&channel, "")).await?;
    client.hears_texts(&[""]).await
}

async fn signals(s: Scene) -> Outcome {
    let channel = s.channel("a");
    let (mut client, mut backend) = subscribed(&s, &channel).await?;
    s.publish(ws_item(&channel, json!({ "type": "ping", "content": "sign" }))).await?;
    client.hears(ping("sign")).await?;
    s.publish(ws_item(&channel, json!({ "type": "pong", "content": "sign" }))).await?;
    client.hears(pong("sign")).await?;
    backend.quiet(s.seconds(0.3)).await?;
    client.send(pong("")).await?;
    backend.hears(pong("")).await
}

async fn bare_ping(s: Scene) -> Outcome {
    let channel = s.channel("a");
    let (mut client, _backend) = subscribed(&s, &channel).await?;
    s.publish(ws_item(&channel, json!({ "type": "ping" }))).await?;
    client.hears(ping("")).await
}

async fn as_is(s: Scene) -> Outcome {
    let channel = s.channel("a");
    let (mut client, _backend) = subscribed(&s, &channel).await?;
    for content in ["m:one", "c:{\"type\":\"detach\"}", "plain"] {
        s.publish(for_sockets(&channel, content)).await?;
        client.hears_texts(&[content]).await?;
    }
    Ok(())
}

async fn closes(s: Scene) -> Outcome {
    let channel = s.channel("a");
    let (mut client, mut backend) = subscribed(&s, &channel).await?;
    let ending = ws_item(&channel, json!({ "action": "close", "code": 4001, "reason": "end" }));
    s.publish_all(json!([for_sockets(&channel, "one"), ending, for_sockets(&channel, "two")]))
        .await?;
    client.hears_texts(&["one"]).await?;
    client.hears(close(4001, "end")).await?;
    client.send(close(4001, "end")).await?;
    client.ended().await?;
    backend.ends().await
}

async fn hint(s: Scene) -> Outcome {
    let channel = s.channel("a");
    let (mut client, _backend) = subscribed(&s, &channel).await?;
    s.publish(ws_item(&channel, json!({ "action": "hint" }))).await?;
    s.publish(for_sockets(&channel, "item")).await?;
    client.hears_texts(&["item"]).await
}

/// Requires that these formats are refused, and that a good one is not.
async fn refused(s: &Scene, formats: &[Value]) -> Outcome {
    for format in formats {
        let items = json!({ "items": [ws_item("x", format.clone())] }).to_string();
        let request = s.publisher()?.request("POST", "/publish").body(items);
        let answer = s.control(request).await?;
        ensure(answer.head.word(1) == "400", format_args!("{} for {format}", answer.head))?;
    }
    let channel = s.channel("a");
    let (mut client, _backend) = subscribed(s, &channel).await?;
    s.publish(for_sockets(&channel, "item")).await?;
    client.hears_texts(&["item"]).await
}

async fn unknown_action(s: Scene) -> Outcome {
    refused(&s, &[json!({ "action": "nonsense", "content": "x" })]).await
}

async fn invalid(s: Scene) -> Outcome {
    let formats = [
        json!("x"),
        json!({}),
        json!({ "content": 1 }),
        json!({ "type": "nonsense", "content": "x" }),
        json!({ "type": "text" }),
        json!({ "action": "close", "code": -1 }),
        json!({ "action": "close", "code": 4000, "reason": 1 }),
    ];
    refused(&s, &formats).await
}

async fn bad_codes(s: Scene) -> Outcome {
    let codes = [999, 1004, 1006, 1015, 2000, 5000, 70000];
    refused(&s, &codes.map(|code| json!({ "action": "close", "code": code }))).await
}

async fn two_channels(s: Scene) -> Outcome {
    let (first, second) = (s.channel("a"), s.channel("b"));
    let (mut client, mut backend) = subscribed(&s, &first).await?;
    backend.send(subscribe(&second)).await?;
    s.settle().await;
    s.publish_all(json!([for_sockets(&first, "item"), for_sockets(&second, "item")])).await?;
    client.hears_texts(&["item", "item"]).await?;
    client.quiet(s.seconds(0.3)).await
}

async fn undecided(s: Scene) -> Outcome {
    let (early, late) = (s.channel("early item"), s.channel("late item"));
    let client = s.send(&upgrade(&s).host(host::WOH_SUB)).await?;
    let exchange = s.origin.told(&[open()]).await?;
    s.publish(for_sockets(SUB_WOH, &early)).await?;
    s.settle().await;
    exchange.reply(granted(&[])).await?;
    let (mut client, _) = client.upgraded().await?;
    s.settle().await;
    s.publish(for_sockets(SUB_WOH, &late)).await?;
    loop {
        // The channel of a route is shared with other cases.
        match client.next().await? {
            Incoming::Event(event) if event == text(&late) => return Ok(()),
            Incoming::Event(event) if event != text(&early) => {}
            other => return wrong(format_args!("{other:?} came from before the 101")),
        }
    }
}

/// Items of this size, numbered from `first` on.
fn numbered(channel: &str, first: usize, count: usize, size: usize) -> (Value, Vec<String>) {
    let contents: Vec<String> = (first..first + count)
        .map(|n| format!("{n} {}", "x".repeat(size)).chars().take(size).collect())
        .collect();
    let items: Vec<Value> = contents.iter().map(|content| for_sockets(channel, content)).collect();
    (Value::Array(items), contents)
}

/// Publishes numbered items at once, and requires that they all arrive.
async fn arrive(s: &Scene, count: usize, size: usize) -> Outcome {
    let channel = s.channel("a");
    let mut client = woh_subscribed(s, &channel).await?;
    let (items, contents) = numbered(&channel, 0, count, size);
    s.publish_all(items).await?;
    for content in contents {
        client.hears(text(content)).await?;
    }
    Ok(())
}

async fn in_order(s: Scene) -> Outcome {
    arrive(&s, 100, 10).await
}

async fn burst(s: Scene) -> Outcome {
    arrive(&s, 300, 1_000).await
}

async fn large_burst(s: Scene) -> Outcome {
    arrive(&s, 5, 100_000).await
}

async fn stalled(s: Scene) -> Outcome {
    let channel = s.channel("a");
    let mut client = woh_subscribed(&s, &channel).await?;
    // Far more than the kernel and a queue of a megabyte hold.
    let mut contents = Vec::new();
    for first in 0..25 {
        let (items, more) = numbered(&channel, 10 * first, 10, 60_000);
        s.publish_all(items).await?;
        contents.extend(more);
    }
    s.pause(1.0).await;
    for content in contents {
        match client.next().await? {
            Incoming::Event(event) if event == text(&content) => {}
            Incoming::Event(event) if is_too_slow(&event) => return Ok(()),
            other => return wrong(format_args!("an item is lost, and then came {other:?}")),
        }
    }
    Ok(())
}

/// Whether this is a close with 1008 or 1013.
fn is_too_slow(event: &Event) -> bool {
    event.kind == Kind::Close
        && [1008_u16, 1013].iter().any(|code| event.content.starts_with(&code.to_be_bytes()))
}

async fn waits(s: Scene) -> Outcome {
    let channel = s.channel("a");
    let (mut client, mut backend) = subscribed(&s, &channel).await?;
    backend.frame(Frame::new(Kind::Text, "m:be").unfinished()).await?;
    s.settle().await;
    s.publish(for_sockets(&channel, "item")).await?;
    s.settle().await;
    backend.frame(Frame::more("gun")).await?;
    let (first, second) = (client.next().await?, client.next().await?);
    let (item, message) = (Incoming::Event(text("item")), Incoming::Event(text("begun")));
    let fine = [(&item, &message), (&message, &item)].contains(&(&first, &second));
    ensure(fine, format_args!("both should come whole, came {first:?} and {second:?}"))
}

/// A client subscribed with filters.
async fn filtering(s: &Scene, channel: &str, filters: Value) -> Outcome<(Socket, Socket)> {
    let (client, mut backend) = grip(s).await?;
    let message = json!({ "type": "subscribe", "channel": channel, "filters": filters });
    backend.send(control(&message)).await?;
    s.settle().await;
    Ok((client, backend))
}

async fn content_filters(s: Scene) -> Outcome {
    let channel = s.channel("a");
    let (mut client, _backend) = subscribed(&s, &channel).await?;
    let others = json!({ "content": "not for you", "content-filters": ["var-subst"] });
    s.publish(ws_item(&channel, others)).await?;
    s.publish(ws_item(&channel, json!({ "content": "item", "content-filters": [] }))).await?;
    client.hears_texts(&["item"]).await
}

async fn require_sub(s: Scene) -> Outcome {
    let (open, guarded) = (s.channel("open"), s.channel("guarded"));
    let (mut client, mut backend) = filtering(&s, &open, json!(["require-sub"])).await?;
    let mut item = for_sockets(&open, "item");
    item["meta"] = json!({ "require_sub": guarded });
    s.publish(item.clone()).await?;
    client.quiet(s.seconds(0.5)).await?;
    backend.send(subscribe(&guarded)).await?;
    s.settle().await;
    s.publish(item).await?;
    client.hears_texts(&["item"]).await
}

async fn filtered_close(s: Scene) -> Outcome {
    let channel = s.channel("a");
    let (mut client, mut backend) = filtering(&s, &channel, json!(["skip-self"])).await?;
    let user = json!({ "type": "set-meta", "name": "user", "value": "alice" });
    backend.send(control(&user)).await?;
    s.settle().await;
    let ending = |code: u16, sender: &str| {
        let mut item = ws_item(&channel, json!({ "action": "close", "code": code }));
        item["meta"] = json!({ "sender": sender });
        item
    };
    s.publish(ending(4001, "alice")).await?;
    s.publish(ending(4002, "bob")).await?;
    client.hears(close(4002, "")).await
}

async fn failing_filter(s: Scene) -> Outcome {
    let channel = s.channel("a");
    let (mut client, mut backend) = filtering(&s, &channel, json!(["var-subst"])).await?;
    s.publish(for_sockets(&channel, "hello %(user)s")).await?;
    client.quiet(s.seconds(0.5)).await?;
    let user = json!({ "type": "set-meta", "name": "user", "value": "alice" });
    backend.send(control(&user)).await?;
    s.settle().await;
    s.publish(for_sockets(&channel, "hello %(user)s")).await?;
    client.hears_texts(&["hello alice"]).await
}

async fn large(s: Scene) -> Outcome {
    arrive(&s, 1, 300_000).await
}
