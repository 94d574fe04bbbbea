//! The headers of a packet one by one, for who wants more of them than [`dissect`](crate::dissect) tells.

use std::net::IpAddr;

use crate::ip::{self, Ip};
use crate::layers::Layers;
use crate::link::{self, Network};
use crate::packet::LinkType;
use crate::tunnel;

/// What [`detail`] found in a packet; `None` is what is not there, or was cut off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Detail<'a> {
    /// The id of the outermost VLAN tag, of 12 bits.
    pub vlan: Option<u16>,
    /// The innermost IP header: the only one, unless there are tunnels.
    pub ip: Option<IpHeader<'a>>,
    /// The outermost IP header, if it is a tunnel's.
    pub outer: Option<IpHeader<'a>>,
    /// How many tunnels were unwrapped: 0 to 4.
    pub tunnels: u8,
}

/// An IP header whose fixed part is whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct IpHeader<'a> {
    /// The source address.
    pub source: IpAddr,
    /// The destination address.
    pub destination: IpAddr,
    /// IANA's number of the protocol above IP, as in [`Dissection::protocol`](crate::Dissection::protocol).
    pub protocol: u8,
    /// How many more routers the packet may pass: the time to live, or the hop limit.
    pub hops: u8,
    /// The byte of differentiated services: six bits of DSCP, and two of ECN.
    pub traffic_class: u8,
    /// Which piece of a packet it is, unless it is a whole one.
    pub fragment: Option<Fragment>,
    /// How many bytes are above the IP header and its extension headers, by what the header says of its length, captured or
    /// not. `None` if it says 0, as segmentation offload leaves it, or less than the headers take, or if extension headers
    /// are cut.
    pub payload_len: Option<u32>,
    /// What was captured of those: nothing of a later fragment.
    pub above: &'a [u8],
}

/// A piece of a packet that was too long for some link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Fragment {
    /// What the pieces of one packet have in common: of 16 bits in IPv4, of 32 in IPv6.
    pub id: u32,
    /// Where in the packet the piece belongs, in bytes.
    pub offset: u32,
    /// Whether others come behind it.
    pub has_more: bool,
}

/// Finds the headers of a packet, as far as its captured bytes go. It knows the link types and tunnels of
/// [`dissect`](crate::dissect), and finds the same in them.
///
/// # Examples
///
/// ```
/// use pcaps_file::{LinkType, detail};
///
/// let bytes = [
///     0x45, 0xb8, 0, 28, 0, 0, 0, 0, 64, 17, 0, 0, 192, 0, 2, 1, 192, 0, 2, 53, // IPv4
///     0xc0, 0, 0, 53, 0, 8, 0, 0, // UDP
/// ];
/// let ip = detail(LinkType::RAW, &bytes).ip.expect("an IP header");
/// assert_eq!((ip.hops, ip.traffic_class >> 2), (64, 46));
/// assert_eq!((ip.payload_len, ip.above), (Some(8), &bytes[20..]));
/// ```
pub fn detail(link_type: LinkType, bytes: &[u8]) -> Detail<'_> {
    // Which headers there are on the way is not asked for.
    let mut layers = Layers::new(link_type);
    let mut detail = Detail {
        vlan: link::vlan(link_type, bytes),
        ..Detail::default()
    };
    let Some(network) = link::network(link_type, bytes, &mut layers) else {
        return detail;
    };
    let Some(ip) = Ip::parse(network) else {
        return detail;
    };
    detail.ip = IpHeader::new(&ip, network);
    if tunnel::is_one(&ip)
        && let Some(found) = tunnel::innermost(network, layers)
        && found.tunnels > 0
    {
        detail.outer = detail.ip;
        detail.ip = IpHeader::new(&found.ip, found.network);
        detail.tunnels = found.tunnels;
    }
    detail
}

impl<'a> IpHeader<'a> {
    /// Of a header that was parsed before.
    fn new(ip: &Ip<'a>, network: Network<'a>) -> Option<Self> {
        let (hops, traffic_class, fragment, payload_len) = match network {
            Network::V4(bytes) => of_v4(bytes.first_chunk()?),
            Network::V6(bytes) => {
                let (header, rest) = bytes.split_first_chunk()?;
                of_v6(header, rest)
            }
        };
        let [source, destination] = ip.addresses();
        Some(Self {
            source,
            destination,
            protocol: ip.protocol,
            hops,
            traffic_class,
            fragment,
            payload_len,
            above: ip.above,
        })
    }
}

type Fields = (u8, u8, Option<Fragment>, Option<u32>);

fn of_v4(header: &[u8; 20]) -> Fields {
    let number = |at: usize| u16::from_be_bytes([header[at], header[at + 1]]);
    let (header_len, total_len) = (u32::from(header[0] & 0x0f) * 4, u32::from(number(2)));
    let place = number(6);
    let (offset, has_more) = (u32::from(place & 0x1fff) * 8, place & 0x2000 != 0);
    let fragment = (offset > 0 || has_more).then(|| Fragment {
        id: number(4).into(),
        offset,
        has_more,
    });
    let is_sound = header_len >= 20;
    let payload_len = total_len.checked_sub(header_len).filter(|_| is_sound);
    (header[8], header[1], fragment, payload_len)
}

fn of_v6(header: &[u8; 40], rest: &[u8]) -> Fields {
    let len = u32::from(u16::from_be_bytes([header[4], header[5]]));
    let traffic_class = header[0] << 4 | header[1] >> 4;
    // Behind the packet there may be what Ethernet fills its frames with.
    let own = rest.get(..len as usize).filter(|_| len > 0);
    let extensions = ip::extensions(header[6], own.unwrap_or(rest));
    let fragment = extensions.fragment.map(|it| Fragment {
        id: it.id,
        offset: it.offset,
        has_more: it.has_more,
    });
    // A packet in one piece may still have a fragment header, which says so.
    let fragment = fragment.filter(|it| it.offset > 0 || it.has_more);
    let payload_len = extensions.len.and_then(|it| len.checked_sub(it));
    let payload_len = payload_len.filter(|_| len > 0);
    (header[7], traffic_class, fragment, payload_len)
}

#[cfg(test)]
mod tests;
