//! A part that is read while it is written.

use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
};

/// A part on its way into its file, as far as whoever reads it meanwhile has to know.
#[derive(Debug)]
pub(super) struct Growing {
    state: Mutex<Growth>,
    changed: Condvar,
}

#[derive(Debug)]
enum Growth {
    /// There is no file yet.
    Awaited,
    /// The file has so many of its bytes.
    Begun { path: PathBuf, len: u64 },
    /// The file has them all.
    Whole { path: PathBuf },
    /// What could be read is no more, or nobody should read on.
    Gone,
}

impl Growing {
    pub(super) fn awaited() -> Arc<Self> {
        Self::new(Growth::Awaited)
    }

    pub(super) fn whole_at(path: PathBuf) -> Arc<Self> {
        Self::new(Growth::Whole { path })
    }

    fn new(state: Growth) -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::new(state),
            changed: Condvar::new(),
        })
    }

    /// The first `len` bytes are in the file.
    pub(super) fn reached(&self, path: PathBuf, len: u64) {
        self.set(Growth::Begun { path, len });
    }

    /// All bytes are in the file.
    pub(super) fn whole(&self, path: PathBuf) {
        self.set(Growth::Whole { path });
    }

    /// Bytes that may have been read do not count: whoever reads stops.
    pub(super) fn taken_back(&self) {
        let mut state = self.lock();
        if !matches!(*state, Growth::Awaited) {
            *state = Growth::Gone;
            self.changed.notify_all();
        }
    }

    /// There will be no more: whoever reads stops.
    pub(super) fn gone(&self) {
        self.set(Growth::Gone);
    }

    /// Whether this is the part in that file, whole, and nothing was ever taken back of it.
    pub(super) fn is_whole_at(&self, place: &Path) -> bool {
        matches!(&*self.lock(), Growth::Whole { path } if path == place)
    }

    /// The file, if it is whole.
    pub(super) fn path(&self) -> Option<PathBuf> {
        match &*self.lock() {
            Growth::Whole { path } => Some(path.clone()),
            _ => None,
        }
    }

    /// Reads it from its beginning, and waits for what has not come.
    pub(super) fn read(self: &Arc<Self>) -> Reading {
        Reading {
            growing: Arc::clone(self),
            file: None,
            at: 0,
        }
    }

    fn set(&self, new: Growth) {
        let mut state = self.lock();
        if !matches!(*state, Growth::Gone) {
            *state = new;
            self.changed.notify_all();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Growth> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until there is more than the first `at` bytes, and says how much there is: nothing when it is whole.
    fn more_than(&self, at: u64) -> io::Result<(PathBuf, Option<u64>)> {
        let mut state = self.lock();
        loop {
            match &*state {
                Growth::Begun { path, len } if *len > at => return Ok((path.clone(), Some(*len))),
                Growth::Whole { path } => return Ok((path.clone(), None)),
                Growth::Gone => return Err(io::Error::other("it is not fetched any more")),
                Growth::Awaited | Growth::Begun { .. } => {}
            }
            let waited = self.changed.wait(state);
            state = waited.unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// Reads a part that grows. A read fills its room unless the part ends, so that what is made of the bytes does not
/// depend on when they come.
pub(super) struct Reading {
    growing: Arc<Growing>,
    file: Option<File>,
    at: u64,
}

impl Read for Reading {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let mut filled = 0;
        while filled < room.len() {
            let (path, there) = self.growing.more_than(self.at)?;
            let file = match &mut self.file {
                Some(file) => file,
                None => self.file.insert(File::open(path)?),
            };
            let mut rest = room.get_mut(filled..).unwrap_or_default();
            if let Some(there) = there {
                let len = usize::try_from(there - self.at).unwrap_or(usize::MAX);
                rest = rest.split_at_mut(len.min(rest.len())).0;
            }
            let count = match file.read(rest) {
                Ok(0) if there.is_some() => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(0) => break,
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            self.at += count as u64;
            filled += count;
        }
        // To unpack takes memory, and a merge that has all its files minds how many of them it unpacks at once.
        let begins = room.get(..filled).filter(|_| self.at == filled as u64);
        if begins.is_some_and(is_packed) {
            return Err(io::Error::other(
                "it is packed: it is read when it is whole",
            ));
        }
        Ok(filled)
    }
}

/// Whether a file that begins with this is one of gzip or zstd.
fn is_packed(begins: &[u8]) -> bool {
    begins.starts_with(&[0x1f, 0x8b]) || begins.starts_with(&[0x28, 0xb5, 0x2f, 0xfd])
}

#[cfg(test)]
mod tests {
    use std::{fs, io::Write as _, thread};

    use super::*;

    #[test]
    fn a_read_is_filled_however_the_bytes_come() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("part");
        let mut file = File::create(&path).unwrap();
        let growing = Growing::awaited();
        let mut reading = growing.read();
        let reader = thread::spawn(move || {
            let mut lens = Vec::new();
            let mut room = [0; 8];
            loop {
                let count = reading.read(&mut room).unwrap();
                lens.push(count);
                if count == 0 {
                    return lens;
                }
            }
        });
        for len in [1, 3, 4, 12, 20] {
            file.write_all(b"x").unwrap();
            // More is in the file than is told of.
            file.set_len(len + 5).unwrap();
            growing.reached(path.clone(), len);
        }
        file.set_len(20).unwrap();
        growing.whole(path);
        assert_eq!(reader.join().unwrap(), [8, 8, 4, 0]);
    }

    #[test]
    fn what_was_read_and_is_taken_back_ends_the_reading() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("part");
        fs::write(&path, "packets").unwrap();
        let growing = Growing::awaited();
        // Nobody can have read anything of it.
        growing.taken_back();
        growing.reached(path.clone(), 4);
        let mut room = [0; 4];
        let mut reading = growing.read();
        assert_eq!(reading.read(&mut room).unwrap(), 4);

        growing.taken_back();
        reading.read(&mut room).unwrap_err();
        growing.whole(path.clone());
        assert!(!growing.is_whole_at(&path) && growing.path().is_none());
        growing.read().read(&mut room).unwrap_err();
    }
}
