//! Packets made by hand, and noise.

use super::*;
use crate::dissect;

fn ipv4(protocol: u8, fragment: u16, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0x45, 0x2e, 0, 0, 0x12, 0x34, 0, 0, 57, protocol, 0, 0];
    bytes[6..8].copy_from_slice(&fragment.to_be_bytes());
    bytes.extend([192, 0, 2, 1, 198, 51, 100, 2]);
    bytes.extend(payload);
    let len = u16::try_from(bytes.len()).unwrap_or(0);
    bytes[2..4].copy_from_slice(&len.to_be_bytes());
    bytes
}

fn ipv6(next: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0x62, 0xe0, 0, 0, 0, 0, next, 63];
    let len = u16::try_from(payload.len()).unwrap_or(0);
    bytes[4..6].copy_from_slice(&len.to_be_bytes());
    bytes.extend([0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
    bytes.extend([0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2]);
    bytes.extend(payload);
    bytes
}

fn innermost(bytes: &[u8]) -> IpHeader<'_> {
    detail(LinkType::RAW, bytes).ip.expect("an IP header")
}

#[test]
fn what_a_header_says() {
    let bytes = ipv4(17, 0x4000, &[7; 9]);
    let ip = innermost(&bytes);
    assert_eq!((ip.hops, ip.traffic_class, ip.protocol), (57, 0x2e, 17));
    assert_eq!(
        (ip.fragment, ip.payload_len, ip.above.len()),
        (None, Some(9), 9)
    );
    let bytes = ipv6(17, &[7; 9]);
    let ip = innermost(&bytes);
    assert_eq!((ip.hops, ip.traffic_class, ip.protocol), (63, 0x2e, 17));
    assert_eq!(
        (ip.fragment, ip.payload_len, ip.above.len()),
        (None, Some(9), 9)
    );
    // Cut: the length is still known.
    let ip = innermost(&bytes[..44]);
    assert_eq!((ip.payload_len, ip.above.len()), (Some(9), 4));
}

#[test]
fn fragments_of_both_versions() {
    let fragment = |id, offset, has_more| {
        Some(Fragment {
            id,
            offset,
            has_more,
        })
    };
    assert_eq!(
        innermost(&ipv4(17, 0x2000, &[0; 8])).fragment,
        fragment(0x1234, 0, true)
    );
    assert_eq!(
        innermost(&ipv4(17, 0x00b9, &[0; 8])).fragment,
        fragment(0x1234, 1_480, false)
    );
    let piece = |place: u16| {
        let [high, low] = place.to_be_bytes();
        let header = [17, 0, high, low, 0xde, 0xad, 0xbe, 0xef];
        ipv6(44, &[&header[..], &[7; 16]].concat())
    };
    let later = piece(0x05c8 | 1);
    let ip = innermost(&later);
    assert_eq!(ip.fragment, fragment(0xdead_beef, 1_480, true));
    assert_eq!((ip.payload_len, ip.above), (Some(16), &[][..]));
    assert_eq!(
        innermost(&piece(1)).fragment,
        fragment(0xdead_beef, 0, true)
    );
    // In one piece, in spite of its header.
    let whole = piece(0);
    assert_eq!(innermost(&whole).fragment, None);
    assert_eq!(innermost(&whole).payload_len, Some(16));
}

#[test]
fn lengths_that_are_no_lengths() {
    let mut offloaded = ipv4(6, 0, &[0; 20]);
    offloaded[2..4].copy_from_slice(&[0, 0]);
    assert_eq!(innermost(&offloaded).payload_len, None);
    assert_eq!(innermost(&offloaded).above.len(), 20);
    let mut short_header = ipv4(6, 0, &[0; 20]);
    short_header[0] = 0x44;
    assert_eq!(innermost(&short_header).payload_len, None);
    let jumbo = [&ipv6(6, &[])[..], &[0; 20]].concat();
    assert_eq!(innermost(&jumbo).payload_len, None);
    // Extension headers that claim more than the packet has.
    assert_eq!(
        innermost(&ipv6(0, &[6, 9, 0, 0, 0, 0, 0, 0])).payload_len,
        None
    );
    // One that is cut.
    assert_eq!(innermost(&ipv6(0, &[6, 0, 0, 0])).payload_len, None);
}

#[test]
fn tunnels_have_two_ends() {
    let inside = ipv6(17, &[7; 8]);
    let bytes = ipv4(4, 0, &ipv4(41, 0, &inside));
    let found = detail(LinkType::RAW, &bytes);
    let (outer, ip) = (found.outer.expect("a tunnel"), found.ip.expect("a packet"));
    assert_eq!((found.tunnels, outer.protocol, ip.protocol), (2, 4, 17));
    assert!(outer.source.is_ipv4() && ip.source.is_ipv6());
    assert_eq!(ip.payload_len, Some(8));
    assert_eq!(detail(LinkType::RAW, &inside).outer, None);
}

#[test]
fn the_outermost_tag() {
    let ip = ipv4(17, 0, &[]);
    let tag = |kind: [u8; 2], id: u16, rest: &[u8]| {
        [&kind[..], &(0xa000 | id).to_be_bytes(), rest].concat()
    };
    let inner = tag([0x81, 0], 5, &[&[8, 0], &ip[..]].concat());
    let both = tag([0x88, 0xa8], 4_095, &inner);
    let ethernet = |rest: &[u8]| [&[0; 12], rest].concat();
    let vlan = |link_type, bytes: &[u8]| detail(link_type, bytes).vlan;
    assert_eq!(vlan(LinkType::ETHERNET, &ethernet(&inner)), Some(5));
    assert_eq!(vlan(LinkType::ETHERNET, &ethernet(&both)), Some(4_095));
    assert_eq!(vlan(LinkType::ETHERNET, &ethernet(&[8, 0])), None);
    assert_eq!(vlan(LinkType::ETHERNET, &ethernet(&both)[..15]), None);
    let cooked = [&[0; 14], &inner[..]].concat();
    assert_eq!(vlan(LinkType::LINUX_SLL, &cooked), Some(5));
    let cooked = [&[0x81, 0], &[0; 18][..], &inner[2..]].concat();
    assert_eq!(vlan(LinkType::LINUX_SLL2, &cooked), Some(5));
    assert_eq!(vlan(LinkType::RAW, &ip), None);
}

/// It finds what `dissect` finds, whatever the bytes are.
#[test]
fn noise_is_seen_as_dissect_sees_it() {
    let mut state = 1_u64;
    let mut noise = [0_u8; 128];
    let mut tunnels = 0;
    for round in 0..20_000_usize {
        for byte in &mut noise {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            *byte = state.to_be_bytes()[0];
        }
        match round % 3 {
            0 => {
                noise[0] = 0x60;
                noise[6] = [0, 43, 44, 51, 60, 6, 4, 41][round / 3 % 8];
                for byte in &mut noise[40..] {
                    *byte = [0, 43, 44, 60, 1, 6, 0x45][usize::from(*byte) % 7];
                }
            }
            1 => {
                noise[0] = 0x45;
                noise[6..10].copy_from_slice(&[0, 0, 9, [4, 41, 47][round / 3 % 3]]);
                noise[20] = 0x45;
            }
            _ => {}
        }
        for link_type in [0, 1, 101, 113, 228, 229, 276].map(LinkType) {
            let bytes = &noise[..round % 129];
            let (ours, theirs) = (detail(link_type, bytes), dissect(link_type, bytes));
            let outer = ours.outer.or(ours.ip);
            assert_eq!(outer.map(|it| it.source), theirs.source);
            assert_eq!(outer.map(|it| it.destination), theirs.destination);
            assert_eq!(outer.map(|it| it.protocol), theirs.protocol);
            assert_eq!(ours.outer.is_some(), theirs.inner.is_some());
            if let (Some(inner), Some(ip)) = (theirs.inner, ours.ip) {
                assert_eq!((inner.source, inner.protocol), (ip.source, ip.protocol));
                assert_eq!(inner.tunnels, ours.tunnels);
                tunnels += 1;
            }
        }
    }
    assert!(tunnels > 1_000, "{tunnels}");
}
