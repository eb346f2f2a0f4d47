//! Choices of the simulator.

use holdfast_core::ground::{Rng, Span};

/// A number from `low` up to `high`, both included; small ones are as likely as large ones: the
/// order of magnitude is drawn first.
pub(crate) fn log_range(rng: &mut Rng, low: u64, high: u64) -> u64 {
    let span = high.saturating_sub(low) + 1;
    let magnitude = u64::from(u64::BITS - span.leading_zeros());
    let bound = 1u64 << rng.below(magnitude + 1).min(63);
    low + rng.below(bound.min(span))
}

/// A span up to `most`.
pub(crate) fn span(rng: &mut Rng, most: Span) -> Span {
    Span::from_nanos(rng.below(most.as_nanos() + 1))
}

/// One of `choices`.
pub(crate) fn one_of<T: Copy>(rng: &mut Rng, choices: &[T]) -> T {
    choices[rng.below(choices.len() as u64) as usize]
}

/// An index into `weights`, as often as its weight says; the first if all are zero.
pub(crate) fn weighted(rng: &mut Rng, weights: &[u64]) -> usize {
    let mut at = rng.below(weights.iter().sum());
    for (index, &weight) in weights.iter().enumerate() {
        if at < weight {
            return index;
        }
        at -= weight;
    }
    0
}

/// A weight: none at all half of the time, else anything between little and much.
pub(crate) fn weight(rng: &mut Rng) -> u64 {
    if rng.one_in(2) { 0 } else { 1 << rng.below(6) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use holdfast_core::ground::Seed;

    #[test]
    fn bounds_hold_and_weights_of_zero_are_never_chosen() {
        let mut rng = Rng::new(Seed(3));
        let mut seen = [false; 31];
        for _ in 0..10_000 {
            let number = log_range(&mut rng, 1, 30);
            assert!((1..=30).contains(&number));
            seen[number as usize] = true;
            assert_ne!(weighted(&mut rng, &[3, 0, 5]), 1);
        }
        assert!(seen[1..].iter().all(|&seen| seen), "every number comes");
        assert_eq!(weighted(&mut rng, &[0, 0]), 0);
    }
}
