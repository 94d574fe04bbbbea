//! What a capture holds, in one screen.

mod talkers;
mod text;
mod view;

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::io::Read;
use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

use crate::dissect::dissect;
use crate::error::Error;
use crate::packet::{LinkType, Packet, Timestamp};
use crate::protocol;
use crate::reader::Reader;
use talkers::Talkers;

/// The sum of a capture's packets: how many, how long, which protocols, from whom.
///
/// Memory is bounded whatever the packets are: at most about a megabyte, for source addresses. Up to
/// 8,192 of them are counted exactly; beyond, the rare ones are forgotten again and the others become
/// lower bounds, and [`talkers_exact`](Summary::talkers_exact) and the output say so.
///
/// `Display` is a table for people. `Serialize` is one object for programs, with these fields, which
/// stay as they are (new ones may come):
///
/// | field | type | meaning |
/// |---|---|---|
/// | `packets` | integer | packets |
/// | `bytes_captured` | integer | bytes in the file |
/// | `bytes_on_wire` | integer | bytes of the same packets on the wire |
/// | `largest_captured` | integer | captured bytes of the longest packet |
/// | `first_time`, `last_time` | string or null | earliest and latest packet, RFC 3339; null without packets |
/// | `duration_seconds` | number or null | between them |
/// | `link_types` | array | `number`, `name`, `packets`; by number |
/// | `protocols` | array | `number`, `name`, `packets`, `bytes_on_wire`; most packets first |
/// | `not_ip` | object | `packets`, `bytes_on_wire` of packets without a whole IP header |
/// | `talkers_exact` | boolean | whether the following figures are exact |
/// | `talkers` | array | the first 100: `address`, `packets`, `bytes_on_wire`, `packets_missed_at_most` |
///
/// # Examples
///
/// A torn file still has its summary:
///
/// ```no_run
/// use pcaps_file::{Reader, Summary};
///
/// # fn main() -> Result<(), pcaps_file::Error> {
/// let mut summary = Summary::default();
/// let ended = summary.add_all(&mut Reader::open("capture.pcap")?);
/// println!("{summary}");
/// if let Err(error) = ended {
///     eprintln!("warning: {error}");
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Summary {
    all: Tally,
    bytes_captured: u64,
    largest_captured: u32,
    times: Option<(Timestamp, Timestamp)>,
    link_types: BTreeMap<LinkType, u64>,
    /// By protocol number.
    protocols: Box<[Tally; 256]>,
    not_ip: Tally,
    talkers: Talkers,
}

/// Packets and their bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// How many packets.
    pub packets: u64,
    /// How many bytes they had on the wire.
    pub bytes_on_wire: u64,
}

/// The packets of one protocol above IP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProtocolTally {
    /// IANA's number.
    pub number: u8,
    /// IANA's name, or `protocol N`.
    pub name: String,
    /// How much there was of it.
    pub tally: Tally,
}

/// A source address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Talker {
    /// The address.
    pub address: IpAddr,
    /// How much was seen of it: a lower bound if `packets_missed_at_most` is not 0.
    pub tally: Tally,
    /// How many packets of it may have gone uncounted, while it was one of too many addresses.
    pub packets_missed_at_most: u64,
}

impl Default for Summary {
    fn default() -> Self {
        Self {
            all: Tally::default(),
            bytes_captured: 0,
            largest_captured: 0,
            times: None,
            link_types: BTreeMap::new(),
            protocols: Box::new([Tally::default(); 256]),
            not_ip: Tally::default(),
            talkers: Talkers::default(),
        }
    }
}

impl Tally {
    #[inline]
    fn add(&mut self, bytes: u32) {
        self.packets += 1;
        self.bytes_on_wire = self.bytes_on_wire.saturating_add(u64::from(bytes));
    }
}

impl Summary {
    /// Sums up all packets of the file at `path`.
    ///
    /// # Errors
    ///
    /// When the file cannot be opened, or is not a whole capture file.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        Self::read(&mut Reader::open(path)?)
    }

    /// Sums up all packets of `reader`.
    ///
    /// # Errors
    ///
    /// What the reader meets. What was summed up to there is lost: see [`add_all`](Summary::add_all).
    pub fn read<R: Read>(reader: &mut Reader<R>) -> Result<Self, Error> {
        let mut summary = Self::default();
        summary.add_all(reader)?;
        Ok(summary)
    }

    /// Adds all packets of `reader`. Call it for several files to sum them up together.
    ///
    /// # Errors
    ///
    /// What the reader meets. The packets before it are added, so that a torn file has a summary too.
    pub fn add_all<R: Read>(&mut self, reader: &mut Reader<R>) -> Result<(), Error> {
        while let Some(packet) = reader.next_packet()? {
            self.add(&packet);
        }
        Ok(())
    }

    /// Adds one packet.
    pub fn add(&mut self, packet: &Packet<'_>) {
        let len = packet.original_len;
        let captured = u32::try_from(packet.bytes.len()).unwrap_or(u32::MAX);
        self.all.add(len);
        self.bytes_captured = self.bytes_captured.saturating_add(u64::from(captured));
        self.largest_captured = self.largest_captured.max(captured);
        let time = packet.timestamp;
        self.times = Some(match self.times {
            None => (time, time),
            Some((first, last)) => (first.min(time), last.max(time)),
        });
        *self.link_types.entry(packet.link_type).or_default() += 1;

        let found = dissect(packet.link_type, packet.bytes);
        match (found.protocol, found.source) {
            (Some(protocol), Some(source)) => {
                if let Some(tally) = self.protocols.get_mut(usize::from(protocol)) {
                    tally.add(len);
                }
                self.talkers.add(source, len);
            }
            _ => self.not_ip.add(len),
        }
    }

    /// How many packets.
    pub fn packets(&self) -> u64 {
        self.all.packets
    }

    /// How many bytes the file holds of them.
    pub fn bytes_captured(&self) -> u64 {
        self.bytes_captured
    }

    /// How many bytes they had on the wire.
    pub fn bytes_on_wire(&self) -> u64 {
        self.all.bytes_on_wire
    }

    /// The captured bytes of the longest packet.
    pub fn largest_captured(&self) -> u32 {
        self.largest_captured
    }

    /// The earliest packet's time, which need not be the first one's; `None` without packets.
    pub fn first_time(&self) -> Option<Timestamp> {
        self.times.map(|(first, _)| first)
    }

    /// The latest packet's time; `None` without packets.
    pub fn last_time(&self) -> Option<Timestamp> {
        self.times.map(|(_, last)| last)
    }

    /// From the earliest to the latest packet; `None` without packets.
    pub fn duration(&self) -> Option<Duration> {
        self.times
            .map(|(first, last)| Duration::from_nanos(last.as_nanos() - first.as_nanos()))
    }

    /// The link types and their packets, by number.
    pub fn link_types(&self) -> impl Iterator<Item = (LinkType, u64)> {
        self.link_types
            .iter()
            .map(|(&link, &packets)| (link, packets))
    }

    /// The protocols above IP, most packets first, then most bytes, then the lower number.
    pub fn protocols(&self) -> Vec<ProtocolTally> {
        let mut protocols: Vec<_> = (0..=u8::MAX)
            .zip(self.protocols.iter())
            .filter(|(_, tally)| tally.packets > 0)
            .map(|(number, &tally)| ProtocolTally {
                number,
                name: protocol::name(number),
                tally,
            })
            .collect();
        // Stable: equal ones stay in the order of their numbers.
        protocols.sort_by_key(|protocol| Reverse(protocol.tally.key()));
        protocols
    }

    /// The packets in which no whole IP header was found.
    pub fn not_ip(&self) -> Tally {
        self.not_ip
    }

    /// The `most` source addresses with most packets, then most bytes, then the lower address.
    pub fn talkers(&self, most: usize) -> Vec<Talker> {
        self.talkers.top(most)
    }

    /// Whether the figures of all source addresses are exact: there were few enough of them.
    pub fn talkers_exact(&self) -> bool {
        self.talkers.is_exact()
    }
}

impl Tally {
    /// What tallies are ordered by.
    fn key(self) -> (u64, u64) {
        (self.packets, self.bytes_on_wire)
    }
}
