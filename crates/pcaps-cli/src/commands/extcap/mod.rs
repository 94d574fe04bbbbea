//! What Wireshark is told when it runs this program as one of its external capture programs ("extcap"): which interfaces
//! there are, what their dialog asks for, and the packets.
//!
//! Discovery ([`dialog`]) knows nothing: neither network nor credentials, and of the configuration the names of its profiles
//! only, if they can be read. It is asked for at each start of Wireshark and of tshark, several times.
//!
//! Source of the conversation: Wireshark's manual page extcap(4) and its Developer's Guide.

mod asked;
mod capture;
mod dialog;
mod fifo;

use std::{ffi::OsString, path::PathBuf, process::ExitCode};

use clap::Parser as _;

use crate::{failure::Failure, output};
use asked::Asked;

/// What the interface is called by those who type it: `tshark -i pcaps`.
const INTERFACE: &str = "pcaps";
/// What it is called in the list.
const NAME: &str = "Cloudflare Magic Transit";

/// Answers Wireshark, if it is Wireshark that asks: its first argument is an option, and one of all begins with
/// `--extcap-`.
pub(crate) fn answer(arguments: impl IntoIterator<Item = OsString>) -> Option<ExitCode> {
    let arguments: Vec<_> = arguments.into_iter().collect();
    let begins = |it: &OsString, with: &str| it.to_string_lossy().starts_with(with);
    let is_option = arguments.get(1).is_some_and(|it| begins(it, "--"));
    if !is_option || !arguments.iter().any(|it| begins(it, "--extcap-")) {
        return None;
    }
    Some(match reply(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            // Wireshark says before it that it is an error.
            output::diagnostic(failure.message());
            if let Some(note) = failure.note() {
                output::diagnostic(&format!("note: {note}"));
            }
            ExitCode::from(failure.exit() as u8)
        }
    })
}

fn reply(arguments: Vec<OsString>) -> Result<(), Failure> {
    let fifo = fifo_of(&arguments).map(PathBuf::from);
    let asked = match Asked::try_parse_from(arguments) {
        Ok(asked) => asked,
        Err(error) => {
            if let Some(fifo) = fifo {
                capture::refuse(&fifo)?;
            }
            // Wireshark shows it: its first line says what is wrong.
            let text = error.to_string();
            let line = text.lines().next().unwrap_or_default();
            return Err(Failure::usage(line.trim_start_matches("error: ")));
        }
    };
    if asked.extcap_interfaces {
        return output::print(&dialog::interfaces());
    }
    match asked.extcap_interface.as_deref() {
        Some(INTERFACE) => {}
        Some(other) => {
            return Err(Failure::usage(format!(
                "there is no interface {other}: the only one is {INTERFACE}"
            )));
        }
        None => return Err(Failure::usage("there is no --extcap-interface")),
    }
    if asked.extcap_dlts {
        output::print(&dialog::link_types())
    } else if asked.extcap_config {
        output::print(&match asked.extcap_reload_option.as_deref() {
            Some(option) => dialog::reloaded(option),
            None => dialog::options(),
        })
    } else if asked.capture {
        capture::run(&asked)
    } else if asked.extcap_capture_filter.is_some() {
        // What is printed is shown while somebody types; nothing says that the filter is good.
        match asked.filter() {
            Ok(_) => Ok(()),
            Err(failure) => {
                let line = failure.message().lines().next().unwrap_or_default();
                output::print(&format!("{line}\n"))
            }
        }
    } else {
        Err(Failure::usage("it is not said what is asked for"))
    }
}

/// The pipe of a capture, whatever else the arguments are.
fn fifo_of(arguments: &[OsString]) -> Option<&OsString> {
    arguments.iter().find(|it| *it == "--capture")?;
    let place = arguments.iter().position(|it| it == "--fifo")?;
    arguments.get(place + 1)
}
