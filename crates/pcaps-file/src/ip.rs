//! From an IP header to the header above it.
//!
//! By hand, because of packets that are cut or hostile: etherparse 0.21, which would offer itself, reads
//! beyond the slice when it iterates over IPv6 extension headers that are cut, takes the payload of later
//! fragments for extension headers, and gives up on the ports of a transport header that is cut.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::dissect::TcpFlags;
use crate::link::Network;
use crate::protocol;

/// IPv6 extension headers. An authentication header is one too, but counts as a protocol here, as it does
/// under IPv4.
const HOP_BY_HOP: u8 = 0;
const ROUTING: u8 = 43;
const FRAGMENT: u8 = 44;
const DESTINATION_OPTIONS: u8 = 60;

/// An address, as a number: it is read, compared and hashed faster than an [`IpAddr`]. IPv4 comes before IPv6.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Address {
    pub(crate) is_v6: bool,
    /// Of IPv4 the lowest 32.
    pub(crate) bits: u128,
}

impl Address {
    /// An address of IPv4.
    fn v4(self) -> Option<u32> {
        // Never larger: it was made of one.
        (!self.is_v6).then(|| u32::try_from(self.bits).unwrap_or(u32::MAX))
    }
}

impl From<u32> for Address {
    fn from(bits: u32) -> Self {
        Self {
            is_v6: false,
            bits: bits.into(),
        }
    }
}

impl From<u128> for Address {
    fn from(bits: u128) -> Self {
        Self { is_v6: true, bits }
    }
}

impl From<Address> for IpAddr {
    fn from(address: Address) -> Self {
        match address.v4() {
            Some(bits) => Self::V4(Ipv4Addr::from_bits(bits)),
            None => Self::V6(Ipv6Addr::from_bits(address.bits)),
        }
    }
}

/// The source and then the destination address, as they stand in a header; of IPv4 as one number, which is taken from place
/// to place in a register.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Ends<'a> {
    V4(u64),
    V6(&'a [u8; 32]),
}

impl Ends<'_> {
    /// Both, of IPv4.
    #[inline]
    pub(crate) fn v4(both: u64) -> [u32; 2] {
        // Each has 32 bits.
        [both >> 32, both & 0xffff_ffff].map(|it| u32::try_from(it).unwrap_or_default())
    }

    /// Both, of IPv6.
    #[inline]
    pub(crate) fn v6(bytes: &[u8; 32]) -> [u128; 2] {
        let both = [bytes.first_chunk(), bytes.last_chunk()];
        // As above.
        both.map(|it| u128::from_be_bytes(it.copied().unwrap_or_default()))
    }
}

/// What an IP header says. It is small, because it is handed on for each packet: addresses become numbers where they are wanted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ip<'a> {
    pub(crate) ends: Ends<'a>,
    /// The protocol above, or the extension header at which the packet is cut.
    pub(crate) protocol: u8,
    /// What was captured of the header above and its payload: nothing of a later fragment.
    pub(crate) above: &'a [u8],
}

impl<'a> Ip<'a> {
    /// Of an IP packet; `None` if the fixed part of its header is not whole, or of another version.
    #[expect(
        clippy::inline_always,
        reason = "as a call, passing its result through memory takes a third of its time"
    )]
    #[inline(always)]
    pub(crate) fn parse(packet: Network<'a>) -> Option<Self> {
        match packet {
            Network::V4(bytes) if bytes.first()? >> 4 == 4 => Self::v4(bytes),
            Network::V6(bytes) if bytes.first()? >> 4 == 6 => Self::v6(bytes),
            _ => None,
        }
    }

    /// The source and the destination.
    pub(crate) fn addresses(&self) -> [IpAddr; 2] {
        match self.ends {
            Ends::V4(both) => Ends::v4(both).map(|it| Address::from(it).into()),
            Ends::V6(bytes) => Ends::v6(bytes).map(|it| Address::from(it).into()),
        }
    }

    /// The ports of TCP, UDP or SCTP. A header that is cut after them still has them.
    #[inline]
    pub(crate) fn ports(&self) -> Option<[u16; 2]> {
        if !matches!(
            self.protocol,
            protocol::TCP | protocol::UDP | protocol::SCTP
        ) {
            return None;
        }
        let &[a, b, c, d] = self.above.first_chunk()?;
        Some([u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d])])
    }

    /// The flags of TCP.
    #[inline]
    pub(crate) fn tcp_flags(&self) -> Option<TcpFlags> {
        let flags = || self.above.get(13).copied().map(TcpFlags);
        (self.protocol == protocol::TCP).then(flags)?
    }

    #[inline]
    fn v4(bytes: &'a [u8]) -> Option<Self> {
        let header = bytes.first_chunk::<20>()?;
        let header_len = usize::from(header[0] & 0x0f) * 4;
        let total_len = usize::from(u16::from_be_bytes([header[2], header[3]]));
        let fragment_offset = u16::from_be_bytes([header[6], header[7]]) & 0x1fff;
        let is_sound = header_len >= header.len() && fragment_offset == 0;
        let above = if is_sound {
            // Segmentation offload leaves the length 0: then, as when cut, all that is there counts.
            let packet = match total_len {
                len if len >= header_len => bytes.get(..len).unwrap_or(bytes),
                _ => bytes,
            };
            packet.get(header_len..).unwrap_or_default()
        } else {
            &[]
        };
        Some(Self {
            ends: Ends::V4(u64::from_be_bytes(*header.last_chunk()?)),
            protocol: header[9],
            above,
        })
    }

    #[inline]
    fn v6(bytes: &'a [u8]) -> Option<Self> {
        let (header, rest) = bytes.split_first_chunk::<40>()?;
        let payload = match usize::from(u16::from_be_bytes([header[4], header[5]])) {
            0 => rest,
            len => rest.get(..len).unwrap_or(rest),
        };
        let (protocol, above) = after_extensions(header[6], payload);
        Some(Self {
            ends: Ends::V6(header.last_chunk()?),
            protocol,
            above,
        })
    }
}

/// Steps over extension headers: the protocol after them, and its header.
fn after_extensions(mut next: u8, mut rest: &[u8]) -> (u8, &[u8]) {
    loop {
        match next {
            HOP_BY_HOP | ROUTING | DESTINATION_OPTIONS => {
                let Some(&[after, len]) = rest.first_chunk::<2>() else {
                    return (next, &[]);
                };
                next = after;
                rest = rest.get((usize::from(len) + 1) * 8..).unwrap_or_default();
            }
            FRAGMENT => {
                let Some((header, after)) = rest.split_first_chunk::<8>() else {
                    return (next, &[]);
                };
                next = header[0];
                if u16::from_be_bytes([header[2], header[3]]) >> 3 != 0 {
                    return (next, &[]);
                }
                rest = after;
            }
            _ => return (next, rest),
        }
    }
}

/// What the extension headers of an IPv6 packet say, and how long they are.
#[derive(Default)]
pub(crate) struct Extensions {
    pub(crate) fragment: Option<Piece>,
    /// `None` if one of them is cut.
    pub(crate) len: Option<u32>,
}

/// What a fragment header says.
pub(crate) struct Piece {
    pub(crate) id: u32,
    /// In bytes.
    pub(crate) offset: u32,
    pub(crate) has_more: bool,
}

/// Looks at the extension headers over which [`after_extensions`] steps, which is asked for every packet and keeps less.
pub(crate) fn extensions(mut next: u8, bytes: &[u8]) -> Extensions {
    let mut found = Extensions::default();
    let mut len = 0;
    loop {
        let header = bytes.get(len..).and_then(|it| it.first_chunk::<8>());
        match (next, header) {
            (HOP_BY_HOP | ROUTING | DESTINATION_OPTIONS, Some(header)) => {
                len += (usize::from(header[1]) + 1) * 8;
                next = header[0];
            }
            (FRAGMENT, Some(&[after, _, high, low, a, b, c, d])) => {
                let place = u16::from_be_bytes([high, low]);
                len += 8;
                next = after;
                let piece = Piece {
                    id: u32::from_be_bytes([a, b, c, d]),
                    offset: u32::from(place & !7),
                    has_more: place & 1 != 0,
                };
                let is_later = piece.offset > 0;
                found.fragment = Some(piece);
                if is_later {
                    break;
                }
            }
            (HOP_BY_HOP | ROUTING | DESTINATION_OPTIONS | FRAGMENT, None) => return found,
            _ => break,
        }
    }
    // At most a packet's length.
    found.len = u32::try_from(len).ok();
    found
}
