//! Where a capture file goes.

use std::{
    fs::File,
    io::{self, IsTerminal as _},
    path::{Path, PathBuf},
};

use pcaps::{Account, CaptureId};

use crate::{
    failure::{Exit, Failure},
    output::Saved,
};

/// Where a capture file goes.
pub(crate) enum Target {
    /// A file that can be written.
    File(PathBuf),
    /// Standard output.
    Stdout,
}

impl Target {
    /// Makes sure, before anything is asked of the service, that the file can be written.
    pub(crate) fn prepare(path: &Path, json: bool) -> Result<Self, Failure> {
        if path.as_os_str() == "-" {
            if json {
                return Err(Failure::usage(
                    "standard output cannot take both the capture and --json: give `-o FILE`",
                ));
            }
            if io::stdout().is_terminal() {
                return Err(Failure::usage(
                    "a terminal cannot show a capture: give `-o FILE`, or pipe it into a program that can",
                ));
            }
            return Ok(Self::Stdout);
        }
        pcaps::check_output(path)?;
        Ok(Self::File(path.to_owned()))
    }

    /// The file's path, where it is one.
    pub(crate) fn path(&self) -> Option<&Path> {
        match self {
            Self::File(path) => Some(path),
            Self::Stdout => None,
        }
    }

    /// Downloads a capture to it.
    pub(crate) async fn download(
        &self,
        account: &Account,
        id: &CaptureId,
    ) -> Result<Saved, Failure> {
        match self {
            Self::File(path) => {
                let download = account.download_to(id, path).await?;
                Ok(Saved {
                    path: Some(download.path),
                    bytes: download.bytes,
                    summary: download.summary,
                })
            }
            Self::Stdout => through(account, id).await,
        }
    }
}

/// Downloads to standard output: first to a temporary file, so that nothing comes out that is not a whole capture.
async fn through(account: &Account, id: &CaptureId) -> Result<Saved, Failure> {
    let folder = tempfile::Builder::new()
        .prefix("pcaps-")
        .tempdir()
        .map_err(|error| Failure::write(&std::env::temp_dir(), &error))?;
    let path = folder.path().join("capture.pcap");
    let download = account.download_to(id, &path).await?;
    let file = File::open(&path).map_err(|error| Failure::because(Exit::Other, &error))?;
    // In a thread of its own: a reader that takes its time must not stand in the way of Ctrl-C.
    let copied = tokio::task::spawn_blocking(move || copy(file)).await;
    copied.map_err(|error| Failure::because(Exit::Other, &error))??;
    Ok(Saved {
        path: None,
        bytes: download.bytes,
        summary: download.summary,
    })
}

fn copy(mut file: File) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    io::copy(&mut file, &mut stdout)
        .and_then(|_| io::Write::flush(&mut stdout))
        .map_err(|error| Failure::stdout(&error))
}
