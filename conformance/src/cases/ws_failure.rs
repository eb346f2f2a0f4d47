//! WebSocket-over-HTTP: what becomes of a connection whose backend fails.

use super::ws_support::{Apart, apart, granted, opened, says, upgrade_woh, woh, woh_apart};
use crate::{
    case::{Case, Outcome, must, should, wrong},
    peer::{
        events::{EVENTS, Kind, event, open, text},
        frame::Frame,
        message::{Reply, reply},
        origin::Place,
        socket::Socket,
    },
    scene::Scene,
    target::host,
};

pub(super) fn cases() -> Vec<Case> {
    vec![
        must("WOH-41/retried", "a backend that is away is asked again", retried).within(30).alone(),
        must("WOH-41/gives-up", "for half a minute, then the client is given up", gives_up)
            .within(70)
            .alone(),
        must("WOH-42/ends", "an answer that is no success ends the connection", failure_ends),
        should("WOH-42/told", "and the client is told by 1011 or 1014", failure_told),
        should("WOH-42/disconnect", "and the backend by a disconnect", failure_disconnect),
        must("WOH-42/cut", "an answer that is cut ends the connection", cut),
        must("WOH-43/stale", "a connection that ends instead of an answer is replaced", stale)
            .alone(),
        should("WOH-45/large", "a message of 500,000 bytes is sent", large),
        should("WOH-45/too-large", "one of four million is a 1009", too_large),
    ]
}

/// A client over HTTP whose backend has just gone, with all of its connections.
async fn deserted(s: &Scene, apart: &Apart) -> Outcome<Socket> {
    let client = s.send_to(apart.address(), &apart.upgrade().host(host::WOH)).await?;
    let consent = granted(&[]).with("Connection: close");
    apart.place.told(&[open()]).await?.reply(consent).await?;
    let (client, _) = client.upgraded().await?;
    apart.origin.leave();
    s.settle().await;
    Ok(client)
}

async fn retried(s: Scene) -> Outcome {
    let apart = apart(&s, 20.0).await?;
    let outcome = returns(&s, &apart).await;
    apart.stop().await;
    outcome
}

async fn returns(s: &Scene, apart: &Apart) -> Outcome {
    let mut client = deserted(s, apart).await?;
    client.say("one").await?;
    s.pause(2.5).await;
    client.say("two").await?;
    apart.return_origin().await?;
    apart.place.told(&[text("one")]).await?.says(&[text("m:1")]).await?;
    apart.place.told(&[text("two")]).await?.says(&[text("m:2")]).await?;
    client.hears_texts(&["1", "2"]).await
}

async fn gives_up(s: Scene) -> Outcome {
    let apart = apart(&s, 20.0).await?;
    let outcome = ends_at_last(&s, &apart).await;
    apart.stop().await;
    outcome
}

async fn ends_at_last(s: &Scene, apart: &Apart) -> Outcome {
    let mut client = deserted(s, apart).await?.patient(s.seconds(50.0));
    client.say("one").await?;
    client.quiet(s.seconds(25.0)).await?;
    client.ends().await
}

/// Answers that are no success.
fn failures() -> Vec<Reply> {
    vec![
        reply("500 Internal Server Error").with(format!("Content-Type: {EVENTS}")),
        reply("404 Not Found").body("no\n"),
        reply("200 OK").with("Content-Type: text/plain").body("TEXT 3\r\nm:x\r\n"),
    ]
}

/// A client whose backend has just answered with this, and the backend's place.
async fn failed(s: &Scene, reply: Reply) -> Outcome<(Socket, Place)> {
    let (mut client, place) = woh_apart(s).await?;
    client.say("?").await?;
    place.told(&[text("?")]).await?.reply(reply).await?;
    Ok((client, place))
}

async fn failure_ends(s: Scene) -> Outcome {
    for reply in failures() {
        let told = reply.to_string();
        let (mut client, _place) = failed(&s, reply).await?;
        if let Err(trouble) = client.ends().await {
            return wrong(format_args!("{told}: {trouble}"));
        }
    }
    Ok(())
}

async fn failure_told(s: Scene) -> Outcome {
    for reply in failures() {
        failed(&s, reply).await?.0.is_told_of_failure().await?;
    }
    Ok(())
}

async fn failure_disconnect(s: Scene) -> Outcome {
    let (_client, place) = failed(&s, reply("500 Internal Server Error")).await?;
    place.told(&[event(Kind::Disconnect, "")]).await?.says(&[]).await
}

async fn cut(s: Scene) -> Outcome {
    let mut client = woh(&s, &[]).await?;
    client.say("?").await?;
    let mut asked = s.origin.asked().await?;
    asked.seen().await?;
    let bytes: Vec<u8> = says(&[text("m:x")]).into();
    asked.write(&bytes[..bytes.len() - 2]).await?;
    drop(asked);
    client.ends().await
}

async fn stale(s: Scene) -> Outcome {
    let mut client = woh(&s, &[]).await?;
    client.say("?").await?;
    s.origin.told(&[text("?")]).await?.hang_up();
    match s.origin.asked_within(s.seconds(0.9)).await {
        None => wrong("the request is not sent again at once"),
        Some(mut asked) => {
            let again = asked.seen().await?;
            crate::case::ensure(again.body == b"TEXT 1\r\n?\r\n", "another request came")?;
            asked.reply(says(&[text("m:x")])).await?;
            client.hears_texts(&["x"]).await
        }
    }
}

async fn large(s: Scene) -> Outcome {
    let mut client = woh(&s, &[]).await?;
    let content = "0123456789".repeat(50_000);
    client.say(&content).await?;
    s.origin.told(&[text(content)]).await?.says(&[text("m:x")]).await?;
    client.hears_texts(&["x"]).await
}

async fn too_large(s: Scene) -> Outcome {
    let mut client = opened(&s, upgrade_woh(&s), granted(&[])).await?;
    let message = Frame::new(Kind::Text, "0123456789".repeat(400_000)).masked().bytes();
    // A proxy may stop reading before it has it all.
    client.press(&message, s.seconds(0.5)).await?;
    client.closes(1009).await.map(drop)
}
