//! Where the bytes of an input come from.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write as _};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

/// The bytes of an input.
pub(super) enum Bytes {
    /// A file that can be closed, and opened again where it was left.
    File {
        path: PathBuf,
        file: Option<File>,
        offset: u64,
    },
    /// A part of the file that holds what was unpacked.
    Part {
        spool: Arc<Spool>,
        offset: u64,
        end: u64,
    },
    /// Something that is read once.
    Reader(Box<dyn Read + Send>),
}

/// A temporary file, without a name, for what is unpacked. Whoever reads or writes says where: the file's own place is that of
/// whoever came last.
pub(super) struct Spool(Mutex<File>);

impl Spool {
    pub(super) fn new() -> io::Result<Self> {
        tempfile::tempfile().map(Mutex::new).map(Self)
    }

    pub(super) fn write_all_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let mut file = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(offset))?;
        file.write_all(bytes)
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let mut file = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        read_at(&mut file, offset, buffer)
    }
}

impl Bytes {
    /// Whether it is a file that can be closed.
    pub(super) fn is_open(&self) -> bool {
        matches!(self, Self::File { file: Some(_), .. })
    }

    /// Closes a file until it is read from again; from then on it is opened for each read.
    pub(super) fn close(&mut self) {
        if let Self::File { file, .. } = self {
            *file = None;
        }
    }
}

impl Read for Bytes {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::File { path, file, offset } => {
                let count = if let Some(file) = file {
                    file.read(buffer)?
                } else {
                    read_at(&mut File::open(path)?, *offset, buffer)?
                };
                *offset += count as u64;
                Ok(count)
            }
            Self::Part { spool, offset, end } => {
                let left = usize::try_from(*end - *offset).unwrap_or(usize::MAX);
                let len = buffer.len().min(left);
                let room = buffer.get_mut(..len).unwrap_or_default();
                let count = spool.read_at(*offset, room)?;
                *offset += count as u64;
                Ok(count)
            }
            Self::Reader(read) => read.read(buffer),
        }
    }
}

fn read_at(file: &mut File, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
    file.seek(SeekFrom::Start(offset))?;
    file.read(buffer)
}
