//! Requests repeated and pages asked for, so that no item is missed.

use std::time::Duration;

use serde_json::json;

use super::support::{
    chained, for_both, for_polls, for_streams, hint, hold, next, open, poll_on, stream_on, warm,
    with_id,
};
use crate::{
    case::{Case, Outcome, ensure, must, should, wrong},
    peer::message::ok,
    scene::Scene,
    target::host,
};

pub(super) fn cases() -> Vec<Case> {
    vec![
        must("REC-1/same-request", "the client's request is repeated as it was", same_request),
        must("REC-1/positions", "with the position of each channel", positions),
        must("REC-1/holds-again", "the answer may hold again", holds_again),
        must("REC-2/no-link", "a stream without a link has nothing to recover by", no_link),
        must("REC-3/everyone", "a gap is repaired for every session", everyone),
        must("REC-4/collapse", "what is wanted during a recovery is one more", collapse),
        must(
            "REC-5/stream",
            "a second after a channel's first hold it is made sure of",
            first_stream,
        ),
        must("REC-5/poll", "for polls too", first_poll),
        must("REC-5/only-first", "a further hold is not made sure of", only_first),
        should("REC-6/no-position", "nor is one without a position", no_position),
        should("REC-6/unsafe", "above all, nothing is posted twice", not_posted_twice),
        must("REC-7/sessions", "on request all sessions recover", on_request).alone(),
        must("REC-7/forgotten", "and what came last is forgotten", forgets).alone(),
        should("REC-8/item", "an item that continues the position answers a repeated poll", item),
        should("REC-8/unchecked", "so does any, where there is no position", unchecked_item),
        must("REC-9/debug", "a repeated request is still one with debug", debug),
        must("REC-10/many", "a request may be repeated many times", many),
        must("REC-10/stale", "a hold that is behind once more is held", stale),
    ]
}

async fn same_request(s: Scene) -> Outcome {
    let channel = s.channel("a");
    let request = s.request("PUT").at("/x?y=%20z").with("X-A: 1").with("Cookie: a=b");
    let request = request.with("Grip-Last: a; last-id=0").body("asked\n");
    let mut client = hold(&s, request, poll_on(&channel)).await?;
    s.publish(hint(&channel)).await?;
    let mut again = s.origin.asked_at("/x?y=%20z").await?;
    let seen = again.seen().await?;
    seen.head.has("X-A", "1")?.has("Cookie", "a=b")?.lacks("Grip-Last")?;
    let same = seen.head.word(0) == "PUT" && seen.body == b"asked\n";
    ensure(same, format_args!("the request came again as {}", seen.head))?;
    again.reply(ok("fresh\n").with("X-B: 2")).await?;
    client.answer().await?.status(200)?.says("fresh\n")?.has("X-B", "2")?.fine()
}

async fn positions(s: Scene) -> Outcome {
    let [a, b, c] = ["a", "b", "c"].map(|name| s.channel(name));
    let reply = poll_on(&format!("{a}; prev-id=1, {b}, {c}; prev-id=3"));
    let _client = hold(&s, s.get(), reply).await?;
    s.publish(hint(&b)).await?;
    let last = s.origin.asked_at("").await?.last();
    let wanted = [format!("{a}; last-id=1"), format!("{c}; last-id=3")];
    ensure(last == wanted, format_args!("Grip-Last is {last:?}, should be {wanted:?}"))
}

async fn holds_again(s: Scene) -> Outcome {
    let [a, b] = ["a", "b"].map(|name| s.channel(name));
    let (_on_a, _on_b) = (warm(&s, &a).await?, warm(&s, &b).await?);
    let mut client = hold(&s, s.get(), poll_on(&a)).await?;
    s.publish(hint(&a)).await?;
    s.origin.asked_at("").await?.reply(poll_on(&format!("{b}; prev-id=1"))).await?;
    s.settle().await;
    s.publish(for_polls(&a, "on a\n")).await?;
    s.publish(chained("1", "2", for_polls(&b, "on b\n"))).await?;
    client.answer().await?.status(200)?.says("on b\n")?.fine()
}

async fn no_link(s: Scene) -> Outcome {
    let channel = s.channel("a");
    let mut client = open(&s, stream_on(&channel)).await?;
    s.publish(hint(&channel)).await?;
    s.origin.unasked(s.seconds(1.5)).await?;
    s.publish(for_streams(&channel, "item\n")).await?;
    client.content("item\n").await
}

async fn everyone(s: Scene) -> Outcome {
    let channel = s.channel("a");
    let _other = warm(&s, &channel).await?;
    let told = channel.clone();
    s.origin.answers(move |_, number| match number {
        0..60 => poll_on(&format!("{told}; prev-id=1")),
        _ => ok("fresh\n"),
    });
    let mut clients = Vec::new();
    for _ in 0..60 {
        clients.push(s.send(&s.get()).await?);
    }
    s.pause(1.0).await;
    s.publish(chained("4", "5", for_polls(&channel, "5\n"))).await?;
    for client in &mut clients {
        client.answer().await?.status(200)?.says("fresh\n")?;
    }
    Ok(())
}

async fn collapse(s: Scene) -> Outcome {
    let channel = s.channel("a");
    let _other = warm(&s, &channel).await?;
    let link = || stream_on(&channel).body("page\n").with(next(&s.origin, "/2"));
    let mut client = open(&s, link().body("hello\n")).await?;
    s.publish(hint(&channel)).await?;
    let asked = s.origin.asked_at("/2").await?;
    for _ in 0..3 {
        s.publish(hint(&channel)).await?;
    }
    s.origin.unasked(s.seconds(0.5)).await?;
    asked.reply(link()).await?;
    client.content("page\n").await?;
    s.origin.asked_at("/2").await?.reply(link()).await?;
    client.content("page\n").await?;
    s.origin.unasked(s.seconds(1.0)).await
}

/// The span after a first hold in which its recovery should come.
fn first_recovery(s: &Scene) -> (Duration, Duration) {
    // Some time may have passed before this is looked at.
    (s.seconds(0.4), s.seconds(1.6))
}

async fn first_stream(s: Scene) -> Outcome {
    let (early, late) = first_recovery(&s);
    let channel = s.channel("a");
    let mut client = s.send(&s.get()).await?;
    let reply = stream_on(&format!("{channel}; prev-id=1")).with(next(&s.origin, "/2"));
    s.origin.asked().await?.reply(reply).await?;
    client.head().await?;
    client.content("hello\n").await?;
    s.origin.unasked(early).await?;
    let Some(asked) = s.origin.asked_within(late).await else {
        return wrong("nothing is asked after a first hold");
    };
    asked.after(&channel, "1")?;
    asked.reply(stream_on(&channel).body("page\n")).await?;
    client.content("page\n").await
}

async fn first_poll(s: Scene) -> Outcome {
    let (early, late) = first_recovery(&s);
    let channel = s.channel("a");
    let mut client = s.send(&s.get()).await?;
    s.origin.asked().await?.reply(poll_on(&format!("{channel}; prev-id=1"))).await?;
    s.origin.unasked(early).await?;
    let Some(again) = s.origin.asked_within(late).await else {
        return wrong("nothing is asked after a first hold");
    };
    again.after(&channel, "1")?;
    again.reply(ok("fresh\n")).await?;
    client.answer().await?.says("fresh\n")?.fine()
}

async fn only_first(s: Scene) -> Outcome {
    let channel = s.channel("a");
    let _other = warm(&s, &channel).await?;
    let mut client = hold(&s, s.get(), poll_on(&format!("{channel}; prev-id=1"))).await?;
    s.origin.unasked(s.seconds(2.0)).await?;
    s.publish(chained("1", "2", for_polls(&channel, "2\n"))).await?;
    client.answer().await?.says("2\n")?.fine()
}

async fn no_position(s: Scene) -> Outcome {
    let channel = s.channel("a");
    let mut client = hold(&s, s.get(), poll_on(&channel)).await?;
    s.origin.unasked(s.seconds(2.0)).await?;
    s.publish(for_polls(&channel, "item\n")).await?;
    client.answer().await?.says("item\n")?.fine()
}

async fn not_posted_twice(s: Scene) -> Outcome {
    let channel = s.channel("a");
    let mut client = hold(&s, s.request("POST").body("asked\n"), poll_on(&channel)).await?;
    s.origin.unasked(s.seconds(2.0)).await?;
    s.publish(for_polls(&channel, "item\n")).await?;
    client.answer().await?.says("item\n")?.fine()
}

async fn ask_for_recovery(s: &Scene) -> Outcome {
    let request = s.publisher()?.request("POST", "/recover").body("");
    s.control(request).await?.status(200)?.fine()
}

async fn on_request(s: Scene) -> Outcome {
    let (channel, polls) = (s.channel("a"), s.place());
    let _other = warm(&s, &channel).await?;
    let placed = format!("{channel}; prev-id=1");
    let mut stream = open(&s, stream_on(&placed).with(next(&s.origin, "/2"))).await?;
    let mut poll = s.send(&s.get_from(&polls)).await?;
    polls.asked().await?.reply(poll_on(&placed)).await?;
    s.settle().await;
    ask_for_recovery(&s).await?;
    let asked = s.origin.asked_at("/2").await?;
    asked.after(&channel, "1")?;
    asked.reply(ok("page\n")).await?;
    stream.content("page\n").await?;
    polls.asked_at("").await?.reply(ok("fresh\n")).await?;
    poll.answer().await?.says("fresh\n")?.fine()
}

async fn forgets(s: Scene) -> Outcome {
    let channel = s.channel("a");
    let mut client = s.stream(stream_on(&channel), "hello\n").await?;
    s.publish(with_id("1", for_streams(&channel, "1\n"))).await?;
    client.content("1\n").await?;
    ask_for_recovery(&s).await?;
    s.publish(chained("4", "5", for_streams(&channel, "5\n"))).await?;
    let start = std::time::Instant::now();
    client.content("5\n").await?;
    let took = start.elapsed();
    ensure(took < s.seconds(2.0), format_args!("the item came after {took:?}"))
}

/// Lets a poll be repeated, and meanwhile publishes the second item; it should be the answer.
async fn answered_meanwhile(s: &Scene, channel: &str, named: &str) -> Outcome {
    let _other = warm(s, channel).await?;
    let mut client = hold(s, s.get(), poll_on(named)).await?;
    s.publish(hint(channel)).await?;
    let _slow = s.origin.asked_at("").await?;
    s.publish(chained("1", "2", for_both(channel, "2\n"))).await?;
    client.answer().await?.status(200)?.says("2\n")?.fine()
}

async fn item(s: Scene) -> Outcome {
    let channel = s.channel("a");
    answered_meanwhile(&s, &channel, &format!("{channel}; prev-id=1")).await
}

async fn unchecked_item(s: Scene) -> Outcome {
    let channel = s.channel("a");
    answered_meanwhile(&s, &channel, &channel).await
}

async fn debug(s: Scene) -> Outcome {
    let mut pages = Vec::new();
    for name in [s.proxy(), host::DEBUG] {
        let channel = s.channel(name);
        let mut client = hold(&s, s.get().host(name), poll_on(&channel)).await?;
        s.publish(hint(&channel)).await?;
        s.origin.asked_at("").await?.reply(ok("x").with("Grip-Hold: maybe")).await?;
        let answer = client.answer().await?;
        answer.error(502)?;
        pages.push(answer.text());
    }
    ensure(pages[0] != pages[1], format_args!("both pages say {:?}", pages[0]))
}

async fn many(s: Scene) -> Outcome {
    let channel = s.channel("a");
    let _other = warm(&s, &channel).await?;
    let mut client = hold(&s, s.get(), poll_on(&channel)).await?;
    for _ in 0..8 {
        s.publish(hint(&channel)).await?;
        s.origin.asked_at("").await?.reply(poll_on(&channel)).await?;
        s.settle().await;
    }
    s.publish(for_polls(&channel, "item\n")).await?;
    client.answer().await?.says("item\n")?.fine()
}

async fn stale(s: Scene) -> Outcome {
    let channel = s.channel("a");
    let mut other = warm(&s, &channel).await?;
    s.publish(with_id("5", for_both(&channel, "5\n"))).await?;
    other.content("5\n").await?;
    let mut client = s.send(&s.get()).await?;
    let reply = poll_on(&format!("{channel}; prev-id=1"));
    s.origin.asked().await?.reply(reply.clone()).await?;
    s.origin.asked_at("").await?.reply(reply).await?;
    s.origin.unasked(s.seconds(1.5)).await?;
    s.publish_all(json!([chained("1", "2", for_polls(&channel, "2\n"))])).await?;
    client.answer().await?.says("2\n")?.fine()
}
