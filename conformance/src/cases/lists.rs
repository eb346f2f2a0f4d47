//! The grammar of instruction headers, and the channels they name.

use serde_json::json;

use super::support::{for_polls, for_streams, instructs_refused, poll_on, stream_on};
use crate::{
    case::{Case, Outcome, ensure, must, should},
    peer::message::{Reply, ok},
    scene::Scene,
    target::{ADDED, PREFIX, host},
};

pub(super) fn cases() -> Vec<Case> {
    vec![
        must("PARM-1/lists", "lists may be repeated, and divided by commas", lists),
        must("PARM-1/quoted", "commas and escapes in quotes belong to the value", quoted),
        must("PARM-2/literal", "a channel name is taken literally, quotes included", literal),
        must("PARM-3/any-case", "prev-id is read in any case", parameter_case),
        should("PARM-4/broken", "an element that cannot be read is an error", broken_element),
        must("PARM-5/first-counts", "of a repeated single value the first counts", first_counts),
        must("PARM-6/integers", "integers may have blanks and a plus sign", integers),
        must("PARM-6/bad-integers", "anything else is an error", bad_integers),
        must("PARM-7/unknown", "unknown Grip fields are ignored and stripped", unknown_field),
        must("CHAN-1/prefix", "the route's prefix goes before channel names", prefix),
        must("CHAN-1/last", "the origin hears channel names without the prefix", prefix_in_last),
        must("CHAN-2/names", "names may have spaces and any letters", names),
        must("CHAN-3/poll", "a response hold without a channel waits for its timeout", no_channel),
        must("CHAN-3/stream", "a stream without a channel stays open", no_channel_stream),
        must("CHAN-4/twice", "a channel named twice delivers once", twice),
        must("CHAN-6/limit", "only the first twenty channels count", limit),
        must("CHAN-8/added", "channels of the target are added, without the prefix", added),
        should("CHAN-6/debug", "with debug more channels are an error", limit_debug),
    ]
}

async fn lists(s: Scene) -> Outcome {
    let [a, b, c] = ["a", "b", "c"].map(|name| s.channel(name));
    let reply = stream_on(&format!("{a} ,{b}")).with(format!("grip-channel: {c}"));
    let mut client = s.stream(reply, "hello\n").await?;
    for channel in [a, b, c] {
        s.publish(for_streams(&channel, &format!("on {channel}\n"))).await?;
        client.content(&format!("on {channel}\n")).await?;
    }
    Ok(())
}

async fn quoted(s: Scene) -> Outcome {
    let (a, b) = (s.channel("a"), s.channel("b"));
    let (mut client, _) = s.held(poll_on(&format!("{a}; prev-id=\"x,\\\"y\", {b}"))).await?;
    s.publish(json!({
        "channel": a, "id": "z", "prev-id": "x,\"y", "http-response": { "body": "item\n" }
    }))
    .await?;
    client.answer().await?.status(200)?.says("item\n")?.fine()
}

async fn literal(s: Scene) -> Outcome {
    let channel = format!("\"{}, x\"", s.channel("a"));
    let mut client = s.stream(stream_on(&channel), "hello\n").await?;
    s.publish(for_streams(&channel, "item\n")).await?;
    client.content("item\n").await
}

/// The `Grip-Last` of the first repetition of a request whose hold is found to be behind.
async fn last_of_retry(
    s: &Scene,
    request: crate::peer::message::Request,
    hold: Reply,
) -> Outcome<String> {
    let _client = s.send(&request).await?;
    s.origin.asked().await?.reply(hold).await?;
    let mut again = s.origin.asked().await?;
    let last = again.seen().await?.head.all("Grip-Last").join(" | ");
    again.reply(ok("done\n")).await?;
    Ok(last)
}

async fn parameter_case(s: Scene) -> Outcome {
    let channel = s.channel("a");
    let (conflict, mut gap) = (for_polls(&channel, "gap\n"), s.get());
    gap = gap.with("X-A: 1");
    let publishing = async {
        s.settle().await;
        let mut item = conflict;
        item["id"] = "9".into();
        item["prev-id"] = "8".into();
        s.publish(item).await
    };
    let hold = poll_on(&format!("{channel}; PREV-ID=3"));
    let (last, published) = tokio::join!(last_of_retry(&s, gap, hold), publishing);
    published?;
    let (last, wanted) = (last?, format!("{channel}; last-id=3"));
    ensure(last == wanted, format_args!("Grip-Last is {last:?}, should be {wanted:?}"))
}

async fn broken_element(s: Scene) -> Outcome {
    instructs_refused(&s, vec![poll_on("a, b; prev-id=\"x")]).await
}

async fn first_counts(s: Scene) -> Outcome {
    let reply = ok("x").with("Grip-Status: 403 A, B").with("Grip-Status: 404 C");
    s.answered(reply).await?.status(403)?.reason("A, B")?.fine()
}

async fn integers(s: Scene) -> Outcome {
    for value in ["+7", " 7 ", "007", "0"] {
        s.answered(ok("x").with(format!("Grip-Timeout: {value}"))).await?.status(200)?;
    }
    Ok(())
}

async fn bad_integers(s: Scene) -> Outcome {
    let values = ["10.5", "0x10", "", "ten", "1 0", "--1"];
    let replies = values.map(|value| ok("x").with(format!("Grip-Timeout: {value}")));
    instructs_refused(&s, replies.to_vec()).await
}

async fn unknown_field(s: Scene) -> Outcome {
    let channel = s.channel("a");
    let (mut client, _) = s.held(stream_on(&channel).with("Grip-Odd: yes")).await?;
    client.head().await?.lacks_any("Grip-")?;
    client.content("hello\n").await?;
    s.settle().await;
    s.publish(for_streams(&channel, "item\n")).await?;
    client.content("item\n").await
}

async fn prefix(s: Scene) -> Outcome {
    let channel = s.channel("a");
    s.origin.always(stream_on(&channel));
    let mut client = s.send(&s.get().host(host::PREFIX)).await?;
    client.head().await?;
    client.content("hello\n").await?;
    s.settle().await;
    s.publish(for_streams(&channel, "without\n")).await?;
    s.publish(for_streams(&format!("{PREFIX}{channel}"), "with\n")).await?;
    client.content("with\n").await
}

async fn prefix_in_last(s: Scene) -> Outcome {
    let channel = s.channel("a");
    let publishing = async {
        s.settle().await;
        let mut item = for_polls(&format!("{PREFIX}{channel}"), "gap\n");
        item["id"] = "9".into();
        item["prev-id"] = "8".into();
        s.publish(item).await
    };
    let (request, hold) = (s.get().host(host::PREFIX), poll_on(&format!("{channel}; prev-id=3")));
    let (last, published) = tokio::join!(last_of_retry(&s, request, hold), publishing);
    published?;
    let (last, wanted) = (last?, format!("{channel}; last-id=3"));
    ensure(last == wanted, format_args!("Grip-Last is {last:?}, should be {wanted:?}"))
}

async fn names(s: Scene) -> Outcome {
    let channel = s.channel("two words, grün".split(',').next().unwrap_or_default());
    let letters = s.channel("größe/ελ");
    let mut client = s.stream(stream_on(&format!("{channel}, {letters}")), "hello\n").await?;
    s.publish(for_streams(&channel, "spaces\n")).await?;
    client.content("spaces\n").await?;
    s.publish(for_streams(&letters, "letters\n")).await?;
    client.content("letters\n").await
}

async fn no_channel(s: Scene) -> Outcome {
    let hold = ok("nothing\n").with("Grip-Hold: response").with("Grip-Timeout: 5");
    let empty = s.place();
    empty.always(hold.clone().with("Grip-Channel: "));
    s.origin.always(hold);
    let mut second = s.send(&s.get_from(&empty)).await?;
    let mut client = s.send(&s.get()).await?;
    client.quiet(s.seconds(4.0)).await?;
    client.answer().await?.status(200)?.says("nothing\n")?;
    second.answer().await?.status(200)?.says("nothing\n")?.fine()
}

async fn no_channel_stream(s: Scene) -> Outcome {
    let hold = ok("hello\n").with("Grip-Hold: stream").with("Grip-Keep-Alive: alive; timeout=2");
    let mut client = s.stream(hold, "hello\n").await?;
    client.content("alive").await
}

async fn twice(s: Scene) -> Outcome {
    let channel = s.channel("a");
    let mut client = s.stream(stream_on(&format!("{channel}, {channel}")), "hello\n").await?;
    s.publish(for_streams(&channel, "once\n")).await?;
    client.content("once\n").await?;
    client.quiet(s.seconds(0.5)).await
}

/// A stream hold on 25 channels, and their names.
fn many(s: &Scene) -> (Vec<String>, Reply) {
    let channels: Vec<_> = (1..=25).map(|n| s.channel(&n.to_string())).collect();
    let reply = stream_on(&channels.join(", "));
    (channels, reply)
}

async fn limit(s: Scene) -> Outcome {
    let (channels, reply) = many(&s);
    let mut client = s.stream(reply, "hello\n").await?;
    for number in [21, 25, 1, 20] {
        s.publish(for_streams(&channels[number - 1], &format!("{number}\n"))).await?;
    }
    client.content("1\n20\n").await
}

async fn limit_debug(s: Scene) -> Outcome {
    let (_, reply) = many(&s);
    s.relay(s.get().host(host::DEBUG), reply).await?.1.error(502)?.fine()
}

async fn added(s: Scene) -> Outcome {
    let channels: Vec<_> = (1..=20).map(|n| s.channel(&n.to_string())).collect();
    s.origin.always(stream_on(&channels.join(", ")));
    let mut client = s.send(&s.get().host(host::ADDED)).await?;
    client.head().await?;
    client.content("hello\n").await?;
    s.settle().await;
    s.publish(for_streams(ADDED, "added\n")).await?;
    client.content("added\n").await?;
    let last = format!("{PREFIX}{}", channels[19]);
    s.publish(for_streams(&last, "last\n")).await?;
    client.content("last\n").await
}
