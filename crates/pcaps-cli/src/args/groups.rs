//! The commands in groups, as the top of the help shows them.

use std::fmt::Write as _;

use clap::{Command, CommandFactory as _, builder::StyledStr};

use super::Args;

/// Every command, in the order of the help.
const GROUPS: [(&str, &[&str]); 5] = [
    (
        "Captures",
        &[
            "capture", "start", "list", "show", "wait", "stop", "download", "fetch", "history",
            "watch",
        ],
    ),
    ("Buckets", &["bucket"]),
    (
        "Files",
        &["stats", "report", "filter", "merge", "export", "query"],
    ),
    (
        "Setup",
        &[
            "auth",
            "doctor",
            "wireshark",
            "completions",
            "man",
            "schema",
        ],
    ),
    ("Simulator", &["sim"]),
];

/// The grammar, with a help that has groups.
pub(crate) fn command() -> Command {
    let command = Args::command();
    let template = template(&command);
    command.help_template(template)
}

fn template(command: &Command) -> StyledStr {
    let styles = command.get_styles();
    let (header, literal) = (styles.get_header(), styles.get_literal());
    let mut text = "{about-with-newline}\n{usage-heading} {usage}\n".to_owned();
    // Writing to a string does not fail.
    for (title, names) in GROUPS {
        let _ = writeln!(text, "\n{header}{title}:{header:#}");
        for name in names {
            let about = command.find_subcommand(name).and_then(Command::get_about);
            let about = about.map(ToString::to_string).unwrap_or_default();
            let _ = writeln!(text, "  {literal}{name:<12}{literal:#} {about}");
        }
    }
    let _ = write!(
        text,
        "\n`pcaps help COMMAND` says more of one.\n\n{header}Options:{header:#}\n{{options}}{{after-help}}"
    );
    text.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_is_in_one_group() {
        let command = command();
        let mut grouped: Vec<_> = GROUPS.iter().flat_map(|it| it.1.iter().copied()).collect();
        let shown = command.get_subcommands().filter(|it| !it.is_hide_set());
        let mut all: Vec<_> = shown.map(Command::get_name).collect();
        grouped.sort_unstable();
        all.sort_unstable();
        assert_eq!(grouped, all);
    }

    #[test]
    fn every_command_has_examples_that_begin_with_it() {
        fn look(command: &Command, path: &str, seen: &mut usize) {
            for it in command.get_subcommands() {
                let path = format!("{path} {}", it.get_name());
                let help = it.get_after_help().map(ToString::to_string);
                let help = help.unwrap_or_default();
                let examples = help.split_once("Examples:\n").map_or("", |it| it.1);
                assert!(
                    examples.contains(&path),
                    "{path} has no example in its help"
                );
                *seen += 1;
                look(it, &path, seen);
            }
        }
        let mut seen = 0;
        look(&command(), "pcaps", &mut seen);
        assert!(seen > 25, "{seen}");
    }
}
