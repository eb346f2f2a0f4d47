//! Keeps the log readable when the same thing happens again and again: a line of the core that repeats is
//! left out for a while, and counted.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tracing::callsite::Identifier;
use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

/// Lines from one place in the code that are written in a [`WINDOW`].
const LINES: u32 = 10;
/// After this time they are written again, the first with the number of those left out.
const WINDOW: Duration = Duration::from_secs(10);
/// What the core says of single requests, items and sessions; everything else is said once.
const REPEATING: &str = "holdfast_core";

/// Decides which lines are written; clones share what they know.
#[derive(Clone, Debug, Default)]
pub(super) struct Throttle(Arc<Mutex<HashMap<Identifier, Recent>>>);

/// What was said lately from one place in the code.
#[derive(Debug)]
struct Recent {
    since: Instant,
    written: u32,
    left_out: u64,
    /// Left out in windows before, and not yet told.
    untold: u64,
}

impl Throttle {
    /// Whether the line is to be written.
    fn admit(&self, metadata: &Metadata<'_>, now: Instant) -> bool {
        if !metadata.target().starts_with(REPEATING) {
            return true;
        }
        let mut places = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = Recent { since: now, written: 0, left_out: 0, untold: 0 };
        let recent = places.entry(metadata.callsite()).or_insert(fresh);
        if now.duration_since(recent.since) >= WINDOW {
            let untold = recent.untold + recent.left_out;
            *recent = Recent { since: now, written: 0, left_out: 0, untold };
        }
        let room = recent.written < LINES;
        match room {
            true => recent.written += 1,
            false => recent.left_out += 1,
        }
        room
    }

    /// How many lines like this one were left out since it was last told.
    pub(super) fn left_out(&self, metadata: &Metadata<'_>) -> u64 {
        let mut places = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        places.get_mut(&metadata.callsite()).map_or(0, |recent| std::mem::take(&mut recent.untold))
    }
}

impl<S: Subscriber> Layer<S> for Throttle {
    fn event_enabled(&self, event: &Event<'_>, _: Context<'_, S>) -> bool {
        self.admit(event.metadata(), Instant::now())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tracing_subscriber::layer::SubscriberExt;

    #[derive(Clone, Default)]
    struct Seen(Arc<Mutex<Vec<&'static Metadata<'static>>>>);

    impl<S: Subscriber> Layer<S> for Seen {
        fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
            self.0.lock().expect("whole").push(event.metadata());
        }
    }

    #[test]
    fn what_repeats_is_left_out_and_counted() {
        let (throttle, seen) = (Throttle::default(), Seen::default());
        let log = tracing_subscriber::registry().with(seen.clone()).with(throttle.clone());
        tracing::subscriber::with_default(log, || {
            for _ in 0..25 {
                tracing::info!(target: "holdfast_core::engine", "dropped");
                tracing::info!("said by the adapter");
            }
        });
        let seen = seen.0.lock().expect("whole").clone();
        let (core, other): (Vec<_>, Vec<_>) =
            seen.into_iter().partition(|metadata| metadata.target().starts_with(REPEATING));
        assert_eq!((core.len(), other.len()), (10, 25));
        let later = Instant::now() + WINDOW;
        assert!(throttle.admit(core[0], later));
        assert_eq!(throttle.left_out(core[0]), 15);
        assert_eq!(throttle.left_out(core[0]), 0, "told once");
    }
}
