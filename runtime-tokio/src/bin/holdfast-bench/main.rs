//! The benchmark: Holdfast against Pushpin, nginx, nchan and what the machine allows, on this machine, in
//! this run, interleaved.
//!
//! The server under test is pinned to one core, the load generator and the backend to another. Every
//! figure is the median of several rounds; so is every ratio, of two servers that were measured one after
//! the other. A peer that is not installed is left out with a line.
//!
//! What profiles say about the figures is in `NOTES.md` beside this file.

mod clock;
mod frame;
mod load;
mod origin;
mod peer;
mod report;
mod sys;
mod workload;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use clap::{Parser, Subcommand};
use holdfast::allocator;

use peer::Peer;
use report::{Round, Table};
use workload::{Scale, Workload};

/// The allocator of the binary `holdfast`, whose memory is measured here.
#[global_allocator]
static ALLOCATOR: allocator::Jemalloc = allocator::Jemalloc;

/// Measures Holdfast against its peers.
#[derive(Parser)]
struct Cli {
    /// A run of under two minutes, with fewer and shorter repeats.
    #[arg(long)]
    quick: bool,
    /// How often everything is repeated; the medians are reported.
    #[arg(long)]
    repeats: Option<usize>,
    /// Only the workloads whose name contains this; may be given several times.
    #[arg(long)]
    only: Vec<String>,
    /// Only these peers.
    #[arg(long, value_enum)]
    peer: Vec<Peer>,
    /// Writes the figures as JSON to this file.
    #[arg(long)]
    json: Option<PathBuf>,
    /// Writes the table as Markdown to this file.
    #[arg(long)]
    markdown: Option<PathBuf>,
    #[command(subcommand)]
    role: Option<Role>,
}

/// What this program is when it is started as a part of a run.
#[derive(Subcommand, Clone)]
enum Role {
    /// The proxy itself, so that it is always the one that was built with the benchmark.
    #[command(hide = true)]
    Holdfast {
        /// Its configuration file.
        #[arg(long)]
        config: PathBuf,
    },
    /// The bare loop that answers hello.
    #[command(hide = true)]
    Ceiling {
        /// Where.
        #[arg(long)]
        listen: SocketAddr,
    },
    /// The bare loop of writes; prints writes a second.
    #[command(hide = true)]
    Writes {
        /// To how many sockets.
        #[arg(long)]
        count: usize,
    },
}

/// The order within a round: Holdfast right between those that come close to it, since a machine that others
/// use may be twice as fast a few seconds later.
const ORDER: [Peer; 5] = [Peer::Pushpin, Peer::Nginx, Peer::Holdfast, Peer::Nchan, Peer::Ceiling];

fn main() -> ExitCode {
    let cli = Cli::parse();
    let outcome = match cli.role.clone() {
        Some(Role::Holdfast { config }) => peer::serve(config),
        Some(Role::Ceiling { listen }) => peer::hello(listen),
        Some(Role::Writes { count }) => peer::writes(count, 20).map(|rate| println!("{rate}")),
        None => run(&cli),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("holdfast-bench: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: &Cli) -> std::io::Result<()> {
    pin_to_load_core()?;
    let scale = if cli.quick { Scale::quick() } else { Scale::full() };
    let repeats = cli.repeats.unwrap_or(scale.repeats);
    let peers = available(&cli.peer);
    let origin = origin::start()?;
    let mut table = Table::new(&peers);
    for workload in Workload::all(&scale) {
        let name = workload.name();
        if !cli.only.is_empty() && !cli.only.iter().any(|part| name.contains(part.as_str())) {
            continue;
        }
        let mut rounds = Vec::new();
        for _ in 0..repeats {
            let mut round = Round::new();
            for &peer in
                ORDER.iter().filter(|&&peer| peers.contains(&peer) && workload.runs_on(peer))
            {
                let begin = Instant::now();
                let measured = workload.measure(peer, &origin, &scale);
                eprintln!("{name}: {}, {:.1} s", peer.name(), begin.elapsed().as_secs_f32());
                match measured {
                    Ok(measured) => {
                        round.insert(peer, measured);
                    }
                    Err(error) => table.note(format!("{name}: {}: {error}", peer.name())),
                }
            }
            rounds.push(round);
        }
        table.add(&workload, &rounds);
        if let Some(note) = workload.note() {
            table.note(note.to_owned());
        }
    }
    println!("{}", table.text());
    if let Some(path) = &cli.json {
        std::fs::write(path, table.json())?;
    }
    if let Some(path) = &cli.markdown {
        std::fs::write(path, table.markdown())?;
    }
    Ok(())
}

/// This process, its threads and nothing else on the generator's core.
fn pin_to_load_core() -> std::io::Result<()> {
    let pid = std::process::id().to_string();
    let status = std::process::Command::new("taskset")
        .args(["-a", "-p", "-c", sys::LOAD_CORE, &pid])
        .stdout(std::process::Stdio::null())
        .status()?;
    if status.success() { Ok(()) } else { Err(std::io::Error::other("taskset failed")) }
}

fn available(wanted: &[Peer]) -> Vec<Peer> {
    let all = [Peer::Holdfast, Peer::Pushpin, Peer::Nginx, Peer::Nchan, Peer::Ceiling];
    let installed = |peer: &Peer| match peer {
        Peer::Holdfast | Peer::Ceiling => true,
        Peer::Pushpin => PathBuf::from("/usr/bin/pushpin").exists(),
        Peer::Nginx => PathBuf::from("/usr/sbin/nginx").exists(),
        Peer::Nchan => PathBuf::from("/usr/lib/nginx/modules/ngx_nchan_module.so").exists(),
    };
    let (here, missing): (Vec<_>, Vec<_>) = all
        .into_iter()
        .filter(|peer| wanted.is_empty() || wanted.contains(peer))
        .partition(installed);
    for peer in missing {
        eprintln!("SKIPPED: {} is not installed", peer.name());
    }
    here
}
