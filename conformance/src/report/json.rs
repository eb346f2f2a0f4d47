//! For programs: one JSON object with every case.

use serde_json::{Value, json};

use crate::verdict::{Judged, Tally, Verdict};

/// The report.
pub(crate) fn render(about: &str, judged: &[Judged]) -> String {
    let cases: Vec<Value> = judged.iter().map(entry).collect();
    let report = json!({ "profile": about, "summary": Tally::of(judged), "cases": cases });
    format!("{report:#}\n")
}

fn entry(one: &Judged) -> Value {
    let (verdict, why, known) = match &one.verdict {
        Verdict::Passed => ("passed", None, None),
        Verdict::Deviates { why, known } => ("deviates", Some(why), Some(known)),
        Verdict::Failed { why } => ("failed", Some(why), None),
        Verdict::Unexpected { known } => ("unexpected-pass", None, Some(known)),
        Verdict::Skipped { why } => ("skipped", Some(why), None),
    };
    json!({
        "id": one.id, "rule": one.rule, "level": one.level, "verdict": verdict,
        "why": why, "known": known, "seconds": one.took.as_secs_f64(),
    })
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
    fn the_report_can_be_read_back() {
        let judged = Judged {
            id: "A-1/a",
            rule: "r",
            level: Level::Should,
            verdict: Verdict::Failed { why: "\"quoted\"".to_owned() },
            took: Duration::from_millis(1500),
        };
        let report: serde_json::Value =
            serde_json::from_str(&render("X", &[judged])).expect("JSON");
        assert_eq!(report["summary"]["failed"], 1);
        assert_eq!(report["cases"][0]["level"], "should");
        assert_eq!(report["cases"][0]["why"], "\"quoted\"");
    }
}
