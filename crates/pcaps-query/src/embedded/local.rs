//! A data set in a folder of this machine.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use crate::{Error, ErrorKind};

/// What a data set in a folder of this machine looks like.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Local {
    pub(super) folder: PathBuf,
    /// A file of it.
    pub(super) sample: PathBuf,
    /// The columns in the names of its folders, the outermost first.
    pub(super) partitions: Vec<String>,
}

impl Local {
    /// Looks at a folder.
    pub(super) fn open(from: &str) -> Result<Self, Error> {
        let path = from.strip_prefix("file://").unwrap_or(from);
        if path.contains("://") {
            return Err(Error::new(
                ErrorKind::InvalidInput,
                format!(
                    "the engine in this process reads folders of this machine, and `{from}` is none: copy the data set here, or ask Spark or Sail with --engine sc://HOST:PORT"
                ),
            ));
        }
        let no_data = |what: &str| Error::new(ErrorKind::NoData, format!("{from} {what}"));
        let folder = Path::new(path)
            .canonicalize()
            .map_err(|error| no_data(&format!("cannot be read: {error}")))?;
        let sample = first(&folder)
            .map_err(|error| no_data(&format!("cannot be read: {error}")))?
            .ok_or_else(|| {
                no_data("holds no Parquet file: `pcaps export FILE -o DIR` makes them")
            })?;
        let below = sample.strip_prefix(&folder).unwrap_or(&sample);
        let partitions: Vec<_> = below
            .parent()
            .into_iter()
            .flat_map(Path::iter)
            .filter_map(|it| Some(it.to_str()?.split_once('=')?.0.to_owned()))
            .collect();
        if partitions.first().is_none_or(|it| it != "capture_id") {
            return Err(no_data(
                "has no folders capture_id=…: give the folder that `pcaps export` was given with -o",
            ));
        }
        Ok(Self {
            folder,
            sample,
            partitions,
        })
    }
}

/// The first Parquet file below a folder. What begins with a point or `_` is no part of a data set.
fn first(folder: &Path) -> io::Result<Option<PathBuf>> {
    let mut entries = fs::read_dir(folder)?.collect::<Result<Vec<_>, _>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let (name, path) = (entry.file_name(), entry.path());
        if name.to_string_lossy().starts_with(['.', '_']) {
            continue;
        }
        if path.is_dir() {
            if let Some(found) = first(&path)? {
                return Ok(Some(found));
            }
        } else if path.extension().is_some_and(|it| it == "parquet") {
            return Ok(Some(path));
        }
    }
    Ok(None)
}
