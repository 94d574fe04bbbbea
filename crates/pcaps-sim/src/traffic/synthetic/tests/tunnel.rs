//! What is seen in the tunnel.

use etherparse::{IpNumber, NetHeaders};

use super::{Packets, assert_checksums, net_len, parse, seconds};

const SERVICE: [u8; 4] = [192, 0, 2, 1];
const ROUTER: [u8; 4] = [198, 51, 100, 1];

fn tunnelled(seed: u64) -> Packets {
    let packets = seconds(seed, 60);
    let all = packets.len();
    let tunnelled: Packets = packets
        .into_iter()
        .filter(|(_, packet)| parse(packet).tunnel.is_some())
        .collect();
    // A sixth, give or take: it goes by whole flows, and some are long.
    assert!((all / 20..all / 3).contains(&tunnelled.len()));
    tunnelled
}

#[test]
fn both_ways_between_the_service_and_the_router() {
    let mut ways = [0, 0];
    for (_, packet) in tunnelled(1) {
        let (outer, _) = parse(&packet).tunnel.expect("filtered");
        assert_eq!(outer.protocol, IpNumber::GRE);
        match [outer.source, outer.destination] {
            [SERVICE, ROUTER] => ways[0] += 1,
            [ROUTER, SERVICE] => ways[1] += 1,
            other => panic!("{other:?}"),
        }
    }
    assert!(ways.iter().all(|count| *count > 50), "{ways:?}");
}

#[test]
fn headers_are_as_they_should_be_outside_and_inside() {
    let mut inner = [0, 0];
    for (_, packet) in tunnelled(2) {
        let parsed = parse(&packet);
        assert_checksums(&parsed);
        let (outer, gre) = parsed.tunnel.as_ref().expect("filtered");
        assert_eq!(outer.header_checksum, outer.calc_header_checksum());
        assert!(outer.dont_fragment);
        assert_eq!(usize::from(outer.total_len), packet.len());
        assert_eq!(net_len(&parsed.net) + 24, packet.len());
        assert!(packet.len() <= 1_500);
        // No checksum, no key, no sequence number, version 0.
        assert_eq!(gre[..2], [0, 0]);
        if let NetHeaders::Ipv6(..) = parsed.net {
            assert_eq!(gre[2..], [0x86, 0xDD]);
            inner[1] += 1;
        } else {
            assert_eq!(gre[2..], [0x08, 0x00]);
            inner[0] += 1;
        }
    }
    assert!(inner.iter().all(|count| *count > 20), "{inner:?}");
}

#[test]
fn segments_fill_it() {
    let longest = tunnelled(3).iter().map(|(_, packet)| packet.len()).max();
    assert_eq!(longest, Some(1_500));
}

#[test]
fn nobody_speaks_from_its_ends() {
    for (_, packet) in seconds(4, 120) {
        let addresses = parse(&packet).addresses();
        assert!(!addresses.contains(&SERVICE.into()));
        assert!(!addresses.contains(&ROUTER.into()));
    }
}
