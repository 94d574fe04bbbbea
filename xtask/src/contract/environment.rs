//! A Python environment with other people's programs in it.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result, bail};

use crate::import;

/// A virtual environment with what is pinned in it.
pub(crate) struct Environment {
    folder: PathBuf,
}

impl Environment {
    /// Takes the environment below `folder` that holds just what `programs` has in `requirements.txt` and, if it is there,
    /// `constraints.txt`, or makes it.
    pub(crate) fn new(programs: &Path, folder: &Path) -> Result<Self> {
        let (requirements, constraints) = (
            programs.join("requirements.txt"),
            programs.join("constraints.txt"),
        );
        let mut pinned = version()?;
        let files = [
            Some(&requirements),
            constraints.exists().then_some(&constraints),
        ];
        for path in files.into_iter().flatten() {
            let text = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
            pinned.extend(text);
        }
        let it = Self {
            folder: folder.join(import::sha256(&pinned)),
        };
        // Written last: without it, an earlier run was interrupted.
        let complete = it.folder.join("complete");
        if !complete.exists() {
            done(
                Command::new("python3")
                    .args(["-m", "venv", "--clear"])
                    .arg(&it.folder),
                "on Debian, apt-get install python3-venv",
            )?;
            let mut pip = Command::new(it.python());
            pip.args(["-m", "pip", "install", "--quiet", "--no-input"])
                .args(["--disable-pip-version-check", "--requirement"])
                .arg(&requirements);
            if constraints.exists() {
                pip.arg("--constraint").arg(&constraints);
            }
            done(&mut pip, "the package index must be in reach")?;
            fs::write(&complete, "")
                .with_context(|| format!("cannot write {}", complete.display()))?;
        }
        Ok(it)
    }

    /// Its interpreter.
    pub(super) fn python(&self) -> PathBuf {
        self.program("python")
    }

    /// A program that a package has brought.
    pub(crate) fn program(&self, name: &str) -> PathBuf {
        self.folder.join("bin").join(name)
    }
}

fn version() -> Result<Vec<u8>> {
    let output = Command::new("python3")
        .arg("--version")
        .stderr(Stdio::inherit())
        .output()
        .context("cannot run python3: the contract needs Python 3.11 or later")?;
    Ok(output.stdout)
}

fn done(command: &mut Command, hint: &str) -> Result<()> {
    // What is printed there is not for the report.
    let status = command
        .stdout(Stdio::null())
        .status()
        .with_context(|| format!("cannot run {command:?}"))?;
    if !status.success() {
        bail!("{command:?} failed ({status}): {hint}");
    }
    Ok(())
}
