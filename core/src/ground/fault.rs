//! What to do when an invariant of ours is broken.

/// Reports a broken internal invariant: panics where assertions are on (tests, simulation, fuzzing), else
/// logs an error so that the caller can give up that one exchange and go on with the others.
macro_rules! broken {
    ($($what:tt)+) => {{
        debug_assert!(false, $($what)+);
        tracing::error!($($what)+);
    }};
}

pub(crate) use broken;
