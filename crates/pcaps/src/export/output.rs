//! Where the data set is: a folder of this machine, or of a bucket.

use std::{
    env,
    fs::{self, File},
    io::{self, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
    sync::{Arc, LazyLock},
    time::Duration,
};

use object_store::{MultipartUpload, ObjectStoreExt as _, PutPayload, path::Path as Key};
use pcaps_file::StopSignal;
use tempfile::TempDir;
use tokio::{io::AsyncReadExt as _, runtime::Handle, sync::watch, time::timeout};

use super::{
    Location,
    staging::{Room, RunFolder, Staged, StagedAt, Staging},
};
use crate::{
    Error, ErrorKind,
    journal::private,
    storage::{Access, Elsewhere, Source, is_not_there},
};

/// The folder in the data set for what is not whole. Engines look into none whose name begins so.
const STAGING: &str = "_staging";
/// No entry of a manifest is longer: it has some hundred bytes for each file, of which there are 10,000 at most, and while they
/// replace others those too.
const MAX_ENTRY: u64 = 16 << 20;
/// How many bytes are sent to a bucket at a time.
const PIECE: usize = 8 << 20;

pub(super) enum TableSink {
    Folder { root: PathBuf, run: Arc<RunFolder> },
    Bucket(Arc<Source>),
}

impl TableSink {
    pub(super) fn open(
        location: &Location,
        buckets: &Elsewhere,
        timeout: Duration,
    ) -> Result<Self, Error> {
        match location {
            Location::Path(path) => {
                fs::create_dir_all(path).map_err(|it| Error::io("make the folder", path, it))?;
                let staging = path.join(STAGING);
                let run = RunFolder::new(&staging);
                let run = run.map_err(|it| Error::io("make room in", &staging, it))?;
                Ok(Self::Folder {
                    root: path.clone(),
                    run: Arc::new(run),
                })
            }
            Location::Bucket(bucket) => {
                let folder = buckets.folder(bucket)?;
                Ok(Self::Bucket(Arc::new(Source::alone(
                    folder, bucket, timeout,
                ))))
            }
        }
    }

    /// Room for the files of an input.
    pub(super) fn stage(&self, id: &str) -> Result<Staging, Error> {
        let failed = |place: &Path, it| Error::io("write a temporary file in", place, it);
        let room = match self {
            Self::Folder { root, run } => Room::Folder {
                folder: TempDir::new_in(run.path()).map_err(|it| failed(run.path(), it))?,
                _run: Arc::clone(run),
                root: root.clone(),
            },
            Self::Bucket(bucket) => Room::Spool {
                file: Arc::new(tempfile::tempfile().map_err(|it| failed(&env::temp_dir(), it))?),
                bucket: Arc::clone(bucket),
            },
        };
        Ok(Staging {
            room,
            id: id.to_owned(),
            stop: StopSignal::default(),
            files: Vec::new(),
        })
    }

    /// What is in a small file, if it is there.
    pub(super) async fn read(&self, path: &str) -> Result<Option<Vec<u8>>, Error> {
        const DOING: &str = "read the manifest";
        match self {
            Self::Folder { root, .. } => match fs::read(root.join(path)) {
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
            Self::Folder { root, run } => {
                let to = root.join(path);
                let write = || {
                    let folder = to.parent().unwrap_or(root);
                    make(folder)?;
                    let name = to.file_name().unwrap_or_default();
                    let from = run.path().join(name).with_extension("part");
                    let mut options = File::options();
                    options.write(true).create(true).truncate(true);
                    private(&mut options);
                    let mut file = options.open(&from)?;
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
            Self::Folder { root, .. } => match fs::remove_file(root.join(path)) {
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
}

impl Staged {
    /// Puts the file where it belongs.
    pub(super) async fn place(self) -> Result<(), Error> {
        let Self { entry, at } = self;
        match at {
            StagedAt::Path { from, to } => {
                let place = || {
                    let folder = to.parent().unwrap_or(&to);
                    make(folder)?;
                    fs::rename(&from, &to)?;
                    sync(folder)
                };
                place().map_err(|it| Error::io("write", &to, it))
            }
            StagedAt::Spool {
                file,
                begin,
                bucket,
            } => {
                let file = file.try_clone().and_then(|mut file| {
                    file.seek(SeekFrom::Start(begin))?;
                    Ok(tokio::fs::File::from_std(file).take(entry.bytes))
                });
                let file = file.map_err(|it| Error::io("read", Path::new(&entry.path), it))?;
                upload(&bucket, &entry.path, file).await
            }
        }
    }
}

impl Source {
    /// The key of a path below the folder.
    fn key(&self, path: &str) -> Key {
        path.split('/').fold(self.prefix.clone(), Key::join)
    }
}

/// A part of a temporary file.
type Spooled = tokio::io::Take<tokio::fs::File>;

/// Sends a file, a long one in pieces. It is there when all of it is.
async fn upload(source: &Source, path: &str, mut file: Spooled) -> Result<(), Error> {
    const DOING: &str = "write a file of the data set";
    let failed = |it| source.failed(Access::Write, DOING, &it);
    let key = source.key(path);
    let mut piece = next_piece(&mut file, path).await?;
    if piece.len() < PIECE {
        let put = source.store.put(&key, piece.into());
        let put = source.answer(DOING, put).await?;
        return put.map(|_| ()).map_err(failed);
    }
    let mut pieces = begin(source, key, DOING).await?;
    let sending = async {
        while let Some(upload) = pieces.upload.as_mut().filter(|_| !piece.is_empty()) {
            let sent = source.answer(DOING, upload.put_part(piece.into())).await?;
            sent.map_err(failed)?;
            piece = next_piece(&mut file, path).await?;
        }
        if let Some(upload) = &mut pieces.upload {
            let put = source.answer(DOING, upload.complete()).await?;
            put.map_err(failed)?;
        }
        Ok(())
    };
    let sent = sending.await;
    if sent.is_ok() {
        pieces.upload = None;
    } else {
        drop(pieces);
        // Why it failed says more than how long that takes.
        let _ = source.answer(DOING, settled()).await;
    }
    sent
}

/// Begins to send pieces. If it is dropped meanwhile, the bucket may have begun already: what comes of it then goes again.
async fn begin(source: &Source, key: Key, doing: &str) -> Result<Pieces, Error> {
    let (store, limit) = (Arc::clone(&source.store), source.limit());
    let leaving = Leaving::begin();
    let begun = tokio::spawn(async move {
        let begun = timeout(limit, store.put_multipart(&key)).await;
        let pieces = |it| Pieces {
            upload: Some(it),
            limit,
        };
        // In this order, should nobody want them: taking away begins before it counts as ended.
        (begun.map(|it| it.map(pieces)), leaving)
    });
    match begun.await {
        Ok((Ok(begun), _)) => begun.map_err(|it| source.failed(Access::Write, doing, &it)),
        Ok((Err(_), _)) => Err(source.timed_out(doing)),
        Err(error) => Err(Error::new(ErrorKind::Io, "the upload ended").because(error)),
    }
}

/// As much as is sent at a time, or what is left.
async fn next_piece(file: &mut Spooled, path: &str) -> Result<Vec<u8>, Error> {
    let mut piece = Vec::with_capacity(PIECE);
    let read = file.take(PIECE as u64).read_to_end(&mut piece).await;
    read.map_err(|it| Error::io("read", Path::new(path), it))?;
    Ok(piece)
}

/// Pieces that are in a bucket, and no object yet. Unless they become one they go, because nobody sees them, and they cost
/// money.
struct Pieces {
    upload: Option<Box<dyn MultipartUpload>>,
    /// How long taking them away may take.
    limit: Duration,
}

impl Drop for Pieces {
    fn drop(&mut self) {
        let (Some(mut upload), limit) = (self.upload.take(), self.limit) else {
            return;
        };
        // Without a runtime they stay.
        if let Ok(runtime) = Handle::try_current() {
            let leaving = Leaving::begin();
            runtime.spawn(async move {
                // Nobody is left to be told that they stay.
                let _ = timeout(limit, upload.abort()).await;
                drop(leaving);
            });
        }
    }
}

/// How many uploads are being begun or taken away.
static LEAVING: LazyLock<watch::Sender<usize>> = LazyLock::new(|| watch::Sender::new(0));

/// One of them, until it is dropped.
struct Leaving;

impl Leaving {
    fn begin() -> Self {
        LEAVING.send_modify(|it| *it += 1);
        Self
    }
}

impl Drop for Leaving {
    fn drop(&mut self) {
        LEAVING.send_modify(|it| *it -= 1);
    }
}

/// Waits until none is. Each ends in its time.
pub(super) async fn settled() {
    // Its sender is static.
    let _ = LEAVING.subscribe().wait_for(|it| *it == 0).await;
}

/// Makes a folder, and those that it is in, so that they last too.
fn make(folder: &Path) -> io::Result<()> {
    let is_missing = |it: &&Path| !it.as_os_str().is_empty() && !it.is_dir();
    let missing: Vec<_> = folder.ancestors().take_while(is_missing).collect();
    fs::create_dir_all(folder)?;
    missing
        .into_iter()
        .filter_map(Path::parent)
        .filter(|it| !it.as_os_str().is_empty())
        .try_for_each(sync)
}

/// The name of a file lasts through a power cut only once its folder has been synced.
fn sync(folder: &Path) -> io::Result<()> {
    if cfg!(unix) {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}
