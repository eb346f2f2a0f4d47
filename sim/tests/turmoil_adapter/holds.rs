//! Holds over HTTP.

use std::time::Duration;

use http::Response;
use tokio::time::{sleep, timeout};

use crate::peer::http::{Publisher, get, piece, serve, text};
use crate::stage::{Log, SETTLED, Stage, play};

const CLIENTS: usize = 5;
const ITEMS: usize = 8;

#[test]
fn hres_1_a_long_poll_gets_one_item_and_only_one() {
    let scenario = |stage: &mut Stage| {
        before_holds(stage, "response");
        for name in names() {
            stage.client(&name.clone(), move |log| async move {
                let (_connection, response) = get("/poll").await?;
                log.note(&name, text(response.into_body()).await?);
                Ok(())
            });
        }
        publish(stage);
        stage.finish();
    };
    play(scenario, |log| {
        for name in names() {
            assert_eq!(log.of(&name), ["item 0\n"]);
        }
        assert_eq!(log.count("backend", "/poll"), CLIENTS);
    });
}

#[test]
fn strm_1_a_stream_gets_every_item_once_and_in_order() {
    let scenario = |stage: &mut Stage| {
        before_holds(stage, "stream");
        for name in names() {
            stage.client(&name.clone(), move |log| async move {
                let (_connection, response) = get("/stream").await?;
                let (mut body, mut read) = (response.into_body(), String::new());
                while let Ok(piece) = timeout(4 * SETTLED, piece(&mut body)).await {
                    read += &piece?.expect("a stream that goes on");
                }
                log.note(&name, read);
                Ok(())
            });
        }
        publish(stage);
        stage.finish();
    };
    let all = (0..ITEMS).fold("open\n".to_owned(), |all, number| all + &item(number) + "\n");
    play(scenario, |log| {
        for name in names() {
            assert_eq!(log.of(&name).concat(), all);
        }
    });
}

/// A proxy and a backend that lets everybody be held.
fn before_holds(stage: &mut Stage, hold: &'static str) {
    stage.proxy("* backend:8000");
    stage.host("backend", move |log| {
        serve(move |request| {
            log.note("backend", request.uri().path());
            let response = Response::builder()
                .header("Grip-Hold", hold)
                .header("Grip-Channel", "news")
                .body("open\n".into());
            async { response.expect("a response") }
        })
    });
}

/// Publishes when all are held.
fn publish(stage: &mut Stage) {
    stage.client("publisher", |log: Log| async move {
        while log.of("backend").len() < CLIENTS {
            sleep(Duration::from_millis(1)).await;
        }
        sleep(SETTLED).await;
        let mut publisher = Publisher::new().await?;
        for number in 0..ITEMS {
            publisher.publish(&item(number)).await?;
        }
        Ok(())
    });
}

fn names() -> impl Iterator<Item = String> {
    (0..CLIENTS).map(|number| format!("client-{number}"))
}

/// The later, the larger: the last is more than a connection takes at once.
fn item(number: usize) -> String {
    format!("item {number}") + &".".repeat(number * 20_000)
}
