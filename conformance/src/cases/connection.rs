//! How client connections live and die.

use std::time::Instant;

use super::support::{requests_refused, stream_on};
use crate::{
    case::{Case, Outcome, ensure, must, should},
    peer::{client::Client, message::ok},
    scene::Scene,
};

pub(super) fn cases() -> Vec<Case> {
    vec![
        must("FWD-80/persists", "an HTTP/1.1 connection goes on", persists),
        must("FWD-80/close", "Connection: close ends it", closes),
        should("FWD-80/close-any-case", "the word close counts in any case", closes_any_case),
        must("FWD-80/http10", "an HTTP/1.0 connection ends", http10_ends),
        must(
            "FWD-80/http10-keep-alive",
            "keep-alive keeps an HTTP/1.0 connection",
            http10_persists,
        ),
        must("FWD-81/in-order", "pipelined requests are served in order, one at a time", pipelined),
        must("FWD-81/behind-hold", "a request behind a stream is not taken", behind_a_stream),
        should("FWD-82/empty-body", "an empty body does not end the connection", empty_body),
        must("LIM-1/fits", "a request head of 8192 bytes fits", head_fits),
        should("LIM-1/too-long", "a longer head is answered, then the connection ends", too_long),
        must("LIM-20/silent", "a silent connection ends after a minute", silent).within(80),
        must("LIM-20/trickle", "so does a head that trickles in", trickle).within(80),
        must("LIM-20/idle", "so does a connection that idles between requests", idle).within(80),
        should("LIM-21/stalled-body", "a stalled body is a 408 after a minute", stalled_body)
            .within(80),
    ]
}

async fn persists(s: Scene) -> Outcome {
    let mut client = s.connect().await?;
    s.origin.always(ok("again"));
    for _ in 0..3 {
        client.send(&s.get()).await?;
        let answer = client.answer().await?;
        answer.says("again")?;
        ensure(!answer.head.lists("Connection", "close"), "the connection is said to end")?;
    }
    Ok(())
}

async fn ends_after(s: Scene, request: crate::peer::message::Request) -> Outcome {
    s.origin.always(ok("once"));
    let mut client = s.send(&request).await?;
    client.answer().await?.says("once")?;
    client.closed().await
}

async fn closes(s: Scene) -> Outcome {
    let request = s.get().with("Connection: close");
    ends_after(s, request).await
}

async fn closes_any_case(s: Scene) -> Outcome {
    let request = s.get().with("Connection: Close");
    ends_after(s, request).await
}

async fn http10_ends(s: Scene) -> Outcome {
    let request = s.get().http10();
    ends_after(s, request).await
}

async fn http10_persists(s: Scene) -> Outcome {
    s.origin.always(ok("again"));
    let mut client = s.connect().await?;
    for _ in 0..2 {
        client.send(&s.get().http10().with("Connection: keep-alive")).await?;
        let answer = client.answer().await?;
        answer.says("again")?;
        ensure(answer.head.lists("Connection", "keep-alive"), "keep-alive is not confirmed")?;
    }
    Ok(())
}

async fn pipelined(s: Scene) -> Outcome {
    let second = s.place();
    let mut client = s.connect().await?;
    client.raw(&[s.get().bytes(), s.get_from(&second).bytes()].concat()).await?;
    let asked = s.origin.asked().await?;
    second.unasked(s.seconds(0.5)).await?;
    asked.reply(ok("first")).await?;
    client.answer().await?.says("first")?;
    second.asked().await?.reply(ok("second")).await?;
    client.answer().await?.says("second")?.fine()
}

async fn behind_a_stream(s: Scene) -> Outcome {
    let second = s.place();
    let mut client = s.stream(stream_on(&s.channel("a")), "hello\n").await?;
    client.send(&s.get_from(&second)).await?;
    second.unasked(s.seconds(0.7)).await?;
    client.quiet(s.seconds(0.1)).await
}

async fn empty_body(s: Scene) -> Outcome {
    s.origin.always(ok("again"));
    let mut client = s.connect().await?;
    for _ in 0..2 {
        client.send(&s.request("POST").body("")).await?;
        client.answer().await?.says("again")?;
    }
    Ok(())
}

/// A request whose head has exactly this many bytes.
fn head_of(s: &Scene, size: usize) -> Vec<u8> {
    let bare = s.get().with("X-Long: ").bytes().len();
    s.get().with(format!("X-Long: {}", "x".repeat(size - bare))).bytes()
}

async fn head_fits(s: Scene) -> Outcome {
    s.origin.always(ok("fits"));
    let mut client = s.connect().await?;
    client.raw(&head_of(&s, 8192)).await?;
    client.answer().await?.status(200)?.says("fits")?.fine()
}

async fn too_long(s: Scene) -> Outcome {
    let request = head_of(&s, 12_000);
    requests_refused(&s, &[&request], &["400", "431"]).await?;
    let mut client = s.connect().await?;
    client.raw(&request).await?;
    client.answer().await?;
    client.closed().await
}

/// Waits for the end of a connection, which has to come about a minute after `since`.
async fn ends_in_a_minute(s: &Scene, mut client: Client, since: Instant) -> Outcome {
    let all = client.all().await?;
    let took = since.elapsed();
    ensure(all.is_empty() || all.starts_with("HTTP/1.1 408"), format_args!("{all:?} came first"))?;
    let fits = took >= s.seconds(58.0) && took <= s.seconds(66.0);
    ensure(fits, format_args!("the end came after {took:?}"))
}

async fn silent(s: Scene) -> Outcome {
    let client = s.connect().await?.patient(s.seconds(70.0));
    ends_in_a_minute(&s, client, Instant::now()).await
}

async fn trickle(s: Scene) -> Outcome {
    let mut client = s.connect().await?.patient(s.seconds(70.0));
    let start = Instant::now();
    client.raw(format!("GET {} HTTP/1.1\r\nX-Slow: ", s.origin.path).as_bytes()).await?;
    for _ in 0..11 {
        s.pause(5.0).await;
        client.raw(b"x").await?;
    }
    ends_in_a_minute(&s, client, start).await
}

async fn idle(s: Scene) -> Outcome {
    s.origin.always(ok("x"));
    let mut client = s.send(&s.get()).await?.patient(s.seconds(70.0));
    client.answer().await?.status(200)?;
    ends_in_a_minute(&s, client, Instant::now()).await
}

async fn stalled_body(s: Scene) -> Outcome {
    let request = s.request("POST").with("Content-Length: 100").raw_body("some");
    let mut client = s.send(&request).await?.patient(s.seconds(70.0));
    let start = Instant::now();
    client.answer().await?.status(408)?;
    let took = start.elapsed();
    ensure(took >= s.seconds(50.0), format_args!("it came after {took:?}"))?;
    client.closed().await
}
