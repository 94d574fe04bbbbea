//! Where the files of one input are until all are whole.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

use pcaps_file::{StopSignal, StoppableWriter};
use pcaps_table::{Part, Place};
use tempfile::TempDir;

use super::manifest::EntryFile;
use crate::journal::private;

/// What the names of runs' folders begin with: in a data set, and among the temporary files of everybody.
const RUN: &str = "run-";
const EXPORT: &str = "pcaps-export-";
/// The file in a run's folder whose lock says that the run goes on.
const LOCK: &str = "lock";

/// The files of one input. Dropped, those that are left go.
#[derive(Debug)]
pub(super) struct Staging {
    pub(super) folder: TempDir,
    /// That of the run. It goes after theirs.
    pub(super) run: Arc<RunFolder>,
    /// What their names begin with.
    pub(super) id: String,
    pub(super) stop: StopSignal,
    pub(super) files: Vec<Staged>,
}

/// What one run is writing, in a folder of its own: two that overlap know nothing of each other. It goes when it is dropped.
#[derive(Debug)]
pub(super) struct RunFolder {
    folder: TempDir,
    _lock: File,
    /// Whether files go from here to their places by their names: they have to be on the disk before.
    is_final: bool,
}

/// A file that is whole.
#[derive(Debug)]
pub(super) struct Staged {
    pub(super) entry: EntryFile,
    pub(super) path: PathBuf,
}

impl RunFolder {
    /// Makes one in the folder of a data set for what is not whole, and clears those whose run has ended without doing so.
    pub(super) fn of_data_set(staging: &Path) -> io::Result<Self> {
        fs::create_dir_all(staging)?;
        for path in runs(staging, RUN)? {
            clear(&path)?;
        }
        Self::make(staging, RUN, true)
    }

    /// The same among temporary files, for what goes elsewhere from there. Whatever others have there is left alone.
    pub(super) fn temporary(folder: &Path) -> io::Result<Self> {
        let this = Self::make(folder, EXPORT, false)?;
        for path in runs(folder, EXPORT)? {
            if is_owned_alike(&path, this.path()) {
                clear(&path)?;
            }
        }
        Ok(this)
    }

    fn make(staging: &Path, prefix: &str, is_final: bool) -> io::Result<Self> {
        loop {
            let folder = TempDir::with_prefix_in(prefix, staging)?;
            let path = folder.path().join(LOCK);
            let mut options = File::options();
            options.write(true).create_new(true);
            private(&mut options);
            let lock = match options.open(&path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                opened => opened?,
            };
            lock.lock()?;
            // Until then another run may have taken it for one that has ended.
            if path.try_exists()? {
                return Ok(Self {
                    folder,
                    _lock: lock,
                    is_final,
                });
            }
        }
    }

    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }
}

/// The folders of runs.
fn runs(folder: &Path, prefix: &str) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for it in fs::read_dir(folder)? {
        let it = it?;
        if it.file_name().to_string_lossy().starts_with(prefix) {
            found.push(it.path());
        }
    }
    Ok(found)
}

/// Whether it is a folder, and no link to one, of the owner of `ours`. In a folder for everybody nobody else can put
/// another in its place then.
#[cfg(unix)]
fn is_owned_alike(folder: &Path, ours: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let [folder, ours] = [folder, ours].map(fs::symlink_metadata);
    matches!((folder, ours), (Ok(it), Ok(ours)) if it.is_dir() && it.uid() == ours.uid())
}

/// Temporary files are in the folder of their owner.
#[cfg(not(unix))]
fn is_owned_alike(folder: &Path, _: &Path) -> bool {
    fs::symlink_metadata(folder).is_ok_and(|it| it.is_dir())
}

/// Takes the folder of a run away, unless it goes on.
fn clear(folder: &Path) -> io::Result<()> {
    let is_gone = |it: &io::Error| it.kind() == io::ErrorKind::NotFound;
    let clear = || {
        let lock = match File::options().write(true).open(folder.join(LOCK)) {
            // It is just being made, if it is not left from the moment before.
            Err(error) if is_gone(&error) => {
                let _ = fs::remove_dir(folder);
                return Ok(());
            }
            opened => opened?,
        };
        match lock.try_lock() {
            Ok(()) => {}
            Err(fs::TryLockError::WouldBlock) => return Ok(()),
            Err(fs::TryLockError::Error(error)) => return Err(error),
        }
        // The lock last: whenever this ends, the next run finds it.
        for it in fs::read_dir(folder)? {
            let path = it?.path();
            if path.is_dir() {
                fs::remove_dir_all(path)?;
            } else if !path.ends_with(LOCK) {
                fs::remove_file(path)?;
            }
        }
        fs::remove_dir_all(folder)
    };
    match clear() {
        // Another one is clearing it too.
        Err(error) if !is_gone(&error) => Err(error),
        _ => Ok(()),
    }
}

impl Staging {
    fn name(&self, part: &Part) -> String {
        format!("{}/{}-{}.parquet", part.partition, self.id, part.number)
    }

    /// The path of a file before it is in its place. It has another ending: some engines look into every folder.
    fn staged(folder: &Path, name: &str) -> PathBuf {
        folder.join(format!("{}.part", name.replace('/', "-")))
    }
}

impl Place for Staging {
    type Output = StoppableWriter<File>;

    fn create(&mut self, part: &Part) -> io::Result<Self::Output> {
        let mut options = File::options();
        options.write(true).create_new(true);
        private(&mut options);
        let file = options.open(Self::staged(self.folder.path(), &self.name(part)))?;
        Ok(self.stop.writer(file))
    }

    fn finish(&mut self, part: Part, mut output: Self::Output) -> io::Result<()> {
        output.flush()?;
        let file = output.into_inner();
        let path = self.name(&part);
        let entry = EntryFile {
            rows: part.rows,
            bytes: file.metadata()?.len(),
            path,
        };
        if self.run.is_final {
            file.sync_all()?;
        }
        let path = Self::staged(self.folder.path(), &entry.path);
        self.files.push(Staged { entry, path });
        Ok(())
    }

    fn check(&mut self) -> io::Result<()> {
        if self.stop.is_stopped() {
            return Err(io::Error::other("nobody waits for it any more"));
        }
        Ok(())
    }
}
