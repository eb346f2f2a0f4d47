//! WebSocket-over-HTTP: how a connection ends, and who is told.

use std::time::Instant;

use serde_json::json;

use super::ws_support::{granted, opened, says, upgrade_woh, woh, woh_subscribed, ws_item};
use crate::{
    case::{Case, Outcome, ensure, must, should},
    peer::{
        events::{Kind, bare_close, close, event, text},
        message::reply,
    },
    scene::Scene,
};

pub(super) fn cases() -> Vec<Case> {
    vec![
        must("WOH-46/answered", "the backend's close answers the client's", answered),
        must("WOH-46/last-words", "what it says before that still arrives", last_words),
        should("WOH-47/no-consent", "an answer without a close ends it too", no_consent),
        should("WOH-47/interval", "and does not wait for an interval", no_wait),
        must("WOH-48/echo", "the client's answer to a close goes to the backend", echo),
        must("WOH-48/dropped", "a client that drops instead is told as a disconnect", dropped),
        must("WOH-49/published", "a close by an item tells the backend a bare close", published),
        must("WOH-50/once", "a client that is gone is told once, whatever the answer", once),
        should("WOH-52/fast", "a round trip takes no time of its own", fast).alone(),
    ]
}

async fn answered(s: Scene) -> Outcome {
    let mut client = woh(&s, &[]).await?;
    client.send(close(4000, "bye")).await?;
    s.origin.told(&[close(4000, "bye")]).await?.says(&[close(4001, "so long")]).await?;
    client.hears(close(4001, "so long")).await?;
    client.ended().await?;
    s.origin.unasked(s.seconds(0.5)).await
}

async fn last_words(s: Scene) -> Outcome {
    let mut client = woh(&s, &[]).await?;
    client.send(close(4000, "")).await?;
    let words = [text("m:one"), text("m:two"), close(4000, "")];
    s.origin.told(&[close(4000, "")]).await?.says(&words).await?;
    client.hears_texts(&["one", "two"]).await?;
    client.hears(close(4000, "")).await
}

async fn no_consent(s: Scene) -> Outcome {
    let mut client = woh(&s, &[]).await?;
    client.send(close(4000, "bye")).await?;
    s.origin.told(&[close(4000, "bye")]).await?.says(&[text("m:x")]).await?;
    client.hears_texts(&["x"]).await?;
    client.closes(4000).await?;
    client.ended().await
}

async fn no_wait(s: Scene) -> Outcome {
    let reply = granted(&[]).with("Keep-Alive-Interval: 30");
    let mut client = opened(&s, upgrade_woh(&s), reply).await?;
    client.send(close(4000, "bye")).await?;
    s.origin.told(&[close(4000, "bye")]).await?.says(&[]).await?;
    client.closes(4000).await?;
    client.ended().await
}

async fn echo(s: Scene) -> Outcome {
    let mut client = woh(&s, &[]).await?;
    client.say("?").await?;
    s.origin.told(&[text("?")]).await?.says(&[text("m:x"), close(4000, "end")]).await?;
    client.hears_texts(&["x"]).await?;
    client.hears(close(4000, "end")).await?;
    client.send(close(4000, "end")).await?;
    s.origin.told(&[close(4000, "end")]).await?.says(&[]).await?;
    client.ended().await?;
    s.origin.unasked(s.seconds(0.5)).await
}

async fn dropped(s: Scene) -> Outcome {
    let mut client = woh(&s, &[]).await?;
    client.say("?").await?;
    s.origin.told(&[text("?")]).await?.says(&[close(4000, "end")]).await?;
    client.hears(close(4000, "end")).await?;
    client.reset()?;
    s.origin.told(&[event(Kind::Disconnect, "")]).await?.says(&[]).await
}

async fn published(s: Scene) -> Outcome {
    let channel = s.channel("a");
    let mut client = woh_subscribed(&s, &channel).await?;
    let format = json!({ "action": "close", "code": 4001, "reason": "moved" });
    s.publish(ws_item(&channel, format)).await?;
    client.hears(close(4001, "moved")).await?;
    s.origin.told(&[bare_close()]).await?.reply(says(&[text("m:x"), close(4002, "")])).await?;
    client.quiet(s.seconds(0.3)).await?;
    client.send(close(4001, "moved")).await?;
    client.ended().await
}

async fn once(s: Scene) -> Outcome {
    for status in ["200 OK", "500 Internal Server Error"] {
        let client = woh(&s, &[]).await?;
        client.reset()?;
        let exchange = s.origin.told(&[event(Kind::Disconnect, "")]).await?;
        exchange.reply(reply(status)).await?;
        s.origin.unasked(s.seconds(1.0)).await?;
    }
    Ok(())
}

async fn fast(s: Scene) -> Outcome {
    const TRIPS: u32 = 20;
    let mut client = woh(&s, &[]).await?;
    let start = Instant::now();
    for _ in 0..TRIPS {
        client.say("?").await?;
        s.origin.told(&[text("?")]).await?.says(&[text("m:!")]).await?;
        client.hears_texts(&["!"]).await?;
    }
    let each = start.elapsed() / TRIPS;
    ensure(each < s.seconds(0.03), format_args!("a round trip takes {each:?}"))
}
