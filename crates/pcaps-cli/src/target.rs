//! Where a capture file goes.

use std::{
    fs::File,
    io::{self, IsTerminal as _},
    path::{Path, PathBuf},
};

use pcaps::{Account, CaptureId, Collect, Collected, Summary};
use tempfile::TempDir;

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
        let (path, _folder) = self.place()?;
        let download = account.download(id).on_progress(progress.bytes());
        let bytes = download.to_path(&path).await?.bytes;
        self.take(&path, bytes).await
    }

    /// Collects a full capture to it.
    pub(crate) async fn collect(
        &self,
        collect: Collect<'_>,
    ) -> Result<(Collected, Saved), Failure> {
        let (path, _folder) = self.place()?;
        let collected = collect.to_path(&path).await?;
        let saved = self.take(&path, collected.bytes).await?;
        Ok((collected, saved))
    }

    /// Where a capture is made. What goes to standard output is made in a folder that ends with the command, so that
    /// nothing comes out that is not a whole capture.
    pub(crate) fn place(&self) -> Result<(PathBuf, Option<TempDir>), Failure> {
        match self {
            Self::File(path) => Ok((path.clone(), None)),
            Self::Stdout => {
                let folder = tempfile::Builder::new().prefix("pcaps-").tempdir();
                let failed = |error| Failure::write(&std::env::temp_dir(), &error);
                let folder = folder.map_err(failed)?;
                Ok((folder.path().join("capture.pcap"), Some(folder)))
            }
        }
    }

    /// Takes a capture that is in its place, and sums it up.
    pub(crate) async fn take(&self, path: &Path, bytes: u64) -> Result<Saved, Failure> {
        let file = path.to_owned();
        let summary = tokio::task::spawn_blocking(move || Summary::open(file)).await;
        let summary = summary.map_err(|error| Failure::because(Exit::Other, &error))?;
        let summary = summary.map_err(|error| Failure::because(Exit::Other, &error))?;
        if let Self::Stdout = self {
            to_stdout(path).await?;
        }
        Ok(Saved {
            path: self.path().map(Path::to_owned),
            bytes,
            summary,
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
