//! The folder in which the files of a capture wait to be merged, and its journal.
//!
//! `manifest.ndjson` has one JSON object a line, and is only ever appended to: what the folder is for, then each part
//! that is begun, and each that is whole. A second run reads it, looks at the files that it names, and goes on. It holds
//! no secret: the destination is written without keys.

use std::{
    collections::BTreeMap,
    fs::{self, DirBuilder, File, OpenOptions, TryLockError},
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    thread,
    time::Duration,
};

use pcaps_file::Verifier;
use serde::{Deserialize, Serialize};
use tempfile::TempDir;

use super::listing::Object;
use crate::{CaptureId, Destination, Error};

const MANIFEST: &str = "manifest.ndjson";
/// What a part is called while it is not whole, and when it is.
const BEGUN: &str = "part";
const WHOLE: &str = "pcap";

/// For how long another run on the same folder may still be at its end, and how often it is asked.
const PATIENCE: Duration = Duration::from_secs(2);
const LOOK: Duration = Duration::from_millis(20);

/// The folder, of which one run has hold at a time.
pub(super) struct PartsFolder {
    folder: PathBuf,
    journal: Mutex<Journal>,
    /// For a folder that nobody comes back to.
    _temporary: Option<TempDir>,
}

struct Journal {
    /// It is locked until it is closed.
    file: File,
    next: u32,
}

/// A line of the journal.
#[derive(Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
enum Line {
    Collect {
        version: u32,
        capture: String,
        destination: String,
    },
    Begun(Entry),
    Whole(Entry),
}

#[derive(Serialize, Deserialize)]
struct Entry {
    key: String,
    size: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    etag: Option<String>,
    file: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    packets: Option<u64>,
}

/// What there is of an object.
#[derive(Clone, Debug)]
pub(super) struct FetchedPart {
    /// The number in the name of its file.
    number: u32,
    pub(super) size: u64,
    pub(super) etag: Option<String>,
    /// How many packets can be read of it.
    pub(super) packets: u64,
    /// Why there are no more.
    pub(super) fault: Option<String>,
}

/// What a run before has left, by key.
#[derive(Default)]
pub(super) struct Left {
    pub(super) whole: BTreeMap<String, FetchedPart>,
    pub(super) begun: BTreeMap<String, FetchedPart>,
}

impl FetchedPart {
    /// Whether it is of the object as it is listed.
    pub(super) fn is_of(&self, object: &Object) -> bool {
        self.size == object.size && self.etag == object.etag
    }
}

impl PartsFolder {
    /// Opens the folder, or makes it, and says what is in it. It is for one capture of one destination.
    pub(super) fn open(
        folder: PathBuf,
        capture: &CaptureId,
        destination: &Destination,
    ) -> Result<(Self, Left), Error> {
        make(&folder).map_err(|it| Error::io("make the folder", &folder, it))?;
        Self::open_made(folder, None, capture, destination)
    }

    /// A folder that ends with this.
    pub(super) fn temporary(
        capture: &CaptureId,
        destination: &Destination,
    ) -> Result<(Self, Left), Error> {
        // It is readable by its owner only.
        let folder = tempfile::Builder::new().prefix("pcaps-").tempdir();
        let failed = |it| Error::io("make a folder in", &std::env::temp_dir(), it);
        let folder = folder.map_err(failed)?;
        let path = folder.path().to_owned();
        Self::open_made(path, Some(folder), capture, destination)
    }

    fn open_made(
        folder: PathBuf,
        temporary: Option<TempDir>,
        capture: &CaptureId,
        destination: &Destination,
    ) -> Result<(Self, Left), Error> {
        let failed = |it| Error::io("use the folder", &folder, it);
        refuse_others(&folder)?;
        let mut file = lock(&folder.join(MANIFEST), &folder)?;
        let mut text = Vec::new();
        file.read_to_end(&mut text).map_err(failed)?;
        // A last line without an end was being written when the run before ended.
        let end = text
            .iter()
            .rposition(|it| *it == b'\n')
            .map_or(0, |it| it + 1);
        text.truncate(end);
        file.set_len(end as u64).map_err(failed)?;
        let mut journal = Journal { file, next: 0 };
        let destination = destination.to_string();
        let left = if text.is_empty() {
            // Without it, nobody knows what the files are.
            clear(&folder).map_err(failed)?;
            let line = Line::Collect {
                version: 1,
                capture: capture.to_string(),
                destination,
            };
            journal.add(&line).map_err(failed)?;
            Left::default()
        } else {
            journal.read(&text, &folder, capture, &destination)?
        };
        let this = Self {
            folder,
            journal: Mutex::new(journal),
            _temporary: temporary,
        };
        Ok((this, left))
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where a whole part is.
    pub(super) fn path(&self, part: &FetchedPart) -> PathBuf {
        self.folder.join(name(part.number, WHOLE))
    }

    /// Opens the file of a part that is not whole, for what comes after the bytes that it holds: they are given to
    /// `verifier`. Without a part that can be gone on with it is a new one.
    pub(super) fn begin(
        &self,
        object: &Object,
        left: Option<&FetchedPart>,
        mut seen: impl FnMut(&[u8]),
    ) -> Result<(FetchedPart, File, u64), Error> {
        if let Some(part) = left.filter(|it| it.etag.is_some() && it.is_of(object)) {
            let path = self.folder.join(name(part.number, BEGUN));
            let opened = OpenOptions::new().read(true).write(true).open(&path);
            if let Ok(mut file) = opened {
                let read = read_all(&mut file, &mut seen);
                let read = read.map_err(|it| Error::io("read", &path, it))?;
                if read <= object.size {
                    return Ok((part.clone(), file, read));
                }
            }
        }
        let mut journal = self.journal();
        let part = FetchedPart {
            number: journal.next,
            size: object.size,
            etag: object.etag.clone(),
            packets: 0,
            fault: None,
        };
        journal.next += 1;
        let path = self.folder.join(name(part.number, BEGUN));
        let file = new_file(&path).map_err(|it| self.unwritten(it))?;
        let line = Line::Begun(Entry::new(object, &part, None));
        journal.add(&line).map_err(|it| self.unwritten(it))?;
        Ok((part, file, 0))
    }

    /// Notes that a part is whole. Its file has to be written.
    pub(super) fn end(&self, object: &Object, part: &FetchedPart) -> Result<(), Error> {
        let begun = self.folder.join(name(part.number, BEGUN));
        fs::rename(begun, self.path(part)).map_err(|it| self.unwritten(it))?;
        let line = Line::Whole(Entry::new(object, part, Some(part.packets)));
        self.journal().add(&line).map_err(|it| self.unwritten(it))
    }

    /// Takes away what there is of a part.
    pub(super) fn drop_part(&self, part: &FetchedPart) {
        for ending in [BEGUN, WHOLE] {
            // It may be the other one.
            let _ = fs::remove_file(self.folder.join(name(part.number, ending)));
        }
    }

    /// Takes the folder away. First the journal goes: a run that finds files without one takes none of them for whole.
    pub(super) fn remove(&self) -> io::Result<()> {
        fs::remove_file(self.folder.join(MANIFEST))?;
        clear(&self.folder)?;
        fs::remove_dir(&self.folder)
    }

    /// A file in the folder cannot be written.
    pub(super) fn unwritten(&self, error: io::Error) -> Error {
        unwritten(&self.folder, error)
    }

    fn journal(&self) -> std::sync::MutexGuard<'_, Journal> {
        self.journal.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What has been fetched is not lost.
fn unwritten(folder: &Path, error: io::Error) -> Error {
    let full = error.kind() == io::ErrorKind::StorageFull;
    let error = Error::io("write into the folder", folder, error);
    error.advise(if full {
        "what has been fetched stays there: make room, and collect again to go on from it"
    } else {
        "what has been fetched stays there: collect again to go on from it"
    })
}

impl Entry {
    fn new(object: &Object, part: &FetchedPart, packets: Option<u64>) -> Self {
        Self {
            key: object.key.to_string(),
            size: part.size,
            etag: part.etag.clone(),
            file: name(part.number, if packets.is_some() { WHOLE } else { BEGUN }),
            packets,
        }
    }
}

impl Journal {
    /// Appends a line, in one piece.
    fn add(&mut self, line: &Line) -> io::Result<()> {
        let mut text = serde_json::to_vec(line)?;
        text.push(b'\n');
        self.file.write_all(&text)
    }

    /// What was done, and is still there. A line that makes no sense counts for nothing.
    fn read(
        &mut self,
        text: &[u8],
        folder: &Path,
        capture: &CaptureId,
        destination: &str,
    ) -> Result<Left, Error> {
        let mut left = Left::default();
        let mut lines = text.split(|it| *it == b'\n');
        let first = lines.next().unwrap_or_default();
        match serde_json::from_slice(first) {
            Ok(Line::Collect {
                version: 1,
                capture: of,
                destination: from,
            }) if of == capture.as_str() && from == destination => {}
            _ => return Err(others(folder, "its parts are of another capture or bucket")),
        }
        for line in lines {
            let (entry, is_whole) = match serde_json::from_slice(line) {
                Ok(Line::Begun(entry)) => (entry, false),
                Ok(Line::Whole(entry)) => (entry, true),
                _ => continue,
            };
            let Some(number) = number(&entry.file, if is_whole { WHOLE } else { BEGUN }) else {
                continue;
            };
            self.next = self.next.max(number.saturating_add(1));
            let part = FetchedPart {
                number,
                size: entry.size,
                etag: entry.etag,
                packets: entry.packets.unwrap_or_default(),
                fault: None,
            };
            // The last one is what counts, of either kind.
            left.begun.remove(&entry.key);
            left.whole.remove(&entry.key);
            let parts = if is_whole {
                &mut left.whole
            } else {
                &mut left.begun
            };
            parts.insert(entry.key, part);
        }
        // A file gets the name of a whole one before that is noted.
        let path = |part: &FetchedPart, ending| folder.join(name(part.number, ending));
        let renamed: Vec<_> = left
            .begun
            .extract_if(.., |_, part| {
                !path(part, BEGUN).exists() && path(part, WHOLE).exists()
            })
            .collect();
        for (key, mut part) in renamed {
            if part.look_at(&path(&part, WHOLE), &key).is_ok() {
                left.whole.insert(key, part);
            }
        }
        left.whole.retain(|key, part| {
            let noted = part.packets;
            part.look_at(&path(part, WHOLE), key).is_ok() && part.packets == noted
        });
        Ok(left)
    }
}

impl FetchedPart {
    /// Reads the file of a whole part, which has to be of its length.
    fn look_at(&mut self, path: &Path, key: &str) -> io::Result<()> {
        let mut check = Check::new(key);
        let read = read_all(&mut File::open(path)?, &mut |it| check.push(it))?;
        (self.packets, self.fault) = check.finish();
        if read == self.size {
            Ok(())
        } else {
            Err(io::ErrorKind::InvalidData.into())
        }
    }
}

/// How many packets can be read of a file, while it comes. That it is torn is nothing that fetching can help.
pub(super) struct Check {
    verifier: Option<Verifier>,
    failed: Option<pcaps_file::Error>,
}

impl Check {
    pub(super) fn new(key: &str) -> Self {
        Self {
            verifier: Some(Verifier::new(key)),
            failed: None,
        }
    }

    pub(super) fn push(&mut self, bytes: &[u8]) {
        if let Some(verifier) = &mut self.verifier
            && let Err(error) = verifier.push(bytes)
        {
            self.failed = Some(error);
            self.verifier = None;
        }
    }

    /// How many there are, and why no more.
    pub(super) fn finish(self) -> (u64, Option<String>) {
        let error = match self.verifier.map(Verifier::finish) {
            Some(Ok(verified)) => return (verified.packets, None),
            Some(Err(error)) => Some(error),
            None => self.failed,
        };
        let packets = error.as_ref().and_then(pcaps_file::Error::packet_number);
        let packets = packets.map_or(0, |it| it.saturating_sub(1));
        (packets, error.map(|it| it.to_string()))
    }
}

/// Reads from the beginning to the end, and gives the length.
fn read_all(file: &mut File, seen: &mut impl FnMut(&[u8])) -> io::Result<u64> {
    let mut room = vec![0; 64 << 10];
    let mut len = 0;
    loop {
        match file.read(&mut room)? {
            0 => return Ok(len),
            count => {
                seen(&room[..count]);
                len += count as u64;
            }
        }
    }
}

fn name(number: u32, ending: &str) -> String {
    format!("{number:05}.{ending}")
}

/// The number in a file's name: nothing else is a name.
fn number(text: &str, ending: &str) -> Option<u32> {
    let number = text.split_once('.')?.0.parse().ok()?;
    (name(number, ending) == text).then_some(number)
}

/// Takes away the files that a run before has left.
fn clear(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let is_part = |it: &str| number(it, BEGUN).or(number(it, WHOLE)).is_some();
        if entry.file_name().to_str().is_some_and(is_part) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// A folder with something in it and no journal is somebody else's, unless a run ended while it was taking it away.
fn refuse_others(folder: &Path) -> Result<(), Error> {
    let failed = |it| Error::io("read the folder", folder, it);
    for entry in fs::read_dir(folder).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name();
        let ours = |it: &str| it == MANIFEST || number(it, BEGUN).or(number(it, WHOLE)).is_some();
        if !name.to_str().is_some_and(ours) {
            return Err(others(folder, "there are other files in it"));
        }
    }
    Ok(())
}

fn others(folder: &Path, why: &str) -> Error {
    Error::invalid(format!(
        "the folder {} cannot take the parts of this capture, {why}: move it away, or give another output",
        folder.display()
    ))
}

/// Makes a folder for its owner only. A link is no folder: it may lead anywhere.
fn make(folder: &Path) -> io::Result<()> {
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

fn new_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(true);
    private(&mut options);
    options.open(path)
}

fn private(options: &mut OpenOptions) {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    #[cfg(not(unix))]
    let _ = options;
}

/// Opens the journal, and keeps others out. A run that was dropped may still be writing its last bytes.
fn lock(path: &Path, folder: &Path) -> Result<File, Error> {
    let failed = |it| unwritten(folder, it);
    let mut options = OpenOptions::new();
    options.read(true).append(true).create(true);
    private(&mut options);
    let mut waited = Duration::ZERO;
    loop {
        let file = options.open(path).map_err(failed)?;
        match file.try_lock() {
            // The one who had it may have taken it away.
            Ok(()) if is_at(&file, path) => return Ok(file),
            Err(TryLockError::WouldBlock) if waited >= PATIENCE => {
                return Err(Error::invalid(format!(
                    "another process is collecting into {}: wait for it, or give another output",
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
