//! Responses that stay open and grow by items.

use serde_json::json;

use super::support::{for_streams, stream_on};
use crate::{
    case::{Case, Outcome, ensure, must, should},
    peer::{
        body::Framing,
        client::End,
        message::{ok, reply},
    },
    scene::Scene,
};

pub(super) fn cases() -> Vec<Case> {
    vec![
        must("STRM-1/start", "status, fields and body come at once, without a length", start),
        must("STRM-1/chunked", "for HTTP/1.1 the body is chunked", chunked),
        must("STRM-1/http10", "for HTTP/1.0 it lasts until the connection ends", http10),
        must("STRM-1/verbatim", "items are appended byte for byte", verbatim),
        must("STRM-2/in-order", "many items come in their order", in_order),
        should("STRM-4/early-items", "items count from the instruction on", early_items),
        must("STRM-5/close", "a close ends the body, and the connection goes on", close),
        must("STRM-5/content", "a close says nothing", close_content),
        must("STRM-6/empty", "empty content sends nothing", empty),
        must("STRM-6/large", "a large item arrives whole", large),
        must("STRM-8/timeout", "Grip-Timeout does not end a stream", no_timeout),
        should("STRM-10/head", "HEAD is answered, not held", head_request),
        should("STRM-10/no-content", "204 is answered, not held", no_content),
    ]
}

async fn start(s: Scene) -> Outcome {
    let hold = stream_on(&s.channel("a")).with("X-A: 1").with("Content-Type: text/event-stream");
    let (mut client, _) = s.held(hold).await?;
    let head = client.head().await?;
    ensure(head.word(1) == "200", format_args!("{head}"))?;
    head.has("X-A", "1")?.has("Content-Type", "text/event-stream")?.lacks("Content-Length")?;
    head.lacks_any("Grip-")?;
    client.content("hello\n").await?;
    client.quiet(s.seconds(0.3)).await
}

async fn chunked(s: Scene) -> Outcome {
    let channel = s.channel("a");
    let mut client = s.stream(stream_on(&channel), "hello\n").await?;
    s.publish(json!({ "channel": channel, "http-stream": { "action": "close" } })).await?;
    let (rest, end) = client.rest().await?;
    ensure((rest.len(), end) == (0, End::Clean), format_args!("{rest:?}, {end:?}"))?;
    ensure(client.framing() == Framing::Chunked, format_args!("{:?}", client.framing()))
}

async fn http10(s: Scene) -> Outcome {
    let channel = s.channel("a");
    s.origin.always(stream_on(&channel));
    let mut client = s.send(&s.get().http10()).await?;
    client.head().await?.lacks("Transfer-Encoding")?.lacks("Content-Length")?;
    client.content("hello\n").await?;
    s.settle().await;
    s.publish(for_streams(&channel, "item\n")).await?;
    client.content("item\n").await?;
    s.publish(json!({ "channel": channel, "http-stream": { "action": "close" } })).await?;
    client.closed().await
}

async fn verbatim(s: Scene) -> Outcome {
    let channel = s.channel("a");
    let mut client = s.stream(stream_on(&channel), "hello\n").await?;
    for content in ["no line break", "\r\n\t", "größe \u{1f40d}", "0\r\n\r\n"] {
        s.publish(for_streams(&channel, content)).await?;
        client.content(content).await?;
    }
    s.publish(json!({ "channel": channel, "http-stream": { "content-bin": "AAEKfw==" } })).await?;
    client.content("\0\u{1}\n\u{7f}").await
}

async fn in_order(s: Scene) -> Outcome {
    let channel = s.channel("a");
    let mut client = s.stream(stream_on(&channel), "hello\n").await?;
    let items: Vec<_> = (0..50).map(|n| for_streams(&channel, &format!("{n}\n"))).collect();
    s.publish_all(json!(items)).await?;
    let wanted: String = (0..50).map(|n| format!("{n}\n")).collect();
    client.content(&wanted).await
}

async fn early_items(s: Scene) -> Outcome {
    let (channel, body) = (s.channel("a"), "x".repeat(8_000_000));
    s.origin.always(stream_on(&channel).body(&body));
    let mut client = s.send(&s.get()).await?;
    s.pause(1.5).await;
    s.publish(for_streams(&channel, "item\n")).await?;
    s.pause(0.5).await;
    client.head().await?;
    client.content(&body).await?;
    client.content("item\n").await
}

async fn close(s: Scene) -> Outcome {
    let (channel, second) = (s.channel("a"), s.place());
    let mut client = s.stream(stream_on(&channel), "hello\n").await?;
    s.publish(json!({ "channel": channel, "http-stream": { "action": "close" } })).await?;
    let (_, end) = client.rest().await?;
    ensure(end == End::Clean, "the stream was cut")?;
    client.send(&s.get_from(&second)).await?;
    second.asked().await?.reply(ok("after")).await?;
    client.answer().await?.says("after")?.fine()
}

async fn close_content(s: Scene) -> Outcome {
    let channel = s.channel("a");
    let mut client = s.stream(stream_on(&channel), "hello\n").await?;
    let item =
        json!({ "channel": channel, "http-stream": { "action": "close", "content": "bye" } });
    s.publish(item).await?;
    let (rest, end) = client.rest().await?;
    ensure((rest.len(), end) == (0, End::Clean), format_args!("{rest:?}, {end:?}"))
}

async fn empty(s: Scene) -> Outcome {
    let channel = s.channel("a");
    let mut client = s.stream(stream_on(&channel), "hello\n").await?;
    s.publish(for_streams(&channel, "")).await?;
    client.quiet(s.seconds(0.5)).await?;
    s.publish(for_streams(&channel, "item\n")).await?;
    client.content("item\n").await
}

async fn large(s: Scene) -> Outcome {
    let channel = s.channel("a");
    let mut client = s.stream(stream_on(&channel), "hello\n").await?;
    let content = "0123456789".repeat(90_000);
    s.publish(for_streams(&channel, &content)).await?;
    client.content(&content).await?;
    s.publish(for_streams(&channel, "after\n")).await?;
    client.content("after\n").await
}

async fn no_timeout(s: Scene) -> Outcome {
    let channel = s.channel("a");
    let mut client = s.stream(stream_on(&channel).with("Grip-Timeout: 5"), "hello\n").await?;
    client.quiet(s.seconds(6.0)).await?;
    s.publish(for_streams(&channel, "item\n")).await?;
    client.content("item\n").await
}

async fn head_request(s: Scene) -> Outcome {
    let channel = s.channel("a");
    let mut client = s.send(&s.request("HEAD")).await?;
    let hold = format!(
        "HTTP/1.1 200 OK\r\nContent-Length: 6\r\nGrip-Hold: stream\r\nGrip-Channel: {channel}\r\n\r\n"
    );
    s.origin.asked().await?.reply(hold).await?;
    client.answer().await?.status(200)?;
    s.settle().await;
    s.publish(for_streams(&channel, "item\n")).await?;
    client.quiet(s.seconds(0.3)).await?;
    client.send(&s.get()).await?;
    s.origin.asked().await?.reply(ok("after")).await?;
    client.answer().await?.says("after")?.fine()
}

async fn no_content(s: Scene) -> Outcome {
    let mut client = s.send(&s.get()).await?;
    let hold = reply("204 No Content").with("Grip-Hold: stream");
    let hold = hold.with(format!("Grip-Channel: {}", s.channel("a")));
    s.origin.asked().await?.reply(hold).await?;
    client.answer().await?.status(204)?;
    client.send(&s.get()).await?;
    s.origin.asked().await?.reply(ok("after")).await?;
    client.answer().await?.says("after")?.fine()
}
