//! In which folder Wireshark looks for programs of its user's to capture with: not the same in all versions.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use etcetera::BaseStrategy as _;

use crate::{failure::Failure, programs};

/// The folders.
pub(super) struct Folders {
    /// The program that was asked, if there is one.
    pub(super) tshark: Option<PathBuf>,
    /// Where the Wireshark of this machine looks.
    pub(super) right: Vec<PathBuf>,
    /// Where another version would look.
    pub(super) other: Vec<PathBuf>,
}

impl Folders {
    /// `named` is a folder that was given.
    pub(super) fn find(named: Option<&Path>) -> Result<Self, Failure> {
        let tshark = programs::find("tshark");
        if let Some(named) = named {
            return Ok(Self {
                tshark,
                right: vec![named.to_owned()],
                other: Vec::new(),
            });
        }
        let usual = usual();
        let told = tshark.as_deref().and_then(told);
        let (right, other) = match told {
            Some(folder) => {
                let other = usual.into_iter().filter(|it| *it != folder).collect();
                (vec![folder], other)
            }
            None => (usual, Vec::new()),
        };
        if right.is_empty() {
            return Err(Failure::usage(
                "there is no home, in which Wireshark's folder would be: set HOME, or name the folder with --dir",
            ));
        }
        Ok(Self {
            tshark,
            right,
            other,
        })
    }
}

/// What tshark, which looks in the same folder, says.
fn told(tshark: &Path) -> Option<PathBuf> {
    let mut command = Command::new(tshark);
    command.args(["-G", "folders"]);
    command.stdin(Stdio::null()).stderr(Stdio::null());
    let told = command.output().ok()?;
    personal(&String::from_utf8_lossy(&told.stdout))
}

/// The folder, in the lines of `tshark -G folders`. Versions that do not name it have it in that of their configuration.
fn personal(told: &str) -> Option<PathBuf> {
    let value = |wanted: &str| {
        let mut pairs = told.lines().filter_map(|it| it.split_once(':'));
        let (_, value) = pairs.find(|(name, _)| name.trim().eq_ignore_ascii_case(wanted))?;
        Some(PathBuf::from(value.trim())).filter(|it| it.is_absolute())
    };
    let within = || Some(value("Personal configuration")?.join("extcap"));
    value("Personal Extcap path").or_else(within)
}

/// Those of all versions.
fn usual() -> Vec<PathBuf> {
    let Ok(strategy) = etcetera::choose_base_strategy() else {
        return Vec::new();
    };
    if cfg!(windows) {
        return vec![strategy.config_dir().join("Wireshark").join("extcap")];
    }
    let of_newer = strategy.home_dir().join(".local/lib/wireshark/extcap");
    vec![of_newer, strategy.config_dir().join("wireshark/extcap")]
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn each_version_says_where_its_folder_is() {
        let older = "Temp:                \t/tmp\nPersonal configuration:\t/home/a/.config/wireshark\nExtcap path:         \t/usr/lib/wireshark/extcap\n";
        let newer = format!(
            "{older}Personal Extcap path:\t/home/a/.local/lib/wireshark/extcap\nGlobal Extcap path:\t/usr/lib/wireshark/extcap\n"
        );
        assert_eq!(
            personal(older),
            Some("/home/a/.config/wireshark/extcap".into())
        );
        assert_eq!(
            personal(&newer),
            Some("/home/a/.local/lib/wireshark/extcap".into())
        );
        assert_eq!(personal("Personal Extcap path:\t\n"), None);
        assert_eq!(personal(""), None);
    }
}
