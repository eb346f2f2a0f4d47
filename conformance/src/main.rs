//! A conformance suite for GRIP proxies.
//!
//! The suite plays client, origin and publisher around a running proxy, and judges each rule by the
//! bytes that it sees. It knows nothing of the proxy's inside, so it runs against any of them.
//!
//! ```text
//!              cases ──▶ runner ──▶ verdicts ──▶ report
//!                │                     ▲
//!   client ──▶ PROXY ──▶ origin     profile (what this proxy is known to do otherwise)
//!                ▲
//!            publisher
//! ```

mod case;
mod cases;
mod cli;
mod coverage;
mod glob;
mod peer;
mod profile;
mod report;
mod runner;
mod scene;
mod target;
mod verdict;

use std::{
    fs,
    io::{self, Write},
    process::ExitCode,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use clap::Parser;

use case::Case;
use cli::{Cli, Format};
use peer::origin::Origin;
use profile::Profile;
use scene::World;
use target::Proxy;
use verdict::{Judged, Tally};

/// The exit status for wrong usage.
const USAGE: u8 = 2;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let ended = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime.block_on(run(&cli)),
        Err(error) => Err(error.to_string()),
    };
    match ended {
        Ok(code) => code,
        Err(problem) => {
            eprintln!("holdfast-conformance: {problem}");
            ExitCode::from(USAGE)
        }
    }
}

async fn run(cli: &Cli) -> Result<ExitCode, String> {
    let all = cases::all();
    let profile = Profile::load(&cli.profile)?;
    profile.check(&all)?;
    let informed = match () {
        () if cli.print_config => Some(target::printed(&cli.addresses()?)),
        () if cli.coverage => Some(coverage::table(&all)),
        () if cli.list => Some(report::text::list(all.iter().filter(|case| cli.wants(case)))),
        () => None,
    };
    if let Some(text) = informed {
        show(cli, &text)?;
        return Ok(ExitCode::SUCCESS);
    }
    let chosen: Vec<Case> = all.into_iter().filter(|case| cli.wants(case)).collect();
    if chosen.is_empty() {
        return Err("no case is chosen".to_owned());
    }
    let judged = play(cli, chosen, &profile).await?;
    show(cli, &report(cli, &profile, &judged))?;
    Ok(match Tally::of(&judged).failed {
        0 => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    })
}

/// Starts what is to be started, plays the cases, and stops it again.
async fn play(cli: &Cli, cases: Vec<Case>, profile: &Profile) -> Result<Vec<Judged>, String> {
    let addresses = cli.addresses()?;
    let origin = Origin::listen(&addresses.origin)
        .await
        .map_err(|error| format!("the origin cannot listen on {}: {error}", addresses.origin))?;
    let started = match cli.spawn() {
        Some(spawn) => Some(Proxy::start(&spawn, &addresses).await.map_err(|e| e.to_string())?),
        None => None,
    };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let world = Arc::new(World {
        proxy: addresses.proxy,
        publisher: cli.publisher()?,
        command: cli.command(),
        origin,
        spawn: cli.spawn(),
        run: format!("t{:x}", now.as_millis()),
        scale: cli.timeout_scale,
    });
    let effort = (cli.jobs, cli.retries);
    let judged =
        runner::run_with_retries(cases, world, profile, effort, report::text::progress).await;
    if let Some(proxy) = started {
        proxy.stop().await;
    }
    Ok(judged)
}

fn report(cli: &Cli, profile: &Profile, judged: &[Judged]) -> String {
    match cli.format {
        Format::Text => report::text::render(&profile.about, judged),
        Format::Json => report::json::render(&profile.about, judged),
        Format::Junit => report::junit::render(&profile.about, judged),
    }
}

fn show(cli: &Cli, text: &str) -> Result<(), String> {
    match &cli.output {
        Some(path) => fs::write(path, text).map_err(|error| format!("{}: {error}", path.display())),
        // A reader that has seen enough, such as `head`, is no failure.
        None => match io::stdout().write_all(text.as_bytes()) {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.to_string()),
            _ => Ok(()),
        },
    }
}
