//! The programs that take part: ours, built for release, and others', which must be installed.

use std::{
    env,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use crate::contract::environment::Environment;

/// Builds for release with these arguments of `cargo build`, and gives the path of the program of this name.
///
/// # Errors
///
/// When the build fails or makes no such program.
pub(crate) fn build(arguments: &[&str], name: &str) -> Result<PathBuf> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .args(["build", "--release", "--quiet", "--message-format", "json"])
        .args(arguments)
        .stderr(Stdio::inherit())
        .output()
        .context("cannot run cargo")?;
    if !output.status.success() {
        bail!("cargo build {} failed", arguments.join(" "));
    }
    let messages = serde_json::Deserializer::from_slice(&output.stdout).into_iter::<Value>();
    for message in messages {
        let message = message.context("cannot read what cargo prints")?;
        if message["target"]["name"] == name
            && let Some(path) = message["executable"].as_str()
        {
            return Ok(path.into());
        }
    }
    bail!("cargo build {} made no program {name}", arguments.join(" "))
}

/// Packages of Python: those that a folder, by its path from the root, has requirements of.
///
/// # Errors
///
/// When they cannot be installed.
pub(crate) fn packages(requirements: &str) -> Result<Environment> {
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    let target = env::var_os("CARGO_TARGET_DIR");
    let target = target.map_or_else(|| root.join("target"), |it| root.join(it));
    Environment::new(&root.join(requirements), &target.join("bench/venv"))
}

/// The path of an installed program.
///
/// # Errors
///
/// When it is not there, with the Debian package that brings it.
pub(crate) fn installed(name: &str, package: &str) -> Result<PathBuf> {
    let places = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&places)
        // Where Debian keeps servers, which is not in everybody's PATH.
        .chain(["/usr/sbin".into()])
        .map(|place| place.join(name))
        .find(|path| path.is_file())
        .with_context(|| format!("{name} is not installed: on Debian, apt-get install {package}"))
}
