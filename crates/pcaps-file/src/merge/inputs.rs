//! From names to streams: what is given twice, what is empty, what has to be unpacked first.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;

use super::bytes::{Bytes, Spool};
use super::copies::{Candidate, copies};
use super::stream::Stream;
use super::{Input, MergedFile, Origin, Remark, lasting};
use crate::error::{Error, Fault};
use crate::unpack::{Stopped, Unpack};

/// The memory of all buffers together, in bytes.
const BUFFERS: usize = 24 << 20;
/// How much of that stays in a processor's cache. Larger buffers than fit are slower, and so are those below 16 KiB.
const CACHED: usize = 1 << 20;
/// How many files are kept open, if the system allows as many; from the others is read by opening them again.
const OPEN: usize = 4_096;
/// How many files to close when the system allows no more.
const CLOSED_AT_ONCE: usize = 32;
/// How many packed files are unpacked on the way. Each takes memory: others are unpacked to a temporary file first.
const UNPACKED_AT_ONCE: usize = 4;

/// The inputs, as they are found.
pub(super) struct Inputs {
    pub(super) files: Vec<MergedFile>,
    /// The streams, and which of the files they are of.
    pub(super) streams: Vec<(usize, Stream)>,
    capacity: usize,
    /// Streams whose files are open.
    open: Vec<usize>,
    keep_open: usize,
    unpacked: usize,
    /// Where packed files are unpacked to, and how much of it is filled.
    spool: Option<(Arc<Spool>, u64)>,
    known: HashMap<Identity, usize>,
    /// Files that can be read once more, to find copies.
    readable: Vec<Candidate>,
}

impl Inputs {
    pub(super) fn open(inputs: Vec<Input>) -> Result<Self, Error> {
        let mut this = Self {
            capacity: capacity(inputs.len()),
            files: Vec::with_capacity(inputs.len()),
            streams: Vec::with_capacity(inputs.len()),
            open: Vec::new(),
            keep_open: OPEN,
            unpacked: 0,
            spool: None,
            known: HashMap::new(),
            readable: Vec::with_capacity(inputs.len()),
        };
        for input in inputs {
            this.files.push(MergedFile::new(input.name));
            match input.origin {
                Origin::Path(path) => this.path(&path)?,
                Origin::Reader(read) => {
                    let stream = Stream::open(Bytes::Reader(read), this.name(), this.capacity);
                    this.take(stream)?;
                }
            }
        }
        for (copy, first) in copies(std::mem::take(&mut this.readable)) {
            let first = this.files.get(first).map(|it| it.name.clone());
            if let Some(file) = this.files.get_mut(copy) {
                file.remark = first.map(Remark::CopyOf);
            }
        }
        Ok(this)
    }

    fn path(&mut self, path: &Path) -> Result<(), Error> {
        let file = self.open_file(path)?;
        let number = self.files.len() - 1;
        if let Some(identity) = identity(path, &file)
            && let Some(first) = self.known.insert(identity, number)
        {
            self.known.insert(identity, first);
            let first = self.files.get(first).map(|it| it.name.clone());
            return self.remark(Remark::SameAs(first.unwrap_or_default()));
        }
        let lasting = lasting(path);
        let bytes = if lasting.is_some() {
            Bytes::File {
                path: path.to_owned(),
                file: Some(file),
                offset: 0,
            }
        } else {
            // What has been read of a pipe is not there a second time.
            Bytes::Reader(Box::new(file))
        };
        let mut stream = Stream::open(bytes, self.name(), self.capacity);
        if stream.as_ref().is_ok_and(Stream::is_packed) && lasting.is_some() {
            self.unpacked += 1;
            if self.unpacked > UNPACKED_AT_ONCE {
                drop(stream);
                let file = self.open_file(path)?;
                stream = self.unpack(file)?;
            }
        }
        self.take(stream)?;
        self.close_some();
        if let Some(metadata) = lasting
            && self.streams.last().is_some_and(|(file, _)| *file == number)
        {
            self.readable.push(Candidate {
                number,
                path: path.to_owned(),
                len: metadata.len(),
            });
        }
        Ok(())
    }

    /// Opens a file, and closes others where that is too many.
    fn open_file(&mut self, path: &Path) -> Result<File, Error> {
        let mut opened = File::open(path);
        if opened.as_ref().is_err_and(is_too_many) {
            self.keep_open = self.open.len().saturating_sub(CLOSED_AT_ONCE);
            self.close_some();
            opened = File::open(path);
        }
        opened.map_err(|error| Error::open(self.name(), error))
    }

    fn close_some(&mut self) {
        while self.open.len() > self.keep_open {
            if let Some((_, stream)) = self.open.pop().and_then(|it| self.streams.get_mut(it)) {
                stream.bytes_mut().close();
            }
        }
    }

    /// Unpacks a file into a part of the spool.
    fn unpack(&mut self, mut file: File) -> Result<Result<Stream, Error>, Error> {
        let failed = |error| Error::cannot_write(&std::env::temp_dir(), format!("{error}"));
        let name = self.name();
        let (spool, end) = if let Some(spool) = &mut self.spool {
            spool
        } else {
            let spool = Spool::new().map_err(failed)?;
            self.spool.insert((Arc::new(spool), 0))
        };
        let begin = *end;
        let mut magic = [0; 4];
        let read = file.read_exact(&mut magic);
        let unpack = read
            .map_err(Stopped::Io)
            .and_then(|()| Unpack::recognise(magic, &magic).map_err(Stopped::Fault));
        let mut room = vec![0; 128 << 10];
        let at_end = match unpack {
            Err(stopped) => Some(stopped),
            Ok(None) => Some(Stopped::Fault(Fault::Damaged(
                "it is another one than a moment ago".to_owned(),
            ))),
            Ok(Some(mut unpack)) => loop {
                match unpack.read(&mut file, &mut room) {
                    Ok(0) => break None,
                    Ok(count) => {
                        let piece = room.get(..count).unwrap_or_default();
                        spool.write_all_at(*end, piece).map_err(failed)?;
                        *end += count as u64;
                    }
                    Err(stopped) => break Some(stopped),
                }
            },
        };
        let at_end = match at_end {
            None => None,
            Some(Stopped::Fault(fault)) => Some(fault),
            Some(Stopped::Io(error)) => {
                Some(Fault::Damaged(format!("it cannot be read ({error})")))
            }
        };
        let bytes = Bytes::Part {
            spool: Arc::clone(spool),
            offset: begin,
            end: *end,
        };
        Ok(Stream::unpacked(bytes, name, self.capacity, at_end))
    }

    /// Takes in a stream, or the reason why there is none.
    fn take(&mut self, stream: Result<Stream, Error>) -> Result<(), Error> {
        match stream {
            Ok(mut stream) => {
                // Read again when all are there, some of them without their files being open.
                if stream.bytes_mut().is_open() {
                    self.open.push(self.streams.len());
                }
                stream.read_ahead();
                self.streams.push((self.files.len() - 1, stream));
                Ok(())
            }
            Err(error) if error.is_empty() => self.remark(Remark::Empty),
            // A folder, for example: nothing has been written, so it can still be called off.
            Err(error) if error.is_io() => Err(error),
            Err(error) => {
                if let Some(file) = self.files.last_mut() {
                    file.error = Some(error);
                }
                Ok(())
            }
        }
    }

    #[expect(clippy::unnecessary_wraps, reason = "it ends what may fail")]
    fn remark(&mut self, remark: Remark) -> Result<(), Error> {
        if let Some(file) = self.files.last_mut() {
            file.remark = Some(remark);
        }
        Ok(())
    }

    /// Of the input that is being looked at.
    fn name(&self) -> String {
        self.files
            .last()
            .map(|it| it.name.clone())
            .unwrap_or_default()
    }
}

/// The size of each buffer of so many streams.
fn capacity(streams: usize) -> usize {
    let streams = streams.max(1);
    let quick = (CACHED / streams).clamp(16 << 10, 64 << 10);
    quick.min(BUFFERS / streams).max(4 << 10)
}

/// What tells a file from all others, whatever its names.
#[cfg(unix)]
type Identity = (u64, u64);

#[cfg(unix)]
fn identity(_: &Path, file: &File) -> Option<Identity> {
    use std::os::unix::fs::MetadataExt as _;
    let file = file.metadata().ok().filter(std::fs::Metadata::is_file)?;
    Some((file.dev(), file.ino()))
}

/// The same up to links.
#[cfg(not(unix))]
type Identity = std::path::PathBuf;

#[cfg(not(unix))]
fn identity(path: &Path, file: &File) -> Option<Identity> {
    let is_file = file.metadata().is_ok_and(|it| it.is_file());
    std::fs::canonicalize(path).ok().filter(|_| is_file)
}

/// Whether no more files can be open, in this process or at all.
fn is_too_many(error: &io::Error) -> bool {
    cfg!(unix) && matches!(error.raw_os_error(), Some(23 | 24))
}
