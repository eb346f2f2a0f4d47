//! For people: what failed stands in the open, what passed is only counted.

use std::{
    fmt::Write,
    io::{IsTerminal, stderr},
};

use crate::{
    case::Case,
    verdict::{Judged, Tally, Verdict},
};

/// A line for each case.
pub(crate) fn list<'a>(cases: impl Iterator<Item = &'a Case>) -> String {
    let mut out = String::new();
    for case in cases {
        let slow = if case.is_slow() { " (slow)" } else { "" };
        line(&mut out, format_args!("{:<34} {:<6} {}{slow}", case.id, case.level, case.rule));
    }
    out
}

/// A sign of life for whoever watches.
pub(crate) fn progress(judged: &Judged) {
    if stderr().is_terminal() {
        eprint!("\r\x1b[K{}", judged.id);
    }
}

/// The report, which ends with the counts.
pub(crate) fn render(about: &str, judged: &[Judged]) -> String {
    let mut out = String::new();
    if stderr().is_terminal() {
        eprint!("\r\x1b[K");
    }
    for one in judged {
        entry(&mut out, one);
    }
    let tally = Tally::of(judged);
    if tally.deviations > 0 {
        line(&mut out, format_args!("{} known deviations of {about}", tally.deviations));
    }
    let Tally { passed, failed, skipped, .. } = tally;
    line(&mut out, format_args!("{passed} passed, {failed} failed, {skipped} skipped"));
    out
}

fn entry(out: &mut String, one: &Judged) {
    let Judged { id, rule, level, verdict, took } = one;
    let seconds = took.as_secs_f64();
    match verdict {
        Verdict::Passed => {}
        Verdict::Deviates { known, .. } => line(out, format_args!("known  {id}: {known}")),
        Verdict::Skipped { why } => line(out, format_args!("skip   {id}: {why}")),
        Verdict::Failed { why } => {
            line(out, format_args!("FAILED {id} ({level}, {seconds:.1} s): {rule}"));
            line(out, format_args!("       {why}"));
        }
        Verdict::Unexpected { known } => {
            line(out, format_args!("FAILED {id} ({level}, {seconds:.1} s) passes, but is listed:"));
            line(out, format_args!("       {known}"));
        }
    }
}

fn line(out: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = writeln!(out, "{text}");
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::render;
    use crate::{
        case::Level,
        verdict::{Judged, Verdict},
    };

    #[test]
    fn counts_stand_last_and_failures_in_the_open() {
        let one = |id, verdict| Judged {
            id,
            rule: "keep calm",
            level: Level::Must,
            verdict,
            took: Duration::from_secs(1),
        };
        let text = render(
            "X",
            &[
                one("A-1/a", Verdict::Passed),
                one("A-1/b", Verdict::Failed { why: "it ran".to_owned() }),
                one(
                    "A-1/c",
                    Verdict::Deviates { why: String::new(), known: "it walks".to_owned() },
                ),
                one("A-1/d", Verdict::Skipped { why: "no legs".to_owned() }),
            ],
        );
        assert!(text.contains("FAILED A-1/b (MUST, 1.0 s): keep calm\n       it ran\n"), "{text}");
        assert!(text.contains("1 known deviations of X\n"), "{text}");
        assert!(text.ends_with("2 passed, 1 failed, 1 skipped\n"), "{text}");
    }
}
