//! The keys of `[holdfast]` that each set one bound of the core.

use std::fmt;
use std::ops::RangeInclusive;

use holdfast_core::ground::{Limits, Span};

use super::values::Values;

/// What a key sets, and so what it may be.
enum Bound {
    /// At least one.
    Size(fn(&mut Limits) -> &mut usize),
    /// At least one.
    Bytes(fn(&mut Limits) -> &mut u64),
    /// At least so many.
    Number(u32, fn(&mut Limits) -> &mut u32),
    /// At least so many seconds.
    Seconds(u64, fn(&mut Limits) -> &mut Span),
}

use Bound::{Bytes, Number, Seconds, Size};

const BOUNDS: &[(&str, Bound)] = &[
    ("origin_timeout", Seconds(1, |it| &mut it.origin_timeout)),
    ("backlog_bytes", Bytes(|it| &mut it.backlog_bytes)),
    ("recoveries_per_second", Number(1, |it| &mut it.recoveries_per_second)),
    ("id_cache_size", Size(|it| &mut it.id_cache)),
    ("filters_per_channel", Size(|it| &mut it.filters_per_channel)),
    ("woh_timeout", Seconds(1, |it| &mut it.woh_timeout)),
    ("woh_queue_bytes", Size(|it| &mut it.woh_queue_bytes)),
    ("woh_request_bytes", Size(|it| &mut it.woh_request_bytes)),
    ("woh_backlog_bytes", Bytes(|it| &mut it.woh_backlog_bytes)),
    ("woh_response_bytes", Size(|it| &mut it.woh_response_bytes)),
    ("woh_frame_bytes", Size(|it| &mut it.woh_frame_bytes)),
    ("woh_interval_min", Seconds(1, |it| &mut it.woh_interval_min)),
    ("woh_retries", Number(0, |it| &mut it.woh_retries)),
    ("refusal_bytes", Size(|it| &mut it.refusal_bytes)),
    ("control_bytes", Size(|it| &mut it.control_bytes)),
    ("socket_meta_bytes", Size(|it| &mut it.socket_meta_bytes)),
    ("socket_keep_alive", Seconds(1, |it| &mut it.socket_keep_alive)),
    ("socket_delay", Seconds(1, |it| &mut it.socket_delay)),
    ("socket_backlog_bytes", Bytes(|it| &mut it.socket_backlog_bytes)),
    ("socket_idle_timeout", Seconds(1, |it| &mut it.socket_idle_timeout)),
    ("close_timeout", Seconds(1, |it| &mut it.close_timeout)),
    ("drain_spread", Seconds(0, |it| &mut it.drain_spread)),
];

/// Whether `name` is one of these keys.
pub(super) fn is_bound(name: &str) -> bool {
    BOUNDS.iter().any(|(key, _)| *key == name)
}

/// Sets every bound that has a value.
pub(super) fn read(values: &mut Values, limits: &mut Limits) {
    const MOST: u32 = u32::MAX;
    for (key, bound) in BOUNDS {
        match bound {
            Size(of) => set(values, key, 1..=MOST as usize, of(limits)),
            Bytes(of) => set(values, key, 1..=u64::MAX, of(limits)),
            Number(least, of) => set(values, key, *least..=MOST, of(limits)),
            Seconds(least, of) => {
                let mut seconds = of(limits).as_secs();
                set(values, key, *least..=MOST.into(), &mut seconds);
                *of(limits) = Span::from_secs(seconds);
            }
        }
    }
}

fn set<T>(values: &mut Values, key: &str, range: RangeInclusive<T>, bound: &mut T)
where
    T: TryFrom<u64> + PartialOrd + fmt::Display + Copy,
{
    *bound = values.number("holdfast", key, *bound, range);
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    const README: &str = include_str!("../../../README.md");

    fn limits(text: &str) -> (Limits, usize) {
        let mut values = Values::parse(text, Path::new("x")).expect("it can be read");
        let mut limits = Limits::default();
        read(&mut values, &mut limits);
        (limits, values.into_problems().len())
    }

    fn number(bound: &Bound, limits: &mut Limits) -> u64 {
        match bound {
            Size(of) => *of(limits) as u64,
            Bytes(of) => *of(limits),
            Number(_, of) => (*of(limits)).into(),
            Seconds(_, of) => of(limits).as_secs(),
        }
    }

    #[test]
    fn num_1_to_20_every_key_sets_its_bound_and_no_other() {
        for (key, bound) in BOUNDS {
            let (mut set, problems) = limits(&format!("[holdfast]\n{key}=7\n"));
            assert_eq!((number(bound, &mut set), problems), (7, 0), "{key}");
            for (other, bound) in BOUNDS.iter().filter(|(other, _)| other != key) {
                let default = number(bound, &mut Limits::default());
                assert_eq!(number(bound, &mut set), default, "{key} sets {other}");
            }
            assert_eq!(limits(&format!("[holdfast]\n{key}=-1\n")), (Limits::default(), 1), "{key}");
        }
    }

    #[test]
    fn num_1_to_20_the_readme_names_every_key_with_its_default() {
        for (key, bound) in BOUNDS {
            let row = README.lines().find(|line| line.starts_with(&format!("| `{key}` |")));
            let default = row.and_then(|row| row.split('|').nth(2)).map(str::trim);
            let number = number(bound, &mut Limits::default());
            let expected = match bound {
                Seconds(..) => format!("{number} s"),
                Number(..) => number.to_string(),
                Size(_) | Bytes(_) if number.is_multiple_of(1 << 20) => {
                    format!("{} MiB", number >> 20)
                }
                Size(_) | Bytes(_) if number.is_multiple_of(1 << 10) => {
                    format!("{} KiB", number >> 10)
                }
                Size(_) | Bytes(_) => number.to_string(),
            };
            assert_eq!(default, Some(&*expected), "{key}");
        }
    }
}
