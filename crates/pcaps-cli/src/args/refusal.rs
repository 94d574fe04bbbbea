//! Arguments that are not taken, and how that is said.

use std::{ffi::OsString, process::ExitCode};

use clap::{
    Error, FromArgMatches as _,
    error::{ContextKind, ContextValue, ErrorKind},
};

use super::{Args, command};
use crate::output;

/// What clap answers in place of arguments: an error, or the help that was asked for.
#[derive(Debug)]
pub(crate) struct Refusal(Error);

/// Reads arguments, the first of which is the program's name.
pub(crate) fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Args, Refusal> {
    let arguments: Vec<_> = arguments.into_iter().collect();
    // A stray word of these commands may be a challenge.
    let secretive = arguments
        .iter()
        .any(|it| it == "bucket" || it.to_string_lossy().starts_with("--bucket"));
    let matches = command().try_get_matches_from(arguments);
    let args = matches.and_then(|it| Args::from_arg_matches(&it));
    args.map_err(|mut error| {
        hide_strays(&mut error, secretive);
        Refusal(error)
    })
}

/// Takes out of an error what may be a secret: a URI, and in some commands a word that stands where none is expected.
fn hide_strays(error: &mut Error, secretive: bool) {
    let unexpected = secretive
        && matches!(
            error.kind(),
            ErrorKind::UnknownArgument | ErrorKind::InvalidSubcommand | ErrorKind::TooManyValues
        );
    for kind in [
        ContextKind::InvalidArg,
        ContextKind::InvalidSubcommand,
        ContextKind::InvalidValue,
    ] {
        let Some(shown) = error.get(kind).map(ToString::to_string) else {
            continue;
        };
        if shown.contains("://") || (unexpected && !shown.starts_with("--")) {
            error.insert(kind, ContextValue::String("…".to_owned()));
            error.remove(ContextKind::Suggested);
        }
    }
}

impl Refusal {
    /// Prints it where it belongs, and gives its exit code.
    pub(crate) fn report(&self) -> ExitCode {
        if self.0.kind() == ErrorKind::ValueValidation {
            output::diagnostic(&self.line());
        } else {
            // Nobody may be listening any more.
            let _ = self.0.print();
        }
        ExitCode::from(u8::try_from(self.0.exit_code()).unwrap_or(1))
    }

    /// The first line: what is wrong with a value, and how to write it. The rest would point at the help.
    fn line(&self) -> String {
        let text = self.0.to_string();
        text.lines().next().unwrap_or_default().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::{Bucket, CaptureOther, Command, Start};

    fn args(line: &[&str]) -> Result<Args, Refusal> {
        parse(["pcaps"].iter().chain(line).map(OsString::from))
    }

    fn refusal(line: &[&str]) -> Refusal {
        args(line).err().unwrap()
    }

    #[test]
    fn the_grammar_is_sound() {
        command().debug_assert();
    }

    #[test]
    fn a_filter_is_one_word_or_many_around_the_options() {
        for line in [
            &["capture", "-o", "x", "udp and dst port 53"][..],
            &["capture", "udp", "and", "dst", "port", "53", "-w", "x"],
            &[
                "capture", "udp", "and", "--output", "x", "dst", "port", "53",
            ],
        ] {
            let Ok(Args {
                command: Command::Capture(capture),
                ..
            }) = args(line)
            else {
                panic!("{line:?}");
            };
            assert_eq!(capture.filter.join(" "), "udp and dst port 53");
            assert!(capture.other.is_none());
            assert_eq!(capture.output.unwrap().to_str(), Some("x"));
            assert_eq!(capture.sample.time_limit.as_secs(), 300);
            assert_eq!(capture.sample.packets, 10_000);
        }
    }

    #[test]
    fn a_full_capture_has_an_hour() {
        let line = [
            "start", "full", "tcp", "--colo", "ORD", "--bucket", "gs://b", "--bytes", "500MB",
        ];
        let Ok(Args {
            command: Command::Start(Start::Full(full)),
            ..
        }) = args(&line)
        else {
            panic!();
        };
        assert_eq!(full.time_limit.as_secs(), 3_600);
        assert_eq!((full.packets, full.bytes), (None, Some(500_000_000)));
    }

    #[test]
    fn a_full_capture_can_be_collected() {
        let line = [
            "capture", "full", "udp", "and", "dst", "port", "53", "--colo", "ORD", "--bucket",
            "gs://b", "-o", "x", "--bytes", "500MB",
        ];
        let Ok(Args {
            command: Command::Capture(capture),
            ..
        }) = args(&line)
        else {
            panic!();
        };
        let Some(CaptureOther::Full(full)) = capture.other else {
            panic!();
        };
        assert_eq!(full.start.filter.join(" "), "udp and dst port 53");
        assert_eq!(full.start.bytes, Some(500_000_000));
        assert_eq!(full.output.output.to_str(), Some("x"));
        // Behind something else the word is one of the filter's.
        let Ok(Args {
            command: Command::Capture(capture),
            ..
        }) = args(&["capture", "-o", "x", "full", "udp"])
        else {
            panic!();
        };
        assert!(capture.other.is_none() && capture.filter == ["full", "udp"]);
        for line in [
            &["capture", "full", "--colo", "ORD", "--bucket", "gs://b"][..],
            &["capture", "udp"],
        ] {
            let error = refusal(line).0;
            assert_eq!(error.kind(), ErrorKind::MissingRequiredArgument, "{line:?}");
        }
    }

    #[test]
    fn fetched_files_go_somewhere() {
        assert!(args(&["fetch", "abc"]).is_err());
        for line in [
            &["fetch", "abc", "--split", "d"][..],
            &["fetch", "abc", "-o", "x"],
            &["fetch", "abc", "-o", "x", "--split", "d", "--settle", "1m"],
        ] {
            let Ok(Args {
                command: Command::Fetch(fetch),
                ..
            }) = args(line)
            else {
                panic!("{line:?}");
            };
            assert_eq!(fetch.fetching.transfers, 16);
        }
        assert!(args(&["fetch", "abc", "-o", "x", "--transfers", "0"]).is_err());
    }

    #[test]
    fn a_value_that_cannot_be_read_is_one_line() {
        for (option, value) in [
            ("--time-limit", "-5"),
            ("--time-limit", "soon"),
            ("--packets", "-1"),
            ("--packets", "99999999999"),
            ("--at", "yesterday"),
        ] {
            let refusal = refusal(&["capture", "-o", "x", option, value]);
            assert_eq!(
                refusal.0.kind(),
                ErrorKind::ValueValidation,
                "{option} {value}"
            );
            let line = refusal.line();
            assert!(
                line.starts_with("error: invalid value") && line.contains(": write a"),
                "{line}"
            );
        }
        let line = refusal(&["show", ""]).line();
        assert!(line.contains("1 to 32 letters"), "{line}");
    }

    #[test]
    fn strays_beside_a_bucket_are_not_repeated() {
        for line in [
            &[
                "bucket",
                "validate",
                "gs://b",
                "hunter2",
                "--challenge",
                "x",
            ][..],
            &["bucket", "validate", "gs://b", "hunter2"],
            &[
                "bucket",
                "add",
                "gs://b",
                "r2://b?secret-access-key=hunter2",
            ],
            &["bucket", "list", "-hunter2"],
            &["bucket", "hunter2"],
            &["bucket", "list", "--json=hunter2"],
            &["bucket", "remove", "r2://b?secret-access-key=hunter2"],
            &["bucket", "validate", "gs://b", "--chalenge=hunter2"],
            &[
                "start",
                "full",
                "--bucket=r2://b?secret-access-key=hunter2",
                "--color",
                "ORD",
            ],
            &[
                "start",
                "full",
                "--buckets",
                "r2://b?secret-access-key=hunter2",
            ],
        ] {
            let text = refusal(line).0.to_string();
            assert!(!text.contains("hunter2"), "{line:?}: {text}");
        }
    }

    #[test]
    fn a_mistyped_word_gets_a_suggestion() {
        assert!(refusal(&["captrue"]).0.to_string().contains("'capture'"));
        assert!(
            refusal(&["bucket", "list", "--jsom"])
                .0
                .to_string()
                .contains("'--json'")
        );
    }

    #[test]
    fn a_hyphen_stands_for_standard_input() {
        let line = ["bucket", "validate", "gs://b", "--challenge", "-"];
        let Ok(Args {
            command: Command::Bucket(Bucket::Validate { challenge, .. }),
            ..
        }) = args(&line)
        else {
            panic!();
        };
        assert_eq!(challenge, "-");
    }
}
