//! Where the files are that people keep.

use std::path::PathBuf;

use etcetera::BaseStrategy as _;

use crate::failure::Failure;

/// The name of the configuration file in its folder.
const FILE: &str = "config.toml";

/// Where the configuration file is, whether there is one or not.
pub(super) struct Place {
    pub(super) path: PathBuf,
    /// Whether it was named: then it must be there.
    pub(super) is_named: bool,
}

/// Nothing for who has no home.
pub(super) fn config() -> Result<Option<Place>, Failure> {
    let named = std::env::var_os("PCAPS_CONFIG").filter(|it| !it.is_empty());
    if let Some(path) = named {
        let path = PathBuf::from(path);
        if path.file_name().is_none() {
            return Err(Failure::usage("PCAPS_CONFIG names no file"));
        }
        return Ok(Some(Place {
            path,
            is_named: true,
        }));
    }
    Ok(folder().map(|folder| Place {
        path: folder.join(FILE),
        is_named: false,
    }))
}

/// Where the configuration file is, whether there is one or not.
pub(crate) fn config_path() -> Option<PathBuf> {
    Some(config().ok()??.path)
}

/// The program's configuration folder: of `$XDG_CONFIG_HOME` or `~/.config`, on Windows of `%APPDATA%`. On macOS too it is
/// `~/.config`, as for other command lines there.
pub(crate) fn folder() -> Option<PathBuf> {
    let strategy = etcetera::choose_base_strategy().ok()?;
    Some(strategy.config_dir().join("pcaps"))
}
