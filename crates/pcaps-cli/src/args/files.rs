//! The arguments of the commands about capture files.

use std::{ffi::OsString, path::PathBuf, time::Duration};

use clap::ValueHint;

use super::{captures::OutputFile, values::duration};

#[derive(clap::Args)]
pub(crate) struct Stats {
    /// Pcap or pcapng files; `-` is standard input.
    #[arg(value_name = "FILE", required = true, value_hint = ValueHint::FilePath)]
    pub(crate) files: Vec<PathBuf>,
}

#[derive(clap::Args)]
pub(crate) struct Report {
    /// Pcap or pcapng files; `-` is standard input.
    #[arg(value_name = "FILE", required = true, value_hint = ValueHint::FilePath)]
    pub(crate) files: Vec<PathBuf>,

    /// The page to save to, such as report.html; `-` is standard output.
    #[arg(
        short = 'o',
        long,
        visible_short_alias = 'w',
        value_name = "FILE",
        value_hint = ValueHint::FilePath
    )]
    pub(crate) output_file: PathBuf,

    /// Show the page in the browser.
    #[arg(long)]
    pub(crate) open: bool,

    /// Take files that are torn or damaged for what they hold: exit with 0 if all are captures.
    #[arg(long)]
    pub(crate) lenient: bool,
}

#[derive(clap::Args)]
pub(crate) struct Filter {
    /// Which packets to take, in tcpdump's language; then, without --read, the files. `-` is standard input.
    #[arg(value_name = "FILTER|FILE")]
    pub(crate) words: Vec<OsString>,

    /// A pcap or pcapng file to read; every word is of the filter then. May be given several times.
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) read: Vec<PathBuf>,

    #[command(flatten)]
    pub(crate) output: OutputFile,
}

#[derive(clap::Args)]
pub(crate) struct Merge {
    /// pcap or pcapng files, also with gzip or zstd; `-` is standard input.
    #[arg(value_name = "FILE", required = true, value_hint = ValueHint::FilePath)]
    pub(crate) files: Vec<PathBuf>,

    #[command(flatten)]
    pub(crate) output: OutputFile,

    /// Leave out a packet that was seen in another file within WINDOW.
    #[arg(
        long,
        value_name = "WINDOW",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "10ms",
        value_parser = duration,
        help = "Leave out a packet that was seen in another file within WINDOW, which is 10ms if it is not given"
    )]
    pub(crate) dedup: Option<Duration>,

    /// Take files that are torn or damaged for what they hold: exit with 0 all the same.
    #[arg(long)]
    pub(crate) lenient: bool,
}
