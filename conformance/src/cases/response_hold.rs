//! Requests held until an item answers them.

use std::time::Instant;

use serde_json::json;

use super::support::{for_polls, poll_on};
use crate::{
    case::{Case, Outcome, ensure, must, should},
    peer::message::ok,
    scene::Scene,
};

pub(super) fn cases() -> Vec<Case> {
    vec![
        must("RESP-1/silence", "nothing is sent while the request is held", silence),
        must("RESP-1/any-method", "any method can be held", any_method),
        must("RESP-1/http10", "an HTTP/1.0 client can be held", http10),
        must("RESP-2/timeout", "after the timeout comes the origin's own answer", timeout),
        must("RESP-2/goes-on", "and the connection goes on", goes_on),
        should("RESP-3/deadline", "the timeout counts from the client's request", deadline),
        must("RESP-4/first-item", "the first item answers", first_item),
        must("RESP-4/only-first", "a second one is not kept for the next poll", only_first),
        must("RESP-5/any-channel", "an item on any of the channels answers", any_channel),
        must("RESP-7/hint", "a hint repeats the request at once", hint),
        must("RESP-7/close", "a close does nothing", close),
        should("RESP-7/refresh", "a refresh does nothing", refresh),
        must("RESP-8/ignored", "keep-alive and next links have no effect", ignored),
        must("RESP-9/etag", "no 304 is made up", etag),
    ]
}

async fn silence(s: Scene) -> Outcome {
    let (mut client, _) = s.held(poll_on(&s.channel("a"))).await?;
    client.quiet(s.seconds(2.0)).await
}

async fn any_method(s: Scene) -> Outcome {
    let channel = s.channel("a");
    s.origin.always(poll_on(&channel));
    for method in ["POST", "PUT", "BREW"] {
        let mut client = s.send(&s.request(method).body("x")).await?;
        s.settle().await;
        s.publish(for_polls(&channel, method)).await?;
        client.answer().await?.status(200)?.says(method)?;
    }
    Ok(())
}

async fn http10(s: Scene) -> Outcome {
    let channel = s.channel("a");
    s.origin.always(poll_on(&channel));
    let mut client = s.send(&s.get().http10()).await?;
    s.settle().await;
    s.publish(for_polls(&channel, "item\n")).await?;
    let answer = client.answer().await?;
    answer.status(200)?.says("item\n")?;
    ensure(answer.head.word(0) == "HTTP/1.0", format_args!("{}", answer.head))
}

async fn timeout(s: Scene) -> Outcome {
    let hold = poll_on(&s.channel("a")).with("Grip-Timeout: 6").with("X-A: 1").with("ETag: \"e\"");
    s.origin.always(hold);
    let start = Instant::now();
    let mut client = s.send(&s.get()).await?.patient(s.seconds(9.0));
    let answer = client.answer().await?;
    let took = start.elapsed();
    answer.status(200)?.says("nothing\n")?.has("X-A", "1")?.has("ETag", "\"e\"")?;
    answer.head.lacks_any("Grip-")?;
    let fits = took >= s.seconds(5.75) && took <= s.seconds(8.0);
    ensure(fits, format_args!("the timeout of 6 s came after {took:?}"))
}

async fn goes_on(s: Scene) -> Outcome {
    let (channel, second) = (s.channel("a"), s.place());
    let (mut client, _) = s.held(poll_on(&channel)).await?;
    s.publish(for_polls(&channel, "item\n")).await?;
    client.answer().await?.status(200)?;
    client.send(&s.get_from(&second)).await?;
    second.asked().await?.reply(ok("after")).await?;
    client.answer().await?.says("after")?.fine()
}

async fn deadline(s: Scene) -> Outcome {
    s.origin.always(poll_on(&s.channel("a")).with("Grip-Timeout: 5"));
    let start = Instant::now();
    let mut client = s.send(&s.get()).await?;
    client.answer().await?.status(200)?.says("nothing\n")?;
    let took = start.elapsed();
    ensure(took <= s.seconds(5.6), format_args!("the timeout of 5 s came after {took:?}"))
}

async fn first_item(s: Scene) -> Outcome {
    let channel = s.channel("a");
    let (mut client, _) = s.held(poll_on(&channel)).await?;
    s.publish_all(json!([for_polls(&channel, "first\n"), for_polls(&channel, "second\n")])).await?;
    client.answer().await?.status(200)?.says("first\n")?.fine()
}

async fn only_first(s: Scene) -> Outcome {
    let channel = s.channel("a");
    let (mut client, _) = s.held(poll_on(&channel)).await?;
    s.publish_all(json!([for_polls(&channel, "first\n"), for_polls(&channel, "second\n")])).await?;
    client.answer().await?.says("first\n")?;
    client.send(&s.get()).await?;
    client.quiet(s.seconds(1.5)).await?;
    s.publish(for_polls(&channel, "third\n")).await?;
    client.answer().await?.says("third\n")?.fine()
}

async fn any_channel(s: Scene) -> Outcome {
    let [a, b] = ["a", "b"].map(|name| s.channel(name));
    let (mut client, _) = s.held(poll_on(&format!("{a}, {b}"))).await?;
    s.publish(for_polls(&b, "item\n")).await?;
    client.answer().await?.status(200)?.says("item\n")?.fine()
}

async fn hint(s: Scene) -> Outcome {
    let channel = s.channel("a");
    let mut client = s.send(&s.request("POST").with("X-A: 1").body("asked\n")).await?;
    s.origin.asked().await?.reply(poll_on(&channel)).await?;
    s.settle().await;
    s.publish(json!({ "channel": channel, "http-response": { "action": "hint" } })).await?;
    let mut again = s.origin.asked().await?;
    let seen = again.seen().await?;
    seen.head.has("X-A", "1")?;
    let same = seen.head.word(0) == "POST" && seen.body == b"asked\n";
    ensure(same, format_args!("the request came again as {}", seen.head))?;
    again.reply(ok("fresh\n")).await?;
    client.answer().await?.status(200)?.says("fresh\n")?.fine()
}

async fn close(s: Scene) -> Outcome {
    let channel = s.channel("a");
    let (mut client, _) = s.held(poll_on(&channel)).await?;
    s.publish(json!({ "channel": channel, "http-response": { "action": "close" } })).await?;
    client.quiet(s.seconds(0.3)).await?;
    s.publish(for_polls(&channel, "item\n")).await?;
    client.answer().await?.says("item\n")?.fine()
}

async fn refresh(s: Scene) -> Outcome {
    let channel = s.channel("a");
    let (mut client, _) = s.held(poll_on(&channel)).await?;
    s.publish(json!({ "channel": channel, "http-response": { "action": "refresh" } })).await?;
    client.quiet(s.seconds(0.3)).await?;
    s.publish(for_polls(&channel, "item\n")).await?;
    client.answer().await?.says("item\n")?.fine()
}

async fn ignored(s: Scene) -> Outcome {
    let hold = poll_on(&s.channel("a"))
        .with("Grip-Keep-Alive: alive; timeout=1")
        .with(format!("Grip-Link: <{}/next>; rel=next; timeout=1", s.origin.path));
    let (mut client, served) = s.held(hold).await?;
    client.quiet(s.seconds(2.5)).await?;
    let next = served.seen().iter().any(|seen| seen.target().ends_with("/next"));
    ensure(!next, "the next link of a response hold was followed")
}

async fn etag(s: Scene) -> Outcome {
    let hold = poll_on(&s.channel("a")).with("Grip-Timeout: 5").with("ETag: \"e\"");
    s.origin.always(hold);
    let mut client = s.send(&s.get().with("If-None-Match: \"e\"")).await?;
    client.answer().await?.status(200)?.has("ETag", "\"e\"")?.says("nothing\n")?.fine()
}
