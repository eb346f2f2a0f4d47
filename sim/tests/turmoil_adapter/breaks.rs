//! The net between the proxy and a backend fails: before a request is sent, and behind it.

use std::time::Duration;

use crate::peer::duo::{ANNE, TOLD_OF_FAILURE, backend, client};
use crate::peer::events::After;
use crate::stage::{SETTLED, SLOW, Stage, play};

/// How long the net is away, where it comes back.
const AWAY: Duration = Duration::from_secs(3);
/// How long a backend has to answer.
const PATIENCE: Duration = Duration::from_secs(5);

#[test]
fn woh_41_what_could_not_be_sent_is_sent_once_when_the_net_is_back() {
    let scenario = |stage: &mut Stage| {
        joined(stage, After::Close);
        stage.sim.partition("proxy", "backend");
        stage.cue();
        stage.until(ANNE, "said", 1);
        stage.pass(AWAY);
        assert_eq!(stage.log.count("backend", "TEXT two"), 0, "the net is away");
        stage.sim.repair("proxy", "backend");
        stage.until(ANNE, "re two", 1);
        stage.pass(PATIENCE);
    };
    play(scenario, |log| {
        assert_eq!(log.of("backend"), ["OPEN", "TEXT one", "TEXT two"]);
        assert_eq!(log.of(ANNE), ["re one", "said", "re two"]);
        assert!(log.when(ANNE, "re two") - log.when(ANNE, "said") < 3 * AWAY);
    });
}

#[test]
fn woh_41_who_cannot_be_helped_in_time_is_told() {
    let scenario = |stage: &mut Stage| {
        joined(stage, After::Close);
        stage.sim.partition("proxy", "backend");
        stage.cue();
        stage.until(ANNE, TOLD_OF_FAILURE, 1);
        stage.pass(SETTLED);
    };
    play(scenario, |log| {
        assert_eq!(log.of("backend"), ["OPEN", "TEXT one"]);
        assert_eq!(log.of(ANNE), ["re one", "said", TOLD_OF_FAILURE, "end"]);
        let tried = log.when(ANNE, TOLD_OF_FAILURE) - log.when(ANNE, "said");
        assert!((25..45).contains(&tried.as_secs()), "{tried:?}");
    });
}

#[test]
fn woh_42_what_was_sent_is_not_sent_again_if_its_answer_is_lost() {
    let scenario = |stage: &mut Stage| {
        joined(stage, After::Keep);
        stage.cue();
        stage.until("backend", "TEXT two", 1);
        stage.sim.partition_oneway("backend", "proxy");
        stage.until(ANNE, TOLD_OF_FAILURE, 1);
        stage.pass(PATIENCE);
    };
    play(scenario, |log| {
        assert_eq!(log.count("backend", "TEXT two"), 1);
        assert_eq!(log.of(ANNE), ["re one", "said", TOLD_OF_FAILURE, "end"]);
        let waited = log.when(ANNE, TOLD_OF_FAILURE) - log.when(ANNE, "said");
        assert!(waited >= PATIENCE && waited < PATIENCE + SETTLED, "{waited:?}");
        assert_eq!(log.count("backend", "DISCONNECT"), 1);
    });
}

#[test]
fn woh_42_ws_36_a_backend_that_dies_over_a_request_is_noticed_at_once() {
    let scenario = |stage: &mut Stage| {
        joined(stage, After::Close);
        stage.cue();
        stage.until("backend", "TEXT two", 1);
        stage.sim.crash("backend");
        stage.until(ANNE, TOLD_OF_FAILURE, 1);
        stage.sim.bounce("backend");
        stage.pass(PATIENCE);
    };
    play(scenario, |log| {
        assert_eq!(log.count("backend", "TEXT two"), 1);
        assert_eq!(log.of(ANNE), ["re one", "said", TOLD_OF_FAILURE, "end"]);
        let noticed = log.when(ANNE, TOLD_OF_FAILURE) - log.when("backend", "TEXT two");
        assert!(noticed <= 3 * SLOW, "{noticed:?}");
    });
}

#[test]
fn woh_43_fwd_85_a_kept_connection_that_dies_under_a_request_does_no_harm() {
    let scenario = |stage: &mut Stage| {
        joined(stage, After::Keep);
        // Nobody at the proxy can know of it yet.
        stage.sim.bounce("backend");
        stage.cue();
        stage.until(ANNE, "re two", 1);
        stage.pass(SETTLED);
    };
    play(scenario, |log| {
        assert_eq!(log.of("backend"), ["OPEN", "TEXT one", "TEXT two"]);
        assert_eq!(log.of(ANNE), ["re one", "said", "re two"]);
    });
}

#[test]
fn woh_41_a_backend_that_comes_back_gets_what_was_said_meanwhile() {
    let scenario = |stage: &mut Stage| {
        joined(stage, After::Keep);
        stage.sim.crash("backend");
        stage.pass(SETTLED);
        stage.cue();
        stage.pass(AWAY);
        stage.sim.bounce("backend");
        stage.until(ANNE, "re two", 1);
        stage.pass(PATIENCE);
    };
    play(scenario, |log| {
        assert_eq!(log.of("backend"), ["OPEN", "TEXT one", "TEXT two"]);
        assert_eq!(log.of(ANNE), ["re one", "said", "re two"]);
    });
}

/// A client that has said one text and got its answer.
fn joined(stage: &mut Stage, after: After) {
    stage.proxy_with("* backend:8000,over_http", |settings| {
        settings.core.limits.woh_timeout = span(PATIENCE);
    });
    stage.host("backend", move |log| backend(log, after));
    client(stage);
    stage.until(ANNE, "re one", 1);
    stage.pass(SETTLED);
}

fn span(time: Duration) -> holdfast_core::ground::Span {
    holdfast_core::ground::Span::from_millis(time.as_millis() as u64)
}
