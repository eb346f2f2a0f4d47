//! Pages that cannot be had at once.

use tokio::try_join;

use super::support::{for_streams, hint, next, open, stream_on, warm};
use crate::{
    case::{Case, Outcome, ensure, must, should, wrong},
    peer::{
        client::End,
        message::{ok, reply},
        origin::{Asked, Place},
    },
    scene::Scene,
};

pub(super) fn cases() -> Vec<Case> {
    vec![
        must("NEXT-9/again", "a page that fails is asked for again a little later", again),
        must("NEXT-9/meanwhile", "items that come meanwhile follow the page", meanwhile),
        must("NEXT-9/gives-up", "a response without a hold ends after six failures", gives_up)
            .within(60),
        should("NEXT-9/keeps-on", "a held stream goes on, and its page is tried on", keeps_on)
            .within(90),
    ]
}

/// What an origin may do to a request for a page instead of giving it.
#[derive(Clone, Copy)]
enum Failure {
    Status,
    Redirect,
    Cut,
}

async fn fail(mut asked: Asked, failure: Failure) -> Outcome {
    match failure {
        Failure::Status => asked.reply(reply("500 Sorry").body("sorry\n")).await,
        Failure::Redirect => asked.reply(reply("302 Found").with("Location: /odd").body("")).await,
        Failure::Cut => {
            asked.write("HTTP/1.1 200 OK\r\nContent-").await?;
            asked.reset()
        }
    }
}

/// Lets the second page of a response fail once, and requires that it is asked for again.
async fn fails_once(s: &Scene, place: Place, failure: Failure) -> Outcome {
    let mut client = s.send(&s.get_from(&place)).await?;
    place.asked().await?.reply(ok("one ").with(next(&place, "/2"))).await?;
    client.head().await?;
    client.content("one ").await?;
    fail(place.asked_at("/2").await?, failure).await?;
    place.unasked(s.seconds(0.7)).await?;
    place.asked_at("/2").await?.reply(ok("two\n")).await?;
    let (rest, end) = client.rest().await?;
    ensure(rest == b"two\n" && end == End::Clean, format_args!("{rest:?} ({end:?})"))
}

async fn again(s: Scene) -> Outcome {
    try_join!(
        fails_once(&s, s.place(), Failure::Status),
        fails_once(&s, s.place(), Failure::Redirect),
        fails_once(&s, s.place(), Failure::Cut),
    )?;
    Ok(())
}

async fn meanwhile(s: Scene) -> Outcome {
    let channel = s.channel("a");
    let _other = warm(&s, &channel).await?;
    let mut client = open(&s, stream_on(&channel).with(next(&s.origin, "/2"))).await?;
    s.publish(hint(&channel)).await?;
    fail(s.origin.asked_at("/2").await?, Failure::Status).await?;
    s.publish(for_streams(&channel, "item\n")).await?;
    let page = stream_on(&channel).body("page\n").with(next(&s.origin, "/3"));
    s.origin.asked_at("/2").await?.reply(page).await?;
    client.content("page\nitem\n").await
}

/// Waits for a request that comes after a long pause.
async fn asked_late(s: &Scene) -> Outcome<Asked> {
    match s.origin.asked_within(s.seconds(35.0)).await {
        Some(asked) => Ok(asked),
        None => wrong("the page is not asked for again"),
    }
}

async fn gives_up(s: Scene) -> Outcome {
    let mut client = s.send(&s.get()).await?.patient(s.seconds(20.0));
    s.origin.asked().await?.reply(ok("one\n").with(next(&s.origin, "/2"))).await?;
    client.head().await?;
    client.content("one\n").await?;
    for _ in 0..6 {
        fail(asked_late(&s).await?, Failure::Status).await?;
    }
    let (rest, _) = client.rest().await?;
    ensure(rest.is_empty(), format_args!("{:?} was sent", String::from_utf8_lossy(&rest)))
}

async fn keeps_on(s: Scene) -> Outcome {
    let channel = s.channel("a");
    let _other = warm(&s, &channel).await?;
    let mut client = open(&s, stream_on(&channel).with(next(&s.origin, "/2"))).await?;
    s.publish(hint(&channel)).await?;
    for _ in 0..6 {
        fail(asked_late(&s).await?, Failure::Status).await?;
    }
    let page = stream_on(&channel).body("page\n").with(next(&s.origin, "/3"));
    asked_late(&s).await?.reply(page).await?;
    client.content("page\n").await?;
    s.settle().await;
    s.publish(for_streams(&channel, "item\n")).await?;
    client.content("item\n").await
}
