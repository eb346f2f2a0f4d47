//! Filters on a channel: which items a session gets, and what is filled in.

use serde_json::{Value, json};

use super::support::{
    chained, for_polls, for_streams, instruct, next, open, poll_on, stream_on, warm,
};
use crate::{
    case::{Case, Outcome, ensure, must, should},
    peer::{
        client::{Client, End},
        message::{Reply, ok},
    },
    scene::Scene,
    target::{PREFIX, host},
};

pub(super) fn cases() -> Vec<Case> {
    vec![
        must("FILT-1/skip-self", "a user does not get what it sent itself", skip_self),
        must("FILT-2/skip-users", "nor what is not meant for it", skip_users),
        must("FILT-3/require-sub", "an item may need another channel", require_sub),
        must("FILT-3/prefix", "which is named without the route's prefix", require_sub_prefixed),
        must("FILT-8/items", "values of the session are filled into items", filled_in),
        must("FILT-8/polls", "for polls as well", filled_in_poll),
        must("FILT-8/first-body", "but not into the first body", first_body),
        must("FILT-9/close", "a close passes the filters too", close),
        should("FILT-10/skipped", "an item that cannot be filled in is left out", skipped),
        should("FILT-10/position", "and moves the position", skipped_moves),
        should("FILT-10/debug", "with debug it cuts the stream", skipped_debug),
        must("CHAN-5/five", "a channel may have five filters", five),
        should("CHAN-5/six", "but not six", six),
        should("INS-8/six", "in JSON neither", six_json),
        must("CHAN-7/unknown", "filters of unknown names are ignored", unknown),
        must("META-1/fields", "values are set one by one", values),
        should("META-1/bare", "a name without a value has an empty one", bare_name),
        must("META-2/replaced", "the values of a page replace all earlier ones", replaced),
        must("PUB-7/equal", "an item may say which filters it expects", expected),
        must("PUB-7/invalid", "and does so in a list of text", expected_invalid),
        should("PUB-7/skipped", "a session with other filters does not get it", unexpected),
        must("PUB-7/debug", "with debug it ends the session", unexpected_debug),
    ]
}

/// A stream on a channel with these parameters, for the user `bob`.
fn for_bob(channel: &str, parameters: &str) -> Reply {
    stream_on(&format!("{channel}{parameters}")).with("Grip-Set-Meta: user=bob")
}

/// A stream item with a value for filters.
fn meant(channel: &str, content: &str, name: &str, value: &str) -> Value {
    let mut item = for_streams(channel, content);
    item["meta"] = json!({ name: value });
    item
}

async fn skip_self(s: Scene) -> Outcome {
    let [a, b] = ["a", "b"].map(|name| s.channel(name));
    let reply = for_bob(&format!("{a}; filter=skip-self, {b}"), "");
    let mut client = s.stream(reply, "hello\n").await?;
    s.publish_all(json!([
        meant(&a, "own on a\n", "sender", "bob"),
        meant(&b, "own on b\n", "sender", "bob"),
        meant(&a, "other\n", "sender", "bobby"),
        for_streams(&a, "nobody's\n"),
    ]))
    .await?;
    client.content("own on b\nother\nnobody's\n").await
}

async fn skip_users(s: Scene) -> Outcome {
    let channel = s.channel("a");
    let mut client = s.stream(for_bob(&channel, "; filter=skip-users"), "hello\n").await?;
    s.publish_all(json!([
        meant(&channel, "1\n", "skip_users", "bob"),
        meant(&channel, "2\n", "skip_users", "amy , bob,cyd"),
        meant(&channel, "3\n", "skip_users", "bobby, amy"),
        meant(&channel, "4\n", "skip_users", ""),
    ]))
    .await?;
    client.content("3\n4\n").await
}

async fn require_sub(s: Scene) -> Outcome {
    let [a, b] = ["a", "b"].map(|name| s.channel(name));
    let reply = stream_on(&format!("{a}; filter=require-sub, {b}"));
    let mut client = s.stream(reply, "hello\n").await?;
    s.publish_all(json!([
        meant(&a, "1\n", "require_sub", "c"),
        meant(&a, "2\n", "require_sub", &b),
        meant(&a, "3\n", "require_sub", ""),
    ]))
    .await?;
    client.content("2\n3\n").await
}

async fn require_sub_prefixed(s: Scene) -> Outcome {
    let [a, b] = ["a", "b"].map(|name| s.channel(name));
    s.origin.always(stream_on(&format!("{a}; filter=require-sub, {b}")));
    let mut client = s.send(&s.get().host(host::PREFIX)).await?;
    client.head().await?;
    client.content("hello\n").await?;
    s.settle().await;
    let published = format!("{PREFIX}{a}");
    s.publish(meant(&published, "1\n", "require_sub", &format!("{PREFIX}{b}"))).await?;
    s.publish(meant(&published, "2\n", "require_sub", &b)).await?;
    client.content("2\n").await
}

async fn filled_in(s: Scene) -> Outcome {
    let channel = s.channel("a");
    let mut client = s.stream(for_bob(&channel, "; filter=var-subst"), "hello\n").await?;
    s.publish(for_streams(&channel, "%(user)s, 100%% %(user)s\n")).await?;
    client.content("bob, 100% bob\n").await
}

async fn filled_in_poll(s: Scene) -> Outcome {
    let channel = s.channel("a");
    let reply = poll_on(&format!("{channel}; filter=var-subst")).with("Grip-Set-Meta: user=bob");
    let (mut client, _) = s.held(reply).await?;
    s.publish(for_polls(&channel, "for %(user)s\n")).await?;
    client.answer().await?.status(200)?.says("for bob\n")?.has("Content-Length", "8")?.fine()
}

async fn first_body(s: Scene) -> Outcome {
    let channel = s.channel("a");
    let reply = for_bob(&channel, "; filter=var-subst").body("%(user)s\n");
    let mut client = s.stream(reply, "%(user)s\n").await?;
    s.publish(for_streams(&channel, "%(user)s\n")).await?;
    client.content("bob\n").await
}

async fn close(s: Scene) -> Outcome {
    let channel = s.channel("a");
    let mut client = s.stream(for_bob(&channel, "; filter=skip-self"), "hello\n").await?;
    let closing = json!({ "action": "close" });
    s.publish(json!({
        "channel": channel, "http-stream": closing, "meta": { "sender": "bob" }
    }))
    .await?;
    client.quiet(s.seconds(0.3)).await?;
    s.publish(json!({ "channel": channel, "http-stream": closing })).await?;
    let (rest, end) = client.rest().await?;
    ensure(rest.is_empty() && end == End::Clean, format_args!("{rest:?}, {end:?}"))
}

async fn skipped(s: Scene) -> Outcome {
    let channel = s.channel("a");
    let mut client = s.stream(for_bob(&channel, "; filter=var-subst"), "hello\n").await?;
    for bad in ["%(other)s\n", "%x\n", "%", "%(user"] {
        s.publish(for_streams(&channel, bad)).await?;
    }
    s.publish(for_streams(&channel, "for %(user)s\n")).await?;
    client.content("for bob\n").await
}

/// A stream for `bob` whose items are filled in, at position 1, on a channel that others hear.
async fn at_one(s: &Scene) -> Outcome<(String, Client, Client)> {
    let channel = s.channel("a");
    let other = warm(s, &channel).await?;
    let reply = for_bob(&channel, "; prev-id=1; filter=var-subst");
    let client = open(s, reply.with(next(&s.origin, "/2"))).await?;
    Ok((channel, client, other))
}

async fn skipped_moves(s: Scene) -> Outcome {
    let (channel, mut client, _other) = at_one(&s).await?;
    s.publish(chained("1", "2", for_streams(&channel, "%(other)s\n"))).await?;
    s.publish(chained("2", "3", for_streams(&channel, "for %(user)s\n"))).await?;
    client.content("for bob\n").await?;
    s.origin.unasked(s.seconds(0.5)).await
}

/// A stream with debug for `bob`, whose items are filled in.
async fn with_debug(s: &Scene, channel: &str) -> Outcome<Client> {
    s.origin.always(for_bob(channel, "; filter=var-subst"));
    let mut client = s.send(&s.get().host(host::DEBUG)).await?;
    client.head().await?;
    client.content("hello\n").await?;
    s.settle().await;
    Ok(client)
}

async fn skipped_debug(s: Scene) -> Outcome {
    let channel = s.channel("a");
    let mut client = with_debug(&s, &channel).await?;
    s.publish(for_streams(&channel, "%(other)s\n")).await?;
    let (_, end) = client.rest().await?;
    ensure(end == End::Cut, "the stream ended as if all were well")
}

async fn five(s: Scene) -> Outcome {
    let channel = s.channel("a");
    let reply = for_bob(&channel, &"; filter=skip-self".repeat(5));
    let mut client = s.stream(reply, "hello\n").await?;
    s.publish(meant(&channel, "own\n", "sender", "bob")).await?;
    s.publish(for_streams(&channel, "item\n")).await?;
    client.content("item\n").await
}

async fn six(s: Scene) -> Outcome {
    s.answered(for_bob("a", &"; filter=skip-self".repeat(6))).await?.error(502)?.fine()
}

async fn six_json(s: Scene) -> Outcome {
    let channel = json!({ "name": "a", "filters": vec!["skip-self"; 6] });
    let hold = json!({ "hold": { "mode": "stream", "channels": [channel] }, "response": {} });
    s.answered(instruct(&hold)).await?.error(502)?.fine()
}

async fn unknown(s: Scene) -> Outcome {
    let channel = s.channel("a");
    let mut client =
        s.stream(for_bob(&channel, "; filter=odd; filter=skip-self"), "hello\n").await?;
    s.publish(meant(&channel, "own\n", "sender", "bob")).await?;
    s.publish(for_streams(&channel, "item\n")).await?;
    client.content("item\n").await
}

async fn values(s: Scene) -> Outcome {
    let channel = s.channel("a");
    let reply = stream_on(&format!("{channel}; filter=var-subst"))
        .with("Grip-Set-Meta: a=1, b=\"x, y\"")
        .with("Grip-Set-Meta: c=3; d=4, e=")
        .with("Grip-Set-Meta: ");
    let mut client = s.stream(reply, "hello\n").await?;
    s.publish(for_streams(&channel, "%(a)s|%(b)s|%(c)s|%(e)s|\n")).await?;
    client.content("1|x, y|3||\n").await
}

async fn bare_name(s: Scene) -> Outcome {
    let channel = s.channel("a");
    let reply = stream_on(&format!("{channel}; filter=var-subst")).with("Grip-Set-Meta: a, b=2");
    let mut client = s.stream(reply, "hello\n").await?;
    s.publish(for_streams(&channel, "%(a)s|%(b)s|\n")).await?;
    client.content("|2|\n").await
}

async fn replaced(s: Scene) -> Outcome {
    let channel = s.channel("a");
    let mut client = s.send(&s.get()).await?;
    let first = ok("one ").with("Grip-Set-Meta: user=bob, old=1").with(next(&s.origin, "/2"));
    s.origin.asked().await?.reply(first).await?;
    client.head().await?;
    client.content("one ").await?;
    let second = stream_on(&format!("{channel}; filter=skip-self; filter=var-subst"));
    s.origin.asked_at("/2").await?.reply(second.with("Grip-Set-Meta: color=red")).await?;
    client.content("hello\n").await?;
    s.settle().await;
    s.publish(meant(&channel, "from bob, in %(color)s\n", "sender", "bob")).await?;
    client.content("from bob, in red\n").await
}

/// A stream item that expects these filters.
fn expecting(channel: &str, content: &str, filters: &[&str]) -> Value {
    let mut item = for_streams(channel, content);
    item["http-stream"]["content-filters"] = json!(filters);
    item
}

async fn expected(s: Scene) -> Outcome {
    let [a, b] = ["a", "b"].map(|name| s.channel(name));
    let reply = for_bob(&format!("{a}; filter=skip-self; filter=var-subst, {b}"), "");
    let mut client = s.stream(reply, "hello\n").await?;
    // Only those that change content are meant.
    s.publish(expecting(&a, "for %(user)s\n", &["var-subst"])).await?;
    s.publish(expecting(&b, "for all\n", &[])).await?;
    client.content("for bob\nfor all\n").await
}

async fn expected_invalid(s: Scene) -> Outcome {
    for (filters, code) in
        [(json!("var-subst"), 400), (json!([1]), 400), (json!({}), 400), (json!(["odd"]), 200)]
    {
        let mut item = for_streams(&s.channel("a"), "x");
        item["http-stream"]["content-filters"] = filters;
        let request = s.publisher()?.request("POST", "/publish");
        let body = json!({ "items": [item] }).to_string();
        s.control(request.body(body)).await?.status(code)?;
    }
    Ok(())
}

async fn unexpected(s: Scene) -> Outcome {
    let channel = s.channel("a");
    let mut client = s.stream(for_bob(&channel, "; filter=var-subst"), "hello\n").await?;
    s.publish(expecting(&channel, "none\n", &[])).await?;
    s.publish(expecting(&channel, "other\n", &["build-id"])).await?;
    s.publish(expecting(&channel, "more\n", &["var-subst", "build-id"])).await?;
    s.publish(expecting(&channel, "for %(user)s\n", &["var-subst"])).await?;
    client.content("for bob\n").await
}

async fn unexpected_debug(s: Scene) -> Outcome {
    let channel = s.channel("a");
    let mut client = with_debug(&s, &channel).await?;
    s.publish(expecting(&channel, "none\n", &[])).await?;
    let (rest, _) = client.rest().await?;
    let rest = String::from_utf8_lossy(&rest).into_owned();
    ensure(!rest.contains("none\n"), format_args!("{rest:?} came"))
}
