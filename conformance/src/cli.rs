//! The command line.

use std::path::PathBuf;

use clap::Parser;

use crate::{
    case::{Case, Level},
    glob,
    peer::{command::Command, publisher::Publisher},
    target::{Addresses, Spawn},
};

/// Runs the GRIP conformance suite against a proxy.
///
/// The proxy has to send all requests to the suite's origin, and some hosts need routes with options:
/// `--print-config` shows the lines for a given set of addresses. With one of the `--spawn` options the
/// suite starts and stops the proxy itself.
///
/// The exit status is 0 if everything is as the profile expects, 1 if not, and 2 for wrong usage.
#[derive(Debug, Parser)]
#[command(name = "holdfast-conformance", version)]
pub(crate) struct Cli {
    /// Where the proxy serves clients.
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:7999")]
    proxy: String,
    /// Where the proxy takes items; `none` skips all cases that publish.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:5561")]
    publish: String,
    /// The command that publishes as `pushpin-publish` does; it is known of a proxy that the suite starts,
    /// and without one its cases are skipped.
    #[arg(long, value_name = "CMD")]
    publish_command: Option<String>,
    /// Where the suite's own origin listens, and where the proxy's routes lead.
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:8000")]
    pub(crate) origin: String,
    /// What is expected: `holdfast`, `pushpin-1.36`, or a file.
    #[arg(long, value_name = "NAME|FILE", default_value = "holdfast")]
    pub(crate) profile: String,
    /// Runs only cases whose id matches; may be given several times.
    #[arg(long, value_name = "GLOB")]
    filter: Vec<String>,
    /// Runs only rules that are at least this binding.
    #[arg(long, value_enum, default_value = "should")]
    level: Level,
    /// Leaves out cases that take more than ten seconds.
    #[arg(long)]
    fast: bool,
    /// Lists the cases and ends.
    #[arg(long)]
    pub(crate) list: bool,
    /// Prints what the suite covers and what it does not, and ends.
    #[arg(long)]
    pub(crate) coverage: bool,
    /// Prints the configuration that the proxy needs, and ends.
    #[arg(long)]
    pub(crate) print_config: bool,
    /// The form of the report.
    #[arg(long, value_enum, default_value = "text")]
    pub(crate) format: Format,
    /// Writes the report to a file.
    #[arg(long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// How many cases run at once.
    #[arg(long, value_name = "N", default_value_t = 32, value_parser = parse_jobs)]
    pub(crate) jobs: u32,
    /// How often a case that does not come out as expected is played again, alone.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) retries: u32,
    /// Stretches all waits and limits, for slow machines.
    #[arg(long, value_name = "X", default_value_t = 1.0, value_parser = parse_scale)]
    pub(crate) timeout_scale: f64,
    /// Starts the proxy with this shell command.
    #[arg(long, value_name = "CMD", group = "start")]
    spawn: Option<String>,
    /// Starts this Holdfast binary with a configuration of the suite's own.
    #[arg(long, value_name = "PATH", group = "start")]
    spawn_holdfast: Option<PathBuf>,
    /// Starts this Pushpin binary (and zurl, if there is one) with a configuration of the suite's own.
    #[arg(long, value_name = "PATH", group = "start")]
    spawn_pushpin: Option<PathBuf>,
}

/// The forms of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// For people.
    Text,
    /// One JSON object.
    Json,
    /// JUnit's XML, for build servers.
    Junit,
}

impl Cli {
    /// Whether a case is asked for.
    pub(crate) fn wants(&self, case: &Case) -> bool {
        case.level <= self.level
            && !(self.fast && case.is_slow())
            && (self.filter.is_empty() || self.filter.iter().any(|g| glob::matches(g, case.id)))
    }

    /// Where items are published, if anywhere.
    pub(crate) fn publisher(&self) -> Result<Option<Publisher>, String> {
        match &*self.publish {
            "none" => Ok(None),
            url => Publisher::new(url).map(Some),
        }
    }

    /// The command that publishes, if it is given or known.
    pub(crate) fn command(&self) -> Option<Command> {
        let known = || match self.spawn()? {
            Spawn::Command(_) => None,
            Spawn::Holdfast(path) => Some(format!("{} publish", path.display())),
            Spawn::Pushpin(path) => {
                Some(path.with_file_name("pushpin-publish").display().to_string())
            }
        };
        self.publish_command.clone().or_else(known).map(|line| Command::new(&line))
    }

    /// The addresses given.
    pub(crate) fn addresses(&self) -> Result<Addresses, String> {
        Ok(Addresses {
            proxy: self.proxy.clone(),
            publish: self.publisher()?.map(|publisher| publisher.address),
            origin: self.origin.clone(),
        })
    }

    /// The proxy to start, if any.
    pub(crate) fn spawn(&self) -> Option<Spawn> {
        let command = self.spawn.clone().map(Spawn::Command);
        let holdfast = self.spawn_holdfast.clone().map(Spawn::Holdfast);
        command.or(holdfast).or(self.spawn_pushpin.clone().map(Spawn::Pushpin))
    }
}

fn parse_jobs(text: &str) -> Result<u32, String> {
    match text.parse() {
        Ok(jobs) if (1..=1024).contains(&jobs) => Ok(jobs),
        _ => Err("a number from 1 to 1024 is wanted".to_owned()),
    }
}

fn parse_scale(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(scale) if (0.1..=100.0).contains(&scale) => Ok(scale),
        _ => Err("a number from 0.1 to 100 is wanted".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::Cli;
    use crate::{cases, peer::command::Command, target::Spawn};

    fn wanted(options: &[&str]) -> Vec<&'static str> {
        let cli = Cli::parse_from([&["x"], options].concat());
        cases::all().iter().filter(|case| cli.wants(case)).map(|case| case.id).collect()
    }

    #[test]
    fn cases_are_chosen_by_id_level_and_time() {
        assert!(wanted(&["--filter", "FWD-4/*"]).iter().all(|id| id.starts_with("FWD-4/")));
        assert!(wanted(&["--fast"]).len() < wanted(&[]).len());
        assert!(wanted(&["--level", "must"]).len() < wanted(&["--level", "should"]).len());
    }

    #[test]
    fn only_one_way_to_start_a_proxy() {
        let both = ["x", "--spawn", "a", "--spawn-holdfast", "b"];
        assert!(Cli::try_parse_from(both).is_err());
        let one = Cli::parse_from(["x", "--spawn-pushpin", "pushpin"]).spawn();
        assert!(matches!(one, Some(Spawn::Pushpin(_))));
    }

    #[test]
    fn the_publish_command_is_given_or_known() {
        let command = |options: &[&str]| Cli::parse_from([&["x"], options].concat()).command();
        assert_eq!(command(&[]), None);
        let known = command(&["--spawn-pushpin", "/usr/bin/pushpin"]);
        assert_eq!(known, Some(Command::new("/usr/bin/pushpin-publish")));
        assert_eq!(command(&["--publish-command", "a  b"]), Some(Command::new("a b")));
    }
}
