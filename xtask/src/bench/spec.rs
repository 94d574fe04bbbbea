//! `cargo xtask bench spec`: an import beside `jq` reading the same file, and a regeneration of an unchanged tree.

use std::{env, fs, path::Path, process::Command};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use super::{Bench, Contestant, Goal, mebibytes, programs, published::published, ratio};

/// The size of what the vendor publishes, in MiB.
const SIZE: usize = 12;

/// The same description twice.
const FILES: [&str; 2] = ["openapi.json", "openapi.yaml"];

pub(super) fn run(bench: &mut Bench) -> Result<()> {
    let jq = programs::installed("jq", "jq")?;
    let xtask = programs::build(&["--package", "xtask"], "xtask")?;
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let root = bench.work().join("workspace");
    copy(&workspace.join("spec"), &root.join("spec"))?;
    copy(&workspace.join("crates"), &root.join("crates"))?;

    // Made by another process: what this one has ever used would count as its children's memory.
    let size = if bench.quick { 1 } else { SIZE };
    let made = Command::new(env::current_exe()?)
        .args(["make-published", &(size << 20).to_string()])
        .arg(bench.work())
        .status()?;
    ensure!(made.success(), "the inputs could not be made");
    let [json, yaml] = FILES.map(|name| bench.work().join(name));

    let import = |name: &str, file: &Path| {
        let (xtask, root, file) = (xtask.clone(), root.clone(), file.to_owned());
        Contestant::new(name, move || {
            let mut command = Command::new(&xtask);
            command.arg("import").arg(&file).arg("--root").arg(&root);
            command
        })
    };
    let paths = fs::metadata(&json)?.len();
    let title = format!("import of a description of {:.1} MiB", mebibytes(paths));
    let read = json.clone();
    let figures = bench.contest(
        &title,
        &[
            Contestant::new("jq, taking out its paths", move || {
                let mut command = Command::new(&jq);
                command.args([".paths | keys"]).arg(&read);
                command
            }),
            import("import of JSON", &json),
            import("import of YAML", &yaml),
        ],
    )?;
    for (name, it) in [("JSON", figures[1]), ("YAML", figures[2])] {
        let seconds = it.wall.as_secs_f64();
        bench.goal(&format!("{name}, wall, s"), seconds, Goal::AtMost(2.0))?;
        bench.goal(
            &format!("{name}, MiB"),
            mebibytes(it.peak),
            Goal::AtMost(500.0),
        )?;
    }
    bench.goal(
        "JSON, wall to jq's",
        ratio(figures[1].wall, figures[0].wall),
        Goal::AtMost(1.0),
    )?;

    let figures = bench.contest(
        "generate, on an unchanged tree",
        &[Contestant::new("generate", move || {
            let mut command = Command::new(&xtask);
            command.arg("generate").arg("--root").arg(&root);
            command
        })],
    )?;
    bench.goal("wall, s", figures[0].wall.as_secs_f64(), Goal::AtMost(0.3))
}

/// Writes a description of about so many bytes into a folder, as JSON and as YAML.
///
/// # Errors
///
/// When `spec/upstream.json` cannot be read or the files cannot be written.
pub fn make_published(size: usize, folder: &Path) -> Result<()> {
    // As indented JSON, what each operation of another product takes.
    const OPERATION: usize = 6_000;
    let slice = concat!(env!("CARGO_MANIFEST_DIR"), "/../spec/upstream.json");
    let slice: Value = serde_json::from_str(&fs::read_to_string(slice)?)?;
    let document = published(&slice, size / OPERATION);
    let [json, yaml] = FILES.map(|name| folder.join(name));
    fs::write(json, format!("{document:#}"))?;
    fs::write(yaml, serde_saphyr::to_string(&document)?)?;
    Ok(())
}

/// Copies a folder, so that what is measured does not write into the workspace.
fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from).with_context(|| format!("cannot list {}", from.display()))? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}
