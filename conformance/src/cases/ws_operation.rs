//! What operators do to a proxy while WebSockets are open. Each case has a proxy of its own.

use super::ws_support::{Apart, GRIP, apart, granted, says};
use crate::{
    case::{Case, Outcome, ensure, must, should},
    peer::{
        events::{Event, Kind, open, text},
        frame::Frame,
        message::ok,
        socket::{Incoming, Socket},
    },
    scene::Scene,
    target::host,
};

pub(super) fn cases() -> Vec<Case> {
    vec![
        should("OPS-20/told", "at a stop clients are told by 1001 or 1012", stop_told).alone(),
        should("OPS-20/backend", "and backends over HTTP by a close or disconnect", stop_backend)
            .alone(),
        must("OPS-22/kept", "new routes leave WebSockets as they are", new_routes).alone(),
        must("OPS-24/alive", "nothing that a peer sends ends the proxy", alive).alone(),
    ]
}

/// A WebSocket over HTTP.
async fn over_http(s: &Scene, apart: &Apart) -> Outcome<Socket> {
    let client = s.send_to(apart.address(), &apart.upgrade().host(host::WOH)).await?;
    apart.place.told(&[open()]).await?.reply(granted(&[])).await?;
    Ok(client.upgraded().await?.0)
}

async fn stop_told(s: Scene) -> Outcome {
    let apart = apart(&s, 6.0).await?;
    let outcome = told_at_a_stop(&s, &apart).await;
    apart.stop().await;
    outcome
}

async fn told_at_a_stop(s: &Scene, apart: &Apart) -> Outcome {
    let (client, mut backend) = apart.native(s, &[GRIP]).await?;
    let over_http = over_http(s, apart).await?;
    apart.proxy.terminate().await;
    for mut client in [client, over_http] {
        let came = client.next().await?;
        let told = match &came {
            Incoming::Event(Event { kind: Kind::Close, content }) => {
                [1001_u16, 1012].iter().any(|code| content.starts_with(&code.to_be_bytes()))
            }
            _ => false,
        };
        ensure(told, format_args!("a close 1001 or 1012 should come, came {came:?}"))?;
    }
    // The backend may be told in any way, but it is.
    backend.next().await.map(drop)
}

async fn stop_backend(s: Scene) -> Outcome {
    let apart = apart(&s, 6.0).await?;
    let outcome = backend_at_a_stop(&s, &apart).await;
    apart.stop().await;
    outcome
}

async fn backend_at_a_stop(s: &Scene, apart: &Apart) -> Outcome {
    let mut client = over_http(s, apart).await?;
    apart.proxy.terminate().await;
    client.ends().await?;
    let exchange = apart.place.exchange().await?;
    let is_end = |event: &Event| matches!(event.kind, Kind::Close | Kind::Disconnect);
    let told = format!("a close or disconnect should be sent, was {:?}", exchange.events);
    ensure(exchange.events.iter().any(is_end), told)?;
    exchange.says(&[]).await
}

async fn new_routes(s: Scene) -> Outcome {
    let apart = apart(&s, 6.0).await?;
    let outcome = kept(&s, &apart).await;
    apart.stop().await;
    outcome
}

async fn kept(s: &Scene, apart: &Apart) -> Outcome {
    let (mut client, mut backend) = apart.native(s, &[GRIP]).await?;
    let mut over_http = over_http(s, apart).await?;
    apart.proxy.reroute("only.test 127.0.0.1:1\n").await?;
    let mut refused = false;
    for _ in 0..20 {
        s.pause(0.2).await;
        let mut other = s.send_to(apart.address(), &apart.upgrade()).await?;
        match apart.place.asked_within(s.seconds(0.1)).await {
            Some(asked) => drop(asked),
            None => {
                other.answer().await?.status(502)?;
                refused = true;
                break;
            }
        }
    }
    ensure(refused, "the new routes do not come into force")?;
    client.say("to").await?;
    backend.hears_texts(&["to"]).await?;
    backend.say("m:from").await?;
    client.hears_texts(&["from"]).await?;
    over_http.say("to").await?;
    apart.place.told(&[text("to")]).await?.says(&[text("m:from")]).await?;
    over_http.hears_texts(&["from"]).await
}

async fn alive(s: Scene) -> Outcome {
    let apart = apart(&s, 6.0).await?;
    let outcome = survives(&s, &apart).await;
    apart.stop().await;
    outcome
}

async fn survives(s: &Scene, apart: &Apart) -> Outcome {
    let huge = b"\x81\xff\xff\xff\xff\xff\xff\xff\xff\xff\x00\x00\x00\x00x";
    let deep = format!("c:{}", "[".repeat(10_000));
    let delay = "c:{\"type\":\"send-delayed\",\"content\":\"x\",\"timeout\":1e300}";
    for said in [&deep, delay, "c:{\"type\":\"keep-alive\",\"timeout\":\"9e99\",\"content\":\"x\"}"]
    {
        let (mut client, mut backend) = apart.native(s, &[GRIP]).await?;
        backend.say(said).await?;
        backend.frame(Frame { opcode: 7, ..Frame::new(Kind::Text, "x") }).await?;
        client.raw(huge).await?;
        s.pause(0.3).await;
        client.reset()?;
    }
    for body in ["TEXT ffffffffffffffff\r\nx", "CLOSE 1\r\nx\r\n", "PING ffff\r\nx\r\n"] {
        let mut client = over_http(s, apart).await?;
        client.say("?").await?;
        let kind = "Content-Type: application/websocket-events";
        let answer = ok(body).with(kind);
        apart.place.told(&[text("?")]).await?.reply(answer).await?;
        s.pause(0.3).await;
        client.reset()?;
        while let Some(asked) = apart.place.asked_within(s.seconds(0.2)).await {
            asked.reply(says(&[])).await?;
        }
    }
    let (mut client, mut backend) = apart.native(s, &[GRIP]).await?;
    backend.say("m:alive").await?;
    client.hears_texts(&["alive"]).await
}
