//! Arguments that are not taken, and how that is said.

use std::{ffi::OsString, process::ExitCode};

use clap::{
    ColorChoice, Error, FromArgMatches as _, ValueEnum as _,
    error::{ContextKind, ContextValue, ErrorKind},
};

use super::{Args, command};
use crate::{
    failure::Failure,
    output::{self, Format},
};

/// What clap answers in place of arguments: an error, or the help that was asked for.
#[derive(Debug)]
pub(crate) struct Refusal {
    error: Error,
    /// Who is told.
    format: Format,
}

/// Reads arguments, the first of which is the program's name.
pub(crate) fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Args, Refusal> {
    let arguments: Vec<_> = arguments.into_iter().collect();
    // A stray word of these commands may be a challenge, or a token.
    let secretive = arguments
        .iter()
        .any(|it| it == "auth" || it == "bucket" || it.to_string_lossy().starts_with("--bucket"));
    let options = options(&arguments);
    let (format, color) = (format_of(&options), color_of(&options));
    let matches = command().try_get_matches_from(arguments);
    let parsed = matches
        .and_then(|it| Args::from_arg_matches(&it))
        .and_then(agreeing);
    output::choose_color(parsed.as_ref().map_or(color, |it| it.global.color));
    parsed.map_err(|mut error| {
        hide_strays(&mut error, secretive);
        explain_output(&mut error);
        Refusal { error, format }
    })
}

/// The arguments among which options are.
fn options(arguments: &[OsString]) -> Vec<&str> {
    let words = arguments.iter().map(|it| it.to_str().unwrap_or_default());
    words.take_while(|it| *it != "--").collect()
}

/// The value of an option in arguments that may be wrong.
fn value_of<'a>(words: &[&'a str], option: &str) -> Option<&'a str> {
    words
        .iter()
        .enumerate()
        .find_map(|(at, word)| match word.strip_prefix(option)? {
            "" => words.get(at + 1).copied(),
            rest => rest.strip_prefix('='),
        })
}

fn format_of(words: &[&str]) -> Format {
    let given = value_of(words, "--output").and_then(|it| Format::from_str(it, false).ok());
    let is_json = words.contains(&"--json");
    given.unwrap_or(if is_json { Format::Json } else { Format::Table })
}

fn color_of(words: &[&str]) -> ColorChoice {
    let given = value_of(words, "--color");
    given.and_then(|it| it.parse().ok()).unwrap_or_default()
}

/// Arguments that do not contradict each other where clap does not see it: global ones may stand before and behind the
/// command.
fn agreeing(args: Args) -> Result<Args, Error> {
    match args.global.output {
        Some(other) if args.global.json && other != Format::Json => {
            let what = "--json is `--output json`: give one format";
            Err(command().error(ErrorKind::ArgumentConflict, what))
        }
        _ => Ok(args),
    }
}

/// Who gives a file to `--output` has another program in mind.
fn explain_output(error: &mut Error) {
    let shown = |kind| error.get(kind).map(ToString::to_string);
    let (Some(argument), Some(value)) = (
        shown(ContextKind::InvalidArg),
        shown(ContextKind::InvalidValue),
    ) else {
        return;
    };
    let is_typo = error.get(ContextKind::SuggestedValue).is_some();
    if argument.starts_with("--output ") && !value.is_empty() && !is_typo {
        let tip = format!("give `-o {value}` to save to a file");
        let tips = ContextValue::StyledStrs(vec![tip.into()]);
        error.insert(ContextKind::Suggested, tips);
    }
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
        // (Help that was asked for, or is given in place of a command, is no error.)
        let is_error = self.error.use_stderr()
            && self.error.kind() != ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand;
        if is_error && self.format.is_document() {
            let (message, tip) = self.words();
            return Failure::usage(message).noting(tip).report(self.format);
        }
        if self.error.kind() == ErrorKind::ValueValidation {
            output::diagnostic(&self.line());
        } else {
            output::refusal(&self.error);
        }
        ExitCode::from(u8::try_from(self.error.exit_code()).unwrap_or(1))
    }

    /// The first line: what is wrong with a value, and how to write it. The rest would point at the help.
    fn line(&self) -> String {
        let text = self.error.to_string();
        text.lines().next().unwrap_or_default().to_owned()
    }

    /// What is wrong, and what was meant perhaps, without usage and help.
    fn words(&self) -> (String, Option<String>) {
        let text = self.error.to_string();
        let text = text.strip_prefix("error: ").unwrap_or(&text);
        let message = text.lines().take_while(|it| !it.is_empty()).map(str::trim);
        let message = message.collect::<Vec<_>>().join(" ");
        let tip = text.lines().find_map(|it| it.trim().strip_prefix("tip: "));
        (message, tip.map(str::to_owned))
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
                "capture",
                "udp",
                "and",
                "--output-file",
                "x",
                "dst",
                "port",
                "53",
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
            assert_eq!(capture.output_file.unwrap().to_str(), Some("x"));
            assert_eq!(capture.sample.time_limit.as_secs(), 300);
            assert_eq!(capture.sample.limit.packets, 10_000);
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
        assert_eq!(full.output.output_file.to_str(), Some("x"));
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
            let error = refusal(line).error;
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
                refusal.error.kind(),
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
            let text = refusal(line).error.to_string();
            assert!(!text.contains("hunter2"), "{line:?}: {text}");
        }
    }

    #[test]
    fn a_mistyped_word_gets_a_suggestion() {
        assert!(
            refusal(&["captrue"])
                .error
                .to_string()
                .contains("'capture'")
        );
        assert!(
            refusal(&["bucket", "list", "--jsom"])
                .error
                .to_string()
                .contains("'--json'")
        );
    }

    #[test]
    fn a_file_is_no_format() {
        let text = refusal(&["capture", "--output", "dns.pcap"])
            .error
            .to_string();
        assert!(
            text.contains("tip: give `-o dns.pcap` to save to a file"),
            "{text}"
        );
        assert!(text.contains("table, json, ndjson, yaml, id"), "{text}");
        let text = refusal(&["list", "--output", "jso"]).error.to_string();
        assert!(
            text.contains("'json'") && !text.contains("-o jso"),
            "{text}"
        );
        let text = refusal(&["list", "--output", "r2://b?x=hunter2"])
            .error
            .to_string();
        assert!(!text.contains("hunter2"), "{text}");
    }

    #[test]
    fn programs_are_told_in_words_without_usage() {
        let told = |line: &[&str]| {
            let refusal = refusal(line);
            assert!(refusal.format.is_document(), "{line:?}");
            refusal.words()
        };
        assert_eq!(
            told(&["captrue", "--json"]),
            (
                "unrecognized subcommand 'captrue'".to_owned(),
                Some("a similar subcommand exists: 'capture'".to_owned())
            )
        );
        let (message, tip) = told(&["download", "--output=yaml", "abc"]);
        assert!(
            message.contains("not provided: --output-file <FILE>"),
            "{message}"
        );
        assert_eq!(tip, None);
        let table = refusal(&["captrue", "--", "--json"]);
        assert!(!table.format.is_document());
    }

    #[test]
    fn one_format_is_given() {
        for line in [
            &["list", "--json", "--output", "yaml"][..],
            &["--json", "list", "--output", "id"],
        ] {
            assert_eq!(
                refusal(line).error.kind(),
                ErrorKind::ArgumentConflict,
                "{line:?}"
            );
        }
        let format = |line: &[&str]| args(line).unwrap().global.format();
        assert_eq!(format(&["--json", "list", "--output=json"]), Format::Json);
        assert_eq!(format(&["list", "--output", "ndjson"]), Format::Ndjson);
        assert_eq!(format(&["list"]), Format::Table);
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
