//! A client that says numbered texts, gets an answer to each from the backend, and published texts between them.

use std::time::Duration;

use tokio::time::sleep;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use turmoil::Result;

use super::http::Publisher;
use super::socket::{hear_out, next, open, say};
use crate::stage::{Log, SETTLED, Stage};

/// Texts that each client says, and that the publisher says to all.
pub const TEXTS: usize = 20;
/// Time between two published texts; shorter than a text travels.
const BEAT: Duration = Duration::from_millis(15);

/// Says all and closes when all has come.
pub async fn talk(name: String, log: Log) -> Result {
    let mut socket = open().await?;
    log.note(&name, "joined");
    // What is published before everybody is subscribed would not come to all.
    sleep(SETTLED).await;
    for number in 0..TEXTS {
        say(&mut socket, &text(&name, number)).await?;
        if number % 3 == 0 {
            sleep(BEAT).await;
        }
    }
    for _ in 0..2 * TEXTS {
        log.note(&name, next(&mut socket).await);
    }
    let close = CloseFrame { code: 4001.into(), reason: "done".into() };
    socket.close(Some(close)).await?;
    hear_out(&mut socket, &log, &name).await;
    Ok(())
}

/// Publishes when so many have joined, and for as long as they talk.
pub fn publish(stage: &mut Stage, names: Vec<String>) {
    stage.client("publisher", |log| async move {
        while names.iter().any(|name| log.count(name, "joined") == 0) {
            sleep(Duration::from_millis(1)).await;
        }
        sleep(SETTLED).await;
        let mut publisher = Publisher::new().await?;
        for number in 0..TEXTS {
            publisher.publish(&text("news", number)).await?;
            sleep(BEAT).await;
        }
        Ok(())
    });
}

/// The later, the larger: the last needs several segments.
fn text(who: &str, number: usize) -> String {
    format!("{who} {number} ") + &".".repeat(number * 200)
}

/// Checks what the client got: all of both kinds, each in order and once, and then the close that it asked for.
pub fn check_client(log: &Log, name: &str) {
    let numbered = |start: &str| (0..TEXTS).map(|n| text(start, n)).collect::<Vec<_>>();
    assert_eq!(log.of_kind(name, "re"), numbered(&format!("re {name}")));
    assert_eq!(log.of_kind(name, "news"), numbered("news"));
    let all = log.of(name);
    assert_eq!(all.len(), 1 + 2 * TEXTS + 2, "{all:?}");
    assert_eq!(all[2 * TEXTS + 1..], ["close 4001 done", "end"]);
}

/// Checks what the backend got of a client's texts: all, in order, each once. `start` stands before them there.
pub fn check_backend(log: &Log, start: &str, name: &str) {
    let said: Vec<_> = (0..TEXTS).map(|number| start.to_owned() + &text(name, number)).collect();
    assert_eq!(log.of_kind("backend", &format!("{start}{name} ")), said);
}
