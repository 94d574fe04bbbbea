//! A file that is read at several places at the same time.

use std::fs::File;
use std::io::{self, Seek as _, SeekFrom};
use std::sync::Arc;

/// A second handle of a file, with which it is read wherever it is asked for. Its own place is that of the first one.
#[derive(Clone)]
pub(crate) struct Positional(Arc<File>);

impl Positional {
    /// Of a regular file: others have no places.
    pub(crate) fn of(file: &File) -> Option<Self> {
        let is_file = file.metadata().is_ok_and(|it| it.is_file());
        let file = file.try_clone().ok().filter(|_| is_file)?;
        Some(Self(Arc::new(file)))
    }

    /// Reads what stands at `offset`, and says how much that is: less than there is room for where the file ends, or cannot be
    /// read. To know which, go there.
    pub(crate) fn read(&self, room: &mut [u8], offset: u64) -> usize {
        let mut filled = 0;
        while let Some(room) = room.get_mut(filled..).filter(|it| !it.is_empty()) {
            match read_at(&self.0, room, offset + filled as u64) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => break,
            }
        }
        filled
    }

    /// Moves the place at which the first handle reads on.
    ///
    /// # Errors
    ///
    /// When the file has no places after all.
    pub(crate) fn go_to(&self, offset: u64) -> io::Result<()> {
        (&*self.0).seek(SeekFrom::Start(offset)).map(|_| ())
    }
}

#[cfg(unix)]
fn read_at(file: &File, room: &mut [u8], offset: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, room, offset)
}

#[cfg(windows)]
fn read_at(file: &File, room: &mut [u8], offset: u64) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, room, offset)
}

#[cfg(not(any(unix, windows)))]
fn read_at(_: &File, _: &mut [u8], _: u64) -> io::Result<usize> {
    Err(io::ErrorKind::Unsupported.into())
}
