//! From a packet's first byte to its network header.

use crate::layers::{Layer, Layers};
use crate::packet::LinkType;

const IPV4: u16 = 0x0800;
const IPV6: u16 = 0x86dd;
/// 802.1Q, 802.1ad, and the number that double tags had before it.
const VLAN_TAGS: [u16; 3] = [0x8100, 0x88a8, 0x9100];

/// An IP packet, by what announces it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Network<'a> {
    V4(&'a [u8]),
    V6(&'a [u8]),
}

impl<'a> Network<'a> {
    /// The packet that announces itself by its first four bits.
    #[inline]
    fn by_version(bytes: &'a [u8]) -> Option<Self> {
        match bytes.first()? >> 4 {
            4 => Some(Self::V4(bytes)),
            6 => Some(Self::V6(bytes)),
            _ => None,
        }
    }

    fn layer(&self) -> Layer {
        match self {
            Self::V4(_) => Layer::IPV4,
            Self::V6(_) => Layer::IPV6,
        }
    }
}

/// The bytes from the IP header on; `None` if there is something else, or nothing. The headers on the way go to
/// `layers`.
#[expect(
    clippy::inline_always,
    reason = "as a call, the layers go through memory"
)]
#[inline(always)]
pub(crate) fn network<'a>(
    link_type: LinkType,
    bytes: &'a [u8],
    layers: &mut Layers,
) -> Option<Network<'a>> {
    let network = match link_type {
        LinkType::ETHERNET => return after_ether_type(bytes.get(12..)?, layers),
        // The first fourteen bytes are of no interest, the EtherType ends the header.
        LinkType::LINUX_SLL => {
            let (&ether_type, rest) = bytes.get(14..)?.split_first_chunk()?;
            return in_cooked(u16::from_be_bytes(ether_type), rest, layers);
        }
        // Here it begins the header.
        LinkType::LINUX_SLL2 => {
            let ether_type = u16::from_be_bytes(*bytes.first_chunk()?);
            return in_cooked(ether_type, bytes.get(20..)?, layers);
        }
        // 12 and 14 are what some systems call it.
        LinkType::RAW | LinkType(12 | 14) => Network::by_version(bytes)?,
        LinkType::IPV4 => Network::V4(bytes),
        LinkType::IPV6 => Network::V6(bytes),
        LinkType::NULL => {
            let (&family, rest) = bytes.split_first_chunk()?;
            after_family(u32::from_le_bytes(family), rest)
                .or_else(|| after_family(u32::from_be_bytes(family), rest))?
        }
        LinkType::LOOP => {
            let (&family, rest) = bytes.split_first_chunk()?;
            after_family(u32::from_be_bytes(family), rest)?
        }
        _ => return None,
    };
    layers.push(network.layer());
    Some(network)
}

/// The id in the outermost VLAN tag, if there is one.
pub(crate) fn vlan(link_type: LinkType, bytes: &[u8]) -> Option<u16> {
    // Where the tag's number is, and where what the tag says.
    let (number, tag) = match link_type {
        LinkType::ETHERNET => (12, 14),
        LinkType::LINUX_SLL => (14, 16),
        LinkType::LINUX_SLL2 => (0, 20),
        _ => return None,
    };
    let read = |at: usize| bytes.get(at..)?.first_chunk().copied();
    let is_tag = VLAN_TAGS.contains(&u16::from_be_bytes(read(number)?));
    is_tag.then(|| Some(u16::from_be_bytes(read(tag)?) & 0x0fff))?
}

/// The IP packet in an Ethernet frame.
#[inline]
pub(crate) fn in_ethernet<'a>(bytes: &'a [u8], layers: &mut Layers) -> Option<Network<'a>> {
    after_ether_type(bytes.get(12..)?, layers)
}

/// Reads an `EtherType`, and steps over VLAN tags.
#[inline]
fn after_ether_type<'a>(bytes: &'a [u8], layers: &mut Layers) -> Option<Network<'a>> {
    let (&ether_type, rest) = bytes.split_first_chunk()?;
    of_ether_type(u16::from_be_bytes(ether_type), rest, layers)
}

/// Linux puts numbers of its own where no `EtherType` is: they say nothing of what follows.
fn in_cooked<'a>(ether_type: u16, rest: &'a [u8], layers: &mut Layers) -> Option<Network<'a>> {
    (ether_type > 1_535).then(|| of_ether_type(ether_type, rest, layers))?
}

/// What follows an `EtherType`, behind VLAN tags.
#[inline]
pub(crate) fn of_ether_type<'a>(
    mut ether_type: u16,
    mut rest: &'a [u8],
    layers: &mut Layers,
) -> Option<Network<'a>> {
    loop {
        layers.push(Layer::ether_type(ether_type));
        match ether_type {
            IPV4 => return Some(Network::V4(rest)),
            IPV6 => return Some(Network::V6(rest)),
            tag if VLAN_TAGS.contains(&tag) => {
                let (&[_, _, high, low], after) = rest.split_first_chunk()?;
                ether_type = u16::from_be_bytes([high, low]);
                rest = after;
            }
            _ => return None,
        }
    }
}

/// By an address family: 2 is IPv4 everywhere; IPv6 is 10, 24, 28 or 30.
fn after_family(family: u32, rest: &[u8]) -> Option<Network<'_>> {
    match family {
        2 => Some(Network::V4(rest)),
        10 | 24 | 28 | 30 => Some(Network::V6(rest)),
        _ => None,
    }
}
