//! What Wireshark asks for, in arguments of any order, and what the values of its dialog mean.

use std::{path::PathBuf, time::Duration};

use pcaps::{Destination, Filter, Sample};

use crate::{
    args::{self, Global},
    commands::start,
    failure::Failure,
    settings::Settings,
};

/// The arguments that Wireshark gives. Values of the dialog are text: whoever reloads one of its lists has not filled in
/// the others yet.
#[derive(clap::Parser)]
#[command(name = "pcaps")]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is an argument of another program"
)]
pub(super) struct Asked {
    #[command(flatten)]
    pub(super) global: Global,

    /// Which interfaces are there?
    #[arg(long)]
    pub(super) extcap_interfaces: bool,

    /// The version of Wireshark.
    #[arg(long, value_name = "VERSION", num_args = 0..=1)]
    extcap_version: Option<String>,

    /// The interface that the other questions are about.
    #[arg(long, value_name = "NAME")]
    pub(super) extcap_interface: Option<String>,

    /// Which link types does it have?
    #[arg(long)]
    pub(super) extcap_dlts: bool,

    /// What can be chosen in its dialog?
    #[arg(long)]
    pub(super) extcap_config: bool,

    /// What can be chosen for this option of it?
    #[arg(long, value_name = "OPTION")]
    pub(super) extcap_reload_option: Option<String>,

    /// What to take, as it is typed where filters of any capture are. Without --capture: is it good?
    #[arg(long, value_name = "FILTER", allow_hyphen_values = true)]
    pub(super) extcap_capture_filter: Option<String>,

    /// Pipes for buttons in a toolbar, which this interface has none of.
    #[arg(long, value_name = "PIPE")]
    extcap_control_in: Option<PathBuf>,
    #[arg(long, value_name = "PIPE")]
    extcap_control_out: Option<PathBuf>,

    /// Capture.
    #[arg(long)]
    pub(super) capture: bool,

    /// Where the packets go.
    #[arg(long, value_name = "PIPE")]
    pub(super) fifo: Option<PathBuf>,

    #[arg(long, value_enum, default_value_t)]
    pub(super) kind: Kind,

    #[arg(long, allow_hyphen_values = true)]
    filter: Option<String>,

    #[arg(long, allow_hyphen_values = true)]
    time_limit: Option<String>,

    #[arg(long, allow_hyphen_values = true)]
    packets: Option<String>,

    #[arg(long, allow_hyphen_values = true)]
    bytes: Option<String>,

    #[arg(long, allow_hyphen_values = true)]
    colo: Option<String>,

    #[arg(long, allow_hyphen_values = true)]
    bucket: Option<String>,
}

/// What is captured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Kind {
    /// What has passed in the last minutes.
    #[default]
    Sample,
    /// The same again and again.
    Samples,
    /// New packets of one data centre.
    Full,
}

impl Asked {
    /// The filter of the dialog and that of the capture, both.
    pub(super) fn filter(&self) -> Result<Filter, Failure> {
        let both = [self.filter.as_ref(), self.extcap_capture_filter.as_ref()];
        let texts: Vec<_> = both.into_iter().filter_map(given).collect();
        for text in &texts {
            // By itself, so that the place of what is wrong is one in what was typed.
            start::parse(&[(*text).to_owned()])?;
        }
        match texts[..] {
            [one, other] => start::parse(&[format!("({one}) and ({other})")]),
            _ => start::parse(&texts.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>()),
        }
    }

    /// The sample that is asked for.
    pub(super) fn sample(&self) -> Result<Sample, Failure> {
        let long = match self.kind {
            Kind::Samples => Duration::from_mins(1),
            _ => Duration::from_mins(5),
        };
        let long = self.time_limit()?.unwrap_or(long);
        let packets = self.packets()?.unwrap_or(10_000);
        Ok(Sample::new(long, packets)?.filter(self.filter()?))
    }

    /// The full capture that is asked for. Where nothing is said, the profile is to say it.
    pub(super) fn full(&self) -> Result<args::StartFull, Failure> {
        let bucket = given(self.bucket.as_ref());
        if let Some(bucket) = bucket {
            let parsed: Destination = bucket.parse()?;
            // Arguments are there for all users of the machine to read, and Wireshark keeps them in a file. What is
            // printed has no keys.
            if parsed.to_string() != bucket {
                return Err(Failure::usage(
                    "Bucket has keys in it: leave them out; for R2 they are R2_ACCESS_KEY_ID and R2_SECRET_ACCESS_KEY in the environment",
                ));
            }
        }
        let settings = Settings::load(&self.global)?;
        let colo = given(self.colo.as_ref()).map(str::to_owned);
        let bucket = bucket.map(str::to_owned);
        for (field, key, is_there) in [
            (
                "Data centre",
                "colo",
                settings.colo(colo.as_ref()).is_some(),
            ),
            (
                "Bucket",
                "bucket",
                settings.bucket(bucket.as_ref()).is_some(),
            ),
        ] {
            if !is_there {
                return Err(Failure::usage(format!(
                    "a full capture needs a value in the field {field} (of Full capture, in the dialog), or `{key}` in the profile"
                )));
            }
        }
        let bytes = given(self.bytes.as_ref()).map(args::size).transpose();
        // Both were looked at: of words, this makes one filter again.
        let filter = self.filter()?.to_string();
        Ok(args::StartFull {
            filter: vec![filter],
            colo,
            bucket,
            time_limit: self.time_limit()?.unwrap_or(Duration::from_hours(1)),
            packets: self.packets()?,
            bytes: bytes.map_err(|it| wrong("Bytes", &it))?,
            dry: args::Dry { run: false },
        })
    }

    fn time_limit(&self) -> Result<Option<Duration>, Failure> {
        let limit = given(self.time_limit.as_ref())
            .map(args::duration)
            .transpose();
        limit.map_err(|it| wrong("Time limit", &it))
    }

    fn packets(&self) -> Result<Option<u32>, Failure> {
        let packets = given(self.packets.as_ref()).map(args::count).transpose();
        packets.map_err(|it| wrong("Packets", &it))
    }
}

/// A field that was left empty was not filled in.
fn given(value: Option<&String>) -> Option<&str> {
    value
        .map(String::as_str)
        .map(str::trim)
        .filter(|it| !it.is_empty())
}

fn wrong(field: &str, what: &str) -> Failure {
    Failure::usage(format!("{field}: {what}"))
}
