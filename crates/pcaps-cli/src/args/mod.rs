//! The command line's grammar and help.

mod command;
mod export;
mod groups;
mod help;
mod past;
mod query;
mod refusal;
mod values;

use std::{ffi::OsString, net::SocketAddr, num::NonZeroU32, path::PathBuf, time::Duration};

use clap::{ColorChoice, Parser, Subcommand, ValueHint, builder::NonEmptyStringValueParser};
use clap_complete::engine::ArgValueCompleter;
use jiff::Timestamp;
use pcaps::{BucketId, CaptureId};

use crate::{log::LogFormat, output::Format, progress::Shown};
pub(crate) use export::Export;
pub(crate) use groups::command;
pub(crate) use past::{History, Watch};
pub(crate) use query::Query;
pub(crate) use refusal::parse;
pub(crate) use values::{Mapping, count, duration, size};
use values::{bucket_id, mapping, one_in, seed, socket, time};

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

    /// How many packets to take at most: 1 to 10000.
    #[arg(
        long,
        value_name = "N",
        default_value = "10000",
        value_parser = count,
        allow_hyphen_values = true
    )]
    pub(crate) packets: u32,

    /// Look back from this time instead of now, at most 24 hours ago: RFC 3339.
    #[arg(long, value_name = "TIME", value_parser = time, allow_hyphen_values = true)]
    pub(crate) at: Option<Timestamp>,

    #[command(flatten)]
    pub(crate) dry: Dry,
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

#[derive(Subcommand)]
pub(crate) enum Auth {
    /// Keep an API token, once the service has accepted it.
    #[command(after_help = help::LOGIN)]
    Login(Login),

    /// Show which credentials are used, and what they are good for.
    #[command(after_help = help::STATUS)]
    Status,

    /// Forget the token that was kept for the profile.
    #[command(after_help = help::LOGOUT)]
    Logout,
}

#[derive(clap::Args)]
pub(crate) struct Login {
    /// Keep the token without asking the service about it, where it cannot be reached.
    #[arg(long)]
    pub(crate) offline: bool,

    /// Keep the token in a file that only you can read, also where the system has a keyring.
    #[arg(long)]
    pub(crate) insecure_storage: bool,
}

#[derive(Subcommand)]
pub(crate) enum Wireshark {
    /// Show "Cloudflare Magic Transit" among Wireshark's interfaces.
    #[command(after_help = help::WIRESHARK_INSTALL)]
    Install(WiresharkPlace),

    /// Show whether it is among them.
    #[command(after_help = help::WIRESHARK_STATUS)]
    Status(WiresharkPlace),

    /// Take it away from among them.
    #[command(after_help = help::WIRESHARK_UNINSTALL)]
    Uninstall(WiresharkPlace),
}

impl Wireshark {
    pub(crate) fn place(&self) -> &WiresharkPlace {
        match self {
            Self::Install(it) | Self::Status(it) | Self::Uninstall(it) => it,
        }
    }
}

#[derive(clap::Args)]
pub(crate) struct WiresharkPlace {
    /// The folder of programs to capture with; without it, the one that tshark names.
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) dir: Option<PathBuf>,
}

#[derive(clap::Args)]
pub(crate) struct Completions {
    /// The shell that is to read it.
    #[arg(value_name = "SHELL")]
    pub(crate) shell: Shell,
}

/// A shell that can be helped to complete.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(crate) enum Shell {
    Bash,
    Fish,
    Powershell,
    Zsh,
}

#[derive(clap::Args)]
pub(crate) struct Man {
    /// The command, such as `capture` or `bucket prove`; without it, the program.
    #[arg(value_name = "COMMAND")]
    pub(crate) words: Vec<String>,

    /// Write the pages of all commands into this folder, for a package.
    #[arg(
        long,
        value_name = "DIR",
        value_hint = ValueHint::DirPath,
        conflicts_with = "words"
    )]
    pub(crate) dir: Option<PathBuf>,
}

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

#[derive(clap::Args)]
pub(crate) struct Schema {
    /// The command, such as `bucket list`; or `dry-run`, or `error`. Without one, all of them.
    #[arg(value_name = "COMMAND")]
    pub(crate) command: Vec<String>,
}
