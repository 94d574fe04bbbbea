//! The arguments of `bucket`.

use std::time::Duration;

use clap::Subcommand;
use clap_complete::engine::ArgValueCompleter;
use pcaps::BucketId;

use super::{
    captures::Dry,
    help,
    values::{bucket_id, duration},
};
use crate::completions;

#[derive(Subcommand)]
pub(crate) enum Bucket {
    /// Prove that a bucket is yours, registering it if need be; goes on where it was ended.
    #[command(after_help = help::PROVE)]
    Prove {
        /// The bucket's URI; `-` reads it from standard input, where other users of this machine cannot see its keys.
        #[arg(value_name = "URI")]
        uri: String,

        /// Give up after so long.
        #[arg(
            long,
            value_name = "DURATION",
            default_value = "30m",
            value_parser = duration,
            allow_hyphen_values = true
        )]
        timeout: Duration,

        #[command(flatten)]
        dry: Dry,
    },

    /// Register a bucket: the service writes a challenge file into it.
    #[command(after_help = help::ADD)]
    Add {
        /// The bucket's URI; `-` reads it from standard input, where other users of this machine cannot see its keys.
        #[arg(value_name = "URI")]
        uri: String,

        #[command(flatten)]
        dry: Dry,
    },

    /// List the registered buckets.
    #[command(after_help = help::BUCKETS)]
    List,

    /// Send the content of the challenge file of a registered bucket.
    #[command(after_help = help::VALIDATE)]
    Validate {
        /// The bucket's URI, without keys; `-` reads it from standard input.
        #[arg(value_name = "URI")]
        uri: String,

        /// The content of the challenge file; `-` reads it from standard input, where other users of this machine
        /// cannot see it.
        #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
        challenge: String,

        #[command(flatten)]
        dry: Dry,
    },

    /// Forget a registered bucket; what is in it stays.
    #[command(after_help = help::REMOVE)]
    Remove {
        /// The bucket's id.
        #[arg(
            value_name = "ID",
            value_parser = bucket_id,
            add = ArgValueCompleter::new(completions::buckets)
        )]
        id: BucketId,

        /// Do not ask.
        #[arg(long, short)]
        yes: bool,

        #[command(flatten)]
        dry: Dry,
    },
}
