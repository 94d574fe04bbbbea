//! From a packet's first byte to its IP header.

use crate::packet::LinkType;

const IPV4: u16 = 0x0800;
const IPV6: u16 = 0x86dd;
/// 802.1Q, 802.1ad, and the number that double tags had before it.
const VLAN_TAGS: [u16; 3] = [0x8100, 0x88a8, 0x9100];

/// The bytes from the IP header on; `None` if there is something else, or nothing.
#[inline]
pub(crate) fn ip_packet(link_type: LinkType, bytes: &[u8]) -> Option<&[u8]> {
    match link_type {
        LinkType::ETHERNET => after_ether_type(bytes.get(12..)?),
        LinkType::RAW | LinkType::IPV4 | LinkType::IPV6 => Some(bytes),
        LinkType::NULL => after_family(bytes),
        // The first thirteen bytes are of no interest, the EtherType ends the header.
        LinkType::LINUX_SLL => after_ether_type(bytes.get(14..)?),
        // Here it begins the header.
        LinkType::LINUX_SLL2 => {
            let rest = bytes.get(20..)?;
            match u16_at_start(bytes)? {
                IPV4 | IPV6 => Some(rest),
                tag if VLAN_TAGS.contains(&tag) => after_ether_type(rest.get(2..)?),
                _ => None,
            }
        }
        _ => None,
    }
}

/// Reads an `EtherType`, and steps over VLAN tags.
#[inline]
fn after_ether_type(mut bytes: &[u8]) -> Option<&[u8]> {
    loop {
        match u16_at_start(bytes)? {
            IPV4 | IPV6 => return bytes.get(2..),
            tag if VLAN_TAGS.contains(&tag) => bytes = bytes.get(4..)?,
            _ => return None,
        }
    }
}

/// Reads an address family: 2 is IPv4 everywhere; IPv6 is 10, 24, 28 or 30.
fn after_family(bytes: &[u8]) -> Option<&[u8]> {
    let (&family, rest) = bytes.split_first_chunk::<4>()?;
    let is_ip = |family| matches!(family, 2 | 10 | 24 | 28 | 30);
    let ip = is_ip(u32::from_le_bytes(family)) || is_ip(u32::from_be_bytes(family));
    ip.then_some(rest)
}

#[inline]
fn u16_at_start(bytes: &[u8]) -> Option<u16> {
    bytes.first_chunk::<2>().map(|&two| u16::from_be_bytes(two))
}
