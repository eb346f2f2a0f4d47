//! What the proxy says by itself because a backend asked for it: keep-alives and delayed messages.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::ws_support::{Apart, GRIP, apart, control, for_sockets, grip, subscribed, woh};
use crate::{
    case::{Case, Outcome, ensure, must, should, wrong},
    peer::{
        events::{Event, Kind, binary, ping, pong, text},
        frame::Frame,
        socket::{Incoming, Socket},
    },
    scene::Scene,
};

pub(super) fn cases() -> Vec<Case> {
    vec![
        must("CTL-40/idle", "the content comes after a time of silence, again and again", idle),
        must("CTL-40/woh", "and so with WebSocket-over-HTTP", idle_woh),
        must("CTL-40/interval", "in interval mode it comes whatever else does", interval),
        must("CTL-40/odd-values", "a text of digits is a time, an odd mode is idle", odd_values),
        must("CTL-41/put-off", "messages and items put it off, the client does not", put_off),
        must("CTL-42/off", "without content it ends", off),
        must("CTL-42/empty", "empty content is content", empty),
        must("CTL-42/replaced", "a new one replaces the old", replaced),
        must("CTL-43/types", "it may be binary, a ping or a pong", types),
        must("CTL-43/unknown-type", "another type is ignored", unknown_type),
        should("CTL-43/bare-ping", "a ping needs no content", bare_ping),
        should("CTL-44/binary", "content-bin is binary by itself", content_bin),
        must("CTL-46/detached", "it goes on without the backend", detached),
        must("CTL-50/delayed", "a delayed message comes after its time", delayed),
        must("CTL-50/overtaken", "and at once if another is to be delayed", overtaken),
        must("CTL-50/flushed", "or if it is asked for", flushed),
        must("CTL-51/detached", "it comes without the backend", delayed_detached),
        must("CTL-52/not-inside", "it waits for the end of a message in parts", not_inside)
            .within(11)
            .alone(),
    ]
}

/// A `keep-alive` of two seconds.
fn keep_alive(members: &Value) -> Event {
    with_type("keep-alive", members)
}

/// A `send-delayed`.
fn delay(members: &Value) -> Event {
    with_type("send-delayed", members)
}

fn with_type(kind: &str, members: &Value) -> Event {
    let mut message = json!({ "type": kind, "timeout": 2 });
    for (name, value) in members.as_object().into_iter().flatten() {
        message[name] = value.clone();
    }
    control(&message)
}

/// Requires that this comes, and not before and not after these times in seconds.
async fn hears_after(
    s: &Scene,
    client: &mut Socket,
    wanted: &Event,
    (least, most): (f64, f64),
) -> Outcome {
    let start = Instant::now();
    client.hears(wanted.clone()).await?;
    let took = start.elapsed();
    let fine = took >= Duration::from_secs_f64(least) && took < s.seconds(most);
    ensure(fine, format_args!("{wanted:?} came after {took:?}, not {least} to {most} s"))
}

/// A two-second time may be a second early, and somewhat late.
const TWO: (f64, f64) = (0.9, 3.2);

async fn idle(s: Scene) -> Outcome {
    let (mut client, mut backend) = grip(&s).await?;
    backend.send(keep_alive(&json!({ "content": "tick" }))).await?;
    for _ in 0..3 {
        hears_after(&s, &mut client, &text("tick"), TWO).await?;
    }
    backend.quiet(s.seconds(0.2)).await
}

async fn idle_woh(s: Scene) -> Outcome {
    let mut client = woh(&s, &[keep_alive(&json!({ "content": "tick" }))]).await?;
    for _ in 0..2 {
        hears_after(&s, &mut client, &text("tick"), TWO).await?;
    }
    s.origin.unasked(s.seconds(0.2)).await
}

/// Lets the backend speak every 0.4 seconds for this long, and counts the ticks among what arrives.
async fn ticks(s: &Scene, client: &mut Socket, backend: &mut Socket, rounds: u32) -> Outcome<u32> {
    let mut ticks = 0;
    for _ in 0..rounds {
        backend.say("m:news").await?;
        loop {
            match client.next().await? {
                Incoming::Event(event) if event == text("tick") => ticks += 1,
                Incoming::Event(event) if event == text("news") => break,
                other => return wrong(format_args!("came {other:?}")),
            }
        }
        s.pause(0.4).await;
    }
    Ok(ticks)
}

async fn interval(s: Scene) -> Outcome {
    let (mut client, mut backend) = grip(&s).await?;
    backend.send(keep_alive(&json!({ "content": "tick", "mode": "interval" }))).await?;
    let ticks = ticks(&s, &mut client, &mut backend, 14).await?;
    ensure((2..=5).contains(&ticks), format_args!("{ticks} ticks in 5.6 s"))
}

async fn odd_values(s: Scene) -> Outcome {
    let (mut client, mut backend) = grip(&s).await?;
    let members = json!({ "content": "tick", "mode": "nonsense", "timeout": "2" });
    backend.send(keep_alive(&members)).await?;
    hears_after(&s, &mut client, &text("tick"), TWO).await?;
    let ticks = ticks(&s, &mut client, &mut backend, 9).await?;
    ensure(ticks == 0, format_args!("{ticks} ticks between messages"))
}

async fn put_off(s: Scene) -> Outcome {
    let channel = s.channel("a");
    let (mut client, mut backend) = subscribed(&s, &channel).await?;
    backend.send(keep_alive(&json!({ "content": "tick" }))).await?;
    let ticks = ticks(&s, &mut client, &mut backend, 5).await?;
    ensure(ticks == 0, format_args!("{ticks} ticks between messages"))?;
    for n in 0..4 {
        s.publish(for_sockets(&channel, &n.to_string())).await?;
        client.hears_texts(&[&n.to_string()]).await?;
        s.pause(0.6).await;
    }
    let chatter = Instant::now();
    while client.next_within(s.seconds(0.2)).await?.is_none() {
        client.say("chatter").await?;
        ensure(chatter.elapsed() < s.seconds(TWO.1), "the client puts it off")?;
    }
    Ok(())
}

async fn off(s: Scene) -> Outcome {
    let (mut client, mut backend) = grip(&s).await?;
    backend.send(keep_alive(&json!({ "content": "tick" }))).await?;
    hears_after(&s, &mut client, &text("tick"), TWO).await?;
    backend.send(control(&json!({ "type": "keep-alive" }))).await?;
    client.quiet(s.seconds(3.0)).await
}

async fn empty(s: Scene) -> Outcome {
    let (mut client, mut backend) = grip(&s).await?;
    backend.send(keep_alive(&json!({ "content": "" }))).await?;
    hears_after(&s, &mut client, &text(""), TWO).await
}

async fn replaced(s: Scene) -> Outcome {
    let (mut client, mut backend) = grip(&s).await?;
    backend.send(keep_alive(&json!({ "content": "old", "timeout": 3 }))).await?;
    s.pause(0.5).await;
    backend.send(keep_alive(&json!({ "content": "new" }))).await?;
    for _ in 0..2 {
        hears_after(&s, &mut client, &text("new"), TWO).await?;
    }
    Ok(())
}

async fn types(s: Scene) -> Outcome {
    let typed = |kind: &str| keep_alive(&json!({ "content": "tick", "message-type": kind }));
    let (mut client, mut backend) = grip(&s).await?;
    let kinds = [("binary", binary("tick")), ("ping", ping("tick")), ("pong", pong("tick"))];
    for (kind, wanted) in kinds {
        backend.send(typed(kind)).await?;
        hears_after(&s, &mut client, &wanted, TWO).await?;
    }
    Ok(())
}

async fn unknown_type(s: Scene) -> Outcome {
    let (mut client, mut backend) = grip(&s).await?;
    backend.send(keep_alive(&json!({ "content": "tick" }))).await?;
    backend.send(keep_alive(&json!({ "content": "bad", "message-type": "close" }))).await?;
    hears_after(&s, &mut client, &text("tick"), TWO).await
}

async fn bare_ping(s: Scene) -> Outcome {
    let (mut client, mut backend) = grip(&s).await?;
    backend.send(keep_alive(&json!({ "message-type": "ping" }))).await?;
    hears_after(&s, &mut client, &ping(""), TWO).await
}

async fn content_bin(s: Scene) -> Outcome {
    let (mut client, mut backend) = grip(&s).await?;
    backend.send(keep_alive(&json!({ "content-bin": "AP8=" }))).await?;
    hears_after(&s, &mut client, &binary(b"\x00\xff"), TWO).await?;
    backend.send(delay(&json!({ "content-bin": "AP8=", "timeout": 1 }))).await?;
    client.hears(binary(b"\x00\xff")).await
}

async fn detached(s: Scene) -> Outcome {
    let (mut client, mut backend) = grip(&s).await?;
    backend.send(keep_alive(&json!({ "content": "tick" }))).await?;
    backend.send(control(&json!({ "type": "detach" }))).await?;
    for _ in 0..2 {
        hears_after(&s, &mut client, &text("tick"), TWO).await?;
    }
    Ok(())
}

async fn delayed(s: Scene) -> Outcome {
    let (mut client, mut backend) = grip(&s).await?;
    backend.send(delay(&json!({ "content": "two" }))).await?;
    hears_after(&s, &mut client, &text("two"), (1.8, 3.2)).await?;
    let standard = json!({ "type": "send-delayed", "content": "", "message-type": "binary" });
    backend.send(control(&standard)).await?;
    hears_after(&s, &mut client, &binary(""), (0.8, 2.0)).await?;
    client.quiet(s.seconds(1.5)).await
}

async fn overtaken(s: Scene) -> Outcome {
    let (mut client, mut backend) = grip(&s).await?;
    backend.send(delay(&json!({ "content": "one", "timeout": 60 }))).await?;
    s.settle().await;
    backend.send(delay(&json!({ "content": "two" }))).await?;
    hears_after(&s, &mut client, &text("one"), (0.0, 1.0)).await?;
    hears_after(&s, &mut client, &text("two"), (1.0, 3.2)).await
}

async fn flushed(s: Scene) -> Outcome {
    let flush = || control(&json!({ "type": "flush-delayed" }));
    let (mut client, mut backend) = grip(&s).await?;
    backend.send(flush()).await?;
    backend.send(delay(&json!({ "content": "one" }))).await?;
    backend.send(flush()).await?;
    hears_after(&s, &mut client, &text("one"), (0.0, 1.0)).await?;
    client.quiet(s.seconds(2.5)).await
}

async fn delayed_detached(s: Scene) -> Outcome {
    let (mut client, mut backend) = grip(&s).await?;
    backend.send(delay(&json!({ "content": "late" }))).await?;
    backend.send(control(&json!({ "type": "detach" }))).await?;
    hears_after(&s, &mut client, &text("late"), (1.0, 3.2)).await
}

/// A proxy of its own, since one is known that does not survive this.
async fn not_inside(s: Scene) -> Outcome {
    let apart = apart(&s, 6.0).await?;
    let outcome = delayed_inside(&s, &apart).await;
    apart.stop().await;
    outcome
}

async fn delayed_inside(s: &Scene, apart: &Apart) -> Outcome {
    let (mut client, mut backend) = apart.native(s, &[GRIP]).await?;
    backend.send(delay(&json!({ "content": "late", "timeout": 1 }))).await?;
    backend.frame(Frame::new(Kind::Text, "m:be").unfinished()).await?;
    s.pause(2.0).await;
    backend.frame(Frame::more("gun")).await?;
    client.hears_texts(&["begun", "late"]).await?;
    client.quiet(s.seconds(1.5)).await?;
    backend.say("m:after").await?;
    client.hears_texts(&["after"]).await
}
