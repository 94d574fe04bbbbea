//! Where a capture file goes.

use std::{fs::File, path::Path};

use pcaps_file::NewFile;

use crate::{Error, ErrorKind};

/// Where a body goes: a temporary file beside the one that it will become.
pub(crate) struct Target(NewFile);

/// Checks that a capture file could be saved to `path`, without leaving anything there.
///
/// For asking before a sample is taken, of which the service takes one a minute. [`Account::sample_to`] asks by itself.
///
/// ```no_run
/// # async fn example(account: pcaps::Account, sample: pcaps::Sample) -> Result<(), pcaps::Error> {
/// pcaps::check_output("dns.pcap")?;
/// let capture = account.start(sample).await?;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// [`Io`](ErrorKind::Io) when there is no such folder, it cannot be written, or `path` is a folder or a device.
///
/// [`Account::sample_to`]: crate::Account::sample_to
pub fn check_output(path: impl AsRef<Path>) -> Result<(), Error> {
    NewFile::check(path).map_err(|it| refused(&it))
}

impl Target {
    /// Makes the temporary file, so that a path that cannot be written is an error before anything is asked for.
    pub(crate) fn new(path: &Path) -> Result<Self, Error> {
        NewFile::create(path).map(Self).map_err(|it| refused(&it))
    }

    /// A handle on the temporary file, to write with.
    pub(crate) fn open(&self) -> Result<File, Error> {
        self.0.open().map_err(|it| refused(&it))
    }

    /// Puts the file in its place. Nothing is awaited in here: whoever gives up before it leaves the path as it was.
    pub(crate) fn put_in_place(self) -> Result<(), Error> {
        self.0.put_in_place().map_err(|it| refused(&it))
    }

    /// As it was given.
    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }
}

/// It says which path, why, and what to do.
fn refused(error: &pcaps_file::Error) -> Error {
    Error::new(ErrorKind::Io, error.to_string())
}
