//! Where the data set is: a folder of this machine, or of a bucket.

use std::{
    fs::{self, File},
    io::{self, Seek as _, Write as _},
    path::{Path, PathBuf},
};

use object_store::{ObjectStoreExt as _, PutPayload, buffered::BufWriter, path::Path as Key};
use pcaps_file::StopSignal;
use tokio::io::AsyncWriteExt as _;

use super::{
    Location,
    staging::{Staged, StagedAt, Staging, StagingFolder},
};
use crate::{
    Error, ErrorKind,
    storage::{Access, Elsewhere, Source, is_not_there},
};

/// The folder in the data set for what is not whole. Engines look into none whose name begins so.
const STAGING: &str = "_staging";
/// No entry of a manifest is longer: there is a line for each hour in it.
const MAX_ENTRY: u64 = 16 << 20;
/// How many bytes are sent to a bucket at a time.
const PIECE: usize = 8 << 20;

pub(super) enum TableSink {
    Folder(PathBuf),
    Bucket(Box<Source>),
}

impl TableSink {
    pub(super) fn open(location: &Location, buckets: &Elsewhere) -> Result<Self, Error> {
        match location {
            Location::Path(path) => {
                fs::create_dir_all(path).map_err(|it| Error::io("make the folder", path, it))?;
                Ok(Self::Folder(path.clone()))
            }
            Location::Bucket(bucket) => {
                let folder = buckets.folder(bucket)?;
                Ok(Self::Bucket(Box::new(Source::alone(folder, bucket))))
            }
        }
    }

    /// Room for the files of an input. What an earlier run left of them goes.
    pub(super) fn stage(&self, id: &str) -> Result<Staging, Error> {
        let folder = match self {
            Self::Folder(root) => {
                let folder = root.join(STAGING).join(id);
                let made = match fs::remove_dir_all(&folder) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
                    _ => fs::create_dir_all(&folder),
                };
                made.map_err(|it| Error::io("make the folder", &folder, it))?;
                Some(StagingFolder(folder))
            }
            Self::Bucket(_) => None,
        };
        Ok(Staging {
            folder,
            id: id.to_owned(),
            stop: StopSignal::default(),
            files: Vec::new(),
        })
    }

    /// Puts a file where it belongs.
    pub(super) async fn place(&self, staged: Staged) -> Result<(), Error> {
        let path = staged.entry.path;
        match (self, staged.at) {
            (Self::Folder(root), StagedAt::Path(from)) => {
                let to = root.join(&path);
                let place = || {
                    let folder = to.parent().unwrap_or(root);
                    fs::create_dir_all(folder)?;
                    fs::rename(&from, &to)?;
                    sync(folder)
                };
                place().map_err(|it| Error::io("write", &to, it))
            }
            (Self::Bucket(source), StagedAt::File(file)) => upload(source, &path, file).await,
            // They are made for one another.
            _ => Err(Error::new(ErrorKind::Io, "the data set is elsewhere")),
        }
    }

    /// What is in a small file, if it is there.
    pub(super) async fn read(&self, path: &str) -> Result<Option<Vec<u8>>, Error> {
        const DOING: &str = "read the manifest";
        match self {
            Self::Folder(root) => match fs::read(root.join(path)) {
                Ok(text) => Ok(Some(text)),
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
                Err(error) => Err(Error::io("read", &root.join(path), error)),
            },
            Self::Bucket(source) => {
                let reading = async {
                    let got = match source.store.get(&source.key(path)).await {
                        Ok(got) => got,
                        Err(error) if is_not_there(&error) => return Ok(None),
                        Err(error) => return Err(source.failed(Access::Read, DOING, &error)),
                    };
                    if got.meta.size > MAX_ENTRY {
                        let what = format!("cannot {DOING}: {path} is longer than any entry of it");
                        return Err(Error::new(ErrorKind::UnexpectedResponse, what));
                    }
                    let bytes = got.bytes().await;
                    bytes
                        .map(|it| Some(it.to_vec()))
                        .map_err(|it| source.broken(DOING, &it))
                };
                source.answer(DOING, reading).await?
            }
        }
    }

    /// Writes a small file, whole or not at all.
    pub(super) async fn write(&self, path: &str, text: Vec<u8>) -> Result<(), Error> {
        const DOING: &str = "write the manifest";
        match self {
            Self::Folder(root) => {
                let to = root.join(path);
                let write = || {
                    let folder = to.parent().unwrap_or(root);
                    fs::create_dir_all(folder)?;
                    let staging = root.join(STAGING);
                    fs::create_dir_all(&staging)?;
                    // Always by the same name, so that what a run has left that was ended goes with the next.
                    let name = to.file_name().unwrap_or_default();
                    let from = staging.join(name).with_extension("part");
                    let mut file = File::create(&from)?;
                    file.write_all(&text)?;
                    file.sync_all()?;
                    match fs::rename(&from, &to) {
                        // Another process has put the same in its place.
                        Err(_) if fs::read(&to).is_ok_and(|it| it == text) => {}
                        renamed => renamed?,
                    }
                    sync(folder)
                };
                write().map_err(|it| Error::io("write", &to, it))
            }
            Self::Bucket(source) => {
                let key = source.key(path);
                let put = source.store.put(&key, PutPayload::from(text));
                let put = source.answer(DOING, put).await?;
                put.map(|_| ())
                    .map_err(|it| source.failed(Access::Write, DOING, &it))
            }
        }
    }

    /// Takes a file away, if it is there.
    pub(super) async fn delete(&self, path: &str) -> Result<(), Error> {
        const DOING: &str = "take away the rows that a file had before";
        match self {
            Self::Folder(root) => match fs::remove_file(root.join(path)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    Err(Error::io("remove", &root.join(path), error))
                }
                _ => Ok(()),
            },
            Self::Bucket(source) => {
                let key = source.key(path);
                match source.answer(DOING, source.store.delete(&key)).await? {
                    Err(error) if !is_not_there(&error) => {
                        Err(source.failed(Access::Write, DOING, &error))
                    }
                    _ => Ok(()),
                }
            }
        }
    }

    /// Takes the folder away in which files were, if nobody else has some there.
    pub(super) fn clean(&self) {
        if let Self::Folder(root) = self {
            // It is not empty then.
            let _ = fs::remove_dir(root.join(STAGING));
        }
    }
}

impl Source {
    /// The key of a path below the folder.
    fn key(&self, path: &str) -> Key {
        path.split('/').fold(self.prefix.clone(), Key::join)
    }
}

/// Sends a file, piece by piece. It is there when all of it is.
async fn upload(source: &Source, path: &str, mut file: File) -> Result<(), Error> {
    const DOING: &str = "write a file of the data set";
    let failed = |it: io::Error| match it.downcast::<object_store::Error>() {
        Ok(error) => source.failed(Access::Write, DOING, &error),
        Err(error) => Error::io("write", Path::new(path), error),
    };
    file.rewind().map_err(failed)?;
    let mut file = tokio::fs::File::from_std(file);
    let (store, key) = (source.store.clone(), source.key(path));
    let mut writer = BufWriter::with_capacity(store, key, PIECE).with_max_concurrency(1);
    let mut piece = vec![0; 1 << 20];
    loop {
        let count = tokio::io::AsyncReadExt::read(&mut file, &mut piece).await;
        let count = count.map_err(failed)?;
        let sent = if count == 0 {
            source.answer(DOING, writer.shutdown()).await?
        } else {
            let bytes = piece.get(..count).unwrap_or_default();
            source.answer(DOING, writer.write_all(bytes)).await?
        };
        if let Err(error) = sent {
            // Its pieces would stay otherwise, and cost money.
            let _ = writer.abort().await;
            return Err(failed(error));
        }
        if count == 0 {
            return Ok(());
        }
    }
}

/// The name of a file lasts through a power cut only once its folder has been synced.
fn sync(folder: &Path) -> io::Result<()> {
    if cfg!(unix) {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}
