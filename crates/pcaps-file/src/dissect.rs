//! The addresses, protocol and ports of a packet.

use std::net::IpAddr;

use crate::ip::Ip;
use crate::link;
use crate::packet::LinkType;
use crate::protocol;

/// What [`dissect`] found in a packet; `None` is what is not there, or was cut off.
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
/// It knows Ethernet (with VLAN tags), raw IP, BSD loopback and both versions of Linux cooked capture;
/// of other link types nothing is found. It looks at the outermost IP header only, not into tunnels.
/// Any bytes will do: what makes no sense is not found.
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
/// ```
pub fn dissect(link_type: LinkType, bytes: &[u8]) -> Dissection {
    let Some(ip) = link::ip_packet(link_type, bytes).and_then(Ip::parse) else {
        return Dissection::default();
    };
    let mut found = Dissection {
        source: Some(ip.source),
        destination: Some(ip.destination),
        protocol: Some(ip.protocol),
        ..Dissection::default()
    };
    if matches!(ip.protocol, protocol::TCP | protocol::UDP | protocol::SCTP) {
        // A header that is cut after the ports still has them.
        if let Some(&[a, b, c, d]) = ip.above.first_chunk::<4>() {
            found.source_port = Some(u16::from_be_bytes([a, b]));
            found.destination_port = Some(u16::from_be_bytes([c, d]));
        }
        if ip.protocol == protocol::TCP {
            found.tcp_flags = ip.above.get(13).copied().map(TcpFlags);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    /// TCP from port 443 to 50000 with SYN and ACK.
    const TCP_HEADER: [u8; 20] = [
        0x01, 0xbb, 0xc3, 0x50, 0, 0, 0, 1, 0, 0, 0, 2, 0x50, 0x12, 0, 0, 0, 0, 0, 0,
    ];

    fn ipv4(protocol: u8, fragment: u16, payload: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0x45, 0, 0, 0, 0, 0, 0, 0, 64, protocol, 0, 0];
        bytes[6..8].copy_from_slice(&fragment.to_be_bytes());
        bytes.extend([192, 0, 2, 1, 198, 51, 100, 2]);
        bytes.extend(payload);
        let len = u16::try_from(bytes.len()).unwrap_or(0);
        bytes[2..4].copy_from_slice(&len.to_be_bytes());
        bytes
    }

    fn ipv6(next: u8, payload: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0x60, 0, 0, 0, 0, 0, next, 64];
        let len = u16::try_from(payload.len()).unwrap_or(0);
        bytes[4..6].copy_from_slice(&len.to_be_bytes());
        bytes.extend([0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
        bytes.extend([0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2]);
        bytes.extend(payload);
        bytes
    }

    fn ports(found: &Dissection) -> Option<(u16, u16)> {
        found.source_port.zip(found.destination_port)
    }

    #[test]
    fn all_link_types() {
        let v4 = ipv4(6, 0, &TCP_HEADER);
        let v6 = ipv6(6, &TCP_HEADER);
        let in_ether_type =
            |ether_type: [u8; 2], ip: &[u8]| [&[0; 12], &ether_type[..], ip].concat();
        let tagged = [&[0x81, 0, 0, 5, 0x08, 0][..], &v4].concat();
        let cases = [
            (1, in_ether_type([0x08, 0], &v4)),
            (1, in_ether_type([0x86, 0xdd], &v6)),
            (1, [&[0; 12][..], &tagged].concat()),
            (1, [&[0; 12][..], &[0x88, 0xa8, 0, 9], &tagged].concat()),
            (101, v4.clone()),
            (101, v6.clone()),
            (228, v4.clone()),
            (229, v6.clone()),
            (0, [&[2, 0, 0, 0], &v4[..]].concat()),
            (0, [&[0, 0, 0, 30], &v6[..]].concat()),
            (113, [&[0; 14], &[0x08, 0][..], &v4].concat()),
            (276, [&[0x86, 0xdd], &[0; 18][..], &v6].concat()),
            (276, [&[0x81, 0], &[0; 18][..], &[0, 5, 8, 0], &v4].concat()),
        ];
        for (link_type, bytes) in cases {
            let found = dissect(LinkType(link_type), &bytes);
            assert_eq!(
                found.protocol,
                Some(6),
                "link type {link_type}: {bytes:02x?}"
            );
            assert_eq!(ports(&found), Some((443, 50_000)), "link type {link_type}");
            assert_eq!(found.tcp_flags, Some(TcpFlags(0x12)));
            assert!(found.source.is_some() && found.destination.is_some());
            for cut in 0..bytes.len() {
                let found = dissect(LinkType(link_type), &bytes[..cut]);
                assert_eq!(found.source.is_some(), found.protocol.is_some());
            }
        }
        assert_eq!(dissect(LinkType(147), &v4), Dissection::default());
    }

    #[test]
    fn ports_of_a_header_that_is_cut() {
        let bytes = ipv4(6, 0, &TCP_HEADER);
        let found = dissect(LinkType::RAW, &bytes[..24]);
        assert_eq!(ports(&found), Some((443, 50_000)));
        assert_eq!(found.tcp_flags, None);
        assert_eq!(ports(&dissect(LinkType::RAW, &bytes[..23])), None);
    }

    #[test]
    fn only_first_fragments_have_ports() {
        let first = dissect(LinkType::RAW, &ipv4(17, 0x2000, &TCP_HEADER));
        assert_eq!(ports(&first), Some((443, 50_000)));
        let later = dissect(LinkType::RAW, &ipv4(17, 0x2001, &TCP_HEADER));
        assert_eq!((later.protocol, ports(&later)), (Some(17), None));

        let v6 = |offset: u8| {
            let header = [6, 0, 0, offset, 0, 0, 0, 0];
            dissect(
                LinkType::RAW,
                &ipv6(44, &[&header, &TCP_HEADER[..]].concat()),
            )
        };
        assert_eq!(ports(&v6(1)), Some((443, 50_000)));
        assert_eq!((v6(8).protocol, ports(&v6(8))), (Some(6), None));
    }

    #[test]
    fn payload_of_a_later_fragment_is_not_a_header() {
        // The fragment header announces destination options; what follows looks like them.
        let fragment = [60, 0, 0, 8, 0, 0, 0, 0];
        let options = [6, 0, 0, 0, 0, 0, 0, 0];
        let payload = [&fragment, &options, &TCP_HEADER[..]].concat();
        let found = dissect(LinkType::RAW, &ipv6(44, &payload));
        assert_eq!((found.protocol, ports(&found)), (Some(60), None));
    }

    #[test]
    fn an_authentication_header_is_the_protocol() {
        let header = [6, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1];
        let payload = [&header, &TCP_HEADER[..]].concat();
        for bytes in [ipv4(51, 0, &payload), ipv6(51, &payload)] {
            let found = dissect(LinkType::RAW, &bytes);
            assert_eq!((found.protocol, ports(&found)), (Some(51), None));
        }
    }

    #[test]
    fn extension_headers_cut_anywhere() {
        // Hop-by-hop options, routing of 16 bytes, destination options, and a first fragment.
        let mut payload = vec![43, 0, 0, 0, 0, 0, 0, 0, 60, 1];
        payload.extend([0; 14]);
        payload.extend([44, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 1, 0, 0, 0, 0]);
        payload.extend(TCP_HEADER);
        let bytes = ipv6(0, &payload);
        assert_eq!(ports(&dissect(LinkType::RAW, &bytes)), Some((443, 50_000)));
        let mut protocols = Vec::new();
        for cut in 40..bytes.len() {
            let found = dissect(LinkType::RAW, &bytes[..cut]);
            assert_eq!(ports(&found).is_some(), cut >= 40 + 40 + 4, "cut at {cut}");
            protocols.extend(found.protocol);
        }
        protocols.dedup();
        assert_eq!(protocols, [0, 43, 60, 44, 6]);
    }

    #[test]
    fn padding_is_not_a_header() {
        let mut bytes = ipv4(17, 0, &[]);
        bytes.extend([0; 26]);
        assert_eq!(ports(&dissect(LinkType::RAW, &bytes)), None);
    }

    #[test]
    fn noise_does_not_panic() {
        let mut state = 1_u64;
        let mut noise = [0_u8; 128];
        for round in 0..20_000_usize {
            for byte in &mut noise {
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1);
                *byte = state.to_be_bytes()[0];
            }
            // Half of it begins like IP, with extension headers.
            if round % 2 == 0 {
                noise[0] = 0x60;
                noise[6] = [0, 43, 44, 51, 60, 6][round / 2 % 6];
                for byte in &mut noise[40..] {
                    *byte = [0, 43, 44, 60, 1, 6][usize::from(*byte) % 6];
                }
            }
            for link_type in [0, 1, 101, 113, 228, 229, 276] {
                dissect(LinkType(link_type), &noise[..round % 129]);
            }
        }
    }
}
