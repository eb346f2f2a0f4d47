//! Published items: their forms, what they do to held responses, and duplicates.

use serde_json::{Value, json};

use super::support::{for_polls, for_streams, poll_on, stream_on, warm};
use crate::{
    case::{Case, Outcome, ensure, must, should},
    peer::client::Answer,
    scene::Scene,
};

pub(super) fn cases() -> Vec<Case> {
    vec![
        must("PUB-1/formats", "formats may stand in an object or in the item itself", formats),
        must("PUB-1/formats-win", "with the object the short form is ignored", formats_win),
        must("PUB-2/invalid", "items of the wrong form are refused", invalid),
        must("PUB-3/unknown", "unknown fields and formats are ignored", unknown),
        must("PUB-4/by-kind", "each hold takes the format of its kind", by_kind),
        must("PUB-4/other-kind", "an item without that format does nothing", other_kind),
        must("PUB-5/binary", "binary data comes in base64", binary),
        should("PUB-5/bad-base64", "broken base64 is refused", bad_base64),
        must("PUB-6/send", "send is the default action", send),
        must("PUB-6/invalid", "unknown actions are refused", bad_action),
        must("PUB-6/no-content", "a hint and a close need no content", no_content),
        should("PUB-6/refresh", "neither does a refresh", refresh),
        must("HRES-1/overlay", "an item's fields replace those of the held response", overlay),
        must("HRES-1/length", "length and framing are computed", length),
        must("HRES-2/grip", "Grip fields of an item are removed", grip_removed),
        should("HRES-3/exposed", "Grip-Expose-Headers of an item keeps what it lists", exposed),
        must("HRES-4/text", "a code may be text", code_text),
        must("HRES-4/range", "a code beyond 999 is refused", code_range),
        should("HRES-4/unusable", "codes that no response can have are refused", code_unusable),
        must("HRES-5/no-body", "204 and 304 send no body", no_body),
        must("HRES-6/line-breaks", "line breaks in fields and reason are refused", line_breaks),
        must("SEQ-1/duplicate", "an id seen on a channel is dropped", duplicate),
        must("SEQ-1/other-channel", "the same id on another channel is not", other_channel),
        should("SEQ-1/unheard", "an item that nobody heard may be sent again", unheard),
    ]
}

/// Publishes an item for a poll and gives the answer.
async fn answered_by(s: &Scene, response: Value) -> Outcome<Answer> {
    let place = s.place();
    // A channel of its own, so that what an earlier hold of it has left cannot matter.
    let channel = place.path.clone();
    let hold =
        poll_on(&channel).with("Content-Type: text/plain").with("X-Z: old").with("X-Orig: o");
    let (mut client, _) = s.held_for(&place, hold).await?;
    s.publish(json!({ "channel": channel, "http-response": response })).await?;
    client.answer().await
}

/// Publishes an item and requires this status.
async fn publishing_gives(s: &Scene, item: &Value, code: &str) -> Outcome {
    let body = json!({ "items": [item] }).to_string();
    let request = s.publisher()?.request("POST", "/publish").body(body);
    let answer = s.control(request).await?;
    let found = answer.head.word(1);
    ensure(found == code, format_args!("{found} instead of {code} for {item}"))?;
    ensure(code != "200" || answer.body == b"Published\n", format_args!("{:?}", answer.text()))
}

async fn all_refused(s: &Scene, items: &[Value]) -> Outcome {
    for item in items {
        publishing_gives(s, item, "400").await?;
    }
    // Not just everything is refused.
    publishing_gives(s, &for_streams("nobody", "x"), "200").await
}

async fn formats(s: Scene) -> Outcome {
    let channel = s.channel("a");
    let mut client = s.stream(stream_on(&channel), "hello\n").await?;
    s.publish(json!({ "channel": channel, "formats": { "http-stream": { "content": "a\n" } } }))
        .await?;
    client.content("a\n").await?;
    s.publish(json!({ "channel": channel, "http-stream": { "content": "b\n" } })).await?;
    client.content("b\n").await
}

async fn formats_win(s: Scene) -> Outcome {
    let channel = s.channel("a");
    let mut client = s.stream(stream_on(&channel), "hello\n").await?;
    let item = json!({
        "channel": channel,
        "formats": { "http-response": { "body": "x" } },
        "http-stream": { "content": "short\n" }
    });
    s.publish_all(json!([item, for_streams(&channel, "after\n")])).await?;
    client.content("after\n").await?;
    let ignored = json!({ "channel": channel, "formats": {}, "http-stream": { "content": "x" } });
    all_refused(&s, &[ignored]).await
}

async fn invalid(s: Scene) -> Outcome {
    let with = |name: &str, value: Value| {
        let mut item = for_streams("a", "x");
        item[name] = value;
        item
    };
    let mut items = vec![
        json!("x"),
        json!(null),
        json!({ "channel": "a" }),
        json!({ "http-stream": { "content": "x" } }),
        json!({ "channel": "a", "http-stream": "x" }),
        json!({ "channel": "a", "http-stream": {} }),
        json!({ "channel": "a", "http-stream": { "content": 1 } }),
        json!({ "channel": "a", "http-response": {} }),
        json!({ "channel": "a", "http-response": { "body": "x", "headers": "y" } }),
        json!({ "channel": "a", "http-response": { "body": "x", "headers": [["a"]] } }),
    ];
    for name in ["channel", "id", "prev-id", "meta", "formats"] {
        items.push(with(name, json!(null)));
        items.push(with(name, json!(1)));
    }
    items.push(with("meta", json!({ "a": 1 })));
    items.push(with("size", json!(-1)));
    items.push(with("size", json!(null)));
    items.push(with("no-seq", json!("yes")));
    all_refused(&s, &items).await
}

async fn unknown(s: Scene) -> Outcome {
    let channel = s.channel("a");
    let mut client = s.stream(stream_on(&channel), "hello\n").await?;
    let odd = json!({ "channel": channel, "formats": { "odd": { "x": 1 } } });
    publishing_gives(&s, &odd, "200").await?;
    let mut item = for_streams(&channel, "item\n");
    item["sender"] = json!("me");
    item["odd"] = json!([1]);
    publishing_gives(&s, &item, "200").await?;
    client.content("item\n").await
}

async fn by_kind(s: Scene) -> Outcome {
    let (channel, polls) = (s.channel("a"), s.place());
    let mut stream = warm(&s, &channel).await?;
    let (mut poll, _) = s.held_for(&polls, poll_on(&channel)).await?;
    let item = json!({
        "channel": channel,
        "http-stream": { "content": "to streams\n" },
        "http-response": { "body": "to polls\n" },
        "ws-message": { "content": "to sockets\n" }
    });
    s.publish(item).await?;
    stream.content("to streams\n").await?;
    poll.answer().await?.status(200)?.says("to polls\n")?.fine()
}

async fn other_kind(s: Scene) -> Outcome {
    let (channel, polls) = (s.channel("a"), s.place());
    let mut stream = warm(&s, &channel).await?;
    let (mut poll, _) = s.held_for(&polls, poll_on(&channel)).await?;
    s.publish(for_streams(&channel, "one\n")).await?;
    stream.content("one\n").await?;
    poll.quiet(s.seconds(0.3)).await?;
    s.publish(for_polls(&channel, "two\n")).await?;
    poll.answer().await?.says("two\n")?;
    stream.quiet(s.seconds(0.3)).await
}

async fn binary(s: Scene) -> Outcome {
    let both = json!({ "body-bin": "AAH/", "body": "text" });
    answered_by(&s, both).await?.status(200)?.says([0, 1, 255])?.fine()
}

async fn bad_base64(s: Scene) -> Outcome {
    let items = [
        json!({ "channel": "a", "http-stream": { "content-bin": "%%%" } }),
        json!({ "channel": "a", "http-response": { "body-bin": "AAH" } }),
    ];
    all_refused(&s, &items).await
}

async fn send(s: Scene) -> Outcome {
    let channel = s.channel("a");
    let mut client = s.stream(stream_on(&channel), "hello\n").await?;
    let mut item = for_streams(&channel, "item\n");
    item["http-stream"]["action"] = json!("send");
    s.publish(item).await?;
    client.content("item\n").await
}

async fn bad_action(s: Scene) -> Outcome {
    let actions = [json!("odd"), json!(""), json!(null), json!(1), json!("Send")];
    let with = |action: Value| json!({ "channel": "a", "http-stream": { "action": action, "content": "x" } });
    all_refused(&s, &actions.map(with)).await
}

async fn no_content(s: Scene) -> Outcome {
    for action in ["hint", "close"] {
        for format in ["http-stream", "http-response", "ws-message"] {
            let item = json!({ "channel": s.channel("a"), format: { "action": action } });
            publishing_gives(&s, &item, "200").await?;
        }
    }
    let unchecked = json!({ "channel": "a", "http-response": { "action": "hint", "code": "x" } });
    publishing_gives(&s, &unchecked, "200").await
}

async fn refresh(s: Scene) -> Outcome {
    let item = json!({ "channel": s.channel("a"), "ws-message": { "action": "refresh" } });
    publishing_gives(&s, &item, "200").await
}

async fn overlay(s: Scene) -> Outcome {
    let item = json!({
        "code": 201, "reason": "Yo", "headers": { "content-type": "a/b", "X-Z": "1" }, "body": "hi"
    });
    let answer = answered_by(&s, item).await?;
    answer.status(201)?.reason("Yo")?.says("hi")?;
    answer.has("Content-Type", "a/b")?.has("X-Z", "1")?.has("X-Orig", "o")?;
    let twice = json!({ "headers": [["X-Z", "1"], ["x-z", "2"]], "body": "hi" });
    let answer = answered_by(&s, twice).await?;
    let found = answer.status(200)?.reason("OK")?.head.all("X-Z");
    ensure(found == ["1", "2"], format_args!("X-Z is {found:?}"))
}

async fn length(s: Scene) -> Outcome {
    let fields =
        json!({ "Content-Length": "99", "Transfer-Encoding": "chunked", "Connection": "odd" });
    let answer = answered_by(&s, json!({ "headers": fields, "body": "four" })).await?;
    answer.status(200)?.says("four")?.has("Content-Length", "4")?.lacks("Transfer-Encoding")?;
    ensure(!answer.head.lists("Connection", "odd"), "the item's Connection reached the client")
}

async fn grip_removed(s: Scene) -> Outcome {
    let fields = json!({ "Grip-Hold": "stream", "grip-odd": "1", "X-A": "1" });
    let answer = answered_by(&s, json!({ "headers": fields, "body": "x" })).await?;
    answer.status(200)?.has("X-A", "1")?.head.lacks_any("Grip-")?;
    Ok(())
}

async fn exposed(s: Scene) -> Outcome {
    let fields = json!({ "Grip-Expose-Headers": "X-A", "X-A": "1", "X-B": "2" });
    let answer = answered_by(&s, json!({ "headers": fields, "body": "x" })).await?;
    answer.status(200)?.has("X-A", "1")?.lacks("X-B")?.fine()
}

async fn code_text(s: Scene) -> Outcome {
    answered_by(&s, json!({ "code": "404", "body": "x" })).await?.status(404)?.fine()
}

/// Items with these codes.
fn with_codes(codes: &[Value]) -> Vec<Value> {
    let with = |code| json!({ "channel": "a", "http-response": { "code": code, "body": "x" } });
    codes.iter().map(with).collect()
}

async fn code_range(s: Scene) -> Outcome {
    all_refused(&s, &with_codes(&[json!(1000), json!(-1), json!(null), json!([])])).await
}

async fn code_unusable(s: Scene) -> Outcome {
    all_refused(&s, &with_codes(&[json!(0), json!(99), json!(101), json!("fine"), json!(600)]))
        .await
}

async fn no_body(s: Scene) -> Outcome {
    for code in [204, 304] {
        let answer = answered_by(&s, json!({ "code": code, "body": "not seen" })).await?;
        answer.status(code)?.lacks("Transfer-Encoding")?;
    }
    Ok(())
}

async fn line_breaks(s: Scene) -> Outcome {
    let with = |name: &str, value: Value| json!({ "channel": "a", "http-response": { "body": "x", name: value } });
    let items = [
        with("headers", json!({ "X-A": "1\r\nX-B: 2" })),
        with("headers", json!([["X-A", "1\n2"]])),
        with("headers", json!({ "X-A": "1\u{0}" })),
        with("headers", json!({ "X-A\r\nX-B": "1" })),
        with("reason", json!("Fine\r\nX-B: 2")),
    ];
    all_refused(&s, &items).await
}

/// A stream item with an id.
fn numbered(channel: &str, id: &str, content: &str) -> Value {
    json!({ "channel": channel, "id": id, "http-stream": { "content": content } })
}

async fn duplicate(s: Scene) -> Outcome {
    let channel = s.channel("a");
    let mut client = s.stream(stream_on(&channel), "hello\n").await?;
    s.publish(numbered(&channel, "1", "first\n")).await?;
    client.content("first\n").await?;
    s.publish(numbered(&channel, "1", "again\n")).await?;
    s.publish(numbered(&channel, "2", "second\n")).await?;
    client.content("second\n").await
}

async fn other_channel(s: Scene) -> Outcome {
    let [a, b] = ["a", "b"].map(|name| s.channel(name));
    let mut client = s.stream(stream_on(&format!("{a}, {b}")), "hello\n").await?;
    s.publish(numbered(&a, "1", "on a\n")).await?;
    client.content("on a\n").await?;
    s.publish(numbered(&b, "1", "on b\n")).await?;
    client.content("on b\n").await
}

async fn unheard(s: Scene) -> Outcome {
    let channel = s.channel("a");
    s.publish(numbered(&channel, "1", "item\n")).await?;
    let mut client = s.stream(stream_on(&channel), "hello\n").await?;
    s.publish(numbered(&channel, "1", "item\n")).await?;
    client.content("item\n").await
}
