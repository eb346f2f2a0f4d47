//! How a WebSocket ends.

use serde_json::json;

use super::ws_support::{grip, plain, says, subscribed, woh, woh_subscribed, ws_item};
use crate::{
    case::{Case, Outcome, ensure, must, should, wrong},
    peer::{
        events::{Event, Kind, bare_close, close, text},
        frame::Frame,
        socket::{Incoming, Socket},
    },
    scene::Scene,
};

pub(super) fn cases() -> Vec<Case> {
    vec![
        must("WS-28/code", "the client's code and reason reach the backend, and back", code),
        must("WS-28/other-answer", "the backend's answer counts if it differs", other_answer),
        must("WS-29/mirrored", "a backend's close reaches the client, and back", mirrored),
        must("WS-29/queued", "what was said before a close arrives before it", queued),
        must("WS-30/none", "a close without a code is answered with 1000 or none", none),
        must("WS-30/woh", "and is one without content over HTTP", none_woh),
        should("WS-30/one-byte", "half a code is a 1002", one_byte),
        should("WS-31/none", "0 and 1005 from a backend mean no code", no_code),
        should("WS-31/forbidden", "other codes that may not be sent become 1011", forbidden),
        should("WS-32/long-reason", "a reason that is too long is cut between characters", long),
        should("WS-33/reason", "a reason without a code comes with 1000", only_reason),
        should("WS-34/bounded", "a client that never answers a close is not waited for", bounded)
            .within(20),
        should("WS-34/answered", "and the backend that has closed is answered", answered)
            .within(20),
        must("WS-35/native", "a client that drops is no longer served by the backend", drops),
        should(
            "WS-36/told",
            "a client whose backend breaks off is told by 1011 or 1014",
            breaks_off,
        ),
    ]
}

async fn code(s: Scene) -> Outcome {
    let (mut client, mut backend) = plain(&s).await?;
    client.send(close(4000, "bye")).await?;
    backend.hears(close(4000, "bye")).await?;
    backend.send(close(4000, "bye")).await?;
    client.hears(close(4000, "bye")).await?;
    client.ended().await
}

async fn other_answer(s: Scene) -> Outcome {
    let (mut client, mut backend) = plain(&s).await?;
    client.send(close(4000, "bye")).await?;
    backend.hears(close(4000, "bye")).await?;
    backend.send(close(4001, "so long")).await?;
    client.hears(close(4001, "so long")).await?;
    client.ended().await
}

async fn mirrored(s: Scene) -> Outcome {
    let (mut client, mut backend) = grip(&s).await?;
    backend.send(close(4001, "done")).await?;
    client.hears(close(4001, "done")).await?;
    client.send(close(4001, "bye")).await?;
    client.ended().await?;
    backend.hears(close(4001, "bye")).await?;
    backend.ended().await
}

async fn queued(s: Scene) -> Outcome {
    let (mut client, mut backend) = plain(&s).await?;
    for n in 0..50 {
        backend.say(n.to_string()).await?;
    }
    backend.send(close(1000, "")).await?;
    for n in 0..50 {
        client.hears(text(n.to_string())).await?;
    }
    client.closes(1000).await.map(drop)
}

/// Requires a close that tells no code, or 1000, and no reason.
async fn hears_plain_close(socket: &mut Socket) -> Outcome {
    match socket.next().await? {
        Incoming::Event(event) if event == bare_close() || event == close(1000, "") => Ok(()),
        other => wrong(format_args!("a close without a code should come, came {other:?}")),
    }
}

async fn none(s: Scene) -> Outcome {
    let (mut client, mut backend) = plain(&s).await?;
    client.send(bare_close()).await?;
    hears_plain_close(&mut backend).await?;
    backend.send(bare_close()).await?;
    hears_plain_close(&mut client).await?;
    client.ended().await
}

async fn none_woh(s: Scene) -> Outcome {
    let mut client = woh(&s, &[]).await?;
    client.send(bare_close()).await?;
    s.origin.told(&[bare_close()]).await?.says(&[bare_close()]).await?;
    hears_plain_close(&mut client).await?;
    client.ended().await
}

async fn one_byte(s: Scene) -> Outcome {
    let (mut client, _backend) = plain(&s).await?;
    client.frame(Frame::new(Kind::Close, "x")).await?;
    client.closes(1002).await.map(drop)
}

/// A client whose backend closes over HTTP with this event.
async fn closed_by(s: &Scene, ending: Event) -> Outcome<Socket> {
    let mut client = woh(s, &[]).await?;
    client.say("x").await?;
    s.origin.told(&[text("x")]).await?.reply(says(&[ending])).await?;
    Ok(client)
}

async fn no_code(s: Scene) -> Outcome {
    for code in [0, 1005] {
        let mut client = closed_by(&s, close(code, "")).await?;
        if let Err(trouble) = hears_plain_close(&mut client).await {
            return wrong(format_args!("{code}: {trouble}"));
        }
        client.send(bare_close()).await?;
        s.origin.exchange().await?.says(&[]).await?;
    }
    Ok(())
}

async fn forbidden(s: Scene) -> Outcome {
    for code in [999, 1004, 1006, 1015, 2000, 5000] {
        let mut client = closed_by(&s, close(code, "")).await?;
        if let Err(trouble) = client.closes(1011).await {
            return wrong(format_args!("{code}: {trouble}"));
        }
        client.send(close(1011, "")).await?;
        s.origin.exchange().await?.says(&[]).await?;
    }
    Ok(())
}

async fn long(s: Scene) -> Outcome {
    let channel = s.channel("a");
    let (mut client, _backend) = subscribed(&s, &channel).await?;
    let reason = format!("x{}", "ä".repeat(100));
    let format = json!({ "action": "close", "code": 4000, "reason": reason });
    s.publish(ws_item(&channel, format)).await?;
    let told = client.closes(4000).await?;
    let fine = reason.starts_with(&told) && told.len() >= 100;
    ensure(fine, format_args!("{told:?} is no proper part of the reason"))
}

async fn only_reason(s: Scene) -> Outcome {
    let channel = s.channel("a");
    let mut client = woh_subscribed(&s, &channel).await?;
    s.publish(ws_item(&channel, json!({ "action": "close", "reason": "why" }))).await?;
    client.hears(close(1000, "why")).await
}

async fn bounded(s: Scene) -> Outcome {
    let (client, mut backend) = plain(&s).await?;
    let mut client = client.patient(s.seconds(15.0));
    backend.send(close(4000, "")).await?;
    client.closes(4000).await?;
    client.ended().await
}

async fn answered(s: Scene) -> Outcome {
    let (mut client, backend) = plain(&s).await?;
    let mut backend = backend.patient(s.seconds(15.0));
    backend.send(close(4000, "")).await?;
    client.closes(4000).await?;
    backend.hears(close(4000, "")).await?;
    backend.ended().await
}

async fn drops(s: Scene) -> Outcome {
    let (client, mut backend) = plain(&s).await?;
    client.reset()?;
    backend.ends().await
}

async fn breaks_off(s: Scene) -> Outcome {
    let (mut client, mut backend) = plain(&s).await?;
    backend.say("last words").await?;
    drop(backend);
    client.hears_texts(&["last words"]).await?;
    client.is_told_of_failure().await
}
