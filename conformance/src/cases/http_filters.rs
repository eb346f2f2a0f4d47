//! Filters that ask the origin about each item.

use serde_json::{Value, json};

use super::support::{chained, for_polls, for_streams, next, poll_on, stream_on};
use crate::{
    case::{Case, Outcome, ensure, must, should},
    peer::{
        client::{Client, End},
        message::{Reply, ok, reply},
        origin::{Asked, Place},
    },
    scene::Scene,
    target::host,
};

pub(super) fn cases() -> Vec<Case> {
    vec![
        must("FILT-12/request", "the origin is asked about the session and the item", request),
        must("FILT-12/check", "200 and 204 let the item pass as it is", check),
        must("FILT-12/drop", "a wish to drop it is heard", drops),
        must("FILT-12/modify", "a body replaces the item's content", modify),
        must("FILT-12/modify-keep", "204 keeps it, and a drop drops it", modify_keep),
        must("FILT-12/poll", "polls are asked about as well", poll),
        must("FILT-12/relative", "the address is relative to the client's request", relative),
        must("FILT-13/skipped", "an item whose request fails is left out", skipped),
        must("FILT-13/no-url", "so is one without an address to ask", no_url),
        should("FILT-13/debug", "with debug it cuts the stream", failure_debug),
        must("FILT-14/in-order", "later items wait behind one that is asked about", in_order),
    ]
}

/// A stream whose items are asked about at a place of their own.
async fn stream(s: &Scene, filter: &str) -> Outcome<(String, Client, Place)> {
    let (channel, place) = (s.channel("a"), s.place());
    let reply = stream_on(&format!("{channel}; filter={filter}"));
    let reply = reply.with(format!("Grip-Set-Meta: url=\"{}\", user=bob", place.path));
    let client = s.stream(reply, "hello\n").await?;
    Ok((channel, client, place))
}

/// The JSON object in a field.
fn object(asked: &Asked, name: &str) -> Value {
    asked.head.first(name).and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
}

async fn request(s: Scene) -> Outcome {
    let (channel, place) = (s.channel("a"), s.place());
    let reply = stream_on(&format!("{channel}; prev-id=1; filter=http-modify"));
    let reply = reply.with(format!("Grip-Set-Meta: url=\"{}/check?a=b\", user=bob", place.path));
    let (mut client, _) = s.held(reply.with(next(&s.origin, "/2"))).await?;
    client.head().await?;
    client.content("hello\n").await?;
    let mut item = chained("1", "2", for_streams(&channel, "item\n"));
    item["meta"] = json!({ "sender": "amy" });
    s.publish(item).await?;
    let mut asked = place.asked_at("/check?a=b").await?;
    asked.after(&channel, "1")?;
    let seen = asked.seen().await?;
    let posted = seen.head.word(0) == "POST" && seen.body == b"item\n";
    ensure(posted, format_args!("{} with {:?}", seen.head, seen.body))?;
    let (of_session, of_item) = (object(&asked, "Sub-Meta"), object(&asked, "Pub-Meta"));
    let url = format!("{}/check?a=b", place.path);
    let session = of_session == json!({ "url": url, "user": "bob" });
    ensure(session, format_args!("Sub-Meta is {of_session}"))?;
    ensure(of_item == json!({ "sender": "amy" }), format_args!("Pub-Meta is {of_item}"))?;
    ensure(seen.head.first("Grip-Sig").is_some(), "the request is not signed")
}

/// Publishes an item, answers what is asked about it, and checks that it was asked with this body.
async fn judged(s: &Scene, place: &Place, item: Value, body: &str, answer: Reply) -> Outcome {
    s.publish(item).await?;
    let mut asked = place.asked_at("").await?;
    let seen = asked.seen().await?;
    ensure(seen.body == body.as_bytes(), format_args!("asked with {:?}", seen.body))?;
    ensure(object(&asked, "Pub-Meta") == json!({}), "Pub-Meta is no empty object")?;
    asked.reply(answer).await
}

fn no_content() -> Reply {
    reply("204 No Content")
}

fn sorry() -> Reply {
    reply("500 Sorry").body("sorry\n")
}

async fn check(s: Scene) -> Outcome {
    let (channel, mut client, place) = stream(&s, "http-check").await?;
    for (content, answer) in [("1\n", ok("odd")), ("2\n", no_content())] {
        judged(&s, &place, for_streams(&channel, content), "", answer).await?;
        client.content(content).await?;
    }
    Ok(())
}

async fn drops(s: Scene) -> Outcome {
    let (channel, mut client, place) = stream(&s, "http-check").await?;
    let drops = [ok("").with("Action: drop"), no_content().with("Action: drop")];
    for answer in drops {
        judged(&s, &place, for_streams(&channel, "dropped\n"), "", answer).await?;
    }
    let other = ok("").with("Action: DROP");
    judged(&s, &place, for_streams(&channel, "kept\n"), "", other).await?;
    client.content("kept\n").await
}

async fn modify(s: Scene) -> Outcome {
    let (channel, mut client, place) = stream(&s, "http-modify").await?;
    judged(&s, &place, for_streams(&channel, "1\n"), "1\n", ok("one\n")).await?;
    client.content("one\n").await?;
    judged(&s, &place, for_streams(&channel, "2\n"), "2\n", ok("")).await?;
    judged(&s, &place, for_streams(&channel, "3\n"), "3\n", ok("three\n")).await?;
    client.content("three\n").await
}

async fn modify_keep(s: Scene) -> Outcome {
    let (channel, mut client, place) = stream(&s, "http-modify").await?;
    judged(&s, &place, for_streams(&channel, "1\n"), "1\n", no_content()).await?;
    client.content("1\n").await?;
    let drop = ok("other\n").with("Action: drop");
    judged(&s, &place, for_streams(&channel, "2\n"), "2\n", drop).await?;
    judged(&s, &place, for_streams(&channel, "3\n"), "3\n", no_content()).await?;
    client.content("3\n").await
}

async fn poll(s: Scene) -> Outcome {
    let (channel, place) = (s.channel("a"), s.place());
    let reply = poll_on(&format!("{channel}; filter=http-check; filter=http-modify"));
    let (mut client, _) =
        s.held(reply.with(format!("Grip-Set-Meta: url=\"{}\"", place.path))).await?;
    judged(&s, &place, for_polls(&channel, "1\n"), "", no_content()).await?;
    let mut asked = place.asked_at("").await?;
    let body = asked.seen().await?.body;
    ensure(body == b"1\n", format_args!("asked with {body:?}"))?;
    asked.reply(ok("one\n")).await?;
    client.answer().await?.status(200)?.says("one\n")?.has("Content-Length", "4")?.fine()
}

async fn relative(s: Scene) -> Outcome {
    let channel = s.channel("a");
    let reply = stream_on(&format!("{channel}; filter=http-check"));
    let mut client = s.send(&s.get().at("/deep/start?a=b")).await?;
    s.origin.asked().await?.reply(reply.with("Grip-Set-Meta: url=../check")).await?;
    client.head().await?;
    client.content("hello\n").await?;
    s.settle().await;
    s.publish(for_streams(&channel, "item\n")).await?;
    s.origin.asked_at("/check").await?.reply(no_content()).await?;
    client.content("item\n").await
}

async fn skipped(s: Scene) -> Outcome {
    let (channel, mut client, place) = stream(&s, "http-modify").await?;
    let answers = [
        sorry(),
        reply("404 Not Found").body("sorry\n"),
        reply("302 Found").with(format!("Location: {}/odd", place.path)).body(""),
        ok("x".repeat(100_001)),
    ];
    for answer in answers {
        judged(&s, &place, for_streams(&channel, "bad\n"), "bad\n", answer).await?;
    }
    judged(&s, &place, for_streams(&channel, "1\n"), "1\n", ok("good\n")).await?;
    client.content("good\n").await
}

async fn no_url(s: Scene) -> Outcome {
    let [a, b] = ["a", "b"].map(|name| s.channel(name));
    let reply = stream_on(&format!("{a}; filter=http-check, {b}"));
    let mut client = s.stream(reply, "hello\n").await?;
    s.publish_all(json!([for_streams(&a, "on a\n"), for_streams(&b, "on b\n")])).await?;
    client.content("on b\n").await
}

async fn failure_debug(s: Scene) -> Outcome {
    let (channel, place) = (s.channel("a"), s.place());
    let reply = stream_on(&format!("{channel}; filter=http-check"));
    s.origin.always(reply.with(format!("Grip-Set-Meta: url=\"{}\"", place.path)));
    let mut client = s.send(&s.get().host(host::DEBUG)).await?;
    client.head().await?;
    client.content("hello\n").await?;
    s.settle().await;
    judged(&s, &place, for_streams(&channel, "item\n"), "", sorry()).await?;
    let (_, end) = client.rest().await?;
    ensure(end == End::Cut, "the stream ended as if all were well")
}

async fn in_order(s: Scene) -> Outcome {
    let [a, b] = ["a", "b"].map(|name| s.channel(name));
    let place = s.place();
    let reply = stream_on(&format!("{a}; filter=http-check, {b}"));
    let reply = reply.with(format!("Grip-Set-Meta: url=\"{}\"", place.path));
    let mut client = s.stream(reply, "hello\n").await?;
    s.publish_all(json!([for_streams(&a, "first\n"), for_streams(&b, "second\n")])).await?;
    let asked = place.asked_at("").await?;
    client.quiet(s.seconds(0.4)).await?;
    asked.reply(no_content()).await?;
    client.content("first\nsecond\n").await
}
