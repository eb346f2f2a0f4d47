//! The binary `holdfast`.

mod cli;
mod log;
mod publisher;

use std::net::SocketAddr;
use std::path::Path;
use std::process::ExitCode;

use clap::Parser;
use clap::error::ErrorKind;
use holdfast::config::{self, ConfigError, RoutesSource, Settings};
use holdfast::demo::{self, DemoOptions};
use holdfast::{Occasion, Proxy, StartError, allocator, run_with};
use holdfast_core::engine::Config;
use thiserror::Error;
use tracing::level_filters::LevelFilter;

use cli::{Cli, Command, Run};
use log::Log;

#[global_allocator]
static ALLOCATOR: allocator::Jemalloc = allocator::Jemalloc;

/// Why the process ends with an error.
#[derive(Debug, Error)]
enum Failure {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error("log file: {0}")]
    LogFile(std::io::Error),
    #[error("demo backend: {0}")]
    Demo(std::io::Error),
    #[error("the demo has a configuration of its own: no --config, no --route")]
    DemoOptions,
    #[error(transparent)]
    Start(#[from] StartError),
    #[error("")]
    Remarks,
}

fn main() -> ExitCode {
    if std::env::args_os().nth(1).is_some_and(|word| word == publisher::COMMAND) {
        return publisher::main(std::env::args_os().skip(1));
    }
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            let asked = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
            return if asked { ExitCode::SUCCESS } else { ExitCode::FAILURE };
        }
    };
    let done = match cli.command {
        None => proxy(&cli.run),
        Some(Command::Demo { backend_port }) => demonstrate(&cli.run, backend_port),
        Some(Command::Check) => check(&cli.run),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Remarks) => ExitCode::FAILURE,
        Err(failure) => {
            for line in failure.to_string().lines() {
                eprintln!("holdfast: {line}");
            }
            ExitCode::FAILURE
        }
    }
}

fn proxy(run: &Run) -> Result<(), Failure> {
    let loaded = config::load(&run.options())?;
    let level = run.log_level().or(loaded.log_level).unwrap_or(LevelFilter::INFO);
    let log = start_log(run.logfile.as_deref(), level)?;
    for warning in &loaded.warnings {
        tracing::warn!("{warning}");
    }
    if !loaded.without_effect.is_empty() {
        tracing::info!("keys without effect here: {}", loaded.without_effect.join(", "));
    }
    serve(loaded, log, |_| {})
}

/// Says what is wrong or odd in the configuration.
fn check(run: &Run) -> Result<(), Failure> {
    let loaded = config::examine(&run.options())?;
    for problem in &loaded.problems {
        eprintln!("error: {problem}");
    }
    for warning in &loaded.warnings {
        eprintln!("warning: {warning}");
    }
    println!("{} routes", loaded.settings.core.routes.len());
    if loaded.problems.is_empty() && loaded.warnings.is_empty() {
        Ok(())
    } else {
        Err(Failure::Remarks)
    }
}

fn demonstrate(run: &Run, backend_port: u16) -> Result<(), Failure> {
    let options = run.demo_options().ok_or(Failure::DemoOptions)?;
    let mut loaded = config::load(&options)?;
    let log = start_log(run.logfile.as_deref(), run.log_level().unwrap_or(LevelFilter::WARN))?;
    let settings = &mut loaded.settings;
    let publish_url = settings.publish.map(|publish| format!("http://{}/publish/", publish.addr));
    let backend = demo::start(DemoOptions {
        backend: SocketAddr::from(([127, 0, 0, 1], backend_port)),
        publish_url: publish_url.unwrap_or_default(),
    })
    .map_err(Failure::Demo)?;
    loaded.routes = RoutesSource::Lines(vec![backend.route()]);
    settings.core.routes = loaded.routes.load()?.0;
    serve(loaded, log, |proxy| {
        for &addr in proxy.http_addrs() {
            println!("{}", demo::banner(addr));
        }
    })
}

fn start_log(path: Option<&Path>, level: LevelFilter) -> Result<Log, Failure> {
    Log::install(level, path).map_err(Failure::LogFile)
}

fn serve(loaded: config::Loaded, log: Log, announce: impl FnOnce(&Proxy)) -> Result<(), Failure> {
    tracing::info!("routes loaded with {} entries", loaded.settings.core.routes.len());
    let settings = Settings { upkeep: allocator::empty_cache, ..loaded.settings.clone() };
    let served = run_with(settings, announce, reloader(loaded, log));
    Ok(served.inspect_err(|error| tracing::error!("{error}"))?)
}

/// Loads the routes anew when their file has changed, or on SIGHUP, which reopens the log as well (CONF-30).
fn reloader(loaded: config::Loaded, log: Log) -> impl FnMut(Occasion) -> Option<Config> {
    let config::Loaded { settings, routes, mut watch, .. } = loaded;
    move |occasion| {
        let changed = watch.as_mut().is_some_and(config::Watch::changed);
        match occasion {
            Occasion::Hangup => log.reopen(),
            Occasion::Tick if changed => {}
            Occasion::Tick => return None,
        }
        match routes.load() {
            Ok((table, complaints)) => {
                for complaint in complaints {
                    tracing::warn!("{complaint}");
                }
                tracing::info!("routes loaded with {} entries", table.len());
                Some(Config { routes: table, ..settings.core.clone() })
            }
            Err(error) => {
                tracing::warn!("the routes stay as they are: {error}");
                None
            }
        }
    }
}
