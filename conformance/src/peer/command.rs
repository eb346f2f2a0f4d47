//! The command that publishes from a shell.

use std::{process::Stdio, time::Duration};

use tokio::{process, time::timeout};

use crate::case::{Outcome, ensure, wrong};

/// A program and its first arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Command {
    words: Vec<String>,
}

/// What came of running it.
#[derive(Debug)]
pub(crate) struct Ran {
    /// The exit status, unless a signal ended the program.
    pub(crate) code: Option<i32>,
    /// What it printed.
    pub(crate) out: String,
    /// What it complained about.
    pub(crate) err: String,
}

impl Command {
    /// Words divided by blanks.
    pub(crate) fn new(line: &str) -> Self {
        Self { words: line.split_whitespace().map(str::to_owned).collect() }
    }

    /// Runs the command with these further arguments, and only them: no publish address is inherited.
    pub(crate) async fn run(&self, arguments: &[&str], patience: Duration) -> Outcome<Ran> {
        let Some((program, first)) = self.words.split_first() else {
            return wrong("the publish command is empty");
        };
        let mut command = process::Command::new(program);
        command.args(first).args(arguments).env_remove("GRIP_URL").stdin(Stdio::null());
        let Ok(output) = timeout(patience, command.kill_on_drop(true).output()).await else {
            return wrong("the publish command does not end");
        };
        let output = output?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Ok(Ran { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) })
    }
}

impl Ran {
    /// Requires that the item was published, and that this was said.
    pub(crate) fn published(&self) -> Outcome {
        ensure(self.code == Some(0) && self.out.trim() == "Published", format_args!("{self:?}"))
    }

    /// Requires this status and a complaint.
    pub(crate) fn failed(&self, code: i32) -> Outcome {
        let told = self.code == Some(code) && !self.err.is_empty() && self.out.is_empty();
        ensure(told, format_args!("{self:?} should complain with status {code}"))
    }
}
