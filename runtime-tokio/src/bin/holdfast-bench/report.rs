//! The table, as text, JSON and Markdown.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::peer::Peer;
use crate::sys;
use crate::workload::{Better, Figures, Workload};

/// All that was measured.
pub struct Table {
    peers: Vec<Peer>,
    rows: Vec<Row>,
    notes: Vec<String>,
}

struct Row {
    workload: String,
    figure: String,
    better: Better,
    values: BTreeMap<Peer, f64>,
}

impl Table {
    /// An empty table with a column a peer.
    pub fn new(peers: &[Peer]) -> Self {
        Self { peers: peers.to_vec(), rows: Vec::new(), notes: Vec::new() }
    }

    /// A remark below the table.
    pub fn note(&mut self, note: String) {
        eprintln!("{note}");
        self.notes.push(note);
    }

    /// Adds the medians of a workload's repeats.
    pub fn add(&mut self, workload: &Workload, measured: BTreeMap<Peer, Vec<Figures>>) {
        let mut rows: Vec<Row> = Vec::new();
        for (peer, repeats) in measured {
            let figures = repeats.first().cloned().unwrap_or_default();
            for (at, (figure, _, better)) in figures.into_iter().enumerate() {
                let values = repeats.iter().filter_map(|figures| figures.get(at)).map(|f| f.1);
                let value = median(values.collect());
                match rows.iter_mut().find(|row| row.figure == figure) {
                    Some(row) => {
                        row.values.insert(peer, value);
                    }
                    None => rows.push(Row {
                        workload: workload.name(),
                        figure,
                        better,
                        values: BTreeMap::from([(peer, value)]),
                    }),
                }
            }
        }
        self.rows.extend(rows);
    }

    /// For a terminal.
    pub fn text(&self) -> String {
        let mut out = format!("{}, {}\n", sys::machine(), sys::today());
        for peer in &self.peers {
            let _ = writeln!(out, "{}: {}", peer.name(), peer.settings());
        }
        let _ = write!(out, "\n{:<36} {:<18}", "work", "figure");
        for peer in &self.peers {
            let _ = write!(out, " {:>10}", peer.name());
        }
        let _ = writeln!(out, "  Holdfast against the others");
        for row in &self.rows {
            let _ = write!(out, "{:<36} {:<18}", row.workload, row.figure);
            for peer in &self.peers {
                let _ = write!(out, " {:>10}", row.cell(*peer));
            }
            let _ = writeln!(out, "  {}", row.ratios());
        }
        for note in &self.notes {
            let _ = writeln!(out, "note: {note}");
        }
        out
    }

    /// For a README.
    pub fn markdown(&self) -> String {
        let mut out =
            format!("{}, {}; medians.\n\n| work | figure |", sys::machine(), sys::today());
        for peer in &self.peers {
            let _ = write!(out, " {} |", peer.name());
        }
        let _ = write!(
            out,
            " Holdfast against the others |\n|---|---|{}---|\n",
            "---:|".repeat(self.peers.len())
        );
        for row in &self.rows {
            let _ = write!(out, "| {} | {} |", row.workload, row.figure);
            for peer in &self.peers {
                let _ = write!(out, " {} |", row.cell(*peer));
            }
            let _ = writeln!(out, " {} |", row.ratios());
        }
        out.push('\n');
        for peer in &self.peers {
            let _ = writeln!(out, "- {}: {}", peer.name(), peer.settings());
        }
        for note in &self.notes {
            let _ = writeln!(out, "- {note}");
        }
        out
    }

    /// For programs.
    pub fn json(&self) -> String {
        let rows: Vec<_> = self
            .rows
            .iter()
            .map(|row| {
                let values: serde_json::Map<_, _> = row
                    .values
                    .iter()
                    .map(|(peer, value)| (peer.name().to_owned(), (*value).into()))
                    .collect();
                serde_json::json!({"work": row.workload, "figure": row.figure, "values": values})
            })
            .collect();
        let settings: serde_json::Map<_, _> = self
            .peers
            .iter()
            .map(|peer| (peer.name().to_owned(), peer.settings().into()))
            .collect();
        let all = serde_json::json!({
            "machine": sys::machine(), "date": sys::today(), "settings": settings,
            "rows": rows, "notes": self.notes,
        });
        format!("{all:#}\n")
    }
}

impl Row {
    fn cell(&self, peer: Peer) -> String {
        match self.values.get(&peer) {
            None => "-".to_owned(),
            Some(value) if value.abs() >= 100.0 => format!("{value:.0}"),
            Some(value) if value.abs() >= 10.0 => format!("{value:.1}"),
            Some(value) => format!("{value:.2}"),
        }
    }

    /// How many times better Holdfast is than each other.
    fn ratios(&self) -> String {
        let Some(&ours) = self.values.get(&Peer::Holdfast) else { return String::new() };
        let others = self.values.iter().filter(|(peer, _)| **peer != Peer::Holdfast);
        let ratio = |theirs: f64| match self.better {
            Better::High => ours / theirs,
            Better::Low => theirs / ours,
        };
        let named = others.map(|(peer, theirs)| (peer.name(), ratio(*theirs)));
        named
            .filter(|(_, ratio)| ratio.is_finite() && *ratio > 0.0)
            .map(|(name, ratio)| format!("{ratio:.2} {name}"))
            .collect::<Vec<_>>()
            .join(", ")
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
