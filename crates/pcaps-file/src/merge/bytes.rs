//! Where the bytes of an input come from.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::PathBuf;
use std::sync::Arc;

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
        spool: Arc<File>,
        offset: u64,
        end: u64,
    },
    /// Something that is read once.
    Reader(Box<dyn Read + Send>),
}

impl Bytes {
    /// Closes a file until it is read from again; from then on it is opened for each read. Says whether it did.
    pub(super) fn close(&mut self) -> bool {
        match self {
            Self::File { file, .. } => file.take().is_some(),
            _ => false,
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
                let count = read_at(&mut spool.as_ref(), *offset, room)?;
                *offset += count as u64;
                Ok(count)
            }
            Self::Reader(read) => read.read(buffer),
        }
    }
}

fn read_at(file: &mut (impl Read + Seek), offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
    file.seek(SeekFrom::Start(offset))?;
    file.read(buffer)
}
