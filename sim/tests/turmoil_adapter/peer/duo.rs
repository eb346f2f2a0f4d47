//! One client that says two texts, the second when it is told to, and a backend that takes its time.

use std::time::Duration;

use tokio::time::sleep;
use turmoil::Result;

use super::events::{After, echo, hear};
use super::http::serve;
use super::socket::{hear_out, next, open, say};
use crate::stage::{Log, Stage};

pub const ANNE: &str = "anne";
/// What tungstenite makes of 1014, which it does not know.
pub const TOLD_OF_FAILURE: &str = "close 1002 Protocol violation";
/// How long the backend thinks before it answers.
const THOUGHT: Duration = Duration::from_millis(100);

/// Puts the client there.
pub fn client(stage: &mut Stage) {
    let cue = stage.cue.clone();
    stage.host(ANNE, move |log| {
        let cue = cue.clone();
        async move {
            let mut socket = open().await?;
            say(&mut socket, "one").await?;
            log.note(ANNE, next(&mut socket).await);
            cue.notified().await;
            say(&mut socket, "two").await?;
            log.note(ANNE, "said");
            hear_out(&mut socket, &log, ANNE).await;
            Ok(())
        }
    });
}

/// The life of the backend.
pub async fn backend(log: Log, after: After) -> Result {
    serve(move |request| {
        let log = log.clone();
        async move {
            let events = hear(&log, request).await;
            sleep(THOUGHT).await;
            echo(&events, after)
        }
    })
    .await
}
