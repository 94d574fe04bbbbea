//! The command line's grammar and help.

mod buckets;
mod captures;
mod command;
mod export;
mod files;
mod groups;
mod help;
mod past;
mod query;
mod refusal;
mod setup;
mod sim;
mod values;

use clap::{ColorChoice, Parser, Subcommand, ValueHint, builder::NonEmptyStringValueParser};
use clap_complete::engine::ArgValueCompleter;

use crate::{log::LogFormat, output::Format, progress::Shown};
pub(crate) use buckets::Bucket;
pub(crate) use captures::{
    Capture, CaptureArg, CaptureFull, CaptureOther, Download, Dry, Fetch, Fetching, Open, SETTLE,
    Sample, Start, StartFull, Stop, TRANSFERS, Wait,
};
pub(crate) use export::Export;
pub(crate) use files::{Filter, Merge, Report, Stats};
pub(crate) use groups::command;
pub(crate) use past::{History, Watch};
pub(crate) use query::Query;
pub(crate) use refusal::parse;
pub(crate) use setup::{Auth, Completions, Login, Man, Schema, Shell, Wireshark};
pub(crate) use sim::Sim;
use values::mapping;
pub(crate) use values::{Mapping, count, duration, size};

use crate::completions;

/// Packet captures on Cloudflare's Magic Transit, from a filter to an open file.
#[derive(Parser)]
#[command(
    name = "pcaps",
    bin_name = "pcaps",
    version,
    after_help = help::PCAPS
)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Options of every command.
#[derive(clap::Args)]
#[command(next_help_heading = "Global options")]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is an option that is given or not"
)]
pub(crate) struct Global {
    /// A profile of the configuration file.
    #[arg(
        long,
        global = true,
        value_name = "NAME",
        add = ArgValueCompleter::new(completions::profiles),
        help = "The profile of the configuration file to go by; without it, PCAPS_PROFILE or the file's default_profile"
    )]
    pub(crate) profile: Option<String>,

    /// The account's id.
    #[arg(
        long,
        global = true,
        value_name = "ID",
        help = "The account's id; without it, CLOUDFLARE_ACCOUNT_ID or the profile's"
    )]
    pub(crate) account: Option<String>,

    /// Where the API is.
    #[arg(
        long,
        global = true,
        value_name = "URL",
        value_hint = ValueHint::Url,
        help = "Where the API is: https, or http to this machine; without it, CLOUDFLARE_BASE_URL, the profile's or Cloudflare's"
    )]
    pub(crate) base_url: Option<String>,

    /// How often a request that failed is sent again.
    #[arg(
        long,
        global = true,
        value_name = "N",
        default_value_t = 3,
        value_parser = clap::value_parser!(u32).range(0..=100),
        help = "How often a request that failed is sent again, where that is safe"
    )]
    pub(crate) retries: u32,

    /// Where one bucket is instead of its cloud; can be repeated. As of `pcaps sim`.
    #[arg(
        long,
        global = true,
        value_name = "URI=STORE",
        value_parser = mapping,
        help = "Where one bucket, or a directory of one, is instead of its cloud (`pcaps sim --help`); can be repeated"
    )]
    pub(crate) bucket_map: Vec<Mapping>,

    /// Ask a simulator inside this process: no account, no token, no network.
    #[arg(long, global = true)]
    pub(crate) simulate: bool,

    /// How the result is printed.
    #[arg(
        long,
        global = true,
        value_enum,
        value_name = "FORMAT",
        help = "How the result is printed: table, unless it is said otherwise"
    )]
    pub(crate) output: Option<Format>,

    /// Short for `--output json`.
    #[arg(long, global = true)]
    pub(crate) json: bool,

    /// Print these fields of the result only, by their names in JSON: `status,filter_v1.protocol`.
    #[arg(
        long,
        global = true,
        value_name = "FIELD,...",
        value_delimiter = ',',
        value_parser = NonEmptyStringValueParser::new(),
        help = "Print these fields only, by their names in JSON, such as id,filter_v1.protocol"
    )]
    pub(crate) fields: Vec<String>,

    /// Show times in UTC instead of local time; JSON has UTC in any case.
    #[arg(long, global = true)]
    pub(crate) utc: bool,

    /// When to use colours.
    #[arg(
        long,
        global = true,
        value_enum,
        value_name = "WHEN",
        default_value_t,
        help = "When to use colours; NO_COLOR in the environment turns them off"
    )]
    pub(crate) color: ColorChoice,

    /// How progress is shown.
    #[arg(
        long,
        global = true,
        value_enum,
        value_name = "HOW",
        default_value_t,
        help = "How progress is shown: auto is a bar on a terminal and lines elsewhere"
    )]
    pub(crate) progress: Shown,

    /// Show neither progress nor hints.
    #[arg(long, short, global = true)]
    pub(crate) quiet: bool,

    /// Show requests and answers, on standard error.
    #[arg(long, short, global = true)]
    pub(crate) verbose: bool,

    /// How --verbose and `sim` write what they show.
    #[arg(
        long,
        global = true,
        value_enum,
        value_name = "FORMAT",
        default_value_t
    )]
    pub(crate) log_format: LogFormat,
}

impl Global {
    /// How the result is printed.
    pub(crate) fn format(&self) -> Format {
        let short = self.json.then_some(Format::Json);
        self.output.or(short).unwrap_or_default()
    }

    /// How progress is shown.
    pub(crate) fn shown(&self) -> Shown {
        match self.progress {
            _ if self.quiet => Shown::None,
            // What is logged would go through a bar.
            Shown::Auto if self.verbose => Shown::Plain,
            shown => shown,
        }
    }

    /// Whether the result is printed in a command's own words, for people.
    pub(crate) fn is_text(&self) -> bool {
        self.format().is_table() && self.fields.is_empty()
    }
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Take a sample of traffic, or a full capture, and save it to a file.
    #[command(after_help = help::CAPTURE)]
    Capture(Capture),

    /// Start a capture, and leave it to the service.
    #[command(subcommand, after_help = help::START)]
    Start(Start),

    /// List the newest captures, 50 at most.
    #[command(after_help = help::LIST)]
    List,

    /// Show one capture.
    #[command(after_help = help::SHOW)]
    Show(CaptureArg),

    /// Wait until a capture has finished.
    #[command(after_help = help::WAIT)]
    Wait(Wait),

    /// Stop a full capture; what it has taken goes to its bucket.
    #[command(after_help = help::STOP)]
    Stop(Stop),

    /// Save the packets of a finished sample to a file.
    #[command(after_help = help::DOWNLOAD)]
    Download(Download),

    /// Fetch the files of a full capture from its bucket, and merge them into one.
    #[command(after_help = help::FETCH)]
    Fetch(Fetch),

    /// Take the packets of hours that have passed, in many samples, into one file.
    #[command(after_help = help::HISTORY)]
    History(History),

    /// Keep the packets of the last hours in a folder, a file for every five minutes.
    #[command(after_help = help::WATCH)]
    Watch(Watch),

    /// Register the buckets that full captures are written to.
    #[command(subcommand, after_help = help::BUCKET)]
    Bucket(Bucket),

    /// Log in, and see who is logged in.
    #[command(subcommand, after_help = help::AUTH)]
    Auth(Auth),

    /// Check that everything is there that the other commands need.
    #[command(after_help = help::DOCTOR)]
    Doctor,

    /// Print a script that completes commands, options and ids in a shell.
    #[command(after_help = help::COMPLETIONS)]
    Completions(Completions),

    /// Print the manual page of a command.
    #[command(after_help = help::MAN)]
    Man(Man),

    /// Sum up capture files.
    #[command(after_help = help::STATS)]
    Stats(Stats),

    /// Make a page of capture files that is looked at in a browser.
    #[command(after_help = help::REPORT)]
    Report(Report),

    /// Save the packets of capture files that a filter takes.
    #[command(after_help = help::FILTER)]
    Filter(Filter),

    /// Merge capture files into one, in the order of time.
    #[command(after_help = help::MERGE)]
    Merge(Merge),

    /// Turn capture files into a table in Parquet, for SQL and data frames.
    #[command(after_help = help::EXPORT)]
    Export(Export),

    /// Ask packets in Parquet a question, in SQL.
    #[command(after_help = query::help())]
    Query(Query),

    /// Capture from within Wireshark.
    #[command(subcommand, after_help = help::WIRESHARK)]
    Wireshark(Wireshark),

    /// Run a simulator of the service.
    #[command(after_help = help::SIM)]
    Sim(Sim),

    /// Print the JSON Schema of a command's result.
    #[command(after_help = help::SCHEMA)]
    Schema(Schema),
}
