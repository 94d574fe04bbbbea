//! `cargo xtask`: see the crate's documentation.

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};
use xtask::{
    generate,
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
}

fn main() -> ExitCode {
    let Task::Generate { check, root } = Args::parse().task;
    let mode = if check { Mode::Check } else { Mode::Write };
    let result = generate::run(&root, mode, &mut std::io::stdout().lock());
    match result {
        Ok(Outcome::UpToDate | Outcome::Written) => ExitCode::SUCCESS,
        Ok(Outcome::Stale) => ExitCode::from(4),
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
