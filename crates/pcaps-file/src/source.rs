//! Bytes of a file through a buffer that grows no further than the longest record.

use std::io::{self, Read};
use std::mem;

use crate::error::{Error, Fault, Place};
use crate::positional::Positional;
use crate::unpack::{Stopped, Unpack};

/// The buffer's first size. Larger ones measure no faster.
const FIRST_CAPACITY: usize = 128 * 1024;

/// A reader with a buffer, that knows where it is and can say so in errors.
pub(crate) struct Source<R> {
    read: R,
    /// Another handle of what is read from, if it is a file that has one.
    file: Option<Positional>,
    /// What is between the file and its bytes, if it is packed.
    unpack: Option<Box<Unpack>>,
    /// Whether this is what a packed file unpacks to.
    unpacked: bool,
    /// What the end of the bytes means, if the file is not whole.
    at_end: Option<Fault>,
    name: String,
    /// Initialised memory; the bytes that were read and not consumed are `start..end`.
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    /// From where on consumed bytes are still wanted.
    wanted: u64,
    /// What stopped the reading when more was read than was asked for.
    stopped: Option<Stopped>,
    /// Whether nothing is to be read now.
    sealed: bool,
    /// Where in the file `start` is.
    offset: u64,
    /// Packets that were delivered.
    pub(crate) packets: u64,
    /// Whether what the file begins with is not whole yet.
    pub(crate) in_header: bool,
}

impl<R: Read> Source<R> {
    pub(crate) fn new(read: R, name: String) -> Self {
        Self::with_capacity(FIRST_CAPACITY, read, name)
    }

    /// With a buffer of this first size.
    pub(crate) fn with_capacity(capacity: usize, read: R, name: String) -> Self {
        Self {
            read,
            file: None,
            unpack: None,
            unpacked: false,
            at_end: None,
            name,
            buffer: vec![0; capacity],
            start: 0,
            end: 0,
            wanted: u64::MAX,
            stopped: None,
            sealed: false,
            offset: 0,
            packets: 0,
            in_header: true,
        }
    }

    /// Of bytes that were unpacked before, up to where that failed.
    pub(crate) fn unpacked(self, at_end: Option<Fault>) -> Self {
        Self {
            unpacked: true,
            at_end,
            ..self
        }
    }

    /// The same where `file` is another handle of what is read from.
    pub(crate) fn beside(self, file: Option<Positional>) -> Self {
        Self { file, ..self }
    }

    /// Reads on until `need` bytes are there or the file ends, and gives those that are there: fewer
    /// than `need` only at the end of the file. When reading fails, nothing is lost: it can be called again.
    #[inline]
    pub(crate) fn fill(&mut self, need: usize) -> Result<&[u8], Error> {
        if self.end - self.start < need {
            self.refill(need)?;
        }
        Ok(&self.buffer[self.start..self.end])
    }

    #[cold]
    fn refill(&mut self, need: usize) -> Result<(), Error> {
        if self.sealed {
            return Err(Error::read(self.place(), io::ErrorKind::WouldBlock.into()));
        }
        self.read_on(need).map_err(|stopped| match stopped {
            Stopped::Io(error) => Error::read(self.place(), error),
            Stopped::Fault(fault) => self.fault(fault),
        })
    }

    fn read_on(&mut self, need: usize) -> Result<(), Stopped> {
        // Not once more when it is called again for the rest of a long record.
        self.close_up();
        while self.end - self.start < need {
            if self.end == self.buffer.len() {
                // Doubled as bytes arrive, not grown to what a record claims.
                let doubled = self.buffer.len().saturating_mul(2);
                self.buffer.resize(doubled, 0);
            }
            let room = &mut self.buffer[self.end..];
            let read = match (self.stopped.take(), &mut self.unpack) {
                (Some(stopped), _) => Err(stopped),
                (None, None) => self.read.read(room).map_err(Stopped::Io),
                (None, Some(unpack)) => unpack.read(&mut self.read, room),
            };
            match read {
                Ok(0) => match &self.at_end {
                    Some(fault) => return Err(Stopped::Fault(fault.clone())),
                    None => break,
                },
                // A faulty reader could claim more than it was given room for.
                Ok(count) => self.end = self.buffer.len().min(self.end + count),
                Err(Stopped::Io(error)) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(stopped) => return Err(stopped),
            }
        }
        Ok(())
    }

    /// Reads on until the buffer is full or the file ends. If that fails, it is told when more is asked for than was read
    /// before.
    pub(crate) fn fill_up(&mut self) {
        self.close_up();
        self.stopped = self.read_on(self.buffer.len()).err();
    }

    /// The bytes that were read and not consumed.
    pub(crate) fn ahead(&self) -> &[u8] {
        self.buffer.get(self.start..self.end).unwrap_or_default()
    }

    /// Makes another buffer its own, and gives its own for it. What was read and not consumed moves.
    pub(crate) fn change(&mut self, buffer: &mut Vec<u8>) {
        let ahead = self.ahead();
        let len = ahead.len();
        buffer.resize(buffer.len().max(len), 0);
        buffer[..len].copy_from_slice(ahead);
        (self.start, self.end) = (0, len);
        mem::swap(&mut self.buffer, buffer);
    }

    /// The file, if it can be read at several places, and where it goes on behind what was read.
    pub(crate) fn positional(&self) -> Option<(Positional, u64)> {
        let is_plain = !self.unpacked && self.stopped.is_none();
        let file = self.file.clone().filter(|_| is_plain)?;
        Some((file, self.offset + self.ahead().len() as u64))
    }

    /// Puts what was read and not consumed in front of this place in `room`, and says where it begins: if it fits.
    pub(crate) fn put_before(&self, room: &mut [u8], at: usize) -> Option<usize> {
        let ahead = self.ahead();
        let begin = at.checked_sub(ahead.len())?;
        room.get_mut(begin..at)?.copy_from_slice(ahead);
        Some(begin)
    }

    /// Consumes the first `count` bytes of what was read: of what there was before, and of what another thread has read behind
    /// it. The `rest` of that is what there is.
    pub(crate) fn pass(&mut self, count: usize, rest: &[u8]) {
        self.offset += count as u64;
        self.start = 0;
        self.end = 0;
        self.add(rest);
    }

    /// Adds what another thread has read behind what there is.
    pub(crate) fn add(&mut self, bytes: &[u8]) {
        self.close_up();
        let end = self.end + bytes.len();
        if self.buffer.len() < end {
            self.buffer.resize(end, 0);
        }
        if let Some(room) = self.buffer.get_mut(self.end..end) {
            room.copy_from_slice(bytes);
            self.end = end;
        }
    }

    /// Has the next reading fail.
    pub(crate) fn stop(&mut self, error: io::Error) {
        self.stopped = Some(Stopped::Io(error));
    }

    /// The first four bytes of the file; if it is packed, of what it unpacks to, which takes the file's place.
    pub(crate) fn magic(&mut self) -> Result<[u8; 4], Error> {
        let magic = self.first_four()?;
        if !self.unpacked {
            let read = self.buffer.get(self.start..self.end).unwrap_or_default();
            let unpack = Unpack::recognise(magic, read).map_err(|fault| self.fault(fault))?;
            self.unpack = unpack.map(Box::new);
            if self.unpack.is_none() {
                return Ok(magic);
            }
            self.unpacked = true;
            self.start = 0;
            self.end = 0;
        }
        self.first_four()
    }

    fn first_four(&mut self) -> Result<[u8; 4], Error> {
        match *self.fill(4)? {
            [] => Err(self.fault(Fault::empty())),
            [a, b, c, d, ..] => Ok([a, b, c, d]),
            _ => Err(self.fault(Fault::too_short())),
        }
    }

    /// Steps over the first `count` bytes of what [`fill`](Self::fill) gave.
    #[inline]
    pub(crate) fn consume(&mut self, count: usize) {
        let count = count.min(self.end - self.start);
        self.start += count;
        self.offset += count as u64;
    }

    /// The `len` bytes that end `back` bytes before what is next: of the record that was consumed last.
    #[inline]
    pub(crate) fn behind(&self, back: usize, len: usize) -> &[u8] {
        let from = self.start.saturating_sub(back);
        self.buffer.get(from..from + len).unwrap_or_default()
    }

    /// Keeps the bytes from this place in the file on, which were consumed, where [`behind`](Self::behind) finds them.
    pub(crate) fn keep_from(&mut self, offset: u64) {
        self.wanted = offset;
    }

    /// Has nothing read until it is told otherwise: a record that is not there as a whole is an error then, which
    /// [`is_sealed`](Self::is_sealed) tells from others.
    pub(crate) fn seal(&mut self, sealed: bool) {
        self.sealed = sealed;
    }

    pub(crate) fn is_sealed(&self) -> bool {
        self.sealed
    }

    /// Gives back what a long record made the buffer grow beyond `capacity`, if what is there fits in it.
    pub(crate) fn trim(&mut self, capacity: usize) {
        if self.buffer.len() > capacity {
            self.close_up();
            if self.end <= capacity {
                self.buffer.truncate(capacity);
                self.buffer.shrink_to_fit();
            }
        }
    }

    /// Moves what is wanted to the buffer's beginning.
    fn close_up(&mut self) {
        let held = self.offset.saturating_sub(self.wanted);
        let held = usize::try_from(held).unwrap_or(usize::MAX);
        let from = self.start.saturating_sub(held);
        if from > 0 {
            self.buffer.copy_within(from..self.end, 0);
            self.end -= from;
            self.start -= from;
        }
    }

    /// Whether the file is packed.
    pub(crate) fn is_unpacked(&self) -> bool {
        self.unpacked
    }

    /// How many bytes were consumed.
    pub(crate) fn offset(&self) -> u64 {
        self.offset
    }

    /// What is read from.
    pub(crate) fn get_mut(&mut self) -> &mut R {
        &mut self.read
    }

    /// Whether nothing was consumed yet.
    pub(crate) fn at_start(&self) -> bool {
        self.offset == 0
    }

    /// Where the next record begins.
    pub(crate) fn place(&self) -> Place {
        Place {
            name: self.name.clone(),
            offset: self.offset,
            packet: self.packets + 1,
            in_header: self.in_header,
            unpacked: self.unpacked,
        }
    }

    #[cold]
    pub(crate) fn fault(&self, fault: Fault) -> Error {
        Error::at(self.place(), fault)
    }

    #[cold]
    pub(crate) fn truncated(&self) -> Error {
        self.fault(Fault::Truncated)
    }

    #[cold]
    pub(crate) fn damaged(&self, what: impl Into<String>) -> Error {
        self.fault(Fault::Damaged(what.into()))
    }
}
