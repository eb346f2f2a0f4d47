//! How a WebSocket comes to be: the client's request, and the backend's consent.

use super::ws_support::{granted, native, plain, upgrade, upgrade_woh};
use crate::{
    case::{Case, Outcome, ensure, must, should, wrong},
    peer::{
        head::Head,
        message::{Request, reply},
        ws_client::KEY,
        ws_origin::switching,
    },
    scene::Scene,
    target::host,
};

pub(super) fn cases() -> Vec<Case> {
    vec![
        must("WS-1/accepted", "a correct upgrade becomes a WebSocket", accepted),
        must("WS-1/any-case", "the word in Upgrade counts in any case", any_case),
        must("WS-1/connection-list", "Upgrade may be one of several options", connection_list),
        must("WS-1/no-content", "a length of 0 does no harm", no_content),
        should("WS-2/refused", "an upgrade that lacks something gets 400", refused),
        should("WS-2/version", "another version gets 426 and is told the right one", version),
        should("WS-3/strict", "HTTP/1.0, no Connection: Upgrade and odd keys get 400", strict),
        should("WS-4/list", "Upgrade is a list of which websocket may be one", list),
        should("WS-4/unasked", "a 101 that nobody asked for does not reach the client", unasked),
        must("WS-5/no-route", "without a route the answer is 502", no_route),
        must("WS-6/fields", "the client's fields reach the backend", fields),
        must("WS-6/grip-fields", "GRIP's fields are the proxy's own", grip_fields),
        must("WS-7/offer", "the backend is offered grip, and no extension of the client", offer),
        must("WS-7/no-grip", "with no_grip no extension is offered", no_grip_offer),
        must("WS-9/waits", "the client waits for the backend's consent", waits),
        must("WS-9/fields", "the backend's fields reach the client, its extensions do not", answer),
        must("WS-9/woh", "and so with WebSocket-over-HTTP", answer_woh),
        must("WS-14/native", "a client that leaves early is no longer asked for", leaves),
        should("WS-15/many-fields", "seventy fields are forwarded or refused", many_fields),
    ]
}

/// An upgrade without some of its lines, and with others instead.
fn odd(s: &Scene, method: &str, version: &str, fields: &[&str]) -> String {
    let (path, host) = (&s.origin.path, s.proxy());
    let fields: String = fields.iter().map(|field| format!("{field}\r\n")).collect();
    format!("{method} {path} HTTP/{version}\r\nHost: {host}\r\n{fields}\r\n")
}

async fn accepted(s: Scene) -> Outcome {
    let (mut client, mut backend) = plain(&s).await?;
    client.say("to").await?;
    backend.hears_texts(&["to"]).await?;
    backend.say("from").await?;
    client.hears_texts(&["from"]).await
}

/// Requires that an upgrade with these lines becomes a WebSocket.
async fn becomes(s: &Scene, connection: &str, upgrade: &str, other: &str) -> Outcome {
    let request = s.get().with(connection).with(upgrade).with(other);
    let request = request.with(format!("Sec-WebSocket-Key: {KEY}"));
    let (mut client, mut backend) =
        native(s, request.with("Sec-WebSocket-Version: 13"), &[]).await?;
    client.say("to").await?;
    backend.hears_texts(&["to"]).await
}

async fn any_case(s: Scene) -> Outcome {
    becomes(&s, "connection: UPGRADE", "upgrade: WebSocket", "X-Other: 1").await
}

async fn connection_list(s: Scene) -> Outcome {
    becomes(&s, "Connection: keep-alive, Upgrade", "Upgrade: websocket", "X-Other: 1").await
}

async fn no_content(s: Scene) -> Outcome {
    becomes(&s, "Connection: Upgrade", "Upgrade: websocket", "Content-Length: 0").await
}

/// Requires that each of these is refused and hung up on, and that a correct upgrade is not.
async fn all_refused(s: &Scene, requests: &[String], code: u16) -> Outcome {
    for request in requests {
        let mut client = s.connect().await?;
        client.raw(request.as_bytes()).await?;
        match client.answer().await {
            Ok(answer) if answer.head.word(1) == code.to_string() => answer.error(code)?,
            Ok(answer) => return wrong(format_args!("{} for {request:.300?}", answer.head)),
            Err(trouble) => return wrong(format_args!("{trouble}, for {request:.300?}")),
        };
        client.closed().await?;
    }
    plain(s).await.map(drop)
}

async fn refused(s: Scene) -> Outcome {
    let key = format!("Sec-WebSocket-Key: {KEY}");
    let long = format!("Sec-WebSocket-Key: {}", "A".repeat(300));
    let (connection, version) = ("Connection: Upgrade", "Sec-WebSocket-Version: 13");
    let good = ["Upgrade: websocket", connection, version, &key];
    let requests = [
        odd(&s, "GET", "1.1", &["Upgrade: websocket", connection, version]),
        odd(&s, "GET", "1.1", &["Upgrade: websocket", connection, &key]),
        odd(&s, "GET", "1.1", &["Upgrade: websocket", connection, version, &long]),
        odd(&s, "POST", "1.1", &good),
        odd(&s, "GET", "1.1", &[&good[..], &["Content-Length: 2"]].concat()) + "xx",
        odd(&s, "GET", "1.1", &[&good[..], &["Transfer-Encoding: chunked"]].concat()) + "0\r\n\r\n",
    ];
    all_refused(&s, &requests, 400).await
}

async fn version(s: Scene) -> Outcome {
    let key = format!("Sec-WebSocket-Key: {KEY}");
    for number in ["8", "12", "14"] {
        let version = format!("Sec-WebSocket-Version: {number}");
        let fields = ["Upgrade: websocket", "Connection: Upgrade", &version, &key];
        let mut client = s.connect().await?;
        client.raw(odd(&s, "GET", "1.1", &fields).as_bytes()).await?;
        client.answer().await?.status(426)?.has("Sec-WebSocket-Version", "13")?;
    }
    Ok(())
}

async fn strict(s: Scene) -> Outcome {
    let (connection, version) = ("Connection: Upgrade", "Sec-WebSocket-Version: 13");
    let key = format!("Sec-WebSocket-Key: {KEY}");
    let good = ["Upgrade: websocket", connection, version, &key];
    let requests = [
        odd(&s, "GET", "1.0", &good),
        odd(&s, "GET", "1.1", &["Upgrade: websocket", version, &key]),
        odd(&s, "GET", "1.1", &["Upgrade: websocket", "Connection: close", version, &key]),
        odd(
            &s,
            "GET",
            "1.1",
            &["Upgrade: websocket", connection, version, "Sec-WebSocket-Key: abc"],
        ),
    ];
    all_refused(&s, &requests, 400).await
}

async fn list(s: Scene) -> Outcome {
    becomes(&s, "Connection: Upgrade", "Upgrade: h2c, websocket", "X-Other: 1").await
}

async fn unasked(s: Scene) -> Outcome {
    let mut client = s.send(&s.get()).await?;
    let mut asked = s.origin.asked().await?;
    asked.write(switching("x", &[])).await?;
    client.answer().await?.error(502)?;
    asked.gone().await
}

async fn no_route(s: Scene) -> Outcome {
    let answer = s.ask(upgrade(&s).host(host::ROUTELESS)).await?;
    answer.status(502)?.reason("Bad Gateway")?;
    s.origin.unasked(s.seconds(0.3)).await
}

/// The request that the backend sees of an upgrade.
async fn at_the_backend(s: &Scene, request: Request) -> Outcome<Head> {
    let client = s.send(&request).await?;
    let asked = s.origin.asked().await?;
    let head = asked.head.clone();
    asked.accept(&[]).await?;
    client.upgraded().await?;
    Ok(head)
}

async fn fields(s: Scene) -> Outcome {
    let request = upgrade(&s)
        .at("/deep?x=1&y=%20")
        .with("Sec-WebSocket-Protocol: chat, superchat")
        .with("Cookie: a=b; c=d")
        .with("Authorization: Bearer t")
        .with("Origin: http://example.com")
        .with("X-Other: 1");
    let head = at_the_backend(&s, request).await?;
    ensure(head.word(1) == format!("{}/deep?x=1&y=%20", s.origin.path), &head)?;
    head.has("Sec-WebSocket-Protocol", "chat, superchat")?
        .has("Cookie", "a=b; c=d")?
        .has("Authorization", "Bearer t")?
        .has("Origin", "http://example.com")?
        .has("X-Other", "1")?;
    Ok(())
}

async fn grip_fields(s: Scene) -> Outcome {
    let request = upgrade(&s).with("Grip-Sig: forged").with("Grip-Any: x");
    let head = at_the_backend(&s, request).await?;
    head.lacks("Grip-Any")?;
    let signature = head.first("Grip-Sig").unwrap_or_default();
    ensure(signature.split('.').count() == 3, format_args!("Grip-Sig: {signature:?}"))?;
    ensure(head.first("Grip-Feature").is_some(), "Grip-Feature is absent")
}

async fn offer(s: Scene) -> Outcome {
    let request = upgrade(&s)
        .with("Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits, x-foo");
    at_the_backend(&s, request).await?.has("Sec-WebSocket-Extensions", "grip")?;
    Ok(())
}

async fn no_grip_offer(s: Scene) -> Outcome {
    let request = upgrade(&s).with("Sec-WebSocket-Extensions: x-foo").host(host::NO_GRIP);
    at_the_backend(&s, request).await?.lacks("Sec-WebSocket-Extensions")?;
    Ok(())
}

async fn waits(s: Scene) -> Outcome {
    let mut client = s.send(&upgrade(&s)).await?;
    let asked = s.origin.asked().await?;
    client.quiet(s.seconds(1.0)).await?;
    asked.accept(&[]).await?;
    client.upgraded().await?;
    Ok(())
}

async fn answer(s: Scene) -> Outcome {
    let client = s.send(&upgrade(&s).with("Sec-WebSocket-Protocol: chat")).await?;
    let fields = [
        "Sec-WebSocket-Protocol: other",
        "Sec-WebSocket-Extensions: grip",
        "Set-Cookie: a=1",
        "Set-Cookie: b=2",
        "X-Other: 1",
    ];
    s.origin.asked().await?.accept(&fields).await?;
    let (_, head) = client.upgraded().await?;
    head.has("Sec-WebSocket-Protocol", "other")?.has("X-Other", "1")?;
    head.lacks("Sec-WebSocket-Extensions")?;
    ensure(head.all("Set-Cookie") == ["a=1", "b=2"], "the cookies are not relayed")
}

async fn answer_woh(s: Scene) -> Outcome {
    let reply = granted(&[]).with("Sec-WebSocket-Protocol: other").with("X-Other: 1");
    let client = s.send(&upgrade_woh(&s)).await?;
    s.origin.exchange().await?.reply(reply).await?;
    let (_, head) = client.upgraded().await?;
    head.has("Sec-WebSocket-Protocol", "other")?.has("X-Other", "1")?;
    head.lacks("Sec-WebSocket-Extensions")?;
    Ok(())
}

async fn leaves(s: Scene) -> Outcome {
    let client = s.send(&upgrade(&s)).await?;
    let mut asked = s.origin.asked().await?;
    drop(client);
    asked.gone().await
}

async fn many_fields(s: Scene) -> Outcome {
    let request = (0..70).fold(upgrade(&s), |request, n| request.with(format!("X-F{n}: {n}")));
    s.origin
        .answers(|seen, _| reply("403 Forbidden").body(seen.head.first("X-F69").unwrap_or("lost")));
    let answer = s.ask(request).await?;
    match answer.head.word(1) {
        "403" => answer.says("69")?.fine(),
        _ => answer.error(431)?.fine(),
    }
}
