//! `cargo xtask import`: from the vendor's description of its whole API to the slice in `spec/upstream.json`.
//!
//! The vendor publishes one file for everything it sells: over 10 MB, thousands of operations. What is kept is what
//! the packet capture operations need, in one shape whatever shape it was published in, so that two imports differ
//! where the API differs: references to anything but schemas are resolved, what stands at a path stands at its
//! operations, prose and extensions are gone, keys are sorted.

mod parse;
mod slice;

use std::{
    collections::BTreeSet,
    fs::{self, File},
    io::{Read, Write},
    path::Path,
};

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::{
    json,
    output::{self, Mode, Outcome},
};

const UPSTREAM: &str = "spec/upstream.json";
const PROVENANCE: &str = "spec/provenance.toml";

/// A file larger than this is not a description. The vendor's is between 10 and 20 MB.
const LARGEST: u64 = 64 << 20;

/// Reads the vendor's file and writes `spec/upstream.json` and `spec/provenance.toml` below `root`. Says in `report`
/// what it took.
///
/// # Errors
///
/// When the file cannot be read, is too large, is neither JSON nor YAML, is not OpenAPI 3.0, has none of the paths, or
/// refers to something that is not there. Nothing is written then.
pub fn run(root: &Path, file: &Path, date: &str, report: &mut dyn Write) -> Result<Outcome> {
    let shown = file.display();
    let bytes = read(file).with_context(|| format!("cannot read {shown}"))?;
    let published = parse::parse(&bytes).with_context(|| format!("cannot read {shown}"))?;
    let slice = slice::slice(&published).with_context(|| format!("cannot import {shown}"))?;
    let text = json::canonical(&slice);
    writeln!(
        report,
        "{shown}: {} of {} paths, {} operations, {} schemas",
        count(&slice["paths"]),
        count(&published["paths"]),
        json::operations(&slice).count(),
        count(&slice["components"]["schemas"]),
    )?;
    let present = fs::read_to_string(root.join(UPSTREAM)).unwrap_or_default();
    tell_operations(
        &serde_json::from_str(&present).unwrap_or_default(),
        &slice,
        report,
    )?;
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let source = sha256(&bytes);
    let version = slice["info"]["version"].as_str().unwrap_or_default();
    let provenance = provenance(&name, &source, version, date, &text);
    let files = [
        output::File {
            path: UPSTREAM.into(),
            text,
        },
        output::File {
            path: PROVENANCE.into(),
            text: provenance,
        },
    ];
    if unchanged(root, &files[0], &source) {
        writeln!(report, "up to date")?;
        return Ok(Outcome::UpToDate);
    }
    let outcome = output::sync(root, None, &files, Mode::Write, report)?;
    writeln!(report, "next: {}", crate::generate::MEND)?;
    Ok(outcome)
}

/// Says which operations came and went, which is what one wants to know first.
fn tell_operations(old: &Value, new: &Value, report: &mut dyn Write) -> Result<()> {
    let names = |document| -> BTreeSet<String> {
        json::operations(document)
            .map(|(path, method, _)| format!("{} {path}", method.to_uppercase()))
            .collect()
    };
    let (old, new) = (names(old), names(new));
    for name in new.difference(&old) {
        writeln!(report, "  new: {name}")?;
    }
    for name in old.difference(&new) {
        writeln!(report, "  no longer there: {name}")?;
    }
    Ok(())
}

fn read(path: &Path) -> Result<Vec<u8>> {
    let file = File::open(path)?;
    let too_large = || {
        format!(
            "it is larger than {} MiB, which no description of this API is",
            LARGEST >> 20
        )
    };
    ensure!(file.metadata()?.len() <= LARGEST, too_large());
    let mut bytes = Vec::new();
    // A pipe has no length until it has been read.
    file.take(LARGEST + 1).read_to_end(&mut bytes)?;
    ensure!(bytes.len() as u64 <= LARGEST, too_large());
    Ok(bytes)
}

/// Whether this very file was imported last, and gave what is there: the date is then the date of that import.
fn unchanged(root: &Path, upstream: &output::File, source: &str) -> bool {
    let present = |name: &str| {
        // In a checkout that has its system's line endings as well.
        let text = fs::read_to_string(root.join(name)).unwrap_or_default();
        text.replace("\r\n", "\n")
    };
    let provenance = present(PROVENANCE);
    provenance.contains(&format!("\nsource_sha256 = \"{source}\"\n"))
        && provenance.contains(&format!(
            "\nsha256 = \"{}\"\n",
            sha256(upstream.text.as_bytes())
        ))
        && present(UPSTREAM) == upstream.text
}

fn provenance(source: &str, source_sha256: &str, version: &str, date: &str, text: &str) -> String {
    // A string in TOML is, for names and versions, a string in JSON.
    let quoted = |text: &str| Value::from(text).to_string();
    format!(
        "# Where upstream.json comes from. Written by `cargo xtask import`.\n\
         \n\
         [upstream]\n\
         # The vendor's file, whole, as it was published.\n\
         method = \"import\"\n\
         source = {}\n\
         source_sha256 = {}\n\
         # `info.version` in it.\n\
         version = {}\n\
         # The day on which it was fetched.\n\
         date = {}\n\
         # Of upstream.json.\n\
         sha256 = {}\n",
        quoted(source),
        quoted(source_sha256),
        quoted(version),
        quoted(date),
        quoted(&sha256(text.as_bytes())),
    )
}

/// The hash of a file, as `sha256sum` prints it.
pub fn sha256(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    let mut text = String::new();
    for byte in Sha256::digest(bytes) {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

fn count(value: &Value) -> usize {
    value.as_object().map_or(0, serde_json::Map::len)
}
