//! A file that is whole, or not there.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use tempfile::{NamedTempFile, PersistError};

use crate::error::Error;

/// A file on its way to a path: a temporary file beside it, readable by its owner only, that takes the path in one
/// step when it is whole. Dropped before, it leaves the path as it was.
///
/// A symbolic link at the path is written through.
///
/// # Examples
///
/// ```no_run
/// use pcaps_file::{LinkType, NewFile, Writer, WriterOptions};
///
/// # fn main() -> Result<(), pcaps_file::Error> {
/// let file = NewFile::create("capture.pcap")?;
/// let writer = Writer::new(file.open()?, WriterOptions::new(LinkType::RAW))?;
/// writer.finish()?;
/// file.put_in_place()?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct NewFile {
    /// As it was given.
    path: PathBuf,
    file: NamedTempFile,
}

impl NewFile {
    /// How the names of temporary files begin. One that is there while nobody writes it was left by a process that ended
    /// early.
    pub const PREFIX: &'static str = ".pcaps-";

    /// Makes the temporary file, so that a path that cannot be written is an error before anything is done.
    ///
    /// # Errors
    ///
    /// [`is_io`](Error::is_io) when there is no such folder, it cannot be written, or `path` is a folder, a device
    /// or a link that leads nowhere.
    pub fn create(path: impl AsRef<Path>) -> Result<Self, Error> {
        Self::make(None, path.as_ref())
    }

    /// The same with the temporary file in another folder. If `path` is on another file system, it is copied in the end.
    ///
    /// # Errors
    ///
    /// As those of [`create`](Self::create).
    pub fn create_in(folder: impl AsRef<Path>, path: impl AsRef<Path>) -> Result<Self, Error> {
        Self::make(Some(folder.as_ref()), path.as_ref())
    }

    /// Whether a file can be made at `path`: with one that has no name, so that nothing is left of it whenever the process
    /// ends.
    ///
    /// # Errors
    ///
    /// As those of [`create`](Self::create).
    pub fn check(path: impl AsRef<Path>) -> Result<(), Error> {
        let path = path.as_ref();
        let folder = existing_folder(path)?;
        let made = tempfile::tempfile_in(&folder);
        made.map(drop).map_err(|it| unmade(path, &folder, &it))
    }

    fn make(made_in: Option<&Path>, path: &Path) -> Result<Self, Error> {
        let folder = existing_folder(path)?;
        let folder = made_in.unwrap_or(&folder);
        let file = tempfile::Builder::new()
            .prefix(Self::PREFIX)
            .tempfile_in(folder);
        Ok(Self {
            path: path.to_owned(),
            file: file.map_err(|it| unmade(path, folder, &it))?,
        })
    }

    /// A handle on the temporary file, to write with: at its beginning.
    ///
    /// # Errors
    ///
    /// [`is_io`](Error::is_io) when it cannot be opened.
    pub fn open(&self) -> Result<File, Error> {
        self.file
            .reopen()
            .map_err(|error| Error::cannot_write(&self.path, cause(&error)))
    }

    /// Has the file written to the disk, and puts it in its place.
    ///
    /// # Errors
    ///
    /// [`is_io`](Error::is_io) when that fails; the path is as it was then.
    pub fn put_in_place(self) -> Result<(), Error> {
        let Self { path, file } = self;
        let failed = |error: io::Error| Error::cannot_write(&path, cause(&error));
        file.as_file().sync_all().map_err(failed)?;
        // Perhaps it is another one than at the beginning.
        let place = place_of(&path)?;
        if let Err(PersistError { error, file }) = file.persist(&place) {
            if error.kind() != io::ErrorKind::CrossesDevices {
                return Err(failed(error));
            }
            let copied = copied(file.path(), folder_of(&place)).map_err(failed)?;
            copied.persist(&place).map_err(|it| failed(it.error))?;
        }
        // The file is whole and in its place: a folder that cannot be synced is no reason to say that it is not.
        let _ = sync_folder(&place);
        Ok(())
    }

    /// Where the temporary file is, for who writes it by its path: over what is there, and not in its place.
    pub fn temporary_path(&self) -> &Path {
        self.file.path()
    }

    /// The path, as it was given.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// The folder of a file at `path`.
fn existing_folder(path: &Path) -> Result<PathBuf, Error> {
    let place = place_of(path)?;
    let folder = folder_of(&place);
    if folder.is_dir() {
        return Ok(folder.to_owned());
    }
    let why = format!("there is no folder {}: make it first", folder.display());
    Err(Error::cannot_write(path, why))
}

fn unmade(path: &Path, folder: &Path, error: &io::Error) -> Error {
    let why = format!(
        "no file can be made in {} ({}): choose another folder",
        folder.display(),
        cause(error)
    );
    Error::cannot_write(path, why)
}

/// Where a link at `path` leads, or `path` itself, if a file can be put there.
fn place_of(path: &Path) -> Result<PathBuf, Error> {
    let refused = |why: &str| Err(Error::cannot_write(path, why.to_owned()));
    match path.metadata() {
        Ok(it) if it.is_dir() => refused("it is a folder: give the name of a file"),
        // Putting a file in its place would take a device away.
        Ok(it) if !it.is_file() => refused("it is not an ordinary file: give the name of one"),
        // A link is written through, as by any program that opens its file.
        Ok(_) if path.is_symlink() => match path.canonicalize() {
            Ok(place) => Ok(place),
            Err(error) => refused(&cause(&error)),
        },
        Err(error) if error.kind() != io::ErrorKind::NotFound => refused(&cause(&error)),
        Err(_) if path.is_symlink() => {
            refused("it is a link that leads nowhere: remove it, or make what it leads to")
        }
        _ => Ok(path.to_owned()),
    }
}

/// A copy of a file in another folder, on the disk.
fn copied(path: &Path, folder: &Path) -> io::Result<NamedTempFile> {
    let mut copy = tempfile::Builder::new()
        .prefix(NewFile::PREFIX)
        .tempfile_in(folder)?;
    io::copy(&mut File::open(path)?, copy.as_file_mut())?;
    copy.as_file().sync_all()?;
    Ok(copy)
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
