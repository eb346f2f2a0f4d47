//! WebSockets whose backend speaks WebSocket.

use crate::peer::socket::serve;
use crate::peer::talk::{check_backend, check_client, publish, talk};
use crate::stage::{Stage, play};

const NAMES: [&str; 3] = ["anne", "bert", "carl"];

#[test]
fn nat_6_nat_7_nat_11_texts_go_both_ways_once_and_in_order_however_slow_the_net_is() {
    let scenario = |stage: &mut Stage| {
        stage.proxy("* backend:8000");
        stage.host("backend", serve);
        for name in NAMES {
            stage.client(name, |log| talk(name.to_owned(), log));
        }
        publish(stage, NAMES.map(str::to_owned).into());
        stage.finish();
    };
    play(scenario, |log| {
        for name in NAMES {
            check_client(log, name);
            check_backend(log, "", name);
        }
        assert_eq!(log.count("backend", "open"), NAMES.len());
        assert_eq!(log.count("backend", "close 4001 done"), NAMES.len());
    });
}
