//! The arguments of the commands that take past traffic.

use std::{path::PathBuf, time::Duration};

use clap::ValueHint;

use super::{
    captures::{Limit, OutputFile},
    values::{Past, duration, past},
};

#[derive(clap::Args)]
pub(crate) struct History {
    /// What to take, in tcpdump's language.
    #[arg(value_name = "FILTER")]
    pub(crate) filter: Vec<String>,

    /// From when: so long ago, such as 2h, or a time in RFC 3339; at most 24 hours ago.
    #[arg(
        long,
        visible_alias = "from",
        value_name = "WHEN",
        value_parser = past,
        required_unless_present = "resume"
    )]
    pub(crate) since: Option<Past>,

    /// Until when; without it, until now.
    #[arg(
        long,
        visible_alias = "to",
        value_name = "WHEN",
        value_parser = past
    )]
    pub(crate) until: Option<Past>,

    /// Go on with what ended early, from what is beside the output.
    #[arg(long, conflicts_with_all = ["filter", "since", "until", "packets", "dry_run"])]
    pub(crate) resume: bool,

    #[command(flatten)]
    pub(crate) limit: Limit,

    /// Ask for nothing more after so long, and save what there is.
    #[arg(long, value_name = "DURATION", value_parser = duration, allow_hyphen_values = true)]
    pub(crate) max_time: Option<Duration>,

    #[command(flatten)]
    pub(crate) output: OutputFile,

    /// Check everything, print the requests that would be sent, one a minute, and send nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
}

#[derive(clap::Args)]
pub(crate) struct Watch {
    /// The folder that the files go to; it is made when it is not there.
    #[arg(value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) folder: PathBuf,

    /// What to take, in tcpdump's language.
    #[arg(value_name = "FILTER")]
    pub(crate) filter: Vec<String>,

    /// How many files to keep.
    #[arg(
        long,
        value_name = "N",
        default_value = "24",
        value_parser = clap::value_parser!(u32).range(1..),
        allow_hyphen_values = true
    )]
    pub(crate) keep: u32,

    /// How much time each file has: 2m to 12h.
    #[arg(
        long,
        value_name = "DURATION",
        default_value = "5m",
        value_parser = duration,
        allow_hyphen_values = true
    )]
    pub(crate) every: Duration,

    #[command(flatten)]
    pub(crate) limit: Limit,

    /// Check everything, print the requests that would be sent for the first file of an empty folder, and send nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
}
