//! `cargo xtask bench`: every figure that this project claims, measured anew, as a ratio to a named tool in the same
//! run, on release builds.
//!
//! A suite makes its inputs, lets the contestants take turns, and prints medians. What it aims at is printed beside
//! what was reached; a goal that is missed does not make the command fail, because a busy machine is not a defect.

mod cli;
mod client;
mod export;
mod fetch;
mod files;
mod measure;
pub(crate) mod programs;
pub mod published;
mod query;
mod sim;
mod spec;
mod traffic;

use std::{
    io::Write,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context as _, Result};
use clap::ValueEnum;
use tempfile::TempDir;

pub use measure::{Contestant, Figures};
pub use spec::make_published;

/// What is measured.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Suite {
    /// The program's first words, and a list of captures, beside curl; its size. Needs hyperfine, curl and nginx.
    Cli,
    /// A download of 1 GiB beside curl; requests a second beside curl and wrk. Needs nginx, curl and wrk.
    Client,
    /// Captures to Parquet: beside `tshark -T fields`, how time, memory and size grow from 1 to 100 million packets, and how
    /// large the table of real ones is.
    /// Needs tshark and what comes with it, and 12 GB in the folder for inputs.
    Export,
    /// A full capture of 2,500 small files, and one of 8 large ones, out of a bucket beside `rclone copy`. Needs python3
    /// with venv, and the package index the first time.
    Fetch,
    /// Capture files: merges beside mergecap and `cp`, reading and filtering beside tcpdump (and `dd`), summing up beside
    /// capinfos and tshark, of 10 million packets and of real ones. Needs tcpdump, tshark and what comes with it, and 10 GB
    /// of memory.
    Files,
    /// The questions over 10 million packets, by the engine in `pcaps` beside `DuckDB`, and by Sail with one, two and four
    /// workers. Builds that engine, which takes long. Needs tshark and what comes with it, python3 with venv, and the
    /// package index the first time.
    Query,
    /// The simulator: requests a second beside nginx, a sample, and a full capture of 1 GB beside `cp`. Needs nginx,
    /// curl and wrk.
    Sim,
    /// An import of a description of the vendor's size beside `jq`, and a regeneration. Needs jq.
    Spec,
}

/// One run of a suite.
pub struct Bench<'a> {
    /// Where figures go.
    pub report: &'a mut dyn Write,
    /// How many rounds each contest has.
    pub rounds: usize,
    /// Whether inputs are small, to see that a suite works at all.
    pub quick: bool,
    /// A folder of capture files that were made elsewhere.
    captures: Option<PathBuf>,
    work: TempDir,
}

/// A limit that a ratio should keep.
#[derive(Clone, Copy, Debug)]
pub enum Goal {
    /// The figure should not be above this.
    AtMost(f64),
    /// The figure should not be below this.
    AtLeast(f64),
}

/// Runs a suite in a new folder, which is removed at the end: in memory where the system has a place for that, so
/// that no disk is measured.
///
/// # Errors
///
/// When a tool is not installed, a build or a contestant fails, or the folder cannot be used.
pub fn run(
    suite: Suite,
    rounds: usize,
    quick: bool,
    captures: Option<PathBuf>,
    report: &mut dyn Write,
) -> Result<()> {
    let memory = Path::new("/dev/shm");
    let parent = if memory.is_dir() {
        memory.to_owned()
    } else {
        std::env::temp_dir()
    };
    let work = tempfile::Builder::new()
        .prefix("pcaps-bench-")
        .tempdir_in(&parent)
        .with_context(|| format!("cannot make a folder in {}", parent.display()))?;
    let mut bench = Bench {
        report,
        rounds: if quick { 1 } else { rounds.max(1) },
        quick,
        captures,
        work,
    };
    match suite {
        Suite::Cli => cli::run(&mut bench),
        Suite::Client => client::run(&mut bench),
        Suite::Export => export::run(&mut bench),
        Suite::Fetch => fetch::run(&mut bench),
        Suite::Files => files::run(&mut bench),
        Suite::Query => query::run(&mut bench),
        Suite::Sim => sim::run(&mut bench),
        Suite::Spec => spec::run(&mut bench),
    }
}

impl Bench<'_> {
    /// The folder for inputs and outputs.
    pub fn work(&self) -> &Path {
        self.work.path()
    }

    /// The contestants take turns, so that what else the machine does falls on all alike; the medians of the rounds are
    /// printed, as ratios to the first, and come back in their order.
    ///
    /// # Errors
    ///
    /// When a contestant cannot be run or fails.
    pub fn contest(&mut self, title: &str, contestants: &[Contestant]) -> Result<Vec<Figures>> {
        self.contest_of(self.rounds, title, contestants)
    }

    /// The same in so many rounds, for what takes long.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn contest_of(
        &mut self,
        rounds: usize,
        title: &str,
        contestants: &[Contestant],
    ) -> Result<Vec<Figures>> {
        let figures = measure::medians(contestants, rounds)?;
        writeln!(self.report, "\n{title} (medians of {rounds})")?;
        let first = figures[0];
        for (contestant, it) in contestants.iter().zip(&figures) {
            writeln!(
                self.report,
                "  {:<28} {:>9} wall {:>6.2}x  {:>9} cpu {:>6.2}x  {:>7.1} MiB {:>6.2}x",
                contestant.name(),
                seconds(it.wall),
                ratio(it.wall, first.wall),
                seconds(it.cpu),
                ratio(it.cpu, first.cpu),
                mebibytes(it.peak),
                mebibytes(it.peak) / mebibytes(first.peak),
            )?;
        }
        Ok(figures)
    }

    /// Prints a figure beside its goal.
    ///
    /// # Errors
    ///
    /// When the report cannot be written.
    pub fn goal(&mut self, what: &str, figure: f64, goal: Goal) -> Result<()> {
        let (met, limit) = match goal {
            Goal::AtMost(limit) => (figure <= limit, format!("at most {limit}")),
            Goal::AtLeast(limit) => (figure >= limit, format!("at least {limit}")),
        };
        let verdict = if met { "met" } else { "MISSED" };
        writeln!(self.report, "  {what}: {figure:.2} ({limit}: {verdict})")?;
        Ok(())
    }
}

/// How many times as long the first takes as the second.
pub fn ratio(one: Duration, other: Duration) -> f64 {
    one.as_secs_f64() / other.as_secs_f64()
}

/// Bytes as MiB.
#[expect(clippy::cast_precision_loss, reason = "a figure for people")]
pub fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

fn seconds(duration: Duration) -> String {
    format!("{:.3} s", duration.as_secs_f64())
}
