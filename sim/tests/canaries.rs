//! Every ledger rings: a rule is broken on purpose, and the ledger of that rule notices.

use std::collections::BTreeMap;

use holdfast_sim::{Options, Sabotage, run};

/// How often which ledger was the first to find something, in worlds in which a rule is broken.
fn found(sabotage: Sabotage) -> BTreeMap<&'static str, u32> {
    let mut found = BTreeMap::new();
    for seed in 1..=60 {
        let options = Options { sabotage: Some(sabotage), ..Options::of(seed) };
        if let Some(failure) = run(&options).failure {
            *found.entry(failure.ledger).or_default() += 1;
        }
    }
    found
}

#[test]
fn every_sabotage_is_noticed_by_the_ledger_of_its_rule() {
    for &sabotage in Sabotage::ALL {
        let found = found(sabotage);
        let by = found.iter().max_by_key(|(_, times)| **times).map(|(ledger, _)| *ledger);
        assert_eq!(by, Some(sabotage.noticed_by()), "{sabotage}: {found:?}");
    }
}

#[test]
fn every_ledger_has_a_sabotage_that_it_notices() {
    for ledger in
        ["contract", "index", "holds", "intake", "delivery", "cuts", "answers", "emptiness"]
    {
        assert!(
            Sabotage::ALL.iter().any(|sabotage| sabotage.noticed_by() == ledger),
            "nothing proves that {ledger} rings"
        );
    }
}
