//! The packets of a full capture on their way into files: one for each server that sees some.

use std::{
    iter::Peekable,
    mem,
    ops::Range,
    sync::{Arc, Mutex, PoisonError},
};

use bytes::Bytes;
use pcaps_file::{Dissection, Timestamp, Writer, WriterOptions, dissect};

use super::Criteria;
use crate::{
    Files,
    traffic::{Packets, Traffic, TrafficPacket},
};

/// The bytes that are kept of each packet at most: all of any IP packet, whatever headers are before it. It is
/// what tcpdump takes for whole packets.
const SNAP_LEN: u32 = 262_144;

/// How many packets are looked at in one go.
const LOOKS: usize = 50_000;

/// How many bytes are taken in one go, before those that come in one packet: 4 MiB.
const TAKEN: u64 = 4 << 20;

/// How much of a file is written at a time, but the last, in bytes: 5 MiB, the least that the parts of an upload
/// may have in the clouds.
pub(super) const PART: usize = 5 << 20;

/// How many bytes may wait for their files' parts to be full: 64 MiB. Ten files never have so many.
const HELD: usize = 64 << 20;

/// What a full capture takes at most.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) packets: u64,
    pub(super) bytes: u64,
}

/// Takes the packets of a window of time, one part of it after the other.
pub(super) struct Tap {
    /// Of the whole window. It is walked once, whoever asks how often how far it is: so replayed traffic
    /// is not moved to the beginning of each part, and nothing is made twice.
    packets: Peekable<Packets>,
    criteria: Criteria,
    limits: Limits,
    options: WriterOptions,
    files: Files,
    servers: Vec<Option<Sink>>,
    spare: Spare,
    /// What is to be added to the files.
    parts: Vec<Chunk>,
    captured: u64,
    bytes: u64,
    /// How many bytes wait, without those of `parts`.
    held: usize,
}

/// How a part of the window ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pulled {
    /// It did not: there is more.
    More,
    /// All its packets were seen.
    All,
    /// A limit was reached with a packet of this moment.
    Limit(Timestamp),
}

/// Bytes that are to be added to a server's file.
pub(super) type Chunk = (usize, Bytes);

impl Tap {
    pub(super) fn new(
        traffic: &Traffic,
        window: Range<Timestamp>,
        criteria: Criteria,
        limits: Limits,
        files: Files,
    ) -> Self {
        Self {
            packets: traffic.packets(window).peekable(),
            criteria,
            limits,
            options: WriterOptions {
                snap_len: SNAP_LEN,
                ..WriterOptions::new(traffic.link_type())
            },
            files,
            servers: (0..files.servers.get()).map(|_| None).collect(),
            spare: Spare::default(),
            parts: Vec::new(),
            captured: 0,
            bytes: 0,
            held: 0,
        }
    }

    /// How many packets were taken.
    pub(super) fn captured(&self) -> u64 {
        self.captured
    }

    /// Takes packets from before this moment, as many as fit in a modest amount of memory.
    pub(super) fn pull(&mut self, until: Timestamp) -> Result<Pulled, pcaps_file::Error> {
        let mut taken = 0;
        for _ in 0..LOOKS {
            let Some(packet) = self.packets.next_if(|packet| packet.timestamp < until) else {
                return Ok(Pulled::All);
            };
            let found = dissect(packet.link_type, &packet.bytes);
            if !self.criteria.match_found(&found) {
                continue;
            }
            let len = self.write(&packet, &found)?;
            self.captured += 1;
            self.bytes += len;
            taken += len;
            if self.captured >= self.limits.packets
                || self.bytes >= self.limits.bytes
                || self.held >= HELD
            {
                return Ok(Pulled::Limit(packet.timestamp));
            }
            if taken >= TAKEN {
                break;
            }
        }
        Ok(Pulled::More)
    }

    /// What is to be added to the files.
    pub(super) fn drain(&mut self) -> Vec<Chunk> {
        mem::take(&mut self.parts)
    }

    /// The files, in their order, with what is to be added to each as the last.
    pub(super) fn finish(self) -> Result<Vec<Chunk>, pcaps_file::Error> {
        let mut torn = usize::from(self.files.torn);
        let mut chunks = Vec::new();
        for (server, sink) in self.servers.into_iter().enumerate() {
            if let Some(sink) = sink {
                chunks.push((server, sink.finish(torn > 0)?));
                torn = torn.saturating_sub(1);
            }
        }
        let header = Bytes::from(Writer::new(Vec::new(), self.options)?.finish()?);
        let empty = std::iter::repeat_n(header, self.files.empty.into());
        let zero_length = std::iter::repeat_n(Bytes::new(), self.files.zero_length.into());
        let next = usize::from(self.files.servers.get());
        chunks.extend((next..).zip(empty.chain(zero_length)));
        Ok(chunks)
    }

    /// Writes a packet to its server's file, and says how long it is there.
    fn write(
        &mut self,
        packet: &TrafficPacket,
        found: &Dissection,
    ) -> Result<u64, pcaps_file::Error> {
        let server = flow(found) % self.servers.len().max(1);
        // The remainder is always in range.
        if let Some(slot) = self.servers.get_mut(server) {
            let sink = match slot {
                Some(sink) => sink,
                None => slot.insert(Sink::new(self.options)?),
            };
            let before = sink.len();
            sink.write(packet)?;
            self.held += sink.len() - before;
            if let Some(part) = sink.part(&self.spare) {
                self.held -= part.len();
                self.parts.push((server, part));
            }
        }
        let len = u32::try_from(packet.bytes.len()).unwrap_or(u32::MAX);
        Ok(len.min(SNAP_LEN).into())
    }
}

/// A number that all packets of a flow have, in both directions.
fn flow(found: &Dissection) -> usize {
    let mut ends = [
        (found.source, found.source_port),
        (found.destination, found.destination_port),
    ];
    ends.sort_unstable();
    // FNV-1a: the same on every machine and in every release, unlike the standard library's.
    let mut hash: u32 = 0x811c_9dc5;
    let mut add = |byte: u8| hash = (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193);
    for (address, port) in ends {
        match address {
            Some(std::net::IpAddr::V4(it)) => it.octets().into_iter().for_each(&mut add),
            Some(std::net::IpAddr::V6(it)) => it.octets().into_iter().for_each(&mut add),
            None => {}
        }
        let port = port.unwrap_or_default().to_be_bytes();
        port.into_iter().for_each(&mut add);
    }
    add(found.protocol.unwrap_or_default());
    // Its low bits alone are poorly mixed.
    usize::try_from(hash ^ (hash >> 16)).unwrap_or_default()
}

/// The file of one server, as far as it waits for its next part to be full.
struct Sink {
    writer: Writer<Vec<u8>>,
    /// How long the last record is, in bytes.
    last: usize,
}

impl Sink {
    fn new(options: WriterOptions) -> Result<Self, pcaps_file::Error> {
        Ok(Self {
            writer: Writer::unbuffered(Vec::new(), options)?,
            last: 0,
        })
    }

    fn len(&self) -> usize {
        self.writer.get_ref().len()
    }

    fn write(&mut self, packet: &TrafficPacket) -> Result<(), pcaps_file::Error> {
        let before = self.len();
        self.writer.write(&packet.as_packet())?;
        self.last = self.len() - before;
        Ok(())
    }

    /// The next part, if it is full. It has nothing of the last record, which may be torn yet.
    fn part(&mut self, spare: &Spare) -> Option<Bytes> {
        if self.len() < PART + self.last {
            return None;
        }
        let mut next = spare.take();
        let waiting = self.writer.get_mut();
        next.extend_from_slice(waiting.get(PART..).unwrap_or_default());
        let mut bytes = mem::replace(waiting, next);
        bytes.truncate(PART);
        let spare = spare.clone();
        Some(Bytes::from_owner(Part { bytes, spare }))
    }

    /// The last part, without half of the last record if it is to be torn.
    fn finish(self, torn: bool) -> Result<Bytes, pcaps_file::Error> {
        let mut rest = self.writer.finish()?;
        if torn {
            rest.truncate(rest.len() - self.last.div_ceil(2));
        }
        Ok(rest.into())
    }
}

/// Memory of parts that are written, for the next ones: whatever is given back to the allocator, on one thread
/// after the other, stays with the process.
#[derive(Clone, Default)]
struct Spare(Arc<Mutex<Vec<Vec<u8>>>>);

impl Spare {
    fn take(&self) -> Vec<u8> {
        let spare = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop();
        spare.unwrap_or_else(|| Vec::with_capacity(PART + 2 * SNAP_LEN as usize))
    }
}

/// A part, whose memory is used again.
struct Part {
    bytes: Vec<u8>,
    spare: Spare,
}

impl AsRef<[u8]> for Part {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        let mut bytes = mem::take(&mut self.bytes);
        bytes.clear();
        let mut spare = self.spare.0.lock().unwrap_or_else(PoisonError::into_inner);
        spare.push(bytes);
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::HashMap, net::IpAddr, num::NonZeroU16};

    use pcaps_file::Packet;

    use super::*;

    const MINUTE: Range<Timestamp> =
        Timestamp::from_nanos(0)..Timestamp::from_nanos(60_000_000_000);

    const NO_LIMITS: Limits = Limits {
        packets: u64::MAX,
        bytes: u64::MAX,
    };

    fn tap(limits: Limits) -> Tap {
        Tap::new(
            &Traffic::synthetic(1),
            MINUTE,
            Criteria::default(),
            limits,
            Files::default(),
        )
    }

    fn one_server() -> Files {
        Files {
            servers: NonZeroU16::MIN,
            ..Files::default()
        }
    }

    /// Runs a tap from stop to stop, and gives the bytes of the files.
    fn run(mut tap: Tap, stops: &[u64]) -> Result<HashMap<usize, Vec<u8>>, pcaps_file::Error> {
        let mut files = HashMap::<usize, Vec<u8>>::new();
        let mut add = |chunks: Vec<Chunk>| {
            for (server, bytes) in chunks {
                files.entry(server).or_default().extend_from_slice(&bytes);
            }
        };
        for second in stops {
            let until = Timestamp::from_nanos(second * 1_000_000_000);
            while tap.pull(until)? == Pulled::More {
                add(tap.drain());
            }
        }
        add(tap.drain());
        add(tap.finish()?);
        Ok(files)
    }

    #[test]
    fn polling_does_not_change_the_files() -> Result<(), pcaps_file::Error> {
        let whole = run(tap(NO_LIMITS), &[60])?;
        let polled = run(tap(NO_LIMITS), &[0, 1, 2, 2, 17, 18, 59, 60, 61])?;
        assert_eq!(whole.len(), 3);
        assert_eq!(whole, polled);
        Ok(())
    }

    #[test]
    fn whole_frames_are_kept() -> Result<(), Box<dyn std::error::Error>> {
        // The longest IP packet behind an Ethernet header.
        let frame = vec![7; 14 + 65_535];
        let options = WriterOptions::new(pcaps_file::LinkType::ETHERNET);
        let recording = tempfile::NamedTempFile::new()?;
        let mut writer = Writer::new(recording.reopen()?, options)?;
        writer.write(&Packet {
            timestamp: Timestamp::from_nanos(0),
            link_type: options.link_type,
            original_len: 65_549,
            bytes: &frame,
        })?;
        writer.finish()?;

        let traffic = Traffic::replay(recording.path())?;
        let tap = Tap::new(
            &traffic,
            MINUTE,
            Criteria::default(),
            NO_LIMITS,
            one_server(),
        );
        let files = run(tap, &[60])?;
        let mut reader = pcaps_file::Reader::new(&*files[&0], "capture")?;
        let packet = reader.next_packet()?.ok_or("no packet")?;
        assert_eq!(packet.bytes.len(), frame.len());
        Ok(())
    }

    #[test]
    fn packets_out_of_order_do_not_hold_up_the_others() -> Result<(), Box<dyn std::error::Error>> {
        let options = WriterOptions::new(pcaps_file::LinkType::RAW);
        let recording = tempfile::NamedTempFile::new()?;
        let mut writer = Writer::new(recording.reopen()?, options)?;
        for second in [0, 50, 1, 2] {
            writer.write(&Packet {
                timestamp: Timestamp::from_parts(second, 0),
                link_type: options.link_type,
                original_len: 1,
                bytes: &[0],
            })?;
        }
        writer.finish()?;
        let traffic = Traffic::replay(recording.path())?;
        let mut tap = Tap::new(
            &traffic,
            MINUTE,
            Criteria::default(),
            NO_LIMITS,
            one_server(),
        );
        assert_eq!(tap.pull(Timestamp::from_parts(3, 0))?, Pulled::All);
        assert_eq!(tap.captured(), 3);
        Ok(())
    }

    #[test]
    fn a_flow_stays_on_one_server() {
        type Ends = [(Option<IpAddr>, Option<u16>); 2];
        let mut seen = HashMap::<Ends, usize>::new();
        for packet in Traffic::synthetic(1).packets(MINUTE) {
            let found = dissect(packet.link_type, &packet.bytes);
            let mut ends = [
                (found.source, found.source_port),
                (found.destination, found.destination_port),
            ];
            ends.sort_unstable();
            let server = flow(&found) % 3;
            assert_eq!(*seen.entry(ends).or_insert(server), server);
        }
        for server in 0..3 {
            assert!(seen.values().filter(|it| **it == server).count() > seen.len() / 5);
        }
    }

    #[test]
    fn limits_end_it() -> Result<(), pcaps_file::Error> {
        let mut by_packets = tap(Limits {
            packets: 10,
            ..NO_LIMITS
        });
        assert!(matches!(by_packets.pull(MINUTE.end)?, Pulled::Limit(_)));
        assert_eq!(by_packets.captured(), 10);

        let mut by_bytes = tap(Limits {
            bytes: 1_000,
            ..NO_LIMITS
        });
        assert!(matches!(by_bytes.pull(MINUTE.end)?, Pulled::Limit(_)));
        assert!((1_000..2_500).contains(&by_bytes.bytes));
        Ok(())
    }
}
