//! `cargo xtask`: see the crate's documentation.

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};
use xtask::{
    bench, generate,
    output::{Mode, Outcome},
};

/// Development tasks of the pcaps workspace.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Args {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Write spec/pcaps.json and crates/pcaps-api/src/generated/ from spec/upstream.json and spec/overlay.yaml.
    ///
    /// Exits 0 when everything is up to date, 4 when --check finds a stale file, 1 when it cannot be done.
    Generate {
        /// Write nothing: say what is stale, with a diff.
        #[arg(long)]
        check: bool,
        /// The workspace to work on, for tests. (This crate lives in `xtask/`, one below it.)
        #[arg(long, hide = true, default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/.."))]
        root: PathBuf,
    },
    /// Measure release builds beside the tools that people know, and print the ratios.
    Bench {
        /// What to measure.
        suite: bench::Suite,
        /// How many rounds: the medians of all are printed.
        #[arg(long, value_name = "N", default_value_t = 5)]
        rounds: usize,
        /// One round with small inputs, to see that it works: the figures mean nothing.
        #[arg(long)]
        quick: bool,
    },
}

fn main() -> ExitCode {
    let report = &mut std::io::stdout().lock();
    let result = match Args::parse().task {
        Task::Generate { check, root } => {
            let mode = if check { Mode::Check } else { Mode::Write };
            generate::run(&root, mode, report)
        }
        Task::Bench {
            suite,
            rounds,
            quick,
        } => bench::run(suite, rounds, quick, report).map(|()| Outcome::Written),
    };
    match result {
        Ok(Outcome::UpToDate | Outcome::Written) => ExitCode::SUCCESS,
        Ok(Outcome::Stale) => ExitCode::from(4),
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
