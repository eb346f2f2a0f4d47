//! What a channel keeps between two polls, and how a poll ends by an error.

use serde_json::json;

use super::support::{chained, for_both, for_polls, hint, hold, open, poll_on, stream_on, with_id};
use crate::{
    case::{Case, Outcome, ensure, must, should, wrong},
    peer::{
        client::{Answer, Client},
        message::ok,
        origin::Place,
    },
    scene::Scene,
    target::host,
};

pub(super) fn cases() -> Vec<Case> {
    vec![
        must("RESP-10/last-item", "between two polls the last item is remembered", last_item),
        must("RESP-10/waiting", "and so are items that wait", waiting),
        must("RESP-10/no-recovery", "the next poll is not taken for the first", no_recovery),
        should("RESP-11/stream-ends", "a stream that ends does not cut that short", stream_ends),
        must("RESP-12/plain", "an error ends a poll with a plain 502", error_page),
        must("RESP-12/debug", "with debug it says what was wrong", debug_page),
    ]
}

/// A poll that was answered by item 1 some time ago, so that nobody holds the channel now.
async fn answered_by_one(s: &Scene) -> Outcome<String> {
    let channel = s.channel("a");
    let mut client = hold(s, s.get(), poll_on(&channel)).await?;
    s.publish(with_id("1", for_both(&channel, "1\n"))).await?;
    client.answer().await?.says("1\n")?;
    s.pause(1.3).await;
    Ok(channel)
}

/// A poll at another place.
async fn poll(s: &Scene, place: &Place, channel: &str) -> Outcome<Client> {
    let client = s.send(&s.get_from(place)).await?;
    place.asked().await?.reply(poll_on(channel)).await?;
    Ok(client)
}

/// Requires that a poll which does not know the last item is repeated at once.
async fn knows_better(s: &Scene, channel: &str) -> Outcome {
    let place = s.place();
    let mut client = poll(s, &place, &format!("{channel}; prev-id=0")).await?;
    let Some(again) = place.asked_within(s.seconds(0.7)).await else {
        return wrong("a poll that is behind is not repeated at once");
    };
    again.after(channel, "0")?;
    again.reply(ok("fresh\n")).await?;
    client.answer().await?.says("fresh\n")?.fine()
}

async fn last_item(s: Scene) -> Outcome {
    let channel = answered_by_one(&s).await?;
    knows_better(&s, &channel).await
}

async fn waiting(s: Scene) -> Outcome {
    let channel = answered_by_one(&s).await?;
    s.publish(chained("2", "3", for_both(&channel, "3\n"))).await?;
    let place = s.place();
    let mut client = poll(&s, &place, &channel).await?;
    s.settle().await;
    s.publish(chained("1", "2", json!({ "channel": channel, "http-stream": { "content": "2" } })))
        .await?;
    client.answer().await?.says("3\n")?.fine()
}

async fn no_recovery(s: Scene) -> Outcome {
    let channel = answered_by_one(&s).await?;
    let place = s.place();
    let mut client = poll(&s, &place, &format!("{channel}; prev-id=1")).await?;
    place.unasked(s.seconds(2.0)).await?;
    s.publish(chained("1", "2", for_polls(&channel, "2\n"))).await?;
    client.answer().await?.says("2\n")?.fine()
}

async fn stream_ends(s: Scene) -> Outcome {
    let channel = answered_by_one(&s).await?;
    let mut client = open(&s, stream_on(&channel)).await?;
    s.publish(json!({ "channel": channel, "http-stream": { "action": "close" } })).await?;
    client.rest().await?;
    // The close had no id, so that another one has to be the last item from now on.
    s.pause(0.5).await;
    s.publish(with_id("2", for_both(&channel, "2\n"))).await?;
    s.settle().await;
    knows_better(&s, &channel).await
}

/// A poll whose repetition fails.
async fn failed(s: &Scene, host: &str) -> Outcome<Answer> {
    let channel = s.channel(host);
    let mut client = hold(s, s.get().host(host), poll_on(&channel).with("X-A: 1")).await?;
    s.publish(hint(&channel)).await?;
    s.origin.asked_at("").await?.reply(ok("x").with("Grip-Timeout: x")).await?;
    client.answer().await
}

async fn error_page(s: Scene) -> Outcome {
    let proxy = s.proxy().to_owned();
    failed(&s, &proxy).await?.error(502)?.lacks("X-A")?.fine()
}

async fn debug_page(s: Scene) -> Outcome {
    let channel = s.channel("a");
    let request = s.get().host(host::DEBUG);
    let mut client = hold(&s, request, poll_on(&format!("{channel}; filter=var-subst"))).await?;
    let mut item = for_polls(&channel, "item\n");
    item["http-response"]["content-filters"] = json!([]);
    s.publish(item).await?;
    let page = client.answer().await?;
    page.error(502)?;
    let proxy = s.proxy().to_owned();
    let plain = failed(&s, &proxy).await?.text();
    ensure(page.text() != plain, format_args!("both pages say {plain:?}"))
}
