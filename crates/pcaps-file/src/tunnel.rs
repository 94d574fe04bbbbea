//! From a header above IP to the packet that it carries.

use crate::ip::Ip;
use crate::layers::{Layer, Layers};
use crate::link::{self, Network};
use crate::protocol;

/// How many tunnels, one in the other, are unwrapped. Real traffic has one or two.
const MAX_TUNNELS: u8 = 4;

/// The innermost IP header of a packet.
pub(crate) struct Innermost<'a> {
    pub(crate) ip: Ip<'a>,
    /// What it was read from.
    pub(crate) network: Network<'a>,
    /// All headers.
    pub(crate) layers: Layers,
    /// How many tunnels there are around it.
    pub(crate) tunnels: u8,
}

/// Unwraps an IP packet that may be a tunnel's; `None` if it is no whole one. It stands on its own and begins again with the
/// packet, because few are tunnels': a header that could go either way would go through memory for all.
#[inline(never)]
pub(crate) fn innermost(network: Network<'_>, layers: Layers) -> Option<Innermost<'_>> {
    let mut found = Innermost {
        ip: Ip::parse(network)?,
        network,
        layers,
        tunnels: 0,
    };
    while found.tunnels < MAX_TUNNELS
        && let Some(network) = inside(&found.ip, &mut found.layers)
        && let Some(ip) = Ip::parse(network)
    {
        found.layers.push(Layer::protocol(ip.protocol));
        (found.ip, found.network) = (ip, network);
        found.tunnels += 1;
    }
    Some(found)
}

/// Whether an IP packet may be a tunnel's: of others there is nothing [`inside`].
#[inline]
pub(crate) fn is_one(ip: &Ip<'_>) -> bool {
    matches!(ip.protocol, protocol::IPV4 | protocol::IPV6 | protocol::GRE)
}

/// What is in an IP packet that is a tunnel's: `None` if it is none, or what it carries is not IP. The headers on
/// the way go to `layers`.
fn inside<'a>(ip: &Ip<'a>, layers: &mut Layers) -> Option<Network<'a>> {
    match ip.protocol {
        // The number itself says what follows.
        protocol::IPV4 => Some(Network::V4(ip.above)),
        protocol::IPV6 => Some(Network::V6(ip.above)),
        protocol::GRE => in_gre(ip.above, layers),
        _ => None,
    }
}

/// GRE of RFC 2784 and 2890, and with the routing field of RFC 1701. Version 1, which carries PPP, ends the search.
fn in_gre<'a>(bytes: &'a [u8], layers: &mut Layers) -> Option<Network<'a>> {
    const CHECKSUM: u8 = 0x80;
    const ROUTING: u8 = 0x40;
    const KEY: u8 = 0x20;
    const SEQUENCE: u8 = 0x10;
    const ETHERNET: u16 = 0x6558;

    let (&[flags, version, high, low], mut rest) = bytes.split_first_chunk()?;
    if version & 0x07 != 0 {
        return None;
    }
    // Either flag brings the whole word: checksum and offset.
    for word in [CHECKSUM | ROUTING, KEY, SEQUENCE] {
        if flags & word != 0 {
            rest = rest.get(4..)?;
        }
    }
    if flags & ROUTING != 0 {
        rest = after_routing(rest)?;
    }
    match u16::from_be_bytes([high, low]) {
        ETHERNET => {
            layers.push(Layer::ETHERNET);
            link::in_ethernet(rest, layers)
        }
        ether_type => link::of_ether_type(ether_type, rest, layers),
    }
}

/// Steps over source route entries; one of no family and no length ends them.
fn after_routing(mut rest: &[u8]) -> Option<&[u8]> {
    loop {
        let (&[family_high, family_low, _, len], after) = rest.split_first_chunk()?;
        rest = after.get(usize::from(len)..)?;
        if [family_high, family_low, len] == [0; 3] {
            return Some(rest);
        }
    }
}
