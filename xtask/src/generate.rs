//! `cargo xtask generate`.

use std::{fs, io::Write, path::Path};

use anyhow::{Context, Result};
use serde_json::Value;

use crate::{
    effective, emit, json, lower, needed,
    output::{self, File, Mode, Outcome},
};

/// The folder that generated code owns: nothing else lives there.
pub const GENERATED: &str = "crates/pcaps-api/src/generated";

/// The command that mends stale files.
pub const MEND: &str = "cargo xtask generate";

/// The effective description as a file, and every file that is generated from it.
///
/// # Errors
///
/// When the description cannot be generated from.
pub fn files(description: &Value) -> Result<Vec<File>> {
    let mut files = vec![
        File {
            path: "spec/pcaps.json".into(),
            text: json::canonical(description),
        },
        // The same within the crate, which is published without the workspace.
        File {
            path: Path::new(GENERATED).join("openapi.json"),
            text: json::compact(description),
        },
    ];
    let modules = emit::emit(description, &lower::lower(description)?)?;
    files.extend(modules.into_iter().map(|(name, text)| File {
        path: Path::new(GENERATED).join(name),
        text,
    }));
    Ok(files)
}

/// Compares what is derived from `spec/` with the workspace below `root`, or makes it so.
///
/// # Errors
///
/// As [`effective::effective`], [`files`] and [`effective::notices`]; when hand-written code needs what would go away; and
/// when a file cannot be read or written.
pub fn run(root: &Path, mode: Mode, report: &mut dyn Write) -> Result<Outcome> {
    let read = |name: &str| {
        let text = fs::read_to_string(root.join(name));
        // A checkout may have given it the line endings of its system.
        text.map(|text| text.replace("\r\n", "\n"))
            .with_context(|| format!("cannot read {name}"))
    };
    let (upstream, overlay) = (read("spec/upstream.json")?, read("spec/overlay.yaml")?);
    let description = effective::effective(&upstream, &overlay)?;
    let files = files(&description)?;
    needed::check(root, &files)?;
    let outcome = output::sync(root, Some(Path::new(GENERATED)), &files, mode, report)?;
    for notice in effective::notices(&description)? {
        writeln!(report, "notice: {notice}")?;
    }
    match (outcome, mode) {
        (Outcome::UpToDate, _) => writeln!(report, "up to date")?,
        (Outcome::Stale, Mode::Check) => writeln!(report, "mend it with: {MEND}")?,
        _ => {}
    }
    Ok(outcome)
}
