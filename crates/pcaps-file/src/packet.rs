//! What a capture file holds: packets, with their time, length and link type.

use std::fmt;

/// A moment in nanoseconds since 1970-01-01T00:00:00Z, as capture files keep it.
///
/// Every moment that a classic pcap file can express fits (32 bits of seconds), and so does every
/// moment up to the year 2554 in pcapng.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(u64);

impl Timestamp {
    /// The moment `nanos` nanoseconds after the epoch.
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// Nanoseconds since the epoch.
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// The moment `seconds` and `nanos` after the epoch, as classic pcap keeps it. A `nanos` of a second
    /// or more carries over.
    pub const fn from_parts(seconds: u32, nanos: u32) -> Self {
        // The largest sum is below 2^63: it cannot overflow. `From` is not const.
        Self(seconds as u64 * 1_000_000_000 + nanos as u64)
    }

    /// The same moment as a [`jiff::Timestamp`], which does calendars and time zones.
    pub fn to_jiff(self) -> jiff::Timestamp {
        // Every value here lies before the year 2555, and jiff goes to the year 9999.
        jiff::Timestamp::from_nanosecond(i128::from(self.0)).unwrap_or(jiff::Timestamp::MAX)
    }
}

/// RFC 3339 in UTC, with as many digits below the second as are needed.
///
/// ```
/// let moment = pcaps_file::Timestamp::from_nanos(1_476_535_656_489_094_000);
/// assert_eq!(moment.to_string(), "2016-10-15T12:47:36.489094Z");
/// ```
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to_jiff().fmt(f)
    }
}

/// The link type of a packet's first header: a number from the registry at
/// <https://www.tcpdump.org/linktypes.html>.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkType(pub u16);

impl LinkType {
    /// BSD loopback: a four-byte address family in the byte order of the capturing machine.
    pub const NULL: Self = Self(0);
    /// Ethernet.
    pub const ETHERNET: Self = Self(1);
    /// Raw IP, version 4 or 6 by its first nibble.
    pub const RAW: Self = Self(101);
    /// OpenBSD loopback: as [`NULL`](Self::NULL), in network byte order.
    pub const LOOP: Self = Self(108);
    /// Linux cooked capture, version 1.
    pub const LINUX_SLL: Self = Self(113);
    /// Raw IPv4.
    pub const IPV4: Self = Self(228);
    /// Raw IPv6.
    pub const IPV6: Self = Self(229);
    /// Linux cooked capture, version 2.
    pub const LINUX_SLL2: Self = Self(276);
}

/// Its name, as in `Ethernet`, or `link type 147` for the ones without a constant here.
impl fmt::Display for LinkType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match *self {
            Self::NULL => "BSD loopback",
            Self::ETHERNET => "Ethernet",
            Self::RAW => "raw IP",
            Self::LOOP => "OpenBSD loopback",
            Self::LINUX_SLL => "Linux cooked v1",
            Self::IPV4 => "raw IPv4",
            Self::IPV6 => "raw IPv6",
            Self::LINUX_SLL2 => "Linux cooked v2",
            Self(number) => return write!(f, "link type {number}"),
        };
        f.pad(name)
    }
}

/// One packet, borrowing its bytes from the buffer it was read into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet<'a> {
    /// When it was captured.
    pub timestamp: Timestamp,
    /// What its first header is.
    pub link_type: LinkType,
    /// Its length on the wire, in bytes: at least `bytes.len()`.
    pub original_len: u32,
    /// The bytes that were captured: all of it, or its beginning up to the snap length.
    pub bytes: &'a [u8],
}
