//! The command line (CONF-20 to CONF-22).

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::builder::RangedU64ValueParser;
use clap::{Args, Parser, Subcommand};
use holdfast::config::{Options, Source, listen_addr, log_level};
use tracing::level_filters::LevelFilter;

/// A GRIP reverse proxy: long-polling, HTTP streaming and WebSockets for any web backend.
#[derive(Parser, Debug)]
#[command(name = "holdfast", version, disable_version_flag = true)]
#[command(after_help = "'holdfast publish' publishes an item; see 'holdfast publish --help'.")]
pub struct Cli {
    /// What the proxy is run with.
    #[command(flatten)]
    pub run: Run,
    /// Print the version.
    #[arg(short, visible_short_alias = 'V', long, action = clap::ArgAction::Version)]
    version: Option<bool>,
    /// What to do instead of running the proxy.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// What to do instead of running the proxy.
#[derive(Subcommand, Clone, Debug)]
pub enum Command {
    /// Run the proxy before an embedded demo backend: a counter that every browser window sees change.
    Demo {
        /// Port of the demo backend; any free one if it is taken.
        #[arg(long, default_value_t = 8000)]
        backend_port: u16,
    },
    /// Load the configuration and the routes, say all there is to say about them, and exit: 0 if nothing.
    Check,
}

/// Options that may stand before a subcommand or after it.
#[derive(Args, Debug)]
pub struct Run {
    /// Configuration file (a pushpin.conf).
    #[arg(global = true, long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Log to this file instead of standard output; reopened on SIGHUP.
    #[arg(global = true, long, value_name = "FILE")]
    pub logfile: Option<PathBuf>,
    /// Log level: 0 errors, 1 warnings, 2 information, 3 debugging, 4 tracing.
    #[arg(global = true, long, value_name = "N", value_parser = log_level)]
    loglevel: Option<LevelFilter>,
    /// The same as --loglevel=3.
    #[arg(global = true, long)]
    verbose: bool,
    /// Accepted for compatibility: there is one process, and one log.
    #[arg(global = true, short, long)]
    merge_output: bool,
    /// Serve clients here only, instead of on the configured ports.
    #[arg(global = true, long, value_name = "[ADDR:]PORT", value_parser = listen_addr)]
    port: Option<SocketAddr>,
    /// Instance number: raises the publish port by ten times as much.
    #[arg(global = true, long, value_name = "N", value_parser = id())]
    id: Option<u16>,
    /// A route, such as '* localhost:8000'; replaces the routes file. May be given several times.
    #[arg(global = true, long = "route", value_name = "LINE")]
    routes: Vec<String>,
}

impl Run {
    /// What it says about the configuration. Routes are enough to run with: a file is not looked for then.
    pub fn options(&self) -> Options {
        let source = match &self.config {
            Some(path) => Source::File(path.clone()),
            None if self.routes.is_empty() => Source::Search,
            None => Source::BuiltIn,
        };
        Options { source, routes: self.routes.clone(), port: self.port, id: self.id }
    }

    /// What it says about the configuration of the demo, which has its own; `None` if it asks for another.
    pub fn demo_options(&self) -> Option<Options> {
        let own = self.config.is_none() && self.routes.is_empty();
        own.then(|| Options { source: Source::BuiltIn, ..self.options() })
    }

    /// The log level that it asks for.
    pub fn log_level(&self) -> Option<LevelFilter> {
        self.loglevel.or(self.verbose.then_some(LevelFilter::DEBUG))
    }
}

/// The port offset that comes of it must leave room for a port.
fn id() -> RangedU64ValueParser<u16> {
    RangedU64ValueParser::new().range(0..=u64::from(u16::MAX / 10))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cli(args: &[&str]) -> Result<Cli, clap::Error> {
        Cli::try_parse_from([&["holdfast"], args].concat())
    }

    #[test]
    fn conf_20_every_option_of_pushpin_is_taken() {
        let cli = cli(&[
            "--config=f",
            "--logfile=l",
            "--loglevel=1",
            "--verbose",
            "-m",
            "--port=127.0.0.1:80",
            "--id=2",
            "--route",
            "* a:1",
            "--route=* b:2",
        ])
        .expect("all of it is good");
        assert_eq!(cli.run.log_level(), Some(LevelFilter::WARN));
        let options = cli.run.options();
        assert_eq!(options.source, Source::File("f".into()));
        assert_eq!(options.routes, ["* a:1", "* b:2"]);
        assert_eq!((options.port, options.id), (Some(([127, 0, 0, 1], 80).into()), Some(2)));
    }

    #[test]
    fn options_stand_before_and_after_a_subcommand() {
        for args in [["--port", "81", "check"], ["check", "--port", "81"]] {
            let cli = cli(&args).expect("all of it is good");
            assert!(matches!(cli.command, Some(Command::Check)), "{args:?}");
            assert_eq!(cli.run.options().port, Some(([0, 0, 0, 0], 81).into()), "{args:?}");
        }
    }

    #[test]
    fn conf_8_where_keys_come_from() {
        let source = |args: &[&str]| cli(args).expect("all of it is good").run.options().source;
        assert_eq!(source(&[]), Source::Search);
        assert_eq!(source(&["--route", "* a:1"]), Source::BuiltIn);
        assert_eq!(source(&["--route", "* a:1", "--config", "f"]), Source::File("f".into()));
        let demo = |args: &[&str]| cli(args).expect("all of it is good").run.demo_options();
        assert_eq!(demo(&["demo"]).map(|options| options.source), Some(Source::BuiltIn));
        assert!(demo(&["demo", "--config", "f"]).is_none());
    }

    #[test]
    fn conf_22_bad_values_are_refused() {
        for bad in ["--port=0", "--port=x", "--id=-1", "--id=6554", "--loglevel=2,", "--what"] {
            assert!(cli(&[bad]).is_err(), "{bad}");
        }
    }
}
