//! What there is to be chosen: sentences of Wireshark's own language, a line each.
//!
//! Its parser ends a value at a `}`: no text here has one. What a pattern refuses cannot be confirmed in the dialog, which
//! does not say why: only what is never right has one, and keys, which Wireshark would keep.

use std::fmt::Write as _;

use clap::Parser as _;

use super::{INTERFACE, NAME, asked::Asked};
use crate::settings::{Config, Settings};

pub(super) fn interfaces() -> String {
    let version = env!("CARGO_PKG_VERSION");
    format!(
        "extcap {{version={version}}}{{display={NAME}}}\ninterface {{value={INTERFACE}}}{{display={NAME}}}\n"
    )
}

/// The packets say it themselves; 147 is free for any use.
pub(super) fn link_types() -> String {
    format!("dlt {{number=147}}{{name={INTERFACE}}}{{display=As it was captured}}\n")
}

/// The fields, and among them the number of that for the profile.
const FIELDS: &str = r"arg {number=0}{call=--kind}{display=Kind}{type=radio}{tooltip=A sample is of all data centres, and has the first 160 bytes of each packet. A full capture has whole packets, of one data centre: they come as its files appear in the bucket, and when it is stopped, a message says how to fetch the rest.}{group=Capture}
value {arg=0}{value=sample}{display=Sample: what has passed in the last minutes, 10000 packets at most}{default=true}
value {arg=0}{value=samples}{display=Samples: one each minute, of 10000 packets at most, until it is stopped}{default=false}
value {arg=0}{value=full}{display=Full capture: new packets, through a bucket}{default=false}
arg {number=1}{call=--filter}{display=Filter}{type=string}{placeholder=udp and dst port 53}{tooltip=What to take, in the part of tcpdump's language that the service understands. Empty: everything.}{group=Capture}
arg {number=2}{call=--time-limit}{display=Time limit}{type=string}{placeholder=sample 5m, samples 1m, full 1h}{tooltip=How far to look back: 1s to 5m. How long to capture in full: 1s to 24h.}{group=Capture}
arg {number=3}{call=--packets}{display=Packets at most}{type=string}{validation=^[0-9]+$}{placeholder=samples 10000, full without a limit}{tooltip=1 to 10000}{group=Capture}
arg {number=4}{call=--profile}{display=Profile}{type=selector}{reload=true}{placeholder=Reload}{tooltip=The profile of pcaps' configuration file that says account, data centre and bucket. Without a choice it is default_profile.}{group=Capture}
";

const FULL: &str = r"arg {number=5}{call=--colo}{display=Data centre}{type=string}{validation=^[A-Za-z0-9]+$}{placeholder=the profile's}{tooltip=One, such as ord02, or all of a place, such as ORD.}{group=Full capture}
arg {number=6}{call=--bucket}{display=Bucket}{type=string}{validation=^(s3|gs|r2)://(?!.*[Kk][Ee][Yy]).+$}{placeholder=the profile's}{tooltip=A bucket that is proven to be yours, such as s3://captures/edge?region=eu-west-1, without keys.}{group=Full capture}
arg {number=7}{call=--bytes}{display=Bytes at most}{type=string}{placeholder=without a limit}{tooltip=Up to 1GB.}{group=Full capture}
";

pub(super) fn options() -> String {
    format!("{FIELDS}{}{FULL}", profiles())
}

/// What can be chosen for one of the fields now.
pub(super) fn reloaded(option: &str) -> String {
    if option.trim_start_matches('-') == "profile" {
        profiles()
    } else {
        String::new()
    }
}

/// The profiles of the configuration file. One that is broken has none: it is told of when there is something to capture.
fn profiles() -> String {
    let mut text = "value {arg=4}{value=}{display=(default)}{default=true}\n".to_owned();
    // By what the environment says, and not by what was chosen before.
    let global = Asked::try_parse_from([INTERFACE]).map(|it| it.global);
    let settings = global.ok().and_then(|it| Settings::load_any(&it).ok());
    let config = settings.and_then(|it| it.config);
    for name in config.iter().flat_map(Config::names) {
        // Writing to a string does not fail.
        let _ = writeln!(
            text,
            "value {{arg=4}}{{value={name}}}{{display={name}}}{{default=false}}"
        );
    }
    text
}
