//! The packets of a capture file, moved into a window of time and repeated until it ends.

use std::{io::Read, num::NonZeroU32, ops::Range, path::Path, sync::Arc, time::Duration};

use bytes::{Bytes, BytesMut};
use pcaps_file::{LinkType, Packet, Reader};

use super::Error;

/// The most memory that a recording takes, in bytes.
const LIMIT: usize = 1 << 30;

/// What a packet takes beside its bytes, in bytes, rounded up.
const OVERHEAD: usize = 64;

/// The packets' bytes are kept in blocks of this many.
const BLOCK: usize = 1 << 20;

/// Nanoseconds in a microsecond.
const MICRO: u64 = 1_000;

/// The shortest time after which a recording begins again, in nanoseconds.
///
/// So a window holds at most as many packets a second as the recording holds packets, also where all of
/// them are of one moment, or a tool that knew no times made some up.
const SHORTEST_PERIOD: u64 = 1_000_000_000;

/// The packets of a file, in the order of their times; those of equal time in the file's order.
pub(super) struct Recording {
    link_type: LinkType,
    packets: Vec<Recorded>,
    /// How long after a repetition begins the next one does, in nanoseconds: whole microseconds.
    period: u64,
    /// Room for the next packets.
    block: BytesMut,
    /// Memory taken, in bytes.
    size: usize,
}

struct Recorded {
    /// Nanoseconds after the earliest packet, whole microseconds; while the file is read, since the epoch.
    offset: u64,
    original_len: u32,
    bytes: Bytes,
}

impl Recording {
    /// Reads a whole file.
    pub(super) fn read(path: &Path) -> Result<Self, Error> {
        Self::read_within(path, LIMIT)
    }

    /// Takes a whole file from memory; errors call it by this name.
    pub(super) fn take(bytes: &[u8], name: &str) -> Result<Self, Error> {
        let path = Path::new(name);
        let reader = Reader::new(bytes, name).map_err(|it| Error::unreadable(path, it))?;
        Self::drain(reader, path, LIMIT)
    }

    fn read_within(path: &Path, limit: usize) -> Result<Self, Error> {
        let reader = Reader::open(path).map_err(|it| Error::unreadable(path, it))?;
        Self::drain(reader, path, limit)
    }

    fn drain<R: Read>(mut reader: Reader<R>, path: &Path, limit: usize) -> Result<Self, Error> {
        let unreadable = |source| Error::unreadable(path, source);
        let mut recording = Self {
            link_type: reader.header().link_type,
            packets: Vec::new(),
            period: SHORTEST_PERIOD,
            block: BytesMut::new(),
            size: 0,
        };
        while let Some(packet) = reader.next_packet().map_err(unreadable)? {
            // What the header says is of the first interface, and that may have no packets.
            if recording.packets.is_empty() {
                recording.link_type = packet.link_type;
            }
            if recording.link_type != packet.link_type {
                let first = recording.link_type;
                return Err(Error::mixed_link_types(path, first, packet.link_type));
            }
            recording.size += packet.bytes.len() + OVERHEAD;
            if recording.size > limit {
                return Err(Error::too_large(path, limit));
            }
            recording.push(&packet);
        }
        recording.arrange();
        Ok(recording)
    }

    fn push(&mut self, packet: &Packet<'_>) {
        if self.block.capacity() < packet.bytes.len() {
            self.block = BytesMut::with_capacity(BLOCK.max(packet.bytes.len()));
        }
        self.block.extend_from_slice(packet.bytes);
        self.packets.push(Recorded {
            offset: packet.timestamp.as_nanos(),
            original_len: packet.original_len,
            bytes: self.block.split().freeze(),
        });
    }

    /// Puts the packets in order, counts their times from the earliest, and finds the period: the last
    /// packet is followed by the mean gap.
    fn arrange(&mut self) {
        // Stable.
        self.packets.sort_by_key(|packet| packet.offset);
        let earliest = self.packets.first().map_or(0, |packet| packet.offset);
        for packet in &mut self.packets {
            let offset = packet.offset - earliest;
            packet.offset = offset - offset % MICRO;
        }
        let latest = self.packets.last().map_or(0, |packet| packet.offset);
        let gaps = self.packets.len().saturating_sub(1).max(1) as u64;
        let mean = (latest / gaps / MICRO).max(1) * MICRO;
        self.period = latest.saturating_add(mean).max(SHORTEST_PERIOD);
    }

    /// From the earliest packet to the latest.
    pub(super) fn duration(&self) -> Duration {
        let latest = self.packets.last().map_or(0, |packet| packet.offset);
        Duration::from_nanos(latest)
    }

    /// The link type of every packet; without packets, what the file's header says.
    pub(super) fn link_type(&self) -> LinkType {
        self.link_type
    }

    /// The number of packets.
    pub(super) fn len(&self) -> usize {
        self.packets.len()
    }
}

/// Walks a recording that was moved into a window, again and again until the window ends.
pub(super) struct Replay {
    recording: Arc<Recording>,
    /// How many packets to go on by.
    step: usize,
    next: usize,
    /// Where this repetition begins, in nanoseconds since the epoch, on a whole microsecond.
    start: u64,
    /// Nanoseconds since the epoch.
    end: u64,
}

impl Replay {
    /// The packets in `window`, in nanoseconds since the epoch.
    pub(super) fn new(recording: Arc<Recording>, sampling: NonZeroU32, window: Range<u64>) -> Self {
        Self {
            recording,
            step: usize::try_from(sampling.get()).unwrap_or(usize::MAX),
            next: 0,
            start: window.start.div_ceil(MICRO).saturating_mul(MICRO),
            end: window.end,
        }
    }
}

impl Iterator for Replay {
    /// Nanoseconds since the epoch, the length on the wire, and the bytes.
    type Item = (u64, u32, Bytes);

    fn next(&mut self) -> Option<Self::Item> {
        let Recording {
            packets, period, ..
        } = &*self.recording;
        if self.next >= packets.len() {
            // Without packets there is nothing to repeat.
            let repetitions = self.next.checked_div(packets.len())? as u64;
            self.next %= packets.len();
            self.start = self
                .start
                .saturating_add(period.saturating_mul(repetitions));
        }
        let packet = packets.get(self.next)?;
        let nanos = self.start.saturating_add(packet.offset);
        // Those behind it are not earlier.
        if nanos >= self.end {
            return None;
        }
        self.next = self.next.saturating_add(self.step);
        Some((nanos, packet.original_len, packet.bytes.clone()))
    }
}

#[cfg(test)]
mod tests;
