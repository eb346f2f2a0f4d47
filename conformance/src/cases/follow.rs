//! Held streams that go on by a link: when the page is asked for, and what it changes.

use std::time::Instant;

use serde_json::json;

use super::support::{chained, for_streams, hint, instruct, next, open, stream_on, warm};
use crate::{
    case::{Case, Outcome, ensure, must, should},
    peer::{
        client::{Client, End},
        message::{Reply, ok},
        origin::Asked,
    },
    scene::Scene,
    target::host,
};

pub(super) fn cases() -> Vec<Case> {
    vec![
        must("NEXT-2/hint", "a hint makes the proxy ask for the next page", hinted),
        must("NEXT-2/replaces", "a page replaces channels and link", replaces),
        must("NEXT-6/quiet", "a channel silent for the link's time does so too", quiet),
        should("NEXT-6/not-before", "and not before", not_before),
        must("NEXT-6/zero", "a time of zero asks again and again, at a bounded pace", zero),
        should("NEXT-6/items", "items put that time off", put_off),
        must("NEXT-7/no-link", "after a page without a link there is no recovery", no_link),
        must("NEXT-8/queued", "items that come during the request follow the page", queued),
        must("NEXT-8/continues", "so do those that continue the page", continues),
        must("NEXT-8/stale", "those that the page has told already do not", stale),
        must("NEXT-8/channels", "a channel that the page drops stops at once", channels),
        must("NEXT-10/response", "a page that asks for a response hold ends the stream", response),
        must("NEXT-10/invalid", "so does an invalid instruction", invalid),
        should("NEXT-10/nothing-said", "nothing of such a page is sent", nothing_said),
        should("NEXT-11/json", "a page may be an instruction in JSON", json_page),
        must("NEXT-12/query", "pages that differ in the query are not mixed", by_query),
        must("NEXT-12/positions", "nor those that differ in the position", by_position),
        should("NEXT-12/private", "a page goes to one session, unless it says otherwise", private),
        should("STRM-9/cut", "an error cuts the stream, so that it looks like no end", cut),
        should("STRM-9/debug", "with debug too", cut_debug),
    ]
}

/// A stream with a link to the next page, and that page asked for by a hint.
async fn asked_by_hint(s: &Scene, channel: &str) -> Outcome<(Client, Asked)> {
    let mut client = open(s, stream_on(channel).with(next(&s.origin, "/2"))).await?;
    client.quiet(s.seconds(0.2)).await?;
    s.publish(hint(channel)).await?;
    let asked = s.origin.asked_at("/2").await?;
    Ok((client, asked))
}

/// A page that goes on with the stream and has a further link.
fn page(s: &Scene, channel: &str) -> Reply {
    stream_on(channel).body("page\n").with(next(&s.origin, "/3"))
}

async fn hinted(s: Scene) -> Outcome {
    let channel = s.channel("a");
    let _other = warm(&s, &channel).await?;
    let (mut client, asked) = asked_by_hint(&s, &channel).await?;
    asked.reply(page(&s, &channel)).await?;
    client.content("page\n").await?;
    s.settle().await;
    s.publish(for_streams(&channel, "item\n")).await?;
    client.content("item\n").await
}

async fn replaces(s: Scene) -> Outcome {
    let [a, b] = ["a", "b"].map(|name| s.channel(name));
    let (_on_a, _on_b) = (warm(&s, &a).await?, warm(&s, &b).await?);
    let (mut client, asked) = asked_by_hint(&s, &a).await?;
    asked.reply(page(&s, &b)).await?;
    client.content("page\n").await?;
    s.settle().await;
    s.publish(for_streams(&b, "item\n")).await?;
    client.content("item\n").await?;
    s.publish(hint(&b)).await?;
    s.origin.asked_at("/3").await?.reply(page(&s, &b)).await?;
    client.content("page\n").await
}

async fn quiet(s: Scene) -> Outcome {
    let channel = s.channel("a");
    let _other = warm(&s, &channel).await?;
    let link = |more| format!("{}; timeout=2", next(&s.origin, more));
    let mut client = open(&s, stream_on(&channel).with(link("/2"))).await?;
    let start = Instant::now();
    let second = stream_on(&channel).body("two\n").with(link("/3"));
    s.origin.asked_at("/2").await?.reply(second).await?;
    client.content("two\n").await?;
    let third = stream_on(&channel).body("three\n").with(next(&s.origin, "/4"));
    s.origin.asked_at("/3").await?.reply(third).await?;
    client.content("three\n").await?;
    let took = start.elapsed();
    ensure(took <= s.seconds(5.5), format_args!("two rounds of 2 s took {took:?}"))
}

async fn not_before(s: Scene) -> Outcome {
    let channel = s.channel("a");
    let _other = warm(&s, &channel).await?;
    let link = format!("{}; timeout=3", next(&s.origin, "/2"));
    let _client = open(&s, stream_on(&channel).with(link)).await?;
    s.origin.unasked(s.seconds(2.3)).await?;
    s.origin.asked_at("/2").await.map(|_| ())
}

async fn zero(s: Scene) -> Outcome {
    let channel = s.channel("a");
    let hold = stream_on(&channel).with(format!("{}; timeout=0", next(&s.origin, "/2"))).body("");
    let (_client, served) = s.held(hold).await?;
    s.pause(3.0).await;
    let count = served.seen().len();
    ensure((6..=60).contains(&count), format_args!("{count} requests in 3.4 s"))
}

async fn put_off(s: Scene) -> Outcome {
    let channel = s.channel("a");
    let _other = warm(&s, &channel).await?;
    let link = format!("{}; timeout=3", next(&s.origin, "/2"));
    let mut client = open(&s, stream_on(&channel).with(link)).await?;
    for number in 0..5 {
        let content = format!("item {number}\n");
        s.publish(for_streams(&channel, &content)).await?;
        client.content(&content).await?;
        s.origin.unasked(s.seconds(0.9)).await?;
    }
    Ok(())
}

async fn no_link(s: Scene) -> Outcome {
    let channel = s.channel("a");
    let _other = warm(&s, &channel).await?;
    let (mut client, asked) = asked_by_hint(&s, &channel).await?;
    asked.reply(stream_on(&channel).body("page\n")).await?;
    client.content("page\n").await?;
    s.settle().await;
    s.publish(hint(&channel)).await?;
    s.origin.unasked(s.seconds(0.5)).await?;
    s.publish(for_streams(&channel, "item\n")).await?;
    client.content("item\n").await
}

async fn queued(s: Scene) -> Outcome {
    let channel = s.channel("a");
    let _other = warm(&s, &channel).await?;
    let (mut client, asked) = asked_by_hint(&s, &channel).await?;
    s.publish(for_streams(&channel, "item\n")).await?;
    client.quiet(s.seconds(0.4)).await?;
    asked.reply(page(&s, &channel)).await?;
    client.content("page\nitem\n").await
}

/// A stream that is at position 3 when the page is asked for, and gets item 5 meanwhile.
async fn passed_over(s: &Scene, channel: &str, page_ends_at: &str) -> Outcome<Client> {
    let first = stream_on(&format!("{channel}; prev-id=3")).with(next(&s.origin, "/2"));
    let mut client = open(s, first).await?;
    s.publish(hint(channel)).await?;
    let asked = s.origin.asked_at("/2").await?;
    asked.after(channel, "3")?;
    s.publish(chained("4", "5", for_streams(channel, "five\n"))).await?;
    client.quiet(s.seconds(0.4)).await?;
    asked.reply(page(s, &format!("{channel}; prev-id={page_ends_at}"))).await?;
    client.content("page\n").await?;
    Ok(client)
}

async fn continues(s: Scene) -> Outcome {
    let channel = s.channel("a");
    let _other = warm(&s, &channel).await?;
    let mut client = passed_over(&s, &channel, "4").await?;
    client.content("five\n").await?;
    s.publish(chained("5", "6", for_streams(&channel, "six\n"))).await?;
    client.content("six\n").await
}

async fn stale(s: Scene) -> Outcome {
    let channel = s.channel("a");
    let _other = warm(&s, &channel).await?;
    let mut client = passed_over(&s, &channel, "5").await?;
    client.quiet(s.seconds(0.3)).await?;
    s.publish(chained("5", "6", for_streams(&channel, "six\n"))).await?;
    client.content("six\n").await
}

async fn channels(s: Scene) -> Outcome {
    let [a, b] = ["a", "b"].map(|name| s.channel(name));
    let (_on_a, _on_b) = (warm(&s, &a).await?, warm(&s, &b).await?);
    let (mut client, asked) = asked_by_hint(&s, &a).await?;
    s.publish(for_streams(&a, "on a\n")).await?;
    s.settle().await;
    asked.reply(page(&s, &b)).await?;
    client.content("page\n").await?;
    s.settle().await;
    s.publish_all(json!([for_streams(&a, "on a\n"), for_streams(&b, "on b\n")])).await?;
    client.content("on b\n").await
}

/// What follows in a stream when its next page is this one, and how it ends.
async fn ended_by(s: &Scene, page: Reply) -> Outcome<(String, End)> {
    let channel = s.channel("a");
    let _other = warm(s, &channel).await?;
    let (mut client, asked) = asked_by_hint(s, &channel).await?;
    asked.reply(page).await?;
    let (rest, end) = client.rest().await?;
    Ok((String::from_utf8_lossy(&rest).into_owned(), end))
}

fn poll_page() -> Reply {
    ok("page\n").with("Grip-Hold: response").with("Grip-Channel: a")
}

async fn response(s: Scene) -> Outcome {
    ended_by(&s, poll_page()).await.map(|_| ())
}

async fn invalid(s: Scene) -> Outcome {
    ended_by(&s, ok("page\n").with("Grip-Hold: maybe")).await.map(|_| ())
}

async fn nothing_said(s: Scene) -> Outcome {
    let (rest, _) = ended_by(&s, poll_page()).await?;
    ensure(rest.is_empty(), format_args!("{rest:?} was sent"))
}

async fn json_page(s: Scene) -> Outcome {
    let channel = s.channel("a");
    let _other = warm(&s, &channel).await?;
    let (mut client, asked) = asked_by_hint(&s, &channel).await?;
    let page = json!({
        "hold": { "mode": "stream", "channels": [{ "name": channel }] },
        "response": { "body": "page\n" }
    });
    asked.reply(instruct(&page).with(next(&s.origin, "/3"))).await?;
    client.content("page\n").await?;
    s.settle().await;
    s.publish(for_streams(&channel, "item\n")).await?;
    client.content("item\n").await
}

/// Two streams on one channel whose pages come from the same path, but differ in the query or in the
/// position; the origin repeats to each what it was asked with.
async fn two_pages(s: &Scene, names: [&str; 2], link: &str) -> Outcome<[Client; 2]> {
    let channel = s.channel("a");
    let (path, told) = (s.origin.path.clone(), channel.clone());
    let link = link.to_owned();
    s.origin.answers(move |seen, number| {
        let target = seen.target();
        match target.strip_prefix(&*path).unwrap_or_default() {
            name if name.starts_with("/start") => {
                let name = name.trim_start_matches("/start");
                let link = format!("Grip-Link: <{path}{}>; rel=next", link.replace("NAME", name));
                let link = ok("hello\n").with("Grip-Hold: stream").with(link);
                link.with(format!("Grip-Channel: {told}, {told}-own; prev-id={name}"))
            }
            _ => {
                let last = seen.head.all("Grip-Last").join("");
                ok(format!("{number} {target} {last}\n"))
            }
        }
    });
    let mut clients = Vec::new();
    for name in names {
        let mut client = s.send(&s.get().at(&format!("/start{name}"))).await?;
        client.head().await?;
        client.content("hello\n").await?;
        clients.push(client);
    }
    s.settle().await;
    s.publish(hint(&channel)).await?;
    clients.try_into().or_else(|_| crate::case::wrong("there are two clients"))
}

/// What each of two streams got as its last page.
async fn two_rests(s: &Scene, names: [&str; 2], link: &str) -> Outcome<[String; 2]> {
    let mut rests = Vec::new();
    for client in &mut two_pages(s, names, link).await? {
        let (rest, _) = client.rest().await?;
        rests.push(String::from_utf8_lossy(&rest).into_owned());
    }
    rests.try_into().or_else(|_| crate::case::wrong("there are two clients"))
}

async fn by_query(s: Scene) -> Outcome {
    let [one, two] = two_rests(&s, ["1", "1x"], "/page?who=NAME").await?;
    let own = one.contains("who=1 ") && two.contains("who=1x ");
    ensure(own, format_args!("the pages are {one:?} and {two:?}"))
}

async fn by_position(s: Scene) -> Outcome {
    let [one, two] = two_rests(&s, ["7", "8"], "/page").await?;
    let own = one.contains("last-id=7") && two.contains("last-id=8");
    ensure(own, format_args!("the pages are {one:?} and {two:?}"))
}

async fn private(s: Scene) -> Outcome {
    let [one, two] = two_rests(&s, ["7", "7"], "/page").await?;
    let both = one.contains("/page ") && two.contains("/page ");
    ensure(both && one != two, format_args!("the pages are {one:?} and {two:?}"))
}

async fn cut(s: Scene) -> Outcome {
    let (_, end) = ended_by(&s, poll_page()).await?;
    ensure(end == End::Cut, "the stream ended as if all were well")
}

async fn cut_debug(s: Scene) -> Outcome {
    let channel = s.channel("a");
    let _other = warm(&s, &channel).await?;
    let mut client = s.send(&s.get().host(host::DEBUG)).await?;
    s.origin.asked().await?.reply(stream_on(&channel).with(next(&s.origin, "/2"))).await?;
    client.head().await?;
    client.content("hello\n").await?;
    s.settle().await;
    s.publish(hint(&channel)).await?;
    s.origin.asked_at("/2").await?.reply(poll_page()).await?;
    let (_, end) = client.rest().await?;
    ensure(end == End::Cut, "the stream ended as if all were well")
}
