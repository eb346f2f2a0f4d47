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

/// What was measured of each server, one right after the other.
pub type Round = BTreeMap<Peer, Figures>;

struct Row {
    workload: String,
    figure: String,
    better: Better,
    /// What each server reached in each round.
    rounds: Vec<BTreeMap<Peer, f64>>,
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

    /// Adds the rounds of a workload.
    pub fn add(&mut self, workload: &Workload, rounds: &[Round]) {
        let mut rows: Vec<Row> = Vec::new();
        for (at, round) in rounds.iter().enumerate() {
            for (&peer, figures) in round {
                for (figure, value, better) in figures {
                    let row = match rows.iter().position(|row| row.figure == *figure) {
                        Some(row) => row,
                        None => {
                            rows.push(Row::new(workload, figure, *better, rounds.len()));
                            rows.len() - 1
                        }
                    };
                    rows[row].rounds[at].insert(peer, *value);
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
            let _ = writeln!(out, "  {}", row.ratios(&self.peers));
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
            let _ = writeln!(out, " {} |", row.ratios(&self.peers));
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
                let (values, ratios) = (
                    named(&self.peers, |peer| row.median(peer)),
                    named(&self.peers, |peer| row.ratio(peer)),
                );
                serde_json::json!({
                    "work": row.workload, "figure": row.figure, "values": values, "ratios": ratios,
                })
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
    fn new(workload: &Workload, figure: &str, better: Better, rounds: usize) -> Self {
        let (workload, figure) = (workload.name(), figure.to_owned());
        Self { workload, figure, better, rounds: vec![BTreeMap::new(); rounds] }
    }

    fn median(&self, peer: Peer) -> Option<f64> {
        median(self.rounds.iter().filter_map(|round| round.get(&peer).copied()).collect())
    }

    /// How many times better Holdfast is than another: the median of the rounds, in each of which both had the
    /// machine as it was then.
    fn ratio(&self, peer: Peer) -> Option<f64> {
        if peer == Peer::Holdfast {
            return None;
        }
        let ratio = |round: &BTreeMap<Peer, f64>| {
            let (ours, theirs) = (*round.get(&Peer::Holdfast)?, *round.get(&peer)?);
            let ratio = match self.better {
                Better::High => ours / theirs,
                Better::Low => theirs / ours,
            };
            (ratio.is_finite() && ratio > 0.0).then_some(ratio)
        };
        median(self.rounds.iter().filter_map(ratio).collect())
    }

    fn cell(&self, peer: Peer) -> String {
        match self.median(peer) {
            None => "-".to_owned(),
            Some(value) if value.abs() >= 100.0 => format!("{value:.0}"),
            Some(value) if value.abs() >= 10.0 => format!("{value:.1}"),
            Some(value) => format!("{value:.2}"),
        }
    }

    /// All the ratios, named.
    fn ratios(&self, peers: &[Peer]) -> String {
        let named = peers.iter().filter_map(|&peer| Some((self.ratio(peer)?, peer.name())));
        named.map(|(ratio, name)| format!("{ratio:.2} {name}")).collect::<Vec<_>>().join(", ")
    }
}

/// What `value` knows of each peer, by its name.
fn named(
    peers: &[Peer],
    value: impl Fn(Peer) -> Option<f64>,
) -> serde_json::Map<String, serde_json::Value> {
    peers.iter().filter_map(|&peer| Some((peer.name().to_owned(), value(peer)?.into()))).collect()
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ratio_is_that_within_the_rounds() {
        // The machine is twice as fast in the second round, and the other is not measured in the third.
        let measured = [(10.0, Some(8.0)), (22.0, Some(20.0)), (30.0, None), (11.0, Some(10.0))];
        let rounds = measured.map(|(ours, theirs)| {
            let theirs = theirs.map(|theirs| (Peer::Nginx, theirs));
            BTreeMap::from_iter([(Peer::Holdfast, ours)].into_iter().chain(theirs))
        });
        let (workload, figure) = (String::new(), String::new());
        let mut row = Row { workload, figure, better: Better::High, rounds: rounds.to_vec() };
        assert_eq!(row.ratios(&[Peer::Holdfast, Peer::Nginx, Peer::Ceiling]), "1.10 nginx");
        row.better = Better::Low;
        assert_eq!(row.ratios(&[Peer::Nginx]), "0.91 nginx");
        assert_eq!([Peer::Holdfast, Peer::Nginx].map(|peer| row.cell(peer)), ["22.0", "10.0"]);
        assert_eq!(row.cell(Peer::Ceiling), "-");
    }
}
