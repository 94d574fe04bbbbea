//! `cargo xtask diff`: what a change of the description means to callers.

mod compare;
mod headers;
mod outline;
mod report;
mod side;
mod surface;

use std::{
    fs,
    io::Write,
    path::Path,
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result, bail};
use clap::ValueEnum;
use serde_json::Value;

pub use compare::{Change, Class, compare};

use crate::lower;

/// Where the effective description is.
const DESCRIPTION: &str = "spec/pcaps.json";

/// How the comparison is printed.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Format {
    /// For a terminal.
    Text,
    /// For a pull request.
    Markdown,
    /// For a script: an object with `class`, `version` and the `changes`.
    Json,
}

/// Compares two effective descriptions and prints what changed. Each side is a file, or a revision of the repository
/// whose `spec/pcaps.json` is taken; by default `HEAD` and the working tree.
///
/// The result is the gravest class of change; nothing when the two are alike.
///
/// # Errors
///
/// When a side cannot be read or is not a description.
pub fn run(
    root: &Path,
    from: Option<&str>,
    to: Option<&str>,
    format: Format,
    report: &mut dyn Write,
) -> Result<Option<Class>> {
    let from = from.unwrap_or("HEAD");
    let old = load(root, from)?;
    let new = match to {
        Some(to) => load(root, to)?,
        None => parse(
            &fs::read_to_string(root.join(DESCRIPTION)).context(DESCRIPTION)?,
            DESCRIPTION,
        )?,
    };
    let changes = compare(&old, &new)?;
    let class = changes.iter().map(|it| it.class).max();
    let bump = class.map(|class| report::bump(&version(root, from), class));
    report::write(&changes, class, bump.as_deref(), format, report)?;
    Ok(class)
}

/// A file of this name, or else the description in a revision of this name.
fn load(root: &Path, side: &str) -> Result<Value> {
    if Path::new(side).is_file() {
        let text = fs::read_to_string(side).with_context(|| format!("cannot read {side}"))?;
        return parse(&text, side);
    }
    match in_revision(root, side, DESCRIPTION)? {
        Ok(text) => parse(&text, side),
        Err(said) => {
            bail!("{side} is neither a file nor a revision that has {DESCRIPTION} ({said})")
        }
    }
}

/// The text of a file in a revision, or what git says when there is none.
fn in_revision(root: &Path, revision: &str, file: &str) -> Result<Result<String, String>> {
    let output = Command::new("git")
        .current_dir(root)
        .args(["show", "--end-of-options"])
        .arg(format!("{revision}:{file}"))
        .stdin(Stdio::null())
        .output()
        .context("cannot run git")?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let said = said.trim().lines().next().unwrap_or("git said nothing");
        return Ok(Err(said.to_owned()));
    }
    let text = String::from_utf8(output.stdout);
    text.map(Ok)
        .with_context(|| format!("{file} in {revision} is not UTF-8"))
}

fn parse(text: &str, side: &str) -> Result<Value> {
    let value: Value = serde_json::from_str(text)
        .with_context(|| format!("{side} is not a description in JSON"))?;
    lower::openapi(&value).with_context(|| format!("{side} is not a description"))?;
    Ok(value)
}

/// The version that the old side has: the manifest's in that revision, or the one that is there; empty without either.
fn version(root: &Path, from: &str) -> String {
    let manifest = match in_revision(root, from, "Cargo.toml") {
        Ok(Ok(manifest)) => manifest,
        _ => fs::read_to_string(root.join("Cargo.toml")).unwrap_or_default(),
    };
    manifest
        .lines()
        .find_map(|line| line.strip_prefix("version = \"")?.strip_suffix('"'))
        .unwrap_or_default()
        .to_owned()
}
