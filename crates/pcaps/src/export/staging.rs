//! Where the files of one input are until all are whole.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

use pcaps_file::{StopSignal, StoppableWriter};
use pcaps_table::{Part, Place};

use super::manifest::EntryFile;

/// The files of one input. Dropped, those that are left go.
#[derive(Debug)]
pub(super) struct Staging {
    /// A folder for them. Without one, they have no names.
    pub(super) folder: Option<StagingFolder>,
    /// What their names begin with.
    pub(super) id: String,
    pub(super) stop: StopSignal,
    pub(super) files: Vec<Staged>,
}

/// It goes when it is dropped.
#[derive(Debug)]
pub(super) struct StagingFolder(pub(super) PathBuf);

/// A file that is whole.
#[derive(Debug)]
pub(super) struct Staged {
    pub(super) entry: EntryFile,
    pub(super) at: StagedAt,
}

#[derive(Debug)]
pub(super) enum StagedAt {
    /// By this name, and on the disk.
    Path(PathBuf),
    /// Without a name.
    File(File),
}

impl Drop for StagingFolder {
    fn drop(&mut self) {
        // The next run does it otherwise.
        let _ = fs::remove_dir_all(&self.0);
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
        let file = match &self.folder {
            Some(StagingFolder(folder)) => {
                let path = Self::staged(folder, &self.name(part));
                File::options()
                    .read(true)
                    .write(true)
                    .create_new(true)
                    .open(path)?
            }
            None => tempfile::tempfile()?,
        };
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
        let at = match &self.folder {
            Some(StagingFolder(folder)) => {
                file.sync_all()?;
                StagedAt::Path(Self::staged(folder, &entry.path))
            }
            None => StagedAt::File(file),
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
