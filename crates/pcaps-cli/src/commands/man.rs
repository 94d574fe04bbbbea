//! `pcaps man`: manual pages, made of the help.

use std::{fs, io, path::Path};

use clap::Command;
use clap_mangen::{
    Man,
    roff::{Roff, roman},
};

use crate::{args, failure::Failure, output};

pub(super) fn run(args: &args::Man) -> Result<(), Failure> {
    // There is a page for each command: none is needed for the command that tells of them.
    let mut program = args::command().disable_help_subcommand(true);
    program.build();
    if let Some(folder) = &args.dir {
        return all(&program, folder);
    }
    let command = find(&program, &args.words)?;
    let page = page(command).map_err(|error| Failure::stdout(&error))?;
    output::print(&page)
}

fn find<'a>(program: &'a Command, words: &[String]) -> Result<&'a Command, Failure> {
    let mut command = program;
    for word in words {
        let next = command.find_subcommand(word).filter(|it| !it.is_hide_set());
        command = next.ok_or_else(|| {
            let path = path(command);
            let known: Vec<_> = shown(command).map(Command::get_name).collect();
            Failure::usage(match known[..] {
                [] => format!("{path} has no commands below it"),
                _ => format!(
                    "{path} has no command `{word}`: it has {}",
                    known.join(", ")
                ),
            })
        })?;
    }
    Ok(command)
}

/// Writes the pages of a command and of all below it.
fn all(command: &Command, folder: &Path) -> Result<(), Failure> {
    let write = || {
        fs::create_dir_all(folder)?;
        fs::write(folder.join(format!("{}.1", name(command))), page(command)?)
    };
    write().map_err(|error| Failure::write(folder, &error))?;
    shown(command).try_for_each(|it| all(it, folder))
}

fn shown(command: &Command) -> impl Iterator<Item = &Command> {
    command.get_subcommands().filter(|it| !it.is_hide_set())
}

/// `pcaps bucket prove`
fn path(command: &Command) -> &str {
    command.get_bin_name().unwrap_or_else(|| command.get_name())
}

/// `pcaps-bucket-prove`
fn name(command: &Command) -> String {
    path(command).replace(' ', "-")
}

fn page(command: &Command) -> io::Result<Vec<u8>> {
    let man = Man::new(command.clone())
        .title(name(command))
        .source(concat!("pcaps ", env!("CARGO_PKG_VERSION")))
        .manual("pcaps manual");
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    if command.get_arguments().next().is_some() {
        man.render_options_section(&mut page)?;
    }
    if shown(command).next().is_some() {
        man.render_subcommands_section(&mut page)?;
    }
    let help = command.get_after_help().map(ToString::to_string);
    let help = help.unwrap_or_default();
    let (notes, examples) = help.split_once("Examples:\n").unwrap_or((&help, ""));
    section("NOTES", notes).to_writer(&mut page)?;
    section("EXAMPLES", examples).to_writer(&mut page)?;
    Ok(ascii(&String::from_utf8_lossy(&page)).into_bytes())
}

/// What no version of troff can misread.
fn ascii(page: &str) -> String {
    let escaped = |c: char| match c {
        c if c.is_ascii() => c.to_string(),
        c => format!("\\[u{:04X}]", u32::from(c)),
    };
    page.chars().map(escaped).collect()
}

/// What follows the options in a command's help: lines that begin with blanks stay as they are, others are filled.
fn section(title: &str, text: &str) -> Roff {
    let mut roff = Roff::new();
    if text.trim().is_empty() {
        return roff;
    }
    roff.control("SH", [title]);
    let mut is_verbatim = false;
    for line in text.trim_end().lines() {
        let indented = line.starts_with(' ');
        if indented != is_verbatim && !line.is_empty() {
            roff.control(if indented { "nf" } else { "fi" }, []);
            is_verbatim = indented;
        }
        match line {
            "" => roff.control("PP", []),
            _ => roff.text([roman(line.strip_prefix("  ").unwrap_or(line))]),
        };
    }
    if is_verbatim {
        roff.control("fi", []);
    }
    roff
}
