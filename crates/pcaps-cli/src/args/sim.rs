//! The arguments of `sim`.

use std::{net::SocketAddr, num::NonZeroU32, path::PathBuf};

use clap::ValueHint;

use super::values::{one_in, seed, socket};

#[derive(clap::Args)]
pub(crate) struct Sim {
    /// Where to listen; port 0 takes any free one.
    #[arg(
        long,
        value_name = "ADDR",
        default_value = "127.0.0.1:0",
        value_parser = socket
    )]
    pub(crate) listen: SocketAddr,

    /// A capture file to take the packets from, instead of making them up.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, conflicts_with = "seed")]
    pub(crate) traffic: Option<PathBuf>,

    /// A folder for the buckets, instead of memory; it is made if it is not there.
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) buckets: Option<PathBuf>,

    /// Take one packet in N.
    #[arg(
        long,
        value_name = "N",
        default_value = "1",
        value_parser = one_in,
        allow_hyphen_values = true
    )]
    pub(crate) sampling: NonZeroU32,

    /// Which traffic to make up: the same number makes the same packets.
    #[arg(
        long,
        value_name = "N",
        default_value = "0",
        value_parser = seed,
        allow_hyphen_values = true
    )]
    pub(crate) seed: u64,

    /// Set no limits on how often something may be asked: neither one sample a minute, nor 1,200 requests in five
    /// minutes.
    #[arg(long)]
    pub(crate) unlimited: bool,

    /// Listen here too, for programs that move the clock, order faults and read what was asked; GET / lists how.
    #[arg(long, value_name = "ADDR", value_parser = socket)]
    pub(crate) control: Option<SocketAddr>,
}
