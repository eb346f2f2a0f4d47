//! Runs worlds from seeds until one fails.

use std::process::ExitCode;

use clap::Parser;
use holdfast_sim::{Options, Outcome, Sabotage, Tally, run};

/// Drives the Holdfast core through seeded adversity.
#[derive(Parser, Debug)]
#[command(version)]
struct Args {
    /// Seed of the first run; the others follow it.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many runs.
    #[arg(long, default_value_t = 1000)]
    runs: u64,
    /// Print what each shard was told.
    #[arg(long)]
    trace: bool,
    /// Break a rule on purpose, to see that it is noticed.
    #[arg(long, value_name = "RULE", value_parser = sabotage)]
    canary: Option<Sabotage>,
}

fn main() -> ExitCode {
    let args = Args::parse();
    println!(
        "seeds {} to {}; the first run:",
        args.seed,
        args.seed.wrapping_add(args.runs.max(1) - 1)
    );
    println!("{:#?}", options(&args, args.seed));
    let mut total = Tally::default();
    for at in 0..args.runs {
        if !one(&args, args.seed.wrapping_add(at), &mut total) {
            return ExitCode::FAILURE;
        }
        if (at + 1) % 1000 == 0 {
            println!("{} runs, {} events", at + 1, total.of("events"));
        }
    }
    print!("{total}");
    ExitCode::SUCCESS
}

/// One run; false if it failed.
fn one(args: &Args, seed: u64, total: &mut Tally) -> bool {
    let options = options(args, seed);
    let Outcome { tally, traces, digest, failure } = run(&options);
    if args.trace {
        for trace in &traces {
            print!("{trace}");
        }
        println!("digest {digest}");
    }
    total.absorb(&tally);
    let Some(failure) = failure else { return true };
    println!("seed {seed}, digest {digest}: {failure}");
    println!("{options:#?}");
    advise(args, seed);
    false
}

fn advise(args: &Args, seed: u64) {
    let canary = args.canary.map(|canary| format!(" --canary {canary}")).unwrap_or_default();
    println!(
        "again: cargo run --profile sim -p holdfast-sim -- --seed {seed} --runs 1 --trace{canary}"
    );
}

fn options(args: &Args, seed: u64) -> Options {
    Options { sabotage: args.canary, ..Options::of(seed) }
}

fn sabotage(name: &str) -> Result<Sabotage, String> {
    let found = Sabotage::ALL.iter().find(|sabotage| sabotage.name() == name);
    found.copied().ok_or_else(|| {
        let names: Vec<_> = Sabotage::ALL.iter().map(|sabotage| sabotage.name()).collect();
        format!("one of {}", names.join(", "))
    })
}
