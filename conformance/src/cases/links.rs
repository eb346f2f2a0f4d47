//! Links to where a response goes on: how they are written, and what is made of their pages.

use serde_json::json;

use super::support::{for_streams, hint, hold, instruct, instructs_refused, next, open, stream_on};
use crate::{
    case::{Case, Outcome, ensure, must, should},
    peer::{
        client::{Client, End},
        message::{ok, reply},
    },
    scene::Scene,
};

pub(super) fn cases() -> Vec<Case> {
    vec![
        must("LINK-1/brackets", "a link stands in angle brackets", brackets),
        must("LINK-1/bare", "a link without parameters is ignored", bare),
        should("LINK-1/separators", "commas and semicolons belong to the link", separators),
        must("LINK-2/rel", "only next and gone mean something, exactly so", rel),
        must("LINK-2/last-counts", "of several next links the last counts", last_counts),
        must("LINK-3/invalid", "a link's timeout is a whole number from 0", bad_timeout),
        must("LINK-4/json", "links in the header go with instructions in JSON", with_json),
        must("NOH-4/page", "without a hold the next page is appended at once", one_page),
        must("NEXT-1/pages", "pages are appended while there is a next link", pages),
        must("NEXT-1/into-hold", "a page may turn the response into a stream", into_hold),
        must("NEXT-3/relative", "a link is relative to the page it stands on", relative),
        must("NEXT-4/own-fields", "a page is asked for with the proxy's fields only", own_fields),
        must("NEXT-4/positions", "and with the position of each channel", positions),
        must("NEXT-5/only-body", "only the body of a page reaches the client", only_body),
        must("NEXT-5/absolute", "a link to the proxy itself takes its route", absolute),
        must("NEXT-5/elsewhere", "requests to other hosts are not signed", elsewhere),
        must("NEXT-13/large", "a page may have any length", large),
    ]
}

async fn brackets(s: Scene) -> Outcome {
    let links = ["/next; rel=next", "<>; rel=next", "</next; rel=next", "next>; rel=next"];
    let replies = links.map(|link| ok("x").with(format!("Grip-Link: {link}")));
    instructs_refused(&s, replies.to_vec()).await
}

async fn bare(s: Scene) -> Outcome {
    let answer = s.answered(ok("all\n").with(format!("Grip-Link: <{}/2>", s.origin.path))).await?;
    answer.status(200)?.says("all\n")?.has("Content-Length", "4")?.fine()
}

/// Requires that this is the last page of the response.
async fn ends_with(client: &mut Client, content: &str) -> Outcome {
    let (rest, end) = client.rest().await?;
    let rest = String::from_utf8_lossy(&rest);
    let told = format!("the response ends with {rest:?} ({end:?}), not with {content:?}");
    ensure((&*rest, end) == (content, End::Clean), told)
}

/// Starts a response with a reply without a hold, and reads `one`, with which it begins.
async fn begun(s: &Scene, fields: &[String]) -> Outcome<Client> {
    let mut client = s.send(&s.get()).await?;
    let first = fields.iter().fold(ok("one "), |reply, field| reply.with(field));
    s.origin.asked().await?.reply(first).await?;
    client.head().await?.lacks("Content-Length")?.lacks_any("Grip-")?;
    client.content("one ").await?;
    Ok(client)
}

/// Lets the origin answer the next page with the last one, and checks that it ends the response.
async fn last_page(s: &Scene, more: &str, client: &mut Client) -> Outcome {
    s.origin.asked_at(more).await?.reply(ok("two\n")).await?;
    ends_with(client, "two\n").await
}

async fn separators(s: Scene) -> Outcome {
    let mut client = begun(&s, &[next(&s.origin, "/2?ids=1,2;x=3")]).await?;
    last_page(&s, "/2?ids=1,2;x=3", &mut client).await
}

async fn rel(s: Scene) -> Outcome {
    let path = &s.origin.path;
    let odd = format!("Grip-Link: <{path}/2>; rel=Next, <{path}/3>; rel=other");
    s.answered(ok("all\n").with(odd)).await?.says("all\n")?.has("Content-Length", "4")?;
    let mut client = begun(&s, &[format!("Grip-Link: <{path}/4>; rel=\"next\"")]).await?;
    last_page(&s, "/4", &mut client).await
}

async fn last_counts(s: Scene) -> Outcome {
    let links = [next(&s.origin, "/a"), next(&s.origin, "/b")];
    let mut client = begun(&s, &links).await?;
    last_page(&s, "/b", &mut client).await
}

async fn bad_timeout(s: Scene) -> Outcome {
    let links = ["a", "-1", "", "1.5"].map(|n| format!("{}; timeout={n}", next(&s.origin, "/2")));
    instructs_refused(&s, links.map(|link| ok("x").with(link)).to_vec()).await?;
    let mut client = begun(&s, &[format!("{}; timeout=0", next(&s.origin, "/2"))]).await?;
    last_page(&s, "/2", &mut client).await
}

async fn with_json(s: Scene) -> Outcome {
    let mut client = s.send(&s.get()).await?;
    let first = instruct(&json!({ "response": { "body": "one " } })).with(next(&s.origin, "/2"));
    s.origin.asked().await?.reply(first).await?;
    client.head().await?.lacks("Content-Length")?;
    client.content("one ").await?;
    last_page(&s, "/2", &mut client).await
}

async fn one_page(s: Scene) -> Outcome {
    let mut client = begun(&s, &[next(&s.origin, "/2"), "Grip-Channel: a".to_owned()]).await?;
    last_page(&s, "/2", &mut client).await
}

async fn pages(s: Scene) -> Outcome {
    let mut client = s.send(&s.get()).await?;
    let first = ok("one ").with(next(&s.origin, "/2")).with("Grip-Status: 203 Paged");
    s.origin.asked().await?.reply(first.with("X-A: 1")).await?;
    let head = client.head().await?;
    ensure(head.start.ends_with(" 203 Paged"), format_args!("the response begins with {head}"))?;
    head.has("X-A", "1")?.lacks("Content-Length")?.lacks_any("Grip-")?;
    client.content("one ").await?;
    s.origin.asked_at("/2").await?.reply(ok("two ").with(next(&s.origin, "/3"))).await?;
    client.content("two ").await?;
    s.origin.asked_at("/3").await?.reply(ok("three\n")).await?;
    ends_with(&mut client, "three\n").await?;
    client.send(&s.get()).await?;
    s.origin.asked().await?.reply(ok("after")).await?;
    client.answer().await?.says("after")?.fine()
}

async fn into_hold(s: Scene) -> Outcome {
    let channel = s.channel("a");
    let mut client = begun(&s, &[next(&s.origin, "/2")]).await?;
    s.origin.asked_at("/2").await?.reply(stream_on(&channel)).await?;
    client.content("hello\n").await?;
    s.settle().await;
    s.publish(for_streams(&channel, "item\n")).await?;
    client.content("item\n").await
}

async fn relative(s: Scene) -> Outcome {
    let mut client = s.send(&s.get().at("/feed/start?a=1")).await?;
    s.origin.asked().await?.reply(ok("one ").with("Grip-Link: <deep/2?b=1>; rel=next")).await?;
    client.head().await?;
    client.content("one ").await?;
    let second = ok("two ").with("Grip-Link: <../3>; rel=next");
    s.origin.asked_at("/feed/deep/2?b=1").await?.reply(second).await?;
    client.content("two ").await?;
    s.origin.asked_at("/feed/3").await?.reply(ok("three\n")).await?;
    ends_with(&mut client, "three\n").await
}

async fn own_fields(s: Scene) -> Outcome {
    let channel = s.channel("a");
    let request = s.request("POST").body("asked\n").with("Cookie: a=b").with("X-A: 1");
    let request = request.with("Authorization: Basic eDp5");
    let first = stream_on(&channel).with(next(&s.origin, "/2"));
    let mut client = hold(&s, request, first).await?;
    client.head().await?;
    client.content("hello\n").await?;
    s.settle().await;
    s.publish(hint(&channel)).await?;
    let mut asked = s.origin.asked_at("/2").await?;
    let seen = asked.seen().await?;
    seen.head.lacks("Cookie")?.lacks("X-A")?.lacks("Authorization")?.has("Host", s.proxy())?;
    let plain = seen.head.word(0) == "GET" && seen.body.is_empty();
    ensure(plain, format_args!("{} with {:?}", seen.head, seen.body))?;
    ensure(seen.head.first("Grip-Sig").is_some(), "the request is not signed")
}

async fn positions(s: Scene) -> Outcome {
    let [a, b, c] = ["a", "b", "c"].map(|name| s.channel(name));
    let first = stream_on(&format!("{a}; prev-id=1, {b}, {c}; prev-id=x y"));
    let _client = open(&s, first.with(next(&s.origin, "/2"))).await?;
    s.publish(hint(&b)).await?;
    let last = s.origin.asked_at("/2").await?.last();
    let wanted = [format!("{a}; last-id=1"), format!("{c}; last-id=x y")];
    ensure(last == wanted, format_args!("Grip-Last is {last:?}, should be {wanted:?}"))
}

async fn only_body(s: Scene) -> Outcome {
    let mut client = begun(&s, &[next(&s.origin, "/2")]).await?;
    let page = reply("201 Created").with("X-B: 2").with("Grip-Status: 404").body("two\n");
    s.origin.asked_at("/2").await?.reply(page).await?;
    ends_with(&mut client, "two\n").await
}

/// The link to the second page, with scheme and host.
fn link_at(s: &Scene, host: &str) -> String {
    format!("Grip-Link: <http://{host}{}/2>; rel=next", s.origin.path)
}

async fn absolute(s: Scene) -> Outcome {
    let mut client = begun(&s, &[link_at(&s, s.proxy())]).await?;
    let asked = s.origin.asked_at("/2").await?;
    ensure(asked.head.first("Grip-Sig").is_some(), "the request is not signed")?;
    asked.reply(ok("two\n")).await?;
    ends_with(&mut client, "two\n").await
}

async fn elsewhere(s: Scene) -> Outcome {
    let mut client = begun(&s, &[link_at(&s, s.origin_address())]).await?;
    let asked = s.origin.asked_at("/2").await?;
    asked.head.has("Host", s.origin_address())?.lacks("Grip-Sig")?;
    asked.reply(ok("two\n")).await?;
    ends_with(&mut client, "two\n").await
}

async fn large(s: Scene) -> Outcome {
    let (channel, body) = (s.channel("a"), "x".repeat(300_000));
    let mut client = begun(&s, &[next(&s.origin, "/2")]).await?;
    s.origin.asked_at("/2").await?.reply(stream_on(&channel).body(&body)).await?;
    client.content(&body).await?;
    s.settle().await;
    s.publish(for_streams(&channel, "item\n")).await?;
    client.content("item\n").await
}
