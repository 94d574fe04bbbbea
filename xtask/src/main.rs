//! `cargo xtask`: see the crate's documentation.

use std::{
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
};

use clap::{Parser, Subcommand, ValueEnum as _};
use xtask::{
    bench,
    contract::{self, Program},
    diff::{self, Class},
    dist, generate, import,
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
    /// Take the packet capture operations out of the vendor's published description into spec/upstream.json.
    ///
    /// Exits 0 when it is done or nothing changed, 1 when it cannot be done; nothing is written then.
    Import {
        /// The vendor's OpenAPI 3.0 file, JSON or YAML.
        file: PathBuf,
        /// The day on which it was fetched, for spec/provenance.toml. [default: today, in UTC]
        #[arg(long, value_name = "YYYY-MM-DD")]
        date: Option<jiff::civil::Date>,
        #[command(flatten)]
        workspace: Workspace,
    },
    /// Write spec/pcaps.json and crates/pcaps-api/src/generated/ from spec/upstream.json and spec/overlay.yaml.
    ///
    /// Exits 0 when everything is up to date or was written, 4 when --check finds a stale file, 1 when it cannot be
    /// done.
    Generate {
        /// Write nothing: say what is stale, with a diff.
        #[arg(long)]
        check: bool,
        /// Write nothing: say which files would be written.
        #[arg(long, conflicts_with = "check")]
        dry_run: bool,
        #[command(flatten)]
        workspace: Workspace,
    },
    /// Say what a change of the description means to callers.
    ///
    /// Exits 0 when nothing changed, 3 when every change is compatible, 5 when one is breaking, 1 when it cannot be done.
    Diff {
        /// What to compare with: a description's file, or a revision whose spec/pcaps.json is taken. [default: HEAD]
        #[arg(long, value_name = "REV|FILE")]
        from: Option<String>,
        /// What to compare. [default: the working tree]
        #[arg(long, value_name = "REV|FILE")]
        to: Option<String>,
        /// How to print it.
        #[arg(long, default_value = "text")]
        format: diff::Format,
        #[command(flatten)]
        workspace: Workspace,
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

        /// A folder of real captures: those of Ethernet in it are merged, read and filtered too by the suite `files`, and those
        /// of a megabyte exported by `export`.
        /// `tests/files/fetch DIR ndpi` fetches some.
        #[arg(long, value_name = "DIR")]
        captures: Option<PathBuf>,
    },
    /// Run other people's clients against the simulator: the vendor's Python SDK, schemathesis, S3 and GCS servers.
    ///
    /// Needs python3 with venv, capinfos, and the package index the first time. Exits 0 when all is well, 1 when anything is not.
    Contract {
        /// One program only; may be given several times. [default: all]
        #[arg(long, value_name = "NAME")]
        only: Vec<Program>,
        /// How many requests schemathesis makes at least.
        #[arg(long, value_name = "N", default_value_t = 2_000)]
        cases: usize,
        #[command(flatten)]
        workspace: Workspace,
    },
    /// Make what is handed to users: an archive, a Debian package, and their checksums.
    ///
    /// Needs dpkg-dev. Exits 0 when all is there, 1 when it cannot be made.
    Dist {
        /// The folder to write into. [default: dist in cargo's target folder]
        #[arg(long, value_name = "DIR")]
        out: Option<PathBuf>,
        #[command(flatten)]
        workspace: Workspace,
    },
    /// Make the inputs of `bench spec`.
    #[command(hide = true)]
    MakePublished { size: usize, folder: PathBuf },
}

#[derive(clap::Args)]
struct Workspace {
    /// The workspace to work on, for tests. (This crate lives in `xtask/`, one below it.)
    #[arg(long, hide = true, default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/.."))]
    root: PathBuf,
}

fn main() -> ExitCode {
    match run(Args::parse().task, &mut std::io::stdout().lock()) {
        Ok(code) => code,
        // Whoever reads has read enough.
        Err(error)
            if error.downcast_ref().map(io::Error::kind) == Some(io::ErrorKind::BrokenPipe) =>
        {
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(task: Task, report: &mut dyn Write) -> anyhow::Result<ExitCode> {
    Ok(match task {
        Task::Import {
            file,
            date,
            workspace,
        } => {
            let date = match date {
                Some(date) => date.to_string(),
                // The day in UTC: what a timestamp begins with.
                None => jiff::Timestamp::now()
                    .to_string()
                    .chars()
                    .take(10)
                    .collect(),
            };
            import::run(&workspace.root, &file, &date, report)?;
            ExitCode::SUCCESS
        }
        Task::Generate {
            check,
            dry_run,
            workspace,
        } => {
            let mode = match (check, dry_run) {
                (true, _) => Mode::Check,
                (_, true) => Mode::DryRun,
                _ => Mode::Write,
            };
            match (generate::run(&workspace.root, mode, report)?, mode) {
                (Outcome::Stale, Mode::Check) => ExitCode::from(4),
                _ => ExitCode::SUCCESS,
            }
        }
        Task::Diff {
            from,
            to,
            format,
            workspace,
        } => {
            let (from, to) = (from.as_deref(), to.as_deref());
            match diff::run(&workspace.root, from, to, format, report)? {
                None => ExitCode::SUCCESS,
                Some(Class::Compatible) => ExitCode::from(3),
                Some(Class::Breaking) => ExitCode::from(5),
            }
        }
        Task::Bench {
            suite,
            rounds,
            quick,
            captures,
        } => {
            bench::run(suite, rounds, quick, captures, report)?;
            ExitCode::SUCCESS
        }
        Task::Contract {
            only,
            cases,
            workspace,
        } => {
            let programs = if only.is_empty() {
                Program::value_variants()
            } else {
                &only
            };
            contract::run(&workspace.root, programs, cases, report)?;
            ExitCode::SUCCESS
        }
        Task::Dist { out, workspace } => {
            let folder = out.unwrap_or_else(|| dist::folder(&workspace.root));
            dist::run(&workspace.root, &folder, report)?;
            ExitCode::SUCCESS
        }
        Task::MakePublished { size, folder } => {
            bench::make_published(size, &folder)?;
            ExitCode::SUCCESS
        }
    })
}
