//! The journal of a folder that a later run goes on with: one JSON object a line, only ever appended to.

use std::{
    fs::{self, DirBuilder, File, OpenOptions, TryLockError},
    io::{self, Read as _, Write as _},
    path::Path,
    thread,
    time::Duration,
};

use serde::Serialize;

use crate::Error;

/// For how long another run on the same folder may still be at its end, and how often it is asked.
const PATIENCE: Duration = Duration::from_secs(2);
const LOOK: Duration = Duration::from_millis(20);

/// The file. It is locked until it is closed, so that one run has hold of the folder at a time.
#[derive(Debug)]
pub(crate) struct JournalFile(File);

impl JournalFile {
    /// Opens it, or makes it, and gives its lines. `unwritten` is for what cannot be written.
    pub(crate) fn open(
        path: &Path,
        folder: &Path,
        unwritten: impl Fn(io::Error) -> Error,
    ) -> Result<(Self, Vec<u8>), Error> {
        let failed = |it| Error::io("use the folder", folder, it);
        let mut file = lock(path, folder, unwritten)?;
        let mut text = Vec::new();
        file.read_to_end(&mut text).map_err(failed)?;
        // A last line without an end was being written when the run before ended.
        let end = text.iter().rposition(|it| *it == b'\n');
        let end = end.map_or(0, |it| it + 1);
        text.truncate(end);
        file.set_len(end as u64).map_err(failed)?;
        Ok((Self(file), text))
    }

    /// Appends a line, in one piece.
    pub(crate) fn add(&mut self, line: &impl Serialize) -> io::Result<()> {
        let mut text = serde_json::to_vec(line)?;
        text.push(b'\n');
        self.0.write_all(&text)
    }
}

/// Makes a folder for its owner only. A link is no folder: it may lead anywhere.
pub(crate) fn make(folder: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    match builder.create(folder) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            if fs::symlink_metadata(folder)?.is_dir() {
                Ok(())
            } else {
                Err(error)
            }
        }
        made => made,
    }
}

pub(crate) fn private(options: &mut OpenOptions) {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    #[cfg(not(unix))]
    let _ = options;
}

/// Opens the journal, and keeps others out. A run that was dropped may still be writing its last bytes.
fn lock(path: &Path, folder: &Path, failed: impl Fn(io::Error) -> Error) -> Result<File, Error> {
    let mut options = OpenOptions::new();
    options.read(true).append(true).create(true);
    private(&mut options);
    let mut waited = Duration::ZERO;
    loop {
        let file = options.open(path).map_err(&failed)?;
        match file.try_lock() {
            // The one who had it may have taken it away.
            Ok(()) if is_at(&file, path) => return Ok(file),
            Err(TryLockError::WouldBlock) if waited >= PATIENCE => {
                return Err(Error::invalid(format!(
                    "another process is at work in {}: wait for it, or give another output",
                    folder.display()
                )));
            }
            Ok(()) | Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        thread::sleep(LOOK);
        waited += LOOK;
    }
}

#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let identity = |it: fs::Metadata| (it.dev(), it.ino());
    matches!(
        (file.metadata().map(identity), fs::metadata(path).map(identity)),
        (Ok(one), Ok(other)) if one == other
    )
}

#[cfg(not(unix))]
fn is_at(_: &File, _: &Path) -> bool {
    true
}
