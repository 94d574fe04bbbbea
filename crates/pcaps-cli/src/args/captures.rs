//! The arguments of the commands about captures.

use std::{path::PathBuf, time::Duration};

use clap::{Subcommand, ValueHint};
use clap_complete::engine::ArgValueCompleter;
use jiff::Timestamp;
use pcaps::CaptureId;

use super::{
    help,
    values::{count, duration, size, time},
};
use crate::completions;

#[derive(clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    disable_help_subcommand = true
)]
pub(crate) struct Capture {
    #[command(subcommand)]
    pub(crate) other: Option<CaptureOther>,

    /// What to take, in tcpdump's language; the word `sample` may come first.
    #[arg(value_name = "FILTER")]
    pub(crate) filter: Vec<String>,

    /// The file to save to; `-` is standard output.
    #[arg(
        short = 'o',
        long,
        visible_short_alias = 'w',
        value_name = "FILE",
        value_hint = ValueHint::FilePath,
        required = true
    )]
    pub(crate) output_file: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) open: Open,

    #[command(flatten)]
    pub(crate) sample: Sample,
}

#[derive(Subcommand)]
pub(crate) enum CaptureOther {
    /// Capture new packets, whole, through a bucket into one file.
    #[command(after_help = help::CAPTURE_FULL)]
    Full(CaptureFull),
}

#[derive(clap::Args)]
pub(crate) struct CaptureFull {
    #[command(flatten)]
    pub(crate) start: StartFull,

    #[command(flatten)]
    pub(crate) output: OutputFile,

    #[command(flatten)]
    pub(crate) fetching: Fetching,
}

/// What a sample is asked to be, beside its filter.
#[derive(clap::Args)]
pub(crate) struct Sample {
    /// How far to look back: 1s to 5m.
    #[arg(
        long,
        value_name = "DURATION",
        default_value = "5m",
        value_parser = duration,
        allow_hyphen_values = true
    )]
    pub(crate) time_limit: Duration,

    #[command(flatten)]
    pub(crate) limit: Limit,

    /// Look back from this time instead of now, at most 24 hours ago: RFC 3339.
    #[arg(long, value_name = "TIME", value_parser = time, allow_hyphen_values = true)]
    pub(crate) at: Option<Timestamp>,

    #[command(flatten)]
    pub(crate) dry: Dry,
}

/// How large a sample may become.
#[derive(clap::Args)]
pub(crate) struct Limit {
    /// How many packets a sample takes at most: 1 to 10000.
    #[arg(
        long,
        value_name = "N",
        default_value = "10000",
        value_parser = count,
        allow_hyphen_values = true
    )]
    pub(crate) packets: u32,
}

/// Where a capture file goes.
#[derive(clap::Args)]
pub(crate) struct OutputFile {
    /// The file to save to; `-` is standard output.
    #[arg(
        short = 'o',
        long,
        visible_short_alias = 'w',
        value_name = "FILE",
        value_hint = ValueHint::FilePath
    )]
    pub(crate) output_file: PathBuf,

    #[command(flatten)]
    pub(crate) open: Open,
}

/// Whether a capture file is shown.
#[derive(clap::Args)]
pub(crate) struct Open {
    /// Open the file in this program, such as wireshark, once it is there.
    #[arg(long = "open", value_name = "PROGRAM", value_hint = ValueHint::CommandName)]
    pub(crate) program: Option<PathBuf>,
}

#[derive(Subcommand)]
pub(crate) enum Start {
    /// Start a sample of traffic that has already passed.
    #[command(after_help = help::SAMPLE)]
    Sample(StartSample),

    /// Start a full capture of new packets into a bucket.
    #[command(after_help = help::FULL)]
    Full(StartFull),
}

#[derive(clap::Args)]
pub(crate) struct StartSample {
    /// What to take, in tcpdump's language.
    #[arg(value_name = "FILTER")]
    pub(crate) filter: Vec<String>,

    #[command(flatten)]
    pub(crate) sample: Sample,
}

#[derive(clap::Args)]
pub(crate) struct StartFull {
    /// What to take, in tcpdump's language.
    #[arg(value_name = "FILTER")]
    pub(crate) filter: Vec<String>,

    /// The data centre: one, such as ord02, or all of a place, such as ORD.
    #[arg(
        long,
        value_name = "NAME",
        add = ArgValueCompleter::new(completions::colos),
        help = "The data centre: one, such as ord02, or all of a place, such as ORD; without it, PCAPS_COLO or the profile's"
    )]
    pub(crate) colo: Option<String>,

    /// The bucket that the files go to; `-` reads its URI from standard input.
    #[arg(
        long,
        value_name = "URI",
        help = "The bucket that the files go to; `-` reads its URI from standard input; without it, PCAPS_BUCKET or the profile's"
    )]
    pub(crate) bucket: Option<String>,

    /// How long to capture at most: 1s to 24h.
    #[arg(
        long,
        value_name = "DURATION",
        default_value = "1h",
        value_parser = duration,
        allow_hyphen_values = true
    )]
    pub(crate) time_limit: Duration,

    /// End after so many packets: 1 to 10000.
    #[arg(long, value_name = "N", value_parser = count, allow_hyphen_values = true)]
    pub(crate) packets: Option<u32>,

    /// End after so many bytes: up to 1GB.
    #[arg(long, value_name = "SIZE", value_parser = size, allow_hyphen_values = true)]
    pub(crate) bytes: Option<u64>,

    #[command(flatten)]
    pub(crate) dry: Dry,
}

/// Whether something is changed, or only shown.
#[derive(clap::Args)]
pub(crate) struct Dry {
    /// Check everything, print the request that would be sent, and send nothing.
    #[arg(long = "dry-run")]
    pub(crate) run: bool,
}

#[derive(clap::Args)]
pub(crate) struct CaptureArg {
    /// The capture's id.
    #[arg(value_name = "ID", add = ArgValueCompleter::new(completions::captures))]
    pub(crate) id: CaptureId,
}

#[derive(clap::Args)]
pub(crate) struct Stop {
    /// The capture's id.
    #[arg(value_name = "ID", add = ArgValueCompleter::new(completions::running))]
    pub(crate) id: CaptureId,

    #[command(flatten)]
    pub(crate) dry: Dry,
}

#[derive(clap::Args)]
pub(crate) struct Wait {
    /// The capture's id.
    #[arg(value_name = "ID", add = ArgValueCompleter::new(completions::captures))]
    pub(crate) id: CaptureId,

    /// Give up after so long; without it, wait as long as the capture takes.
    #[arg(
        long,
        value_name = "DURATION",
        value_parser = duration,
        allow_hyphen_values = true
    )]
    pub(crate) timeout: Option<Duration>,
}

#[derive(clap::Args)]
pub(crate) struct Download {
    /// The capture's id.
    #[arg(value_name = "ID", add = ArgValueCompleter::new(completions::samples))]
    pub(crate) id: CaptureId,

    #[command(flatten)]
    pub(crate) output: OutputFile,
}

#[derive(clap::Args)]
pub(crate) struct Fetch {
    /// The capture's id.
    #[arg(value_name = "ID", add = ArgValueCompleter::new(completions::finished))]
    pub(crate) id: CaptureId,

    /// The file to save to; `-` is standard output.
    #[arg(
        short = 'o',
        long,
        visible_short_alias = 'w',
        value_name = "FILE",
        value_hint = ValueHint::FilePath,
        required_unless_present = "split"
    )]
    pub(crate) output_file: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) open: Open,

    /// Keep the files apart in this folder, as well or only.
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) split: Option<PathBuf>,

    /// The bucket to fetch from, if not the capture's own; `-` reads its URI from standard input.
    #[arg(long, value_name = "URI")]
    pub(crate) bucket: Option<String>,

    #[command(flatten)]
    pub(crate) fetching: Fetching,

    /// Check everything, print what --delete-remote would delete, and fetch and delete nothing.
    #[arg(long, requires = "delete_remote")]
    pub(crate) dry_run: bool,
}

/// What `Fetching` has unless it is said otherwise.
pub(crate) const TRANSFERS: u16 = 16;

pub(crate) const SETTLE: Duration = Duration::from_secs(30);

/// How the files of a full capture are fetched.
#[derive(clap::Args)]
pub(crate) struct Fetching {
    /// How many files to fetch at once: 1 to 256.
    #[arg(
        long,
        value_name = "N",
        default_value_t = TRANSFERS,
        value_parser = clap::value_parser!(u16).range(1..=256),
        allow_hyphen_values = true
    )]
    pub(crate) transfers: u16,

    /// Delete from the bucket what was merged, once the output is in its place.
    #[arg(long)]
    pub(crate) delete_remote: bool,

    /// Take what there is: exit with 0 also when packets are missing.
    #[arg(long)]
    pub(crate) lenient: bool,

    /// How long the bucket has to stay the same before what is missing is given up.
    #[arg(
        long,
        value_name = "DURATION",
        default_value = "30s",
        value_parser = duration,
        allow_hyphen_values = true
    )]
    pub(crate) settle: Duration,
}
