//! Where the files of one input are until all are whole.

use std::{
    env,
    fs::{self, File},
    io::{self, Seek as _, SeekFrom, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

use pcaps_file::{StopSignal, StoppableWriter};
use pcaps_table::{Part, Place};
use tempfile::TempDir;

use super::manifest::EntryFile;
use crate::{journal::private, storage::Source};

/// What the names of runs' folders begin with.
const RUN: &str = "run-";
/// The file in a run's folder whose lock says that the run goes on.
const LOCK: &str = "lock";

/// The files of one input. Dropped, those that are left go.
pub(super) struct Staging {
    pub(super) room: Room,
    /// What their names begin with.
    pub(super) id: String,
    pub(super) stop: StopSignal,
    pub(super) files: Vec<Staged>,
}

/// Where they are, and where they go.
pub(super) enum Room {
    /// In a folder of their own, on the way to one of this machine. That of the run goes after it.
    Folder {
        folder: TempDir,
        _run: Arc<RunFolder>,
        root: PathBuf,
    },
    /// On the way to a bucket: one after the other in a temporary file that goes with the process, however that ends.
    Spool {
        file: Arc<File>,
        bucket: Arc<Source>,
    },
}

/// What one run is writing, in a folder of its own: two that overlap know nothing of each other. It goes when it is dropped.
#[derive(Debug)]
pub(super) struct RunFolder {
    folder: TempDir,
    _lock: File,
}

/// A file that is whole.
pub(super) struct Staged {
    pub(super) entry: EntryFile,
    pub(super) at: StagedAt,
}

/// Where it is, and where it goes.
pub(super) enum StagedAt {
    Path {
        from: PathBuf,
        to: PathBuf,
    },
    /// As many bytes as the entry says.
    Spool {
        file: Arc<File>,
        begin: u64,
        bucket: Arc<Source>,
    },
}

impl RunFolder {
    /// Makes one among those of other runs, and clears those whose run has ended without doing so.
    pub(super) fn new(staging: &Path) -> io::Result<Self> {
        fs::create_dir_all(staging)?;
        for it in fs::read_dir(staging)? {
            let it = it?;
            if it.file_name().to_string_lossy().starts_with(RUN) {
                clear(&it.path())?;
            }
        }
        loop {
            let folder = TempDir::with_prefix_in(RUN, staging)?;
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
                });
            }
        }
    }

    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }
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

/// Why there is no room, and where.
fn in_temporary(error: &io::Error) -> io::Error {
    let folder = env::temp_dir();
    io::Error::new(
        error.kind(),
        format!("for temporary files, in {}: {error}", folder.display()),
    )
}

impl Place for Staging {
    type Output = StoppableWriter<File>;

    fn create(&mut self, part: &Part) -> io::Result<Self::Output> {
        let file = match &self.room {
            Room::Folder { folder, .. } => {
                let mut options = File::options();
                options.write(true).create_new(true);
                private(&mut options);
                options.open(Self::staged(folder.path(), &self.name(part)))?
            }
            Room::Spool { .. } => tempfile::tempfile().map_err(|it| in_temporary(&it))?,
        };
        Ok(self.stop.writer(file))
    }

    fn finish(&mut self, part: Part, mut output: Self::Output) -> io::Result<()> {
        output.flush()?;
        let mut file = output.into_inner();
        let path = self.name(&part);
        let entry = EntryFile {
            rows: part.rows,
            bytes: file.metadata()?.len(),
            path,
        };
        let at = match &self.room {
            Room::Folder { folder, root, .. } => {
                file.sync_all()?;
                StagedAt::Path {
                    from: Self::staged(folder.path(), &entry.path),
                    to: root.join(&entry.path),
                }
            }
            // There can be more of them than a process may have open.
            Room::Spool {
                file: spool,
                bucket,
            } => {
                let begin = spool.as_ref().seek(SeekFrom::End(0))?;
                file.rewind()?;
                let copied = io::copy(&mut file, &mut self.stop.writer(spool.as_ref()));
                copied.map_err(|it| in_temporary(&it))?;
                StagedAt::Spool {
                    file: Arc::clone(spool),
                    begin,
                    bucket: Arc::clone(bucket),
                }
            }
        };
        self.files.push(Staged { entry, at });
        Ok(())
    }

    fn check(&mut self) -> io::Result<()> {
        if self.stop.is_stopped() {
            return Err(io::Error::other("nobody waits for it any more"));
        }
        Ok(())
    }
}
