//! The addresses, protocol and ports of a packet.

use std::net::IpAddr;

use crate::ip::Ip;
use crate::layers::{Layer, Layers};
use crate::link::{self, Network};
use crate::packet::LinkType;
use crate::tunnel;

/// What [`dissect`] found in a packet; `None` is what is not there, or was cut off.
///
/// All but [`inner`](Self::inner) is of the outermost IP header: what a router sees of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Dissection {
    /// The source address, of IPv4 or IPv6. It is there exactly if the fixed part
    /// of the IP header is whole.
    pub source: Option<IpAddr>,
    /// The destination address. It is there exactly if the source is.
    pub destination: Option<IpAddr>,
    /// IANA's number of the protocol above IP: for IPv6 of the first header that is not an extension
    /// header. An authentication header (51) ends the search, and so does the end of the captured bytes.
    pub protocol: Option<u8>,
    /// The source port of TCP, UDP or SCTP. Later fragments of a packet have none.
    pub source_port: Option<u16>,
    /// The destination port of TCP, UDP or SCTP. Later fragments of a packet have none.
    pub destination_port: Option<u16>,
    /// The flags of TCP.
    pub tcp_flags: Option<TcpFlags>,
    /// The innermost IP header, if the outermost is a tunnel's.
    pub inner: Option<Inner>,
}

/// The innermost IP header of a packet that went through a tunnel, and what is above it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Inner {
    /// How many tunnels were unwrapped: 1 to 4.
    pub tunnels: u8,
    /// The source address.
    pub source: IpAddr,
    /// The destination address.
    pub destination: IpAddr,
    /// IANA's number of the protocol above IP.
    pub protocol: u8,
    /// The source port of TCP, UDP or SCTP.
    pub source_port: Option<u16>,
    /// The destination port of TCP, UDP or SCTP.
    pub destination_port: Option<u16>,
    /// The flags of TCP.
    pub tcp_flags: Option<TcpFlags>,
}

/// The flags of a TCP header: its fourteenth byte.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct TcpFlags(pub u8);

impl TcpFlags {
    /// The sender has no more to send.
    pub const FIN: Self = Self(0x01);
    /// The connection begins.
    pub const SYN: Self = Self(0x02);
    /// The connection is reset.
    pub const RST: Self = Self(0x04);
    /// What was sent so far is to be delivered.
    pub const PSH: Self = Self(0x08);
    /// The acknowledgement number counts.
    pub const ACK: Self = Self(0x10);
    /// The urgent pointer counts.
    pub const URG: Self = Self(0x20);

    /// Whether all flags of `other` are set.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

/// Finds the addresses, protocol and ports of a packet, as far as its captured bytes go.
///
/// It knows Ethernet (with VLAN tags), raw IP, BSD and OpenBSD loopback and both versions of Linux cooked capture;
/// of other link types nothing is found. It unwraps GRE (version 0, with IP or Ethernet in it) and IP in IP, up to
/// four of them. Any bytes will do: what makes no sense is not found.
///
/// # Examples
///
/// ```
/// use pcaps_file::{LinkType, dissect};
///
/// let bytes = [
///     0x45, 0, 0, 28, 0, 0, 0, 0, 64, 17, 0, 0, 192, 0, 2, 1, 192, 0, 2, 53, // IPv4
///     0xc0, 0, 0, 53, 0, 8, 0, 0, // UDP
/// ];
/// let found = dissect(LinkType::RAW, &bytes);
/// assert_eq!(found.protocol, Some(17));
/// assert_eq!(found.destination_port, Some(53));
/// assert_eq!(found.inner, None);
/// ```
pub fn dissect(link_type: LinkType, bytes: &[u8]) -> Dissection {
    // Which headers there are on the way is not asked for.
    let mut layers = Layers::new(link_type);
    let network = link::network(link_type, bytes, &mut layers);
    let Some((network, ip)) = network.and_then(|it| Some((it, Ip::parse(it)?))) else {
        return Dissection::default();
    };
    let inner = tunnel::is_one(&ip).then(|| tunnel::innermost(network, layers));
    let ports = ip.ports();
    let [source, destination] = ip.addresses();
    Dissection {
        source: Some(source),
        destination: Some(destination),
        protocol: Some(ip.protocol),
        source_port: ports.map(|[source, _]| source),
        destination_port: ports.map(|[_, destination]| destination),
        tcp_flags: ip.tcp_flags(),
        inner: inner.flatten().filter(|it| it.tunnels > 0).map(|inner| {
            let ip = inner.ip;
            let ports = ip.ports();
            let [source, destination] = ip.addresses();
            Inner {
                tunnels: inner.tunnels,
                source,
                destination,
                protocol: ip.protocol,
                source_port: ports.map(|[source, _]| source),
                destination_port: ports.map(|[_, destination]| destination),
                tcp_flags: ip.tcp_flags(),
            }
        }),
    }
}

/// All headers of a packet, as far as they are known and whole.
pub(crate) struct Headers<'a> {
    pub(crate) layers: Layers,
    /// The innermost IP header.
    pub(crate) ip: Option<Ip<'a>>,
    /// How many tunnels are around it.
    pub(crate) tunnels: u8,
}

/// What a packet's headers are up to the first of IP.
pub(crate) enum Outermost<'a> {
    /// These are all that are known.
    All(Headers<'a>),
    /// There may be others, [inside](Headers::inside).
    Tunnel(Network<'a>, Layers),
}

impl<'a> Outermost<'a> {
    #[expect(
        clippy::inline_always,
        reason = "as a call, what it finds goes through memory"
    )]
    #[inline(always)]
    pub(crate) fn of(link_type: LinkType, bytes: &'a [u8]) -> Self {
        let mut layers = Layers::new(link_type);
        let network = link::network(link_type, bytes, &mut layers);
        let ip = network.and_then(|it| Some((it, Ip::parse(it)?)));
        if let Some((network, ip)) = &ip {
            layers.push(Layer::protocol(ip.protocol));
            if tunnel::is_one(ip) {
                return Self::Tunnel(*network, layers);
            }
        }
        Self::All(Headers {
            layers,
            ip: ip.map(|(_, ip)| ip),
            tunnels: 0,
        })
    }
}

impl<'a> Headers<'a> {
    /// Those of a packet that may be a tunnel's.
    #[inline]
    pub(crate) fn inside(network: Network<'a>, layers: Layers) -> Self {
        let found = tunnel::innermost(network, layers);
        Self {
            layers: found.as_ref().map_or(layers, |it| it.layers),
            tunnels: found.as_ref().map_or(0, |it| it.tunnels),
            ip: found.map(|it| it.ip),
        }
    }
}

#[cfg(test)]
mod tests;
