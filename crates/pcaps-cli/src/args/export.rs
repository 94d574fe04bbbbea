//! What `pcaps export` is asked.

use clap::ValueHint;
use clap_complete::engine::ArgValueCompleter;
use pcaps::pcaps_table::CaptureName;

use super::values::{capture_name, shard};
use crate::completions;

#[derive(clap::Args)]
pub(crate) struct Export {
    /// Capture files, folders of them, or buckets' URIs: s3://, gs://, r2://.
    #[arg(value_name = "FILE|URI", required = true, value_hint = ValueHint::AnyPath)]
    pub(crate) inputs: Vec<String>,

    /// The folder, or the bucket's URI, for the table; one that is there is brought up to date.
    #[arg(short, long, value_name = "DIR|URI", value_hint = ValueHint::DirPath)]
    pub(crate) output_dir: String,

    /// The capture that the files are of; without it, their names tell.
    #[arg(long, value_name = "ID", value_parser = capture_name)]
    pub(crate) capture_id: Option<CaptureName>,

    /// The data centre that the files are from, for the column colo.
    #[arg(long, value_name = "NAME", add = ArgValueCompleter::new(completions::colos))]
    pub(crate) colo: Option<String>,

    /// Export the I-th of N shards of the files only, such as 1/4.
    #[arg(long, value_name = "I/N", value_parser = shard)]
    pub(crate) shard: Option<(u32, u32)>,

    /// Take files that are torn or damaged for what they hold: exit with 0 all the same.
    #[arg(long)]
    pub(crate) lenient: bool,
}
