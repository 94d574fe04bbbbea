//! From a response's body to a file that can be trusted.

use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
};

use futures_util::{Stream, StreamExt as _};
use pcaps_api::types;
use pcaps_file::{Reader, Summary};
use tempfile::NamedTempFile;
use tokio::io::AsyncWriteExt as _;

use crate::{Error, ErrorKind};

/// A body of this length at most is looked at when it is not a capture file: a failure in the service's form is short.
const SHORT: u64 = 64 * 1024;

/// A capture file that has been saved.
#[derive(Debug)]
#[non_exhaustive]
pub struct Download {
    /// Where it is.
    pub path: PathBuf,
    /// Its length in bytes.
    pub bytes: u64,
    /// What it holds.
    pub summary: Summary,
}

/// Where a body goes: a temporary file beside the one that it will become.
pub(crate) struct Target {
    path: PathBuf,
    file: NamedTempFile,
}

/// Why nothing was saved.
pub(crate) enum Failure {
    /// The service said so, in the body.
    Refusal(types::Failure),
    /// Anything else.
    Error(Error),
}

impl Target {
    /// Makes the temporary file, so that a path that cannot be written is an error before anything is asked for.
    pub(crate) fn new(path: &Path) -> Result<Self, Error> {
        if path.is_dir() {
            return Err(Error::new(
                ErrorKind::Io,
                format!("cannot write {}: it is a folder", path.display()),
            ));
        }
        let file = tempfile::Builder::new()
            .prefix(".pcaps-")
            .tempfile_in(folder_of(path))
            .map_err(|source| Error::io("write", path, source))?;
        Ok(Self {
            path: path.to_owned(),
            file,
        })
    }

    fn io(&self, source: io::Error) -> Failure {
        Failure::Error(Error::io("write", &self.path, source))
    }
}

fn folder_of(path: &Path) -> &Path {
    path.parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."))
}

/// Writes the body to the target's temporary file, checks it, and puts it in place.
pub(crate) async fn save<B: AsRef<[u8]>>(
    mut body: impl Stream<Item = reqwest::Result<B>> + Unpin,
    target: Target,
) -> Result<Download, Failure> {
    let file = target.file.reopen().map_err(|source| target.io(source))?;
    let mut file = tokio::fs::File::from_std(file);
    while let Some(chunk) = body.next().await {
        let chunk = chunk.map_err(|error| Failure::Error(Error::transport(error)))?;
        file.write_all(chunk.as_ref())
            .await
            .map_err(|source| target.io(source))?;
    }
    file.sync_all().await.map_err(|source| target.io(source))?;
    tokio::task::spawn_blocking(move || place(target))
        .await
        .unwrap_or_else(|panic| {
            Err(Failure::Error(
                Error::new(
                    ErrorKind::Io,
                    "the check of the capture file was broken off",
                )
                .because(panic),
            ))
        })
}

/// Reads every record of what arrived, and gives it its name.
fn place(target: Target) -> Result<Download, Failure> {
    let bytes = target
        .file
        .as_file()
        .metadata()
        .map_err(|source| target.io(source))?
        .len();
    let file = File::open(target.file.path()).map_err(|source| target.io(source))?;
    let summary =
        match Reader::new(file, "the download").and_then(|mut reader| Summary::read(&mut reader)) {
            Ok(summary) => summary,
            Err(error) => return Err(reject(&target, bytes, error)),
        };
    let Target { path, file } = target;
    file.persist(&path)
        .map_err(|error| Failure::Error(Error::io("write", &path, error.error)))?;
    sync_folder(&path).map_err(|source| Failure::Error(Error::io("write", &path, source)))?;
    Ok(Download {
        path,
        bytes,
        summary,
    })
}

/// The name of a file lasts through a power cut only once its folder has been synced.
fn sync_folder(path: &Path) -> io::Result<()> {
    if cfg!(unix) {
        File::open(folder_of(path))?.sync_all()?;
    }
    Ok(())
}

fn reject(target: &Target, bytes: u64, error: pcaps_file::Error) -> Failure {
    if error.is_not_a_capture()
        && bytes <= SHORT
        && let Ok(text) = std::fs::read(target.file.path())
        && let Ok(failure) = serde_json::from_slice::<types::Failure>(&text)
        && failure.success.is_some()
    {
        return Failure::Refusal(failure);
    }
    let what = if bytes == 0 {
        "the service sent nothing".to_owned()
    } else if error.is_not_a_capture() {
        format!("what the service sent ({bytes} bytes) is not a capture file")
    } else {
        format!("what the service sent ({bytes} bytes) is not a whole capture file")
    };
    Failure::Error(
        Error::new(ErrorKind::NotACapture, what)
            .advise("nothing was saved")
            .because(error),
    )
}
