//! Worlds from fixed seeds: nothing is found in them, they are the same every time, and their
//! traces replay.

use holdfast_sim::{Options, Outcome, Tally, run};

fn good(seed: u64) -> Outcome {
    let outcome = run(&Options::of(seed));
    if let Some(failure) = &outcome.failure {
        panic!("seed {seed}: {failure}");
    }
    outcome
}

#[test]
fn nothing_is_found_in_a_thousand_worlds() {
    let mut tally = Tally::default();
    for seed in 2401..=3600 {
        tally.absorb(&good(seed).tally);
    }
    // What never happens proves nothing.
    for what in [
        "aborts",
        "calls",
        "duplicate items",
        "entries of journals",
        "farewells",
        "fault: a journal's backend fails",
        "fault: publish doubled",
        "fault: publish late",
        "fault: publish lost",
        "gaps",
        "hints",
        "items left out for slow clients",
        "items that nobody wanted any more",
        "items that waited in vain",
        "long-polls asked again",
        "next pages",
        "pages shared",
        "recoveries of everything",
        "recoveries that failed",
        "answers cut short by origins",
        "connections used again",
        "cut answers",
        "fault: client gives up",
        "fault: connection refused",
        "fault: link breaks",
        "fault: origin closes an idle connection",
        "fault: publish made twice",
        "fault: stall",
        "holds",
        "items delivered to streams",
        "long-polls timed out",
        "reconfigurations",
        "requests sent again",
        "slow clients cut",
        "streams",
        "WebSockets",
        "WebSockets that failed",
        "WebSockets that were silent for too long",
        "closes that were not answered",
        "events taken in part",
        "fault: backend crashes",
        "fault: bad answer",
        "fault: client breaks the protocol",
        "fault: talker drops its connection",
        "fault: upgrade refused",
        "items delivered to WebSockets",
        "requests with events",
        "requests with events made again",
        "subscriptions beyond the limit",
        "words of clients that nobody heard",
    ] {
        assert!(tally.of(what) > 0, "there were no {what}:\n{tally}");
    }
}

#[test]
fn the_same_seed_gives_the_same_run_and_another_seed_another() {
    for seed in 5000..5100 {
        let (first, second) = (good(seed), good(seed));
        assert_eq!(first.digest, second.digest, "{seed}");
        assert_eq!(first.tally, second.tally, "{seed}");
        assert_ne!(first.digest, good(seed + 1).digest, "{seed}");
    }
}

#[test]
fn a_trace_replays_to_the_same_actions_and_a_changed_one_does_not() {
    let mut changed = 0;
    for seed in 6000..6050 {
        for mut trace in good(seed).traces {
            assert_eq!(trace.replay(), trace.digest, "{seed}");
            if trace.events.pop().is_some() {
                assert_ne!(trace.replay(), trace.digest, "{seed}");
                changed += 1;
            }
        }
    }
    assert!(changed > 0);
}
