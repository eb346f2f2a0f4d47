//! Targets that fail, and the error pages that the proxy makes itself.

use crate::{
    case::{Case, Outcome, ensure, must},
    peer::{
        client::Answer,
        message::{ok, reply},
    },
    scene::Scene,
    target::host,
};

pub(super) fn cases() -> Vec<Case> {
    vec![
        must("ROUTE-44/in-order", "each request tries the targets in their order", in_order),
        must("ROUTE-45/refused", "a refused connection leads to the next target", refused),
        must("ROUTE-45/any-answer", "any answer is final", any_answer),
        must("ROUTE-45/closed", "a close after connecting is final", closed),
        must("ROUTE-47/all-failed", "when no target is left the client gets a 502", all_failed),
        must("ROUTE-48/replayed", "the next target gets the whole request", replayed),
        must("ROUTE-48/chunked", "and a body of unknown length too", replayed_chunked),
        must("FWD-90/page", "error pages are one plain line and keep the connection", error_page),
        must("FWD-90/debug", "with debug the page says more", debug_page),
        must("FWD-91/targets", "with debug the page names the targets tried", names_targets),
        must("FWD-91/closed", "an origin that closes without answering is a 502", origin_closes),
        must("FWD-91/reset", "an origin that breaks off is a 502", origin_resets),
        must("FWD-91/garbage", "an origin that talks nonsense is a 502", origin_babbles),
    ]
}

async fn in_order(s: Scene) -> Outcome {
    for _ in 0..3 {
        let (_, answer) = s.relay(s.get().host(host::FAILOVER), ok("second")).await?;
        answer.status(200)?.says("second")?;
    }
    // The first of these targets answers, so that the second must not be asked.
    let (_, answer) = s.relay(s.get().host(host::TWICE), ok("first")).await?;
    answer.says("first")?;
    s.origin.unasked(s.seconds(0.3)).await
}

async fn refused(s: Scene) -> Outcome {
    s.relay(s.get().host(host::FAILOVER), ok("here")).await?.1.status(200)?.says("here")?.fine()
}

async fn any_answer(s: Scene) -> Outcome {
    let failing = reply("503 Service Unavailable").body("busy\n");
    let (_, answer) = s.relay(s.get().host(host::TWICE), failing).await?;
    answer.status(503)?.says("busy\n")?;
    s.origin.unasked(s.seconds(0.5)).await
}

async fn closed(s: Scene) -> Outcome {
    let mut client = s.send(&s.request("POST").host(host::TWICE).body("once")).await?;
    let mut asked = s.origin.asked().await?;
    asked.seen().await?;
    drop(asked);
    client.answer().await?.error(502)?;
    s.origin.unasked(s.seconds(0.5)).await
}

async fn all_failed(s: Scene) -> Outcome {
    s.ask(s.get().host(host::DEAD)).await?.error(502)?.fine()
}

async fn replayed(s: Scene) -> Outcome {
    let request = s.request("POST").host(host::FAILOVER).with("X-A: 1").body(vec![b'x'; 50_000]);
    let seen = s.forwarded(request).await?;
    seen.head.has("X-A", "1")?;
    ensure(seen.body.len() == 50_000, format_args!("{} bytes arrived", seen.body.len()))
}

async fn replayed_chunked(s: Scene) -> Outcome {
    let long = "x".repeat(20_000);
    let request = s.request("POST").host(host::FAILOVER).chunked(&["one", &long, "two"]);
    let seen = s.forwarded(request).await?;
    ensure(seen.body.len() == 20_006, format_args!("{} bytes arrived", seen.body.len()))
}

async fn error_page(s: Scene) -> Outcome {
    let mut client = s.connect().await?;
    for _ in 0..2 {
        client.send(&s.get().host(host::DEAD)).await?;
        let answer = client.answer().await?;
        answer.error(502)?.has("Content-Length", &answer.body.len().to_string())?;
    }
    Ok(())
}

async fn debug_page(s: Scene) -> Outcome {
    let plain = s.ask(s.get().host(host::DEAD)).await?.text();
    let debug = s.ask(s.get().host(host::DEAD_DEBUG)).await?;
    debug.error(502)?;
    ensure(debug.text() != plain, format_args!("both pages say {plain:?}"))
}

async fn names_targets(s: Scene) -> Outcome {
    s.ask(s.get().host(host::DEAD_DEBUG))
        .await?
        .says("Unable to connect to any targets. Tried: 127.0.0.1:1\n")?
        .fine()
}

/// How an origin fails.
enum Failing {
    Closes,
    Resets,
    Babbles,
}

/// What the client gets from an origin that fails whenever it is asked; a proxy may ask it again, since
/// the failure can come from a connection that was idle before.
async fn answer_of(s: &Scene, failing: Failing) -> Outcome<Answer> {
    let mut client = s.send(&s.get()).await?;
    let fail = async {
        loop {
            let mut asked = s.origin.asked().await?;
            match failing {
                Failing::Closes => {}
                Failing::Resets => asked.reset()?,
                Failing::Babbles => asked.write("250 go ahead\r\n\r\n").await?,
            }
        }
    };
    tokio::select! {
        biased;
        answer = client.answer() => answer,
        ended = fail => ended,
    }
}

async fn origin_closes(s: Scene) -> Outcome {
    let answer = answer_of(&s, Failing::Closes).await?;
    answer.error(502)?.says("Error while proxying to origin.\n")?.fine()
}

async fn origin_resets(s: Scene) -> Outcome {
    answer_of(&s, Failing::Resets).await?.error(502)?.fine()
}

async fn origin_babbles(s: Scene) -> Outcome {
    answer_of(&s, Failing::Babbles).await?.error(502)?.fine()
}
