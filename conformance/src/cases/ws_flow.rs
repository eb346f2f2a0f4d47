//! Peers that do not read, and backends that do not answer.

use super::ws_support::{apart, granted, opened, plain, says, upgrade, woh};
use crate::{
    case::{Case, Outcome, ensure, must, should, wrong},
    peer::{
        events::{Kind, text},
        frame::Frame,
        socket::Socket,
    },
    scene::Scene,
    target::host,
};

pub(super) fn cases() -> Vec<Case> {
    vec![
        must(
            "WS-50/client",
            "a client that does not read stops its backend, nothing is lost",
            client,
        )
        .alone(),
        must("WS-50/backend", "and the other way round", backend).within(20).alone(),
        should("WS-52/stops", "over HTTP a client that does not read stops the requests", stops)
            .within(30)
            .alone(),
        should("WS-54/woh", "a backend that never answers is given up within a minute", silent)
            .within(90),
        must("WS-55/tiny", "twenty thousand tiny messages for a client that waits arrive", tiny),
    ]
}

/// How much is offered to a peer that does not read: more than kernels and proxies hold.
const OFFERED: usize = 40_000_000;

/// The size of one message there.
const EACH: usize = 1_000;

/// The frames that are offered, each message numbered.
fn offered(masked: bool) -> Vec<u8> {
    let frame = |n| Frame::new(Kind::Text, format!("{n:0>EACH$}"));
    let frames = (0..OFFERED / EACH).map(frame);
    match masked {
        true => frames.flat_map(|frame| frame.masked().bytes()).collect(),
        false => frames.flat_map(|frame| frame.bytes()).collect(),
    }
}

/// Requires that one end is stopped while the other does not read, and that the other gets all that was
/// offered in whole messages then.
async fn stopped(s: &Scene, from: &mut Socket, to: &mut Socket, bytes: Vec<u8>) -> Outcome {
    let sent = from.press(&bytes, s.seconds(1.0)).await?;
    ensure(sent < bytes.len(), format_args!("all {sent} bytes were taken"))?;
    let frame = bytes.len() / (OFFERED / EACH);
    for n in 0..sent / frame {
        if let Err(trouble) = to.hears(text(format!("{n:0>EACH$}"))).await {
            return wrong(format_args!("message {n} of {}: {trouble}", sent / frame));
        }
    }
    Ok(())
}

async fn client(s: Scene) -> Outcome {
    let apart = apart(&s, 6.0).await?;
    let outcome = match apart.native(&s, &[]).await {
        Ok((mut client, mut backend)) => {
            stopped(&s, &mut backend, &mut client, offered(false)).await
        }
        Err(trouble) => Err(trouble),
    };
    apart.stop().await;
    outcome
}

async fn backend(s: Scene) -> Outcome {
    let apart = apart(&s, 6.0).await?;
    let outcome = match apart.native(&s, &[]).await {
        Ok((mut client, mut backend)) => {
            stopped(&s, &mut client, &mut backend, offered(true)).await
        }
        Err(trouble) => Err(trouble),
    };
    apart.stop().await;
    outcome
}

/// How many messages the client sends, each of which is answered by [`ANSWERS`] large ones.
const QUESTIONS: usize = 150;

/// How many messages answer one.
const ANSWERS: usize = 10;

async fn stops(s: Scene) -> Outcome {
    let mut client = opened(&s, upgrade(&s).host(host::ONE_EVENT), granted(&[])).await?;
    let content = "x".repeat(16_000);
    let answer = says(&vec![text(format!("m:{content}")); ANSWERS]);
    for _ in 0..QUESTIONS {
        client.say("?").await?;
    }
    let mut asked = 0;
    while let Some(mut request) = s.origin.asked_within(s.seconds(1.5)).await {
        request.seen().await?;
        request.reply(answer.clone()).await?;
        asked += 1;
    }
    ensure(asked < QUESTIONS, "the requests go on although nobody reads the answers")?;
    let served = s.origin.always(answer);
    for n in 0..QUESTIONS * ANSWERS {
        if let Err(trouble) = client.hears(text(&content)).await {
            return wrong(format_args!("message {n} after {asked} requests: {trouble}"));
        }
    }
    let total = asked + served.seen().len();
    ensure(total == QUESTIONS, format_args!("{total} requests for {QUESTIONS} messages"))
}

async fn silent(s: Scene) -> Outcome {
    let mut client = woh(&s, &[]).await?.patient(s.seconds(80.0));
    client.say("?").await?;
    let _unanswered = s.origin.told(&[text("?")]).await?;
    client.is_told_of_failure().await
}

async fn tiny(s: Scene) -> Outcome {
    const COUNT: usize = 20_000;
    let (mut client, mut backend) = plain(&s).await?;
    let bytes = Frame::new(Kind::Text, "x").bytes().repeat(COUNT);
    backend.press(&bytes, s.seconds(2.0)).await?;
    s.pause(1.0).await;
    for _ in 0..COUNT {
        client.hears(text("x")).await?;
    }
    backend.say("after").await?;
    client.hears_texts(&["after"]).await
}
