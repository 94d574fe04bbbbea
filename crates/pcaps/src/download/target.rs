//! Where a capture file goes.

use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
};

use tempfile::NamedTempFile;

use crate::{Error, ErrorKind};

/// Where a body goes: a temporary file beside the one that it will become.
pub(crate) struct Target {
    /// As it was given.
    path: PathBuf,
    /// Where a link at `path` leads, or `path` itself.
    place: PathBuf,
    file: NamedTempFile,
}

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
    Target::new(path.as_ref()).map(drop)
}

impl Target {
    /// Makes the temporary file, so that a path that cannot be written is an error before anything is asked for.
    pub(crate) fn new(path: &Path) -> Result<Self, Error> {
        let refused = |why: &str| {
            let what = format!("cannot write {}: {why}", path.display());
            Err(Error::new(ErrorKind::Io, what))
        };
        let place = match path.metadata() {
            Ok(it) if it.is_dir() => return refused("it is a folder: give the name of a file"),
            // Putting a file in its place would take a device away.
            Ok(it) if !it.is_file() => {
                return refused("it is not an ordinary file: give the name of one");
            }
            // A link is written through, as by any program that opens its file.
            Ok(_) if path.is_symlink() => match path.canonicalize() {
                Ok(place) => place,
                Err(error) => return refused(&cause(&error)),
            },
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return refused(&cause(&error));
            }
            Err(_) if path.is_symlink() => {
                return refused(
                    "it is a link that leads nowhere: remove it, or make what it leads to",
                );
            }
            _ => path.to_owned(),
        };
        let folder = folder_of(&place);
        if !folder.is_dir() {
            return refused(&format!(
                "there is no folder {}: make it first",
                folder.display()
            ));
        }
        let file = tempfile::Builder::new()
            .prefix(".pcaps-")
            .tempfile_in(folder);
        match file {
            Ok(file) => Ok(Self {
                path: path.to_owned(),
                place,
                file,
            }),
            Err(error) => refused(&format!(
                "no file can be made in {} ({}): choose another folder",
                folder.display(),
                cause(&error)
            )),
        }
    }

    /// A handle on the temporary file, to write with.
    pub(crate) fn open(&self) -> Result<File, Error> {
        self.file
            .reopen()
            .map_err(|source| Error::io("write", &self.path, source))
    }

    /// Puts the file in its place. Nothing is awaited in here: whoever gives up before it leaves the path as it was.
    pub(crate) fn put_in_place(self) -> Result<(), Error> {
        let Self { path, place, file } = self;
        file.persist(&place)
            .map_err(|error| Error::io("write", &path, error.error))?;
        // The file is whole and in its place: a folder that cannot be synced is no reason to say that it is not.
        let _ = sync_folder(&place);
        Ok(())
    }

    /// As it was given.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

/// What the operating system says. The name of the temporary file, which comes with it, is nobody's concern.
fn cause(error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(code) => io::Error::from_raw_os_error(code).to_string(),
        None => error.kind().to_string(),
    }
}

fn folder_of(path: &Path) -> &Path {
    path.parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."))
}

/// The name of a file lasts through a power cut only once its folder has been synced.
fn sync_folder(path: &Path) -> io::Result<()> {
    if cfg!(unix) {
        File::open(folder_of(path))?.sync_all()?;
    }
    Ok(())
}
