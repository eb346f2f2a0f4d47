//! WebSocket-over-HTTP: what the backend answers.

use super::ws_support::{
    GRIP, for_sockets, granted, opened, says, subscribe, upgrade_woh, woh, woh_apart,
};
use crate::{
    case::{Case, Outcome, ensure, must, should, wrong},
    peer::{
        client::Answer,
        events::{EVENTS, Kind, binary, close, event, open, ping, pong, text},
        message::{Reply, reply},
        socket::{Incoming, Socket},
    },
    scene::Scene,
};

pub(super) fn cases() -> Vec<Case> {
    vec![
        must("WOH-12/whole", "nothing is done before the answer is complete", whole),
        must("WOH-12/empty", "an answer may carry nothing", empty_answer),
        should(
            "WOH-12/parameters",
            "the content type may have parameters and any case",
            parameters,
        ),
        should("WOH-12/no-content", "204 is an answer without events", no_content),
        must("WOH-13/hidden", "the private fields are not shown to the client", hidden),
        should("WOH-13/accepted", "and Content-Bytes-Accepted is not", hidden_accepted),
        should("WOH-13/refusal", "and none of them on a refusal", hidden_refusal),
        must("WOH-14/more", "events behind OPEN follow the 101", more_events),
        must("WOH-14/undecided", "an empty answer with an interval means to ask again", undecided)
            .within(35),
        must("WOH-14/empty", "an empty answer without one is a 502", undecided_empty),
        must("WOH-14/no-open", "an answer that does not begin with OPEN is a 502", no_open),
        must("WOH-14/broken", "an answer that cannot be read is a 502", broken),
        must("WOH-14/closed", "a connection lost is a 502", lost),
        should("WOH-14/success", "a 200 or 204 without OPEN is a 502", success),
        must("WOH-15/events", "events become messages, in order", events),
        must("WOH-15/large", "a message of 200,000 bytes arrives whole", large),
        must("WOH-15/after-close", "what follows a close is ignored", after_close),
        must("WOH-15/unknown", "events of other names are ignored", unknown),
        must("WOH-15/disconnect", "a disconnect ends the client's connection", disconnect),
        should("WOH-15/last-words", "and what was said before it still arrives", last_words),
        should("WOH-15/open", "a second OPEN is a 1011", second_open),
        must("WOH-16/content", "the content of OPEN is ignored", open_content),
        must("WOH-16/no-size", "a message without size is empty", no_size),
        must("WOH-17/hex", "sizes are hexadecimal in any case", hex),
        must("WOH-17/last-break", "the line break at the end of a body may be missing", last_break),
        must("WOH-17/malformed", "a body that is malformed ends the connection", malformed),
        should("WOH-17/strict", "odd sizes are malformed", strict),
        must("WOH-18/in-order", "answers reach the client before the next request", in_order),
        must("WOH-19/not-inside", "an item never lands inside a message", not_inside),
        must("WOH-20/only-first", "only the first answer can turn GRIP on", only_first),
    ]
}

/// Lets the client speak and the backend answer with this.
async fn answers(s: &Scene, client: &mut Socket, reply: impl Into<Vec<u8>>) -> Outcome {
    client.say("?").await?;
    s.origin.told(&[text("?")]).await?.reply(reply).await
}

/// A reply with a body of this text.
fn body(body: impl AsRef<[u8]>) -> Reply {
    reply("200 OK").with(format!("Content-Type: {EVENTS}")).body(body)
}

async fn whole(s: Scene) -> Outcome {
    let mut client = woh(&s, &[]).await?;
    client.say("?").await?;
    let mut asked = s.origin.asked().await?;
    asked.seen().await?;
    let bytes: Vec<u8> = says(&[text("m:one"), text("m:two")]).into();
    let (start, end) = bytes.split_at(bytes.len() - 3);
    asked.write(start).await?;
    client.quiet(s.seconds(0.5)).await?;
    asked.write(end).await?;
    client.hears_texts(&["one", "two"]).await
}

async fn empty_answer(s: Scene) -> Outcome {
    let mut client = woh(&s, &[]).await?;
    answers(&s, &mut client, says(&[])).await?;
    client.quiet(s.seconds(0.3)).await?;
    answers(&s, &mut client, says(&[text("m:x")])).await?;
    client.hears_texts(&["x"]).await
}

async fn parameters(s: Scene) -> Outcome {
    let reply = |kind: &str| {
        let kind = format!("Content-Type: {kind}");
        reply("200 OK").with(kind).with(GRIP).body("OPEN\r\nTEXT 3\r\nm:x\r\n")
    };
    let mut clients = Vec::new();
    for kind in ["application/websocket-events; charset=utf-8", "Application/WebSocket-Events"] {
        let mut client = opened(&s, upgrade_woh(&s), reply(kind)).await?;
        client.hears_texts(&["x"]).await?;
        // Its end would be told to the origin, where the next is awaited.
        clients.push(client);
    }
    Ok(())
}

async fn no_content(s: Scene) -> Outcome {
    let mut client = woh(&s, &[]).await?;
    answers(&s, &mut client, b"HTTP/1.1 204 No Content\r\n\r\n").await?;
    answers(&s, &mut client, says(&[text("m:x")])).await?;
    client.hears_texts(&["x"]).await
}

async fn hidden(s: Scene) -> Outcome {
    let client = s.send(&upgrade_woh(&s)).await?;
    let reply = granted(&[]).with("Set-Meta-User: a").with("Keep-Alive-Interval: 60");
    s.origin.told(&[open()]).await?.reply(reply.with("X-Other: 1")).await?;
    let (_, head) = client.upgraded().await?;
    head.has("X-Other", "1")?.lacks("Content-Type")?.lacks("Keep-Alive-Interval")?;
    head.lacks_any("Set-Meta-")?;
    Ok(())
}

async fn hidden_accepted(s: Scene) -> Outcome {
    let client = s.send(&upgrade_woh(&s)).await?;
    let reply = granted(&[]).with("Content-Bytes-Accepted: 0");
    s.origin.told(&[open()]).await?.reply(reply).await?;
    client.upgraded().await?.1.lacks("Content-Bytes-Accepted")?;
    Ok(())
}

async fn hidden_refusal(s: Scene) -> Outcome {
    let refusal = reply("403 Forbidden").with("Set-Meta-User: a").with("Keep-Alive-Interval: 60");
    let answer = s.relay(upgrade_woh(&s), refusal.body("no")).await?.1;
    answer.status(403)?.lacks("Keep-Alive-Interval")?;
    answer.head.lacks_any("Set-Meta-")?;
    Ok(())
}

async fn more_events(s: Scene) -> Outcome {
    let mut client = woh(&s, &[text("m:one"), binary("m:two"), text("m:three")]).await?;
    client.hears_texts(&["one"]).await?;
    client.hears(binary("two")).await?;
    client.hears_texts(&["three"]).await
}

async fn undecided(s: Scene) -> Outcome {
    let client = s.send(&upgrade_woh(&s)).await?;
    let mut client = client.patient(s.seconds(30.0));
    s.origin.told(&[open()]).await?.reply(says(&[]).with("Keep-Alive-Interval: 20")).await?;
    client.quiet(s.seconds(17.0)).await?;
    s.origin.told(&[open()]).await?.reply(granted(&[])).await?;
    client.upgraded().await.map(drop)
}

/// What the client gets when its OPEN is answered with this.
async fn refused(s: &Scene, reply: impl Into<Vec<u8>>) -> Outcome<Answer> {
    let mut client = s.send(&upgrade_woh(s)).await?;
    s.origin.told(&[open()]).await?.reply(reply).await?;
    client.answer().await
}

async fn undecided_empty(s: Scene) -> Outcome {
    refused(&s, says(&[])).await?.status(502)?.fine()
}

async fn no_open(s: Scene) -> Outcome {
    let firsts = [body("open\r\n"), says(&[close(4000, "")]), says(&[text("m:x"), open()])];
    for first in firsts {
        let told = first.to_string();
        let answer = refused(&s, first).await?;
        ensure(answer.head.word(1) == "502", format_args!("{} for {told}", answer.head))?;
    }
    Ok(())
}

async fn broken(s: Scene) -> Outcome {
    for bad in ["OPEN", "OPEN\n", "OPEN\r\nTEXT zz\r\n"] {
        let answer = refused(&s, body(bad)).await?;
        ensure(answer.head.word(1) == "502", format_args!("{} for {bad:?}", answer.head))?;
    }
    Ok(())
}

async fn lost(s: Scene) -> Outcome {
    let mut client = s.send(&upgrade_woh(&s)).await?;
    s.origin.told(&[open()]).await?.hang_up();
    // Another try is fine while there are old connections.
    while let Some(again) = s.origin.asked_within(s.seconds(1.0)).await {
        drop(again);
    }
    client.answer().await?.status(502)?.fine()
}

async fn success(s: Scene) -> Outcome {
    let odd = reply("200 OK").with("Content-Type: text/plain").body("hello\n");
    refused(&s, odd).await?.status(502)?;
    refused(&s, b"HTTP/1.1 204 No Content\r\n\r\n").await?.status(502)?.fine()
}

async fn events(s: Scene) -> Outcome {
    let mut client = woh(&s, &[]).await?;
    let events = [text("m:one"), binary("m:\0"), ping("p"), pong("q"), text("m:"), ping("")];
    answers(&s, &mut client, says(&events)).await?;
    for wanted in [text("one"), binary("\0"), ping("p"), pong("q"), text(""), ping("")] {
        client.hears(wanted).await?;
    }
    Ok(())
}

async fn large(s: Scene) -> Outcome {
    let mut client = woh(&s, &[]).await?;
    let content = "0123456789".repeat(20_000);
    answers(&s, &mut client, says(&[text(format!("m:{content}")), text("m:after")])).await?;
    client.hears_texts(&[&content, "after"]).await
}

async fn after_close(s: Scene) -> Outcome {
    let mut client = woh(&s, &[]).await?;
    answers(&s, &mut client, says(&[text("m:1"), close(4000, "x"), text("m:2")])).await?;
    client.hears_texts(&["1"]).await?;
    client.hears(close(4000, "x")).await?;
    client.send(close(4000, "x")).await?;
    client.ended().await
}

async fn unknown(s: Scene) -> Outcome {
    let mut client = woh(&s, &[]).await?;
    answers(&s, &mut client, body("FOO\r\nBAR 3\r\nm:x\r\nTEXT 3\r\nm:y\r\n")).await?;
    client.hears_texts(&["y"]).await
}

async fn disconnect(s: Scene) -> Outcome {
    let mut client = woh(&s, &[]).await?;
    answers(&s, &mut client, says(&[event(Kind::Disconnect, "")])).await?;
    client.ends().await
}

async fn last_words(s: Scene) -> Outcome {
    let mut client = woh(&s, &[]).await?;
    answers(&s, &mut client, says(&[text("m:x"), event(Kind::Disconnect, "")])).await?;
    client.hears_texts(&["x"]).await?;
    client.ends().await
}

async fn second_open(s: Scene) -> Outcome {
    let mut client = woh(&s, &[]).await?;
    answers(&s, &mut client, says(&[text("m:x"), open()])).await?;
    client.hears_texts(&["x"]).await?;
    client.closes(1011).await.map(drop)
}

async fn open_content(s: Scene) -> Outcome {
    let reply = body("OPEN 3\r\nm:x\r\nTEXT 3\r\nm:y\r\n").with(GRIP);
    opened(&s, upgrade_woh(&s), reply).await?.hears_texts(&["y"]).await
}

async fn no_size(s: Scene) -> Outcome {
    let mut client = opened(&s, upgrade_woh(&s), says(&[open()])).await?;
    answers(&s, &mut client, body("TEXT\r\nBINARY\r\nTEXT 1\r\nx\r\n")).await?;
    for wanted in [text(""), binary(""), text("x")] {
        client.hears(wanted).await?;
    }
    Ok(())
}

async fn hex(s: Scene) -> Outcome {
    let mut client = woh(&s, &[]).await?;
    let content = "0123456789abcdef0123456789";
    for size in ["1c", "1C", "01c"] {
        answers(&s, &mut client, body(format!("TEXT {size}\r\nm:{content}\r\n"))).await?;
        client.hears_texts(&[content]).await?;
    }
    Ok(())
}

async fn last_break(s: Scene) -> Outcome {
    let mut client = woh(&s, &[]).await?;
    answers(&s, &mut client, body("TEXT 3\r\nm:x\r\nTEXT 3\r\nm:y")).await?;
    client.hears_texts(&["x", "y"]).await
}

/// Requires that a body ends the connection, with or without a close frame, and with no message.
async fn ends_with(s: &Scene, bad: &str) -> Outcome {
    let (mut client, place) = woh_apart(s).await?;
    client.say("?").await?;
    place.told(&[text("?")]).await?.reply(body(bad)).await?;
    match client.ends().await {
        Err(trouble) => wrong(format_args!("{bad:?}: {trouble}")),
        fine => fine,
    }
}

async fn malformed(s: Scene) -> Outcome {
    for bad in ["TEXT 3", "TEXT 3\nm:x\n", "TEXT x\r\nm:x\r\n", "TEXT 3 3\r\nm:x\r\n"] {
        ends_with(&s, bad).await?;
    }
    Ok(())
}

async fn strict(s: Scene) -> Outcome {
    for bad in ["TEXT -1\r\nm:x\r\n", "TEXT 0x3\r\nm:x\r\n", "TEXT 9\r\nm:x\r\n"] {
        ends_with(&s, bad).await?;
    }
    Ok(())
}

async fn in_order(s: Scene) -> Outcome {
    let mut client = woh(&s, &[]).await?;
    for n in 0..30 {
        let (said, heard) = (n.to_string(), format!("{n} yourself"));
        client.say(&said).await?;
        s.origin.told(&[text(&said)]).await?.says(&[text(format!("m:{heard}"))]).await?;
        client.hears(text(&heard)).await?;
    }
    Ok(())
}

async fn not_inside(s: Scene) -> Outcome {
    let channel = s.channel("a");
    let mut client = woh(&s, &[subscribe(&channel)]).await?;
    s.settle().await;
    let content = "x".repeat(20_000);
    client.say("?").await?;
    let exchange = s.origin.told(&[text("?")]).await?;
    s.publish(for_sockets(&channel, "item")).await?;
    exchange.says(&[text(format!("m:{content}"))]).await?;
    let mut messages = 0;
    while let Some(came) = client.next_within(s.seconds(1.0)).await? {
        match came {
            Incoming::Event(event) if event == text(&content) => messages += 1,
            Incoming::Event(event) if event == text("item") => {}
            other => return wrong(format_args!("came {other:?}")),
        }
    }
    ensure(messages == 1, format_args!("the message came {messages} times"))
}

async fn only_first(s: Scene) -> Outcome {
    let mut client = opened(&s, upgrade_woh(&s), says(&[open()])).await?;
    answers(&s, &mut client, says(&[text("m:x"), subscribe("y")]).with(GRIP)).await?;
    client.hears_texts(&["m:x"]).await?;
    client.hears(subscribe("y")).await?;
    // And it cannot turn it off.
    let mut client = woh(&s, &[]).await?;
    answers(&s, &mut client, says(&[text("m:x")])).await?;
    client.hears_texts(&["x"]).await
}
