//! Which requirements have cases, and which have none, and why.

use std::{collections::BTreeMap, fmt::Write};

use serde::Deserialize;

use crate::case::Case;

/// Requirements that share a reason for having no case.
#[derive(Debug, Deserialize)]
struct Group {
    why: String,
    ids: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Uncovered {
    group: Vec<Group>,
}

/// What `--coverage` prints.
pub(crate) fn table(cases: &[Case]) -> String {
    let mut covered: BTreeMap<(&str, u32), usize> = BTreeMap::new();
    for case in cases {
        *covered.entry(sortable(case.requirement())).or_default() += 1;
    }
    let mut out = format!("{} requirements with cases:\n", covered.len());
    for ((chapter, number), count) in covered {
        // Writing to a string cannot fail.
        let _ = writeln!(out, "  {:<10} {count}", format!("{chapter}-{number}"));
    }
    for Group { why, ids } in uncovered().group {
        let _ = writeln!(out, "\nwithout a case: {why}\n  {}", ids.join(" "));
    }
    out
}

/// An id's letters and number, which sort as people do.
fn sortable(id: &str) -> (&str, u32) {
    let (chapter, number) = id.rsplit_once('-').unwrap_or((id, ""));
    (chapter, number.parse().unwrap_or_default())
}

fn uncovered() -> Uncovered {
    toml::from_str(include_str!("../uncovered.toml")).expect("the file is part of the program")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{sortable, uncovered};
    use crate::cases;

    #[test]
    fn no_requirement_is_both_covered_and_not() {
        let covered: BTreeSet<_> = cases::all().iter().map(|case| case.requirement()).collect();
        let mut seen = BTreeSet::new();
        for group in uncovered().group {
            assert!(!group.why.is_empty());
            for id in group.ids {
                assert!(!covered.contains(&*id), "{id} has cases");
                assert!(seen.insert(id.clone()), "{id} is listed twice");
            }
        }
    }

    /// Every number of the chapters that the suite is about is accounted for.
    #[test]
    fn chapters_have_no_silent_gaps() {
        let covered: Vec<_> =
            cases::all().iter().map(|case| case.requirement().to_owned()).collect();
        let listed: Vec<String> =
            uncovered().group.into_iter().flat_map(|group| group.ids).collect();
        let known: BTreeSet<(&str, u32)> =
            covered.iter().chain(&listed).map(|id| sortable(id)).collect();
        for (chapter, numbers) in chapters() {
            for number in numbers {
                assert!(known.contains(&(chapter, number)), "{chapter}-{number} is missing");
            }
        }
    }

    /// The chapters and their numbers.
    fn chapters() -> Vec<(&'static str, Vec<u32>)> {
        let mut chapters: Vec<(&str, Vec<u32>)> = [
            ("ACT", 9),
            ("PARM", 7),
            ("HOLD", 2),
            ("CHAN", 8),
            ("KEEP", 6),
            ("LINK", 4),
            ("INS", 9),
            ("NOH", 5),
            ("RESP", 14),
            ("STRM", 10),
            ("NEXT", 13),
            ("GONE", 3),
            ("SEQ", 9),
            ("REL", 6),
            ("REC", 10),
            ("PUB", 7),
            ("HRES", 6),
            ("PATCH", 5),
            ("CTRL", 16),
            ("FILT", 15),
            ("RATE", 5),
            ("STAT", 4),
            ("CMD", 9),
            ("META", 2),
            ("TIME", 1),
            ("EXPO", 1),
            ("ERR", 1),
            ("WSM", 2),
            ("CLI", 6),
            ("NAT", 11),
            ("SJS", 17),
        ]
        .map(|(chapter, last)| (chapter, (1..=last).collect()))
        .into();
        let ranges = [
            (
                "FWD",
                &[
                    1..=4,
                    10..=15,
                    21..=22,
                    24..=24,
                    33..=45,
                    50..=58,
                    60..=76,
                    80..=83,
                    85..=88,
                    90..=95,
                ][..],
            ),
            ("ROUTE", &[1..=11, 20..=33, 35..=36, 40..=48, 50..=57, 60..=62, 70..=71, 80..=80]),
            ("LIM", &[1..=12, 20..=28, 30..=34]),
            ("SIG", &[1..=8, 20..=24]),
            ("CORS", &[1..=3, 20..=26]),
            ("WS", &[1..=16, 20..=36, 40..=44, 50..=55]),
            ("WOH", &[1..=20, 30..=52]),
            ("CTL", &[1..=6, 10..=16, 25..=25, 30..=32, 40..=46, 50..=52]),
            ("WPUB", &[1..=12, 20..=23]),
            ("OPS", &[1..=5, 10..=10, 20..=24]),
        ];
        for (chapter, ranges) in ranges {
            chapters.push((chapter, ranges.iter().cloned().flatten().collect()));
        }
        chapters
    }
}
