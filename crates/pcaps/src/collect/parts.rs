//! The folder in which the files of a capture wait to be merged, and its journal.
//!
//! `manifest.ndjson` has one JSON object a line, and is only ever appended to: what the folder is for, then each part
//! that is begun, and each that is whole. A second run reads it, looks at the files that it names, and goes on. It holds
//! no secret: the destination is written without keys.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
    sync::{Mutex, OnceLock, PoisonError},
};

use pcaps_file::{NewFile, Verifier};
use serde::{Deserialize, Serialize};
use tempfile::TempDir;

use super::listing::Object;
use crate::{
    CaptureId, Destination, Error,
    journal::{JournalFile, make, private},
};

const MANIFEST: &str = "manifest.ndjson";
/// Where the system says which of its boots this is.
const BOOT: &str = "/proc/sys/kernel/random/boot_id";

/// The folder, of which one run has hold at a time.
pub(super) struct PartsFolder {
    folder: PathBuf,
    journal: Mutex<Journal>,
    /// For a folder that nobody comes back to.
    _temporary: Option<TempDir>,
}

struct Journal {
    file: JournalFile,
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
    /// Of a part that is begun, the boot in which it was. After a power cut, a file may have its length and not its
    /// bytes, and only of a whole one there is a checksum.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    boot: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    packets: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    crc32: Option<u32>,
}

/// What there is of an object.
#[derive(Clone, Debug)]
pub(super) struct FetchedPart {
    /// The number in the name of its file.
    number: u32,
    pub(super) size: u64,
    pub(super) etag: Option<String>,
    pub(super) found: Found,
}

/// What is in a part.
#[derive(Clone, Debug, Default)]
pub(super) struct Found {
    /// How many packets can be read of it.
    pub(super) packets: u64,
    /// Why there are no more.
    pub(super) fault: Option<String>,
    /// The checksum of all its bytes, CRC-32.
    checksum: u32,
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
        let have_tags = self.etag.is_some() == object.etag.is_some();
        self.size == object.size && have_tags && object.has_tag(self.etag.as_deref())
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
        let (file, text) =
            JournalFile::open(&folder.join(MANIFEST), &folder, |it| unwritten(&folder, it))?;
        let mut journal = Journal { file, next: 0 };
        let destination = destination.to_string();
        let left = if text.is_empty() {
            // Without it, nobody knows what the files are.
            clear(&folder, &BTreeSet::new()).map_err(failed)?;
            let line = Line::Collect {
                version: 1,
                capture: capture.to_string(),
                destination,
            };
            journal.file.add(&line).map_err(failed)?;
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

    /// Where a part is.
    pub(super) fn path(&self, part: &FetchedPart) -> PathBuf {
        self.folder.join(name(part.number))
    }

    /// Opens the file of a part that is not whole, for what comes after the bytes that it holds: they are given to
    /// `seen`. `None` when it cannot be gone on with.
    pub(super) fn resume(
        &self,
        part: &FetchedPart,
        mut seen: impl FnMut(&[u8]),
    ) -> Result<Option<(File, u64)>, Error> {
        if part.etag.is_none() {
            return Ok(None);
        }
        let path = self.path(part);
        let opened = OpenOptions::new().read(true).write(true).open(&path);
        let Ok(mut file) = opened else {
            return Ok(None);
        };
        let read = read_all(&mut file, &mut seen);
        let read = read.map_err(|it| Error::io("read", &path, it))?;
        Ok((read <= part.size).then_some((file, read)))
    }

    /// Makes the file of a part that is not whole.
    pub(super) fn begin(&self, object: &Object) -> Result<(FetchedPart, File), Error> {
        let part = self.next(object);
        let file = new_file(&self.path(&part)).map_err(|it| self.unwritten(it))?;
        let line = Line::Begun(Entry::new(object, &part, None));
        self.journal()
            .file
            .add(&line)
            .map_err(|it| self.unwritten(it))?;
        Ok((part, file))
    }

    /// Writes a part that is whole, in one piece.
    pub(super) fn put(
        &self,
        object: &Object,
        bytes: &[u8],
        found: Found,
    ) -> Result<FetchedPart, Error> {
        let part = self.next(object);
        let written = new_file(&self.path(&part)).and_then(|mut it| it.write_all(bytes));
        written.map_err(|it| self.unwritten(it))?;
        self.whole(object, part, found)
    }

    /// Notes that a part is whole. Its file has to be written, and is not synced: a run that goes on believes of it only
    /// what it reads, by the checksum.
    pub(super) fn whole(
        &self,
        object: &Object,
        mut part: FetchedPart,
        found: Found,
    ) -> Result<FetchedPart, Error> {
        part.found = found;
        let line = Line::Whole(Entry::new(object, &part, Some(&part.found)));
        self.journal()
            .file
            .add(&line)
            .map_err(|it| self.unwritten(it))?;
        Ok(part)
    }

    /// A part that nothing is there of yet.
    fn next(&self, object: &Object) -> FetchedPart {
        let mut journal = self.journal();
        let number = journal.next;
        journal.next += 1;
        FetchedPart {
            number,
            size: object.size,
            etag: object.etag.clone(),
            found: Found::default(),
        }
    }

    /// Takes away what there is of a part.
    pub(super) fn drop_part(&self, part: &FetchedPart) {
        // Without a line of the journal that names it, it is nothing.
        let _ = fs::remove_file(self.path(part));
    }

    /// Takes the folder away. First the journal goes: a run that finds files without one takes none of them for whole.
    pub(super) fn remove(&self) -> io::Result<()> {
        fs::remove_file(self.folder.join(MANIFEST))?;
        clear(&self.folder, &BTreeSet::new())?;
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
    fn new(object: &Object, part: &FetchedPart, whole: Option<&Found>) -> Self {
        Self {
            key: object.key.to_string(),
            size: part.size,
            etag: part.etag.clone(),
            file: name(part.number),
            boot: if whole.is_some() { None } else { boot() },
            packets: whole.map(|it| it.packets),
            crc32: whole.map(|it| it.checksum),
        }
    }
}

impl Journal {
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
        let boot = boot();
        for line in lines {
            let (entry, is_whole) = match serde_json::from_slice(line) {
                Ok(Line::Begun(entry)) => (entry, false),
                Ok(Line::Whole(entry)) => (entry, true),
                _ => continue,
            };
            let Some(number) = number(&entry.file) else {
                continue;
            };
            self.next = self.next.max(number.saturating_add(1));
            let part = FetchedPart {
                number,
                size: entry.size,
                etag: entry.etag,
                found: Found {
                    packets: entry.packets.unwrap_or_default(),
                    fault: None,
                    checksum: entry.crc32.unwrap_or_default(),
                },
            };
            // The last one is what counts, of either kind.
            left.begun.remove(&entry.key);
            left.whole.remove(&entry.key);
            if is_whole {
                left.whole.insert(entry.key, part);
            } else if boot.is_some() && entry.boot == boot {
                left.begun.insert(entry.key, part);
            }
        }
        left.whole.retain(|key, part| {
            let noted = part.found.clone();
            let looked = part.look_at(&folder.join(name(part.number)), key);
            // The length alone says nothing after a power cut.
            looked.is_ok()
                && (part.found.packets, part.found.checksum) == (noted.packets, noted.checksum)
        });
        let parts = left.whole.values().chain(left.begun.values());
        let kept = parts.map(|it| it.number).collect();
        // What is not believed only takes room.
        clear(folder, &kept).map_err(|it| Error::io("use the folder", folder, it))?;
        Ok(left)
    }
}

impl FetchedPart {
    /// Reads the file of a whole part, which has to be of its length.
    fn look_at(&mut self, path: &Path, key: &str) -> io::Result<()> {
        let mut check = Check::new(key);
        let read = read_all(&mut File::open(path)?, &mut |it| check.push(it))?;
        self.found = check.finish();
        if read == self.size {
            Ok(())
        } else {
            Err(io::ErrorKind::InvalidData.into())
        }
    }
}

/// What is in a file, while it comes. That it is torn is nothing that fetching can help.
pub(super) struct Check {
    checksum: crc32fast::Hasher,
    verifier: Option<Verifier>,
    failed: Option<pcaps_file::Error>,
}

impl Check {
    pub(super) fn new(key: &str) -> Self {
        Self {
            checksum: crc32fast::Hasher::new(),
            verifier: Some(Verifier::new(key)),
            failed: None,
        }
    }

    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.checksum.update(bytes);
        if let Some(verifier) = &mut self.verifier
            && let Err(error) = verifier.push(bytes)
        {
            self.failed = Some(error);
            self.verifier = None;
        }
    }

    pub(super) fn finish(self) -> Found {
        let checksum = self.checksum.finalize();
        let error = match self.verifier.map(Verifier::finish) {
            Some(Ok(verified)) => {
                return Found {
                    packets: verified.packets,
                    fault: None,
                    checksum,
                };
            }
            Some(Err(error)) => Some(error),
            None => self.failed,
        };
        let packets = error.as_ref().and_then(pcaps_file::Error::packet_number);
        Found {
            packets: packets.map_or(0, |it| it.saturating_sub(1)),
            fault: error.map(|it| it.to_string()),
            checksum,
        }
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

/// Which of the system's boots this is, where it says so.
fn boot() -> Option<String> {
    static THIS: OnceLock<Option<String>> = OnceLock::new();
    let read = || fs::read_to_string(BOOT).ok().map(|it| it.trim().to_owned());
    THIS.get_or_init(read).clone()
}

fn name(number: u32) -> String {
    format!("{number:05}.pcap")
}

/// The number in a file's name: nothing else is a name.
fn number(text: &str) -> Option<u32> {
    let number = text.split_once('.')?.0.parse().ok()?;
    (name(number) == text).then_some(number)
}

/// Whether a file's name is that of a merged file on its way.
fn is_merged(name: &str) -> bool {
    name.starts_with(NewFile::PREFIX)
}

/// Takes away the files of parts, but for those of some numbers, and what was going to be the merged file.
fn clear(folder: &Path, kept: &BTreeSet<u32>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_str().unwrap_or_default();
        if number(name).map_or_else(|| is_merged(name), |it| !kept.contains(&it)) {
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
        let ours = |it: &str| it == MANIFEST || number(it).is_some() || is_merged(it);
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

fn new_file(path: &Path) -> io::Result<File> {
    // What no journal names may have another name, under which it is somebody's file.
    let _ = fs::remove_file(path);
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true);
    private(&mut options);
    options.open(path)
}

#[cfg(test)]
mod tests {
    use std::io::Seek as _;

    use super::*;

    fn opened(folder: &Path) -> (PartsFolder, Left) {
        let destination = "s3://captures/edge?region=eu-west-1".parse().unwrap();
        let id = "0123456789abcdef0123456789abcdef".parse().unwrap();
        PartsFolder::open(folder.to_owned(), &id, &destination).unwrap()
    }

    fn object(size: u64) -> Object {
        Object {
            key: "edge/one.pcap".into(),
            size,
            etag: Some("\"tag\"".to_owned()),
        }
    }

    fn files(folder: &Path) -> usize {
        fs::read_dir(folder).unwrap().count() - 1
    }

    #[test]
    fn a_part_that_is_begun_is_gone_on_with_in_the_same_boot_only() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("parts");
        let object = object(10);
        let (parts, _) = opened(&folder);
        let (_, mut file) = parts.begin(&object).unwrap();
        file.write_all(b"1234").unwrap();
        drop((parts, file));

        let (parts, mut left) = opened(&folder);
        assert!(left.whole.is_empty());
        let part = left.begun.remove("edge/one.pcap").unwrap();
        assert!(part.is_of(&object));
        let mut seen = Vec::new();
        let resumed = parts.resume(&part, |it| seen.extend_from_slice(it));
        let (mut file, len) = resumed.unwrap().unwrap();
        assert_eq!(
            (len, file.stream_position().unwrap(), seen.as_slice()),
            (4, 4, &b"1234"[..])
        );
        drop((parts, file));

        let manifest = folder.join(MANIFEST);
        let text = fs::read_to_string(&manifest).unwrap();
        let this = boot().unwrap();
        assert!(text.contains(&this), "{text}");
        fs::write(&manifest, text.replace(&this, "another")).unwrap();
        let (_parts, left) = opened(&folder);
        assert!(left.begun.is_empty() && left.whole.is_empty());
        // It takes no room any more.
        assert_eq!(files(&folder), 0);
    }

    #[test]
    fn a_whole_part_is_believed_by_its_bytes() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("parts");
        let (parts, _) = opened(&folder);
        let mut check = Check::new("edge/one.pcap");
        check.push(b"no capture");
        let part = parts.put(&object(10), b"no capture", check.finish());
        let path = parts.path(&part.unwrap());
        drop(parts);

        let (parts, left) = opened(&folder);
        // A server may list its tag without the quotes.
        let listed = Object {
            etag: Some("tag".to_owned()),
            ..object(10)
        };
        assert!(left.whole["edge/one.pcap"].is_of(&listed));
        assert!(!left.whole["edge/one.pcap"].is_of(&object(11)));
        drop(parts);

        // Of the same length, as after a power cut.
        fs::write(&path, b"no capturE").unwrap();
        let (_parts, left) = opened(&folder);
        assert!(left.whole.is_empty());
        assert_eq!(files(&folder), 0);
    }
}
