//! How fast items leave, and what becomes of them when a receiver or the proxy cannot follow.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::support::{for_streams, next, open, stream_on, warm};
use crate::{
    case::{Case, Outcome, ensure, must, should, wrong},
    peer::{
        client::{Client, End},
        message::ok,
    },
    scene::Scene,
    target::{BACKLOG, RATE, host},
};

pub(super) fn cases() -> Vec<Case> {
    vec![
        must("RATE-1/pace", "deliveries leave at the set rate", pace).alone(),
        should("RATE-2/own-queue", "a route with an id does not wait for others", own_queue)
            .alone(),
        should("RATE-3/fan-out", "every receiver gets every item", fan_out).alone(),
        should("STRM-7/no-gap", "a client that reads late misses nothing in silence", no_gap)
            .alone(),
        should(
            "STRM-7/recovers",
            "with a next link either: it ends in a cut, or the page makes up for it",
            recovers,
        )
        .alone(),
    ]
}

/// How many streams are on the channel.
const RECEIVERS: usize = 30;

/// Streams on one channel.
async fn receivers(s: &Scene, channel: &str) -> Outcome<Vec<Client>> {
    s.origin.always(stream_on(channel));
    let mut clients = Vec::new();
    for _ in 0..RECEIVERS {
        let mut client = s.send(&s.get()).await?;
        client.head().await?;
        client.content("hello\n").await?;
        clients.push(client);
    }
    s.settle().await;
    Ok(clients)
}

/// This many items, and their content together.
fn items(channel: &str, count: usize) -> (Value, String) {
    let content = |number| format!("item {number}\n");
    let items: Vec<_> = (0..count).map(|n| for_streams(channel, &content(n))).collect();
    (json!(items), (0..count).map(content).collect())
}

/// Reads from each client what it should get, and gives the time that took.
async fn read_all(clients: &mut [Client], content: &str) -> Outcome<Duration> {
    let start = Instant::now();
    for client in clients {
        client.content(content).await?;
    }
    Ok(start.elapsed())
}

async fn pace(s: Scene) -> Outcome {
    let channel = s.channel("a");
    let mut clients = receivers(&s, &channel).await?;
    let (items, content) = items(&channel, 30);
    s.publish_all(items).await?;
    let took = read_all(&mut clients, &content).await?;
    let least = 0.7 * (RECEIVERS * 30) as f64 / f64::from(RATE);
    ensure(took >= Duration::from_secs_f64(least), format_args!("all came within {took:?}"))?;
    ensure(took <= s.seconds(4.0), format_args!("it took {took:?}"))
}

async fn own_queue(s: Scene) -> Outcome {
    let (channel, own) = (s.channel("a"), s.channel("own"));
    let mut clients = receivers(&s, &channel).await?;
    let place = s.place();
    place.always(stream_on(&own));
    let mut client = s.send(&s.get_from(&place).host(host::OWN_QUEUE)).await?;
    client.head().await?;
    client.content("hello\n").await?;
    s.settle().await;
    let (items, content) = items(&channel, 30);
    s.publish_all(items).await?;
    let start = Instant::now();
    s.publish(for_streams(&own, "item\n")).await?;
    client.content("item\n").await?;
    let waited = start.elapsed();
    let took = read_all(&mut clients, &content).await? + waited;
    let at_once = waited < s.seconds(0.1);
    ensure(at_once || waited * 2 < took, format_args!("it waited {waited:?}, the others {took:?}"))
}

async fn fan_out(s: Scene) -> Outcome {
    let channel = s.channel("a");
    let mut clients = receivers(&s, &channel).await?;
    // More deliveries than may wait, but not more items than one session may have waiting.
    let count = 2 * BACKLOG as usize / RECEIVERS;
    let (items, content) = items(&channel, count);
    s.publish_all(items).await?;
    read_all(&mut clients, &content).await.map(|_| ())
}

/// How many items are too many for a client that does not read, and how long each is.
const FLOOD: (usize, usize) = (400, 50_000);

/// Publishes many large items, each of which begins with its number.
async fn flood(s: &Scene, channel: &str) -> Outcome {
    let (count, length) = FLOOD;
    for number in 0..count {
        let content = format!("{number:>5} {}\n", "x".repeat(length));
        s.publish(for_streams(channel, &content)).await?;
    }
    Ok(())
}

/// The numbers of the items in this text; the last may be cut.
fn numbers(text: &[u8]) -> Vec<usize> {
    let lines = text.split(|byte| *byte == b'\n');
    let number = |line: &[u8]| String::from_utf8_lossy(line.get(..5)?).trim().parse().ok();
    lines.filter_map(number).collect()
}

async fn no_gap(s: Scene) -> Outcome {
    let channel = s.channel("a");
    let mut client = open(&s, stream_on(&channel)).await?.patient(s.seconds(3.0));
    flood(&s, &channel).await?;
    s.publish(json!({ "channel": channel, "http-stream": { "action": "close" } })).await?;
    let (text, end) = client.rest().await?;
    let numbers = numbers(&text);
    let in_order = numbers.iter().copied().eq(0..numbers.len());
    ensure(in_order, format_args!("items are missing: {numbers:?}"))?;
    let complete = numbers.len() == FLOOD.0 || end == End::Cut;
    ensure(
        complete,
        format_args!("after {} items the stream ends as if all were well", numbers.len()),
    )
}

async fn recovers(s: Scene) -> Outcome {
    let channel = s.channel("a");
    let _other = warm(&s, &channel).await?;
    let mut client = open(&s, stream_on(&channel).with(next(&s.origin, "/2"))).await?;
    flood(&s, &channel).await?;
    let reading = tokio::spawn(async move { client.rest().await });
    let asked = s.origin.asked_within(s.seconds(2.0)).await;
    let page = asked.is_some();
    if let Some(asked) = asked {
        asked.reply(ok("page\n")).await?;
    }
    // Where the system takes it all, nothing has to be made up for.
    s.publish(json!({ "channel": channel, "http-stream": { "action": "close" } })).await?;
    let (text, end) = reading.await.or_else(wrong)??;
    let all = numbers(&text).into_iter().eq(0..FLOOD.0);
    let whole = all || (page && text.ends_with(b"page\n"));
    ensure(whole || end == End::Cut, "items were lost, and the next page was not asked for")
}
