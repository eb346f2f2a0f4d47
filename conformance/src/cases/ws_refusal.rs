//! WebSockets that do not come to be: the backend refuses, or cannot be reached.

use super::ws_support::{for_sockets, granted, native, upgrade, upgrade_woh};
use crate::{
    case::{Case, Outcome, ensure, must, should},
    peer::{
        client::Answer,
        events::{Kind, event, open},
        message::{Reply, Request, reply},
        ws_origin::switching,
    },
    scene::Scene,
    target::host,
};

pub(super) fn cases() -> Vec<Case> {
    vec![
        must("WS-10/refused", "the backend's refusal reaches the client", refused),
        must("WS-10/redirect", "a redirect is relayed and not followed", redirect),
        must("WS-10/chunked", "a body of unknown length gets one", chunked),
        must("WS-10/closes", "the client's connection ends after a refusal", refusal_closes),
        must("WS-10/woh", "and so with WebSocket-over-HTTP", refused_woh),
        should("WS-11/large", "a refusal of 100,000 bytes is relayed", large),
        should("WS-11/large-woh", "and so with WebSocket-over-HTTP", large_woh),
        should("WS-11/huge", "a larger one may be cut, but its length is right", huge),
        must("WS-12/dead", "an unreachable backend is a 502", dead),
        should("WS-12/type", "and the page says that it is plain text", dead_type),
        must("WS-12/debug", "with debug the page names the targets tried", dead_debug),
        must("WS-12/closed", "a backend that closes without an answer is a 502", closed),
        must("WS-12/garbage", "a backend that talks nonsense is a 502", garbage),
        must("WS-12/accept", "a 101 with a wrong Sec-WebSocket-Accept is a 502", wrong_accept),
        must("WS-13/refused", "a refused connection leads to the next target", failover),
        must("WS-13/final", "any answer is final", any_answer),
        must("WS-13/woh", "a refused connection leads to the next target over HTTP", failover_woh),
        must("WS-14/woh", "a client that leaves early is told once the backend agreed", leaves_woh),
        must("WS-16/echo", "the test target returns what it gets", test_target),
        must("WS-16/channel", "and subscribes to channels of the query", test_channel),
        must("WS-16/other-path", "it knows one path", test_other),
    ]
}

/// What the client gets when the backend answers its upgrade with this.
async fn answered(s: &Scene, request: Request, reply: impl Into<Vec<u8>>) -> Outcome<Answer> {
    Ok(s.relay(request, reply).await?.1)
}

fn forbidden(body: &str) -> Reply {
    reply("403 Not You").with("X-A: 1").with("Content-Type: text/x-why").body(body)
}

async fn refused(s: Scene) -> Outcome {
    let answer = answered(&s, upgrade(&s), forbidden("because\n")).await?;
    answer.status(403)?.reason("Not You")?.has("X-A", "1")?.has("Content-Type", "text/x-why")?;
    answer.says("because\n")?.has("Content-Length", "8")?.lacks("Sec-WebSocket-Accept")?.fine()
}

async fn redirect(s: Scene) -> Outcome {
    let target = format!("http://{}{}/next", s.proxy(), s.origin.path);
    let moved = reply("302 Found").with(format!("Location: {target}"));
    answered(&s, upgrade(&s), moved).await?.status(302)?.has("Location", &target)?;
    s.origin.unasked(s.seconds(0.5)).await
}

async fn chunked(s: Scene) -> Outcome {
    let parts = forbidden("").in_chunks(&["be", "cause\n"]);
    let answer = answered(&s, upgrade(&s), parts).await?;
    answer.status(403)?.says("because\n")?.has("Content-Length", "8")?.fine()
}

async fn refusal_closes(s: Scene) -> Outcome {
    let mut client = s.send(&upgrade(&s)).await?;
    s.origin.asked().await?.reply(forbidden("because\n")).await?;
    client.answer().await?.status(403)?;
    client.closed().await
}

async fn refused_woh(s: Scene) -> Outcome {
    let answer = answered(&s, upgrade_woh(&s), forbidden("because\n")).await?;
    answer.status(403)?.reason("Not You")?.has("X-A", "1")?.says("because\n")?;
    s.origin.unasked(s.seconds(0.5)).await
}

async fn large(s: Scene) -> Outcome {
    let body = "0123456789".repeat(10_000);
    answered(&s, upgrade(&s), forbidden(&body)).await?.status(403)?.says(body)?.fine()
}

async fn large_woh(s: Scene) -> Outcome {
    let body = "0123456789".repeat(10_000);
    answered(&s, upgrade_woh(&s), forbidden(&body)).await?.status(403)?.says(body)?.fine()
}

async fn huge(s: Scene) -> Outcome {
    let body = "0123456789".repeat(200_000);
    for request in [upgrade(&s), upgrade_woh(&s)] {
        let answer = answered(&s, request, forbidden(&body)).await?;
        answer.status(403)?.has("Content-Length", &answer.body.len().to_string())?;
        let is_start = body.as_bytes().starts_with(&answer.body);
        ensure(is_start && answer.body.len() >= 100_000, "the body is no proper part")?;
    }
    Ok(())
}

async fn dead(s: Scene) -> Outcome {
    for host in [host::DEAD, host::WOH_DEAD] {
        let answer = s.ask(upgrade(&s).host(host)).await?;
        answer.status(502)?.reason("Bad Gateway")?;
        let lines = answer.text().lines().count();
        ensure(lines == 1, format_args!("{:?} is not one line", answer.text()))?;
    }
    Ok(())
}

async fn dead_type(s: Scene) -> Outcome {
    s.ask(upgrade(&s).host(host::DEAD)).await?.error(502)?;
    s.ask(upgrade(&s).host(host::WOH_DEAD)).await?.error(502)?.fine()
}

async fn dead_debug(s: Scene) -> Outcome {
    let answer = s.ask(upgrade(&s).host(host::DEAD_DEBUG)).await?;
    answer.status(502)?;
    ensure(answer.text().contains("127.0.0.1:1"), format_args!("{:?}", answer.text()))
}

async fn closed(s: Scene) -> Outcome {
    let mut client = s.send(&upgrade(&s)).await?;
    drop(s.origin.asked().await?);
    // Another try is fine while there are old connections.
    while let Some(again) = s.origin.asked_within(s.seconds(1.0)).await {
        drop(again);
    }
    client.answer().await?.status(502)?.fine()
}

async fn garbage(s: Scene) -> Outcome {
    let mut client = s.send(&upgrade(&s)).await?;
    let mut asked = s.origin.asked().await?;
    asked.write("what is this?\r\n\r\n").await?;
    drop(asked);
    client.answer().await?.status(502)?.fine()
}

async fn wrong_accept(s: Scene) -> Outcome {
    let mut client = s.send(&upgrade(&s)).await?;
    let mut asked = s.origin.asked().await?;
    asked.write(switching("bm90IHRoZSByaWdodCBhbnN3ZXI=", &[])).await?;
    client.answer().await?.status(502)?;
    asked.gone().await
}

async fn failover(s: Scene) -> Outcome {
    let (mut client, mut backend) = native(&s, upgrade(&s).host(host::FAILOVER), &[]).await?;
    client.say("to").await?;
    backend.hears_texts(&["to"]).await
}

async fn any_answer(s: Scene) -> Outcome {
    let busy = reply("503 Service Unavailable").body("busy\n");
    answered(&s, upgrade(&s).host(host::TWICE), busy).await?.status(503)?.says("busy\n")?;
    s.origin.unasked(s.seconds(0.5)).await
}

async fn failover_woh(s: Scene) -> Outcome {
    let client = s.send(&upgrade(&s).host(host::WOH_FAILOVER)).await?;
    s.origin.told(&[open()]).await?.reply(granted(&[])).await?;
    client.upgraded().await.map(drop)
}

async fn leaves_woh(s: Scene) -> Outcome {
    let client = s.send(&upgrade_woh(&s)).await?;
    let exchange = s.origin.told(&[open()]).await?;
    drop(client);
    s.pause(0.5).await;
    exchange.reply(granted(&[])).await?;
    s.origin.told(&[event(Kind::Disconnect, "")]).await?.says(&[]).await
}

/// An upgrade that the proxy answers itself.
fn test_upgrade(s: &Scene, target: &str) -> Request {
    crate::peer::ws_client::upgrade(Request::new("GET", target, s.proxy()).host(host::TEST))
}

async fn test_target(s: Scene) -> Outcome {
    let (mut client, _) = s.send(&test_upgrade(&s, "/ws")).await?.upgraded().await?;
    client.say("hello").await?;
    client.hears_texts(&["hello"]).await
}

async fn test_channel(s: Scene) -> Outcome {
    let (first, second) = (s.channel("a"), s.channel("b"));
    let target = format!("/ws?channel={first}&channel={second}");
    let (mut client, _) = s.send(&test_upgrade(&s, &target)).await?.upgraded().await?;
    s.settle().await;
    s.publish(for_sockets(&first, "one")).await?;
    client.hears_texts(&["one"]).await?;
    s.publish(for_sockets(&second, "two")).await?;
    client.hears_texts(&["two"]).await
}

async fn test_other(s: Scene) -> Outcome {
    let answer = s.ask(test_upgrade(&s, "/other")).await?;
    answer.status(404)?.says("no such test resource\n")?.fine()
}
