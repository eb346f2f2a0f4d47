//! WebSockets whose backend speaks WebSocket-over-HTTP.

use crate::peer::events::{After, echo, hear};
use crate::peer::http::serve;
use crate::peer::talk::{check_backend, check_client, publish, talk};
use crate::stage::{Stage, play};

const NAMES: [&str; 3] = ["anne", "bert", "carl"];

#[test]
fn woh_18_woh_46_texts_go_both_ways_once_and_in_order_however_slow_the_net_is() {
    both_ways(After::Keep);
}

#[test]
fn woh_18_woh_46_also_if_every_request_needs_a_connection_of_its_own() {
    both_ways(After::Close);
}

fn both_ways(after: After) {
    let scenario = |stage: &mut Stage| {
        stage.proxy("* backend:8000,over_http");
        stage.host("backend", move |log| {
            serve(move |request| {
                let log = log.clone();
                async move { echo(&hear(&log, request).await, after) }
            })
        });
        for name in NAMES {
            stage.client(name, |log| talk(name.to_owned(), log));
        }
        publish(stage, NAMES.map(str::to_owned).into());
        stage.finish();
    };
    play(scenario, |log| {
        for name in NAMES {
            check_client(log, name);
            check_backend(log, "TEXT ", name);
        }
        assert_eq!(log.count("backend", "OPEN"), NAMES.len());
        assert_eq!(log.of_kind("backend", "CLOSE").len(), NAMES.len());
        assert_eq!(log.count("backend", "DISCONNECT"), 0);
    });
}
