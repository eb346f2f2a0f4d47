//! Every ledger rings: a rule is broken on purpose, and the ledger of that rule notices.

use std::collections::BTreeMap;

use holdfast_sim::{Options, Sabotage, run};

/// Seeds within which every rule that is broken must be noticed.
const SEEDS: u64 = 1000;

/// Which ledgers were how often the first to find something in worlds in which a rule is broken, up to
/// the first time that it was the ledger of that rule.
fn found(sabotage: Sabotage) -> BTreeMap<&'static str, u32> {
    let mut found = BTreeMap::new();
    for seed in 1..=SEEDS {
        let options = Options { sabotage: Some(sabotage), ..Options::of(seed) };
        if let Some(failure) = run(&options).failure {
            *found.entry(failure.ledger).or_default() += 1;
        }
        if found.contains_key(sabotage.noticed_by()) {
            break;
        }
    }
    found
}

#[test]
fn every_sabotage_is_noticed_by_the_ledger_of_its_rule() {
    let mut unnoticed = String::new();
    for &sabotage in Sabotage::ALL {
        let found = found(sabotage);
        if !found.contains_key(sabotage.noticed_by()) {
            unnoticed += &format!("{sabotage}: {found:?}, not {}\n", sabotage.noticed_by());
        }
    }
    assert!(unnoticed.is_empty(), "{unnoticed}");
}

#[test]
fn every_ledger_has_a_sabotage_that_it_notices() {
    for ledger in [
        "contract",
        "index",
        "holds",
        "intake",
        "delivery",
        "cuts",
        "answers",
        "emptiness",
        "order",
        "calls",
        "recovery",
        "pacing",
        "journal",
        "privacy",
        "gone",
        "accounting",
        "hearing",
        "speech",
        "audience",
        "closing",
        "parting",
    ] {
        assert!(
            Sabotage::ALL.iter().any(|sabotage| sabotage.noticed_by() == ledger),
            "nothing proves that {ledger} rings"
        );
    }
}
