//! `cargo xtask dist`: what is handed to users: an archive, a Debian package, and their checksums.
//!
//! Equal commits and equal tools give equal files: names are in order, owners are nobody, and times are the commit's, or
//! what `SOURCE_DATE_EPOCH` says.

mod archive;
mod debian;
mod licences;

use std::{
    env, fs,
    io::Write,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::bench::programs;

/// The checksums, as `sha256sum --check` reads them.
const CHECKSUMS: &str = "SHA256SUMS";

/// The most that the program may have.
const LARGEST: u64 = 20_000_000;

/// What is in both packages, and how it is called.
struct Contents {
    version: String,
    /// The machine that it is for, as Rust calls it.
    target: String,
    /// When it was made, in seconds of the epoch.
    time: u64,
    program: Vec<u8>,
    /// Manual pages by their names.
    pages: Vec<(String, Vec<u8>)>,
    /// Scripts by their shells.
    completions: Vec<(&'static str, Vec<u8>)>,
    /// Texts that come along, by their names.
    texts: Vec<(&'static str, Vec<u8>)>,
    /// The licences of all that is linked into the program.
    licences: String,
}

/// Builds the program, and writes all files into a folder, which is made if it is not there.
///
/// # Errors
///
/// When a build or a tool fails, a tool is not installed, the program is larger than it may be, or a file cannot be written.
pub fn run(root: &Path, folder: &Path, report: &mut dyn Write) -> Result<()> {
    let contents = Contents::gather(root)?;
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let archive = archive::write(&contents, folder)?;
    let package = debian::write(&contents, folder)?;
    let mut sums = Vec::new();
    for path in [&archive, &package] {
        let bytes = fs::read(path)?;
        let name = path.file_name().context("a file has a name")?;
        let name = name.to_string_lossy();
        for byte in Sha256::digest(&bytes) {
            write!(sums, "{byte:02x}")?;
        }
        writeln!(sums, "  {name}")?;
        writeln!(report, "{:>10} bytes  {}", bytes.len(), path.display())?;
    }
    let path = folder.join(CHECKSUMS);
    fs::write(&path, sums).with_context(|| format!("cannot write {}", path.display()))?;
    let size = contents.program.len();
    writeln!(
        report,
        "the program has {size} bytes; {LARGEST} are allowed"
    )?;
    Ok(())
}

impl Contents {
    fn gather(root: &Path) -> Result<Self> {
        let path = programs::build(&["--package", "pcaps-cli"], "pcaps")?;
        let program = fs::read(&path)?;
        ensure!(
            program.len() as u64 <= LARGEST,
            "{} has {} bytes, which is more than {LARGEST}: see what has come in (`cargo tree`)",
            path.display(),
            program.len()
        );
        let work = tempfile::tempdir()?;
        said(Command::new(&path).args(["man", "--dir"]).arg(work.path()))?;
        let mut pages = Vec::new();
        for entry in fs::read_dir(work.path())? {
            let path = entry?.path();
            let name = path.file_name().context("a page has a name")?;
            pages.push((name.to_string_lossy().into_owned(), fs::read(&path)?));
        }
        pages.sort();
        let mut completions = Vec::new();
        for shell in ["bash", "fish", "powershell", "zsh"] {
            let script = said(Command::new(&path).args(["completions", shell]))?;
            completions.push((shell, script));
        }
        let mut texts = Vec::new();
        for name in ["README.md", "CHANGELOG.md", "LICENSE-APACHE", "LICENSE-MIT"] {
            let path = root.join(name);
            let text =
                fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
            texts.push((name, text));
        }
        Ok(Self {
            version: version(root)?,
            target: target()?,
            time: time(root)?,
            program,
            pages,
            completions,
            texts,
            licences: licences::of(root, "pcaps-cli")?,
        })
    }
}

/// What a command prints.
fn said(command: &mut Command) -> Result<Vec<u8>> {
    let output = command
        .output()
        .with_context(|| format!("cannot run {command:?}"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("{command:?} failed ({}): {}", output.status, said.trim());
    }
    Ok(output.stdout)
}

/// The same, of text.
fn line(command: &mut Command) -> Result<String> {
    Ok(String::from_utf8(said(command)?)?.trim().to_owned())
}

fn cargo(root: &Path) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root);
    command
}

/// What cargo knows of all packages.
fn metadata(root: &Path) -> Result<Value> {
    let mut command = cargo(root);
    command.args(["metadata", "--format-version", "1", "--locked"]);
    Ok(serde_json::from_slice(&said(&mut command)?)?)
}

fn version(root: &Path) -> Result<String> {
    let metadata = metadata(root)?;
    let packages = metadata["packages"].as_array();
    let package = packages
        .into_iter()
        .flatten()
        .find(|it| it["name"] == "pcaps-cli");
    let version = package.and_then(|it| it["version"].as_str());
    Ok(version.context("there is no package pcaps-cli")?.to_owned())
}

fn target() -> Result<String> {
    let said = line(Command::new("rustc").arg("-vV"))?;
    let host = said.lines().find_map(|it| it.strip_prefix("host: "));
    Ok(host
        .context("rustc does not say for which host it is")?
        .to_owned())
}

fn time(root: &Path) -> Result<u64> {
    let given = env::var("SOURCE_DATE_EPOCH");
    let text = match given {
        Ok(text) => text,
        Err(_) => line(
            Command::new("git")
                .current_dir(root)
                .args(["log", "-1", "--format=%ct"]),
        )?,
    };
    text.parse()
        .with_context(|| format!("{text:?} is no time: SOURCE_DATE_EPOCH is a number of seconds"))
}

/// Writes a file with this mode, in folders that are made.
fn put(path: &Path, bytes: &[u8], mode: u32) -> Result<()> {
    let folder = path.parent().context("a file is in a folder")?;
    let write = || {
        fs::create_dir_all(folder)?;
        fs::write(path, bytes)?;
        fs::set_permissions(path, fs::Permissions::from_mode(mode))
    };
    write().with_context(|| format!("cannot write {}", path.display()))
}

/// The path below which dist leaves its files, unless it is told otherwise.
pub fn folder(root: &Path) -> PathBuf {
    let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), Into::into);
    target.join("dist")
}
