//! Sessions that know which item comes next for them.

use super::support::{
    chained, for_both, for_polls, for_streams, hold, next, open, poll_on, stream_on, warm, with_id,
};
use crate::{
    case::{Case, Outcome, must, should},
    peer::{client::Client, message::ok},
    scene::Scene,
};

pub(super) fn cases() -> Vec<Case> {
    vec![
        must("REL-1/poll", "a poll that is behind is repeated at once", poll_behind),
        must("REL-1/stream", "a stream that is behind asks for its next page", stream_behind),
        must("REL-1/up-to-date", "a hold that is not behind stays", up_to_date),
        must("REL-1/pages", "the hold of a page is not compared", page_not_compared),
        must("REL-2/continues", "an item that continues the position moves it", continues),
        should("REL-2/no-id", "an item without an id leaves the position", no_id),
        must("REL-3/gap", "another item is a gap, and the next page is asked for", gap),
        must("REL-3/poll", "at a gap a poll is repeated", poll_gap),
        must("REL-3/no-previous", "an item that names none before it is a gap", no_previous),
        must("REL-3/after-waiting", "an item that waited in vain makes a gap", after_waiting),
        should("REL-4/refused", "a stream with a position needs a next link", refused),
        must("REL-5/unchecked", "without a position items are not compared", unchecked),
        should("REL-6/moves", "an item that a filter refuses moves the position", moves),
    ]
}

/// A channel that others hear, and whose last item is number 2.
async fn at_two(s: &Scene) -> Outcome<(String, Client)> {
    let channel = s.channel("a");
    let mut other = warm(s, &channel).await?;
    s.publish(with_id("2", for_both(&channel, "2\n"))).await?;
    other.content("2\n").await?;
    Ok((channel, other))
}

/// A stream on a channel that others hear, at position 1, with a next link.
async fn at_one(s: &Scene) -> Outcome<(String, Client, Client)> {
    let channel = s.channel("a");
    let other = warm(s, &channel).await?;
    let reply = stream_on(&format!("{channel}; prev-id=1")).with(next(&s.origin, "/2"));
    let client = open(s, reply).await?;
    Ok((channel, client, other))
}

async fn poll_behind(s: Scene) -> Outcome {
    let (channel, _other) = at_two(&s).await?;
    let mut client = s.send(&s.get()).await?;
    s.origin.asked().await?.reply(poll_on(&format!("{channel}; prev-id=1"))).await?;
    let again = s.origin.asked_at("").await?;
    again.after(&channel, "1")?;
    again.reply(ok("fresh\n")).await?;
    client.answer().await?.status(200)?.says("fresh\n")?.fine()
}

async fn stream_behind(s: Scene) -> Outcome {
    let (channel, _other) = at_two(&s).await?;
    let reply = stream_on(&format!("{channel}; prev-id=1")).with(next(&s.origin, "/2"));
    let mut client = open(&s, reply).await?;
    let asked = s.origin.asked_at("/2").await?;
    asked.after(&channel, "1")?;
    let page = stream_on(&format!("{channel}; prev-id=2")).body("page\n");
    asked.reply(page.with(next(&s.origin, "/3"))).await?;
    client.content("page\n").await?;
    s.settle().await;
    s.publish(chained("2", "3", for_streams(&channel, "3\n"))).await?;
    client.content("3\n").await
}

async fn up_to_date(s: Scene) -> Outcome {
    let (channel, _other) = at_two(&s).await?;
    let mut client = hold(&s, s.get(), poll_on(&format!("{channel}; prev-id=2"))).await?;
    s.origin.unasked(s.seconds(1.5)).await?;
    s.publish(chained("2", "3", for_polls(&channel, "3\n"))).await?;
    client.answer().await?.status(200)?.says("3\n")?.fine()
}

async fn page_not_compared(s: Scene) -> Outcome {
    let (channel, _other) = at_two(&s).await?;
    let mut client = s.send(&s.get()).await?;
    s.origin
        .asked()
        .await?
        .reply(stream_on(&format!("{channel}; prev-id=1")).with(next(&s.origin, "/2")))
        .await?;
    client.head().await?;
    client.content("hello\n").await?;
    let page = stream_on(&format!("{channel}; prev-id=7")).body("page\n");
    s.origin.asked_at("/2").await?.reply(page.with(next(&s.origin, "/3"))).await?;
    client.content("page\n").await?;
    s.origin.unasked(s.seconds(1.5)).await
}

async fn continues(s: Scene) -> Outcome {
    let (channel, mut client, _other) = at_one(&s).await?;
    for (previous, id) in [("1", "2"), ("2", "3"), ("3", "4")] {
        s.publish(chained(previous, id, for_streams(&channel, &format!("{id}\n")))).await?;
        client.content(&format!("{id}\n")).await?;
    }
    s.origin.unasked(s.seconds(0.5)).await
}

async fn no_id(s: Scene) -> Outcome {
    let (channel, mut client, _other) = at_one(&s).await?;
    let mut nameless = for_streams(&channel, "none\n");
    nameless["prev-id"] = "1".into();
    s.publish(nameless).await?;
    client.content("none\n").await?;
    s.publish(chained("8", "9", for_streams(&channel, "9\n"))).await?;
    s.origin.asked_at("/2").await?.after(&channel, "1")
}

async fn gap(s: Scene) -> Outcome {
    let (channel, mut client, _other) = at_one(&s).await?;
    s.publish(chained("4", "5", for_streams(&channel, "5\n"))).await?;
    let asked = s.origin.asked_at("/2").await?;
    asked.after(&channel, "1")?;
    client.quiet(s.seconds(0.3)).await?;
    let page = stream_on(&format!("{channel}; prev-id=5")).body("2 3 4 5\n");
    asked.reply(page.with(next(&s.origin, "/3"))).await?;
    client.content("2 3 4 5\n").await?;
    s.settle().await;
    s.publish(chained("5", "6", for_streams(&channel, "6\n"))).await?;
    client.content("6\n").await
}

async fn poll_gap(s: Scene) -> Outcome {
    let channel = s.channel("a");
    let _other = warm(&s, &channel).await?;
    let mut client = hold(&s, s.get(), poll_on(&format!("{channel}; prev-id=1"))).await?;
    s.publish(chained("4", "5", for_polls(&channel, "5\n"))).await?;
    let again = s.origin.asked_at("").await?;
    again.after(&channel, "1")?;
    client.quiet(s.seconds(0.3)).await?;
    again.reply(ok("2 3 4 5\n")).await?;
    client.answer().await?.status(200)?.says("2 3 4 5\n")?.fine()
}

async fn no_previous(s: Scene) -> Outcome {
    let (channel, mut client, _other) = at_one(&s).await?;
    s.publish(with_id("5", for_streams(&channel, "5\n"))).await?;
    let asked = s.origin.asked_at("/2").await?;
    asked.after(&channel, "1")?;
    asked.reply(ok("2 3 4 5\n")).await?;
    client.content("2 3 4 5\n").await
}

async fn after_waiting(s: Scene) -> Outcome {
    let (channel, _other) = at_two(&s).await?;
    let reply = stream_on(&format!("{channel}; prev-id=2")).with(next(&s.origin, "/2"));
    let mut client = open(&s, reply).await?;
    s.publish(chained("4", "5", for_streams(&channel, "5\n"))).await?;
    s.origin.unasked(s.seconds(4.0)).await?;
    let asked = s.origin.asked_at("/2").await?;
    asked.after(&channel, "2")?;
    asked.reply(ok("3 4 5\n")).await?;
    client.content("3 4 5\n").await
}

async fn refused(s: Scene) -> Outcome {
    let reply = stream_on(&format!("{}; prev-id=1", s.channel("a")));
    s.answered(reply).await?.error(502)?.fine()
}

async fn unchecked(s: Scene) -> Outcome {
    let channel = s.channel("a");
    let _other = warm(&s, &channel).await?;
    let mut client = open(&s, stream_on(&channel).with(next(&s.origin, "/2"))).await?;
    s.publish(chained("4", "5", for_streams(&channel, "5\n"))).await?;
    s.publish(with_id("9", for_streams(&channel, "9\n"))).await?;
    client.content("5\n9\n").await?;
    s.origin.unasked(s.seconds(0.5)).await
}

async fn moves(s: Scene) -> Outcome {
    let (channel, mut client, _other) = at_one(&s).await?;
    let mut odd = chained("1", "2", for_streams(&channel, "2\n"));
    odd["http-stream"]["content-filters"] = serde_json::json!(["var-subst"]);
    s.publish(odd).await?;
    s.publish(chained("2", "3", for_streams(&channel, "3\n"))).await?;
    client.content("3\n").await?;
    s.origin.unasked(s.seconds(0.5)).await
}
