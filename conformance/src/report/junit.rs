//! For build servers: JUnit's XML.

use std::fmt::Write;

use crate::verdict::{Judged, Tally, Verdict};

/// The report.
pub(crate) fn render(about: &str, judged: &[Judged]) -> String {
    let Tally { failed, skipped, .. } = Tally::of(judged);
    let mut out = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <testsuite name=\"{}\" tests=\"{}\" failures=\"{failed}\" skipped=\"{skipped}\">\n",
        escaped(about),
        judged.len()
    );
    for one in judged {
        entry(&mut out, one);
    }
    out.push_str("</testsuite>\n");
    out
}

fn entry(out: &mut String, one: &Judged) {
    let (chapter, id) = (one.id.split('-').next().unwrap_or_default(), escaped(one.id));
    let seconds = one.took.as_secs_f64();
    let inner = match &one.verdict {
        Verdict::Passed => String::new(),
        Verdict::Deviates { known, .. } => format!("<system-out>{}</system-out>", escaped(known)),
        Verdict::Failed { why } => {
            format!("<failure message=\"{}\">{}</failure>", escaped(one.rule), escaped(why))
        }
        Verdict::Unexpected { known } => {
            format!("<failure message=\"listed, but passes\">{}</failure>", escaped(known))
        }
        Verdict::Skipped { why } => format!("<skipped message=\"{}\"/>", escaped(why)),
    };
    // Writing to a string cannot fail.
    let _ = writeln!(
        out,
        "<testcase classname=\"{chapter}\" name=\"{id}\" time=\"{seconds:.3}\">{inner}</testcase>"
    );
}

/// Text as XML allows it: markup as references, and no control characters.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '\n' => out.push_str("&#10;"),
            c if c.is_control() => out.push('?'),
            c => out.push(c),
        }
    }
    out
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
    fn markup_in_a_failure_stays_text() {
        let judged = Judged {
            id: "A-1/a",
            rule: "r",
            level: Level::Must,
            verdict: Verdict::Failed { why: "<b>&\u{1}\"".to_owned() },
            took: Duration::ZERO,
        };
        let xml = render("X", &[judged]);
        assert!(xml.contains("<failure message=\"r\">&lt;b&gt;&amp;?&quot;</failure>"), "{xml}");
        assert!(xml.contains("tests=\"1\" failures=\"1\" skipped=\"0\""), "{xml}");
    }
}
