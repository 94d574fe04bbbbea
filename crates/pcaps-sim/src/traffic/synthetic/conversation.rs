//! Two hosts and the packets between them: headers, lengths and checksums.

use bytes::Bytes;
use etherparse::{
    IcmpEchoHeader, Icmpv4Header, Icmpv4Type, Icmpv6Header, Icmpv6Type, IpNumber, Ipv4Header,
    Ipv6FlowLabel, Ipv6Header, TcpHeader, UdpHeader,
};
use fastrand::Rng;

use super::tunnel;

/// The longest IP packet, in bytes.
pub(super) const MTU: usize = 1500;

/// Why building never fails: no flow makes a payload near the 65,535 bytes of an IP packet.
const FITS: &str = "a packet of an MTU fits the length fields of its headers";

/// The addresses of the client and of the server.
#[derive(Clone, Copy, Debug)]
pub(super) enum Addresses {
    /// IPv4.
    V4([u8; 4], [u8; 4]),
    /// IPv6.
    V6([u8; 16], [u8; 16]),
}

/// Which way a packet goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// From the client to the server.
    Up,
    /// From the server to the client.
    Down,
}

impl Way {
    /// The other way.
    pub(super) fn back(self) -> Self {
        match self {
            Self::Up => Self::Down,
            Self::Down => Self::Up,
        }
    }
}

/// Something that each end has.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ends<T> {
    pub(super) client: T,
    pub(super) server: T,
}

impl<T> Ends<T> {
    /// What the sender of a packet that goes `way` has.
    pub(super) fn sender(&mut self, way: Way) -> &mut T {
        match way {
            Way::Up => &mut self.client,
            Way::Down => &mut self.server,
        }
    }
}

/// Two hosts, as they are seen at one point between them.
#[derive(Debug)]
pub(super) struct Conversation {
    addresses: Addresses,
    /// Whether the packets are seen in the tunnel.
    is_tunnelled: bool,
    /// The client's port, and the server's.
    ports: [u16; 2],
    /// Hops left, where the packets are seen.
    ttl: Ends<u8>,
    /// The next IPv4 identification.
    id: Ends<u16>,
    flow_label: Ends<Ipv6FlowLabel>,
    /// How long a host's answer to a packet seen here takes to be seen here, in microseconds.
    pub(super) delay: Ends<u64>,
}

impl Conversation {
    /// A conversation with chance identifications, flow labels and delays.
    pub(super) fn new(rng: &mut Rng, addresses: Addresses, ttl: Ends<u8>, ports: [u16; 2]) -> Self {
        let label = |rng: &mut Rng| {
            Ipv6FlowLabel::try_new(rng.u32(1..=Ipv6FlowLabel::MAX_U32)).unwrap_or_default()
        };
        Self {
            addresses,
            is_tunnelled: false,
            ports,
            ttl,
            id: Ends {
                client: rng.u16(..),
                server: rng.u16(..),
            },
            flow_label: Ends {
                client: label(rng),
                server: label(rng),
            },
            delay: Ends {
                client: rng.u64(8_000..120_000),
                server: rng.u64(400..12_000),
            },
        }
    }

    /// The same conversation, seen in the tunnel.
    pub(super) fn in_tunnel(self) -> Self {
        Self {
            is_tunnelled: true,
            ..self
        }
    }

    /// The longest packet that is seen of it, in bytes, without the tunnel's headers.
    pub(super) fn mtu(&self) -> usize {
        if self.is_tunnelled {
            MTU - tunnel::LEN
        } else {
            MTU
        }
    }

    /// Whether it is spoken over IPv6.
    pub(super) fn is_v6(&self) -> bool {
        matches!(self.addresses, Addresses::V6(..))
    }

    /// Source and destination port.
    fn ports(&self, way: Way) -> [u16; 2] {
        let [client, server] = self.ports;
        match way {
            Way::Up => [client, server],
            Way::Down => [server, client],
        }
    }

    /// Source and destination address.
    fn addresses(&self, way: Way) -> Addresses {
        match (way, self.addresses) {
            (Way::Up, addresses) => addresses,
            (Way::Down, Addresses::V4(client, server)) => Addresses::V4(server, client),
            (Way::Down, Addresses::V6(client, server)) => Addresses::V6(server, client),
        }
    }

    /// A TCP segment. Ports and checksum of `header` are filled in.
    pub(super) fn tcp(&mut self, way: Way, mut header: TcpHeader, payload: &[u8]) -> Bytes {
        [header.source_port, header.destination_port] = self.ports(way);
        header.checksum = match self.addresses(way) {
            Addresses::V4(from, to) => header.calc_checksum_ipv4_raw(from, to, payload),
            Addresses::V6(from, to) => header.calc_checksum_ipv6_raw(from, to, payload),
        }
        .expect(FITS);
        self.ip(way, IpNumber::TCP, &header.to_bytes(), payload)
    }

    /// A UDP datagram.
    pub(super) fn udp(&mut self, way: Way, payload: &[u8]) -> Bytes {
        let [source_port, destination_port] = self.ports(way);
        let mut header = UdpHeader {
            source_port,
            destination_port,
            length: length(UdpHeader::LEN + payload.len()),
            checksum: 0,
        };
        header.checksum = match self.addresses(way) {
            Addresses::V4(from, to) => header.calc_checksum_ipv4_raw(from, to, payload),
            Addresses::V6(from, to) => header.calc_checksum_ipv6_raw(from, to, payload),
        }
        .expect(FITS);
        self.ip(way, IpNumber::UDP, &header.to_bytes(), payload)
    }

    /// An echo request on the way up, an echo reply on the way down: ICMP or `ICMPv6`.
    pub(super) fn echo(&mut self, way: Way, id: u16, seq: u16, payload: &[u8]) -> Bytes {
        let echo = IcmpEchoHeader { id, seq };
        match self.addresses(way) {
            Addresses::V4(..) => {
                let kind = match way {
                    Way::Up => Icmpv4Type::EchoRequest(echo),
                    Way::Down => Icmpv4Type::EchoReply(echo),
                };
                let header = Icmpv4Header::with_checksum(kind, payload);
                self.ip(way, IpNumber::ICMP, &header.to_bytes(), payload)
            }
            Addresses::V6(from, to) => {
                let kind = match way {
                    Way::Up => Icmpv6Type::EchoRequest(echo),
                    Way::Down => Icmpv6Type::EchoReply(echo),
                };
                let header = Icmpv6Header::with_checksum(kind, from, to, payload).expect(FITS);
                self.ip(way, IpNumber::IPV6_ICMP, &header.to_bytes(), payload)
            }
        }
    }

    /// The next packet: an IP header before a transport header and its payload, behind the tunnel's headers if
    /// it is seen there.
    fn ip(&mut self, way: Way, protocol: IpNumber, transport: &[u8], payload: &[u8]) -> Bytes {
        let len = transport.len() + payload.len();
        // Exactly what it takes: anything more, and turning it into `Bytes` copies it again.
        let inner = len
            + match self.addresses {
                Addresses::V4(..) => Ipv4Header::MIN_LEN,
                Addresses::V6(..) => Ipv6Header::LEN,
            };
        let mut packet;
        if self.is_tunnelled {
            let whole = tunnel::LEN + inner;
            packet = Vec::with_capacity(whole);
            packet.extend_from_slice(&tunnel::header(way, length(whole), self.is_v6()));
        } else {
            packet = Vec::with_capacity(inner);
        }
        match self.addresses(way) {
            Addresses::V4(source, destination) => {
                let id = self.id.sender(way);
                *id = id.wrapping_add(1);
                let mut header = Ipv4Header {
                    total_len: length(inner),
                    identification: *id,
                    dont_fragment: true,
                    time_to_live: *self.ttl.sender(way),
                    protocol,
                    source,
                    destination,
                    ..Ipv4Header::default()
                };
                header.header_checksum = header.calc_header_checksum();
                packet.extend_from_slice(&header.to_bytes());
            }
            Addresses::V6(source, destination) => {
                let header = Ipv6Header {
                    traffic_class: 0,
                    flow_label: *self.flow_label.sender(way),
                    payload_length: length(len),
                    next_header: protocol,
                    hop_limit: *self.ttl.sender(way),
                    source,
                    destination,
                };
                packet.extend_from_slice(&header.to_bytes());
            }
        }
        packet.extend_from_slice(transport);
        packet.extend_from_slice(payload);
        packet.into()
    }
}

/// A length for a header's field.
fn length(len: usize) -> u16 {
    u16::try_from(len).expect(FITS)
}
