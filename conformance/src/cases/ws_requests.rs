//! WebSocket-over-HTTP: what the backend is asked.

use std::collections::BTreeSet;

use super::ws_support::{granted, opened, says, upgrade, upgrade_woh, woh};
use crate::{
    case::{Case, Outcome, ensure, must, should, wrong},
    peer::{
        body::Framing,
        events::{EVENTS, Event, Kind, close, encode, event, open, text},
        frame::Frame,
        head::Head,
        message::Request,
        ws_client::KEY,
    },
    scene::Scene,
    target::host,
};

pub(super) fn cases() -> Vec<Case> {
    vec![
        must("WOH-1/fields", "every request carries the fields of the protocol", fields),
        must("WOH-1/client-fields", "and those of the client's upgrade", client_fields),
        should("WOH-1/content-type", "a type that the client sent is not sent along", content_type),
        must("WOH-1/length", "the length is always told", length),
        must("WOH-1/connection-id", "each connection has an id of its own", connection_id),
        must("WOH-1/no-grip", "with no_grip grip is not offered", no_grip),
        must("WOH-1/signature", "each request is signed", signature),
        must("WOH-2/own", "some fields of the client are never taken over", own_fields),
        must("WOH-3/open", "the first request says OPEN and no more", first),
        must("WOH-4/events", "messages become events, byte for byte", events),
        should("WOH-5/empty", "an empty message has a size of 0", empty),
        must("WOH-6/whole", "an event is a whole message", whole),
        must("WOH-7/one-at-a-time", "what comes meanwhile waits and goes together", one_at_a_time),
        must("WOH-8/close", "a close follows what was said before", close_last),
        must("WOH-8/disconnect", "a disconnect is alone", disconnect_alone),
        must("WOH-9/one-event", "with one_event each request has one event", one_event),
        must("WOH-11/incomplete", "a message without its end is not sent", incomplete),
        should("WOH-11/close", "a close in the middle of a message counts", incomplete_close),
    ]
}

/// The fields of the requests of one connection: its first, a second with a message, and the last.
async fn three_requests(s: &Scene, request: Request) -> Outcome<Vec<Head>> {
    let mut heads = Vec::new();
    let client = s.send(&request).await?;
    let exchange = s.origin.told(&[open()]).await?;
    heads.push(exchange.seen.head.clone());
    exchange.reply(granted(&[])).await?;
    let (mut client, _) = client.upgraded().await?;
    client.say("x").await?;
    let exchange = s.origin.told(&[text("x")]).await?;
    heads.push(exchange.seen.head.clone());
    exchange.says(&[]).await?;
    s.pause(0.2).await;
    client.reset()?;
    let exchange = s.origin.told(&[event(Kind::Disconnect, "")]).await?;
    heads.push(exchange.seen.head.clone());
    exchange.says(&[]).await?;
    Ok(heads)
}

async fn fields(s: Scene) -> Outcome {
    for head in three_requests(&s, upgrade_woh(&s).at("/deep?x=1&y=%20")).await? {
        ensure(head.word(1) == format!("{}/deep?x=1&y=%20", s.origin.path), &head)?;
        head.has("Content-Type", EVENTS)?.has("Accept", EVENTS)?;
        head.has("Sec-WebSocket-Extensions", "grip")?;
        head.has("Host", host::WOH)?.lacks("Upgrade")?.lacks("Transfer-Encoding")?;
    }
    Ok(())
}

async fn client_fields(s: Scene) -> Outcome {
    let request = upgrade_woh(&s)
        .with("Sec-WebSocket-Protocol: chat")
        .with("Cookie: a=b")
        .with("Authorization: Bearer t")
        .with("Origin: http://example.com")
        .with("X-Other: 1");
    for head in three_requests(&s, request).await? {
        head.has("Sec-WebSocket-Key", KEY)?.has("Sec-WebSocket-Version", "13")?;
        head.has("Sec-WebSocket-Protocol", "chat")?.has("Cookie", "a=b")?;
        head.has("Authorization", "Bearer t")?.has("Origin", "http://example.com")?;
        head.has("X-Other", "1")?;
    }
    Ok(())
}

async fn content_type(s: Scene) -> Outcome {
    for head in three_requests(&s, upgrade_woh(&s).with("Content-Type: text/x-mine")).await? {
        head.has("Content-Type", EVENTS)?;
    }
    Ok(())
}

async fn length(s: Scene) -> Outcome {
    let mut client = woh(&s, &[]).await?;
    for content in ["x".to_owned(), "y".repeat(20_000)] {
        client.say(&content).await?;
        let exchange = s.origin.told(&[text(&content)]).await?;
        let framing = exchange.seen.framing;
        let wanted = Framing::Length(exchange.seen.body.len() as u64);
        ensure(framing == wanted, format_args!("framed by {framing:?}"))?;
        exchange.says(&[]).await?;
    }
    Ok(())
}

async fn connection_id(s: Scene) -> Outcome {
    let mut all = BTreeSet::new();
    for _ in 0..2 {
        let heads = three_requests(&s, upgrade_woh(&s)).await?;
        let ids: Vec<&str> = heads.iter().flat_map(|head| head.all("Connection-Id")).collect();
        let [id, ..] = ids[..] else { return wrong("there is no Connection-Id") };
        ensure(ids == [id; 3], format_args!("the id changes: {ids:?}"))?;
        let groups: Vec<usize> = id.split('-').map(str::len).collect();
        let is_hex = id.bytes().all(|b| b == b'-' || b.is_ascii_digit() || b.is_ascii_lowercase());
        ensure(groups == [8, 4, 4, 4, 12] && is_hex, format_args!("{id:?} is no UUID"))?;
        all.insert(id.to_owned());
    }
    ensure(all.len() == 2, "two connections have one id")
}

async fn no_grip(s: Scene) -> Outcome {
    for head in three_requests(&s, upgrade(&s).host(host::WOH_NO_GRIP)).await? {
        head.lacks("Sec-WebSocket-Extensions")?.lacks("Grip-Sig")?;
    }
    Ok(())
}

async fn signature(s: Scene) -> Outcome {
    for head in three_requests(&s, upgrade_woh(&s)).await? {
        let signature = head.first("Grip-Sig").unwrap_or_default();
        ensure(signature.split('.').count() == 3, format_args!("Grip-Sig: {signature:?}"))?;
    }
    Ok(())
}

async fn own_fields(s: Scene) -> Outcome {
    let request = upgrade_woh(&s)
        .with("Accept: text/x-mine")
        .with("Connection-Id: mine")
        .with("Sec-WebSocket-Extensions: x-mine")
        .with("Meta-User: mine")
        .with("meta-other: mine");
    for head in three_requests(&s, request).await? {
        head.has("Accept", EVENTS)?.has("Sec-WebSocket-Extensions", "grip")?.lacks_any("Meta-")?;
        let ids = head.all("Connection-Id");
        ensure(ids.len() == 1 && ids != ["mine"], format_args!("Connection-Id: {ids:?}"))?;
    }
    Ok(())
}

async fn first(s: Scene) -> Outcome {
    let mut client = s.send(&upgrade_woh(&s)).await?;
    client.raw(&Frame::new(Kind::Text, "early").masked().bytes()).await?;
    s.pause(0.2).await;
    let exchange = s.origin.exchange().await?;
    ensure(exchange.seen.body == b"OPEN\r\n", format_args!("{:?}", exchange.events))?;
    exchange.reply(granted(&[])).await?;
    client.upgraded().await?;
    s.origin.told(&[text("early")]).await?.says(&[]).await
}

async fn events(s: Scene) -> Outcome {
    let mut client = woh(&s, &[]).await?;
    let bytes: Vec<u8> = (0..=255).rev().collect();
    let sent = [text("\r\nTEXT 5\r\n"), event(Kind::Binary, bytes), text("ä".repeat(700))];
    for wanted in sent {
        client.send(wanted.clone()).await?;
        let exchange = s.origin.exchange().await?;
        let body = String::from_utf8_lossy(&exchange.seen.body).into_owned();
        ensure(exchange.seen.body == encode(&[wanted]), format_args!("{body:?}"))?;
        exchange.says(&[]).await?;
    }
    client.send(close(4000, "bye")).await?;
    let exchange = s.origin.exchange().await?;
    let body = exchange.seen.body.clone();
    ensure(body == b"CLOSE 5\r\n\x0f\xa0bye\r\n", String::from_utf8_lossy(&body))?;
    exchange.says(&[close(4000, "")]).await
}

async fn empty(s: Scene) -> Outcome {
    let mut client = woh(&s, &[]).await?;
    client.say("").await?;
    let exchange = s.origin.exchange().await?;
    let body = String::from_utf8_lossy(&exchange.seen.body).into_owned();
    ensure(body == "TEXT 0\r\n\r\n", format_args!("{body:?}"))?;
    exchange.says(&[]).await
}

async fn whole(s: Scene) -> Outcome {
    let mut client = woh(&s, &[]).await?;
    client.frame(Frame::new(Kind::Text, "on").unfinished()).await?;
    s.origin.unasked(s.seconds(0.3)).await?;
    client.frame(Frame::more("e")).await?;
    s.origin.told(&[text("one")]).await?.says(&[]).await
}

async fn one_at_a_time(s: Scene) -> Outcome {
    let mut client = woh(&s, &[]).await?;
    client.say("0").await?;
    let exchange = s.origin.told(&[text("0")]).await?;
    let waiting: Vec<Event> =
        (1..=20).map(|n| event([Kind::Text, Kind::Binary][n % 2], n.to_string())).collect();
    for event in &waiting {
        client.send(event.clone()).await?;
    }
    s.origin.unasked(s.seconds(0.5)).await?;
    exchange.says(&[text("m:answer")]).await?;
    client.hears_texts(&["answer"]).await?;
    s.origin.told(&waiting).await?.says(&[]).await
}

async fn close_last(s: Scene) -> Outcome {
    let mut client = woh(&s, &[]).await?;
    client.say("0").await?;
    let exchange = s.origin.told(&[text("0")]).await?;
    client.say("1").await?;
    client.send(close(4000, "bye")).await?;
    s.pause(0.3).await;
    exchange.says(&[]).await?;
    let exchange = s.origin.told(&[text("1"), close(4000, "bye")]).await?;
    exchange.says(&[close(4000, "bye")]).await?;
    client.hears(close(4000, "bye")).await?;
    client.ended().await
}

async fn disconnect_alone(s: Scene) -> Outcome {
    let mut client = woh(&s, &[]).await?;
    client.say("0").await?;
    let exchange = s.origin.told(&[text("0")]).await?;
    client.say("1").await?;
    s.pause(0.2).await;
    client.reset()?;
    s.pause(0.3).await;
    exchange.says(&[]).await?;
    s.origin.told(&[event(Kind::Disconnect, "")]).await?.says(&[]).await
}

async fn one_event(s: Scene) -> Outcome {
    let mut client = opened(&s, upgrade(&s).host(host::ONE_EVENT), granted(&[])).await?;
    let sent = [text("0"), text("1"), text(""), text("2"), close(4000, "")];
    for event in &sent {
        client.send(event.clone()).await?;
    }
    for event in sent {
        let answer = if event.kind == Kind::Close { vec![close(4000, "")] } else { Vec::new() };
        s.origin.told(&[event]).await?.reply(says(&answer)).await?;
    }
    client.closes(4000).await.map(drop)
}

async fn incomplete(s: Scene) -> Outcome {
    let mut client = woh(&s, &[]).await?;
    client.frame(Frame::new(Kind::Text, "half").unfinished()).await?;
    s.pause(0.2).await;
    client.reset()?;
    s.origin.told(&[event(Kind::Disconnect, "")]).await?.says(&[]).await
}

async fn incomplete_close(s: Scene) -> Outcome {
    let mut client = woh(&s, &[]).await?;
    client.frame(Frame::new(Kind::Text, "half").unfinished()).await?;
    client.send(close(4000, "")).await?;
    s.origin.told(&[close(4000, "")]).await?.says(&[close(4000, "")]).await?;
    client.closes(4000).await.map(drop)
}
