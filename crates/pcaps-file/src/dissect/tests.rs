//! Packets made by hand, whole and cut.

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
    let in_ether_type = |ether_type: [u8; 2], ip: &[u8]| [&[0; 12], &ether_type[..], ip].concat();
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

/// GRE of version 0 with these fields, in front of the payload.
fn gre(flags: u8, ether_type: u16, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![flags, 0];
    bytes.extend(ether_type.to_be_bytes());
    if flags & 0xc0 != 0 {
        bytes.extend([0xaa; 4]);
    }
    if flags & 0x20 != 0 {
        bytes.extend([0xbb; 4]);
    }
    if flags & 0x10 != 0 {
        bytes.extend([0xcc; 4]);
    }
    if flags & 0x40 != 0 {
        // One entry of a source route, and the end of the route.
        bytes.extend([8, 0, 0, 4, 192, 0, 2, 9, 0, 0, 0, 0]);
    }
    bytes.extend(payload);
    bytes
}

fn ethernet(ether_type: u16, payload: &[u8]) -> Vec<u8> {
    [&[0; 12], &ether_type.to_be_bytes()[..], payload].concat()
}

/// Looks at every beginning of a packet in a tunnel, whose TCP header ends it: what is found only grows, and nothing
/// is claimed that the whole packet does not have.
fn cut_everywhere(link_type: LinkType, bytes: &[u8]) {
    let whole = dissect(link_type, bytes);
    for cut in 0..bytes.len() {
        let found = dissect(link_type, &bytes[..cut]);
        for (found, whole) in [
            (
                found.source.map(|it| it.to_string()),
                whole.source.map(|it| it.to_string()),
            ),
            (
                found.source_port.map(|it| it.to_string()),
                whole.source_port.map(|it| it.to_string()),
            ),
        ] {
            assert!(found.is_none() || found == whole, "cut at {cut}");
        }
        if let (Some(found), Some(whole)) = (found.inner, whole.inner)
            && found.tunnels == whole.tunnels
        {
            assert_eq!(
                (found.source, found.destination),
                (whole.source, whole.destination)
            );
            assert!(found.source_port.is_none() || found.source_port == whole.source_port);
            assert!(found.tcp_flags.is_none() || found.tcp_flags == whole.tcp_flags);
        }
        let has_ports = found.inner.is_some_and(|inner| inner.source_port.is_some());
        let depth = found.inner.map(|inner| inner.tunnels);
        if depth == whole.inner.map(|inner| inner.tunnels) {
            assert_eq!(has_ports, cut + 16 >= bytes.len(), "cut at {cut}");
        }
    }
}

#[test]
fn gre_with_every_combination_of_fields() {
    let v4 = ipv4(6, 0, &TCP_HEADER);
    let v6 = ipv6(6, &TCP_HEADER);
    let payloads = [
        (0x0800, v4.clone()),
        (0x86dd, v6.clone()),
        (0x6558, ethernet(0x0800, &v4)),
        (
            0x6558,
            ethernet(0x8100, &[&[0, 5, 0x86, 0xdd], &v6[..]].concat()),
        ),
        (0x8100, [&[0, 5, 0x08, 0x00], &v4[..]].concat()),
    ];
    for flags in (0..16_u8).map(|bits| bits << 4) {
        for (ether_type, payload) in &payloads {
            let tunnel = gre(flags, *ether_type, payload);
            for bytes in [ipv4(47, 0, &tunnel), ipv6(47, &tunnel)] {
                let found = dissect(LinkType::RAW, &bytes);
                assert_eq!((found.protocol, ports(&found)), (Some(47), None));
                let inner = found.inner.expect("a tunnel");
                assert_eq!(
                    (inner.tunnels, inner.protocol),
                    (1, 6),
                    "{flags:02x} {ether_type:04x}"
                );
                assert_eq!(inner.source_port, Some(443));
                assert_eq!(inner.destination_port, Some(50_000));
                assert_eq!(inner.tcp_flags, Some(TcpFlags(0x12)));
                cut_everywhere(LinkType::RAW, &bytes);
            }
        }
    }
}

#[test]
fn gre_that_is_not_unwrapped() {
    let v4 = ipv4(6, 0, &TCP_HEADER);
    let mut of_version_1 = gre(0x20, 0x0800, &v4);
    of_version_1[1] = 1;
    // The entry claims more than there is.
    let mut long_route = gre(0x40, 0x0800, &v4);
    long_route[11] = 255;
    for tunnel in [
        of_version_1,
        long_route,
        gre(0, 0x880b, &v4),
        gre(0, 0x86dd, &v4),
        gre(0, 0x0800, &[]),
    ] {
        let found = dissect(LinkType::RAW, &ipv4(47, 0, &tunnel));
        assert_eq!(
            (found.protocol, found.inner),
            (Some(47), None),
            "{tunnel:02x?}"
        );
    }
}

#[test]
fn ip_in_ip() {
    let (v4, v6) = (ipv4(6, 0, &TCP_HEADER), ipv6(6, &TCP_HEADER));
    for (number, payload) in [(4, &v4), (41, &v6)] {
        for bytes in [ipv4(number, 0, payload), ipv6(number, payload)] {
            let found = dissect(LinkType::RAW, &bytes);
            assert_eq!((found.protocol, ports(&found)), (Some(number), None));
            let inner = found.inner.expect("a tunnel");
            assert_eq!((inner.tunnels, inner.protocol), (1, 6));
            assert_eq!(inner.source_port, Some(443));
            cut_everywhere(LinkType::RAW, &bytes);
        }
    }
    // The number says another version than the header.
    assert_eq!(dissect(LinkType::RAW, &ipv4(41, 0, &v4)).inner, None);
    assert_eq!(dissect(LinkType::RAW, &ipv4(4, 0, &v6)).inner, None);
    // Only a tunnel's first fragment has a header in it.
    assert!(
        dissect(LinkType::RAW, &ipv4(4, 0x2000, &v4))
            .inner
            .is_some()
    );
    assert_eq!(dissect(LinkType::RAW, &ipv4(4, 0x2001, &v4)).inner, None);
}

#[test]
fn tunnels_in_tunnels_have_an_end() {
    let mut bytes = ipv4(17, 0, &TCP_HEADER);
    for tunnels in 1..=40_u8 {
        bytes = ipv4(4, 0, &bytes);
        let inner = dissect(LinkType::RAW, &bytes).inner.expect("a tunnel");
        assert_eq!(inner.tunnels, tunnels.min(4));
        assert_eq!(inner.protocol, if tunnels <= 4 { 17 } else { 4 });
    }
}

#[test]
fn a_header_of_another_version_is_none() {
    let (v4, v6) = (ipv4(6, 0, &TCP_HEADER), ipv6(6, &TCP_HEADER));
    for (link_type, bytes) in [
        (1, ethernet(0x86dd, &v4)),
        (1, ethernet(0x0800, &v6)),
        (228, v6.clone()),
        (229, v4.clone()),
        (108, [&[2, 0, 0, 0], &v4[..]].concat()),
        (113, [&[0; 14], &[0, 4][..], &v4].concat()),
    ] {
        assert_eq!(
            dissect(LinkType(link_type), &bytes),
            Dissection::default(),
            "{link_type}"
        );
    }
    let openbsd = [&[0, 0, 0, 24], &v6[..]].concat();
    assert_eq!(
        ports(&dissect(LinkType::LOOP, &openbsd)),
        Some((443, 50_000))
    );
}

#[test]
fn names_of_headers_in_their_order() {
    let tunnel = ipv4(47, 0, &gre(0, 0x6558, &ethernet(0x86dd, &ipv6(58, &[]))));
    let bytes = ethernet(
        0x88a8,
        &[&[0, 1, 0x81, 0, 0, 2, 8, 0], &tunnel[..]].concat(),
    );
    let names = |bytes: &[u8]| -> Vec<String> {
        let layers = match Outermost::of(LinkType::ETHERNET, bytes) {
            Outermost::All(headers) => headers.layers,
            Outermost::Tunnel(network, layers) => Headers::inside(network, layers).layers,
        };
        layers.headers().map(Layer::name).collect()
    };
    assert_eq!(
        names(&bytes),
        [
            "VLAN 802.1ad",
            "VLAN",
            "IPv4",
            "GRE",
            "Ethernet",
            "IPv6",
            "ICMPv6"
        ]
    );
    assert_eq!(names(&bytes[..16]), ["VLAN 802.1ad"]);
    assert_eq!(names(&ethernet(60, &[])), ["LLC"]);
    assert_eq!(names(&ethernet(0x1234, &[])), ["EtherType 0x1234"]);
    // What is too deep is not kept.
    let tags = [[0, 1, 0x81, 0]; 20].concat();
    assert_eq!(names(&ethernet(0x8100, &tags)), ["VLAN"; 8]);
}
