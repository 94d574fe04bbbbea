//! Where the simulated packets come from.
//!
//! [`Traffic`] is either made up ([`Traffic::synthetic`]) or taken from a capture file
//! ([`Traffic::replay`]). Either way it is asked for the packets of a window of time, and gives them
//! whole: cutting them to a snap length, and counting them against a limit, is up to who asked.

mod error;
mod replay;
mod synthetic;

use std::{fmt, num::NonZeroU32, ops::Range, path::Path, sync::Arc, time::Duration};

use bytes::Bytes;
use pcaps_file::{LinkType, Packet, Timestamp};

pub use error::{Error, ErrorKind};
use replay::{Recording, Replay};
use synthetic::Timeline;

/// A source of packets: cheap to clone, and never changed by being read.
///
/// # Examples
///
/// ```
/// use pcaps_file::Timestamp;
/// use pcaps_sim::traffic::Traffic;
///
/// let minute = Timestamp::from_nanos(0)..Timestamp::from_nanos(60_000_000_000);
/// let packets = Traffic::synthetic(7).packets(minute).count();
/// assert!(packets > 1_000);
/// ```
#[derive(Clone, Debug)]
pub struct Traffic {
    source: Source,
    sampling: NonZeroU32,
}

#[derive(Clone)]
enum Source {
    Synthetic(u64),
    Replay(Arc<Recording>),
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Synthetic(seed) => f.debug_tuple("Synthetic").field(seed).finish(),
            // Not the packets: they are somebody's traffic.
            Self::Replay(recording) => f
                .debug_struct("Replay")
                .field("packets", &recording.len())
                .finish_non_exhaustive(),
        }
    }
}

impl Traffic {
    /// Made-up traffic: a realistic mix of about 45 packets a second, the same for the same seed.
    ///
    /// It is an endless timeline, of which a window shows a part: the packets of two windows that
    /// meet are together the packets of the whole, and no window has to begin at the beginning. A
    /// window is made while it is walked, in constant memory.
    ///
    /// In it: TCP connections with handshake and farewell (HTTPS, plain HTTP), DNS, NTP, pings,
    /// QUIC and game datagrams, over IPv4 and IPv6. The protected prefixes are 203.0.113.0/24 and
    /// `2001:db8:203::/48`. All addresses are from ranges set aside for documentation and benchmarks, all
    /// checksums are right, and no packet is longer than 1,500 bytes. Both directions are seen, as where
    /// the service carries what leaves the protected network too.
    ///
    /// About a sixth of the flows is seen inside of the GRE tunnel between the service's end, 192.0.2.1, and the
    /// customer's router, 198.51.100.1: an IPv4 header and a GRE header without checksum, key or sequence
    /// number, and in it IPv4 or IPv6. Such a packet, too, has at most 1,500 bytes in all.
    ///
    /// There are attacks to look for, each once in every minute of the clock (UTC), in seconds that follow from
    /// the seed and the minute. They are not in the tunnel, and nothing else has an address in 198.18.0.0/15:
    ///
    /// | attack | from | to | in every minute |
    /// |---|---|---|---|
    /// | SYN flood | 198.18.0.0/16, made up, any port | 203.0.113.10, TCP port 443 | 6 to 11 seconds, 25 to 44 SYNs in each, not answered |
    /// | DNS amplification | 400 open resolvers in 198.19.0.0/17, UDP port 53 | 203.0.113.20, one port | 4 to 6 seconds, 20 to 34 answers in each, of 1,000 bytes or more (ANY, DNSKEY, TXT), to questions that it did not ask |
    /// | port scan | one host of 198.19.128.0/17, one port | 25 TCP ports of each of four hosts, among them 203.0.113.53 and a web server | 5 seconds, 20 ports in each: 97 closed (RST), 3 open (SYN-ACK, and a RST from the scanner) |
    ///
    /// The link type is [`LinkType::RAW`]: the service carries IP packets in tunnels, so there is no
    /// Ethernet header to be seen. What the real service writes is not documented.
    pub fn synthetic(seed: u64) -> Self {
        Self::new(Source::Synthetic(seed))
    }

    /// The packets of a capture file, repeated without end, for every window anew.
    ///
    /// The packets are moved in time: the earliest lands at the beginning of the window (rounded up to a
    /// microsecond), the others keep their distance from it. They come in the order of their times; packets
    /// of equal time in file order.
    ///
    /// After the last packet comes the first again, and so on to the window's end. Between the two lies the
    /// file's mean gap, which is at least a microsecond. What is shorter than a second with that gap, as a
    /// file with one packet or with packets of one moment only, is repeated once a second. Of a file without
    /// packets every window is empty. A window takes no more memory than the file does, however long it is.
    ///
    /// The file is read at once, and its packets stay in memory: 1 GiB at most, counting each packet's
    /// bytes and 64 more.
    ///
    /// # Errors
    ///
    /// When the file cannot be opened or read, is no capture or is cut short
    /// ([`ErrorKind::Unreadable`]); when it holds packets of more than one link type, which a classic
    /// capture file cannot ([`ErrorKind::MixedLinkTypes`]); when it does not fit in memory
    /// ([`ErrorKind::TooLarge`]).
    pub fn replay(path: &Path) -> Result<Self, Error> {
        let recording = Recording::read(path)?;
        Ok(Self::new(Source::Replay(Arc::new(recording))))
    }

    /// The same of a capture file that is in memory; its name is for errors.
    ///
    /// # Errors
    ///
    /// As [`replay`](Self::replay).
    ///
    /// # Examples
    ///
    /// ```
    /// use pcaps_sim::traffic::{ErrorKind, Traffic};
    ///
    /// let error = Traffic::replay_bytes(b"no capture", "upload").map(drop).unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::Unreadable);
    /// ```
    pub fn replay_bytes(bytes: &[u8], name: &str) -> Result<Self, Error> {
        let recording = Recording::take(bytes, name)?;
        Ok(Self::new(Source::Replay(Arc::new(recording))))
    }

    /// Takes one packet in `one_in`, always the same ones.
    ///
    /// Of a capture file that is the first of every `one_in` packets, in the order of their times, counted
    /// on through its repetitions, which need not show the same packets then. Of made-up traffic it is one
    /// in `one_in` on average, chosen by the packet's place on the timeline, so that windows that meet
    /// still hold together what the whole holds.
    ///
    /// Without it every packet is taken. A second call replaces the first.
    #[must_use]
    pub fn with_sampling(self, one_in: NonZeroU32) -> Self {
        Self {
            sampling: one_in,
            ..self
        }
    }

    /// The link type of every packet.
    pub fn link_type(&self) -> LinkType {
        match &self.source {
            Source::Synthetic(_) => LinkType::RAW,
            Source::Replay(recording) => recording.link_type(),
        }
    }

    /// From the earliest packet of a capture file to its latest, in whole microseconds, 0 without packets;
    /// `None` for made-up traffic, which does not repeat itself.
    ///
    /// A window that is not longer than this does not show the last packets; a longer one shows them all,
    /// and then some again.
    pub fn duration(&self) -> Option<Duration> {
        match &self.source {
            Source::Synthetic(_) => None,
            Source::Replay(recording) => Some(recording.duration()),
        }
    }

    /// The packets of a window of time, which includes its beginning and not its end.
    ///
    /// Times are whole microseconds: what a file says below that is cut off. The packets come in the order
    /// of their times; packets of a file that are of equal time in file order.
    pub fn packets(&self, window: Range<Timestamp>) -> Packets {
        let link_type = self.link_type();
        let window = window.start.as_nanos()..window.end.as_nanos();
        let walk = match &self.source {
            Source::Synthetic(seed) => Walk::Synthetic(Timeline::new(*seed, self.sampling, window)),
            Source::Replay(recording) => {
                Walk::Replay(Replay::new(Arc::clone(recording), self.sampling, window))
            }
        };
        Packets { walk, link_type }
    }

    /// What it is, in a few words.
    pub(crate) fn describe(&self) -> String {
        let source = match &self.source {
            Source::Synthetic(seed) => format!("made up, seed {seed}"),
            Source::Replay(recording) => format!("a recording of {} packets", recording.len()),
        };
        match self.sampling.get() {
            1 => source,
            one_in => format!("{source}, one packet in {one_in}"),
        }
    }

    fn new(source: Source) -> Self {
        Self {
            source,
            sampling: NonZeroU32::MIN,
        }
    }
}

/// One packet of the traffic.
#[derive(Clone, PartialEq, Eq)]
pub struct TrafficPacket {
    /// When it passed, in whole microseconds.
    pub timestamp: Timestamp,
    /// What its first header is.
    pub link_type: LinkType,
    /// Its length on the wire, in bytes. Longer than `bytes` only where a replayed file had it cut.
    pub original_len: u32,
    /// All of its bytes that there are.
    pub bytes: Bytes,
}

impl TrafficPacket {
    /// The packet as a capture file takes it.
    pub fn as_packet(&self) -> Packet<'_> {
        Packet {
            timestamp: self.timestamp,
            link_type: self.link_type,
            original_len: self.original_len,
            bytes: &self.bytes,
        }
    }
}

impl fmt::Debug for TrafficPacket {
    /// Everything but the bytes themselves.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TrafficPacket")
            .field("timestamp", &self.timestamp)
            .field("link_type", &self.link_type)
            .field("original_len", &self.original_len)
            .field("len", &self.bytes.len())
            .finish_non_exhaustive()
    }
}

/// The packets of a window: what [`Traffic::packets`] gives.
pub struct Packets {
    walk: Walk,
    link_type: LinkType,
}

enum Walk {
    Synthetic(Timeline),
    Replay(Replay),
}

impl fmt::Debug for Packets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Packets")
            .field("link_type", &self.link_type)
            .finish_non_exhaustive()
    }
}

impl Iterator for Packets {
    type Item = TrafficPacket;

    fn next(&mut self) -> Option<TrafficPacket> {
        let (nanos, original_len, bytes) = match &mut self.walk {
            Walk::Synthetic(timeline) => {
                let (nanos, bytes) = timeline.next()?;
                // Never longer than an MTU.
                let len = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
                (nanos, len, bytes)
            }
            Walk::Replay(replay) => replay.next()?,
        };
        Some(TrafficPacket {
            timestamp: Timestamp::from_nanos(nanos),
            link_type: self.link_type,
            original_len,
            bytes,
        })
    }
}

impl std::iter::FusedIterator for Packets {}
