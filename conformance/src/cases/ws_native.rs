//! Backends that speak WebSocket themselves, and how they turn GRIP on.

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::json;

use super::ws_support::{GRIP, control, for_sockets, grip, native, subscribe, upgrade};
use crate::{
    case::{Case, Outcome, ensure, must, should, wrong},
    peer::{
        events::{Kind, binary, close, ping, pong, text},
        frame::Frame,
        socket::Socket,
        ws_client::KEY,
    },
    scene::Scene,
    target::host,
};

pub(super) fn cases() -> Vec<Case> {
    vec![
        must("NAT-1/request", "the backend gets a correct upgrade", request),
        must("NAT-1/own-key", "with a key of the proxy's own", own_key),
        must(
            "NAT-2/masked",
            "frames to the backend are masked, those to the client are not",
            masked,
        ),
        must("NAT-3/among-others", "one element among others turns GRIP on", among_others),
        must("NAT-3/near-misses", "elements of other names do not", near_misses),
        should("NAT-3/any-case", "the name counts in any case", any_case),
        must("NAT-4/token", "message-prefix is a token", prefix_token),
        must("NAT-4/quoted", "or a quoted string", prefix_quoted),
        must("NAT-4/empty", "an empty prefix lets everything pass but control", prefix_empty),
        should("NAT-4/nothing", "and so does one of which nothing is said", prefix_nothing),
        must("NAT-5/plain", "without GRIP everything passes unchanged", without_grip),
        must("NAT-6/table", "with GRIP the prefix decides what passes", table),
        must("NAT-6/control-first", "control counts before the prefix", control_first),
        should("NAT-6/debug", "with debug a message without prefix ends in 1011", debug),
        must("NAT-7/to-backend", "what the client says passes unchanged", to_backend),
        should("NAT-8/parts", "parts do not change what a message is", parts),
        should("NAT-8/control-in-parts", "a control message may come in parts", control_in_parts),
        should("NAT-8/large", "a large message without prefix is dropped whole", large),
        should("NAT-8/too-long", "a control message over 64 KiB is a 1009", too_long),
        should("NAT-10/handed-down", "with no_grip the client is offered GRIP", handed_down),
        must("NAT-10/untouched", "and messages pass unchanged", no_grip),
    ]
}

async fn request(s: Scene) -> Outcome {
    let client = s.send(&upgrade(&s)).await?;
    let asked = s.origin.asked().await?;
    let head = asked.head.clone();
    ensure(head.word(0) == "GET" && head.word(2) == "HTTP/1.1", &head)?;
    ensure(head.lists("Connection", "upgrade"), "no Connection: Upgrade")?;
    ensure(head.lists("Upgrade", "websocket"), "no Upgrade: websocket")?;
    head.has("Sec-WebSocket-Version", "13")?.has("Host", s.proxy())?;
    let key = head.first("Sec-WebSocket-Key").unwrap_or_default();
    let length = BASE64_STANDARD.decode(key).map_or(0, |bytes| bytes.len());
    ensure(length == 16, format_args!("a key of {key:?}"))?;
    asked.accept(&[]).await?;
    client.upgraded().await.map(drop)
}

async fn own_key(s: Scene) -> Outcome {
    let client = s.send(&upgrade(&s)).await?;
    let asked = s.origin.asked().await?;
    let key = asked.head.first("Sec-WebSocket-Key").unwrap_or_default().to_owned();
    ensure(key != KEY, "the client's key is used for the backend")?;
    asked.accept(&[]).await?;
    client.upgraded().await.map(drop)
}

/// The sockets of the suite hold every frame against this rule; here something crosses.
async fn masked(s: Scene) -> Outcome {
    let (mut client, mut backend) = native(&s, upgrade(&s), &[]).await?;
    client.say("x".repeat(300)).await?;
    backend.hears(text("x".repeat(300))).await?;
    backend.say("y".repeat(300)).await?;
    client.hears(text("y".repeat(300))).await
}

/// Requires that this extension line leads to GRIP with this prefix, or else to none.
async fn uses(s: &Scene, element: &str, prefix: Option<&str>) -> Outcome {
    let line = format!("Sec-WebSocket-Extensions: {element}");
    let (mut client, mut backend) = native(s, upgrade(s), &[&line]).await?;
    let found = match prefix {
        Some(prefix) => {
            backend.say("c:{}").await?;
            backend.say(format!("{prefix}one")).await?;
            client.hears_texts(&["one"]).await
        }
        None => {
            backend.say("c:{}").await?;
            backend.say("m:one").await?;
            client.hears_texts(&["c:{}", "m:one"]).await
        }
    };
    match found {
        Ok(()) => Ok(()),
        Err(trouble) => wrong(format_args!("{element}: {trouble}")),
    }
}

async fn among_others(s: Scene) -> Outcome {
    uses(&s, "x-foo; a=b, grip; y=1, bar", Some("m:")).await?;
    let lines = ["Sec-WebSocket-Extensions: x-foo", GRIP];
    let (mut client, mut backend) = native(&s, upgrade(&s), &lines).await?;
    backend.say("m:one").await?;
    client.hears_texts(&["one"]).await
}

async fn near_misses(s: Scene) -> Outcome {
    for element in ["grip2", "x-grip", "foo; grip", "foo; a=\"x, grip\""] {
        uses(&s, element, None).await?;
    }
    Ok(())
}

async fn any_case(s: Scene) -> Outcome {
    uses(&s, "Grip", Some("m:")).await
}

async fn prefix_token(s: Scene) -> Outcome {
    uses(&s, "grip; message-prefix=d-", Some("d-")).await
}

async fn prefix_quoted(s: Scene) -> Outcome {
    uses(&s, "grip; message-prefix=\"d:\"", Some("d:")).await?;
    uses(&s, "grip; message-prefix=\"a\\\"; b\"", Some("a\"; b")).await
}

async fn prefix_empty(s: Scene) -> Outcome {
    uses(&s, "grip; message-prefix=\"\"", Some("")).await?;
    uses(&s, "grip; message-prefix", Some("")).await
}

async fn prefix_nothing(s: Scene) -> Outcome {
    uses(&s, "grip; message-prefix=", Some("")).await
}

async fn without_grip(s: Scene) -> Outcome {
    let (mut client, mut backend) = native(&s, upgrade(&s), &[]).await?;
    backend.send(subscribe("x")).await?;
    backend.say("m:one").await?;
    backend.send(binary("c:")).await?;
    client.hears(subscribe("x")).await?;
    client.hears_texts(&["m:one"]).await?;
    client.hears(binary("c:")).await
}

async fn table(s: Scene) -> Outcome {
    let (mut client, mut backend) = grip(&s).await?;
    for said in ["c:{}", "c:", "c:no json", "m:one", "two", "", "m", "m:", " m:three"] {
        backend.say(said).await?;
    }
    for said in ["m:four", "c:five", "six", "m:"] {
        backend.send(binary(said)).await?;
    }
    backend.send(ping("")).await?;
    backend.send(pong("")).await?;
    client.hears_texts(&["one", ""]).await?;
    for wanted in [binary("four"), binary(""), ping(""), pong("")] {
        client.hears(wanted).await?;
    }
    backend.send(close(4000, "end")).await?;
    client.hears(close(4000, "end")).await
}

async fn control_first(s: Scene) -> Outcome {
    let line = "Sec-WebSocket-Extensions: grip; message-prefix=\"c:\"";
    let (mut client, mut backend) = native(&s, upgrade(&s), &[line]).await?;
    backend.say("c:one").await?;
    backend.send(binary("c:two")).await?;
    client.hears(binary("two")).await
}

async fn debug(s: Scene) -> Outcome {
    let (mut client, mut backend) = native(&s, upgrade(&s).host(host::DEBUG), &[GRIP]).await?;
    backend.say("no prefix").await?;
    let reason = client.closes(1011).await?;
    ensure(!reason.is_empty(), "the reason is empty")
}

async fn to_backend(s: Scene) -> Outcome {
    let (mut client, mut backend) = grip(&s).await?;
    for said in ["plain", "m:one", "c:{\"type\":\"detach\"}"] {
        client.say(said).await?;
        backend.hears_texts(&[said]).await?;
    }
    Ok(())
}

/// Sends a message in parts, so that each is surely on its way alone.
async fn in_parts(s: &Scene, backend: &mut Socket, kind: Kind, parts: &[&str]) -> Outcome {
    let last = parts.len().saturating_sub(1);
    for (number, part) in parts.iter().enumerate() {
        let frame = if number == 0 { Frame::new(kind, part) } else { Frame::more(part) };
        backend.frame(if number == last { frame } else { frame.unfinished() }).await?;
        s.pause(0.05).await;
    }
    Ok(())
}

async fn parts(s: Scene) -> Outcome {
    let (mut client, mut backend) = grip(&s).await?;
    in_parts(&s, &mut backend, Kind::Text, &["m", ":on", "e"]).await?;
    in_parts(&s, &mut backend, Kind::Text, &["", "m:", "two"]).await?;
    in_parts(&s, &mut backend, Kind::Text, &["x", "m:no", "m:no"]).await?;
    in_parts(&s, &mut backend, Kind::Binary, &["m:", "", "three"]).await?;
    client.hears_texts(&["one", "two"]).await?;
    client.hears(binary("three")).await
}

async fn control_in_parts(s: Scene) -> Outcome {
    let channel = s.channel("a");
    let (mut client, mut backend) = grip(&s).await?;
    let message = json!({ "type": "subscribe", "channel": channel }).to_string();
    let (start, end) = message.split_at(20);
    in_parts(&s, &mut backend, Kind::Text, &["c", ":", start, end]).await?;
    s.settle().await;
    s.publish(for_sockets(&channel, "item")).await?;
    client.hears_texts(&["item"]).await
}

async fn large(s: Scene) -> Outcome {
    let (mut client, mut backend) = grip(&s).await?;
    backend.say("m:".repeat(20_000).replacen("m:", "no", 1)).await?;
    backend.say("m:after").await?;
    client.hears_texts(&["after"]).await?;
    client.quiet(s.seconds(0.3)).await
}

async fn too_long(s: Scene) -> Outcome {
    let (_client, mut backend) = grip(&s).await?;
    backend.send(control(&json!({ "type": "x", "filler": "x".repeat(70_000) }))).await?;
    backend.closes(1009).await.map(drop)
}

async fn handed_down(s: Scene) -> Outcome {
    let client = s.send(&upgrade(&s).host(host::NO_GRIP)).await?;
    s.origin.asked().await?.accept(&["Sec-WebSocket-Extensions: grip; message-prefix=x"]).await?;
    let (_, head) = client.upgraded().await?;
    head.has("Sec-WebSocket-Extensions", "grip; message-prefix=x")?;
    Ok(())
}

async fn no_grip(s: Scene) -> Outcome {
    let (mut client, mut backend) = native(&s, upgrade(&s).host(host::NO_GRIP), &[GRIP]).await?;
    backend.send(subscribe("x")).await?;
    backend.say("m:one").await?;
    client.hears(subscribe("x")).await?;
    client.hears_texts(&["m:one"]).await
}
