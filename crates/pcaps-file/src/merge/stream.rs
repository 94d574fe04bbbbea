//! The packets of one file, a little ahead, in the order of time.

use std::collections::VecDeque;

use super::bytes::Bytes;
use super::rounds::Key;
use crate::error::{Error, Fault};
use crate::packet::{LinkType, Packet, Timestamp};
use crate::reader::{Header, Reader, Record};
use crate::source::Source;
use crate::writer::WriterOptions;

/// One file on its way into another one.
pub(super) struct Stream {
    reader: Reader<Bytes>,
    /// What was read and not taken yet, in the order in which it will be.
    ahead: VecDeque<Head>,
    /// How many bytes of the file those are.
    bytes_ahead: usize,
    /// How many there should be at least after reading: half of what the buffer holds.
    batch: usize,
    /// How many of `ahead` were taken, and go when more is read.
    going: usize,
    /// How many of `ahead` have to wait for what comes next in the file: half a batch of bytes.
    waiting: usize,
    /// The latest key that was taken.
    taken: Key,
    /// Whether `ahead` has another order than the file.
    disordered: bool,
    has_ended: bool,
    /// How many packets were taken.
    pub(super) packets: u64,
    /// Why it ended before its end.
    pub(super) error: Option<Error>,
    /// Packets that stood behind a later one, and were put in order.
    pub(super) reordered: u64,
    /// Packets that stood too far behind a later one.
    pub(super) late: u64,
}

/// A packet that waits.
#[derive(Clone, Copy)]
struct Head {
    key: Key,
    time: Timestamp,
    /// Where in the file its bytes begin.
    at: u64,
    len: u32,
    original_len: u32,
    sort: u32,
    link_type: LinkType,
}

impl Head {
    /// About what it takes in the file.
    fn size(&self) -> usize {
        self.len as usize + 16
    }
}

impl Stream {
    /// Reads a file's beginning, through a buffer of this size.
    pub(super) fn open(bytes: Bytes, name: String, capacity: usize) -> Result<Self, Error> {
        Self::over(Source::with_capacity(capacity, bytes, name), capacity)
    }

    /// The same for one that was unpacked before, up to a fault.
    pub(super) fn unpacked(
        bytes: Bytes,
        name: String,
        capacity: usize,
        at_end: Option<Fault>,
    ) -> Result<Self, Error> {
        let source = Source::with_capacity(capacity, bytes, name);
        Self::over(source.unpacked(at_end), capacity)
    }

    fn over(source: Source<Bytes>, capacity: usize) -> Result<Self, Error> {
        let mut reader = Reader::unopened(source);
        reader.open_records()?;
        Ok(Self {
            reader,
            ahead: VecDeque::new(),
            bytes_ahead: 0,
            batch: capacity / 2,
            going: 0,
            waiting: 0,
            taken: 0,
            disordered: false,
            has_ended: false,
            packets: 0,
            error: None,
            reordered: 0,
            late: 0,
        })
    }

    pub(super) fn header(&self) -> Header {
        self.reader.header()
    }

    pub(super) fn is_packed(&self) -> bool {
        self.reader.source().is_unpacked()
    }

    pub(super) fn bytes_mut(&mut self) -> &mut Bytes {
        self.reader.get_mut()
    }

    /// The sort of packet that `sort` is.
    pub(super) fn sort(&self, sort: u32) -> WriterOptions {
        self.reader.sort(sort)
    }

    /// What the file has beside packets, of what was read.
    pub(super) fn annotations(&self) -> u64 {
        self.reader.annotations()
    }

    /// The key of the next packet, by which it is to be compared with those of other files; `None` when there is none.
    pub(super) fn key(&self) -> Option<Key> {
        self.ahead.front().map(|it| it.key)
    }

    /// The key of the last packet that can be taken before more is read; `None` when no more will be.
    pub(super) fn limit(&self) -> Option<Key> {
        if self.has_ended {
            return None;
        }
        let last = self.ahead.len().checked_sub(self.waiting + 1)?;
        self.ahead.get(last).map(|it| it.key)
    }

    /// Takes the packets that may go, while they have keys that `is_wanted`: the first ones that are there, in the order of
    /// their keys. `to` is told the key of each, and its place among them.
    pub(super) fn take(&mut self, is_wanted: impl Fn(Key) -> bool, mut to: impl FnMut(Key, usize)) {
        let waiting = if self.has_ended { 0 } else { self.waiting };
        let may_go = self.ahead.len().saturating_sub(waiting);
        let heads = self.ahead.iter().take(may_go);
        for head in heads.take_while(|it| is_wanted(it.key)) {
            self.bytes_ahead -= head.size();
            self.taken = self.taken.max(head.key);
            to(head.key, self.going);
            self.going += 1;
            self.packets += 1;
        }
    }

    /// A packet that was taken, by its place among those, and of which sort it is; before more is read.
    #[inline]
    pub(super) fn taken(&self, place: usize) -> Option<(Packet<'_>, u32)> {
        let head = self.ahead.get(place)?;
        let source = self.reader.source();
        let back = usize::try_from(source.offset() - head.at).unwrap_or(usize::MAX);
        let packet = Packet {
            timestamp: head.time,
            link_type: head.link_type,
            original_len: head.original_len,
            bytes: source.behind(back, head.len as usize),
        };
        Some((packet, head.sort))
    }

    /// Sees to it that enough is there to know what comes next. What was taken before is gone then.
    pub(super) fn read_ahead(&mut self) {
        self.ahead.drain(..self.going);
        self.going = 0;
        if !self.has_ended && self.bytes_ahead <= self.batch {
            self.read_batch();
            // Among what waits, a packet still finds its place that stands behind later ones.
            let mut bytes = 0;
            let heads = self.ahead.iter().rev();
            let waiting = heads
                .take_while(|it| {
                    bytes += it.size();
                    bytes <= self.batch / 2
                })
                .count();
            self.waiting = waiting.min(self.ahead.len().saturating_sub(1));
        }
    }

    fn read_batch(&mut self) {
        let offset = self.reader.source().offset();
        let oldest = if self.disordered {
            self.ahead.iter().map(|it| it.at).min()
        } else {
            self.ahead.front().map(|it| it.at)
        };
        self.disordered &= !self.ahead.is_empty();
        let from = oldest.unwrap_or(offset);
        if offset - from > 4 * self.batch as u64 && self.disordered {
            // It waits for its time, which is far off, and the buffer cannot wait with it.
            self.give_up_on(from);
            return;
        }
        let source = self.reader.source_mut();
        source.keep_from(from);
        source.trim(8 * self.batch);
        source.seal(false);
        loop {
            // What has been read by then is taken too, while the cache has it.
            if self.bytes_ahead >= self.batch {
                self.reader.source_mut().seal(true);
            }
            match self.reader.next_record() {
                Ok(Some(record)) => self.push(&record),
                Ok(None) => {
                    self.has_ended = true;
                    return;
                }
                Err(error) if error.is_io() && self.reader.source().is_sealed() => return,
                Err(error) => {
                    self.has_ended = true;
                    self.error = Some(error);
                    return;
                }
            }
        }
    }

    #[inline]
    fn push(&mut self, record: &Record) {
        let head = Head {
            key: record.timestamp.as_nanos(),
            time: record.timestamp,
            at: self.reader.source().offset() - record.back as u64,
            // At most 16 MiB.
            len: u32::try_from(record.len).unwrap_or(u32::MAX),
            original_len: record.original_len,
            sort: record.sort,
            link_type: record.link_type,
        };
        self.bytes_ahead += head.size();
        if head.key >= self.ahead.back().map_or(self.taken, |it| it.key) {
            self.ahead.push_back(head);
        } else {
            self.insert(head);
        }
    }

    /// Puts a packet where it should have been, among those that are still here.
    #[cold]
    fn insert(&mut self, head: Head) {
        if head.key < self.taken {
            self.late += 1;
        } else {
            self.reordered += 1;
        }
        let place = self.ahead.partition_point(|it| it.key <= head.key);
        self.ahead.insert(place, head);
        self.disordered = true;
    }

    /// The packet at `at` goes next, whatever its time.
    #[cold]
    fn give_up_on(&mut self, at: u64) {
        let key = self.key().unwrap_or(self.taken);
        if let Some(place) = self.ahead.iter().position(|it| it.at == at)
            && let Some(head) = self.ahead.remove(place)
        {
            self.late += 1;
            self.ahead.push_front(Head { key, ..head });
        }
    }
}
