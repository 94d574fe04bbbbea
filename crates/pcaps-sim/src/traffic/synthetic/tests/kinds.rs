//! What there is, and between whom.

use std::net::IpAddr;

use etherparse::{Icmpv4Type, Icmpv6Type, NetHeaders, TransportHeader};

use super::{super::game, Parsed, parse, seconds};

#[test]
fn every_address_is_set_aside_for_examples() {
    let is_example = |address: &IpAddr| match address {
        IpAddr::V4(it) => matches!(
            it.octets(),
            [192, 0, 2, _] | [198, 51, 100, _] | [203, 0, 113, _] | [198, 18..=19, _, _]
        ),
        IpAddr::V6(it) => it.segments()[..2] == [0x2001, 0xDB8],
    };
    for (_, packet) in seconds(5, 60) {
        for address in parse(&packet).addresses() {
            assert!(is_example(&address), "{address}");
        }
    }
}

/// What sort of packet it is, as a line of the list below.
fn kind(parsed: &Parsed<'_>) -> &'static str {
    let is_v6 = matches!(parsed.net, NetHeaders::Ipv6(..));
    // Flood, amplification, scan: 198.18.0.0/15.
    let attacks = parsed
        .addresses()
        .iter()
        .any(|it| matches!(it, IpAddr::V4(it) if matches!(it.octets(), [198, 18..=19, ..])));
    match &parsed.transport {
        TransportHeader::Tcp(tcp) => match (tcp.source_port, tcp.destination_port) {
            _ if attacks => "scan or flood",
            (_, 443) if is_v6 => "https up v6",
            (443, _) if is_v6 => "https down v6",
            (_, 443) => "https up",
            (443, _) => "https down",
            (_, 80) if parsed.payload.starts_with(b"GET ") => "http request",
            (80, _) if parsed.payload.starts_with(b"HTTP/1.1 ") => "http answer",
            _ => "http",
        },
        TransportHeader::Udp(udp) => match (udp.source_port, udp.destination_port) {
            (53, _) if attacks => "amplification",
            (_, 53) if is_v6 => "dns query v6",
            (53, _) if is_v6 => "dns answer v6",
            (_, 53) => "dns query",
            (53, _) => "dns answer",
            (_, 123) => "ntp query",
            (123, _) => "ntp answer",
            (_, 443) => "quic up",
            (443, _) => "quic down",
            (_, game::PORT) => "game up",
            (game::PORT, _) => "game down",
            ports => panic!("UDP from and to {ports:?}"),
        },
        TransportHeader::Icmpv4(icmp) => match icmp.icmp_type {
            Icmpv4Type::EchoRequest(_) => "echo request",
            Icmpv4Type::EchoReply(_) => "echo reply",
            ref other => panic!("ICMP {other:?}"),
        },
        TransportHeader::Icmpv6(icmp) => match icmp.icmp_type {
            Icmpv6Type::EchoRequest(_) => "echo request v6",
            Icmpv6Type::EchoReply(_) => "echo reply v6",
            ref other => panic!("ICMPv6 {other:?}"),
        },
        other @ TransportHeader::Igmp(_) => panic!("{other:?}"),
    }
}

#[test]
fn every_kind_of_traffic_is_in_a_minute() {
    for seed in 0..8 {
        let packets = seconds(seed, 60);
        let mut kinds: Vec<_> = packets
            .iter()
            .map(|(_, packet)| kind(&parse(packet)))
            .collect();
        kinds.sort_unstable();
        kinds.dedup();
        let all = [
            "amplification",
            "dns answer",
            "dns answer v6",
            "dns query",
            "dns query v6",
            "echo reply",
            "echo reply v6",
            "echo request",
            "echo request v6",
            "game down",
            "game up",
            "http",
            "http answer",
            "http request",
            "https down",
            "https down v6",
            "https up",
            "https up v6",
            "ntp answer",
            "ntp query",
            "quic down",
            "quic up",
            "scan or flood",
        ];
        assert_eq!(kinds, all, "seed {seed}");
    }
}
