//! The licences of what is linked into the program, as its packages bring them.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs,
    path::Path,
};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use super::{cargo, line, metadata};

/// Their texts, each once, under the packages that it is of.
pub(super) fn of(root: &Path, package: &str) -> Result<String> {
    let metadata = metadata(root)?;
    let linked = linked(root, package)?;
    let mut texts: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut list = String::new();
    let mut seen = BTreeSet::new();
    for it in metadata["packages"].as_array().into_iter().flatten() {
        let (name, version) = (text(it, "name")?, text(it, "version")?);
        let id = format!("{name} {version}");
        // Those of this workspace come from nowhere.
        if it["source"].is_null() || !linked.contains(&id) {
            continue;
        }
        writeln!(list, "{id}: {}", text(it, "license")?)?;
        seen.insert(id.clone());
        let manifest = Path::new(text(it, "manifest_path")?);
        let folder = manifest.parent().context("a package is in a folder")?;
        for found in files(folder, it["license_file"].as_str())? {
            texts.entry(found).or_default().insert(id.clone());
        }
    }
    // Whose text is nowhere has at least that of its licence: others have it.
    let mut all = format!("The program pcaps contains these packages:\n\n{list}");
    for (text, packages) in texts {
        let packages: Vec<_> = packages.into_iter().collect();
        write!(
            all,
            "\n{}\n{}\n\n{text}\n",
            "-".repeat(72),
            packages.join(", ")
        )?;
    }
    if seen.is_empty() {
        bail!("no package is linked into {package}, which cannot be");
    }
    Ok(all)
}

/// `name version` of what is linked into a program: neither what builds it nor what runs while it is compiled.
fn linked(root: &Path, package: &str) -> Result<BTreeSet<String>> {
    let mut command = cargo(root);
    command.args(["tree", "--locked", "--package", package]);
    command.args([
        "--edges",
        "normal,no-proc-macro",
        "--prefix",
        "none",
        "--format",
        "{p}",
    ]);
    let said = line(&mut command)?;
    let names = said.lines().filter_map(|line| {
        let mut words = line.split(' ');
        let (name, version) = (words.next()?, words.next()?);
        Some(format!("{name} {}", version.trim_start_matches('v')))
    });
    Ok(names.collect())
}

fn text<'a>(package: &'a Value, name: &str) -> Result<&'a str> {
    let value = package[name].as_str();
    value.with_context(|| format!("{} has no {name}", package["name"]))
}

/// The texts of the files that are called as licences are.
fn files(folder: &Path, named: Option<&str>) -> Result<Vec<String>> {
    let mut found = BTreeSet::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let upper = name.to_uppercase();
        let is_licence = [
            "LICENSE",
            "LICENCE",
            "COPYING",
            "COPYRIGHT",
            "NOTICE",
            "UNLICENSE",
        ]
        .iter()
        .any(|it| upper.starts_with(it));
        if entry.path().is_file() && (is_licence || named == Some(name.as_str())) {
            found.insert(entry.path());
        }
    }
    let read = |path| {
        let bytes = fs::read(&path)?;
        let text = String::from_utf8_lossy(&bytes).replace("\r\n", "\n");
        Ok(text.trim_end().to_owned())
    };
    found.into_iter().map(read).collect()
}
