//! Clients and native backends that vanish.

use std::time::Duration;

use holdfast_core::ground::Span;

use crate::peer::duo::{ANNE, TOLD_OF_FAILURE, backend, client};
use crate::peer::events::After;
use crate::peer::socket;
use crate::stage::{SETTLED, Stage, play};

/// How long a client may be silent.
const SILENCE: Duration = Duration::from_secs(3);

#[test]
fn woh_50_ws_35_a_backend_hears_once_that_a_client_has_crashed() {
    let scenario = |stage: &mut Stage| {
        over_http(stage);
        stage.sim.crash(ANNE);
        stage.until("backend", "DISCONNECT", 1);
        stage.pass(SETTLED);
    };
    play(scenario, |log| {
        assert_eq!(log.of("backend"), ["OPEN", "TEXT one", "DISCONNECT"]);
    });
}

#[test]
fn woh_50_woh_41_also_a_backend_that_is_down_then() {
    let scenario = |stage: &mut Stage| {
        over_http(stage);
        stage.sim.crash("backend");
        stage.pass(SETTLED);
        stage.sim.crash(ANNE);
        stage.pass(SILENCE);
        stage.sim.bounce("backend");
        stage.until("backend", "DISCONNECT", 1);
        stage.pass(SILENCE);
    };
    play(scenario, |log| {
        assert_eq!(log.of("backend"), ["OPEN", "TEXT one", "DISCONNECT"]);
    });
}

#[test]
fn woh_50_a_client_that_leaves_over_a_request_is_reported_after_it() {
    let scenario = |stage: &mut Stage| {
        over_http(stage);
        stage.cue();
        stage.until("backend", "TEXT two", 1);
        stage.sim.crash(ANNE);
        stage.until("backend", "DISCONNECT", 1);
        stage.pass(SETTLED);
    };
    play(scenario, |log| {
        assert_eq!(log.of("backend"), ["OPEN", "TEXT one", "TEXT two", "DISCONNECT"]);
    });
}

#[test]
fn ws_53_woh_50_a_client_behind_a_dead_link_is_given_up() {
    let scenario = |stage: &mut Stage| {
        over_http(stage);
        stage.sim.partition(ANNE, "proxy");
        stage.pass(3 * SILENCE);
    };
    play(scenario, |log| {
        let heard = log.of("backend");
        assert_eq!(heard[..2], ["OPEN", "TEXT one"]);
        assert!(
            matches!(&heard[2..], [last] if last == "CLOSE" || last == "DISCONNECT"),
            "{heard:?}"
        );
    });
}

#[test]
fn ws_35_a_native_backend_is_left_when_its_client_has_crashed() {
    let scenario = |stage: &mut Stage| {
        native(stage);
        stage.sim.crash(ANNE);
        stage.pass(SETTLED);
    };
    play(scenario, |log| {
        let heard = log.of("backend");
        assert_eq!(heard[..2], ["open", "one"]);
        assert_eq!(heard.len(), 3, "{heard:?}");
        assert!(heard[2] == "end" || heard[2].starts_with("cut"), "{heard:?}");
    });
}

#[test]
fn ws_36_a_client_is_told_that_its_native_backend_has_crashed() {
    let scenario = |stage: &mut Stage| {
        native(stage);
        stage.cue();
        stage.until(ANNE, "re two", 1);
        stage.sim.crash("backend");
        stage.until(ANNE, "end", 1);
        // Who comes back is served as if nothing had been.
        stage.sim.bounce("backend");
        stage.sim.bounce(ANNE);
        stage.until(ANNE, "re one", 2);
    };
    play(scenario, |log| {
        let heard = ["re one", "said", "re two", TOLD_OF_FAILURE, "end", "re one"];
        assert_eq!(log.of(ANNE), heard);
        assert_eq!(log.of("backend"), ["open", "one", "two", "open", "one"]);
    });
}

/// A client that has said one text and got its answer.
fn over_http(stage: &mut Stage) {
    stage.proxy_with("* backend:8000,over_http", |settings| {
        let limits = &mut settings.core.limits;
        limits.socket_ping_interval = Some(Span::from_millis(SILENCE.as_millis() as u64 / 2));
        limits.socket_idle_timeout = Span::from_millis(SILENCE.as_millis() as u64);
    });
    stage.host("backend", |log| backend(log, After::Close));
    joined(stage);
}

/// The same before a native backend.
fn native(stage: &mut Stage) {
    stage.proxy("* backend:8000");
    stage.host("backend", socket::serve);
    joined(stage);
}

fn joined(stage: &mut Stage) {
    client(stage);
    stage.until(ANNE, "re one", 1);
    stage.pass(SETTLED);
}
