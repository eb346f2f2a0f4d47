//! Everything at once: backends that come back, links that lose and links that wait, clients that vanish. What holds
//! then: texts and answers stay in order, nothing is answered twice, and nothing is left behind.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use holdfast_core::ground::{Rng, Seed, Span};
use tokio::time::{sleep, timeout};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use turmoil::Result;

use crate::peer::duo;
use crate::peer::events::{After, CONNECTION};
use crate::peer::socket::{self, next, open, say};
use crate::stage::{Log, SETTLED, Stage, play};

const NAMES: [&str; 3] = ["anne", "bert", "carl"];
const TEXTS: usize = 6;
const FAULTS: usize = 12;
/// How long a client waits for an answer before it leaves.
const PATIENCE: Duration = Duration::from_secs(4);
/// Longer than what may still be tried after a storm.
const CALM: Duration = Duration::from_secs(20);

#[test]
fn woh_18_woh_41_woh_42_woh_43_woh_50_a_storm_before_a_backend_over_http() {
    let scenario = |stage: &mut Stage| {
        stage.proxy_with("* backend:8000,over_http", |settings| {
            settings.core.limits.woh_timeout = Span::from_secs(3);
        });
        stage.host("backend", |log| duo::backend(log, After::Keep));
        storm(stage);
    };
    play(scenario, |log| {
        // What is said over a kept connection that breaks is said once more, for it may not have been heard (WOH-43).
        check(log, "TEXT ", |last, this| this == last || this == last + 1);
        check_endings(log);
    });
}

#[test]
fn nat_7_ws_35_ws_36_a_storm_before_a_native_backend() {
    let scenario = |stage: &mut Stage| {
        stage.proxy("* backend:8000");
        stage.host("backend", socket::serve);
        storm(stage);
    };
    play(scenario, |log| check(log, "", |last, this| this == last + 1));
}

/// A storm over clients that talk, and the calm after it.
fn storm(stage: &mut Stage) {
    let over = Rc::new(Cell::new(false));
    for name in NAMES {
        let (over, sessions) = (over.clone(), Rc::new(Cell::new(0)));
        stage.host(name, move |log| live(name, log, sessions.clone(), over.clone()));
    }
    let mut rng = Rng::new(Seed(stage.seed));
    for _ in 0..FAULTS {
        stage.pass(millis(&mut rng, 2_000));
        match rng.below(5) {
            0 => stage.sim.bounce("backend"),
            1 | 2 => stage.sim.bounce(NAMES[rng.below(NAMES.len() as u64) as usize]),
            3 => {
                stage.sim.partition("proxy", "backend");
                stage.pass(millis(&mut rng, 800));
                stage.sim.repair("proxy", "backend");
            }
            _ => {
                stage.sim.hold("proxy", "backend");
                stage.pass(millis(&mut rng, 800));
                stage.sim.release("proxy", "backend");
            }
        }
    }
    over.set(true);
    for name in NAMES {
        stage.until(name, "over", 1);
    }
    stage.pass(CALM);
    let before = stage.sim.elapsed();
    stage.stop();
    stage.until("proxy", "stopped", 1);
    assert!(stage.sim.elapsed() - before < SETTLED, "something was left behind");
}

fn millis(rng: &mut Rng, below: u64) -> Duration {
    Duration::from_millis(rng.below(below))
}

/// One session after the other, until it is over.
async fn live(name: &str, log: Log, sessions: Rc<Cell<usize>>, over: Rc<Cell<bool>>) -> Result {
    while !over.get() {
        let session = sessions.replace(sessions.get() + 1);
        let how = timeout(PATIENCE, converse(&format!("{name}/{session}"), name, &log)).await;
        match how {
            Ok(Ok(end)) => log.note(name, format!("ends with {end}")),
            Ok(Err(error)) => log.note(name, format!("is refused: {error}")),
            Err(_) => log.note(name, "loses patience"),
        }
        sleep(SETTLED / 5).await;
    }
    log.note(name, "over");
    Ok(())
}

/// Says a text whenever the last was answered, and how it ended.
async fn converse(session: &str, name: &str, log: &Log) -> Result<String> {
    let mut socket = open().await?;
    for number in 0..TEXTS {
        if say(&mut socket, &format!("{session} {number}")).await.is_err() {
            return Ok("a broken connection".to_owned());
        }
        let heard = next(&mut socket).await;
        log.note(name, &heard);
        if !heard.starts_with("re ") {
            return Ok(heard);
        }
    }
    let close = CloseFrame { code: 4001.into(), reason: "done".into() };
    socket.close(Some(close)).await?;
    Ok(next(&mut socket).await)
}

/// Checks each session: the answers count up from nothing; the texts do at the backend, as `follows` has it.
fn check(log: &Log, start: &str, follows: impl Fn(usize, usize) -> bool) {
    let mut whole = 0;
    for name in NAMES {
        for session in 0..log.of(name).len() {
            let answers = numbers(log, name, &format!("re {name}/{session} "));
            assert!(answers.iter().copied().eq(0..answers.len()), "{name}/{session}: {answers:?}");
            let texts = numbers(log, "backend", &format!("{start}{name}/{session} "));
            assert!(texts.first().is_none_or(|&first| first == 0), "{name}/{session}: {texts:?}");
            let counts_up = texts.windows(2).all(|pair| follows(pair[0], pair[1]));
            assert!(counts_up, "{name}/{session}: {texts:?}");
            whole += usize::from(answers.len() == TEXTS);
        }
    }
    assert!(
        whole >= NAMES.len(),
        "only {whole} sessions went well: that was no weather to learn from"
    );
}

/// Checks that no backend hears anything of a client behind its end.
fn check_endings(log: &Log) {
    let connections = log.everybody_like(CONNECTION);
    for connection in connections {
        let events = log.of(&connection);
        assert_eq!(events[0], "OPEN", "{connection}");
        let end = events.iter().position(|event| is_end(event)).unwrap_or(events.len());
        assert!(events[end..].iter().all(|event| is_end(event)), "{connection}: {events:?}");
    }
}

fn is_end(event: &str) -> bool {
    event == "DISCONNECT" || event.starts_with("CLOSE")
}

fn numbers(log: &Log, who: &str, start: &str) -> Vec<usize> {
    let lines = log.of_kind(who, start);
    lines.iter().map(|line| line[start.len()..].parse().expect("a number")).collect()
}
