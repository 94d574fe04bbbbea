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
    /// QUIC-like and game datagrams, over IPv4 and IPv6, and a SYN flood in some seconds of every
    /// minute. All addresses are from ranges set aside for documentation and benchmarks, all checksums
    /// are right, and no packet is longer than 1,500 bytes. Both directions are seen, as where the
    /// service carries what leaves the protected network too.
    ///
    /// The link type is [`LinkType::RAW`]: the service carries IP packets in tunnels, so there is no
    /// Ethernet header to be seen. What the real service writes is not documented.
    pub fn synthetic(seed: u64) -> Self {
        Self::new(Source::Synthetic(seed))
    }

    /// The packets of a capture file, for every window anew.
    ///
    /// The packets are moved in time: the earliest lands at the beginning of the window (rounded up to a
    /// microsecond), the others keep their distance from it. They come in the order of their times; packets
    /// of equal time in file order. Those that would land at or after the window's end are left out:
    /// [`duration`](Self::duration) says how long a window has to be for all of them.
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

    /// Takes one packet in `one_in`, always the same ones.
    ///
    /// Of a capture file that is the first of every `one_in` packets, in the order of their times. Of made-up traffic it is one in
    /// `one_in` on average, chosen by the packet's place on the timeline, so that windows that meet
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

    /// From the earliest packet of a capture file to its latest, 0 without packets; `None` for made-up
    /// traffic, which has no end.
    ///
    /// Of a capture whose window is not longer than this, the last packets are left out.
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
