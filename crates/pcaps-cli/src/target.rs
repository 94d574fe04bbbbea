//! Where a capture file goes.

use std::{
    fs::File,
    io::{self, IsTerminal as _},
    path::{Path, PathBuf},
};

use pcaps::{Account, CaptureId, Collect, Collected, Summary};

use crate::{
    args::Global,
    failure::{Exit, Failure},
    output::Saved,
    progress::Progress,
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
    pub(crate) fn prepare(global: &Global, path: &Path) -> Result<Self, Failure> {
        if path.as_os_str() == "-" {
            check_stdout(global)?;
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
        progress: &Progress,
    ) -> Result<Saved, Failure> {
        match self {
            Self::File(path) => saved(account, id, progress, path).await,
            Self::Stdout => through(account, id, progress).await,
        }
    }
}

impl Target {
    /// Collects a full capture to it.
    pub(crate) async fn collect(
        &self,
        collect: Collect<'_>,
    ) -> Result<(Collected, Option<Saved>), Failure> {
        match self {
            Self::File(path) => {
                let (collected, saved) = collected(collect, path).await?;
                Ok((collected, Some(saved)))
            }
            Self::Stdout => {
                let folder = temporary()?;
                let path = folder.path().join("capture.pcap");
                let (collected, saved) = collected(collect, &path).await?;
                to_stdout(&path).await?;
                let saved = Saved {
                    path: None,
                    ..saved
                };
                Ok((collected, Some(saved)))
            }
        }
    }
}

impl Target {
    /// Takes a file that is there, and sums it up.
    pub(crate) async fn take(&self, path: &Path, bytes: u64) -> Result<Saved, Failure> {
        let saved = summed_up(path, bytes).await?;
        if let Self::File(_) = self {
            return Ok(saved);
        }
        to_stdout(path).await?;
        Ok(Saved {
            path: None,
            ..saved
        })
    }
}

/// Makes sure that standard output can take a capture.
pub(crate) fn check_stdout(global: &Global) -> Result<(), Failure> {
    if !global.is_text() {
        return Err(Failure::usage(
            "standard output cannot take both the capture and what is told of it: give `-o FILE`, or leave out --json, --output and --fields",
        ));
    }
    if io::stdout().is_terminal() {
        return Err(Failure::usage(
            "a terminal cannot show a capture: give `-o FILE`, or pipe it into a program that can",
        ));
    }
    Ok(())
}

/// Downloads to a file, and sums it up.
async fn saved(
    account: &Account,
    id: &CaptureId,
    progress: &Progress,
    path: &Path,
) -> Result<Saved, Failure> {
    let download = account.download(id).on_progress(progress.bytes());
    let bytes = download.to_path(path).await?.bytes;
    summed_up(path, bytes).await
}

/// Collects to a file, and sums it up.
async fn collected(collect: Collect<'_>, path: &Path) -> Result<(Collected, Saved), Failure> {
    let collected = collect.to_path(path).await?;
    let saved = summed_up(path, collected.bytes).await?;
    Ok((collected, saved))
}

async fn summed_up(path: &Path, bytes: u64) -> Result<Saved, Failure> {
    let file = path.to_owned();
    let summary = tokio::task::spawn_blocking(move || Summary::open(file)).await;
    let summary = summary.map_err(|error| Failure::because(Exit::Other, &error))?;
    Ok(Saved {
        path: Some(path.to_owned()),
        bytes,
        summary: summary.map_err(|error| Failure::because(Exit::Other, &error))?,
    })
}

/// Downloads to standard output: first to a temporary file, so that nothing comes out that is not a whole capture.
async fn through(account: &Account, id: &CaptureId, progress: &Progress) -> Result<Saved, Failure> {
    let folder = temporary()?;
    let path = folder.path().join("capture.pcap");
    let saved = saved(account, id, progress, &path).await?;
    to_stdout(&path).await?;
    Ok(Saved {
        path: None,
        ..saved
    })
}

/// A folder that ends with the command.
pub(crate) fn temporary() -> Result<tempfile::TempDir, Failure> {
    let folder = tempfile::Builder::new().prefix("pcaps-").tempdir();
    folder.map_err(|error| Failure::write(&std::env::temp_dir(), &error))
}

async fn to_stdout(path: &Path) -> Result<(), Failure> {
    let file = File::open(path).map_err(|error| Failure::because(Exit::Other, &error))?;
    // In a thread of its own: a reader that takes its time must not stand in the way of Ctrl-C.
    let copied = tokio::task::spawn_blocking(move || copy(file)).await;
    copied.map_err(|error| Failure::because(Exit::Other, &error))?
}

fn copy(mut file: File) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    io::copy(&mut file, &mut stdout)
        .and_then(|_| io::Write::flush(&mut stdout))
        .map_err(|error| Failure::stdout(&error))
}
